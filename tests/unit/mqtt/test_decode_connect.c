/* CONNECT: what is accepted comes back unchanged; every fault that the packet alone shows is
 * refused. */
#include "mqtt/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "rebuild.h"
#include "wire.h"

enum { PACKET_MAX = 1024 };

/* Name and level. */
#define V3 "<MQTT> 04 "
#define V5 "<MQTT> 05 "

static const struct valid_case {
    const char *name, *wire;
} valid_cases[] = {
    {"3.1.1, client id alone", V3 "02 003C <c>"},
    {"3.1.1, one character [MQTT-3.1.3-5]", V3 "00 0000 <A>"},
    {"3.1.1, 23 characters [MQTT-3.1.3-5]", V3 "00 FFFF <0123456789abcdefghijABC>"},
    {"3.1.1, empty client id, clean [MQTT-3.1.3-6]", V3 "02 0000 <>"},
    {"3.1.1, empty client id, not clean: refused by who may say 0x02", V3 "00 0000 <>"},
    {"3.1.1, user name and password", V3 "C2 003C <c> <user> <pass>"},
    {"3.1.1, user name alone", V3 "82 003C <c> <user>"},
    {"3.1.1, empty user name and password", V3 "C2 003C <c> <> []"},
    {"3.1.1, password is bytes", V3 "C2 003C <c> <user> [00 FF]"},
    {"3.1.1, will", V3 "06 003C <c> <will/topic> <payload>"},
    {"3.1.1, will QoS 1", V3 "0E 003C <c> <t> []"},
    {"3.1.1, will QoS 2, retain", V3 "36 003C <c> <t> [00 FF]"},
    {"3.1.1, everything", V3 "F6 003C <c> <t> <p> <user> <pass>"},
    {"3.1.1, byte order mark [MQTT-1.5.3-3]", V3 "02 003C [EFBBBF 'c']"},
    {"5, client id alone", V5 "02 003C 00 <c>"},
    {"5, empty client id, not clean [MQTT-3.1.3-6]", V5 "00 003C 00 <>"},
    {"5, password alone [MQTT-3.1.2-19]", V5 "42 003C 00 <c> <pass>"},
    {"5, user name and password", V5 "C2 003C 00 <c> <user> <pass>"},
    {"5, will", V5 "06 003C 00 <c> 00 <t> <p>"},
    {"5, will QoS 2, retain", V5 "36 003C 00 <c> 00 <t> []"},
    {"5, properties", V5 "02 003C { 11 FFFFFFFF 15 <m> 16 [00] 17 00 19 01 21 0001 22 000A"
                         " 26 <k> <v> 26 <k> <> 27 00001000 } <c>"},
    {"5, properties of the will",
     V5 "0E 003C 00 <c> { 01 01 02 0000000A 03 <json> 08 <r/t> 09 [00 FF] 18 0000001E"
        " 26 <b> <1> 26 <a> <2> 26 <b> <3> } <t> <p>"},
    {"5, everything", V5 "EE 003C { 21 0010 } <c> { 18 00000001 } <t> <p> <user> <pass>"},
    {"5, byte order mark [MQTT-1.5.4-3]", V5 "02 003C { 26 [EFBBBF 'k'] [EFBBBF] } [EFBBBF 'c']"},
};

enum { VALID = sizeof(valid_cases) / sizeof(valid_cases[0]) };

/* Decodes, writes anew from what was decoded, and gets the same bytes. */
static void test_round_trip(void **state)
{
    (void)state;
    for (size_t i = 0; i < VALID; i++) {
        const char *name = valid_cases[i].name;
        struct slice body = wire_new(valid_cases[i].wire);
        uint8_t again[PACKET_MAX];
        struct writer w = writer_of(again, sizeof(again));
        struct packet_connect c;
        bool version_known = false;

        wire_expect_reason(name, decode_connect(body, &c, &version_known), REASON_SUCCESS);
        wire_check(name, version_known);
        rebuild_connect(&w, &c);
        wire_expect_same(name, slice_make(again, writer_len(&w)), body);
        wire_free(body);
    }
}

/* Every field lies where its name says. */
static void test_fields(void **state)
{
    struct slice body = wire_new(V5 "F4 0102 { 11 00000005 } <id> { 18 00000007 } <wt> <wp> <un> "
                                    "<pw>");
    struct packet_connect c;
    bool version_known;

    (void)state;
    assert_int_equal(decode_connect(body, &c, &version_known), REASON_SUCCESS);
    assert_int_equal(c.version, MQTT_5);
    assert_false(c.clean_start);
    assert_int_equal(c.keep_alive_s, 0x102);
    assert_true(slice_is(c.client_id, "id"));
    assert_true(c.has_will && c.has_username && c.has_password);
    assert_int_equal(c.will.qos, 2);
    assert_true(c.will.retain);
    assert_true(slice_is(c.will.topic, "wt"));
    assert_true(slice_is(c.will.payload, "wp"));
    assert_true(slice_is(c.username, "un"));
    assert_true(slice_is(c.password, "pw"));
    assert_int_equal(c.properties.session_expiry_s, 5);
    assert_int_equal(c.will.properties.will_delay_s, 7);
    wire_free(body);
}

