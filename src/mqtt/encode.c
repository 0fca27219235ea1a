/*
 * Packets from the server, appended to a buffer.
 *
 * Lengths stand before what they measure, so each packet is first put together from parts whose
 * lengths are known (fixed fields, numbers, texts, codes), and then written once into room that was
 * reserved for it. The one part that may go missing is the reason string. An acknowledgement of
 * success, the packet that is sent for every message, is four bytes and takes none of this. A
 * reason code that its packet may not carry is our own bug. Pure functions, any thread.
 */
#include "mqtt/encode.h"

#include "base/invariant.h"
#include "mqtt/property.h"

enum {
    TEXT_PROPERTY_LEN = 3, /* what a text takes beside its bytes: identifier, length */
    CONNACK_NUMBERS_MAX = 5 + 3 + 5 + 3 + 3,
    ACK_LEN = 4,
    REMAINING_LEN_MAX = 268435455
};

/* What stands in a packet behind its fixed header, in this order; empty parts are not there. */
struct packet_parts {
    struct slice head;
    bool has_properties;    /* their length is written, be it 0 */
    struct slice numbers;   /* encoded properties */
    struct slice client_id; /* three properties that are texts */
    struct slice server;
    struct slice reason_string;
    struct slice codes;
};

static const struct slice nothing = {NULL, 0};

static uint8_t first_byte(enum packet_type type)
{
    return (uint8_t)(type << 4 | (type == PACKET_PUBREL ? 2 : 0));
}

static size_t text_property_len(struct slice text)
{
    return text.len == 0 ? 0 : TEXT_PROPERTY_LEN + text.len;
}

static size_t properties_len(const struct packet_parts *p)
{
    return p->numbers.len + text_property_len(p->client_id) + text_property_len(p->server) +
           text_property_len(p->reason_string);
}

static void write_text(struct writer *w, enum property property, struct slice text)
{
    if (text.len > 0)
        property_write_text(w, property, text);
}

/*
 * Appends the packet; false, and nothing appended, when it exceeds the receiver's limit.
 * Source: [MQTT-3.1.2-24]
 */
static bool append_packet(struct buffer *b, const struct encode_target *to, enum packet_type type,
                          const struct packet_parts *p)
{
    size_t properties = properties_len(p);
    size_t remaining = p->head.len + p->codes.len, len;
    struct writer w;

    if (p->has_properties)
        remaining += writer_varint_len((uint32_t)properties) + properties;
    invariant(remaining <= REMAINING_LEN_MAX);
    len = 1 + writer_varint_len((uint32_t)remaining) + remaining;
    if (to->maximum_packet_size != 0 && len > to->maximum_packet_size)
        return false;

    w = writer_of(buffer_reserve(b, len), len);
    writer_u8(&w, first_byte(type));
    writer_varint(&w, (uint32_t)remaining);
    writer_bytes(&w, p->head);
    if (p->has_properties) {
        writer_varint(&w, (uint32_t)properties);
        writer_bytes(&w, p->numbers);
        write_text(&w, PROPERTY_ASSIGNED_CLIENT_ID, p->client_id);
        write_text(&w, PROPERTY_SERVER_REFERENCE, p->server);
        write_text(&w, PROPERTY_REASON_STRING, p->reason_string);
    }
    writer_bytes(&w, p->codes);
    invariant(w.status == ST_OK && writer_len(&w) == len);
    b->len += len;
    return true;
}

/*
 * As append_packet; what is too large is tried again without its reason string.
 * Source: [MQTT-3.2.2-19], [MQTT-3.9.2-1]
 */
static bool append_or_shrink(struct buffer *b, const struct encode_target *to,
                             enum packet_type type, struct packet_parts *p)
{
    if (append_packet(b, to, type, p))
        return true;
    if (p->reason_string.len == 0)
        return false;
    p->reason_string = nothing;
    return append_packet(b, to, type, p);
}

/*
 * The short packets of 5.0 end early: without properties, and without the reason too when it is
 * success.
 */
static bool append_ending(struct buffer *b, const struct encode_target *to, enum packet_type type,
                          struct slice packet_id, enum reason reason, struct slice reason_string)
{
    uint8_t head[3];
    struct writer w = writer_of(head, sizeof(head));
    struct packet_parts parts = {.has_properties = reason_string.len > 0,
                                 .reason_string = reason_string};

    invariant(reason_is_for((uint8_t)reason, type));
    writer_bytes(&w, packet_id);
    if (reason != REASON_SUCCESS || parts.has_properties)
        writer_u8(&w, (uint8_t)reason);
    parts.head = slice_make(head, writer_len(&w));
    return append_packet(b, to, type, &parts);
}

/* The reason string of an acknowledgement, if this receiver wants such. Source: [MQTT-3.1.2-29] */
static struct slice wanted(const struct encode_target *to, struct slice reason_string)
{
    return to->problem_information ? reason_string : nothing;
}

