/*
 * CONNECT: the one packet whose form depends on what it says itself (name and level), and the one
 * with most fields.
 *
 * Once a connection, so it is written for reading, over a reader whose first failure sticks. Pure
 * functions, any thread.
 */
#include "mqtt/decode_priv.h"
#include "mqtt/topic.h"

enum connect_flag {
    CONNECT_RESERVED = 0x01,
    CONNECT_CLEAN_START = 0x02,
    CONNECT_WILL = 0x04,
    CONNECT_WILL_QOS = 0x18,
    CONNECT_WILL_RETAIN = 0x20,
    CONNECT_PASSWORD = 0x40,
    CONNECT_USERNAME = 0x80
};

enum { CONNECT_WILL_QOS_SHIFT = 3 };

/* The protocol's name and level. Source: [MQTT-3.1.2-1], [MQTT-3.1.2-2] */
static enum reason read_version(struct reader *r, struct packet_connect *out)
{
    struct slice name = reader_prefixed(r);
    uint8_t level = reader_u8(r);

    if (r->status != ST_OK)
        return REASON_MALFORMED_PACKET;
    if (!slice_is(name, "MQTT") || (level != MQTT_3_1_1 && level != MQTT_5))
        return REASON_UNSUPPORTED_PROTOCOL_VERSION;
    out->version = (enum mqtt_version)level;
    return REASON_SUCCESS;
}

/* Source: [MQTT-3.1.2-3], [MQTT-3.1.2-11] to -13; of 3.1.1 also [MQTT-3.1.2-22] */
static enum reason read_flags(struct reader *r, struct packet_connect *out)
{
    uint8_t flags = reader_u8(r);

    out->clean_start = (flags & CONNECT_CLEAN_START) != 0;
    out->has_will = (flags & CONNECT_WILL) != 0;
    out->has_password = (flags & CONNECT_PASSWORD) != 0;
    out->has_username = (flags & CONNECT_USERNAME) != 0;
    out->will.qos = (uint8_t)((flags & CONNECT_WILL_QOS) >> CONNECT_WILL_QOS_SHIFT);
    out->will.retain = (flags & CONNECT_WILL_RETAIN) != 0;
    if ((flags & CONNECT_RESERVED) != 0 || out->will.qos > 2)
        return REASON_MALFORMED_PACKET;
    if (!out->has_will && (out->will.qos != 0 || out->will.retain))
        return REASON_MALFORMED_PACKET;
    if (out->version == MQTT_3_1_1 && out->has_password && !out->has_username)
        return REASON_MALFORMED_PACKET;
    return r->status == ST_OK ? REASON_SUCCESS : REASON_MALFORMED_PACKET;
}

static enum reason read_properties(struct reader *r, struct packet_connect *out)
{
    enum reason reason = decode_properties(r, out->version, PACKET_CONNECT, &out->properties);

    if (reason != REASON_SUCCESS)
        return reason;
    /* MQTT 5.0 section 3.1.2.11.10 */
    if (property_has(&out->properties, PROPERTY_AUTH_DATA) &&
        !property_has(&out->properties, PROPERTY_AUTH_METHOD))
        return REASON_PROTOCOL_ERROR;
    return REASON_SUCCESS;
}

/*
 * Source: [MQTT-3.1.2-9], [MQTT-3.1.3-11]; that topics hold no wildcard: [MQTT-4.7.0-1],
 * [MQTT-3.3.2-14]
 */
static enum reason read_will(struct reader *r, struct packet_connect *out)
{
    struct packet_will *will = &out->will;
    enum reason reason = decode_properties(r, out->version, PROPERTY_IN_WILL, &will->properties);

    if (reason != REASON_SUCCESS)
        return reason;
    will->topic = reader_text(r);
    will->payload = reader_prefixed(r);
    if (r->status != ST_OK)
        return REASON_MALFORMED_PACKET;
    if (!topic_is_name(will->topic))
        return REASON_TOPIC_INVALID;
    if (property_has(&will->properties, PROPERTY_RESPONSE_TOPIC) &&
        !topic_is_name(will->properties.response_topic))
        return REASON_TOPIC_INVALID;
    return REASON_SUCCESS;
}

/* Client identifier, will, user name, password: in this order. Source: [MQTT-3.1.3-1] */
static enum reason read_payload(struct reader *r, struct packet_connect *out)
{
    out->client_id = reader_text(r);
    if (out->has_will) {
        enum reason reason = read_will(r, out);

        if (reason != REASON_SUCCESS)
            return reason;
    }
    if (out->has_username)
        out->username = reader_text(r);
    if (out->has_password)
        out->password = reader_prefixed(r);
    if (r->status != ST_OK || reader_left(r) != 0)
        return REASON_MALFORMED_PACKET;
    return REASON_SUCCESS;
}

enum reason decode_connect(struct slice body, struct packet_connect *out, bool *version_known)
{
    struct reader r = reader_of(body);
    enum reason reason;

    memset(out, 0, sizeof(*out));
    reason = read_version(&r, out);
    *version_known = reason == REASON_SUCCESS;
    if (reason == REASON_SUCCESS)
        reason = read_flags(&r, out);
    if (reason != REASON_SUCCESS)
        return reason;
    out->keep_alive_s = reader_u16(&r);
    reason = read_properties(&r, out);
    return reason == REASON_SUCCESS ? read_payload(&r, out) : reason;
}
