/* How fast a session may be taken over: the clock is a parameter. */
#include "mqtt/take_over.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { MINUTE_MS = 60000, START_MS = 1000000 };

/* When it is due the next one happens; gives how long it had to wait. */
static uint64_t take(struct take_over_pace *p, uint64_t *now_ms)
{
    uint64_t due_ms = take_over_due_ms(p);
    uint64_t wait_ms = due_ms > *now_ms ? due_ms - *now_ms : 0;

    *now_ms += wait_ms;
    take_over_count(p, *now_ms);
    return wait_ms;
}

static void five_are_free(void **state)
{
    struct take_over_pace p = {0};
    uint64_t now_ms = START_MS;

    (void)state;
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(take(&p, &now_ms), 0);
    assert_int_equal(take(&p, &now_ms), 1000);
}

static void a_war_is_slowed_to_five_a_minute(void **state)
{
    struct take_over_pace p = {0};
    uint64_t now_ms = START_MS, wait_ms, before_ms = 0, later_ms;
    unsigned count = 0;

    (void)state;
    for (unsigned i = 0; i < 5; i++)
        (void)take(&p, &now_ms);
    for (unsigned i = 0; i < 1000; i++) {
        wait_ms = take(&p, &now_ms);
        assert_true(wait_ms >= before_ms && wait_ms <= 12000);
        before_ms = wait_ms;
    }
    later_ms = now_ms + 10 * MINUTE_MS;
    for (; now_ms < later_ms; count++)
        (void)take(&p, &now_ms);
    assert_in_range(count, 50, 51);
}

/* Who gives up waiting and comes again waits no longer for it. */
static void the_time_is_the_sessions(void **state)
{
    struct take_over_pace p = {0};
    uint64_t now_ms = START_MS, due_ms;

    (void)state;
    for (unsigned i = 0; i < 8; i++)
        (void)take(&p, &now_ms);
    due_ms = take_over_due_ms(&p);
    assert_true(due_ms > now_ms);
    assert_true(take_over_tells(&p, now_ms + 10));
    assert_int_equal(take_over_due_ms(&p), due_ms);
}

/* A network that breaks five times a minute. */
static void a_reconnect_now_and_then_never_waits(void **state)
{
    struct take_over_pace p = {0};
    uint64_t now_ms = START_MS;

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(take(&p, &now_ms), 0);
        now_ms += MINUTE_MS / 5;
    }
}

static void it_cools(void **state)
{
    struct take_over_pace p = {0};
    uint64_t now_ms = START_MS;

    (void)state;
    for (unsigned i = 0; i < 100; i++)
        (void)take(&p, &now_ms);
    now_ms += 4 * MINUTE_MS;
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(take(&p, &now_ms), 0);
    assert_int_equal(take(&p, &now_ms), 1000);
}

static void it_is_told_once_a_minute(void **state)
{
    struct take_over_pace p = {0};

    (void)state;
    assert_true(take_over_tells(&p, START_MS));
    assert_false(take_over_tells(&p, START_MS + MINUTE_MS - 1));
    assert_true(take_over_tells(&p, START_MS + MINUTE_MS));
    assert_false(take_over_tells(&p, START_MS + MINUTE_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_are_free),
        cmocka_unit_test(a_war_is_slowed_to_five_a_minute),
        cmocka_unit_test(the_time_is_the_sessions),
        cmocka_unit_test(a_reconnect_now_and_then_never_waits),
        cmocka_unit_test(it_cools),
        cmocka_unit_test(it_is_told_once_a_minute),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
