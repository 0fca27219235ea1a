/* The server's packets, byte by byte; limits of the receiver; nothing appended that must not be
 * sent. */
#include "mqtt/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "mqtt/property.h"
#include "wire.h"

static const struct encode_target to_3 = {MQTT_3_1_1, 0, true};
static const struct encode_target to_5 = {MQTT_5, 0, true};
static const struct encode_target to_5_quiet = {MQTT_5, 0, false};
static const struct slice no_text = {NULL, 0};

/* Compares what was appended behind what was there, and empties the buffer. */
static void expect_appended(const char *name, struct buffer *b, const char *want)
{
    wire_check(name, slice_starts_with(buffer_slice(b), slice_of("before")));
    wire_expect(name, slice_from(buffer_slice(b), strlen("before")), want);
    buffer_deinit(b);
}

static struct buffer filled_buffer(void)
{
    struct buffer b = {NULL, 0, 0};

    buffer_append_text(&b, "before");
    return b;
}

#define TEXT(text)                                \
    {                                             \
        (const uint8_t *)(text), sizeof(text) - 1 \
    }

static const struct connack_case {
    const char *name;
    const struct encode_target *to;
    struct encode_connack connack;
    const char *want;
} connack_cases[] = {
    {"3.1.1, accepted [MQTT-3.1.4-4]", &to_3, {.reason = REASON_SUCCESS}, "20 02 00 00"},
    {"3.1.1, session present [MQTT-3.2.2-2]", &to_3, {.session_present = true}, "20 02 01 00"},
    {"3.1.1, refused with a session [MQTT-3.2.2-4]",
     &to_3,
     {.session_present = true, .reason = REASON_BAD_CREDENTIALS},
     "20 02 00 04"},
    {"3.1.1, has no properties",
     &to_3,
     {.has_session_expiry = true,
      .receive_maximum = 64,
      .maximum_packet_size = 1000,
      .assigned_client_id = TEXT("id"),
      .reason_string = TEXT("why")},
     "20 02 00 00"},
    {"3.1.1, version [MQTT-3.1.2-2]",
     &to_3,
     {.reason = REASON_UNSUPPORTED_PROTOCOL_VERSION},
     "20 02 00 01"},
    {"3.1.1, quota [MQTT-3.2.2-6]", &to_3, {.reason = REASON_QUOTA_EXCEEDED}, "20 02 00 03"},
    {"5, accepted [MQTT-2.2.2-1]", &to_5, {.reason = REASON_SUCCESS}, "20 03 00 00 00"},
    {"5, session present [MQTT-3.2.2-3]", &to_5, {.session_present = true}, "20 03 01 00 00"},
    {"5, refused with a session [MQTT-3.2.2-6]",
     &to_5,
     {.session_present = true, .reason = REASON_NOT_AUTHORIZED},
     "20 03 00 87 00"},
    {"5, defaults are left out",
     &to_5,
     {.receive_maximum = 65535, .topic_alias_maximum = 0, .maximum_packet_size = 0},
     "20 03 00 00 00"},
    {"5, zeros that mean something",
     &to_5,
     {.has_session_expiry = true, .has_server_keep_alive = true},
     "20 0B 00 00 { 11 00000000 13 0000 }"},
    {"5, everything",
     &to_5,
     {.session_present = true,
      .reason_string = TEXT("why"),
      .has_session_expiry = true,
      .session_expiry_s = 0x01020304,
      .receive_maximum = 64,
      .maximum_packet_size = 0x00040100,
      .assigned_client_id = TEXT("id"),
      .topic_alias_maximum = 10,
      .has_server_keep_alive = true,
      .server_keep_alive_s = 3600,
      .server_reference = TEXT("host")},
     "20 28 01 00 { 11 01020304 21 0040 27 00040100 22 000A 13 0E10 12 <id> 1C <host> 1F <why> }"},
    {"5, assigned client id [MQTT-3.2.2-16]",
     &to_5,
     {.assigned_client_id = TEXT("auto-1")},
     "20 0C 00 00 { 12 <auto-1> }"},
    {"5, reason string in spite of problem information 0 [MQTT-3.1.2-29]",
     &to_5_quiet,
     {.reason = REASON_BANNED, .reason_string = TEXT("why")},
     "20 09 00 8A { 1F <why> }"},
};

static void test_connack(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(connack_cases) / sizeof(connack_cases[0]); i++) {
        const struct connack_case *c = &connack_cases[i];
        struct buffer b = filled_buffer();

        wire_check(c->name, encode_connack(&b, c->to, &c->connack));
        expect_appended(c->name, &b, c->want);
    }
}