bool encode_connack(struct buffer *b, const struct encode_target *to,
                    const struct encode_connack *c)
{
    bool accepted = c->reason == REASON_SUCCESS;
    uint8_t head[2] = {c->session_present && accepted, 0}; /* [MQTT-3.2.2-6] */
    uint8_t numbers[CONNACK_NUMBERS_MAX];
    struct writer w = writer_of(numbers, sizeof(numbers));
    struct packet_parts parts = {.head = slice_make(head, sizeof(head))};

    invariant(reason_is_for((uint8_t)c->reason, PACKET_CONNACK));
    if (to->version == MQTT_3_1_1) {
        head[1] = accepted ? 0 : reason_connack_3_1_1(c->reason);
        return append_packet(b, to, PACKET_CONNACK, &parts);
    }
    head[1] = (uint8_t)c->reason;
    if (c->has_session_expiry)
        property_write_u32(&w, PROPERTY_SESSION_EXPIRY, c->session_expiry_s);
    if (c->receive_maximum != 0 && c->receive_maximum != UINT16_MAX)
        property_write_u16(&w, PROPERTY_RECEIVE_MAXIMUM, c->receive_maximum);
    if (c->maximum_packet_size != 0)
        property_write_u32(&w, PROPERTY_MAXIMUM_PACKET_SIZE, c->maximum_packet_size);
    if (c->topic_alias_maximum != 0)
        property_write_u16(&w, PROPERTY_TOPIC_ALIAS_MAXIMUM, c->topic_alias_maximum);
    if (c->has_server_keep_alive)
        property_write_u16(&w, PROPERTY_SERVER_KEEP_ALIVE, c->server_keep_alive_s);
    parts.has_properties = true;
    parts.numbers = slice_make(numbers, writer_len(&w));
    parts.client_id = c->assigned_client_id;
    parts.server = c->server_reference;
    parts.reason_string = c->reason_string;
    return append_or_shrink(b, to, PACKET_CONNACK, &parts);
}

void encode_ack(struct buffer *b, const struct encode_target *to, enum packet_type type,
                uint16_t packet_id, enum reason reason, struct slice reason_string)
{
    const uint8_t id[2] = {(uint8_t)(packet_id >> 8), (uint8_t)packet_id};

    if (to->version == MQTT_3_1_1 || (reason == REASON_SUCCESS && reason_string.len == 0)) {
        const uint8_t packet[ACK_LEN] = {first_byte(type), sizeof(id), id[0], id[1]};

        if (to->maximum_packet_size == 0 || to->maximum_packet_size >= sizeof(packet))
            buffer_append(b, packet, sizeof(packet));
        return;
    }
    reason_string = wanted(to, reason_string);
    if (!append_ending(b, to, type, slice_make(id, sizeof(id)), reason, reason_string) &&
        reason_string.len > 0)
        append_ending(b, to, type, slice_make(id, sizeof(id)), reason, nothing);
}

/* SUBACK and UNSUBACK of 5.0; the codes go behind the properties. */
static void append_codes(struct buffer *b, const struct encode_target *to, enum packet_type type,
                         uint16_t packet_id, struct slice codes, struct slice reason_string)
{
    const uint8_t id[2] = {(uint8_t)(packet_id >> 8), (uint8_t)packet_id};
    struct packet_parts parts = {.head = slice_make(id, sizeof(id)),
                                 .has_properties = true,
                                 .reason_string = wanted(to, reason_string),
                                 .codes = codes};

    for (size_t i = 0; i < codes.len; i++)
        invariant(reason_is_for(codes.data[i], type));
    append_or_shrink(b, to, type, &parts);
}

void encode_suback(struct buffer *b, const struct encode_target *to, uint16_t packet_id,
                   const uint8_t *codes, size_t count, struct slice reason_string)
{
    const uint8_t id[2] = {(uint8_t)(packet_id >> 8), (uint8_t)packet_id};
    struct packet_parts parts = {.head = slice_make(id, sizeof(id)),
                                 .codes = slice_make(codes, count)};

    if (to->version == MQTT_5) {
        append_codes(b, to, PACKET_SUBACK, packet_id, parts.codes, reason_string);
        return;
    }
    if (!append_packet(b, to, PACKET_SUBACK, &parts))
        return;
    /* [MQTT-3.9.3-2] of 3.1.1: it knows one failure */
    for (uint8_t *code = b->data + b->len - count; code < b->data + b->len; code++)
        if (*code > REASON_GRANTED_QOS_2)
            *code = REASON_UNSPECIFIED_ERROR;
}

void encode_unsuback(struct buffer *b, const struct encode_target *to, uint16_t packet_id,
                     const uint8_t *codes, size_t count)
{
    if (to->version == MQTT_5)
        append_codes(b, to, PACKET_UNSUBACK, packet_id, slice_make(codes, count), nothing);
    else
        encode_ack(b, to, PACKET_UNSUBACK, packet_id, REASON_SUCCESS, nothing);
}

void encode_pingresp(struct buffer *b)
{
    const uint8_t packet[2] = {PACKET_PINGRESP << 4, 0};

    buffer_append(b, packet, sizeof(packet));
}

void encode_disconnect(struct buffer *b, const struct encode_target *to, enum reason reason,
                       struct slice reason_string)
{
    if (to->version == MQTT_3_1_1)
        return;
    if (!append_ending(b, to, PACKET_DISCONNECT, nothing, reason, reason_string) &&
        reason_string.len > 0)
        append_ending(b, to, PACKET_DISCONNECT, nothing, reason, nothing);
}
