/* PUBLISH: round trips, beginnings, every fault, and every byte at every place of a topic. */
#include "mqtt/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "mqtt/topic.h"
#include "rebuild.h"
#include "wire.h"

enum { PACKET_MAX = 1024 };

static const struct valid_case {
    const char *name;
    enum mqtt_version version;
    uint8_t flags;
    const char *head, *payload;
} valid_cases[] = {
    {"3.1.1, QoS 0 [MQTT-2.3.1-5]", MQTT_3_1_1, 0x0, "<attributes/DU_0123456789>", "'{}'"},
    {"3.1.1, QoS 0, empty payload", MQTT_3_1_1, 0x0, "<a>", ""},
    {"3.1.1, QoS 0, retain", MQTT_3_1_1, 0x1, "<a/b>", "00 FF"},
    {"3.1.1, QoS 1, id 1", MQTT_3_1_1, 0x2, "<a/b> 0001", "'x'"},
    {"3.1.1, QoS 1, id 256, DUP", MQTT_3_1_1, 0xA, "<a/b> 0100", "'x'"},
    {"3.1.1, QoS 2, id 65535, DUP, retain", MQTT_3_1_1, 0xD, "<a/b> FFFF", "'x'"},
    {"3.1.1, byte order mark [MQTT-1.5.3-3]", MQTT_3_1_1, 0x0, "[EFBBBF 'a']", "'x'"},
    {"3.1.1, not ASCII", MQTT_3_1_1, 0x0, "[C3A9 '/' E4BDA0 '/' F09F9880]", "'x'"},
    {"5, QoS 0", MQTT_5, 0x0, "<attributes/DU_0123456789> 00", "'{}'"},
    {"5, QoS 0, empty payload", MQTT_5, 0x0, "<a> 00", ""},
    {"5, QoS 1", MQTT_5, 0x2, "<a> 0001 00", "'x'"},
    {"5, QoS 2, DUP, retain", MQTT_5, 0xD, "<a> 1234 00", "00"},
    {"5, all properties", MQTT_5, 0x2,
     "<a/b> 0007 { 01 01 02 0000003C 03 <text/plain> 08 <r/t> 09 [00 FF] 23 0005 26 <b> <1> 26 <a> "
     "<> 26 <b> <2> }",
     "'x'"},
    {"5, empty topic with an alias", MQTT_5, 0x0, "<> { 23 0001 }", "'x'"},
    {"5, topic with an alias", MQTT_5, 0x0, "<a> { 23 FFFF }", "'x'"},
    {"5, correlation data empty [MQTT-3.3.2-16]", MQTT_5, 0x0, "<a> { 09 [] }", ""},
    {"5, a topic that begins with a dollar", MQTT_5, 0x0, "<$open/PR_0123456789/ctl> 00", ""},
};

enum { VALID = sizeof(valid_cases) / sizeof(valid_cases[0]) };

static struct slice whole_of(const struct valid_case *c)
{
    struct slice head = wire_new(c->head), payload = wire_new(c->payload), whole;
    struct buffer b = {NULL, 0, 0};

    buffer_append_slice(&b, head);
    buffer_append_slice(&b, payload);
    whole = wire_copy(buffer_slice(&b));
    buffer_deinit(&b);
    wire_free(head);
    wire_free(payload);
    return whole;
}

static void test_round_trip(void **state)
{
    (void)state;
    for (size_t i = 0; i < VALID; i++) {
        const struct valid_case *c = &valid_cases[i];
        struct slice body = whole_of(c);
        uint8_t again[PACKET_MAX];
        struct writer w = writer_of(again, sizeof(again));
        struct packet_publish p;

        memset(&p, 0xA5, sizeof(p)); /* nothing may rely on what was there before */
        wire_expect_reason(c->name, decode_publish(c->version, c->flags, body, &p), REASON_SUCCESS);
        wire_expect(c->name, p.payload, c->payload);
        wire_check(c->name, rebuild_publish_flags(&p) == c->flags);
        rebuild_publish(&w, c->version, &p);
        wire_expect_same(c->name, slice_make(again, writer_len(&w)), body);
        wire_free(body);
    }
}

static void test_fields(void **state)
{
    struct slice body = wire_new("<a/b> 1234 { 23 0005 } 'xyz'");
    struct packet_publish p;

    (void)state;
    assert_int_equal(decode_publish(MQTT_5, 0xD, body, &p), REASON_SUCCESS);
    assert_true(p.dup && p.retain);
    assert_int_equal(p.qos, 2);
    assert_true(slice_is(p.topic, "a/b"));
    assert_int_equal(p.packet_id, 0x1234);
    assert_int_equal(p.properties.topic_alias, 5);
    assert_true(slice_is(p.payload, "xyz"));
    wire_free(body);
    body = wire_new("<a/b> 1234 'xyz'");
    assert_int_equal(decode_publish(MQTT_3_1_1, 0x0, body, &p), REASON_SUCCESS);
    assert_int_equal(p.packet_id, 0);
    assert_int_equal(p.payload.len, 5); /* [MQTT-2.3.1-5]: it begins right behind the topic */
    assert_int_equal(p.properties.present, 0);
    assert_int_equal(p.properties.raw.len, 0);
    wire_free(body);
}

