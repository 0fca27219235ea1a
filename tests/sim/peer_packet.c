/*
 * Packets are written behind a fixed header whose length is known once the body is; bodies are
 * small, so they are made apart and copied.
 */
#include "peer_packet.h"

#include "base/reader.h"

/* --- writing --------------------------------------------------------------------------------- */

static void put_u16(struct buffer *b, uint16_t value)
{
    buffer_append_u8(b, (uint8_t)(value >> 8));
    buffer_append_u8(b, (uint8_t)value);
}

static void put_u32(struct buffer *b, uint32_t value)
{
    put_u16(b, (uint16_t)(value >> 16));
    put_u16(b, (uint16_t)value);
}

static void put_varint(struct buffer *b, size_t value)
{
    do {
        buffer_append_u8(b, (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0)));
        value >>= 7;
    } while (value > 0);
}

static void put_text(struct buffer *b, struct slice text)
{
    put_u16(b, (uint16_t)text.len);
    buffer_append_slice(b, text);
}

/* Frees the body. */
static void put_packet(struct buffer *b, uint8_t first, struct buffer *body)
{
    buffer_append_u8(b, first);
    put_varint(b, body->len);
    buffer_append_slice(b, buffer_slice(body));
    buffer_deinit(body);
}

static void put_connect_properties(struct buffer *b, const struct peer_connect *c)
{
    struct buffer set = {0};

    if (c->session_expiry_s != 0) {
        buffer_append_u8(&set, 0x11);
        put_u32(&set, c->session_expiry_s);
    }
    if (c->receive_maximum != 0) {
        buffer_append_u8(&set, 0x21);
        put_u16(&set, c->receive_maximum);
    }
    if (c->topic_alias_maximum != 0) {
        buffer_append_u8(&set, 0x22);
        put_u16(&set, c->topic_alias_maximum);
    }
    if (c->maximum_packet_size != 0) {
        buffer_append_u8(&set, 0x27);
        put_u32(&set, c->maximum_packet_size);
    }
    put_varint(b, set.len);
    buffer_append_slice(b, buffer_slice(&set));
    buffer_deinit(&set);
}

void peer_write_connect(struct buffer *b, const struct peer_connect *c)
{
    struct buffer body = {0};

    put_text(&body, slice_of("MQTT"));
    buffer_append_u8(&body, c->is_v5 ? 5 : 4);
    buffer_append_u8(&body, c->is_clean ? 0xc2 : 0xc0);
    put_u16(&body, c->keep_alive_s);
    if (c->is_v5)
        put_connect_properties(&body, c);
    put_text(&body, slice_of(c->client_id));
    put_text(&body, slice_of(c->username));
    put_text(&body, slice_of(c->password));
    put_packet(b, 0x10, &body);
}

void peer_write_publish(struct buffer *b, bool is_v5, struct slice topic, struct slice payload,
                        uint8_t qos, bool dup, uint16_t packet_id)
{
    struct buffer body = {0};

    put_text(&body, topic);
    if (qos > 0)
        put_u16(&body, packet_id);
    if (is_v5)
        put_varint(&body, 0);
    buffer_append_slice(&body, payload);
    put_packet(b, (uint8_t)(0x30 | (dup ? 8 : 0) | qos << 1), &body);
}

void peer_write_ack(struct buffer *b, enum peer_type type, uint16_t packet_id)
{
    buffer_append_u8(b, (uint8_t)(type << 4 | (type == PEER_PUBREL ? 2 : 0)));
    buffer_append_u8(b, 2);
    put_u16(b, packet_id);
}

void peer_write_subscribe(struct buffer *b, bool is_v5, uint16_t packet_id, const char *filter,
                          uint8_t qos, uint32_t identifier)
{
    struct buffer body = {0}, set = {0};

    put_u16(&body, packet_id);
    if (is_v5) {
        if (identifier != 0) {
            buffer_append_u8(&set, 0x0b);
            put_varint(&set, identifier);
        }
        put_varint(&body, set.len);
        buffer_append_slice(&body, buffer_slice(&set));
        buffer_deinit(&set);
    }
    put_text(&body, slice_of(filter));
    buffer_append_u8(&body, qos);
    put_packet(b, 0x82, &body);
}

void peer_write_unsubscribe(struct buffer *b, bool is_v5, uint16_t packet_id, const char *filter)
{
    struct buffer body = {0};

    put_u16(&body, packet_id);
    if (is_v5)
        put_varint(&body, 0);
    put_text(&body, slice_of(filter));
    put_packet(b, 0xa2, &body);
}

void peer_write_disconnect(struct buffer *b)
{
    buffer_append_u8(b, 0xe0);
    buffer_append_u8(b, 0);
}

