/*
 * The wheel of timers, turned by hand: never early, at most a tick late, whatever is set or
 * cancelled meanwhile.
 */
#include "net/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "leftover.h"

enum { TURN_MS = TIMER_TICK_MS * TIMER_SLOTS, START_MS = 123456 };

struct alarm {
    struct timer timer;
    unsigned fired;
    struct alarm *other; /* what its function does something to */
    uint64_t again_ms;   /* 0: it is not set again */
};

static struct timer_wheel wheel; /* 16 KiB: not for the stack */

static int start(void **state)
{
    timer_wheel_init(&wheel, START_MS);
    return leftover_setup(state);
}

static int end(void **state)
{
    assert_true(timer_wheel_is_empty(&wheel));
    return leftover_teardown(state);
}

static void count(struct timer *t)
{
    struct alarm *a = list_entry(t, struct alarm, timer);

    assert_false(timer_is_set(t));
    a->fired++;
}

static void never_early_and_at_most_a_tick_late(void **state)
{
    (void)state;
    for (uint64_t in_ms = 0; in_ms < 3 * TURN_MS; in_ms += in_ms < 500 ? 1 : 997) {
        struct alarm a = {.fired = 0};
        uint64_t deadline_ms = START_MS + in_ms;

        timer_wheel_init(&wheel, START_MS);
        timer_set(&wheel, &a.timer, deadline_ms, count);
        assert_true(timer_is_set(&a.timer));
        assert_false(timer_wheel_is_empty(&wheel));
        for (uint64_t now_ms = START_MS; a.fired == 0; now_ms += 7) {
            timer_wheel_advance(&wheel, now_ms);
            if (a.fired > 0)
                assert_true(now_ms >= deadline_ms);
            else
                assert_true(now_ms < deadline_ms + TIMER_TICK_MS);
        }
        assert_int_equal(a.fired, 1);
        assert_true(timer_wheel_is_empty(&wheel));
    }
}

static void a_deadline_in_the_past_fires_at_the_next_tick(void **state)
{
    static const uint64_t deadlines[] = {0, 1, START_MS - TURN_MS, START_MS - 1, START_MS};

    (void)state;
    for (size_t i = 0; i < sizeof(deadlines) / sizeof(deadlines[0]); i++) {
        struct alarm a = {.fired = 0};

        timer_wheel_init(&wheel, START_MS);
        timer_set(&wheel, &a.timer, deadlines[i], count);
        timer_wheel_advance(&wheel, START_MS);
        timer_wheel_advance(&wheel, START_MS + TIMER_TICK_MS);
        assert_int_equal(a.fired, 1);
    }
}

static void a_long_sleep_fires_each_once(void **state)
{
    static struct alarm alarms[1000];

    (void)state;
    memset(alarms, 0, sizeof(alarms));
    for (unsigned i = 0; i < 1000; i++)
        timer_set(&wheel, &alarms[i].timer, START_MS + i * 113, count);
    timer_wheel_advance(&wheel, START_MS + 500 * 113);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(alarms[i].fired, i <= 500);
    timer_wheel_advance(&wheel, START_MS + 100 * (uint64_t)TURN_MS);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(alarms[i].fired, 1);
}

static void one_that_is_moved_fires_once(void **state)
{
    struct alarm a = {.fired = 0};

    (void)state;
    timer_set(&wheel, &a.timer, START_MS + 100, count);
    timer_set(&wheel, &a.timer, START_MS + 1000, count);
    timer_wheel_advance(&wheel, START_MS + 500);
    assert_int_equal(a.fired, 0);
    timer_set(&wheel, &a.timer, START_MS + 600, count);
    timer_wheel_advance(&wheel, START_MS + 650);
    assert_int_equal(a.fired, 1);
    timer_wheel_advance(&wheel, START_MS + 2000);
    assert_int_equal(a.fired, 1);
}

static void one_that_is_cancelled_does_not_fire(void **state)
{
    struct alarm a = {.fired = 0};

    (void)state;
    timer_cancel(&a.timer); /* never set */
    timer_set(&wheel, &a.timer, START_MS + 100, count);
    timer_cancel(&a.timer);
    timer_cancel(&a.timer);
    assert_false(timer_is_set(&a.timer));
    timer_wheel_advance(&wheel, START_MS + TURN_MS);
    assert_int_equal(a.fired, 0);
}

/* --- from inside a timer's function ---------------------------------------------------------- */

static void count_and_cancel_other(struct timer *t)
{
    struct alarm *a = list_entry(t, struct alarm, timer);

    a->fired++;
    timer_cancel(&a->other->timer);
}

