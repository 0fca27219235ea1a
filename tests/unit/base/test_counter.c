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
COUNTER_DEFINE(test_unregistered, TOTAL, "things", "never registered")

static int register_counters(void **state)
{
    (void)state;
    COUNTER_REGISTER(test_seen, , , )
    COUNTER_REGISTER(test_open, , , )
    return 0;
}

static void registered_ones_are_walked_once(void **state)
{
    const struct counter *c;
    size_t cursor = 0;
    unsigned seen = 0, open = 0, other = 0;

    register_counters(state); /* again: accepted */
    while ((c = counter_next(&cursor)) != NULL) {
        seen += c == &CT_test_seen;
        open += c == &CT_test_open;
        other += c != &CT_test_seen && c != &CT_test_open;
    }
    assert_int_equal(seen, 1);
    assert_int_equal(open, 1);
    assert_int_equal(other, 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(registered_ones_are_walked_once),
        LEFTOVER_TEST(an_unregistered_one_counts_for_nobody),
        LEFTOVER_TEST(sums_over_threads),
        LEFTOVER_TEST(an_attached_thread_is_read_while_it_lives),
    };

    return cmocka_run_group_tests(tests, register_counters, NULL);
}