/* --- reading --------------------------------------------------------------------------------- */

static struct slice take_text(struct reader *r)
{
    uint16_t len = reader_u16(r);

    return reader_bytes(r, len);
}

static void take_user_property(struct reader *r, struct peer_packet *out)
{
    struct slice name = take_text(r);
    struct slice value = take_text(r);

    if (!slice_is(name, "seq"))
        return;
    out->seq = 0;
    for (size_t i = 0; i < value.len; i++)
        out->seq = out->seq * 10 + (uint64_t)(value.data[i] - '0');
}

static void take_property(struct reader *r, struct peer_packet *out, const char **fault)
{
    switch (reader_u8(r)) {
    case 0x01: /* payload format; maximum QoS; what is available */
    case 0x24:
    case 0x25:
    case 0x28:
    case 0x29:
    case 0x2a:
        (void)reader_u8(r);
        break;
    case 0x0b:
        if (out->id_count == PEER_IDS_MAX)
            *fault = "too many subscription identifiers";
        else
            out->ids[out->id_count++] = reader_varint(r);
        break;
    case 0x02: /* message expiry, session expiry, maximum packet size */
    case 0x11:
    case 0x27:
        (void)reader_u32(r);
        break;
    case 0x03: /* content type, response topic, correlation data, client id, reason string */
    case 0x08:
    case 0x09:
    case 0x12:
    case 0x1f:
        (void)take_text(r);
        break;
    case 0x13: /* server keep alive, topic alias maximum */
    case 0x22:
        (void)reader_u16(r);
        break;
    case 0x21:
        out->receive_maximum = reader_u16(r);
        break;
    case 0x23:
        out->topic_alias = reader_u16(r);
        break;
    case 0x26:
        take_user_property(r, out);
        break;
    default:
        *fault = "a property that we do not know";
    }
}

static void take_properties(struct reader *r, struct peer_packet *out, const char **fault)
{
    struct slice set = reader_bytes(r, reader_varint(r));
    struct reader inner = reader_of(set);

    while (*fault == NULL && reader_left(&inner) > 0)
        take_property(&inner, out, fault);
    if (inner.status != ST_OK)
        *fault = "properties are cut off";
}

static void take_publish(struct reader *r, bool is_v5, uint8_t flags, struct peer_packet *out,
                         const char **fault)
{
    out->dup = (flags & 8) != 0;
    out->qos = flags >> 1 & 3;
    out->retain = (flags & 1) != 0;
    out->topic = take_text(r);
    if (out->qos > 0) {
        out->packet_id = reader_u16(r);
        if (out->packet_id == 0 || out->qos == 3)
            *fault = "packet identifier 0 or QoS 3";
    }
    if (is_v5)
        take_properties(r, out, fault);
    out->payload = reader_bytes(r, reader_left(r));
}

static void take_connack(struct reader *r, bool is_v5, struct peer_packet *out, const char **fault)
{
    out->session_present = reader_u8(r) == 1;
    out->reason = reader_u8(r);
    if (is_v5)
        take_properties(r, out, fault);
}

/* Acknowledgements and DISCONNECT: identifier (or none), reason, properties, each may be missing.
 */
static void take_rest(struct reader *r, bool is_v5, struct peer_packet *out, const char **fault)
{
    bool is_subscription = out->type == PEER_SUBACK || out->type == PEER_UNSUBACK;

    if (out->type != PEER_DISCONNECT)
        out->packet_id = reader_u16(r);
    if (is_subscription && is_v5)
        take_properties(r, out, fault);
    if (reader_left(r) > 0)
        out->reason = reader_u8(r);
    if (!is_subscription && reader_left(r) > 0)
        take_properties(r, out, fault);
}

size_t peer_read(struct slice bytes, bool is_v5, struct peer_packet *out, const char **fault)
{
    struct reader r = reader_of(bytes);
    uint8_t first = reader_u8(&r);
    uint32_t len = reader_varint(&r);
    size_t header_len = bytes.len - reader_left(&r);

    *fault = NULL;
    if (r.status != ST_OK || reader_left(&r) < len)
        return 0;
    *out = (struct peer_packet){.type = (enum peer_type)(first >> 4)};
    r = reader_of(slice_make(bytes.data + header_len, len));
    if (out->type == PEER_PUBLISH)
        take_publish(&r, is_v5, first & 15, out, fault);
    else if (out->type == PEER_CONNACK)
        take_connack(&r, is_v5, out, fault);
    else
        take_rest(&r, is_v5, out, fault);
    if (*fault == NULL && (r.status != ST_OK || reader_left(&r) != 0))
        *fault = "the packet's length is wrong";
    return header_len + len;
}
