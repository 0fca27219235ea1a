/* A publication: one block, its parts, its references. */
#include "mqtt/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire.h"

/* As a layer above would put around it. */
struct outer {
    struct message message;
    uint64_t number;
    void *pointer;
};

enum { LONG = 300000 };

static uint8_t long_bytes[LONG + 2];

static const struct message_case {
    const char *name;
    size_t topic_len, properties_len, payload_len, outer_size;
} message_cases[] = {
    {"nothing but a topic", 1, 0, 0, sizeof(struct message)},
    {"topic and payload", 50, 0, 200, sizeof(struct message)},
    {"topic and properties", 50, 77, 0, sizeof(struct message)},
    {"all three", 50, 77, 200, sizeof(struct message)},
    {"the longest topic", 65535, 3, 3, sizeof(struct message)},
    {"long properties and payload", 256, LONG, LONG, sizeof(struct message)},
    {"a struct around it", 50, 77, 200, sizeof(struct outer)},
};

static void assert_bytes(struct slice got, const uint8_t *want, size_t len)
{
    assert_int_equal(got.len, len);
    if (len > 0)
        assert_memory_equal(got.data, want, len);
}

static void test_parts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(long_bytes); i++)
        long_bytes[i] = (uint8_t)(i * 7 + i / 256);
    for (size_t i = 0; i < sizeof(message_cases) / sizeof(*message_cases); i++) {
        const struct message_case *c = &message_cases[i];
        struct slice properties = {c->properties_len == 0 ? NULL : long_bytes + 1,
                                   c->properties_len};
        struct slice payload = {c->payload_len == 0 ? NULL : long_bytes + 2, c->payload_len};
        struct message *m;

        print_message("%s\n", c->name);
        m = message_new(c->outer_size, slice_make(long_bytes, c->topic_len), properties, payload);
        assert_bytes(message_topic(m), long_bytes, c->topic_len);
        assert_bytes(message_properties(m), properties.data, properties.len);
        assert_bytes(message_payload(m), payload.data, payload.len);
        assert_int_equal(m->bytes[0] << 8 | m->bytes[1], c->topic_len);
        assert_ptr_equal(m->bytes, (uint8_t *)m + c->outer_size);
        assert_int_equal(m->qos, 0);
        assert_false(m->retain);
        assert_int_equal(m->expires_ms, 0);
        message_unref(&m);
        assert_null(m);
    }
}

static void test_one_block(void **state)
{
    int64_t before = mem_bytes_used(MEM_MESSAGE);
    struct message *m =
        message_new(sizeof(struct outer), slice_of("topic"), slice_of("pp"), slice_of("payload"));

    (void)state;
    assert_int_equal(mem_bytes_used(MEM_MESSAGE) - before, sizeof(struct outer) + 2 + 5 + 2 + 7);
    message_unref(&m);
    assert_int_equal(mem_bytes_used(MEM_MESSAGE), before);
}

static void test_outer_struct_is_zeroed(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) { /* memory that was used before comes back */
        struct message *m = message_new(sizeof(struct outer), slice_of("topic"), slice_of("pp"),
                                        slice_of("payload"));
        struct outer *o = (struct outer *)m;

        assert_int_equal(o->number, 0);
        assert_null(o->pointer);
        o->number = UINT64_MAX;
        o->pointer = o;
        message_unref(&m);
    }
}

static void test_references(void **state)
{
    int64_t before = mem_bytes_used(MEM_MESSAGE);
    struct message *first =
        message_new(sizeof(struct message), slice_of("t"), slice_of(""), slice_of("x"));
    struct message *second = message_ref(first);
    struct message *third = message_ref(second);

    (void)state;
    assert_ptr_equal(first, third);
    message_unref(&first);
    message_unref(&third);
    assert_true(slice_is(message_payload(second), "x"));
    assert_true(mem_bytes_used(MEM_MESSAGE) > before);
    message_unref(&second);
    assert_int_equal(mem_bytes_used(MEM_MESSAGE), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_one_block),
        cmocka_unit_test(test_outer_struct_is_zeroed),
        cmocka_unit_test(test_references),
    };

    return cmocka_run_group_tests(tests, NULL, wire_nothing_left);
}
