/*
 * Counters: registration, threads of both kinds, walking.
 */
#include "base/counter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>

#include "leftover.h"

COUNTER_DEFINE(test_seen, TOTAL, "things", "how many things were seen")
COUNTER_DEFINE(test_open, GAUGE, "things", "how many things are open")
COUNTER_DEFINE(test_times, TIMES, "microseconds", "how long things took")
COUNTER_DEFINE(test_after, TOTAL, "things", "registered behind one with several places")
COUNTER_DEFINE(test_unregistered, TOTAL, "things", "never registered")

static int register_counters(void **state)
{
    (void)state;
    COUNTER_REGISTER(test_seen, , , )
    COUNTER_REGISTER(test_open, , , )
    COUNTER_REGISTER(test_times, , , )
    COUNTER_REGISTER(test_after, , , )
    return 0;
}

static void registered_ones_are_walked_once(void **state)
{
    const struct counter *c;
    size_t cursor = 0;
    unsigned seen = 0, open = 0, times = 0, other = 0;

    register_counters(state); /* again: accepted */
    while ((c = counter_next(&cursor)) != NULL) {
        seen += c == &CT_test_seen;
        open += c == &CT_test_open;
        times += c == &CT_test_times;
        other++;
    }
    assert_int_equal(seen, 1);
    assert_int_equal(open, 1);
    assert_int_equal(times, 1);
    assert_int_equal(other, 4);
    assert_string_equal(CT_test_open.name, "test_open");
    assert_int_equal(CT_test_open.kind, COUNTER_GAUGE);
}

static void an_unregistered_one_counts_for_nobody(void **state)
{
    int64_t seen = counter_read(&CT_test_seen);

    (void)state;
    counter_inc(test_unregistered);
    assert_int_equal(counter_read(&CT_test_unregistered), 0);
    assert_int_equal(counter_read(&CT_test_seen), seen);
}

enum { THREADS = 4, ROUNDS = 20000 };

static void *count(void *arg)
{
    const _Bool *attach = arg;

    if (*attach) {
        counter_thread_attach();
        counter_thread_attach(); /* again: accepted */
    }
    for (int i = 0; i < ROUNDS; i++) {
        counter_inc(test_seen);
        counter_add(&CT_test_open, i % 2 == 0 ? 3 : -2);
        if (i % 4096 == 0)
            (void)counter_read(&CT_test_seen); /* reading while others count */
    }
    return counter_thread_values != NULL ? arg : NULL;
}

static void sums_over_threads(void **state)
{
    static const _Bool attach[THREADS] = {1, 0, 1, 0};
    int64_t seen = counter_read(&CT_test_seen);
    int64_t open = counter_read(&CT_test_open);
    pthread_t threads[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count, (void *)&attach[i]), 0);
    counter_inc(test_seen);
    for (int i = 0; i < THREADS; i++) {
        void *own;

        assert_int_equal(pthread_join(threads[i], &own), 0);
        assert_int_equal(own != NULL, attach[i]);
    }
    assert_int_equal(counter_read(&CT_test_seen), seen + 1 + THREADS * ROUNDS);
    assert_int_equal(counter_read(&CT_test_open), open + THREADS * ROUNDS / 2);
}

static void an_attached_thread_is_read_while_it_lives(void **state)
{
    int64_t seen = counter_read(&CT_test_seen);

    (void)state;
    counter_thread_attach();
    counter_inc(test_seen);
    counter_inc(test_seen);
    assert_int_equal(counter_read(&CT_test_seen), seen + 2);
}

static void times_are_counted_by_their_length(void **state)
{
    static const struct {
        uint64_t us;
        unsigned bucket;
    } cases[] = {{0, 0}, {100, 0}, {101, 1}, {10000000, 15}, {10000001, 16}, {UINT32_MAX, 16}};
    int64_t after = counter_read(&CT_test_after);
    struct counter_times before, now;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        counter_read_times(&CT_test_times, &before);
        counter_add_time(&CT_test_times, cases[i].us);
        counter_read_times(&CT_test_times, &now);
        assert_int_equal(now.buckets[cases[i].bucket], before.buckets[cases[i].bucket] + 1);
        assert_int_equal(now.count, before.count + 1);
        assert_int_equal(now.sum_us, before.sum_us + cases[i].us);
        assert_int_equal(counter_read(&CT_test_times), now.count);
    }
    assert_int_equal(counter_read(&CT_test_after), after);
}

static void percentiles_are_bounds(void **state)
{
    struct counter_times times = {0};

    (void)state;
    assert_int_equal(counter_times_percentile(&times, 50), 0);
    times = (struct counter_times){.count = 100, .buckets = {[0] = 49, [3] = 50, [16] = 1}};
    assert_int_equal(counter_times_percentile(&times, 49), 100);
    assert_int_equal(counter_times_percentile(&times, 50), 1000);
    assert_int_equal(counter_times_percentile(&times, 99), 1000);
    assert_int_equal(counter_times_percentile(&times, 100), 10000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_counted_by_their_length),
        cmocka_unit_test(percentiles_are_bounds),
        LEFTOVER_TEST(registered_ones_are_walked_once),
        LEFTOVER_TEST(an_unregistered_one_counts_for_nobody),
        LEFTOVER_TEST(sums_over_threads),
        LEFTOVER_TEST(an_attached_thread_is_read_while_it_lives),
    };

    return cmocka_run_group_tests(tests, register_counters, NULL);
}