/* [MQTT-3.2.2-8], 3.1.1 [MQTT-3.2.2-6]: every refusal in both versions. */
static void test_every_refusal(void **state)
{
    (void)state;
    for (unsigned code = 0x80; code < 256; code++) {
        struct encode_connack c = {.reason = (enum reason)code};
        char name[32], want[32];
        struct buffer b;

        if (!reason_is_for((uint8_t)code, PACKET_CONNACK))
            continue;
        snprintf(name, sizeof(name), "CONNACK with %02X", code);
        b = filled_buffer();
        wire_check(name, encode_connack(&b, &to_5, &c));
        snprintf(want, sizeof(want), "20 03 00 %02X 00", code);
        expect_appended(name, &b, want);
        b = filled_buffer();
        wire_check(name, encode_connack(&b, &to_3, &c));
        wire_check(name, b.data[b.len - 1] >= 1 && b.data[b.len - 1] <= 5);
        snprintf(want, sizeof(want), "20 02 00 %02X", reason_connack_3_1_1(c.reason));
        expect_appended(name, &b, want);
    }
}

/* [MQTT-3.2.2-19], [MQTT-3.1.2-24]: at each limit either within it or nothing. */
static void test_connack_within_every_limit(void **state)
{
    const struct encode_connack c = {.reason = REASON_BAD_CREDENTIALS,
                                     .reason_string = TEXT("unknown key or wrong secret"),
                                     .assigned_client_id = TEXT("id")};

    (void)state;
    for (uint32_t limit = 1; limit < 60; limit++) {
        struct encode_target to = {MQTT_5, limit, true};
        struct buffer b = filled_buffer();
        bool sent = encode_connack(&b, &to, &c);

        assert_true(sent == (limit >= 10));
        expect_appended("CONNACK", &b,
                        limit >= 40 ? "20 26 00 86 { 12 <id> 1F <unknown key or wrong secret> }"
                        : sent      ? "20 08 00 86 { 12 <id> }"
                                    : "");
    }
}

/* [MQTT-1.5.5-1]: lengths in their shortest form, on both sides of where it grows. */
static void test_long_texts(void **state)
{
    static const size_t lens[] = {1, 115, 116, 117, 121, 122, 123, 16000, 16380, 16384, 65535};
    static uint8_t text[65535];

    (void)state;
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        struct encode_connack c = {.reason_string = slice_make(text, lens[i])};
        struct buffer b = {NULL, 0, 0};
        struct property_set set;
        struct reader r;
        uint32_t remaining;

        assert_true(encode_connack(&b, &to_5, &c));
        r = reader_of(slice_from(buffer_slice(&b), 1));
        remaining = reader_varint(&r); /* refuses what is longer than needed */
        assert_int_equal(remaining, reader_left(&r));
        reader_bytes(&r, 2);
        assert_int_equal(property_read(&r, PACKET_CONNACK, &set), REASON_SUCCESS);
        assert_int_equal(set.reason_string.len, lens[i]);
        assert_int_equal(reader_left(&r), 0);
        buffer_deinit(&b);
    }
}

