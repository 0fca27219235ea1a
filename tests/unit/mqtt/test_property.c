/* Every property in every packet, against the standard's table written a second time by hand. */
#include "mqtt/property.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "rebuild.h"
#include "wire.h"

/* MQTT 5.0 table 2-4. */
static const struct property_case {
    uint8_t id;
    const char *packets; /* see `letters` */
    const char *valid;   /* two values that are in range */
    const char *valid_too;
    const char *out_of_range; /* NULL: there is no such value */
    enum property property;
} property_cases[] = {
    {0x01, "PW", "00", "01", "02", PROPERTY_PAYLOAD_FORMAT},
    {0x02, "PW", "00000000", "FFFFFFFF", NULL, PROPERTY_MESSAGE_EXPIRY},
    {0x03, "PW", "<>", "<text/plain>", NULL, PROPERTY_CONTENT_TYPE},
    {0x08, "PW", "<a>", "<a/b>", NULL, PROPERTY_RESPONSE_TOPIC},
    {0x09, "PW", "[]", "[00 FF]", NULL, PROPERTY_CORRELATION_DATA},
    {0x0B, "Ps", "01", "FFFFFF7F", "00", PROPERTY_SUBSCRIPTION_ID},
    {0x11, "CcD", "00000000", "FFFFFFFF", NULL, PROPERTY_SESSION_EXPIRY},
    {0x12, "c", "<>", "<id>", NULL, PROPERTY_ASSIGNED_CLIENT_ID},
    {0x13, "c", "0000", "FFFF", NULL, PROPERTY_SERVER_KEEP_ALIVE},
    {0x15, "CcX", "<>", "<method>", NULL, PROPERTY_AUTH_METHOD},
    {0x16, "CcX", "[]", "[00 FF]", NULL, PROPERTY_AUTH_DATA},
    {0x17, "C", "00", "01", "02", PROPERTY_REQUEST_PROBLEM},
    {0x18, "W", "00000000", "FFFFFFFF", NULL, PROPERTY_WILL_DELAY},
    {0x19, "C", "00", "01", "FF", PROPERTY_REQUEST_RESPONSE},
    {0x1A, "c", "<>", "<info>", NULL, PROPERTY_RESPONSE_INFORMATION},
    {0x1C, "cD", "<>", "<host>", NULL, PROPERTY_SERVER_REFERENCE},
    {0x1F, "caSUDX", "<>", "<why>", NULL, PROPERTY_REASON_STRING},
    {0x21, "Cc", "0001", "FFFF", "0000", PROPERTY_RECEIVE_MAXIMUM},
    {0x22, "Cc", "0000", "FFFF", NULL, PROPERTY_TOPIC_ALIAS_MAXIMUM},
    {0x23, "P", "0001", "FFFF", "0000", PROPERTY_TOPIC_ALIAS},
    {0x24, "c", "00", "01", "02", PROPERTY_MAXIMUM_QOS},
    {0x25, "c", "00", "01", "02", PROPERTY_RETAIN_AVAILABLE},
    {0x26, "CcPWasSuUDX", "<><>", "<key> <value>", NULL, PROPERTY_USER},
    {0x27, "Cc", "00000001", "FFFFFFFF", "00000000", PROPERTY_MAXIMUM_PACKET_SIZE},
    {0x28, "c", "00", "01", "02", PROPERTY_WILDCARD_AVAILABLE},
    {0x29, "c", "00", "01", "02", PROPERTY_SUBSCRIPTION_ID_AVAILABLE},
    {0x2A, "c", "00", "01", "02", PROPERTY_SHARED_AVAILABLE},
};

enum { CASES = sizeof(property_cases) / sizeof(property_cases[0]) };

/*
 * One letter a packet type, in their order: C CONNECT, c CONNACK, P PUBLISH, a PUBACK to PUBCOMP,
 * s SUBSCRIBE, S SUBACK, u UNSUBSCRIBE, U UNSUBACK, D DISCONNECT, X AUTH, W a will.
 */
static const char letters[] = " CcPaaaasSuU  DXW";

static bool is_allowed(const struct property_case *c, unsigned packet)
{
    return letters[packet] != ' ' && strchr(c->packets, letters[packet]) != NULL;
}

/* Reads a block that is written in the notation of wire.h and must be read whole. */
static enum reason read_block(const char *name, const char *text, unsigned packet,
                              struct property_set *out, struct slice *bytes)
{
    struct reader r;
    enum reason reason;

