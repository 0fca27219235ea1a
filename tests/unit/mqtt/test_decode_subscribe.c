/* SUBSCRIBE and UNSUBSCRIBE: round trips, beginnings, options, every fault. */
#include "mqtt/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "rebuild.h"
#include "wire.h"

enum { PACKET_MAX = 1024 };

static const struct valid_case {
    const char *name;
    enum packet_type type;
    enum mqtt_version version;
    const char *wire;
    uint32_t count;
} valid_cases[] = {
    {"3.1.1, one", PACKET_SUBSCRIBE, MQTT_3_1_1, "0001 <a/b> 00", 1},
    {"3.1.1, three", PACKET_SUBSCRIBE, MQTT_3_1_1, "FFFF <a> 00 <#> 01 <+/b> 02", 3},
    {"3.1.1, twice the same", PACKET_SUBSCRIBE, MQTT_3_1_1, "0001 <a> 00 <a> 02", 2},
    {"3.1.1, empty filter: its SUBACK says so", PACKET_SUBSCRIBE, MQTT_3_1_1, "0001 <> 00", 1},
    {"5, one", PACKET_SUBSCRIBE, MQTT_5, "1234 00 <a/b> 00", 1},
    {"5, options", PACKET_SUBSCRIBE, MQTT_5, "0001 00 <a> 2E <b> 15 <c> 04 <d> 08 <e> 20", 5},
    {"5, shared", PACKET_SUBSCRIBE, MQTT_5, "0001 00 <$share/g/a> 2A", 1},
    {"5, properties", PACKET_SUBSCRIBE, MQTT_5, "0001 { 0B FFFFFF7F 26 <b> <1> 26 <a> <> } <a> 01",
     1},
    {"5, bad syntax: its SUBACK says so", PACKET_SUBSCRIBE, MQTT_5, "0001 00 <a#> 00", 1},
    {"3.1.1, one", PACKET_UNSUBSCRIBE, MQTT_3_1_1, "0001 <a/b>", 1},
    {"3.1.1, two", PACKET_UNSUBSCRIBE, MQTT_3_1_1, "FFFF <a> <#>", 2},
    {"5, one", PACKET_UNSUBSCRIBE, MQTT_5, "1234 00 <a/b>", 1},
    {"5, properties", PACKET_UNSUBSCRIBE, MQTT_5, "0001 { 26 <k> <v> } <a> <> <b>", 3},
};

enum { VALID = sizeof(valid_cases) / sizeof(valid_cases[0]) };

/* Decodes either packet and writes it anew into `again`, which holds PACKET_MAX bytes. */
static enum reason rebuild(enum packet_type type, enum mqtt_version version, struct slice body,
                           uint32_t *count, uint8_t *again, size_t *again_len)
{
    struct writer w = writer_of(again, PACKET_MAX);
    enum reason reason;

    if (type == PACKET_SUBSCRIBE) {
        struct packet_subscribe s;

        memset(&s, 0xA5, sizeof(s));
        reason = decode_subscribe(version, body, &s);
        if (reason == REASON_SUCCESS)
            rebuild_subscribe(&w, version, &s);
        *count = s.filter_count;
    } else {
        struct packet_unsubscribe u;

        memset(&u, 0xA5, sizeof(u));
        reason = decode_unsubscribe(version, body, &u);
        if (reason == REASON_SUCCESS)
            rebuild_unsubscribe(&w, version, &u);
        *count = u.filter_count;
    }
    *again_len = writer_len(&w);
    return reason;
}

static void test_round_trip(void **state)
{
    (void)state;
    for (size_t i = 0; i < VALID; i++) {
        const struct valid_case *c = &valid_cases[i];
        struct slice body = wire_new(c->wire);
        uint8_t again[PACKET_MAX];
        size_t len;
        uint32_t count;

        wire_expect_reason(c->name, rebuild(c->type, c->version, body, &count, again, &len),
                           REASON_SUCCESS);
        wire_check(c->name, count == c->count);
        wire_expect_same(c->name, slice_make(again, len), body);
        wire_free(body);
    }
}

