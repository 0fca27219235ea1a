/* Each table's first rows are what is in order. */
#include "script_packet.h"

#include <stdio.h>

#include "../sim/world.h"

#define SCRIPT_OTHER_PROJECT "PR_SIM0000002"

enum { SCRIPT_ASKS = 200 /* the identifier of subscriptions that ask for snapshot and replay */ };

/* --- parts ----------------------------------------------------------------------------------- */

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

static void put_bytes(struct buffer *b, struct slice bytes)
{
    put_u16(b, (uint16_t)bytes.len);
    buffer_append_slice(b, bytes);
}

static void put_text(struct buffer *b, const char *text)
{
    put_bytes(b, slice_of(text));
}

/* Frees the set. */
static void put_properties(struct buffer *b, struct buffer *set)
{
    put_varint(b, set->len);
    buffer_append_slice(b, buffer_slice(set));
    buffer_deinit(set);
}

/* Frees the body. */
static void put_packet(struct buffer *b, uint8_t first, struct buffer *body)
{
    buffer_append_u8(b, first);
    put_varint(b, body->len);
    buffer_append_slice(b, buffer_slice(body));
    buffer_deinit(body);
}

static void put_pair(struct buffer *set, const char *key, const char *value)
{
    buffer_append_u8(set, 0x26);
    put_text(set, key);
    put_text(set, value);
}

static void put_user_property(struct buffer *set)
{
    put_pair(set, "k", "v");
}

size_t script_size(uint8_t operand)
{
    static const uint32_t sizes[] = {1, 20, 120, 400, 1500, 6000, 17000, 70000};

    return sizes[operand % 8];
}

static uint32_t expiry_of(uint8_t operand)
{
    static const uint32_t seconds[] = {0, 1, 3, 30, 3600, 100000, 700000, UINT32_MAX};

    return seconds[operand % 8];
}

/* --- topics and payloads --------------------------------------------------------------------- */

/* Devices 0 to 3 are of the project; 4 is of no project, 5 no device's name, 6 any, 7 several. */
static const char *device_of(uint8_t operand)
{
    static const char *const names[] = {"DU_SIM0000000",
                                        "DU_SIM0000001",
                                        "DU_SIM0000002",
                                        "DU_SIM0000003",
                                        "DU_SIM0000009",
                                        "DU_",
                                        "+",
                                        "#"};

    return names[operand >> 4 & 7];
}

void script_name(char out[SCRIPT_NAME_ROOM], const char *group, const char *form,
                 const char *device)
{
    const char *place = strchr(form, '@');
    int before = place == NULL ? (int)strlen(form) : (int)(place - form);

    (void)snprintf(out, SCRIPT_NAME_ROOM, "%s%.*s%s%s", group, before, form,
                   place == NULL ? "" : device, place == NULL ? "" : place + 1);
}

/* Bits 0 to 3: what; 4 to 6: of which device. */
static const char *form_of(enum script_face face, uint8_t operand)
{
    static const char *const of_devices[] = {
        "attributes/@",
        "event_report/@",
        "data/@/s",
        "command_reply/@",
        "attributes_get/@",
        "attributes_push/@",
        "command_send/@",
        "attributes_response/@",
        "attributes_get_response/@",
        "event_response/@",
        "data_set/@/s",
        "data/@",
        "data/@/s/t",
        "@",
        "$SYS/@",
        "attributes/@/",
    };
    static const char *const of_apps[] = {
        "open/" WORLD_PROJECT "/@/attributes_push",
        "open/" WORLD_PROJECT "/@/command_send",
        "open/" WORLD_PROJECT "/@/attributes",
        "open/" WORLD_PROJECT "/@/event_report",
        "open/" WORLD_PROJECT "/@/command_reply",
        "open/" WORLD_PROJECT "/@/data/s",
        "open/" WORLD_PROJECT "/@/online",
        "open/" WORLD_PROJECT "/@/#",
        "open/" WORLD_PROJECT "/@/+",
        "open/" WORLD_PROJECT "/@/data/+",
        "$open/" WORLD_PROJECT "/@/command_status",
        "$open/" WORLD_PROJECT "/errors",
        "open/" WORLD_PROJECT "/#",
        "#",
        "open/" SCRIPT_OTHER_PROJECT "/@/attributes_push",
        "$open/" WORLD_PROJECT "/ctl",
    };

    return (face == SCRIPT_DEVICE ? of_devices : of_apps)[operand & 15];
}

