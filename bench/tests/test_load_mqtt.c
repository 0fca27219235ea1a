/*
 * The codec: packets byte for byte as the standards want them, framing of cut and malformed input,
 * and readers that refuse what lies about its lengths.
 */
#include "load_mqtt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define BYTES(text) ((const uint8_t *)(text)), (sizeof(text) - 1)

static void assert_wrote(struct load_buffer *out, const uint8_t *bytes, size_t len)
{
    assert_int_equal(load_buffer_len(out), len);
    assert_memory_equal(out->bytes + out->start, bytes, len);
    load_buffer_deinit(out);
}

static void test_connect(void **state)
{
    struct load_mqtt_identity identity = {.client_id = "c", .username = "user", .password = "pw"};
    struct load_buffer out = {0};

    (void)state;
    load_mqtt_put_connect(&out, LOAD_MQTT_V311, &identity);
    assert_wrote(&out, BYTES("\x10\x17\0\4MQTT\4\xC2\x07\x08\0\1c\0\4user\0\2pw"));
    load_mqtt_put_connect(&out, LOAD_MQTT_V5, &identity);
    assert_wrote(&out, BYTES("\x10\x18\0\4MQTT\5\xC2\x07\x08\0\0\1c\0\4user\0\2pw"));
    identity.is_persistent = true;
    load_mqtt_put_connect(&out, LOAD_MQTT_V311, &identity);
    assert_wrote(&out, BYTES("\x10\x17\0\4MQTT\4\xC0\x07\x08\0\1c\0\4user\0\2pw"));
    load_mqtt_put_connect(&out, LOAD_MQTT_V5, &identity);
    assert_wrote(&out,
                 BYTES("\x10\x1D\0\4MQTT\5\xC0\x07\x08\5\x11\0\0\x07\x08\0\1c\0\4user\0\2pw"));
}

static void test_small_packets(void **state)
{
    struct load_buffer out = {0};

    (void)state;
    load_mqtt_put_subscribe(&out, LOAD_MQTT_V311, 0x0102, "a/+", 1);
    assert_wrote(&out, BYTES("\x82\x08\1\2\0\3a/+\1"));
    load_mqtt_put_subscribe(&out, LOAD_MQTT_V5, 0x0102, "a/+", 2);
    assert_wrote(&out, BYTES("\x82\x09\1\2\0\0\3a/+\2"));
    load_mqtt_put_ack(&out, LOAD_MQTT_PUBACK, 0x0A0B);
    assert_wrote(&out, BYTES("\x40\2\x0A\x0B"));
    load_mqtt_put_ack(&out, LOAD_MQTT_PUBREC, 1);
    assert_wrote(&out, BYTES("\x50\2\0\1"));
    load_mqtt_put_ack(&out, LOAD_MQTT_PUBREL, 1);
    assert_wrote(&out, BYTES("\x62\2\0\1"));
    load_mqtt_put_ack(&out, LOAD_MQTT_PUBCOMP, 1);
    assert_wrote(&out, BYTES("\x70\2\0\1"));
    load_mqtt_put_disconnect(&out);
    assert_wrote(&out, BYTES("\xE0\0"));
}

/* What a template gives is read back as the same publish, for each version, QoS and length. */
static void test_publish_round_trip(void **state)
{
    static const size_t lengths[] = {0, 1, 119, 120, 200, 16376, 16377, 100000};

    (void)state;
    for (uint32_t protocol = LOAD_MQTT_V311; protocol <= LOAD_MQTT_V5; protocol++) {
        for (uint32_t i = 0; i < 3 * sizeof(lengths) / sizeof(lengths[0]); i++) {
            const uint32_t qos = i % 3;
            const size_t len = lengths[i / 3];
            struct load_mqtt_template template;
            struct load_mqtt_packet packet;
            struct load_mqtt_publish publish;

            load_mqtt_template_init(&template, protocol, qos, "top/ic", len);
            memset(template.bytes + template.payload_at, 'p', len);
            if (qos > 0)
                load_mqtt_template_set_id(&template, 0xABCD);
            assert_int_equal(load_mqtt_next(template.bytes, template.len, &packet), template.len);
            assert_int_equal(packet.type, LOAD_MQTT_PUBLISH);
            assert_true(load_mqtt_read_publish(&packet, protocol, &publish));
            assert_int_equal(publish.qos, qos);
            assert_int_equal(publish.packet_id, qos > 0 ? 0xABCD : 0);
            assert_int_equal(publish.topic_len, 6);
            assert_memory_equal(publish.topic, "top/ic", 6);
            assert_int_equal(publish.payload_len, len);
            assert_ptr_equal(publish.payload, template.bytes + template.payload_at);
            for (size_t cut = 0; cut < template.len; cut += 1 + template.len / 97)
                assert_int_equal(load_mqtt_next(template.bytes, cut, &packet), 0);
            load_mqtt_template_deinit(&template);
        }
    }
}