/* [MQTT-3.3.1-2]: DUP means nothing at QoS 0 and is tolerated there. */
static void test_dup_at_qos_0(void **state)
{
    struct slice body = wire_new("<a>");
    struct packet_publish p;

    (void)state;
    assert_int_equal(decode_publish(MQTT_3_1_1, 0x8, body, &p), REASON_SUCCESS);
    assert_false(p.dup);
    wire_free(body);
}

/* A beginning is a packet only if nothing but payload is missing. */
static void test_every_prefix(void **state)
{
    (void)state;
    for (size_t i = 0; i < VALID; i++) {
        const struct valid_case *c = &valid_cases[i];
        struct slice body = whole_of(c), head = wire_new(c->head);

        for (size_t len = 0; len < body.len; len++) {
            struct slice part = wire_copy(slice_make(body.data, len));
            struct packet_publish p;
            enum reason want = len < head.len ? REASON_MALFORMED_PACKET : REASON_SUCCESS;

            wire_expect_reason(c->name, decode_publish(c->version, c->flags, part, &p), want);
            if (want == REASON_SUCCESS)
                wire_check(c->name, p.payload.len == len - head.len);
            wire_free(part);
        }
        wire_free(body);
        wire_free(head);
    }
}

static const struct refused_case {
    const char *name;
    enum mqtt_version version;
    uint8_t flags;
    const char *wire;
    enum reason want;
} refused_cases[] = {
    {"3.1.1, QoS 3 [MQTT-3.3.1-4]", MQTT_3_1_1, 0x6, "<a> 0001 'x'", REASON_MALFORMED_PACKET},
    {"5, QoS 3 [MQTT-3.3.1-4]", MQTT_5, 0x6, "<a> 0001 00 'x'", REASON_MALFORMED_PACKET},
    {"5, QoS 3, DUP, retain [MQTT-3.3.1-4]", MQTT_5, 0xF, "<a> 0001 00", REASON_MALFORMED_PACKET},
    {"3.1.1, id 0 [MQTT-2.3.1-1]", MQTT_3_1_1, 0x2, "<a> 0000 'x'", REASON_PROTOCOL_ERROR},
    {"5, QoS 1, id 0 [MQTT-2.2.1-3]", MQTT_5, 0x2, "<a> 0000 00 'x'", REASON_PROTOCOL_ERROR},
    {"5, QoS 2, id 0 [MQTT-2.2.1-3]", MQTT_5, 0x4, "<a> 0000 00 'x'", REASON_PROTOCOL_ERROR},
    {"no id [MQTT-2.2.1-3]", MQTT_3_1_1, 0x2, "<a>", REASON_MALFORMED_PACKET},
    {"half an id [MQTT-2.2.1-3]", MQTT_3_1_1, 0x2, "<a> 00", REASON_MALFORMED_PACKET},
    {"empty body [MQTT-3.3.2-1]", MQTT_5, 0x0, "", REASON_MALFORMED_PACKET},
    {"topic past the packet [MQTT-3.3.2-1]", MQTT_5, 0x0, "0005 'a' 00", REASON_MALFORMED_PACKET},
    {"topic of 65535 past the packet [MQTT-3.3.2-1]", MQTT_3_1_1, 0x0, "FFFF 'a'",
     REASON_MALFORMED_PACKET},
    {"topic FF [MQTT-3.3.2-1]", MQTT_5, 0x0, "[FF] 00", REASON_MALFORMED_PACKET},
    {"topic overlong [MQTT-1.5.4-1]", MQTT_5, 0x0, "['abcdefgh' C0 AF] 00",
     REASON_MALFORMED_PACKET},
    {"topic surrogate [MQTT-1.5.4-1]", MQTT_5, 0x0, "[ED A0 80 'abcdefgh'] 00",
     REASON_MALFORMED_PACKET},
    {"topic above U+10FFFF [MQTT-1.5.4-1]", MQTT_5, 0x0, "['abcdefgh' F4 90 80 80 'abcdefgh'] 00",
     REASON_MALFORMED_PACKET},
    {"topic with zero [MQTT-4.7.3-2]", MQTT_5, 0x0, "['abcdefgh' 00 'i'] 00",
     REASON_MALFORMED_PACKET},
    {"3.1.1, topic FF [MQTT-1.5.3-1]", MQTT_3_1_1, 0x0, "[FF] 'x'", REASON_MALFORMED_PACKET},
    {"3.1.1, topic with zero [MQTT-1.5.3-2]", MQTT_3_1_1, 0x0, "[00] 'x'", REASON_MALFORMED_PACKET},
    {"5, plus [MQTT-3.3.2-2]", MQTT_5, 0x2, "<open/PR_0123456789/+/command_send> 0001 00 '{}'",
     REASON_TOPIC_INVALID},
    {"5, hash [MQTT-3.3.2-2]", MQTT_5, 0x0, "<open/PR_0123456789/#> 00 '{}'", REASON_TOPIC_INVALID},
    {"5, hash in a level [MQTT-3.3.2-2]", MQTT_5, 0x0, "<a#b> 00", REASON_TOPIC_INVALID},
    {"3.1.1, plus [MQTT-4.7.1-1]", MQTT_3_1_1, 0x0, "<a/+> 'x'", REASON_TOPIC_INVALID},
    {"wildcard and bad UTF-8 [MQTT-1.5.4-1]", MQTT_5, 0x0, "['#' FF] 00", REASON_MALFORMED_PACKET},
    {"wildcard with an alias [MQTT-3.3.2-2]", MQTT_5, 0x0, "<#> { 23 0001 }", REASON_TOPIC_INVALID},
    {"5, empty topic without an alias [X-5-3.3.2.1-notopic]", MQTT_5, 0x0, "<> 00 'x'",
     REASON_PROTOCOL_ERROR},
    {"5, empty topic, other property [X-5-3.3.2.1-notopic]", MQTT_5, 0x0, "<> { 01 00 } 'x'",
     REASON_PROTOCOL_ERROR},
    {"3.1.1, empty topic [MQTT-4.7.3-1]", MQTT_3_1_1, 0x0, "<> 'x'", REASON_PROTOCOL_ERROR},
    {"no property length [MQTT-2.2.2-1]", MQTT_5, 0x0, "<a>", REASON_MALFORMED_PACKET},
    {"alias 0 [MQTT-3.3.2-8]", MQTT_5, 0x0, "<a> { 23 0000 }", REASON_TOPIC_ALIAS_INVALID},
    {"subscription id [MQTT-3.3.4-6]", MQTT_5, 0x0, "<a> { 0B 01 }", REASON_PROTOCOL_ERROR},
    {"two subscription ids [MQTT-3.3.4-6]", MQTT_5, 0x0, "<a> { 0B 01 0B 02 }",
     REASON_PROTOCOL_ERROR},
    {"payload format 2 [X-5-3.3.2.3.2-value]", MQTT_5, 0x0, "<a> { 01 02 }", REASON_PROTOCOL_ERROR},
    {"response topic FF [MQTT-3.3.2-13]", MQTT_5, 0x0, "<a> { 08 [FF] }", REASON_MALFORMED_PACKET},
    {"wildcard in the response topic [MQTT-3.3.2-14]", MQTT_5, 0x0, "<a> { 08 <a/+/b> }",
     REASON_TOPIC_INVALID},
    {"empty response topic [MQTT-4.7.3-1]", MQTT_5, 0x0, "<a> { 08 <> }", REASON_TOPIC_INVALID},
    {"content type FF [MQTT-3.3.2-19]", MQTT_5, 0x0, "<a> { 03 [FF] }", REASON_MALFORMED_PACKET},
    {"user property FF [MQTT-1.5.7-1]", MQTT_5, 0x0, "<a> { 26 [FF] <v> }",
     REASON_MALFORMED_PACKET},
    {"receive maximum [X-5-2.2.2.2-place]", MQTT_5, 0x0, "<a> { 21 0001 }", REASON_PROTOCOL_ERROR},
    {"alias twice [X-5-2.2.2.2-repeat]", MQTT_5, 0x0, "<a> { 23 0001 23 0002 }",
     REASON_PROTOCOL_ERROR},
    {"unknown property [X-5-2.2.2.2-unknown]", MQTT_5, 0x0, "<a> { 7F }", REASON_MALFORMED_PACKET},
    {"property length past the packet [X-5-2.2.2.1-length]", MQTT_5, 0x0, "<a> 05 01 01",
     REASON_MALFORMED_PACKET},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused_cases) / sizeof(refused_cases[0]); i++) {
        const struct refused_case *c = &refused_cases[i];
        struct slice body = wire_new(c->wire);
        struct packet_publish p;

        wire_expect_reason(c->name, decode_publish(c->version, c->flags, body, &p), c->want);
        wire_check(c->name, reason_is_for((uint8_t)c->want, PACKET_DISCONNECT));
        wire_free(body);
    }
}

/* Topics are looked at eight bytes at a time: no byte may slip through, wherever it stands. */
static void test_every_byte_at_every_place(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 26; len++) {
        for (size_t at = 0; at < len; at++) {
            for (unsigned byte = 0; byte < 256; byte++) {
                uint8_t packet[2 + 26] = {0, (uint8_t)len};
                struct slice topic = slice_make(packet + 2, len);
                struct packet_publish p;
                enum reason want;

                memset(packet + 2, 'x', len);
                packet[2 + at] = (uint8_t)byte;
                want = !utf8_is_text(topic)    ? REASON_MALFORMED_PACKET
                       : !topic_is_name(topic) ? REASON_TOPIC_INVALID
                                               : REASON_SUCCESS;
                if (decode_publish(MQTT_3_1_1, 0, slice_make(packet, 2 + len), &p) != want)
                    fail_msg("byte %02X at %zu of %zu", byte, at, len);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_fields),
        cmocka_unit_test(test_dup_at_qos_0), cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_refused),      cmocka_unit_test(test_every_byte_at_every_place),
    };

    return cmocka_run_group_tests(tests, NULL, wire_nothing_left);
}