static void put_topic(struct buffer *b, enum script_face face, uint8_t operand)
{
    char topic[SCRIPT_NAME_ROOM];

    script_name(topic, "", form_of(face, operand), device_of(operand));
    put_text(b, topic);
}

/* With bit 7 in a share group. */
static void put_filter(struct buffer *b, enum script_face face, uint8_t operand)
{
    static const char *const groups[] = {"$share/g0/", "$share/g1/"};
    char filter[SCRIPT_NAME_ROOM];

    script_name(filter, (operand & 0x80) != 0 ? groups[operand >> 4 & 1] : "",
                form_of(face, operand), device_of(operand));
    put_text(b, filter);
}

static void put_payload(struct buffer *b, uint8_t which, uint8_t more, struct reader *operands)
{
    static const char *const texts[] = {
        "{\"t\":1}",
        "{\"method\":\"m\",\"params\":{\"x\":1},\"id\":7}",
        "{\"method\":\"m\",\"params\":{\"x\":1}}",
        "{\"keys\":[\"t\",\"u\"]}",
        "",
        "{\"a\":1,\"b\":[1,{\"c\":null}],\"a\":2}",
        "{\"method\":\"m\",\"id\":\"text\"}",
        "{\"t\":1",
        "[1]",
        "{\"method\":\"m\",\"id\":8,\"params\":{}}",
        "{\"op\":\"snapshot\",\"filter\":\"open/" WORLD_PROJECT "/#\"}",
        "{\"op\":\"replay\",\"filter\":\"open/" WORLD_PROJECT "/#\",\"from\":0}",
    };
    size_t count = sizeof(texts) / sizeof(texts[0]);

    if (which < count) {
        buffer_append_text(b, texts[which]);
    } else if (which & 1) { /* a report of any size */
        size_t size = script_size(more);

        buffer_append_text(b, "{\"t\":\"");
        memset(buffer_reserve(b, size), 'x', size);
        b->len += size;
        buffer_append_text(b, "\"}");
    } else {
        buffer_append_slice(b, reader_bytes(operands, reader_left(operands)));
    }
}

/* --- packets --------------------------------------------------------------------------------- */

static void put_connect_properties(struct buffer *b, struct reader *operands)
{
    uint8_t mask = script_operand(operands), expiry = script_operand(operands);
    uint8_t window = script_operand(operands), size = script_operand(operands);
    uint8_t aliases = script_operand(operands);
    struct buffer set = {0};

    if (mask & 1) {
        buffer_append_u8(&set, 0x11);
        put_u32(&set, expiry_of(expiry));
    }
    if (mask & 2) {
        buffer_append_u8(&set, 0x21);
        put_u16(&set, window);
    }
    if (mask & 4) {
        buffer_append_u8(&set, 0x27);
        put_u32(&set, size);
    }
    if (mask & 8) {
        buffer_append_u8(&set, 0x22);
        put_u16(&set, aliases == 255 ? 65535 : aliases);
    }
    if (mask & 16) {
        buffer_append_u8(&set, 0x17);
        buffer_append_u8(&set, 0);
    }
    if (mask & 32) {
        buffer_append_u8(&set, 0x19);
        buffer_append_u8(&set, 1);
    }
    if (mask & 64)
        put_user_property(&set);
    if (mask & 128) {
        buffer_append_u8(&set, 0x15);
        put_text(&set, "m");
    }
    put_properties(b, &set);
}

static void put_will(struct buffer *b, enum script_face face, bool is_v5, uint8_t topic,
                     uint8_t rest)
{
    struct reader none = {0};
    struct buffer set = {0}, payload = {0};

    if (is_v5) {
        if (rest & 0x10) {
            buffer_append_u8(&set, 0x18);
            put_u32(&set, expiry_of(rest >> 5));
        }
        if (rest & 0x80) {
            put_user_property(&set);
            buffer_append_u8(&set, 0x02);
            put_u32(&set, 2);
        }
        put_properties(b, &set);
    }
    put_topic(b, face, topic);
    put_payload(&payload, rest & 15, 0, &none);
    put_bytes(b, buffer_slice(&payload));
    buffer_deinit(&payload);
}

