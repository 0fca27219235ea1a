/* PUBACK to PUBCOMP, DISCONNECT, AUTH: every form, every reason code, every fault. */
#include "mqtt/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "rebuild.h"
#include "wire.h"

enum { PACKET_MAX = 256 };

static const enum packet_type ack_types[] = {PACKET_PUBACK, PACKET_PUBREC, PACKET_PUBREL,
                                             PACKET_PUBCOMP};

/* `shortest` is the form that means the same. */
static const struct ack_case {
    const char *name;
    enum mqtt_version version;
    const char *wire, *shortest;
} ack_cases[] = {
    {"3.1.1", MQTT_3_1_1, "0001", "0001"},
    {"3.1.1, largest id", MQTT_3_1_1, "FFFF", "FFFF"},
    {"2 bytes [X-5-3.4.2-short]", MQTT_5, "0100", "0100"},
    {"3 bytes [X-5-3.4.2-short]", MQTT_5, "0001 00", "0001"},
    {"4 bytes [X-5-3.4.2-short]", MQTT_5, "0001 00 00", "0001"},
    {"properties [X-5-3.4.2-short]", MQTT_5, "0001 00 { 1F <why> 26 <b> <1> 26 <a> <> }",
     "0001 00 { 1F <why> 26 <b> <1> 26 <a> <> }"},
};

static void test_acks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ack_cases) / sizeof(ack_cases[0]); i++) {
        const struct ack_case *c = &ack_cases[i];

        for (size_t t = 0; t < 4; t++) {
            struct slice body = wire_new(c->wire);
            uint8_t again[PACKET_MAX];
            struct writer w = writer_of(again, sizeof(again));
            struct packet_ack a;

            memset(&a, 0xA5, sizeof(a));
            wire_expect_reason(c->name, decode_ack(c->version, ack_types[t], body, &a),
                               REASON_SUCCESS);
            wire_check(c->name, a.packet_id == (body.data[0] << 8 | body.data[1]));
            wire_expect_reason(c->name, a.reason, REASON_SUCCESS);
            rebuild_ack(&w, &a);
            wire_expect(c->name, slice_make(again, writer_len(&w)), c->shortest);
            wire_free(body);
        }
    }
}

/* [MQTT-3.4.2-1], [MQTT-3.5.2-1], [MQTT-3.6.2-1], [MQTT-3.7.2-1] */
static void test_every_reason_of_acks(void **state)
{
    static const uint8_t published[] = {0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99};
    static const uint8_t released[] = {0x00, 0x92};

    (void)state;
    for (unsigned code = 0; code < 256; code++) {
        for (size_t t = 0; t < 4; t++) {
            bool known = t < 2 ? memchr(published, (int)code, sizeof(published)) != NULL
                               : memchr(released, (int)code, sizeof(released)) != NULL;
            enum reason want = known ? REASON_SUCCESS : REASON_PROTOCOL_ERROR;
            const uint8_t body[4] = {0, 1, (uint8_t)code, 0};
            struct packet_ack a;
            char name[64];

            snprintf(name, sizeof(name), "%s with %02X", packet_name(ack_types[t]), code);
            wire_expect_reason(name, decode_ack(MQTT_5, ack_types[t], slice_make(body, 3), &a),
                               want);
            wire_check(name, want != REASON_SUCCESS || a.reason == (enum reason)code);
            wire_expect_reason(name, decode_ack(MQTT_5, ack_types[t], slice_make(body, 4), &a),
                               want);
        }
    }
}