static void test_fields(void **state)
{
    struct slice body = wire_new("1234 { 0B AC02 } <a> 2E <b/c> 11");
    struct packet_subscribe s;
    struct subscribe_filter f;
    struct reader filters;

    (void)state;
    assert_int_equal(decode_subscribe(MQTT_5, body, &s), REASON_SUCCESS);
    assert_int_equal(s.packet_id, 0x1234);
    assert_int_equal(s.properties.subscription_id, 300);
    filters = reader_of(s.filters);
    assert_true(decode_subscribe_next(&filters, MQTT_5, &f));
    assert_true(slice_is(f.filter, "a"));
    assert_int_equal(f.qos, 2);
    assert_true(f.no_local && f.retain_as_published);
    assert_int_equal(f.retain_handling, 2);
    assert_true(decode_subscribe_next(&filters, MQTT_5, &f));
    assert_true(slice_is(f.filter, "b/c"));
    assert_int_equal(f.qos, 1);
    assert_false(f.no_local || f.retain_as_published);
    assert_int_equal(f.retain_handling, 1);
    assert_false(decode_subscribe_next(&filters, MQTT_5, &f));
    wire_free(body);
}

static bool is_whole(const struct valid_case *c, struct slice body, size_t len)
{
    bool subscribe = c->type == PACKET_SUBSCRIBE;
    size_t end = 2;

    if (c->version == MQTT_5)
        end += 1 + (size_t)body.data[2];
    while (end < len)
        end += 2 + (size_t)(body.data[end] << 8 | body.data[end + 1]) + (subscribe ? 1 : 0);
    return end == len && len > (c->version == MQTT_5 ? 3u + body.data[2] : 2u);
}

/* A beginning is a packet only if it ends behind a filter; without any it is [MQTT-3.8.3-2],
 * [MQTT-3.10.3-2]. */
static void test_every_prefix(void **state)
{
    (void)state;
    for (size_t i = 0; i < VALID; i++) {
        const struct valid_case *c = &valid_cases[i];
        struct slice body = wire_new(c->wire);

        for (size_t len = 0; len < body.len; len++) {
            struct slice part = wire_copy(slice_make(body.data, len));
            uint8_t again[PACKET_MAX];
            size_t again_len;
            uint32_t count;
            enum reason reason = rebuild(c->type, c->version, part, &count, again, &again_len);

            wire_check(c->name, (reason == REASON_SUCCESS) == is_whole(c, body, len));
            wire_free(part);
        }
        wire_free(body);
    }
}

