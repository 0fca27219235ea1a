/*
 * MQTT packets of a client. No state, any thread. Writers trust their callers: what they write
 * comes from the command line and the credentials' file. Properties of 5.0 are never written, and
 * skipped where they are read; topic aliases are not offered, so none can come.
 */
#include "load_mqtt.h"

#include <stdlib.h>
#include <string.h>

enum {
    KEEP_ALIVE_S = 1800, /* runs end within 600 s, so no PINGREQ is ever due */
    FLAGS_FIXED = 0x02,  /* of PUBREL and SUBSCRIBE */
    CONNECT_CLEAN = 0x02,
    PROPERTY_SESSION_EXPIRY = 0x11,
    CONNECT_PASSWORD = 0x40,
    CONNECT_USERNAME = 0x80,
    VARINT_BYTES = 4,
};

static void put_u8(struct load_buffer *out, uint32_t value)
{
    *load_buffer_extend(out, 1) = (uint8_t)value;
}

static void put_u16(struct load_buffer *out, uint32_t value)
{
    put_u8(out, value >> 8);
    put_u8(out, value);
}

static void put_text(struct load_buffer *out, const char *text)
{
    size_t len = strlen(text);

    put_u16(out, (uint32_t)len);
    load_buffer_append(out, text, len);
}

static void put_header(struct load_buffer *out, enum load_mqtt_type type, uint32_t flags,
                       size_t len)
{
    put_u8(out, (uint32_t)type << 4 | flags);
    do {
        put_u8(out, (uint32_t)(len & 0x7Fu) | (len > 0x7Fu ? 0x80u : 0));
        len >>= 7;
    } while (len > 0);
}

/** Writes the header of a packet whose body was gathered first, then the body. */
static void put_packet(struct load_buffer *out, enum load_mqtt_type type, uint32_t flags,
                       struct load_buffer *body)
{
    put_header(out, type, flags, load_buffer_len(body));
    load_buffer_append(out, body->bytes + body->start, load_buffer_len(body));
    load_buffer_deinit(body);
}

static void put_no_properties(struct load_buffer *out, uint32_t protocol)
{
    if (protocol == LOAD_MQTT_V5)
        put_u8(out, 0);
}

static void put_expiry(struct load_buffer *out)
{
    put_u8(out, 5);
    put_u8(out, PROPERTY_SESSION_EXPIRY);
    put_u16(out, 0);
    put_u16(out, KEEP_ALIVE_S);
}

void load_mqtt_put_connect(struct load_buffer *out, uint32_t protocol,
                           const struct load_mqtt_identity *identity)
{
    struct load_buffer body = {0};

    put_text(&body, "MQTT");
    put_u8(&body, protocol);
    put_u8(&body,
           (identity->is_persistent ? 0u : CONNECT_CLEAN) | CONNECT_USERNAME | CONNECT_PASSWORD);
    put_u16(&body, KEEP_ALIVE_S);
    if (identity->is_persistent && protocol == LOAD_MQTT_V5)
        put_expiry(&body);
    else
        put_no_properties(&body, protocol);
    put_text(&body, identity->client_id);
    put_text(&body, identity->username);
    put_text(&body, identity->password);
    put_packet(out, LOAD_MQTT_CONNECT, 0, &body);
}

void load_mqtt_put_subscribe(struct load_buffer *out, uint32_t protocol, uint16_t packet_id,
                             const char *filter, uint32_t qos)
{
    struct load_buffer body = {0};

    put_u16(&body, packet_id);
    put_no_properties(&body, protocol);
    put_text(&body, filter);
    put_u8(&body, qos);
    put_packet(out, LOAD_MQTT_SUBSCRIBE, FLAGS_FIXED, &body);
}

void load_mqtt_put_ack(struct load_buffer *out, enum load_mqtt_type type, uint16_t packet_id)
{
    uint8_t *place = load_buffer_extend(out, 4);

    place[0] = (uint8_t)((uint32_t)type << 4 | (type == LOAD_MQTT_PUBREL ? FLAGS_FIXED : 0u));
    place[1] = 2;
    place[2] = (uint8_t)(packet_id >> 8);
    place[3] = (uint8_t)packet_id;
}

void load_mqtt_put_disconnect(struct load_buffer *out)
{
    put_header(out, LOAD_MQTT_DISCONNECT, 0, 0);
}