static const struct refused_case {
    const char *name;
    enum mqtt_version version;
    const char *wire;
    enum reason want;
} refused_cases[] = {
    {"empty", MQTT_5, "", REASON_MALFORMED_PACKET},
    {"half an id", MQTT_5, "00", REASON_MALFORMED_PACKET},
    {"3.1.1, half an id", MQTT_3_1_1, "00", REASON_MALFORMED_PACKET},
    {"5, id 0 [MQTT-2.2.1-3]", MQTT_5, "0000", REASON_PROTOCOL_ERROR},
    {"3.1.1, id 0 [MQTT-2.3.1-1]", MQTT_3_1_1, "0000", REASON_PROTOCOL_ERROR},
    {"3.1.1, three bytes", MQTT_3_1_1, "0001 00", REASON_MALFORMED_PACKET},
    {"trailing bytes", MQTT_5, "0001 00 00 00", REASON_MALFORMED_PACKET},
    {"property length past the packet [X-5-2.2.2.1-length]", MQTT_5, "0001 00 01",
     REASON_MALFORMED_PACKET},
    {"property length padded [MQTT-1.5.5-1]", MQTT_5, "0001 00 80 00", REASON_MALFORMED_PACKET},
    {"unknown property [X-5-2.2.2.2-unknown]", MQTT_5, "0001 00 { 7F }", REASON_MALFORMED_PACKET},
    {"server reference [X-5-2.2.2.2-place]", MQTT_5, "0001 00 { 1C <h> }", REASON_PROTOCOL_ERROR},
    {"reason string twice [X-5-2.2.2.2-repeat]", MQTT_5, "0001 00 { 1F <a> 1F <b> }",
     REASON_PROTOCOL_ERROR},
    {"reason string FF [MQTT-1.5.4-1]", MQTT_5, "0001 00 { 1F [FF] }", REASON_MALFORMED_PACKET},
    {"user property FF [MQTT-1.5.7-1]", MQTT_5, "0001 00 { 26 <k> [FF] }", REASON_MALFORMED_PACKET},
};

static void test_refused_acks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused_cases) / sizeof(refused_cases[0]); i++) {
        const struct refused_case *c = &refused_cases[i];

        for (size_t t = 0; t < 4; t++) {
            struct slice body = wire_new(c->wire);
            struct packet_ack a;

            wire_expect_reason(c->name, decode_ack(c->version, ack_types[t], body, &a), c->want);
            wire_free(body);
        }
    }
}

/* `want` other than success: refused; else `shortest` means the same. */
static const struct disconnect_case {
    const char *name;
    enum mqtt_version version;
    const char *wire, *shortest;
    enum reason want;
} disconnect_cases[] = {
    {"3.1.1", MQTT_3_1_1, "", "", REASON_SUCCESS},
    {"3.1.1, one byte", MQTT_3_1_1, "00", NULL, REASON_MALFORMED_PACKET},
    {"0 bytes [X-5-3.14.2-forms]", MQTT_5, "", "", REASON_SUCCESS},
    {"1 byte [X-5-3.14.2-forms]", MQTT_5, "00", "", REASON_SUCCESS},
    {"2 bytes [X-5-3.14.2-forms]", MQTT_5, "00 00", "", REASON_SUCCESS},
    {"with will [MQTT-3.14.4-3]", MQTT_5, "04", "04", REASON_SUCCESS},
    {"with will, 2 bytes", MQTT_5, "04 00", "04", REASON_SUCCESS},
    {"properties", MQTT_5, "00 { 11 0000001E 1F <why> 26 <k> <v> }",
     "00 { 11 0000001E 1F <why> 26 <k> <v> }", REASON_SUCCESS},
    {"trailing bytes", MQTT_5, "00 00 00", NULL, REASON_MALFORMED_PACKET},
    {"property length past the packet [X-5-2.2.2.1-length]", MQTT_5, "00 05 11", NULL,
     REASON_MALFORMED_PACKET},
    {"receive maximum [X-5-2.2.2.2-place]", MQTT_5, "00 { 21 0001 }", NULL, REASON_PROTOCOL_ERROR},
    {"session expiry twice [X-5-2.2.2.2-repeat]", MQTT_5, "00 { 11 00000001 11 00000002 }", NULL,
     REASON_PROTOCOL_ERROR},
    {"reason string FF [MQTT-1.5.4-1]", MQTT_5, "00 { 1F [FF] }", NULL, REASON_MALFORMED_PACKET},
};