/* [MQTT-3.1.4-1]: no beginning of a CONNECT is one. */
static void test_every_prefix(void **state)
{
    (void)state;
    for (size_t i = 0; i < VALID; i++) {
        struct slice body = wire_new(valid_cases[i].wire);

        for (size_t len = 0; len < body.len; len++) {
            struct slice part = wire_copy(slice_make(body.data, len));
            struct packet_connect c;
            bool version_known;

            wire_expect_reason(valid_cases[i].name, decode_connect(part, &c, &version_known),
                               REASON_MALFORMED_PACKET);
            wire_check(valid_cases[i].name, version_known == (len >= strlen("..MQTT.")));
            wire_free(part);
        }
        wire_free(body);
    }
}

/* [MQTT-3.1.4-1], [MQTT-3.1.3-1]: nothing may follow. */
static void test_trailing_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < VALID; i++) {
        char text[PACKET_MAX];
        struct packet_connect c;
        struct slice body;
        bool version_known;

        snprintf(text, sizeof(text), "%s 00", valid_cases[i].wire);
        body = wire_new(text);
        wire_expect_reason(valid_cases[i].name, decode_connect(body, &c, &version_known),
                           REASON_MALFORMED_PACKET);
        wire_free(body);
    }
}

static const struct refused_case {
    const char *name, *wire;
    enum reason want;
} refused_cases[] = {
    /* the version is not known */
    {"other name [MQTT-3.1.2-1]", "<MQTX> 05 02 003C 00 <c>", REASON_UNSUPPORTED_PROTOCOL_VERSION},
    {"small letters [MQTT-3.1.2-1]", "<mqtt> 05 02 003C 00 <c>",
     REASON_UNSUPPORTED_PROTOCOL_VERSION},
    {"empty name [MQTT-3.1.2-1]", "<> 05 02 003C 00 <c>", REASON_UNSUPPORTED_PROTOCOL_VERSION},
    {"3.1 [3.1.1 MQTT-3.1.2-1]", "<MQIsdp> 03 02 003C <c>", REASON_UNSUPPORTED_PROTOCOL_VERSION},
    {"longer name [MQTT-3.1.2-1]", "<MQTTT> 05 02 003C 00 <c>",
     REASON_UNSUPPORTED_PROTOCOL_VERSION},
    {"level 0 [MQTT-3.1.2-2]", "<MQTT> 00 02 003C <c>", REASON_UNSUPPORTED_PROTOCOL_VERSION},
    {"level 3 [MQTT-3.1.2-2]", "<MQTT> 03 02 003C <c>", REASON_UNSUPPORTED_PROTOCOL_VERSION},
    {"level 6 [MQTT-3.1.2-2]", "<MQTT> 06 02 003C 00 <c>", REASON_UNSUPPORTED_PROTOCOL_VERSION},
    {"level 7F [MQTT-3.1.2-2]", "<MQTT> 7F", REASON_UNSUPPORTED_PROTOCOL_VERSION},
    {"level 84 of a bridge [MQTT-3.1.2-2]", "<MQTT> 84 02 003C <c>",
     REASON_UNSUPPORTED_PROTOCOL_VERSION},
    {"name runs past the packet [MQTT-3.1.4-1]", "FFFF 'MQTT' 05", REASON_MALFORMED_PACKET},
    /* flags */
    {"3.1.1, reserved bit [MQTT-3.1.2-3]", V3 "03 003C <c>", REASON_MALFORMED_PACKET},
    {"5, reserved bit [MQTT-3.1.2-3]", V5 "03 003C 00 <c>", REASON_MALFORMED_PACKET},
    {"3.1.1, will QoS without will [MQTT-3.1.2-13]", V3 "0A 003C <c>", REASON_MALFORMED_PACKET},
    {"5, will QoS 1 without will [MQTT-3.1.2-11]", V5 "0A 003C 00 <c>", REASON_MALFORMED_PACKET},
    {"5, will QoS 2 without will [MQTT-3.1.2-11]", V5 "12 003C 00 <c>", REASON_MALFORMED_PACKET},
    {"3.1.1, will QoS 3 [MQTT-3.1.2-14]", V3 "1E 003C <c> <t> <p>", REASON_MALFORMED_PACKET},
    {"5, will QoS 3 [MQTT-3.1.2-12]", V5 "1E 003C 00 <c> 00 <t> <p>", REASON_MALFORMED_PACKET},
    {"3.1.1, will retain without will [MQTT-3.1.2-15]", V3 "22 003C <c>", REASON_MALFORMED_PACKET},
    {"5, will retain without will [MQTT-3.1.2-13]", V5 "22 003C 00 <c>", REASON_MALFORMED_PACKET},
    {"3.1.1, password alone [MQTT-3.1.2-22]", V3 "42 003C <c> <pass>", REASON_MALFORMED_PACKET},
    /* fields and flags disagree */
    {"3.1.1, no will fields [MQTT-3.1.2-9]", V3 "06 003C <c>", REASON_MALFORMED_PACKET},
    {"5, no will fields [MQTT-3.1.2-9]", V5 "06 003C 00 <c>", REASON_MALFORMED_PACKET},
    {"5, no will topic [MQTT-3.1.2-9]", V5 "06 003C 00 <c> 00", REASON_MALFORMED_PACKET},
    {"5, no will payload [MQTT-3.1.2-9]", V5 "06 003C 00 <c> 00 <t>", REASON_MALFORMED_PACKET},
    {"3.1.1, will fields without flag [MQTT-3.1.2-11]", V3 "02 003C <c> <t> <p>",
     REASON_MALFORMED_PACKET},
    {"3.1.1, user name without flag [MQTT-3.1.2-18]", V3 "02 003C <c> <u>",
     REASON_MALFORMED_PACKET},
    {"5, user name without flag [MQTT-3.1.2-16]", V5 "02 003C 00 <c> <u>", REASON_MALFORMED_PACKET},
    {"3.1.1, no user name [MQTT-3.1.2-19]", V3 "82 003C <c>", REASON_MALFORMED_PACKET},
    {"5, no user name [MQTT-3.1.2-17]", V5 "82 003C 00 <c>", REASON_MALFORMED_PACKET},
    {"3.1.1, password without flag [MQTT-3.1.2-20]", V3 "82 003C <c> <u> <p>",
     REASON_MALFORMED_PACKET},
    {"5, password without flag [MQTT-3.1.2-18]", V5 "82 003C 00 <c> <u> <p>",
     REASON_MALFORMED_PACKET},
    {"3.1.1, no password [MQTT-3.1.2-21]", V3 "C2 003C <c> <u>", REASON_MALFORMED_PACKET},
    {"5, no password [MQTT-3.1.2-19]", V5 "C2 003C 00 <c> <u>", REASON_MALFORMED_PACKET},
    {"3.1.1, no client id [MQTT-3.1.3-3]", V3 "02 003C", REASON_MALFORMED_PACKET},
    {"5, no client id [MQTT-3.1.3-3]", V5 "02 003C 00", REASON_MALFORMED_PACKET},
    {"5, no property length [MQTT-2.2.2-1]", V5 "02 003C <c>", REASON_MALFORMED_PACKET},
    /* text */
    {"3.1.1, client id FF [MQTT-1.5.3-1]", V3 "02 003C [FF]", REASON_MALFORMED_PACKET},
    {"3.1.1, client id overlong [MQTT-3.1.3-4]", V3 "02 003C [C0 AF]", REASON_MALFORMED_PACKET},
    {"3.1.1, client id with zero [MQTT-1.5.3-2]", V3 "02 003C ['a' 00 'b']",
     REASON_MALFORMED_PACKET},
    {"5, client id FF [MQTT-1.5.4-1]", V5 "02 003C 00 [FF]", REASON_MALFORMED_PACKET},
    {"5, client id overlong [MQTT-1.5.4-1]", V5 "02 003C 00 [C0 AF]", REASON_MALFORMED_PACKET},
    {"5, client id surrogate [MQTT-1.5.4-1]", V5 "02 003C 00 [ED A0 80]", REASON_MALFORMED_PACKET},
    {"5, client id above U+10FFFF [MQTT-1.5.4-1]", V5 "02 003C 00 [F4 90 80 80]",
     REASON_MALFORMED_PACKET},
    {"5, client id with zero [MQTT-1.5.4-2]", V5 "02 003C 00 [00]", REASON_MALFORMED_PACKET},
    {"3.1.1, user name FF [MQTT-3.1.3-11]", V3 "82 003C <c> [FF]", REASON_MALFORMED_PACKET},
    {"5, user name FF [MQTT-3.1.3-12]", V5 "82 003C 00 <c> [FF]", REASON_MALFORMED_PACKET},
    {"5, user name with zero [MQTT-1.5.4-2]", V5 "82 003C 00 <c> [00]", REASON_MALFORMED_PACKET},
    {"3.1.1, will topic surrogate [MQTT-3.1.3-10]", V3 "06 003C <c> [ED A0 80] <p>",
     REASON_MALFORMED_PACKET},
    {"5, will topic FF [MQTT-3.1.3-11]", V5 "06 003C 00 <c> 00 [FF] <p>", REASON_MALFORMED_PACKET},
    {"5, will topic with zero [MQTT-1.5.4-2]", V5 "06 003C 00 <c> 00 ['t' 00] <p>",
     REASON_MALFORMED_PACKET},
    {"3.1.1, wildcard in the will topic [MQTT-4.7.1-1]", V3 "06 003C <c> <a/+> <p>",
     REASON_TOPIC_INVALID},
    {"5, wildcard in the will topic [MQTT-4.7.0-1]", V5 "06 003C 00 <c> 00 <a/#> <p>",
     REASON_TOPIC_INVALID},
    {"5, empty will topic [MQTT-4.7.3-1]", V5 "06 003C 00 <c> 00 <> <p>", REASON_TOPIC_INVALID},
    {"5, wildcard in the will's response topic [MQTT-3.3.2-14]",
     V5 "06 003C 00 <c> { 08 <a/+/b> } <t> <p>", REASON_TOPIC_INVALID},
    /* properties */
    {"property length past the packet [X-5-2.2.2.1-length]", V5 "02 003C 7F <c>",
     REASON_MALFORMED_PACKET},
    {"property cut off by its block [X-5-2.2.2.1-length]", V5 "02 003C { 11 0000 } <c>",
     REASON_MALFORMED_PACKET},
    {"unknown property 7F [X-5-2.2.2.2-unknown]", V5 "02 003C { 7F } <c>", REASON_MALFORMED_PACKET},
    {"unknown property 00 [X-5-2.2.2.2-unknown]", V5 "02 003C { 00 } <c>", REASON_MALFORMED_PACKET},
    {"topic alias [X-5-2.2.2.2-place]", V5 "02 003C { 23 0001 } <c>", REASON_PROTOCOL_ERROR},
    {"session expiry twice [X-5-2.2.2.2-repeat]", V5 "02 003C { 11 00000001 11 00000001 } <c>",
     REASON_PROTOCOL_ERROR},
    {"receive maximum 0 [X-5-3.1.2.11.3-zero]", V5 "02 003C { 21 0000 } <c>",
     REASON_PROTOCOL_ERROR},
    {"maximum packet size 0 [X-5-3.1.2.11.4-zero]", V5 "02 003C { 27 00000000 } <c>",
     REASON_PROTOCOL_ERROR},
    {"request response 2 [X-5-3.1.2.11.6-value]", V5 "02 003C { 19 02 } <c>",
     REASON_PROTOCOL_ERROR},
    {"request problem 2 [X-5-3.1.2.11.6-value]", V5 "02 003C { 17 02 } <c>", REASON_PROTOCOL_ERROR},
    {"authentication data alone [X-5-3.1.2.11.10-data]", V5 "02 003C { 16 [01] } <c>",
     REASON_PROTOCOL_ERROR},
    {"user property not UTF-8 [MQTT-1.5.7-1]", V5 "02 003C { 26 <k> [FF] } <c>",
     REASON_MALFORMED_PACKET},
    {"will property in the wrong place [X-5-2.2.2.2-place]",
     V5 "06 003C 00 <c> { 11 00000001 } <t> <p>", REASON_PROTOCOL_ERROR},
    {"will's payload format 2 [X-5-3.3.2.3.2-value]", V5 "06 003C 00 <c> { 01 02 } <t> <p>",
     REASON_PROTOCOL_ERROR},
    {"will's content type not UTF-8 [MQTT-1.5.4-1]", V5 "06 003C 00 <c> { 03 [FF] } <t> <p>",
     REASON_MALFORMED_PACKET},
    {"will's property length past the packet [X-5-2.2.2.1-length]", V5 "06 003C 00 <c> 7F <t> <p>",
     REASON_MALFORMED_PACKET},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused_cases) / sizeof(refused_cases[0]); i++) {
        const struct refused_case *c = &refused_cases[i];
        struct slice body = wire_new(c->wire);
        struct packet_connect out;
        bool version_known;
        bool is_3_1_1 = strncmp(c->wire, V3, strlen(V3)) == 0;
        bool is_5 = strncmp(c->wire, V5, strlen(V5)) == 0;

        wire_expect_reason(c->name, decode_connect(body, &out, &version_known), c->want);
        wire_check(c->name, version_known == (is_3_1_1 || is_5));
        if (version_known)
            wire_check(c->name, out.version == (is_5 ? MQTT_5 : MQTT_3_1_1));
        /* whoever speaks 5.0 can be told the reason */
        if (is_5)
            wire_check(c->name, reason_is_for((uint8_t)c->want, PACKET_CONNACK));
        wire_free(body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_fields),
        cmocka_unit_test(test_every_prefix), cmocka_unit_test(test_trailing_bytes),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, wire_nothing_left);
}
