/*
 * Payloads: of exactly the size asked for, a JSON object by the judgement of a JSON library, read
 * back as stamped, and refused when any byte that no stamp covers has changed.
 */
#include "load_payload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const struct load_payload_stamp stamps[] = {
    {0, 0, 1000000000000000},
    {17, 123, 1700000000123456},
    {999999, UINT32_MAX - 1, 9999999999999999},
};

static uint8_t *stamped(const struct load_payload *payload, const struct load_payload_stamp *stamp)
{
    uint8_t *bytes = malloc(payload->size);

    assert_non_null(bytes);
    load_payload_copy(payload, bytes);
    load_payload_stamp_device(bytes, stamp->device);
    load_payload_stamp_sequence(bytes, stamp->sequence);
    load_payload_stamp_sent(bytes, stamp->sent_us);
    return bytes;
}

static void assert_is_json(const uint8_t *bytes, size_t len, const struct load_payload_stamp *stamp)
{
    json_t *object = json_loadb((const char *)bytes, len, JSON_REJECT_DUPLICATES, NULL);

    assert_true(json_is_object(object));
    assert_int_equal(json_integer_value(json_object_get(object, "device")), stamp->device);
    assert_int_equal(json_integer_value(json_object_get(object, "seq")), stamp->sequence);
    assert_int_equal(json_integer_value(json_object_get(object, "t")), stamp->sent_us);
    assert_true(json_is_string(json_object_get(object, "pad")));
    json_decref(object);
}

static void test_every_size(void **state)
{
    (void)state;
    for (size_t size = load_payload_smallest(); size < 400; size++) {
        struct load_payload payload;

        load_payload_init(&payload, size);
        assert_int_equal(payload.size, size);
        for (size_t i = 0; i < sizeof(stamps) / sizeof(stamps[0]); i++) {
            uint8_t *bytes = stamped(&payload, &stamps[i]);
            struct load_payload_stamp got;

            assert_is_json(bytes, size, &stamps[i]);
            assert_true(load_payload_read(&payload, bytes, size, &got));
            assert_int_equal(got.device, stamps[i].device);
            assert_int_equal(got.sequence, stamps[i].sequence);
            assert_int_equal(got.sent_us, stamps[i].sent_us);
            free(bytes);
        }
        load_payload_deinit(&payload);
    }
}

/* A changed byte is either found, or it is a digit (or blank) of a stamp and changes what is read.
 */
static void test_every_changed_byte(void **state)
{
    struct load_payload payload;
    uint8_t *bytes;

    (void)state;
    load_payload_init(&payload, 200);
    bytes = stamped(&payload, &stamps[1]);
    for (size_t i = 0; i < payload.size; i++) {
        const uint8_t before = bytes[i];
        struct load_payload_stamp got;

        bytes[i] = before == '1' ? '2' : '1';
        if (load_payload_read(&payload, bytes, payload.size, &got))
            assert_false(got.device == stamps[1].device && got.sequence == stamps[1].sequence &&
                         got.sent_us == stamps[1].sent_us);
        bytes[i] = '#';
        assert_false(load_payload_read(&payload, bytes, payload.size, &got));
        bytes[i] = before;
    }
    free(bytes);
    load_payload_deinit(&payload);
}

static void test_wrong_length(void **state)
{
    struct load_payload payload;
    struct load_payload_stamp got;
    uint8_t *bytes;

    (void)state;
    load_payload_init(&payload, 200);
    bytes = stamped(&payload, &stamps[1]);
    assert_false(load_payload_read(&payload, bytes, 199, &got));
    assert_false(load_payload_read(&payload, bytes, 0, &got));
    free(bytes);
    load_payload_deinit(&payload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_size),
        cmocka_unit_test(test_every_changed_byte),
        cmocka_unit_test(test_wrong_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