    *bytes = wire_new(text);
    r = reader_of(*bytes);
    memset(out, 0xA5, sizeof(*out)); /* what is not written must not be relied on */
    reason = property_read(&r, packet, out);
    if (reason == REASON_SUCCESS)
        wire_check(name, r.status == ST_OK && reader_left(&r) == 0);
    else
        wire_check(name, out->present == 0 && out->raw.len == 0);
    return reason;
}

static void expect_block(const char *name, const char *text, unsigned packet, enum reason want)
{
    struct property_set set;
    struct slice bytes;

    wire_expect_reason(name, read_block(name, text, packet, &set, &bytes), want);
    wire_free(bytes);
}

/* One property alone: allowed or not, and what was read gives the same bytes again. */
static void try_property(const struct property_case *c, const char *value, unsigned packet)
{
    enum reason want = is_allowed(c, packet) ? REASON_SUCCESS : REASON_PROTOCOL_ERROR;
    char name[64], text[64];
    struct property_set set;
    struct slice bytes;
    uint8_t again[64];
    struct writer w = writer_of(again, sizeof(again));

    snprintf(name, sizeof(name), "property %02X in packet %u", c->id, packet);
    snprintf(text, sizeof(text), "{%02X %s}", c->id, value);
    wire_expect_reason(name, read_block(name, text, packet, &set, &bytes), want);
    if (want == REASON_SUCCESS) {
        wire_check(name, set.present == UINT64_C(1) << c->property);
        wire_expect_same(name, set.raw, slice_from(bytes, 1));
        rebuild_properties(&w, MQTT_5, &set);
        wire_expect_same(name, slice_make(again, writer_len(&w)), bytes);
    }
    wire_free(bytes);
}

/* [X-5-2.2.2.2-place] */
static void test_every_property_in_every_packet(void **state)
{
    (void)state;
    assert_int_equal(sizeof(letters) - 1, PROPERTY_IN_WILL + 1);
    assert_int_equal(CASES, PROPERTY_COUNT);
    for (size_t i = 0; i < CASES; i++) {
        for (unsigned packet = 1; packet <= PROPERTY_IN_WILL; packet++) {
            try_property(&property_cases[i], property_cases[i].valid, packet);
            try_property(&property_cases[i], property_cases[i].valid_too, packet);
        }
    }
}

/* [X-5-2.2.2.2-repeat] */
static void test_every_property_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        const struct property_case *c = &property_cases[i];

        for (unsigned packet = 1; packet <= PROPERTY_IN_WILL; packet++) {
            bool may_repeat = c->property == PROPERTY_USER ||
                              (c->property == PROPERTY_SUBSCRIPTION_ID && packet == PACKET_PUBLISH);
            char name[64], text[128];

            if (!is_allowed(c, packet))
                continue;
            snprintf(name, sizeof(name), "property %02X twice in packet %u", c->id, packet);
            snprintf(text, sizeof(text), "{%02X %s %02X %s}", c->id, c->valid, c->id, c->valid_too);
            expect_block(name, text, packet, may_repeat ? REASON_SUCCESS : REASON_PROTOCOL_ERROR);
        }
    }
}

/*
 * [X-5-3.1.2.11.3-zero], [X-5-3.1.2.11.4-zero], [X-5-3.1.2.11.6-value], [X-5-3.3.2.3.2-value],
 * [X-5-3.8.2.1.2-subid], [MQTT-3.3.2-8]
 */
static void test_every_property_out_of_range(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        const struct property_case *c = &property_cases[i];

        for (unsigned packet = 1; packet <= PROPERTY_IN_WILL && c->out_of_range != NULL; packet++) {
            char name[64], text[64];

            if (!is_allowed(c, packet))
                continue;
            snprintf(name, sizeof(name), "property %02X out of range in packet %u", c->id, packet);
            snprintf(text, sizeof(text), "{%02X %s}", c->id, c->out_of_range);
            expect_block(name, text, packet,
                         c->property == PROPERTY_TOPIC_ALIAS ? REASON_TOPIC_ALIAS_INVALID
                                                             : REASON_PROTOCOL_ERROR);
        }
    }
}

/* [X-5-2.2.2.1-length]: each block cut off inside, and each whose length says more than there is.
 */
