/* Times on the command line: dates, distances, mistakes. */
#include "app/cli_time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const int64_t now_ms = INT64_C(1700000000123);

static const struct time_case {
    const char *text;
    int64_t want_s; /* 0: a mistake */
} time_cases[] = {
    {"2030-01-01", 1893456000},
    {"2030-01-01T00:00:00Z", 1893456000},
    {"2024-02-29T23:59:59Z", 1709251199},
    {"+60s", 1700000060},
    {"+90m", 1700005400},
    {"+12h", 1700043200},
    {"+30d", 1702592000},
    {"", 0},
    {"soon", 0},
    {"2030-1-1", 0},
    {"2030-02-30", 0},
    {"2023-02-29", 0},
    {"2030-01-01T25:00:00Z", 0},
    {"2030-01-01T00:00:00", 0},
    {"2030-01-01T00:00:00+01:00", 0},
    {" 2030-01-01", 0},
    {"2030-01-01 ", 0},
    {"1969-12-31", 0},
    {"9999-01-01", 0},
    {"+", 0},
    {"+d", 0},
    {"+1", 0},
    {"+1w", 0},
    {"+-1d", 0},
    {"+1dd", 0},
    {"+9999999999d", 0},
    {"+99999999999999999999s", 0},
    {"30d", 0},
};

static void times(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(time_cases) / sizeof(time_cases[0]); i++) {
        int64_t got = cli_time_parse(time_cases[i].text, now_ms);

        if (got != time_cases[i].want_s * 1000)
            fail_msg("%s: %lld", time_cases[i].text, (long long)got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(times)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
