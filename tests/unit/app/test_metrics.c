/*
 * Every counter and every purpose of memory, once, by a name of its own.
 */
#include "app/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/counter.h"
#include "base/mem.h"
#include "net/counters.h"
#include "store/counters.h"

enum { PERCENTILES = 3 /* of each counter of times: p50, p90, p99 */ };

static void every_name_is_found_once(void **state)
{
    const struct counter *c;
    struct metric m, found;
    size_t cursor = 0, counters = 0, count = 0;

    (void)state;
    while ((c = counter_next(&cursor)) != NULL)
        counters += c->kind == COUNTER_TIMES ? PERCENTILES : 1;
    assert_true(counters > 0);
    cursor = 0;
    while (metric_next(&cursor, &m)) {
        size_t ahead = cursor;

        count++;
        assert_true(m.name[0] != '\0' && m.unit[0] != '\0' && m.help[0] != '\0');
        assert_int_equal(strspn(m.name, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(m.name));
        assert_true(metric_find(slice_of(m.name), &found));
        assert_string_equal(found.help, m.help);
        while (metric_next(&ahead, &found))
            assert_string_not_equal(found.name, m.name);
    }
    assert_int_equal(count, counters + MEM_USE_COUNT);
    assert_false(metric_next(&cursor, &m));
    assert_false(metric_find(slice_of("conns_acceptedx"), &m));
    assert_false(metric_find(slice_of(""), &m));
}

static int64_t value_of(const char *name)
{
    struct metric m;

    assert_true(metric_find(slice_of(name), &m));
    return m.value;
}

static void values_are_those_of_now(void **state)
{
    void *p;

    (void)state;
    counter_add(&CT_conns_open, 5);
    assert_int_equal(value_of("conns_open"), 5);
    counter_add(&CT_conns_open, -7);
    assert_int_equal(value_of("conns_open"), -2);
    p = mem_new(MEM_TEST, 1234);
    assert_int_equal(value_of("memory_test"), 1234);
    mem_free(p);
    assert_int_equal(value_of("memory_test"), 0);
}

static void times_are_told_by_percentiles(void **state)
{
    (void)state;
    assert_int_equal(value_of("journal_commit_time_p50"), 0);
    for (unsigned i = 0; i < 10; i++)
        counter_add_time(&CT_journal_commit_time, i < 9 ? 1500 : 700000);
    assert_int_equal(value_of("journal_commit_time_p50"), 2000);
    assert_int_equal(value_of("journal_commit_time_p90"), 2000);
    assert_int_equal(value_of("journal_commit_time_p99"), 1000000);
}

static void the_text_has_a_line_for_each(void **state)
{
    struct buffer text = {0};
    struct slice rest;
    struct metric m;
    size_t cursor = 0;
    void *p = mem_new(MEM_TEST, 77);

    (void)state;
    metrics_write(&text);
    rest = buffer_slice(&text);
    while (metric_next(&cursor, &m)) {
        struct slice line = slice_cut(&rest, '\n');
        struct slice name = slice_cut(&line, ' ');

        assert_true(slice_is(name, m.name));
        assert_true(line.len > 0);
        if (slice_is(name, "memory_test"))
            assert_true(slice_is(line, "77"));
    }
    assert_int_equal(rest.len, 0);
    assert_non_null(rest.data); /* the last line has its end, too */
    buffer_deinit(&text);
    mem_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_is_found_once),
        cmocka_unit_test(values_are_those_of_now),
        cmocka_unit_test(times_are_told_by_percentiles),
        cmocka_unit_test(the_text_has_a_line_for_each),
    };

    metrics_register();
    metrics_register(); /* changes nothing */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
