/* Cloud values: the newest one wins, order, limits, the object of all or of some. */
#include "platform/cloud_value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "leftover.h"

enum { NAME_SIZE = 32 };

static bool set(struct cloud_values *v, const char *name, const char *value, int64_t ts_ms)
{
    return cloud_values_set(v, slice_of(name), slice_of(value), ts_ms);
}

static bool everything(struct slice name, const void *arg)
{
    (void)name;
    (void)arg;
    return true;
}

static bool not_this(struct slice name, const void *arg)
{
    return !slice_is(name, arg);
}

static void assert_object(const struct cloud_values *v, const struct slice *names, size_t count,
                          const char *want)
{
    struct buffer b = {0};

    cloud_values_append_object(v, names, count, everything, NULL, &b);
    buffer_append_u8(&b, '\0');
    assert_string_equal((const char *)b.data, want);
    buffer_deinit(&b);
}

static const struct set_case {
    const char *name;
    int64_t first_ms, second_ms;
    bool want;
} set_cases[] = {
    {"newer", 100, 101, true},
    {"the same time: the later call", 100, 100, true},
    {"older", 100, 99, false},
    {"older than 1970", 0, -1, false},
};

static void test_newest_wins(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(set_cases) / sizeof(*set_cases); i++) {
        const struct set_case *c = &set_cases[i];
        struct cloud_values v = {0};
        const struct cloud_value *stored;

        print_message("%s\n", c->name);
        assert_true(set(&v, "a", "1", c->first_ms));
        v.items[0].dirty = false;
        assert_int_equal(set(&v, "a", "22", c->second_ms), c->want);
        stored = cloud_values_find(&v, slice_of("a"));
        assert_true(slice_is(cloud_value_json(stored), c->want ? "22" : "1"));
        assert_true(slice_is(cloud_value_name(stored), "a"));
        assert_int_equal(stored->ts_ms, c->want ? c->second_ms : c->first_ms);
        assert_int_equal(stored->dirty, c->want);
        cloud_values_deinit(&v);
    }
}

static void test_object(void **state)
{
    struct cloud_values v = {0};
    struct slice some[] = {slice_of("c"), slice_of("nothing"), slice_of("a"), slice_of("c")};
    struct slice none[] = {slice_of("nothing")};

    (void)state;
    assert_object(&v, NULL, 0, "{}");
    assert_true(set(&v, "a", "1", 1));
    assert_object(&v, NULL, 0, "{\"a\":1}");
    assert_true(set(&v, "quote \" and \xC3\xA4", "\"x\"", 1));
    assert_true(set(&v, "c", "{ \"d\": [1, 2] }", 1));
    assert_true(set(&v, "", "null", 1));
    assert_object(&v, NULL, 0,
                  "{\"a\":1,\"quote \\\" and \xC3\xA4\":\"x\",\"c\":{ \"d\": [1, 2] },\"\":null}");
    assert_object(&v, some, 4, "{\"c\":{ \"d\": [1, 2] },\"a\":1}");
    assert_object(&v, none, 1, "{}");
    cloud_values_deinit(&v);
    assert_object(&v, NULL, 0, "{}");
}

static const struct order_case {
    const char *name;
    unsigned count, step; /* the n-th member of a report is number n * step % count */
} order_cases[] = {
    {"usual order", 10, 1},
    {"backwards", 10, 9},
    {"every third", 10, 3},
    {"sixteen", 16, 5},
    {"seventeen", 17, 5},
    {"many, usual order", 1000, 1},
    {"many, backwards", 1000, 999},
    {"many, mixed", 1000, 7},
    {"as many as are kept", 1024, 511},
};

static void name_of(char out[NAME_SIZE], unsigned number)
{
    (void)snprintf(out, NAME_SIZE, "attribute%u", number);
}

/* One report with all members in the case's order; all are stored. */
static void report(struct cloud_values *v, const struct order_case *c, unsigned round)
{
    char name[NAME_SIZE], value[NAME_SIZE];

    cloud_values_rewind(v);
    for (unsigned n = 0; n < c->count; n++) {
        unsigned number = n * c->step % c->count;

        name_of(name, number);
        (void)snprintf(value, sizeof(value), "%u.%u", round, number);
        assert_true(set(v, name, value, round));
    }
}

static void test_any_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(order_cases) / sizeof(*order_cases); i++) {
        struct cloud_values v = {0};
        const struct order_case usual = {"", order_cases[i].count, 1};
        char name[NAME_SIZE], value[NAME_SIZE];

        print_message("%s\n", order_cases[i].name);
        report(&v, &usual, 1);
        report(&v, &order_cases[i], 2);
        assert_int_equal(v.count, order_cases[i].count);
        for (unsigned n = 0; n < order_cases[i].count; n++) {
            const struct cloud_value *c;

            name_of(name, n);
            (void)snprintf(value, sizeof(value), "2.%u", n);
            c = cloud_values_find(&v, slice_of(name));
            assert_ptr_equal(c, &v.items[n]); /* stored in the order of the first report */
            assert_true(slice_is(cloud_value_json(c), value));
        }
        assert_null(cloud_values_find(&v, slice_of("attribute")));
        cloud_values_deinit(&v);
    }
}

