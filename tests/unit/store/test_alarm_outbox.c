/* What notifiers are owed: stored with the change, the oldest first, gone with what it leads to. */
#include "store/alarm_outbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "store/alarm_commit.h"
#include "temp_data.h"

enum { P = 7, A = 1, B = 2, C = 3 };

static const struct alarm_commit_plan wide = {.limits = {INT64_MAX / 2, UINT64_MAX},
                                              .waiting_max = 1000000};

/* Changes with an odd time are owed to A, all to B. */
static void owe(struct alarm_request *first, void *arg)
{
    (void)arg;
    for (struct alarm_request *r = first; r != NULL; r = r->next) {
        const uint64_t both[] = {B, A};

        alarm_request_owe(r, both, r->record.ts_ms % 2 == 0 ? 1 : 2);
    }
}

static void on_committed(struct alarm_request *first, void *arg)
{
    size_t *owed = arg;

    while (first != NULL) {
        struct alarm_request *next = first->next;

        *owed += first->record.owed_count;
        alarm_request_free(&first);
        first = next;
    }
}

static struct alarm_store *open_store(void **state)
{
    struct alarm_store *s;
    char error[256] = "";

    if (alarm_store_open(temp_data_path(state, ""), &s, error, sizeof(error)) != ST_OK)
        fail_msg("%s", error);
    return s;
}

/* Stores changes of the times 1 to `count`; gives how many rows are owed. */
static size_t put(struct alarm_store *s, int64_t count)
{
    struct alarm_commit_plan plan = wide;
    struct alarm_commit *c;
    size_t owed = 0;

    plan.owing = owe;
    c = alarm_commit_new(s, &plan, on_committed, &owed);
    for (int64_t ts_ms = 1; ts_ms <= count; ts_ms++) {
        struct alarm_record r = {.project_id = P,
                                 .device_id = 1,
                                 .rule_id = 1,
                                 .ts_ms = ts_ms,
                                 .name = slice_of("name"),
                                 .values = slice_of("{}")};

        alarm_commit_submit(c, alarm_request_new(&r));
    }
    assert_true(alarm_commit_turn(c));
    alarm_commit_free(&c);
    return owed;
}

static void assert_first(struct alarm_store *s, uint64_t notifier_id, int64_t ts_ms)
{
    struct buffer bytes = {0};
    struct alarm_record r;

    assert_int_equal(alarm_outbox_first(s, notifier_id, &r, &bytes), ST_OK);
    assert_true(r.ts_ms == ts_ms && r.project_id == P && r.number == (uint64_t)ts_ms);
    assert_true(slice_is(r.name, "name") && slice_is(r.values, "{}"));
    buffer_deinit(&bytes);
}

static void assert_none(struct alarm_store *s, uint64_t notifier_id)
{
    struct buffer bytes = {0};
    struct alarm_record r;

    assert_int_equal(alarm_outbox_first(s, notifier_id, &r, &bytes), ST_NOT_FOUND);
    buffer_deinit(&bytes);
}

static void on_count(uint64_t notifier_id, size_t count, void *arg)
{
    size_t *counts = arg;

    counts[notifier_id] += count;
}

static void assert_counts(struct alarm_store *s, size_t a, size_t b)
{
    size_t counts[4] = {0};

    assert_int_equal(alarm_outbox_each(s, on_count, counts), ST_OK);
    assert_int_equal(counts[A], a);
    assert_int_equal(counts[B], b);
    assert_int_equal(counts[C], 0);
}

static void the_oldest_first(void **state)
{
    struct alarm_store *s = open_store(state);

    assert_none(s, A);
    assert_counts(s, 0, 0);
    assert_int_equal(put(s, 5), 8);
    assert_counts(s, 3, 5);
    assert_first(s, A, 1);
    assert_first(s, A, 1); /* a look takes nothing away */
    assert_int_equal(alarm_outbox_remove(s, A, 1), ST_OK);
    assert_int_equal(alarm_outbox_remove(s, A, 1), ST_OK);
    assert_first(s, A, 3);
    assert_first(s, B, 1);
    assert_none(s, C);
    assert_counts(s, 2, 5);
    alarm_store_close(&s);
    s = open_store(state); /* it is on disk */
    assert_counts(s, 2, 5);
    assert_int_equal(alarm_outbox_remove_notifier(s, B), ST_OK);
    assert_none(s, B);
    assert_first(s, A, 3);
    assert_counts(s, 2, 0);
    alarm_store_close(&s);
}

/* The change has left the history: the row tells its number, and can be removed. */
static void what_the_history_lost(void **state)
{
    struct alarm_limits one = {INT64_MAX / 2, 1};
    struct alarm_store *s = open_store(state);
    struct buffer bytes = {0};
    struct alarm_record r;
    size_t removed;

    (void)put(s, 3);
    assert_int_equal(alarm_store_trim(s, &one, 10, &removed), ST_OK);
    assert_int_equal(removed, 2);
    assert_int_equal(alarm_outbox_first(s, A, &r, &bytes), ST_CORRUPT);
    assert_true(r.number == 1 && r.name.len == 0);
    assert_int_equal(alarm_outbox_remove(s, A, r.number), ST_OK);
    assert_first(s, A, 3);
    buffer_deinit(&bytes);
    alarm_store_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_DATA_TEST(the_oldest_first),
        TEMP_DATA_TEST(what_the_history_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
