/* Fixed headers: every first byte, every form of the length, every beginning. */
#include "mqtt/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "wire.h"

enum { LIMIT = 268435460 };

static const struct header_case {
    const char *name, *wire;
    uint32_t limit;
    enum reason want;
    uint8_t header_len; /* 0: more is needed */
    uint32_t remaining_len;
} header_cases[] = {
    {"nothing", "", LIMIT, REASON_SUCCESS, 0, 0},
    {"one byte", "30", LIMIT, REASON_SUCCESS, 0, 0},
    {"length unfinished", "30 80", LIMIT, REASON_SUCCESS, 0, 0},
    {"length unfinished after 3", "30 80 80 80", LIMIT, REASON_SUCCESS, 0, 0},
    {"empty packet", "C0 00", LIMIT, REASON_SUCCESS, 2, 0},
    {"body not here yet", "30 05", LIMIT, REASON_SUCCESS, 2, 5},
    {"body does not matter", "30 02 FF FF FF", LIMIT, REASON_SUCCESS, 2, 2},
    {"largest of 1 byte", "30 7F", LIMIT, REASON_SUCCESS, 2, 127},
    {"smallest of 2 bytes", "30 80 01", LIMIT, REASON_SUCCESS, 3, 128},
    {"largest of 2 bytes", "30 FF 7F", LIMIT, REASON_SUCCESS, 3, 16383},
    {"smallest of 3 bytes", "30 80 80 01", LIMIT, REASON_SUCCESS, 4, 16384},
    {"largest of 3 bytes", "30 FF FF 7F", LIMIT, REASON_SUCCESS, 4, 2097151},
    {"smallest of 4 bytes", "30 80 80 80 01", LIMIT, REASON_SUCCESS, 5, 2097152},
    {"largest of 4 bytes", "30 FF FF FF 7F", LIMIT, REASON_SUCCESS, 5, 268435455},
    {"five bytes [X-5-1.5.5-overlong]", "30 FF FF FF FF 01", LIMIT, REASON_MALFORMED_PACKET, 0, 0},
    {"known to be five bytes [X-5-1.5.5-overlong]", "30 FF FF FF FF", LIMIT,
     REASON_MALFORMED_PACKET, 0, 0},
    {"padded to 2 [MQTT-1.5.5-1]", "C0 80 00", LIMIT, REASON_MALFORMED_PACKET, 0, 0},
    {"padded to 3 [MQTT-1.5.5-1]", "C0 80 80 00", LIMIT, REASON_MALFORMED_PACKET, 0, 0},
    {"padded to 4 [MQTT-1.5.5-1]", "C0 FF FF FF 00", LIMIT, REASON_MALFORMED_PACKET, 0, 0},
    {"at the limit", "30 62", 100, REASON_SUCCESS, 2, 98},
    {"above the limit [MQTT-3.2.2-15]", "30 63", 100, REASON_PACKET_TOO_LARGE, 0, 0},
    {"far above the limit [MQTT-3.2.2-15]", "30 FF FF FF 7F", 100, REASON_PACKET_TOO_LARGE, 0, 0},
    {"a longer header counts", "30 80 01", 130, REASON_PACKET_TOO_LARGE, 0, 0},
    {"a longer header fits", "30 80 01", 131, REASON_SUCCESS, 3, 128},
};

static void test_lengths(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(header_cases) / sizeof(header_cases[0]); i++) {
        const struct header_case *c = &header_cases[i];
        struct slice bytes = wire_new(c->wire);
        struct decode_header h;

        wire_expect_reason(c->name, decode_header(bytes, c->limit, &h), c->want);
        if (c->want == REASON_SUCCESS)
            wire_check(c->name, h.header_len == c->header_len);
        if (c->want == REASON_SUCCESS && c->header_len > 0) {
            wire_check(c->name, h.remaining_len == c->remaining_len);
            wire_check(c->name, h.type == (enum packet_type)(bytes.data[0] >> 4));
            wire_check(c->name, h.flags == (bytes.data[0] & 15));
        }
        wire_free(bytes);
    }
}

/* What a client may send as a first byte; whatever is not here is refused for the reason below. */
static bool is_client_byte(unsigned byte)
{
    static const uint8_t fixed[] = {0x10, 0x40, 0x50, 0x62, 0x70, 0x82, 0xA2, 0xC0, 0xE0, 0xF0};

    return memchr(fixed, (int)byte, sizeof(fixed)) != NULL || byte >> 4 == PACKET_PUBLISH;
}

/* CONNACK, SUBACK, UNSUBACK, PINGRESP */
static bool is_server_type(unsigned type)
{
    return type == 2 || type == 9 || type == 11 || type == 13;
}

/*
 * [MQTT-2.1.3-1], 3.1.1 [MQTT-2.2.2-1] and -2, [MQTT-3.6.1-1], [MQTT-3.8.1-1], [MQTT-3.10.1-1],
 * [MQTT-3.14.1-1], [MQTT-3.15.1-1], [X-2.1.2-type0], [X-2.1.2-direction]
 */
static void test_every_first_byte(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        const uint8_t packet[2] = {(uint8_t)byte, 0};
        enum reason want = is_server_type(byte >> 4) ? REASON_PROTOCOL_ERROR
                           : is_client_byte(byte)    ? REASON_SUCCESS
                                                     : REASON_MALFORMED_PACKET;
        struct decode_header h;
        char name[32];

        snprintf(name, sizeof(name), "first byte %02X", byte);
        wire_expect_reason(name, decode_header(slice_make(packet, 2), LIMIT, &h), want);
        /* it is known before the length is there */
        wire_expect_reason(name, decode_header(slice_make(packet, 1), LIMIT, &h), want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_every_first_byte),
    };

    return cmocka_run_group_tests(tests, NULL, wire_nothing_left);
}