static void test_every_property_cut_off(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        const struct property_case *c = &property_cases[i];
        unsigned packet = (unsigned)(strchr(letters, c->packets[0]) - letters);
        char name[64], text[64];
        struct slice whole;

        snprintf(name, sizeof(name), "property %02X cut off", c->id);
        snprintf(text, sizeof(text), "{%02X %s}", c->id, c->valid_too);
        whole = wire_new(text);
        for (size_t len = 0; len < whole.len; len++) {
            struct slice beyond = wire_copy(slice_make(whole.data, len));
            struct slice inside = wire_copy(beyond);
            struct reader r = reader_of(beyond);
            struct property_set set;

            wire_expect_reason(name, property_read(&r, packet, &set), REASON_MALFORMED_PACKET);
            r = reader_of(inside);
            if (len > 1) {
                ((uint8_t *)(uintptr_t)inside.data)[0] = (uint8_t)(len - 1);
                wire_expect_reason(name, property_read(&r, packet, &set), REASON_MALFORMED_PACKET);
                wire_check(name, set.present == 0 && set.raw.len == 0);
            }
            wire_free(beyond);
            wire_free(inside);
        }
        wire_free(whole);
    }
}

/* [X-5-2.2.2.2-unknown] */
static void test_unknown_ids(void **state)
{
    (void)state;
    for (unsigned id = 0; id < 256; id++) {
        bool known = false;
        char text[32];

        for (size_t i = 0; i < CASES; i++)
            known = known || property_cases[i].id == id;
        if (known)
            continue;
        snprintf(text, sizeof(text), "{%02X 01 0000 0000}", id);
        for (unsigned packet = 1; packet <= PROPERTY_IN_WILL; packet++)
            expect_block(text, text, packet, REASON_MALFORMED_PACKET);
    }
}

static const struct block_case {
    const char *name, *block;
    unsigned packet;
    enum reason want;
} block_cases[] = {
    {"none", "00", PACKET_PUBLISH, REASON_SUCCESS},
    {"no length [MQTT-2.2.2-1]", "", PACKET_CONNECT, REASON_MALFORMED_PACKET},
    {"length padded [MQTT-1.5.5-1]", "80 00", PACKET_CONNECT, REASON_MALFORMED_PACKET},
    {"length of five bytes [X-5-1.5.5-overlong]", "FF FF FF FF 01", PACKET_CONNECT,
     REASON_MALFORMED_PACKET},
    {"length past the packet [X-5-2.2.2.1-length]", "06 21 0001", PACKET_CONNECT,
     REASON_MALFORMED_PACKET},
    {"largest length [X-5-2.2.2.1-length]", "FF FF FF 7F", PACKET_PUBLISH, REASON_MALFORMED_PACKET},
    {"identifier of two bytes [X-5-2.2.2.2-unknown]", "{ 81 01 00 }", PACKET_PUBLISH,
     REASON_MALFORMED_PACKET},
    {"identifier padded [MQTT-1.5.5-1]", "{ 81 00 00 }", PACKET_PUBLISH, REASON_MALFORMED_PACKET},
    {"subscription id padded [MQTT-1.5.5-1]", "{ 0B 81 00 }", PACKET_SUBSCRIBE,
     REASON_MALFORMED_PACKET},
    {"subscription id of five bytes [X-5-1.5.5-overlong]", "{ 0B FF FF FF FF 01 }",
     PACKET_SUBSCRIBE, REASON_MALFORMED_PACKET},
    {"subscription id twice [X-5-3.8.2.1.2-subid]", "{ 0B 01 0B 02 }", PACKET_SUBSCRIBE,
     REASON_PROTOCOL_ERROR},
    {"two subscription ids of a server", "{ 0B 01 0B 02 }", PACKET_PUBLISH, REASON_SUCCESS},
    {"content type FF [MQTT-3.3.2-19]", "{ 03 [FF] }", PACKET_PUBLISH, REASON_MALFORMED_PACKET},
    {"content type overlong [MQTT-1.5.4-1]", "{ 03 [C0 AF] }", PACKET_PUBLISH,
     REASON_MALFORMED_PACKET},
    {"response topic surrogate [MQTT-3.3.2-13]", "{ 08 [ED A0 80] }", PACKET_PUBLISH,
     REASON_MALFORMED_PACKET},
    {"reason string above U+10FFFF [MQTT-1.5.4-1]", "{ 1F [F4 90 80 80] }", PACKET_PUBACK,
     REASON_MALFORMED_PACKET},
    {"zero character [MQTT-1.5.4-2]", "{ 03 ['a' 00] }", PACKET_PUBLISH, REASON_MALFORMED_PACKET},
    {"user key not UTF-8 [MQTT-1.5.7-1]", "{ 26 [FF] <v> }", PACKET_PUBLISH,
     REASON_MALFORMED_PACKET},
    {"user value not UTF-8 [MQTT-1.5.7-1]", "{ 26 <k> [FF] }", PACKET_PUBLISH,
     REASON_MALFORMED_PACKET},
    {"user key with zero [MQTT-1.5.4-2]", "{ 26 [00] <v> }", PACKET_PUBLISH,
     REASON_MALFORMED_PACKET},
    {"user value with zero [MQTT-1.5.4-2]", "{ 26 <k> [00] }", PACKET_PUBLISH,
     REASON_MALFORMED_PACKET},
    {"binary data is no text", "{ 09 [FF 00] }", PACKET_PUBLISH, REASON_SUCCESS},
    {"wrong behind right", "{ 01 01 03 <t> 21 0001 }", PACKET_PUBLISH, REASON_PROTOCOL_ERROR},
    {"alias 0 [MQTT-3.3.2-8]", "{ 23 0000 }", PACKET_PUBLISH, REASON_TOPIC_ALIAS_INVALID},
    {"alias in CONNECT [X-5-2.2.2.2-place]", "{ 23 0001 }", PACKET_CONNECT, REASON_PROTOCOL_ERROR},
    {"will delay in CONNECT itself", "{ 18 00000001 }", PACKET_CONNECT, REASON_PROTOCOL_ERROR},
    {"session expiry in a will", "{ 11 00000001 }", PROPERTY_IN_WILL, REASON_PROTOCOL_ERROR},
};

