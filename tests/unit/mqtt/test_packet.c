/* The tables of packet types and reason codes, against lists written a second time by hand. */
#include "mqtt/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire.h"

/* MQTT 5.0 table 2-6; "d" is a DISCONNECT that a client may send (section 3.14.2.1). */
static const struct reason_case {
    uint8_t code;
    const char *packets; /* C CONNACK, A PUBACK and PUBREC, R PUBREL and PUBCOMP, S SUBACK, */
                         /* U UNSUBACK, X AUTH, D DISCONNECT */
} reason_cases[] = {
    {0x00, "CARSUXDd"}, {0x01, "S"},      {0x02, "S"},  {0x04, "Dd"},     {0x10, "A"},
    {0x11, "U"},        {0x18, "X"},      {0x19, "X"},  {0x80, "CASUDd"}, {0x81, "CDd"},
    {0x82, "CDd"},      {0x83, "CASUDd"}, {0x84, "C"},  {0x85, "C"},      {0x86, "C"},
    {0x87, "CASUD"},    {0x88, "C"},      {0x89, "CD"}, {0x8A, "C"},      {0x8B, "D"},
    {0x8C, "CD"},       {0x8D, "D"},      {0x8E, "D"},  {0x8F, "SUD"},    {0x90, "CADd"},
    {0x91, "ASU"},      {0x92, "R"},      {0x93, "Dd"}, {0x94, "Dd"},     {0x95, "CDd"},
    {0x96, "Dd"},       {0x97, "CASDd"},  {0x98, "Dd"}, {0x99, "CADd"},   {0x9A, "CD"},
    {0x9B, "CD"},       {0x9C, "CD"},     {0x9D, "CD"}, {0x9E, "SD"},     {0x9F, "CD"},
    {0xA0, "D"},        {0xA1, "SD"},     {0xA2, "SD"},
};

/* One letter a packet type; the last is the DISCONNECT of a client. */
static const char letters[] = "  C AARR S U  DXd";

static const char *packets_of(unsigned code)
{
    for (size_t i = 0; i < sizeof(reason_cases) / sizeof(reason_cases[0]); i++)
        if (reason_cases[i].code == code)
            return reason_cases[i].packets;
    return "";
}

static void test_reasons_and_packets(void **state)
{
    (void)state;
    assert_int_equal(sizeof(letters) - 1, REASON_IN_CLIENT_DISCONNECT + 1);
    for (unsigned code = 0; code < 256; code++) {
        for (unsigned packet = 0; packet <= REASON_IN_CLIENT_DISCONNECT; packet++) {
            char letter = letters[packet];
            bool want = letter != ' ' && strchr(packets_of(code), letter) != NULL;

            if (reason_is_for((uint8_t)code, packet) != want)
                fail_msg("code 0x%02X in packet %u", code, packet);
        }
    }
}

static void test_reason_text(void **state)
{
    (void)state;
    assert_string_equal(reason_text(REASON_SUCCESS), "success");
    assert_string_equal(reason_text(REASON_WILDCARDS_NOT_SUPPORTED),
                        "wildcard subscriptions not supported");
    assert_string_equal(reason_text((enum reason)0x7F), "unknown reason");
    assert_string_equal(reason_text((enum reason)256), "unknown reason");
    assert_string_equal(reason_text((enum reason) - 1), "unknown reason");
}

/* 3.1.1 [MQTT-3.2.2-6]: never above 5 */
static void test_reason_connack_3_1_1(void **state)
{
    static const uint8_t wanted[256] = {
        [0x84] = 1, [0x85] = 2, [0x88] = 3, [0x89] = 3, [0x97] = 3, [0x9F] = 3, [0x86] = 4};

    (void)state;
    for (unsigned code = 0x80; code < 256; code++) {
        unsigned want = wanted[code] == 0 ? 5 : wanted[code];

        if (reason_connack_3_1_1((enum reason)code) != want)
            fail_msg("code 0x%02X", code);
    }
}

static void test_packet_name(void **state)
{
    static const char *const names[] = {
        "RESERVED", "CONNECT",  "CONNACK",    "PUBLISH", "PUBACK",      "PUBREC",
        "PUBREL",   "PUBCOMP",  "SUBSCRIBE",  "SUBACK",  "UNSUBSCRIBE", "UNSUBACK",
        "PINGREQ",  "PINGRESP", "DISCONNECT", "AUTH",    "RESERVED",
    };

    (void)state;
    for (unsigned type = 0; type < sizeof(names) / sizeof(names[0]); type++)
        assert_string_equal(packet_name((enum packet_type)type), names[type]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reasons_and_packets),
        cmocka_unit_test(test_reason_text),
        cmocka_unit_test(test_reason_connack_3_1_1),
        cmocka_unit_test(test_packet_name),
    };

    return cmocka_run_group_tests(tests, NULL, wire_nothing_left);
}