static const struct ack_case {
    const char *name;
    const struct encode_target *to;
    enum packet_type type;
    uint16_t packet_id;
    enum reason reason;
    const char *reason_string, *want;
} ack_cases[] = {
    {"3.1.1 PUBACK [MQTT-2.3.1-6]", &to_3, PACKET_PUBACK, 1, REASON_SUCCESS, "", "40 02 0001"},
    {"3.1.1 PUBREC [MQTT-2.3.1-6]", &to_3, PACKET_PUBREC, 256, REASON_SUCCESS, "", "50 02 0100"},
    {"3.1.1 PUBREL [MQTT-3.6.1-1]", &to_3, PACKET_PUBREL, 65535, REASON_SUCCESS, "", "62 02 FFFF"},
    {"3.1.1 PUBCOMP", &to_3, PACKET_PUBCOMP, 7, REASON_SUCCESS, "", "70 02 0007"},
    {"3.1.1, the reason is left out", &to_3, PACKET_PUBACK, 1, REASON_NOT_AUTHORIZED, "why",
     "40 02 0001"},
    {"5 PUBACK [MQTT-2.2.1-5]", &to_5, PACKET_PUBACK, 1, REASON_SUCCESS, "", "40 02 0001"},
    {"5 PUBREC [MQTT-2.2.1-5]", &to_5, PACKET_PUBREC, 256, REASON_SUCCESS, "", "50 02 0100"},
    {"5 PUBREL [MQTT-3.6.1-1]", &to_5, PACKET_PUBREL, 65535, REASON_SUCCESS, "", "62 02 FFFF"},
    {"5 PUBCOMP [MQTT-2.2.1-5]", &to_5, PACKET_PUBCOMP, 7, REASON_SUCCESS, "", "70 02 0007"},
    {"nobody wants it [MQTT-3.4.2-1]", &to_5, PACKET_PUBACK, 1, REASON_NO_MATCHING_SUBSCRIBERS, "",
     "40 03 0001 10"},
    {"unknown id [MQTT-3.6.2-1]", &to_5, PACKET_PUBREL, 1, REASON_PACKET_ID_NOT_FOUND, "",
     "62 03 0001 92"},
    {"unknown id [MQTT-3.7.2-1]", &to_5, PACKET_PUBCOMP, 1, REASON_PACKET_ID_NOT_FOUND, "",
     "70 03 0001 92"},
    {"with a reason string", &to_5, PACKET_PUBREC, 1, REASON_TOPIC_INVALID, "no such device",
     "50 15 0001 90 { 1F <no such device> }"},
    {"success with a reason string", &to_5, PACKET_PUBACK, 1, REASON_SUCCESS, "ok",
     "40 09 0001 00 { 1F <ok> }"},
    {"string not wanted [MQTT-3.1.2-29]", &to_5_quiet, PACKET_PUBACK, 1, REASON_NOT_AUTHORIZED,
     "why", "40 03 0001 87"},
    {"string not wanted, success [MQTT-3.1.2-29]", &to_5_quiet, PACKET_PUBACK, 1, REASON_SUCCESS,
     "why", "40 02 0001"},
};

static void test_ack(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ack_cases) / sizeof(ack_cases[0]); i++) {
        const struct ack_case *c = &ack_cases[i];
        struct buffer b = filled_buffer();

        encode_ack(&b, c->to, c->type, c->packet_id, c->reason, slice_of(c->reason_string));
        expect_appended(c->name, &b, c->want);
    }
}

/* [MQTT-3.4.2-2], [MQTT-3.5.2-2], [MQTT-3.6.2-2], [MQTT-3.7.2-2], [MQTT-3.1.2-24] */
static void test_ack_within_every_limit(void **state)
{
    (void)state;
    for (uint32_t limit = 1; limit < 20; limit++) {
        struct encode_target to = {MQTT_5, limit, true};
        struct buffer b = filled_buffer();

        encode_ack(&b, &to, PACKET_PUBACK, 1, REASON_NOT_AUTHORIZED, slice_of("why"));
        expect_appended("refused", &b,
                        limit >= 12  ? "40 0A 0001 87 { 1F <why> }"
                        : limit >= 5 ? "40 03 0001 87"
                                     : "");
        b = filled_buffer();
        encode_ack(&b, &to, PACKET_PUBREC, 1, REASON_SUCCESS, no_text);
        expect_appended("success", &b, limit >= 4 ? "50 02 0001" : "");
        b = filled_buffer();
        encode_ack(&b, &to, PACKET_PUBACK, 1, REASON_SUCCESS, slice_of("ok"));
        expect_appended("success with a string", &b,
                        limit >= 11  ? "40 09 0001 00 { 1F <ok> }"
                        : limit >= 4 ? "40 02 0001"
                                     : "");
    }
}

static const uint8_t sub_codes[] = {0x02, 0x00, 0x87, 0x01, 0x8F};
static const uint8_t unsub_codes[] = {0x00, 0x11, 0x87};

static void test_suback(void **state)
{
    struct buffer b;

    (void)state;
    b = filled_buffer();
    encode_suback(&b, &to_5, 0x1234, sub_codes, 5, no_text);
    expect_appended("5 [MQTT-3.9.3-1], [MQTT-2.2.1-6]", &b, "90 08 1234 00 02 00 87 01 8F");
    b = filled_buffer();
    encode_suback(&b, &to_5, 0x1234, sub_codes, 5, slice_of("why"));
    expect_appended("5, reason string", &b, "90 0E 1234 { 1F <why> } 02 00 87 01 8F");
    b = filled_buffer();
    encode_suback(&b, &to_5_quiet, 0x1234, sub_codes, 5, slice_of("why"));
    expect_appended("5, string not wanted [MQTT-3.1.2-29]", &b, "90 08 1234 00 02 00 87 01 8F");
    b = filled_buffer();
    encode_suback(&b, &to_3, 0x1234, sub_codes, 5, slice_of("why"));
    expect_appended("3.1.1 [MQTT-3.9.3-2]", &b, "90 07 1234 02 00 80 01 80");
    for (uint32_t limit = 1; limit < 20; limit++) { /* [MQTT-3.9.2-1] */
        struct encode_target to = {MQTT_5, limit, true};

        b = filled_buffer();
        encode_suback(&b, &to, 0x1234, sub_codes, 5, slice_of("why"));
        expect_appended("limit", &b,
                        limit >= 16   ? "90 0E 1234 { 1F <why> } 02 00 87 01 8F"
                        : limit >= 10 ? "90 08 1234 00 02 00 87 01 8F"
                                      : "");
    }
}

