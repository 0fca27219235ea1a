/* So many calls an hour: by whom, and until when. */
#include "http/call_rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "leftover.h"

enum { HOUR_MS = 3600 * 1000 };

static bool admits(struct call_rate *r, const char *address, uint64_t now_ms)
{
    unsigned retry_s;

    return call_rate_admits(r, slice_of(address), now_ms, &retry_s);
}

static void an_hour_begins_with_the_first_call(void **state)
{
    struct call_rate *r = call_rate_new(3);
    unsigned retry_s;

    (void)state;
    for (uint64_t i = 0; i < 3; i++)
        assert_true(admits(r, "192.0.2.1", 1000 + i * 1000));
    assert_false(call_rate_admits(r, slice_of("192.0.2.1"), HOUR_MS, &retry_s));
    assert_int_equal(retry_s, 1);
    assert_false(call_rate_admits(r, slice_of("192.0.2.1"), HOUR_MS + 999, &retry_s));
    assert_int_equal(retry_s, 1);
    assert_true(call_rate_admits(r, slice_of("192.0.2.1"), HOUR_MS + 1000, &retry_s));
    assert_int_equal(retry_s, 3600);
    call_rate_free(&r);
    assert_null(r);
    call_rate_free(&r);
}

static void each_address_has_its_own(void **state)
{
    static const struct {
        const char *first, *second;
        bool is_same;
    } cases[] = {
        {"192.0.2.1", "192.0.2.2", false},
        {"2001:db8::1", "2001:db8::2", true}, /* one network, /64 */
        {"2001:db8::1", "2001:db8:0:0:ffff::1", true},
        {"2001:db8::1", "2001:db8:0:1::1", false},
        {"", "memory", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct call_rate *r = call_rate_new(1);

        assert_true(admits(r, cases[i].first, 1));
        assert_int_equal(admits(r, cases[i].second, 1), !cases[i].is_same);
        assert_false(admits(r, cases[i].first, 1));
        call_rate_free(&r);
    }
}

static void memory_is_bounded(void **state)
{
    struct call_rate *r = call_rate_new(1);
    int64_t at_most = 0;
    char address[32];

    (void)state;
    for (unsigned i = 0; i < 200000; i++) {
        (void)snprintf(address, sizeof(address), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        assert_true(admits(r, address, 1));
        if (i == 70000)
            at_most = mem_bytes_used_total();
    }
    assert_true(mem_bytes_used_total() <= at_most);
    assert_false(admits(r, address, 1));          /* the last ones are known */
    assert_true(admits(r, "10.0.0.0", 1));        /* the first ones are forgotten */
    assert_true(admits(r, address, HOUR_MS + 1)); /* all are, after an hour */
    call_rate_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(an_hour_begins_with_the_first_call),
        LEFTOVER_TEST(each_address_has_its_own),
        LEFTOVER_TEST(memory_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