static void test_parts_of_a_report(void **state)
{
    struct cloud_values v = {0};

    (void)state;
    assert_true(set(&v, "a", "1", 1) && set(&v, "b", "1", 1) && set(&v, "c", "1", 1));
    cloud_values_rewind(&v);
    assert_true(set(&v, "a", "2", 2) && set(&v, "c", "2", 2)); /* b is left out */
    assert_true(set(&v, "c", "3", 2));                         /* doubled: the last wins */
    assert_true(set(&v, "d", "3", 2));
    assert_object(&v, NULL, 0, "{\"a\":2,\"b\":1,\"c\":3,\"d\":3}");
    cloud_values_deinit(&v);
}

static void test_limits(void **state)
{
    struct cloud_values v = {0};
    char name[CLOUD_VALUE_NAME_MAX + 2];

    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    name[CLOUD_VALUE_NAME_MAX + 1] = '\0';
    assert_false(set(&v, name, "1", 1));
    assert_int_equal(v.count, 0);
    assert_true(set(&v, name + 1, "1", 1));
    for (unsigned n = 1; n < CLOUD_VALUES_MAX; n++) {
        name_of(name, n);
        assert_true(set(&v, name, "1", 1));
    }
    assert_false(set(&v, "one too many", "1", 1));
    assert_null(cloud_values_find(&v, slice_of("one too many")));
    assert_true(set(&v, "attribute5", "2", 1)); /* those that are kept can change */
    assert_int_equal(v.count, CLOUD_VALUES_MAX);
    cloud_values_deinit(&v);
}

static void test_limit_of_bytes(void **state)
{
    static char text[CLOUD_VALUES_BYTES_MAX];
    struct slice half = {(const uint8_t *)text, CLOUD_VALUES_BYTES_MAX / 2};
    struct slice rest = {(const uint8_t *)text, CLOUD_VALUES_BYTES_MAX / 2 - 2};
    struct cloud_values v = {0};

    (void)state;
    memset(text, '1', sizeof(text));
    assert_true(cloud_values_set(&v, slice_of("a"), half, 1));
    assert_false(cloud_values_set(&v, slice_of("b"), half, 1));
    assert_int_equal(v.count, 1);
    assert_true(cloud_values_set(&v, slice_of("b"), rest, 1));
    assert_int_equal(v.bytes, CLOUD_VALUES_BYTES_MAX);
    assert_true(
        cloud_values_set(&v, slice_of("a"), half, 2)); /* the place of the old one is free */
    assert_false(cloud_values_set(&v, slice_of("b"), half, 2));
    assert_int_equal(cloud_values_find(&v, slice_of("b"))->value_len, rest.len);
    assert_true(set(&v, "a", "1", 3)); /* and what a short one leaves too */
    assert_int_equal(v.bytes, 2 + 1 + rest.len);
    assert_true(cloud_values_set(&v, slice_of("b"), half, 3));
    cloud_values_deinit(&v);
}

static void test_memory_of_a_long_value_goes_back(void **state)
{
    static char text[100000];
    struct cloud_values v = {0};
    int64_t before;

    (void)state;
    memset(text, '1', sizeof(text));
    assert_true(set(&v, "a", "1", 1));
    before = mem_bytes_used(MEM_DEVICE);
    assert_true(cloud_values_set(&v, slice_of("a"), slice_make(text, sizeof(text)), 2));
    assert_true(mem_bytes_used(MEM_DEVICE) >= before + 99000);
    assert_true(set(&v, "a", "2", 3));
    assert_int_equal(mem_bytes_used(MEM_DEVICE), before);
    assert_object(&v, NULL, 0, "{\"a\":2}");
    cloud_values_deinit(&v);
}

static void test_filter(void **state)
{
    struct cloud_values v = {0};
    struct slice names[] = {slice_of("b"), slice_of("a"), slice_of("c")};
    struct buffer b = {0};

    (void)state;
    assert_true(set(&v, "a", "1", 1) && set(&v, "b", "2", 1) && set(&v, "c", "3", 1));
    cloud_values_append_object(&v, NULL, 0, not_this, "a", &b);
    assert_true(slice_is(buffer_slice(&b), "{\"b\":2,\"c\":3}"));
    b.len = 0;
    cloud_values_append_object(&v, names, 3, not_this, "b", &b);
    assert_true(slice_is(buffer_slice(&b), "{\"a\":1,\"c\":3}"));
    buffer_deinit(&b);
    cloud_values_deinit(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(test_newest_wins),
        LEFTOVER_TEST(test_object),
        LEFTOVER_TEST(test_any_order),
        LEFTOVER_TEST(test_parts_of_a_report),
        LEFTOVER_TEST(test_limits),
        LEFTOVER_TEST(test_limit_of_bytes),
        LEFTOVER_TEST(test_memory_of_a_long_value_goes_back),
        LEFTOVER_TEST(test_filter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