static void test_unsuback(void **state)
{
    struct buffer b;

    (void)state;
    b = filled_buffer();
    encode_unsuback(&b, &to_5, 0xFFFF, unsub_codes, 3);
    expect_appended("5 [MQTT-3.11.3-1]", &b, "B0 06 FFFF 00 00 11 87");
    b = filled_buffer();
    encode_unsuback(&b, &to_3, 0xFFFF, unsub_codes, 3);
    expect_appended("3.1.1 [MQTT-3.10.4-4]", &b, "B0 02 FFFF");
}

/* A hundred codes and more: the remaining length takes two bytes. */
static void test_many_codes(void **state)
{
    static const uint8_t codes[300];
    struct buffer b = {NULL, 0, 0};

    (void)state;
    encode_suback(&b, &to_5, 1, codes, sizeof(codes), no_text);
    assert_int_equal(b.len, 1 + 2 + 2 + 1 + 300);
    wire_expect("head", slice_make(b.data, 6), "90 AF 02 0001 00");
    b.len = 0;
    encode_suback(&b, &to_3, 1, codes, sizeof(codes), no_text);
    assert_int_equal(b.len, 1 + 2 + 2 + 300);
    wire_expect("head", slice_make(b.data, 5), "90 AE 02 0001");
    buffer_deinit(&b);
}

static void test_pingresp(void **state)
{
    struct buffer b = filled_buffer();

    (void)state;
    encode_pingresp(&b);
    expect_appended("PINGRESP", &b, "D0 00");
}

static const struct disconnect_case {
    const char *name;
    const struct encode_target *to;
    enum reason reason;
    const char *reason_string, *want;
} disconnect_cases[] = {
    {"3.1.1 has none [MQTT-4.8.0-1]", &to_3, REASON_PROTOCOL_ERROR, "why", ""},
    {"normal", &to_5, REASON_SUCCESS, "", "E0 00"},
    {"taken over", &to_5, REASON_SESSION_TAKEN_OVER, "", "E0 01 8E"},
    {"with a reason string", &to_5, REASON_MALFORMED_PACKET, "why", "E0 08 81 { 1F <why> }"},
    {"string in spite of problem information 0 [MQTT-3.1.2-29]", &to_5_quiet,
     REASON_MALFORMED_PACKET, "why", "E0 08 81 { 1F <why> }"},
};

static void test_disconnect(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(disconnect_cases) / sizeof(disconnect_cases[0]); i++) {
        const struct disconnect_case *c = &disconnect_cases[i];
        struct buffer b = filled_buffer();

        encode_disconnect(&b, c->to, c->reason, slice_of(c->reason_string));
        expect_appended(c->name, &b, c->want);
    }
    for (uint32_t limit = 1; limit < 16; limit++) { /* [MQTT-3.14.2-3] */
        struct encode_target to = {MQTT_5, limit, true};
        struct buffer b = filled_buffer();

        encode_disconnect(&b, &to, REASON_PACKET_TOO_LARGE, slice_of("why"));
        expect_appended("limit", &b,
                        limit >= 10  ? "E0 08 95 { 1F <why> }"
                        : limit >= 3 ? "E0 01 95"
                                     : "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connack),
        cmocka_unit_test(test_every_refusal),
        cmocka_unit_test(test_connack_within_every_limit),
        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_ack),
        cmocka_unit_test(test_ack_within_every_limit),
        cmocka_unit_test(test_suback),
        cmocka_unit_test(test_unsuback),
        cmocka_unit_test(test_many_codes),
        cmocka_unit_test(test_pingresp),
        cmocka_unit_test(test_disconnect),
    };

    return cmocka_run_group_tests(tests, NULL, wire_nothing_left);
}