static void test_blocks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(block_cases) / sizeof(block_cases[0]); i++)
        expect_block(block_cases[i].name, block_cases[i].block, block_cases[i].packet,
                     block_cases[i].want);
}

/* The values of one large set, member by member: each lies where its name says. */
static void test_members(void **state)
{
    struct property_set p;
    struct slice bytes;

    (void)state;
    assert_int_equal(read_block("CONNACK",
                                "{ 11 00000011 21 0021 24 01 25 01 27 00000027 12 <12> 22 0022"
                                "  1F <1F> 28 01 29 00 2A 01 13 0013 1A <1A> 1C <1C> 15 <15>"
                                "  16 [16 00] }",
                                PACKET_CONNACK, &p, &bytes),
                     REASON_SUCCESS);
    assert_int_equal(p.session_expiry_s, 0x11);
    assert_int_equal(p.receive_maximum, 0x21);
    assert_int_equal(p.maximum_qos, 1);
    assert_int_equal(p.retain_available, 1);
    assert_int_equal(p.maximum_packet_size, 0x27);
    assert_true(slice_is(p.assigned_client_id, "12"));
    assert_int_equal(p.topic_alias_maximum, 0x22);
    assert_true(slice_is(p.reason_string, "1F"));
    assert_int_equal(p.wildcard_available, 1);
    assert_int_equal(p.subscription_id_available, 0);
    assert_int_equal(p.shared_available, 1);
    assert_int_equal(p.server_keep_alive_s, 0x13);
    assert_true(slice_is(p.response_information, "1A"));
    assert_true(slice_is(p.server_reference, "1C"));
    assert_true(slice_is(p.auth_method, "15"));
    wire_expect("auth data", p.auth_data, "16 00");
    wire_free(bytes);

    assert_int_equal(read_block("CONNECT", "{ 17 00 19 01 }", PACKET_CONNECT, &p, &bytes),
                     REASON_SUCCESS);
    assert_int_equal(p.request_problem, 0);
    assert_int_equal(p.request_response, 1);
    wire_free(bytes);

    assert_int_equal(read_block("will", "{ 18 00000018 01 01 02 00000002 03 <03> 08 <08> 09 [09] }",
                                PROPERTY_IN_WILL, &p, &bytes),
                     REASON_SUCCESS);
    assert_int_equal(p.will_delay_s, 0x18);
    assert_int_equal(p.payload_format, 1);
    assert_int_equal(p.message_expiry_s, 2);
    assert_true(slice_is(p.content_type, "03"));
    assert_true(slice_is(p.response_topic, "08"));
    wire_expect("correlation data", p.correlation_data, "09");
    wire_free(bytes);

    assert_int_equal(read_block("PUBLISH", "{ 23 0023 0B AC02 }", PACKET_PUBLISH, &p, &bytes),
                     REASON_SUCCESS);
    assert_int_equal(p.topic_alias, 0x23);
    assert_int_equal(p.subscription_id, 300);
    wire_free(bytes);
}

