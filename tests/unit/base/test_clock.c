/*
 * The clocks run, stand still, and are turned by hand.
 */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <time.h>

#include "leftover.h"

static void running_clocks_do_not_go_back(void **state)
{
    uint64_t ms = clock_mono_ms();
    uint64_t us = clock_mono_us();
    int64_t unix_s = (int64_t)time(NULL);
    int64_t unix_ms = clock_unix_ms();

    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint64_t next_ms = clock_mono_ms();
        uint64_t next_us = clock_mono_us();

        assert_true(next_ms >= ms && next_us >= us);
        ms = next_ms;
        us = next_us;
    }
    assert_true(us / 1000 >= ms && us / 1000 - ms < 60000);
    assert_true(unix_ms / 1000 >= unix_s - 1 && unix_ms / 1000 <= unix_s + 60);
}

static void held_clocks_move_by_hand(void **state)
{
    (void)state;
    clock_hold(5000, 1700000000123);
    assert_int_equal(clock_mono_ms(), 5000);
    assert_int_equal(clock_mono_us(), 5000000);
    assert_int_equal(clock_unix_ms(), 1700000000123);
    clock_advance(77);
    assert_int_equal(clock_mono_ms(), 5077);
    assert_int_equal(clock_mono_us(), 5077000);
    assert_int_equal(clock_unix_ms(), 1700000000200);
    clock_hold(1, 2);
    assert_int_equal(clock_mono_ms(), 1);
    clock_release();
    assert_true(clock_unix_ms() > 1700000000200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(running_clocks_do_not_go_back),
        LEFTOVER_TEST(held_clocks_move_by_hand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