/* Bits 0 to 2: the client identifier, 3 to 5: who it is, 6: a wrong password, 7: none. */
static void put_identity(struct buffer *b, enum script_face face, uint8_t who)
{
    static const char *const projects[] = {WORLD_PROJECT,        WORLD_PROJECT,  WORLD_PROJECT,
                                           WORLD_PROJECT,        WORLD_PROJECT,  WORLD_PROJECT,
                                           SCRIPT_OTHER_PROJECT, "DU_SIM0000000"};

    if (face == SCRIPT_DEVICE)
        put_text(b, device_of((uint8_t)((who >> 3 & 7) << 4)));
    else
        put_text(b, projects[who >> 3 & 7]);
    if ((who & 0x80) == 0)
        put_text(b, (who & 0x40) != 0 ? "wrong" : WORLD_PASSWORD);
}

void script_write_connect(struct buffer *b, enum script_face face, uint8_t flags,
                          struct reader *operands)
{
    static const char *const ids[] = {"a", "b", "c",     "d",
                                      "e", "",  "a/b+#", "1234567890123456789012"};
    bool is_v5 = (flags & 1) != 0;
    uint8_t who = script_operand(operands), keep_alive_s = script_operand(operands);
    uint8_t will_topic = script_operand(operands), will_rest = script_operand(operands);
    uint8_t bits = (who & 0x80) != 0 ? 0x80 : 0xc0;
    struct buffer body = {0};

    bits |= (flags & 2) != 0 ? 2 : 0;
    if ((flags & 4) != 0) /* a will, with QoS 0 to 3 and retain */
        bits |= (uint8_t)(4 | (flags & 0x18) | (flags & 0x20));
    put_text(&body, "MQTT");
    buffer_append_u8(&body, is_v5 ? 5 : 4);
    buffer_append_u8(&body, bits);
    put_u16(&body, keep_alive_s);
    if (is_v5)
        put_connect_properties(&body, operands);
    put_text(&body, ids[who & 7]);
    if ((flags & 4) != 0)
        put_will(&body, face, is_v5, will_topic, will_rest);
    put_identity(&body, face, who);
    put_packet(b, 0x10, &body);
}

void script_write_subscribe(struct buffer *b, enum script_face face, bool is_v5,
                            struct reader *operands)
{
    uint8_t packet_id = script_operand(operands), identifier = script_operand(operands);
    struct buffer body = {0}, set = {0};

    put_u16(&body, packet_id);
    if (is_v5) {
        if (identifier != 0) {
            buffer_append_u8(&set, 0x0b);
            put_varint(&set, identifier == 255 ? 268435455 : identifier);
        }
        if (identifier == SCRIPT_ASKS) {
            put_pair(&set, "snapshot", "1");
            put_pair(&set, "from", "0");
        }
        put_properties(&body, &set);
    }
    do {
        put_filter(&body, face, script_operand(operands));
        buffer_append_u8(&body, script_operand(operands));
    } while (reader_left(operands) > 0);
    put_packet(b, 0x82, &body);
}

void script_write_unsubscribe(struct buffer *b, enum script_face face, bool is_v5,
                              struct reader *operands)
{
    struct buffer body = {0};

    put_u16(&body, script_operand(operands));
    if (is_v5)
        put_varint(&body, 0);
    do {
        put_filter(&body, face, script_operand(operands));
    } while (reader_left(operands) > 0);
    put_packet(b, 0xa2, &body);
}

static void put_publish_properties(struct buffer *b, uint8_t mask, uint8_t alias)
{
    struct buffer set = {0};

    if (mask & 0x10) {
        buffer_append_u8(&set, 0x23);
        put_u16(&set, alias);
    }
    if (mask & 0x40) {
        buffer_append_u8(&set, 0x02);
        put_u32(&set, expiry_of(alias));
    }
    if (mask & 0x80) {
        buffer_append_u8(&set, 0x01);
        buffer_append_u8(&set, 1);
        buffer_append_u8(&set, 0x03);
        put_text(&set, "text/plain");
        buffer_append_u8(&set, 0x08);
        put_text(&set, "command_reply/DU_SIM0000000");
        buffer_append_u8(&set, 0x09);
        put_text(&set, "correlation");
        put_user_property(&set);
    }
    put_properties(b, &set);
}

