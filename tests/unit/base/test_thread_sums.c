/*
 * Sums over threads: living, ended, without a part.
 */
#include "base/thread_sums.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "leftover.h"

static _Atomic int64_t rest[2];
static struct thread_sums sums = THREAD_SUMS_INIT(sums, rest);
static _Thread_local _Atomic int64_t values[2];
static _Thread_local struct thread_sums_part part;
static _Thread_local _Atomic int64_t *current;

static pthread_barrier_t counted;
static pthread_barrier_t looked;

static void *count_and_wait(void *arg)
{
    thread_sums_join(&sums, &part, values, 2, &current);
    atomic_store_explicit(&current[1], *(int64_t *)arg, memory_order_relaxed);
    pthread_barrier_wait(&counted);
    pthread_barrier_wait(&looked);
    return current == values ? NULL : arg;
}

static void living_and_ended_threads_are_summed(void **state)
{
    int64_t amounts[] = {5, -2, 40};
    pthread_t threads[3];

    (void)state;
    assert_int_equal(thread_sums_read(&sums, 1), 0);
    pthread_barrier_init(&counted, NULL, 4);
    pthread_barrier_init(&looked, NULL, 4);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_and_wait, &amounts[i]), 0);
    pthread_barrier_wait(&counted);
    assert_int_equal(thread_sums_read(&sums, 1), 43);
    assert_int_equal(rest[1], 0);
    pthread_barrier_wait(&looked);
    for (int i = 0; i < 3; i++) {
        void *result;

        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_null(result);
    }
    assert_int_equal(rest[1], 43);
    assert_int_equal(thread_sums_read(&sums, 1), 43);
    assert_int_equal(thread_sums_read(&sums, 0), 0);
    pthread_barrier_destroy(&counted);
    pthread_barrier_destroy(&looked);
}

static void threads_without_a_part_add_to_the_rest(void **state)
{
    int64_t before = thread_sums_read(&sums, 0);

    (void)state;
    thread_sums_add_rest(&sums, 0, 7);
    assert_int_equal(thread_sums_read(&sums, 0), before + 7);
}

static void joining_twice_changes_nothing(void **state)
{
    int64_t before;

    (void)state;
    thread_sums_join(&sums, &part, values, 2, &current);
    current[0] = 11;
    before = thread_sums_read(&sums, 0);
    thread_sums_join(&sums, &part, values, 2, &current);
    assert_ptr_equal(current, values);
    assert_int_equal(thread_sums_read(&sums, 0), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(living_and_ended_threads_are_summed),
        LEFTOVER_TEST(threads_without_a_part_add_to_the_rest),
        LEFTOVER_TEST(joining_twice_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
