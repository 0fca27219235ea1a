/*
 * The histogram: percentiles are right to the width of a bucket, at every magnitude.
 */
#include "load_histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

static struct load_histogram histogram;

static int empty(void **state)
{
    (void)state;
    histogram = (struct load_histogram){0};
    return 0;
}

static void test_empty(void **state)
{
    (void)state;
    assert_int_equal(load_histogram_percentile(&histogram, 0.5), 0);
    assert_int_equal(load_histogram_percentile(&histogram, 1), 0);
}

/* A single value is every percentile of itself, whatever its bucket: the largest bounds it. */
static void test_single_value(void **state)
{
    static const int64_t values[] = {0, 1, 63, 64, 65, 127, 128, 1000, 123456, 60000000};

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        empty(NULL);
        load_histogram_add(&histogram, values[i]);
        assert_int_equal(load_histogram_percentile(&histogram, 0.001), values[i]);
        assert_int_equal(load_histogram_percentile(&histogram, 1), values[i]);
    }
}

static void test_small_values_are_exact(void **state)
{
    (void)state;
    for (int64_t value = 1; value <= 50; value++)
        load_histogram_add(&histogram, value);
    assert_int_equal(load_histogram_percentile(&histogram, 0.5), 25);
    assert_int_equal(load_histogram_percentile(&histogram, 0.9), 45);
    assert_int_equal(load_histogram_percentile(&histogram, 0.99), 50);
}

/* The value at a rank is never told too small, and at most 1/64 too large. */
static void test_width_of_buckets(void **state)
{
    const int64_t biggest = (int64_t)1 << 40;

    (void)state;
    for (int64_t value = 1; value < (int64_t)1 << 36; value = value * 9 / 8 + 1) {
        int64_t got;

        empty(NULL);
        load_histogram_add(&histogram, value);
        load_histogram_add(&histogram, biggest);
        got = load_histogram_percentile(&histogram, 0.5);
        assert_true(got >= value);
        assert_true(got - value <= value / 64);
    }
}

static void test_out_of_range(void **state)
{
    (void)state;
    load_histogram_add(&histogram, -5);
    assert_int_equal(load_histogram_percentile(&histogram, 1), 0);
    load_histogram_add(&histogram, INT64_MAX);
    assert_int_equal(load_histogram_percentile(&histogram, 0.5), 0);
    assert_int_equal(load_histogram_percentile(&histogram, 1), INT64_MAX);
}

static void test_merge(void **state)
{
    static struct load_histogram other;

    (void)state;
    for (int64_t i = 0; i < 90; i++)
        load_histogram_add(&histogram, 10);
    for (int64_t i = 0; i < 10; i++)
        load_histogram_add(&other, 50);
    load_histogram_merge(&histogram, &other);
    assert_int_equal(histogram.total, 100);
    assert_int_equal(load_histogram_percentile(&histogram, 0.9), 10);
    assert_int_equal(load_histogram_percentile(&histogram, 0.91), 50);
    assert_int_equal(histogram.largest_us, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_empty, empty),
        cmocka_unit_test_setup(test_single_value, empty),
        cmocka_unit_test_setup(test_small_values_are_exact, empty),
        cmocka_unit_test_setup(test_width_of_buckets, empty),
        cmocka_unit_test_setup(test_out_of_range, empty),
        cmocka_unit_test_setup(test_merge, empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
