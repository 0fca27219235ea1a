/*
 * Values come back grouped by device; a batch is stored whole or not at all.
 */
#include "store/value_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "temp_data.h"

static struct value_store *open_store(void **state)
{
    struct value_store *s = NULL;
    char error[256] = "";

    if (value_store_open(*state, &s, error, sizeof(error)) != ST_OK)
        fail_msg("%s", error);
    return s;
}

static void put(struct value_store *s, uint64_t device_id, const char *name, const char *value,
                int64_t ts_ms)
{
    struct value_store_entry e = {device_id, slice_of(name), slice_of(value), ts_ms};

    assert_int_equal(value_store_put(s, &e), ST_OK);
}

static void list_entry_text(const struct value_store_entry *e, void *arg)
{
    struct buffer *text = arg;

    buffer_printf(text, "%" PRIu64 " ", e->device_id);
    buffer_append_slice(text, e->name);
    buffer_append_text(text, " ");
    buffer_append_slice(text, e->value);
    buffer_printf(text, " %" PRId64 "\n", e->ts_ms);
}

static void assert_stored(struct value_store *s, const char *want)
{
    struct buffer text = {0};

    assert_int_equal(value_store_each(s, list_entry_text, &text), ST_OK);
    buffer_append_u8(&text, 0);
    assert_string_equal((const char *)text.data, want);
    buffer_deinit(&text);
}

static void values_come_back_by_device(void **state)
{
    struct value_store *s = open_store(state);

    assert_stored(s, "");
    assert_int_equal(value_store_begin(s), ST_OK);
    put(s, 256, "temperature", "21.5", 1700000000000);
    put(s, 1, "on", "\"ON\"", 0);
    put(s, 256, "humidity", "{\"a\": [1]}", INT64_MAX);
    put(s, UINT64_C(1) << 59, "x", "", -1);
    put(s, 1, "on", "\"OFF\"", 5);
    assert_int_equal(value_store_commit(s), ST_OK);
    value_store_close(&s);
    value_store_close(&s);

    s = open_store(state);
    assert_stored(s, "1 on \"OFF\" 5\n"
                     "256 humidity {\"a\": [1]} 9223372036854775807\n"
                     "256 temperature 21.5 1700000000000\n"
                     "576460752303423488 x  -1\n");
    value_store_close(&s);
}

static void a_removed_device_loses_its_values_alone(void **state)
{
    struct value_store *s = open_store(state);

    assert_int_equal(value_store_begin(s), ST_OK);
    for (uint64_t device = 1; device <= 3; device++) {
        put(s, device, "a", "1", 1);
        put(s, device, "b", "2", 2);
    }
    assert_int_equal(value_store_commit(s), ST_OK);
    assert_int_equal(value_store_begin(s), ST_OK);
    put(s, 2, "c", "3", 3);
    assert_int_equal(value_store_remove_device(s, 2), ST_OK);
    put(s, 2, "d", "4", 4);
    assert_int_equal(value_store_remove_device(s, 7), ST_OK);
    assert_int_equal(value_store_commit(s), ST_OK);
    assert_stored(s, "1 a 1 1\n1 b 2 2\n2 d 4 4\n3 a 1 1\n3 b 2 2\n");
    value_store_close(&s);
}

static void what_is_not_committed_is_not_stored(void **state)
{
    struct value_store *s = open_store(state);

    assert_int_equal(value_store_begin(s), ST_OK);
    put(s, 1, "a", "1", 1);
    assert_stored(s, "");
    assert_int_equal(value_store_begin(s), ST_OK); /* drops the first */
    put(s, 2, "b", "2", 2);
    assert_int_equal(value_store_commit(s), ST_OK);
    assert_stored(s, "2 b 2 2\n");
    assert_int_equal(value_store_begin(s), ST_OK);
    put(s, 3, "c", "3", 3);
    value_store_close(&s);

    s = open_store(state);
    assert_stored(s, "2 b 2 2\n");
    assert_int_equal(value_store_begin(s), ST_OK);
    assert_int_equal(value_store_commit(s), ST_OK);
    value_store_close(&s);
}

static void bad_entries_leave_the_batch_as_it_was(void **state)
{
    struct value_store *s = open_store(state);
    char name[VALUE_STORE_NAME_MAX + 2];
    struct value_store_entry e = {1, slice_of(""), slice_of("1"), 1};

    memset(name, 'n', sizeof(name));
    assert_int_equal(value_store_begin(s), ST_OK);
    assert_int_equal(value_store_put(s, &e), ST_INVALID);
    e.name = slice_make(name, VALUE_STORE_NAME_MAX + 1);
    assert_int_equal(value_store_put(s, &e), ST_TOO_LARGE);
    put(s, 1, "good", "1", 1);
    assert_int_equal(value_store_commit(s), ST_OK);
    assert_stored(s, "1 good 1 1\n");

    e.name = slice_make(name, VALUE_STORE_NAME_MAX);
    assert_int_equal(value_store_begin(s), ST_OK);
    assert_int_equal(value_store_put(s, &e), ST_OK);
    assert_int_equal(value_store_commit(s), ST_OK);
    value_store_close(&s);
}