static const struct refused_case {
    const char *name;
    enum packet_type type;
    enum mqtt_version version;
    const char *wire;
    enum reason want;
} refused_cases[] = {
    {"3.1.1, id 0 [MQTT-2.3.1-1]", PACKET_SUBSCRIBE, MQTT_3_1_1, "0000 <a> 00",
     REASON_PROTOCOL_ERROR},
    {"5, id 0 [MQTT-2.2.1-3]", PACKET_SUBSCRIBE, MQTT_5, "0000 00 <a> 00", REASON_PROTOCOL_ERROR},
    {"3.1.1, no filter [MQTT-3.8.3-3]", PACKET_SUBSCRIBE, MQTT_3_1_1, "0001",
     REASON_PROTOCOL_ERROR},
    {"5, no filter [MQTT-3.8.3-2]", PACKET_SUBSCRIBE, MQTT_5, "0001 00", REASON_PROTOCOL_ERROR},
    {"no id [MQTT-2.2.1-3]", PACKET_SUBSCRIBE, MQTT_5, "", REASON_MALFORMED_PACKET},
    {"no property length [MQTT-2.2.2-1]", PACKET_SUBSCRIBE, MQTT_5, "0001",
     REASON_MALFORMED_PACKET},
    {"filter past the packet [MQTT-3.8.3-1]", PACKET_SUBSCRIBE, MQTT_5, "0001 00 0009 'abc' 00",
     REASON_MALFORMED_PACKET},
    {"no options [MQTT-3.8.3-1]", PACKET_SUBSCRIBE, MQTT_5, "0001 00 <abc>",
     REASON_MALFORMED_PACKET},
    {"second filter cut off [MQTT-3.8.3-1]", PACKET_SUBSCRIBE, MQTT_5, "0001 00 <a> 00 00",
     REASON_MALFORMED_PACKET},
    {"filter FF [MQTT-3.8.3-1]", PACKET_SUBSCRIBE, MQTT_5, "0001 00 [FF] 00",
     REASON_MALFORMED_PACKET},
    {"filter overlong [MQTT-1.5.4-1]", PACKET_SUBSCRIBE, MQTT_5, "0001 00 [C0 AF] 00",
     REASON_MALFORMED_PACKET},
    {"filter surrogate [MQTT-1.5.4-1]", PACKET_SUBSCRIBE, MQTT_5, "0001 00 [ED A0 80] 00",
     REASON_MALFORMED_PACKET},
    {"filter with zero [MQTT-4.7.3-2]", PACKET_SUBSCRIBE, MQTT_5, "0001 00 ['a' 00] 00",
     REASON_MALFORMED_PACKET},
    {"3.1.1, filter FF [MQTT-1.5.3-1]", PACKET_SUBSCRIBE, MQTT_3_1_1, "0001 [FF] 00",
     REASON_MALFORMED_PACKET},
    {"bad filter behind a good one [MQTT-3.8.3-1]", PACKET_SUBSCRIBE, MQTT_3_1_1,
     "0001 <a> 00 [FF] 00", REASON_MALFORMED_PACKET},
    {"subscription id 0 [X-5-3.8.2.1.2-subid]", PACKET_SUBSCRIBE, MQTT_5, "0001 { 0B 00 } <a> 00",
     REASON_PROTOCOL_ERROR},
    {"two subscription ids [X-5-3.8.2.1.2-subid]", PACKET_SUBSCRIBE, MQTT_5,
     "0001 { 0B 01 0B 02 } <a> 00", REASON_PROTOCOL_ERROR},
    {"message expiry [X-5-2.2.2.2-place]", PACKET_SUBSCRIBE, MQTT_5, "0001 { 02 00000001 } <a> 00",
     REASON_PROTOCOL_ERROR},
    {"property length past the packet [X-5-2.2.2.1-length]", PACKET_SUBSCRIBE, MQTT_5,
     "0001 20 <a> 00", REASON_MALFORMED_PACKET},
    {"user property FF [MQTT-1.5.7-1]", PACKET_SUBSCRIBE, MQTT_5, "0001 { 26 <k> [FF] } <a> 00",
     REASON_MALFORMED_PACKET},
    {"no local, shared [MQTT-3.8.3-4]", PACKET_SUBSCRIBE, MQTT_5, "0001 00 <$share/g/a> 04",
     REASON_PROTOCOL_ERROR},
    {"no local, shared, second [MQTT-3.8.3-4]", PACKET_SUBSCRIBE, MQTT_5,
     "0001 00 <a> 04 <$share/g/a> 05", REASON_PROTOCOL_ERROR},
    {"3.1.1, id 0 [MQTT-2.3.1-1]", PACKET_UNSUBSCRIBE, MQTT_3_1_1, "0000 <a>",
     REASON_PROTOCOL_ERROR},
    {"5, id 0 [MQTT-2.2.1-3]", PACKET_UNSUBSCRIBE, MQTT_5, "0000 00 <a>", REASON_PROTOCOL_ERROR},
    {"3.1.1, no filter [MQTT-3.10.3-2]", PACKET_UNSUBSCRIBE, MQTT_3_1_1, "0001",
     REASON_PROTOCOL_ERROR},
    {"5, no filter [MQTT-3.10.3-2]", PACKET_UNSUBSCRIBE, MQTT_5, "0001 00", REASON_PROTOCOL_ERROR},
    {"filter FF [MQTT-3.10.3-1]", PACKET_UNSUBSCRIBE, MQTT_5, "0001 00 [FF]",
     REASON_MALFORMED_PACKET},
    {"3.1.1, filter with zero [MQTT-3.10.3-1]", PACKET_UNSUBSCRIBE, MQTT_3_1_1, "0001 [00]",
     REASON_MALFORMED_PACKET},
    {"filter past the packet [MQTT-3.10.3-1]", PACKET_UNSUBSCRIBE, MQTT_3_1_1, "0001 0009 'a'",
     REASON_MALFORMED_PACKET},
    {"subscription id [X-5-2.2.2.2-place]", PACKET_UNSUBSCRIBE, MQTT_5, "0001 { 0B 01 } <a>",
     REASON_PROTOCOL_ERROR},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused_cases) / sizeof(refused_cases[0]); i++) {
        const struct refused_case *c = &refused_cases[i];
        struct slice body = wire_new(c->wire);
        uint8_t again[PACKET_MAX];
        size_t len;
        uint32_t count;

        wire_expect_reason(c->name, rebuild(c->type, c->version, body, &count, again, &len),
                           c->want);
        wire_check(c->name, reason_is_for((uint8_t)c->want, PACKET_DISCONNECT));
        wire_free(body);
    }
}