/* Flags: bits 0 and 1 QoS, 2 retain, 3 DUP, 4 alias, 5 no topic, 6 expiry, 7 further properties. */
void script_write_publish(struct buffer *b, enum script_face face, bool is_v5,
                          struct reader *operands)
{
    uint8_t flags = script_operand(operands), topic = script_operand(operands);
    uint8_t packet_id = script_operand(operands), payload = script_operand(operands);
    uint8_t more = script_operand(operands);
    uint8_t first = (uint8_t)(0x30 | (flags & 3) << 1 | (flags & 4) >> 2 | (flags & 8));
    struct buffer body = {0};

    if ((flags & 0x20) != 0)
        put_text(&body, "");
    else
        put_topic(&body, face, topic);
    if ((flags & 3) != 0)
        put_u16(&body, packet_id);
    if (is_v5)
        put_publish_properties(&body, flags, more);
    put_payload(&body, payload & 15, more, operands);
    put_packet(b, first, &body);
}

void script_write_ack(struct buffer *b, bool is_v5, uint16_t oldest, struct reader *operands)
{
    static const uint8_t firsts[] = {0x40, 0x50, 0x62, 0x70};
    uint8_t type = script_operand(operands), packet_id = script_operand(operands);
    uint8_t reason = script_operand(operands);
    struct buffer body = {0};

    put_u16(&body, packet_id == 0 ? oldest : packet_id);
    if (is_v5 && reason != 0)
        buffer_append_u8(&body, reason);
    put_packet(b, firsts[type & 3], &body);
}

void script_write_disconnect(struct buffer *b, bool is_v5, struct reader *operands)
{
    uint8_t reason = script_operand(operands), expiry = script_operand(operands);
    struct buffer body = {0};

    if (is_v5 && (reason != 0 || expiry != 0)) {
        buffer_append_u8(&body, reason);
        if (expiry != 0) {
            buffer_append_u8(&body, 5);
            buffer_append_u8(&body, 0x11);
            put_u32(&body, expiry_of(expiry));
        }
    }
    put_packet(b, 0xe0, &body);
}

void script_write_packet(struct buffer *b, struct reader *operands)
{
    uint8_t first = script_operand(operands);
    struct buffer body = {0};

    buffer_append_slice(&body, reader_bytes(operands, reader_left(operands)));
    put_packet(b, first, &body);
}

/* --- WebSocket ------------------------------------------------------------------------------- */

void script_write_upgrade(struct buffer *b, uint8_t variant)
{
    static const char *const variants[][2] = {
        /* request line, one more header */
        {"GET /mqtt HTTP/1.1", "Sec-WebSocket-Protocol: mqtt\r\n"},
        {"GET /mqtt HTTP/1.1", "sec-websocket-protocol: mqttv3.1, mqtt\r\nOrigin: http://x\r\n"},
        {"GET /mqtt HTTP/1.1", ""},
        {"GET /other HTTP/1.1", "Sec-WebSocket-Protocol: mqtt\r\n"},
        {"POST /mqtt HTTP/1.1", "Sec-WebSocket-Protocol: mqtt\r\n"},
        {"GET /mqtt HTTP/1.0", "Sec-WebSocket-Protocol: mqtt\r\n"},
    };
    const char *const *v = variants[variant % 6];

    buffer_printf(b,
                  "%s\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                  "%s\r\n",
                  v[0], v[1]);
}

void script_write_frame(struct buffer *b, uint8_t first, struct slice payload)
{
    static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};

    buffer_append_u8(b, first);
    if (payload.len < 126) {
        buffer_append_u8(b, (uint8_t)(0x80 | payload.len));
    } else if (payload.len < 65536) {
        buffer_append_u8(b, 0x80 | 126);
        put_u16(b, (uint16_t)payload.len);
    } else {
        buffer_append_u8(b, 0x80 | 127);
        put_u32(b, 0);
        put_u32(b, (uint32_t)payload.len);
    }
    buffer_append(b, mask, sizeof(mask));
    for (size_t i = 0; i < payload.len; i++)
        buffer_append_u8(b, payload.data[i] ^ mask[i & 3]);
}