void load_mqtt_template_init(struct load_mqtt_template *template, uint32_t protocol, uint32_t qos,
                             const char *topic, size_t payload_len)
{
    struct load_buffer packet = {0};
    size_t len = 2 + strlen(topic) + (qos > 0 ? 2 : 0) + (protocol == LOAD_MQTT_V5 ? 1 : 0);

    put_header(&packet, LOAD_MQTT_PUBLISH, qos << 1, len + payload_len);
    put_text(&packet, topic);
    template->packet_id_at = qos > 0 ? load_buffer_len(&packet) : 0;
    if (qos > 0)
        put_u16(&packet, 0);
    put_no_properties(&packet, protocol);
    template->payload_at = load_buffer_len(&packet);
    memset(load_buffer_extend(&packet, payload_len), 0, payload_len);
    template->len = load_buffer_len(&packet);
    template->bytes = packet.bytes;
}

void load_mqtt_template_set_id(struct load_mqtt_template *template, uint16_t packet_id)
{
    template->bytes[template->packet_id_at] = (uint8_t)(packet_id >> 8);
    template->bytes[template->packet_id_at + 1] = (uint8_t)packet_id;
}

void load_mqtt_template_deinit(struct load_mqtt_template *template)
{
    free(template->bytes);
    *template = (struct load_mqtt_template){0};
}

/** Reads a variable byte integer; gives its length, 0 when cut off, -1 when malformed. */
static ptrdiff_t read_varint(const uint8_t *bytes, size_t len, size_t *value)
{
    *value = 0;
    for (size_t i = 0; i < VARINT_BYTES; i++) {
        if (i == len)
            return 0;
        *value |= (size_t)(bytes[i] & 0x7Fu) << (7 * i);
        if ((bytes[i] & 0x80u) == 0)
            return (ptrdiff_t)i + 1;
    }
    return -1;
}

ptrdiff_t load_mqtt_next(const uint8_t *bytes, size_t len, struct load_mqtt_packet *packet)
{
    ptrdiff_t varint;
    size_t body_len;
    size_t header_len;

    if (len < 2)
        return 0;
    varint = read_varint(bytes + 1, len - 1, &body_len);
    if (varint <= 0)
        return varint;
    header_len = 1 + (size_t)varint;
    if (len - header_len < body_len)
        return 0;
    packet->type = (enum load_mqtt_type)(bytes[0] >> 4);
    packet->flags = bytes[0] & 0x0Fu;
    packet->body = bytes + header_len;
    packet->len = body_len;
    return (ptrdiff_t)(header_len + body_len);
}

static uint16_t get_u16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/** Moves `at` behind the properties that stand there in 5.0; false when they are malformed. */
static bool skip_properties(const struct load_mqtt_packet *packet, uint32_t protocol, size_t *at)
{
    size_t properties_len;
    ptrdiff_t varint;

    if (protocol != LOAD_MQTT_V5)
        return true;
    varint = read_varint(packet->body + *at, packet->len - *at, &properties_len);
    if (varint <= 0 || packet->len - *at - (size_t)varint < properties_len)
        return false;
    *at += (size_t)varint + properties_len;
    return true;
}

bool load_mqtt_read_publish(const struct load_mqtt_packet *packet, uint32_t protocol,
                            struct load_mqtt_publish *publish)
{
    size_t at = 2;

    publish->qos = packet->flags >> 1 & 3u;
    if (packet->len < at || publish->qos > 2)
        return false;
    publish->topic_len = get_u16(packet->body);
    if (packet->len - at < publish->topic_len)
        return false;
    publish->topic = packet->body + at;
    at += publish->topic_len;
    publish->packet_id = 0;
    if (publish->qos > 0) {
        if (packet->len - at < 2)
            return false;
        publish->packet_id = get_u16(packet->body + at);
        at += 2;
        if (publish->packet_id == 0)
            return false;
    }
    if (!skip_properties(packet, protocol, &at))
        return false;
    publish->payload = packet->body + at;
    publish->payload_len = packet->len - at;
    return true;
}

bool load_mqtt_read_ack(const struct load_mqtt_packet *packet, uint32_t protocol,
                        uint16_t *packet_id, uint8_t *reason)
{
    size_t at = 2;

    *reason = 0;
    if (packet->len < at)
        return false;
    *packet_id = get_u16(packet->body);
    if (packet->type == LOAD_MQTT_SUBACK && !skip_properties(packet, protocol, &at))
        return false;
    if (packet->len > at)
        *reason = packet->body[at];
    return packet->type != LOAD_MQTT_SUBACK || packet->len > at;
}

bool load_mqtt_read_connack(const struct load_mqtt_packet *packet, bool *session_present,
                            uint8_t *reason)
{
    if (packet->len < 2)
        return false;
    *session_present = (packet->body[0] & 1) != 0;
    *reason = packet->body[1];
    return true;
}