static void test_disconnects(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(disconnect_cases) / sizeof(disconnect_cases[0]); i++) {
        const struct disconnect_case *c = &disconnect_cases[i];
        struct slice body = wire_new(c->wire);
        uint8_t again[PACKET_MAX];
        struct writer w = writer_of(again, sizeof(again));
        struct packet_disconnect d;

        memset(&d, 0xA5, sizeof(d));
        wire_expect_reason(c->name, decode_disconnect(c->version, body, &d), c->want);
        if (c->want == REASON_SUCCESS) {
            rebuild_disconnect(&w, &d);
            wire_expect(c->name, slice_make(again, writer_len(&w)), c->shortest);
        }
        wire_free(body);
    }
}

/* [MQTT-3.14.2-1]: what a server alone may say is an error. */
static void test_every_reason_of_disconnect(void **state)
{
    static const uint8_t client[] = {0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90,
                                     0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99};

    (void)state;
    for (unsigned code = 0; code < 256; code++) {
        const uint8_t body[1] = {(uint8_t)code};
        bool known = memchr(client, (int)code, sizeof(client)) != NULL;
        struct packet_disconnect d;
        char name[32];

        snprintf(name, sizeof(name), "DISCONNECT with %02X", code);
        wire_expect_reason(name, decode_disconnect(MQTT_5, slice_make(body, 1), &d),
                           known ? REASON_SUCCESS : REASON_PROTOCOL_ERROR);
        wire_check(name, !known || d.reason == (enum reason)code);
    }
}

static const struct auth_case {
    const char *name, *wire;
    enum reason want;
} auth_cases[] = {
    {"empty [MQTT-4.12.0-7]", "", REASON_PROTOCOL_ERROR},
    {"continue [MQTT-4.12.0-7]", "18 { 15 <m> 16 [00] }", REASON_PROTOCOL_ERROR},
    {"re-authenticate [MQTT-4.12.0-7]", "19 { 15 <m> }", REASON_PROTOCOL_ERROR},
    {"unknown code [MQTT-3.15.2-1]", "55", REASON_PROTOCOL_ERROR},
    {"property length past the packet [X-5-2.2.2.1-length]", "18 05 15", REASON_MALFORMED_PACKET},
    {"trailing bytes", "18 00 00", REASON_MALFORMED_PACKET},
    {"method FF [MQTT-1.5.4-1]", "18 { 15 [FF] }", REASON_MALFORMED_PACKET},
};

static void test_auths(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(auth_cases) / sizeof(auth_cases[0]); i++) {
        struct slice body = wire_new(auth_cases[i].wire);

        wire_expect_reason(auth_cases[i].name, decode_auth(body), auth_cases[i].want);
        wire_free(body);
    }
}

/* Ends that mean something are the forms of 2, 3 and all bytes (0, 1 and all for DISCONNECT). */
static void test_every_prefix(void **state)
{
    struct slice ack = wire_new("0001 00 { 1F <why> 26 <k> <v> }");
    struct slice disconnect = slice_from(ack, 2);

    (void)state;
    for (size_t len = 0; len < ack.len; len++) {
        struct slice part = wire_copy(slice_make(ack.data, len));
        struct packet_ack a;

        wire_expect_reason("ack", decode_ack(MQTT_5, PACKET_PUBACK, part, &a),
                           len == 2 || len == 3 ? REASON_SUCCESS : REASON_MALFORMED_PACKET);
        wire_free(part);
    }
    for (size_t len = 0; len < disconnect.len; len++) {
        struct slice part = wire_copy(slice_make(disconnect.data, len));
        struct packet_disconnect d;

        wire_expect_reason("DISCONNECT", decode_disconnect(MQTT_5, part, &d),
                           len <= 1 ? REASON_SUCCESS : REASON_MALFORMED_PACKET);
        wire_free(part);
    }
    wire_free(ack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_acks),
        cmocka_unit_test(test_every_reason_of_acks),
        cmocka_unit_test(test_refused_acks),
        cmocka_unit_test(test_disconnects),
        cmocka_unit_test(test_every_reason_of_disconnect),
        cmocka_unit_test(test_auths),
        cmocka_unit_test(test_every_prefix),
    };

    return cmocka_run_group_tests(tests, NULL, wire_nothing_left);
}
