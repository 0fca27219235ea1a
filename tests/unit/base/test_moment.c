/*
 * Dates with offsets and fractions, times ago, and what is neither.
 */
#include "base/moment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "leftover.h"

enum { NONE = -1 };

static const struct {
    const char *text;
    int64_t want;
} dates[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"2026-11-29T06:30:00Z", 1795933800000},
    {"2026-11-29T14:30:00+08:00", 1795933800000},
    {"2026-11-29t01:30:00.250-05:00", 1795933800250},
    {"2026-11-29T06:30:00.1z", 1795933800100},
    {"2026-11-29T06:30:00.123456789Z", 1795933800123},
    {"2000-02-29T12:00:00Z", 951825600000},
    {"2100-02-28T23:59:60Z", 4107542400000},
    {"9999-12-31T23:59:59Z", 253402300799000},
    {"2100-02-29T00:00:00Z", NONE},
    {"2026-13-01T00:00:00Z", NONE},
    {"2026-00-01T00:00:00Z", NONE},
    {"2026-11-31T00:00:00Z", NONE},
    {"2026-11-00T00:00:00Z", NONE},
    {"2026-11-29T24:00:00Z", NONE},
    {"2026-11-29T06:60:00Z", NONE},
    {"2026-11-29T06:30:61Z", NONE},
    {"2026-11-29T06:30:00", NONE},
    {"2026-11-29T06:30:00.Z", NONE},
    {"2026-11-29T06:30:00+0800", NONE},
    {"2026-11-29T06:30:00+24:00", NONE},
    {"2026-11-29T06:30:00Z ", NONE},
    {" 2026-11-29T06:30:00Z", NONE},
    {"2026-11-29", NONE},
    {"1969-12-31T23:59:59Z", NONE},
    {"1970-01-01T00:00:00+00:01", NONE},
    {"+026-11-29T06:30:00Z", NONE},
    {"", NONE},
};

static void dates_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
        int64_t ms = 0;
        enum status st = moment_parse_date(slice_of(dates[i].text), &ms);

        print_message("  %s\n", dates[i].text);
        assert_int_equal(st, dates[i].want == NONE ? ST_MALFORMED : ST_OK);
        if (st == ST_OK)
            assert_int_equal(ms, dates[i].want);
    }
}

static const struct {
    const char *text;
    int64_t want;
} times[] = {
    {"-1s", 1000},
    {"-15m", 900000},
    {"-12h", 43200000},
    {"-7d", 604800000},
    {"-0s", NONE},
    {"15m", NONE},
    {"-m", NONE},
    {"-15", NONE},
    {"-1w", NONE},
    {"-1.5h", NONE},
    {"-9999999999s", NONE},
    {"--1s", NONE},
    {"- 1s", NONE},
    {"", NONE},
    {"-", NONE},
};

static void times_ago_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        int64_t ms = 0;
        enum status st = moment_parse_ago(slice_of(times[i].text), &ms);

        print_message("  %s\n", times[i].text);
        assert_int_equal(st, times[i].want == NONE ? ST_MALFORMED : ST_OK);
        if (st == ST_OK)
            assert_int_equal(ms, times[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(dates_are_read),
        LEFTOVER_TEST(times_ago_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