enum { BIG_DEVICES = 150, BIG_LEN = 256 * 1024 };

static void count_big(const struct value_store_entry *e, void *arg)
{
    unsigned *count = arg;

    assert_int_equal(e->value.len, BIG_LEN);
    for (size_t i = 0; i < BIG_LEN; i += 4096)
        assert_int_equal(e->value.data[i], e->device_id);
    (*count)++;
}

static void a_batch_may_be_larger_than_the_map(void **state)
{
    static uint8_t value[BIG_LEN];
    struct value_store *s = open_store(state);
    unsigned count = 0;

    assert_int_equal(value_store_begin(s), ST_OK);
    for (unsigned device = 1; device <= BIG_DEVICES; device++) {
        struct value_store_entry e = {device, slice_of("blob"), slice_make(value, BIG_LEN), 1};

        memset(value, (int)device, sizeof(value));
        assert_int_equal(value_store_put(s, &e), ST_OK);
    }
    assert_int_equal(value_store_commit(s), ST_OK);
    assert_int_equal(value_store_each(s, count_big, &count), ST_OK);
    assert_int_equal(count, BIG_DEVICES);
    value_store_close(&s);
}

static void list_presence(uint64_t device_id, bool is_online, int64_t since_ms, void *arg)
{
    buffer_printf(arg, "%c%" PRIu64 "@%" PRId64 " ", is_online ? '+' : '-', device_id, since_ms);
}

static void list_part(uint64_t device_id, struct slice bytes, void *arg)
{
    buffer_printf(arg, "%" PRIu64 "=", device_id);
    buffer_append_slice(arg, bytes);
    buffer_append_text(arg, " ");
}

/* `parts`: each part of each device, one sort after the other. */
static void assert_kept(struct value_store *s, const char *presence, const char *parts)
{
    struct buffer text = {0};

    assert_int_equal(value_store_each_presence(s, list_presence, &text), ST_OK);
    assert_true(slice_is(buffer_slice(&text), presence));
    text.len = 0;
    for (unsigned i = 0; i < VALUE_STORE_PART_COUNT; i++) {
        assert_int_equal(value_store_each_part(s, (enum value_store_part)i, list_part, &text),
                         ST_OK);
        buffer_append_text(&text, "| ");
    }
    assert_true(slice_is(buffer_slice(&text), parts));
    buffer_deinit(&text);
}

static enum status put_part(struct value_store *s, enum value_store_part part, uint64_t id,
                            const char *bytes)
{
    return value_store_put_part(s, part, id, slice_of(bytes));
}

static void presence_and_parts_are_kept_while_they_last(void **state)
{
    struct value_store *s = open_store(state);

    assert_kept(s, "", "| | | ");
    assert_int_equal(value_store_begin(s), ST_OK);
    for (uint64_t id = 1; id <= 3; id++) {
        assert_int_equal(value_store_put_presence(s, id, true, 1800000000000 + (int64_t)id), ST_OK);
        assert_int_equal(put_part(s, VALUE_STORE_ALARMS, id, "a"), ST_OK);
        assert_int_equal(put_part(s, VALUE_STORE_COMMANDS, id, "c"), ST_OK);
    }
    assert_int_equal(put_part(s, VALUE_STORE_RETAINED, 3, "r"), ST_OK);
    assert_int_equal(value_store_commit(s), ST_OK);
    assert_kept(s, "+1@1800000000001 +2@1800000000002 +3@1800000000003 ",
                "1=a 2=a 3=a | 1=c 2=c 3=c | 3=r | ");
    assert_int_equal(value_store_begin(s), ST_OK);
    assert_int_equal(value_store_put_presence(s, 1, false, 7), ST_OK);
    assert_int_equal(put_part(s, VALUE_STORE_ALARMS, 1, "b"), ST_OK);
    assert_int_equal(put_part(s, VALUE_STORE_ALARMS, 2, ""), ST_OK);
    assert_int_equal(value_store_remove_device(s, 3), ST_OK);
    assert_int_equal(value_store_commit(s), ST_OK);
    value_store_close(&s);
    s = open_store(state);
    assert_kept(s, "-1@7 +2@1800000000002 ", "1=b | 1=c 2=c | | ");
    value_store_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_DATA_TEST(values_come_back_by_device),
        TEMP_DATA_TEST(a_removed_device_loses_its_values_alone),
        TEMP_DATA_TEST(what_is_not_committed_is_not_stored),
        TEMP_DATA_TEST(bad_entries_leave_the_batch_as_it_was),
        TEMP_DATA_TEST(a_batch_may_be_larger_than_the_map),
        TEMP_DATA_TEST(presence_and_parts_are_kept_while_they_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
