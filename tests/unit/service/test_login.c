/*
 * The lock-out of guessers, with the time passed in.
 */
#include "service/login.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "leftover.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, START = 5 };

static const struct slice here = {(const uint8_t *)"192.0.2.1", 9};
static const struct slice there = {(const uint8_t *)"192.0.2.2", 9};
static const struct slice name = {(const uint8_t *)"PR_0123456789", 13};
static const struct slice other = {(const uint8_t *)"PR_9876543210", 13};

/* Fails `count` times at this time; true: the last one, and no other, began a lock-out. */
static bool fail_times(struct login_guard *g, unsigned count, uint64_t now_ms)
{
    bool begins = false;

    for (unsigned i = 0; i < count; i++) {
        assert_false(begins);
        assert_true(login_guard_allows(g, here, name, now_ms));
        begins = login_guard_failed(g, here, name, now_ms);
    }
    return begins;
}

static void ten_failures_lock_out(void **state)
{
    struct login_guard *g = login_guard_new(10);

    (void)state;
    assert_false(fail_times(g, 9, START));
    assert_true(login_guard_allows(g, here, name, START));
    assert_true(fail_times(g, 1, START + MINUTE - 1));
    assert_false(login_guard_allows(g, here, name, START + MINUTE - 1));
    assert_false(login_guard_allows(g, here, name, START + 2 * MINUTE - 2));
    assert_true(login_guard_allows(g, here, name, START + 2 * MINUTE - 1));
    login_guard_free(&g);
    login_guard_free(&g);
}

static void slow_failures_do_not(void **state)
{
    struct login_guard *g = login_guard_new(10);

    (void)state;
    for (unsigned i = 0; i < 100; i++)
        assert_false(fail_times(g, 9, START + i * (uint64_t)MINUTE));
    login_guard_free(&g);
}

static void nobody_else_is_locked_out(void **state)
{
    struct login_guard *g = login_guard_new(10);

    (void)state;
    assert_true(fail_times(g, 10, START));
    assert_false(login_guard_allows(g, here, name, START));
    assert_true(login_guard_allows(g, there, name, START));
    assert_true(login_guard_allows(g, here, other, START));
    assert_true(login_guard_allows(g, there, other, START));
    assert_true(login_guard_allows(g, name, here, START)); /* which is which matters */
    assert_false(login_guard_failed(g, there, name, START));
    login_guard_free(&g);
}