/* [MQTT-3.3.2-17], [MQTT-3.3.2-18], [MQTT-1.5.4-3]: between others, in their order, unchanged. */
static void test_user_properties(void **state)
{
    static const struct {
        const char *key, *value;
    } wanted[] = {{"b", "1"}, {"a", ""}, {"b", "\xEF\xBB\xBF"}, {"", "2"}};
    struct property_set p;
    struct slice bytes, key, value;
    struct reader raw;

    (void)state;
    assert_int_equal(read_block("PUBLISH",
                                "{ 26 <b> <1> 01 01 02 00000001 26 <a> <> 0B AC02 09 [26 00]"
                                "  26 <b> [EFBBBF] 23 0007 03 <t> 26 <> <2> }",
                                PACKET_PUBLISH, &p, &bytes),
                     REASON_SUCCESS);
    raw = reader_of(p.raw);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        assert_true(property_next_user(&raw, &key, &value));
        assert_true(slice_is(key, wanted[i].key));
        assert_true(slice_is(value, wanted[i].value));
    }
    assert_false(property_next_user(&raw, &key, &value));
    assert_false(property_next_user(&raw, &key, &value));
    wire_free(bytes);
}

/* [MQTT-3.3.2-4], -15 to -18, -20 */
static const struct forward_case {
    const char *name, *block;
    unsigned packet;
    const char *want;
} forward_cases[] = {
    {"none", "00", PACKET_PUBLISH, ""},
    {"all of a PUBLISH",
     "{ 26 <b> <1> 01 01 02 00000001 26 <a> <> 0B AC02 09 [00 FF] 08 <r/t> 23 0007 03 <t> 26 <b> "
     "<> }",
     PACKET_PUBLISH, "26 <b> <1> 01 01 26 <a> <> 09 [00 FF] 08 <r/t> 03 <t> 26 <b> <>"},
    {"all of a will", "{ 18 00000001 26 <b> <1> 02 00000001 01 00 09 [] 03 <t> 08 <r> }",
     PROPERTY_IN_WILL, "26 <b> <1> 01 00 09 [] 03 <t> 08 <r>"},
    {"only what stays behind", "{ 02 00000001 0B 01 23 0001 }", PACKET_PUBLISH, ""},
    {"stays behind at both ends", "{ 02 00000001 01 00 23 0001 }", PACKET_PUBLISH, "01 00"},
};

static void test_forwarded(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(forward_cases) / sizeof(forward_cases[0]); i++) {
        const struct forward_case *c = &forward_cases[i];
        struct buffer b = {NULL, 0, 0};
        struct property_set p;
        struct slice bytes;

        wire_expect_reason(c->name, read_block(c->name, c->block, c->packet, &p, &bytes),
                           REASON_SUCCESS);
        buffer_append_text(&b, "before");
        property_write_forwarded(&b, &p);
        wire_check(c->name, slice_starts_with(buffer_slice(&b), slice_of("before")));
        wire_expect(c->name, slice_from(buffer_slice(&b), strlen("before")), c->want);
        buffer_deinit(&b);
        wire_free(bytes);
    }
}

/* What does not fit fails and stays within bounds. */
static void test_write_into_too_little_room(void **state)
{
    uint8_t room[16];

    (void)state;
    for (size_t len = 0; len < 6; len++) {
        struct writer w = writer_of(room, len);

        memset(room, 0xA5, sizeof(room));
        property_write_text(&w, PROPERTY_REASON_STRING, slice_of("why"));
        assert_int_equal(w.status, ST_FULL);
        assert_int_equal(room[len], 0xA5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_property_in_every_packet),
        cmocka_unit_test(test_every_property_twice),
        cmocka_unit_test(test_every_property_out_of_range),
        cmocka_unit_test(test_every_property_cut_off),
        cmocka_unit_test(test_unknown_ids),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_user_properties),
        cmocka_unit_test(test_forwarded),
        cmocka_unit_test(test_write_into_too_little_room),
    };

    return cmocka_run_group_tests(tests, NULL, wire_nothing_left);
}
