/*
 * The packets that are an identifier or a reason and little else: PUBACK, PUBREC, PUBREL, PUBCOMP,
 * DISCONNECT, AUTH.
 *
 * Their 5.0 forms end early: without properties, and without a reason when it is success. Pure
 * functions, any thread.
 */
#include "mqtt/decode_priv.h"

/*
 * The last fields of a 5.0 packet, each of which may be missing with those behind it: reason,
 * properties.
 */
static enum reason read_reason(struct reader *r, unsigned packet, enum reason *reason,
                               struct property_set *properties)
{
    *reason = reader_left(r) > 0 ? (enum reason)reader_u8(r) : REASON_SUCCESS;
    if (reader_left(r) > 0) {
        enum reason failure = decode_properties(r, MQTT_5, packet, properties);

        if (failure != REASON_SUCCESS)
            return failure;
    } else {
        properties->present = 0;
        properties->raw = slice_make(r->next, 0);
    }
    return reader_left(r) == 0 ? REASON_SUCCESS : REASON_MALFORMED_PACKET;
}

enum reason decode_ack(enum mqtt_version version, enum packet_type type, struct slice body,
                       struct packet_ack *out)
{
    struct reader r = reader_of(body);
    enum reason failure = decode_packet_id(&r, &out->packet_id);

    if (failure != REASON_SUCCESS)
        return failure;
    if (body.len == 2) {
        out->reason = REASON_SUCCESS;
        out->properties.present = 0;
        out->properties.raw = slice_make(r.next, 0);
        return REASON_SUCCESS;
    }
    if (version == MQTT_3_1_1)
        return REASON_MALFORMED_PACKET;
    failure = read_reason(&r, type, &out->reason, &out->properties);
    if (failure != REASON_SUCCESS)
        return failure;
    /* [MQTT-3.4.2-1], [MQTT-3.5.2-1], [MQTT-3.6.2-1], [MQTT-3.7.2-1] */
    return reason_is_for((uint8_t)out->reason, type) ? REASON_SUCCESS : REASON_PROTOCOL_ERROR;
}

enum reason decode_disconnect(enum mqtt_version version, struct slice body,
                              struct packet_disconnect *out)
{
    struct reader r = reader_of(body);
    enum reason failure;

    if (version == MQTT_3_1_1 && body.len != 0)
        return REASON_MALFORMED_PACKET;
    failure = read_reason(&r, PACKET_DISCONNECT, &out->reason, &out->properties);
    if (failure != REASON_SUCCESS)
        return failure;
    /* [MQTT-3.14.2-1] */
    return reason_is_for((uint8_t)out->reason, REASON_IN_CLIENT_DISCONNECT) ? REASON_SUCCESS
                                                                            : REASON_PROTOCOL_ERROR;
}

enum reason decode_auth(struct slice body)
{
    struct reader r = reader_of(body);
    enum reason reason;
    struct property_set properties;
    enum reason failure = read_reason(&r, PACKET_AUTH, &reason, &properties);

    return failure != REASON_SUCCESS ? failure : REASON_PROTOCOL_ERROR;
}
