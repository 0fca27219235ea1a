/* From the workers to the history: order, threads, removals, what a full queue does. */
#include "store/alarm_commit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>

#include "base/mem.h"
#include "store/counters.h"
#include "temp_data.h"

enum { P = 7, Q = 8 };

static const struct alarm_commit_plan wide = {{INT64_MAX / 2, UINT64_MAX}, 1000000, false, NULL};

struct stage {
    struct alarm_store *store;
    struct buffer told; /* owned: numbers of what was stored */
    unsigned stored;
};

static void on_committed(struct alarm_request *first, void *arg)
{
    struct stage *s = arg;

    while (first != NULL) {
        struct alarm_request *next = first->next;

        buffer_printf(&s->told, "%d ", (int)first->record.number);
        s->stored++;
        alarm_request_free(&first);
        first = next;
    }
}

static void open_stage(void **state, struct stage *s)
{
    char error[256] = "";

    *s = (struct stage){0};
    if (alarm_store_open(temp_data_path(state, ""), &s->store, error, sizeof(error)) != ST_OK)
        fail_msg("%s", error);
}

static void close_stage(struct stage *s)
{
    buffer_deinit(&s->told);
    alarm_store_close(&s->store);
}

static struct alarm_request *request(uint64_t project_id, int64_t ts_ms, struct slice values)
{
    struct alarm_record r = {.project_id = project_id,
                             .device_id = 1,
                             .rule_id = 1,
                             .ts_ms = ts_ms,
                             .name = slice_of("name"),
                             .values = values};

    return alarm_request_new(&r);
}

static void submit(struct alarm_commit *c, uint64_t project_id, int64_t ts_ms)
{
    alarm_commit_submit(c, request(project_id, ts_ms, slice_of("{}")));
}

static void on_record(const struct alarm_record *r, void *arg)
{
    assert_true(slice_is(r->name, "name"));
    buffer_printf(arg, "%d ", (int)r->ts_ms);
}

static void assert_history(struct stage *s, uint64_t project_id, const char *want)
{
    struct alarm_query q = {.project_id = project_id, .limit = 100};
    struct buffer text = {0};
    struct alarm_place next;

    assert_int_equal(alarm_store_read(s->store, &q, on_record, &text, &next), ST_OK);
    buffer_append_u8(&text, 0);
    assert_string_equal((const char *)text.data, want);
    buffer_deinit(&text);
}

static void what_is_submitted_is_stored_in_order(void **state)
{
    struct stage s;
    struct alarm_commit *c;
    struct alarm_request *two = request(P, 3, slice_make(NULL, 0));

    open_stage(state, &s);
    c = alarm_commit_new(s.store, &wide, on_committed, &s);
    assert_false(alarm_commit_turn(c));
    submit(c, P, 1);
    submit(c, Q, 2);
    two->next = request(P, 4, slice_of("{}"));
    alarm_commit_submit(c, two);
    assert_true(alarm_commit_turn(c));
    assert_true(slice_is(buffer_slice(&s.told), "1 2 3 4 "));
    assert_history(&s, P, "4 3 1 ");
    assert_history(&s, Q, "2 ");
    submit(c, P, 5);
    alarm_commit_free(&c); /* commits the rest */
    alarm_commit_free(&c);
    assert_history(&s, P, "5 4 3 1 ");
    close_stage(&s);
}

static void a_removal_runs_behind_what_was_submitted(void **state)
{
    struct stage s;
    struct alarm_commit *c;

    open_stage(state, &s);
    c = alarm_commit_new(s.store, &wide, on_committed, &s);
    submit(c, P, 1);
    submit(c, Q, 2);
    alarm_commit_remove_project(c, P);
    assert_true(alarm_commit_turn(c));
    assert_history(&s, P, "");
    assert_history(&s, Q, "2 ");
    alarm_commit_free(&c);
    close_stage(&s);
}

static void limits_are_kept(void **state)
{
    static const struct alarm_commit_plan narrow = {{INT64_MAX / 2, 2}, 1000000, false, NULL};
    struct stage s;
    struct alarm_commit *c;

    open_stage(state, &s);
    c = alarm_commit_new(s.store, &narrow, on_committed, &s);
    for (int n = 1; n <= 5; n++)
        submit(c, P, n);
    assert_true(alarm_commit_turn(c));
    assert_history(&s, P, "5 4 ");
    alarm_commit_free(&c);
    close_stage(&s);
}

/* Memory is bounded while the disk does not keep up. */
static void too_many_are_dropped_and_counted(void **state)
{
    static uint8_t values[ALARM_RECORD_VALUES_MAX];
    const unsigned room = (unsigned)wide.waiting_max / ALARM_RECORD_VALUES_MAX + 1;
    struct stage s;
    struct alarm_commit *c;
    int64_t dropped = counter_read(&CT_alarm_records_dropped);

    memset(values, ' ', sizeof(values));
    open_stage(state, &s);
    c = alarm_commit_new(s.store, &wide, on_committed, &s);
    for (unsigned n = 0; n < room; n++)
        alarm_commit_submit(c, request(P, n, slice_make(values, sizeof(values))));
    dropped = counter_read(&CT_alarm_records_dropped) - dropped;
    assert_true(dropped == 1 || dropped == 2);
    assert_true(alarm_commit_turn(c));
    assert_int_equal(s.stored, room - dropped);
    submit(c, P, 1); /* there is room again */
    assert_true(alarm_commit_turn(c));
    alarm_commit_free(&c);
    close_stage(&s);
}

enum { THREADS = 3, EACH = 500 };

static void *submit_many(void *arg)
{
    for (int n = 0; n < EACH; n++)
        submit(arg, P, n);
    return NULL;
}

static void nothing_is_lost_between_threads(void **state)
{
    struct stage s;
    struct alarm_commit *c;
    struct alarm_commit_plan threaded = wide;
    pthread_t threads[THREADS];

    threaded.is_threaded = true;
    open_stage(state, &s);
    c = alarm_commit_new(s.store, &threaded, on_committed, &s);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, submit_many, c), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    alarm_commit_free(&c);
    assert_int_equal(s.stored, THREADS * EACH);
    close_stage(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_DATA_TEST(what_is_submitted_is_stored_in_order),
        TEMP_DATA_TEST(a_removal_runs_behind_what_was_submitted),
        TEMP_DATA_TEST(limits_are_kept),
        TEMP_DATA_TEST(too_many_are_dropped_and_counted),
        TEMP_DATA_TEST(nothing_is_lost_between_threads),
    };

    store_counters_register();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
