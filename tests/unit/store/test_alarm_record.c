/* A change of an alarm in bytes, and bytes that are none. */
#include "store/alarm_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "leftover.h"

static const struct alarm_record whole = {
    .number = UINT64_C(1) << 40,
    .project_id = 3,
    .device_id = 5,
    .rule_id = 7,
    .ts_ms = 1800000000123,
    .state = 2,
    .level = 1,
    .name = {(const uint8_t *)"Too hot", 7},
    .values = {(const uint8_t *)"{\"t\":31}", 8},
};

static void what_is_written_is_read(void **state)
{
    struct alarm_record empty = whole, r;
    struct buffer bytes = {0};

    (void)state;
    empty.values = empty.name = slice_make(NULL, 0);
    alarm_record_write(&whole, &bytes);
    assert_int_equal(bytes.len, alarm_record_len(&whole));
    assert_int_equal(alarm_record_read(buffer_slice(&bytes), &r), ST_OK);
    assert_true(r.number == whole.number && r.project_id == 3 && r.device_id == 5);
    assert_true(r.rule_id == 7 && r.ts_ms == whole.ts_ms && r.state == 2 && r.level == 1);
    assert_true(slice_equal(r.name, whole.name) && slice_equal(r.values, whole.values));
    bytes.len = 0;
    alarm_record_write(&empty, &bytes);
    assert_int_equal(alarm_record_read(buffer_slice(&bytes), &r), ST_OK);
    assert_true(r.name.len == 0 && r.values.len == 0);
    buffer_deinit(&bytes);
}

static void what_is_damaged_is_told(void **state)
{
    static const struct damage_case {
        const char *name;
        size_t at;
        uint8_t byte;
    } cases[] = {
        {"another version", 0, 9},          {"an impossible state", 1, ALARM_RECORD_CODES_MAX},
        {"an impossible level", 2, 255},    {"a name beyond the end", 44, 100},
        {"a name beyond the limit", 43, 1},
    };
    struct buffer bytes = {0};
    struct alarm_record r;

    (void)state;
    alarm_record_write(&whole, &bytes);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t before = bytes.data[cases[i].at];

        print_message("  %s\n", cases[i].name);
        bytes.data[cases[i].at] = cases[i].byte;
        assert_int_equal(alarm_record_read(buffer_slice(&bytes), &r), ST_CORRUPT);
        bytes.data[cases[i].at] = before;
    }
    for (size_t len = 0; len < 45 + whole.name.len; len++)
        assert_int_equal(alarm_record_read(slice_make(bytes.data, len), &r), ST_CORRUPT);
    buffer_deinit(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(what_is_written_is_read),
        LEFTOVER_TEST(what_is_damaged_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
