/* Properties of PUBLISH are walked here, as a server may repeat subscription identifiers and a
 * client may not send them. */
#include "audit_packet.h"

#include "base/invariant.h"
#include "codec_check.h"
#include "mqtt/property.h"

/* A text without the characters that only filters have. */
static struct slice read_topic(struct reader *r)
{
    struct slice topic = reader_text(r);

    invariant(r->status == ST_OK);
    for (size_t i = 0; i < topic.len; i++)
        invariant(topic.data[i] != '+' && topic.data[i] != '#'); /* [MQTT-3.3.2-2] */
    return topic;
}

static void read_publish_property(struct reader *r, struct audit_packet *out, uint64_t *seen)
{
    uint8_t id = reader_u8(r);
    uint64_t bit = UINT64_C(1) << (id & 63);

    invariant(id < 64);
    if (id != 0x0b && id != 0x26)
        invariant((*seen & bit) == 0);
    *seen |= bit;
    switch (id) {
    case 0x01:
        invariant(reader_u8(r) <= 1);
        break;
    case 0x02:
        (void)reader_u32(r);
        break;
    case 0x03:
        (void)reader_text(r);
        break;
    case 0x08:
        (void)read_topic(r);
        break;
    case 0x09:
        (void)reader_prefixed(r);
        break;
    case 0x0b:
        invariant(reader_varint(r) != 0);
        break;
    case 0x23:
        out->topic_alias = reader_u16(r);
        invariant(out->topic_alias != 0);
        break;
    case 0x26:
        (void)reader_text(r);
        (void)reader_text(r);
        break;
    default:
        invariant(false); /* no PUBLISH has it */
    }
}

static void read_publish(struct reader *r, enum mqtt_version version, uint8_t flags,
                         struct audit_packet *out)
{
    uint64_t seen = 0;

    out->qos = flags >> 1 & 3;
    invariant(out->qos < 3);
    invariant(out->qos > 0 || (flags & 8) == 0); /* [MQTT-3.3.1-2] */
    out->topic = read_topic(r);
    invariant(version == MQTT_5 || out->topic.len > 0);
    if (out->qos > 0) {
        out->packet_id = reader_u16(r);
        invariant(out->packet_id != 0);
    }
    if (version == MQTT_5) {
        struct slice set = reader_bytes(r, reader_varint(r));
        struct reader inner = reader_of(set);

        while (reader_left(&inner) > 0)
            read_publish_property(&inner, out, &seen);
        invariant(inner.status == ST_OK);
    }
    out->payload = reader_bytes(r, reader_left(r));
}

static void read_properties(struct reader *r, struct audit_packet *out, struct slice whole)
{
    invariant(property_read(r, out->type, &out->properties) == REASON_SUCCESS);
    codec_check_properties(&out->properties, whole);
}

static void read_connack(struct reader *r, enum mqtt_version version, struct audit_packet *out,
                         struct slice body)
{
    uint8_t flags = reader_u8(r);

    invariant(flags <= 1);
    out->session_present = flags == 1;
    out->reason = reader_u8(r);
    if (version == MQTT_5) {
        invariant(reason_is_for(out->reason, PACKET_CONNACK));
        read_properties(r, out, body);
    } else {
        invariant(out->reason <= 5);
    }
}

/* PUBACK, PUBREC, PUBREL, PUBCOMP: 5.0 may leave out properties, and the reason if it is 0. */
static void read_ack(struct reader *r, enum mqtt_version version, struct audit_packet *out,
                     struct slice body)
{
    out->packet_id = reader_u16(r);
    invariant(out->packet_id != 0);
    if (version == MQTT_5 && reader_left(r) > 0)
        out->reason = reader_u8(r);
    invariant(reason_is_for(out->reason, out->type));
    if (version == MQTT_5 && reader_left(r) > 0)
        read_properties(r, out, body);
}

static void read_codes(struct reader *r, enum mqtt_version version, struct audit_packet *out,
                       struct slice body)
{
    out->packet_id = reader_u16(r);
    invariant(out->packet_id != 0);
    if (version == MQTT_5)
        read_properties(r, out, body);
    out->codes = reader_bytes(r, reader_left(r));
    for (size_t i = 0; i < out->codes.len; i++) {
        uint8_t code = out->codes.data[i];

        invariant(version == MQTT_5 ? reason_is_for(code, out->type) : code <= 2 || code == 0x80);
    }
}

static void read_disconnect(struct reader *r, enum mqtt_version version, struct audit_packet *out,
                            struct slice body)
{
    invariant(version == MQTT_5);
    if (reader_left(r) > 0)
        out->reason = reader_u8(r);
    invariant(reason_is_for(out->reason, PACKET_DISCONNECT));
    if (reader_left(r) > 0)
        read_properties(r, out, body);
    invariant(!property_has(&out->properties, PROPERTY_SESSION_EXPIRY)); /* [MQTT-3.14.2-2] */
}

static void read_body(struct reader *r, enum mqtt_version version, uint8_t flags,
                      struct audit_packet *out, struct slice body)
{
    invariant(out->type == PACKET_PUBLISH || flags == (out->type == PACKET_PUBREL ? 2 : 0));
    switch (out->type) {
    case PACKET_CONNACK:
        read_connack(r, version, out, body);
        break;
    case PACKET_PUBLISH:
        read_publish(r, version, flags, out);
        break;
    case PACKET_PUBACK:
    case PACKET_PUBREC:
    case PACKET_PUBREL:
    case PACKET_PUBCOMP:
        read_ack(r, version, out, body);
        break;
    case PACKET_SUBACK:
    case PACKET_UNSUBACK:
        read_codes(r, version, out, body);
        break;
    case PACKET_PINGRESP:
        break;
    case PACKET_DISCONNECT:
        read_disconnect(r, version, out, body);
        break;
    default:
        invariant(false); /* no server sends it */
    }
    invariant(r->status == ST_OK && reader_left(r) == 0);
}

size_t audit_packet_read(struct slice bytes, enum mqtt_version version, struct audit_packet *out)
{
    struct reader r = reader_of(bytes);
    uint8_t first;
    uint32_t len;
    size_t header_len;

    if (bytes.len < 2)
        return 0;
    first = reader_u8(&r);
    len = reader_varint(&r);
    if (r.status != ST_OK) {
        invariant(bytes.len < 5); /* a length that is no length */
        return 0;
    }
    header_len = bytes.len - reader_left(&r);
    if (reader_left(&r) < len)
        return 0;
    *out = (struct audit_packet){.type = (enum packet_type)(first >> 4)};
    bytes = slice_make(bytes.data + header_len, len);
    r = reader_of(bytes);
    read_body(&r, version, first & 15, out, bytes);
    return header_len + len;
}