/* Every option byte in both versions: [MQTT-3.8.3-5], [X-5-3.8.3.1-rh3]; 3.1.1 [MQTT-3.8.3-4] */
static void test_every_option(void **state)
{
    (void)state;
    for (unsigned options = 0; options < 256; options++) {
        const uint8_t v3[] = {0, 1, 0, 1, 'a', (uint8_t)options};
        const uint8_t v5[] = {0, 1, 0, 0, 1, 'a', (uint8_t)options};
        bool reserved = options >= 0x40;
        bool three = (options & 3) == 3 || (options & 0x30) == 0x30;
        struct packet_subscribe s;

        wire_expect_reason("3.1.1", decode_subscribe(MQTT_3_1_1, slice_make(v3, sizeof(v3)), &s),
                           options <= 2 ? REASON_SUCCESS : REASON_MALFORMED_PACKET);
        wire_expect_reason("5", decode_subscribe(MQTT_5, slice_make(v5, sizeof(v5)), &s),
                           reserved ? REASON_MALFORMED_PACKET
                           : three  ? REASON_PROTOCOL_ERROR
                                    : REASON_SUCCESS);
    }
}

/* [MQTT-4.7.3-3] */
static void test_longest_filter(void **state)
{
    enum { LEN = 2 + 2 + 65535 + 1 };
    uint8_t *body = mem_alloc(MEM_TEST, LEN);
    struct packet_subscribe s;
    struct subscribe_filter f;
    struct reader filters;

    (void)state;
    memset(body, 'x', LEN);
    memcpy(body, "\0\1\xFF\xFF", 4);
    body[LEN - 1] = 1;
    assert_int_equal(decode_subscribe(MQTT_3_1_1, slice_make(body, LEN), &s), REASON_SUCCESS);
    filters = reader_of(s.filters);
    assert_true(decode_subscribe_next(&filters, MQTT_3_1_1, &f));
    assert_int_equal(f.filter.len, 65535);
    assert_int_equal(f.qos, 1);
    assert_false(decode_subscribe_next(&filters, MQTT_3_1_1, &f));
    mem_free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_fields),
        cmocka_unit_test(test_every_prefix), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_every_option), cmocka_unit_test(test_longest_filter),
    };

    return cmocka_run_group_tests(tests, NULL, wire_nothing_left);
}