/* Both are due in the same advance, in the same slot and in different ones: one wins. */
static void one_may_cancel_another_that_is_due(void **state)
{
    (void)state;
    for (unsigned apart_ms = 0; apart_ms < 300; apart_ms += 25) {
        struct alarm a = {.fired = 0}, b = {.fired = 0};

        timer_wheel_init(&wheel, START_MS);
        a.other = &b;
        b.other = &a;
        timer_set(&wheel, &a.timer, START_MS + 100, count_and_cancel_other);
        timer_set(&wheel, &b.timer, START_MS + 100 + apart_ms, count_and_cancel_other);
        timer_wheel_advance(&wheel, START_MS + 1000);
        assert_int_equal(a.fired, 1);
        assert_int_equal(b.fired, 0);
    }
}

static void count_and_set_again(struct timer *t)
{
    struct alarm *a = list_entry(t, struct alarm, timer);

    a->fired++;
    if (a->again_ms != 0)
        timer_set(&wheel, t, t->deadline_ms + a->again_ms, count_and_set_again);
}

static void one_may_set_itself_again(void **state)
{
    struct alarm a = {.again_ms = 1000};

    (void)state;
    timer_set(&wheel, &a.timer, START_MS + 1000, count_and_set_again);
    for (uint64_t ms = 0; ms <= 10000; ms += 10)
        timer_wheel_advance(&wheel, START_MS + ms + TIMER_TICK_MS);
    assert_int_equal(a.fired, 10);
    a.again_ms = 0;
    timer_wheel_advance(&wheel, START_MS + 11000 + TIMER_TICK_MS);
    assert_int_equal(a.fired, 11);
}

/* A deadline that has passed again does not keep the wheel from coming back. */
static void one_that_is_late_already_does_not_fire_for_ever(void **state)
{
    struct alarm a = {.again_ms = 1};

    (void)state;
    timer_set(&wheel, &a.timer, START_MS, count_and_set_again);
    timer_wheel_advance(&wheel, START_MS + TURN_MS);
    assert_true(a.fired >= 1 && a.fired <= TIMER_SLOTS);
    timer_cancel(&a.timer);
}

static void set_other(struct timer *t)
{
    struct alarm *a = list_entry(t, struct alarm, timer);

    a->fired++;
    timer_set(&wheel, &a->other->timer, t->deadline_ms + 5000, count);
}

static void one_may_move_another_that_is_due(void **state)
{
    struct alarm a = {.fired = 0}, b = {.fired = 0};

    (void)state;
    a.other = &b;
    timer_set(&wheel, &a.timer, START_MS + 100, set_other);
    timer_set(&wheel, &b.timer, START_MS + 100, count);
    timer_wheel_advance(&wheel, START_MS + 200);
    assert_int_equal(a.fired, 1);
    assert_int_equal(b.fired, 0);
    timer_wheel_advance(&wheel, START_MS + 5100 + TIMER_TICK_MS);
    assert_int_equal(b.fired, 1);
}

/* --- many, at random ------------------------------------------------------------------------- */

enum { MANY = 200, STEPS = 20000 };

static void many_at_random(void **state)
{
    static struct alarm alarms[MANY];
    static uint64_t want_ms[MANY]; /* 0: not set */
    uint64_t now_ms = START_MS;

    (void)state;
    srand(1);
    memset(alarms, 0, sizeof(alarms));
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned i = (unsigned)rand() % MANY;

        alarms[i].fired = 0;
        want_ms[i] = rand() % 3 == 0 ? 0 : now_ms + (uint64_t)(rand() % 100000);
        if (want_ms[i] == 0)
            timer_cancel(&alarms[i].timer);
        else
            timer_set(&wheel, &alarms[i].timer, want_ms[i], count);
        now_ms += (uint64_t)(rand() % 100);
        timer_wheel_advance(&wheel, now_ms);
        for (unsigned k = 0; k < MANY; k++) {
            assert_true(alarms[k].fired <= 1);
            if (want_ms[k] == 0 || now_ms < want_ms[k])
                assert_int_equal(alarms[k].fired, 0);
            else if (now_ms >= want_ms[k] + 2 * TIMER_TICK_MS)
                assert_int_equal(alarms[k].fired, 1);
        }
    }
    timer_wheel_advance(&wheel, now_ms + 200000);
}

#define WHEEL_TEST(function) cmocka_unit_test_setup_teardown(function, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WHEEL_TEST(never_early_and_at_most_a_tick_late),
        WHEEL_TEST(a_deadline_in_the_past_fires_at_the_next_tick),
        WHEEL_TEST(a_long_sleep_fires_each_once),
        WHEEL_TEST(one_that_is_moved_fires_once),
        WHEEL_TEST(one_that_is_cancelled_does_not_fire),
        WHEEL_TEST(one_may_cancel_another_that_is_due),
        WHEEL_TEST(one_may_set_itself_again),
        WHEEL_TEST(one_that_is_late_already_does_not_fire_for_ever),
        WHEEL_TEST(one_may_move_another_that_is_due),
        WHEEL_TEST(many_at_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