static void each_lock_out_is_twice_as_long(void **state)
{
    static const uint64_t minutes[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
    struct login_guard *g = login_guard_new(3);
    uint64_t now_ms = START;

    (void)state;
    for (size_t i = 0; i < sizeof(minutes) / sizeof(minutes[0]); i++) {
        assert_true(fail_times(g, 3, now_ms));
        now_ms += minutes[i] * MINUTE;
        assert_false(login_guard_allows(g, here, name, now_ms - 1));
        assert_true(login_guard_allows(g, here, name, now_ms));
    }
    /* A success forgets it all; so does a day of quiet. */
    login_guard_succeeded(g, here, name);
    login_guard_succeeded(g, here, name);
    assert_true(fail_times(g, 3, now_ms));
    assert_true(login_guard_allows(g, here, name, now_ms + MINUTE));
    now_ms += MINUTE;
    assert_true(fail_times(g, 3, now_ms));
    assert_false(login_guard_allows(g, here, name, now_ms + MINUTE));
    now_ms += 25 * (uint64_t)HOUR;
    assert_true(fail_times(g, 3, now_ms));
    assert_true(login_guard_allows(g, here, name, now_ms + MINUTE));
    login_guard_free(&g);
}

static void a_success_forgets_the_failures(void **state)
{
    struct login_guard *g = login_guard_new(10);

    (void)state;
    login_guard_succeeded(g, here, name);
    for (unsigned i = 0; i < 5; i++) {
        assert_false(fail_times(g, 9, START));
        login_guard_succeeded(g, here, name);
    }
    login_guard_free(&g);
}

static void failures_of_those_let_in_before_do_not_lengthen_it(void **state)
{
    struct login_guard *g = login_guard_new(2);

    (void)state;
    assert_true(fail_times(g, 2, START));
    for (unsigned i = 0; i < 10; i++)
        assert_false(login_guard_failed(g, here, name, START));
    assert_true(login_guard_allows(g, here, name, START + MINUTE));
    assert_true(fail_times(g, 2, START + MINUTE));
    login_guard_free(&g);
}

static void one_failure_may_be_enough(void **state)
{
    struct login_guard *g = login_guard_new(1);

    (void)state;
    assert_true(fail_times(g, 1, START));
    assert_false(login_guard_allows(g, here, name, START));
    login_guard_free(&g);
}

static void zero_means_never(void **state)
{
    struct login_guard *g = login_guard_new(0);
    int64_t used = mem_bytes_used_total();

    (void)state;
    assert_false(fail_times(g, 1000, START));
    assert_int_equal(mem_bytes_used_total(), used);
    login_guard_succeeded(g, here, name);
    login_guard_free(&g);
}

/* Who keeps trying stays locked out, however many others fail; who is quiet is forgotten first. */
static void memory_is_bounded(void **state)
{
    struct login_guard *g = login_guard_new(2);
    static uint8_t long_name[65535];
    int64_t used = mem_bytes_used_total();

    (void)state;
    assert_true(fail_times(g, 2, START));
    assert_false(login_guard_failed(g, there, name, START));
    for (uint32_t i = 0; i < 200000; i++) {
        assert_false(login_guard_failed(g, here, slice_make(&i, sizeof(i)), START));
        if (i % 1000 == 0)
            assert_false(login_guard_allows(g, here, name, START));
    }
    assert_false(login_guard_failed(g, here, slice_make(long_name, sizeof(long_name)), START));
    assert_true(mem_bytes_used_total() - used < 12 * 1024 * 1024);
    assert_false(login_guard_failed(g, there, name, START)); /* would be its second */
    login_guard_free(&g);
}

/* --- threads --------------------------------------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 2000 };

struct guesser {
    pthread_t thread;
    struct login_guard *guard;
    _Atomic unsigned *lock_outs;
};

static void *guess(void *arg)
{
    struct guesser *me = arg;

    for (unsigned i = 0; i < ROUNDS; i++) {
        if (login_guard_allows(me->guard, here, name, START) &&
            login_guard_failed(me->guard, here, name, START))
            atomic_fetch_add(me->lock_outs, 1);
        login_guard_succeeded(me->guard, there, name);
    }
    return NULL;
}

static void workers_share_it(void **state)
{
    struct login_guard *g = login_guard_new(100);
    struct guesser guessers[THREADS];
    _Atomic unsigned lock_outs = 0;

    (void)state;
    for (unsigned i = 0; i < THREADS; i++) {
        guessers[i] = (struct guesser){.guard = g, .lock_outs = &lock_outs};
        assert_int_equal(pthread_create(&guessers[i].thread, NULL, guess, &guessers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(guessers[i].thread, NULL), 0);
    assert_int_equal(lock_outs, 1);
    login_guard_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(ten_failures_lock_out),
        LEFTOVER_TEST(slow_failures_do_not),
        LEFTOVER_TEST(nobody_else_is_locked_out),
        LEFTOVER_TEST(each_lock_out_is_twice_as_long),
        LEFTOVER_TEST(a_success_forgets_the_failures),
        LEFTOVER_TEST(failures_of_those_let_in_before_do_not_lengthen_it),
        LEFTOVER_TEST(one_failure_may_be_enough),
        LEFTOVER_TEST(zero_means_never),
        LEFTOVER_TEST(memory_is_bounded),
        LEFTOVER_TEST(workers_share_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