static void test_malformed_length(void **state)
{
    struct load_mqtt_packet packet;

    (void)state;
    assert_int_equal(load_mqtt_next(BYTES("\x30\xFF\xFF\xFF\xFF\x01"), &packet), -1);
    assert_int_equal(load_mqtt_next(BYTES("\x30\xFF\xFF\xFF"), &packet), 0);
    assert_int_equal(load_mqtt_next(BYTES("\x30"), &packet), 0);
}

static void test_malformed_publish(void **state)
{
    static const struct {
        const char *name;
        uint8_t flags;
        uint32_t protocol;
        const char *body;
        size_t len;
    } cases[] = {
        {"no topic length", 0, LOAD_MQTT_V311, "\0", 1},
        {"topic longer than the packet", 0, LOAD_MQTT_V311, "\0\3ab", 4},
        {"QoS 3", 6, LOAD_MQTT_V311, "\0\1a\0\1", 5},
        {"no packet identifier", 2, LOAD_MQTT_V311, "\0\1a\1", 4},
        {"packet identifier 0", 2, LOAD_MQTT_V311, "\0\1a\0\0", 5},
        {"no properties", 0, LOAD_MQTT_V5, "\0\1a", 3},
        {"properties longer than the packet", 0, LOAD_MQTT_V5, "\0\1a\5abcd", 8},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct load_mqtt_packet packet = {LOAD_MQTT_PUBLISH, cases[i].flags,
                                                (const uint8_t *)cases[i].body, cases[i].len};
        struct load_mqtt_publish publish;

        if (load_mqtt_read_publish(&packet, cases[i].protocol, &publish))
            fail_msg("%s is taken", cases[i].name);
    }
}

static void test_answers(void **state)
{
    static const struct {
        const char *name;
        enum load_mqtt_type type;
        uint32_t protocol;
        const char *body;
        size_t len;
        bool good;
        uint8_t reason;
    } cases[] = {
        {"PUBACK", LOAD_MQTT_PUBACK, LOAD_MQTT_V311, "\0\7", 2, true, 0},
        {"short PUBACK of 5.0", LOAD_MQTT_PUBACK, LOAD_MQTT_V5, "\0\7", 2, true, 0},
        {"PUBACK with a reason", LOAD_MQTT_PUBACK, LOAD_MQTT_V5, "\0\7\x87\0", 4, true, 0x87},
        {"SUBACK", LOAD_MQTT_SUBACK, LOAD_MQTT_V311, "\0\7\1", 3, true, 1},
        {"SUBACK of 5.0", LOAD_MQTT_SUBACK, LOAD_MQTT_V5, "\0\7\2ab\x80", 6, true, 0x80},
        {"SUBACK without a code", LOAD_MQTT_SUBACK, LOAD_MQTT_V311, "\0\7", 2, false, 0},
        {"cut PUBACK", LOAD_MQTT_PUBACK, LOAD_MQTT_V311, "\0", 1, false, 0},
        {"cut SUBACK of 5.0", LOAD_MQTT_SUBACK, LOAD_MQTT_V5, "\0\7\5a", 4, false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct load_mqtt_packet packet = {cases[i].type, 0, (const uint8_t *)cases[i].body,
                                                cases[i].len};
        uint16_t packet_id = 0;
        uint8_t reason;
        bool good = load_mqtt_read_ack(&packet, cases[i].protocol, &packet_id, &reason);

        if (good != cases[i].good || (good && (packet_id != 7 || reason != cases[i].reason)))
            fail_msg("%s", cases[i].name);
    }
}

static void test_connack(void **state)
{
    const struct load_mqtt_packet good = {LOAD_MQTT_CONNACK, 0, BYTES("\0\5")};
    const struct load_mqtt_packet cut = {LOAD_MQTT_CONNACK, 0, BYTES("\0")};
    bool session_present;
    uint8_t reason;

    (void)state;
    assert_true(load_mqtt_read_connack(&good, &session_present, &reason));
    assert_int_equal(reason, 5);
    assert_false(load_mqtt_read_connack(&cut, &session_present, &reason));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connect),
        cmocka_unit_test(test_small_packets),
        cmocka_unit_test(test_publish_round_trip),
        cmocka_unit_test(test_malformed_length),
        cmocka_unit_test(test_malformed_publish),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_connack),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
