/*
 * Group commit: order, numbers, what happens when a commit fails, removals, trimming; by hand with
 * a journal that fails when it is told to, and with threads and the journal in memory.
 */
#include "store/journal_commit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "leftover.h"
#include "store/counters.h"
#include "store/journal_priv.h"

enum { P = 7, Q = 8 };

/* --- a journal that tells what is done with it ----------------------------------------------- */

struct told_journal {
    struct journal base;
    struct buffer told; /* owned: "a7 a8 commit …" */
    uint64_t appended;
    unsigned failures; /* so many commits fail from now on */
    unsigned trims;
    uint64_t trimmed; /* that each of them tells */
};

static uint64_t told_append(struct journal *j, uint64_t project_id, struct slice bytes)
{
    struct told_journal *t = (struct told_journal *)j;

    buffer_printf(&t->told, "%.*s%d ", (int)bytes.len, (const char *)bytes.data, (int)project_id);
    return ++t->appended;
}

static void told_put(struct journal *j, enum journal_table table, uint64_t project_id,
                     struct slice key, struct slice value)
{
    struct told_journal *t = (struct told_journal *)j;

    buffer_printf(&t->told, "put%d:%d:%.*s=%.*s ", (int)table, (int)project_id, (int)key.len,
                  (const char *)key.data, (int)value.len, (const char *)value.data);
}

static enum status told_commit(struct journal *j)
{
    struct told_journal *t = (struct told_journal *)j;

    buffer_append_text(&t->told, t->failures > 0 ? "fail " : "commit ");
    if (t->failures == 0)
        return ST_OK;
    t->failures--;
    return ST_FULL;
}

static uint64_t told_trim(struct journal *j, int64_t now_unix_ms)
{
    struct told_journal *t = (struct told_journal *)j;

    (void)now_unix_ms;
    t->trims++;
    return t->trimmed;
}

static void told_remove_project(struct journal *j, uint64_t project_id)
{
    buffer_printf(&((struct told_journal *)j)->told, "remove%d ", (int)project_id);
}

static const struct journal_ops told_ops = {
    .append = told_append,
    .put = told_put,
    .commit = told_commit,
    .trim = told_trim,
    .remove_project = told_remove_project,
};

static void expect_told(struct told_journal *t, const char *want)
{
    buffer_append_u8(&t->told, 0);
    assert_string_equal((const char *)t->told.data, want);
    t->told.len = 0;
}

/* Writes the numbers of what came back behind each other. */
static void on_committed(struct journal_request *first, void *arg)
{
    struct told_journal *t = arg;

    while (first != NULL) {
        struct journal_request *next = first->next;

        buffer_printf(&t->told, "=%d ", (int)first->seq);
        assert_true(first->tag[0] == 1 && first->tag[JOURNAL_TAG_WORDS - 1] == 2);
        journal_request_free(&first);
        first = next;
    }
}

/* Submits one request for each character of `text`, all for one project. */
static void submit(struct journal_commit *c, uint64_t project_id, const char *text)
{
    struct journal_request *first = NULL;
    struct journal_request **end = &first;

    for (; *text != 0; text++) {
        struct journal_request *r = journal_request_new(project_id, 1);

        r->bytes[0] = (uint8_t)*text;
        r->tag[0] = 1;
        r->tag[JOURNAL_TAG_WORDS - 1] = 2;
        *end = r;
        end = &r->next;
    }
    journal_commit_submit(c, first);
}

static void what_is_submitted_is_one_batch(void **state)
{
    struct told_journal t = {.base = {&told_ops}};
    struct journal_commit *c = journal_commit_new(&t.base, false, on_committed, &t);
    int64_t commits = counter_read(&CT_journal_commits);

    (void)state;
    assert_false(journal_commit_turn(c));
    assert_int_equal(t.told.len, 0); /* nothing to do: nothing is written */
    submit(c, P, "ab");
    submit(c, Q, "c");
    submit(c, P, "d");
    assert_true(journal_commit_turn(c));
    expect_told(&t, "a7 b7 c8 d7 commit =1 =2 =3 =4 ");
    assert_false(journal_commit_turn(c));
    submit(c, P, "e");
    assert_true(journal_commit_turn(c));
    expect_told(&t, "e7 commit =5 ");
    assert_int_equal(counter_read(&CT_journal_commits), commits + 2);
    journal_commit_free(&c);
    journal_commit_free(&c);
    buffer_deinit(&t.told);
}

static void a_failed_batch_is_tried_again_before_others(void **state)
{
    struct told_journal t = {.base = {&told_ops}, .failures = 2};
    struct journal_commit *c = journal_commit_new(&t.base, false, on_committed, &t);
    int64_t failures = counter_read(&CT_journal_commit_failures);

    (void)state;
    submit(c, P, "ab");
    assert_false(journal_commit_turn(c));
    expect_told(&t, "a7 b7 fail ");
    submit(c, P, "c");
    journal_commit_remove_project(c, Q);
    assert_false(journal_commit_turn(c));
    expect_told(&t, "fail ");
    assert_int_equal(counter_read(&CT_journal_commit_failures), failures + 2);
    assert_true(journal_commit_turn(c));
    expect_told(&t, "commit =1 =2 ");
    assert_true(journal_commit_turn(c));
    expect_told(&t, "c7 commit =3 remove8 ");
    journal_commit_free(&c);
    buffer_deinit(&t.told);
}

static void it_is_full_while_too_much_waits(void **state)
{
    struct told_journal t = {.base = {&told_ops}, .failures = 2};
    struct journal_commit *c = journal_commit_new(&t.base, false, on_committed, &t);
    int64_t waiting = counter_read(&CT_journal_waiting_bytes);
    int64_t stalled = counter_read(&CT_journal_stalled);

    (void)state;
    journal_commit_set_limit(c, 2 * (sizeof(struct journal_request) + 1));
    submit(c, P, "ab");
    assert_false(journal_commit_is_full(c));
    submit(c, P, "c");
    assert_true(journal_commit_is_full(c));
    assert_false(journal_commit_turn(c));
    assert_true(journal_commit_is_full(c));
    assert_int_equal(counter_read(&CT_journal_stalled), stalled + 1);
    assert_false(journal_commit_turn(c));
    assert_int_equal(counter_read(&CT_journal_stalled), stalled + 1);
    assert_int_equal(counter_read(&CT_journal_waiting_bytes),
                     waiting + 3 * (int64_t)(sizeof(struct journal_request) + 1));
    assert_true(journal_commit_turn(c));
    assert_false(journal_commit_is_full(c));
    assert_int_equal(counter_read(&CT_journal_stalled), stalled);
    assert_int_equal(counter_read(&CT_journal_waiting_bytes), waiting);
    journal_commit_free(&c);
    buffer_deinit(&t.told);
}

static void a_removal_runs_behind_what_was_submitted(void **state)
{
    struct told_journal t = {.base = {&told_ops}};
    struct journal_commit *c = journal_commit_new(&t.base, false, on_committed, &t);

    (void)state;
    submit(c, P, "a");
    journal_commit_remove_project(c, P);
    journal_commit_remove_project(c, Q);
    assert_true(journal_commit_turn(c));
    expect_told(&t, "a7 commit =1 remove7 remove8 ");
    journal_commit_remove_project(c, P);
    assert_false(journal_commit_turn(c));
    expect_told(&t, "remove7 ");
    assert_false(journal_commit_turn(c));
    assert_int_equal(t.told.len, 0);
    journal_commit_free(&c);
    buffer_deinit(&t.told);
}

static void the_rest_is_committed_at_the_end(void **state)
{
    struct told_journal t = {.base = {&told_ops}, .failures = 3};
    struct journal_commit *c = journal_commit_new(&t.base, false, on_committed, &t);

    (void)state;
    submit(c, P, "a");
    assert_false(journal_commit_turn(c));
    submit(c, P, "b");
    journal_commit_remove_project(c, Q);
    journal_commit_free(&c);
    expect_told(&t, "a7 fail fail fail commit =1 b7 commit =2 remove8 ");
    buffer_deinit(&t.told);
}

static void what_cannot_be_stored_is_given_back(void **state)
{
    struct told_journal t = {.base = {&told_ops}, .failures = 1000};
    struct journal_commit *c = journal_commit_new(&t.base, false, on_committed, &t);
    int64_t given_up = counter_read(&CT_journal_given_up);
    const char *end;

    (void)state;
    submit(c, P, "ab");
    assert_false(journal_commit_turn(c));
    submit(c, P, "c");
    journal_commit_free(&c);
    buffer_append_u8(&t.told, 0);
    end = strstr((const char *)t.told.data, "=");
    assert_non_null(end);
    assert_string_equal(end, "=0 =0 =0 ");
    assert_int_equal(counter_read(&CT_journal_given_up), given_up + 3);
    buffer_deinit(&t.told);
}

static void it_is_trimmed_once_a_second(void **state)
{
    struct told_journal t = {.base = {&told_ops}, .trimmed = 3};
    struct journal_commit *c;
    int64_t trimmed = counter_read(&CT_journal_trimmed);

    (void)state;
    clock_hold(5000, 1);
    c = journal_commit_new(&t.base, false, on_committed, &t);
    for (unsigned i = 0; i < 10; i++)
        assert_false(journal_commit_turn(c));
    assert_int_equal(t.trims, 0);
    clock_advance(1000);
    for (unsigned i = 0; i < 10; i++)
        assert_false(journal_commit_turn(c));
    assert_int_equal(t.trims, 1);
    clock_advance(999);
    submit(c, P, "a");
    assert_true(journal_commit_turn(c));
    assert_int_equal(t.trims, 1);
    clock_advance(1);
    submit(c, P, "b");
    assert_true(journal_commit_turn(c)); /* also when it is never idle */
    assert_int_equal(t.trims, 2);
    assert_int_equal(counter_read(&CT_journal_trimmed), trimmed + 6);
    journal_commit_free(&c);
    clock_release();
    buffer_deinit(&t.told);
}

static void while_much_is_over_it_is_trimmed_soon_again(void **state)
{
    struct told_journal t = {.base = {&told_ops}, .trimmed = JOURNAL_TRIM_MOST};
    struct journal_commit *c;

    (void)state;
    clock_hold(5000, 1);
    c = journal_commit_new(&t.base, false, on_committed, &t);
    clock_advance(1000);
    for (unsigned i = 0; i < 10; i++)
        assert_false(journal_commit_turn(c)); /* and not at once: what waits comes first */
    assert_int_equal(t.trims, 1);
    t.trimmed = JOURNAL_TRIM_MOST - 1;
    clock_advance(20);
    assert_false(journal_commit_turn(c));
    assert_int_equal(t.trims, 2);
    clock_advance(999);
    assert_false(journal_commit_turn(c));
    assert_int_equal(t.trims, 2);
    journal_commit_free(&c);
    clock_release();
    buffer_deinit(&t.told);
}

/* --- with threads ---------------------------------------------------------------------------- */

enum { SUBMITTERS = 4, REQUESTS = 5000, PROJECTS = 3 };

/* What came back; touched by the committing thread, read when it has ended. */
struct outcome {
    uint64_t last_of[SUBMITTERS]; /* the submitter's own count */
    uint64_t last_seq[PROJECTS];
    uint64_t count;
};

struct submitter {
    pthread_t thread;
    struct journal_commit *commit;
    uint64_t number;
};

static void check_committed(struct journal_request *first, void *arg)
{
    struct outcome *o = arg;

    while (first != NULL) {
        struct journal_request *next = first->next;

        assert_int_equal(first->tag[1], o->last_of[first->tag[0]] + 1);
        o->last_of[first->tag[0]] = first->tag[1];
        assert_int_equal(first->seq, o->last_seq[first->project_id - 1] + 1);
        o->last_seq[first->project_id - 1] = first->seq;
        o->count++;
        journal_request_free(&first);
        first = next;
    }
}

static void *submit_many(void *arg)
{
    struct submitter *me = arg;
    uint64_t count = 0;

    while (count < REQUESTS) {
        struct journal_request *first = NULL;
        struct journal_request **end = &first;

        for (uint64_t i = 0; i <= count % 7 && count < REQUESTS; i++) {
            struct journal_request *r = journal_request_new(1 + count % PROJECTS, 16);

            memcpy(r->bytes, &me->number, 8);
            count++;
            memcpy(r->bytes + 8, &count, 8);
            r->tag[0] = me->number;
            r->tag[1] = count;
            *end = r;
            end = &r->next;
        }
        journal_commit_submit(me->commit, first);
    }
    return NULL;
}

static void run_submitters(struct journal_commit *c)
{
    struct submitter submitters[SUBMITTERS];

    for (uint64_t i = 0; i < SUBMITTERS; i++) {
        submitters[i] = (struct submitter){.commit = c, .number = i};
        assert_int_equal(pthread_create(&submitters[i].thread, NULL, submit_many, &submitters[i]),
                         0);
    }
    for (unsigned i = 0; i < SUBMITTERS; i++)
        assert_int_equal(pthread_join(submitters[i].thread, NULL), 0);
}

struct stored {
    uint64_t last_of[SUBMITTERS];
    uint64_t count;
};

static bool check_stored(const struct journal_record *r, void *arg)
{
    struct stored *s = arg;
    uint64_t number, count;

    assert_int_equal(r->bytes.len, 16);
    memcpy(&number, r->bytes.data, 8);
    memcpy(&count, r->bytes.data + 8, 8);
    assert_true(count > s->last_of[number]);
    s->last_of[number] = count;
    s->count++;
    return true;
}

/* Rows and records of one list are of one batch, in their order. */
static void rows_go_with_records(void **state)
{
    struct told_journal t = {.base = {&told_ops}};
    struct journal_commit *c = journal_commit_new(&t.base, false, on_committed, &t);
    struct journal_request *put =
        journal_request_new_row(P, JOURNAL_TABLE_FLIGHT, slice_of("key"), slice_of("value"));
    struct journal_request *remove =
        journal_request_new_row(Q, JOURNAL_TABLE_SESSION, slice_of("k"), slice_make(NULL, 0));

    (void)state;
    put->tag[0] = remove->tag[0] = 1;
    put->tag[JOURNAL_TAG_WORDS - 1] = remove->tag[JOURNAL_TAG_WORDS - 1] = 2;
    put->next = remove;
    journal_commit_submit(c, put);
    submit(c, P, "x");
    assert_true(journal_commit_turn(c));
    expect_told(&t, "put1:7:key=value put0:8:k= x7 commit =1 =1 =1 ");
    journal_commit_free(&c);
    buffer_deinit(&t.told);
}

static void many_submitters(void **state)
{
    const struct journal_limits limits = {0};
    struct journal *j = journal_memory_new(&limits);
    struct outcome outcome = {0};
    struct journal_commit *c;
    uint64_t stored = 0;

    (void)state;
    for (uint64_t project = 1; project <= PROJECTS; project++)
        journal_save_cursor(j, project, slice_of("all"), (struct journal_position){0});
    c = journal_commit_new(j, true, check_committed, &outcome);
    run_submitters(c);
    journal_commit_free(&c);

    assert_int_equal(outcome.count, SUBMITTERS * REQUESTS);
    for (uint64_t project = 1; project <= PROJECTS; project++) {
        struct stored s = {0};
        uint64_t first, last;

        last = journal_read(j, project, 0, UINT32_MAX, UINT64_MAX, check_stored, &s, &first);
        assert_int_equal(first, 1);
        assert_int_equal(last, outcome.last_seq[project - 1]);
        assert_int_equal(s.count, last);
        stored += s.count;
    }
    assert_int_equal(stored, SUBMITTERS * REQUESTS);
    journal_close(&j);
}

/* Nobody has to wait for a turn: the thread is woken. */
static void signal_committed(struct journal_request *first, void *arg)
{
    assert_null(first->next);
    journal_request_free(&first);
    atomic_fetch_add((_Atomic unsigned *)arg, 1);
}

static void a_lone_request_is_committed_at_once(void **state)
{
    const struct journal_limits limits = {0};
    struct journal *j = journal_memory_new(&limits);
    _Atomic unsigned done = 0;
    struct journal_commit *c = journal_commit_new(j, true, signal_committed, (void *)&done);

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        journal_commit_submit(c, journal_request_new(P, 0));
        while (atomic_load(&done) == i)
            sched_yield();
    }
    journal_commit_free(&c);
    assert_int_equal(journal_last_seq(j, P), 100);
    journal_close(&j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(what_is_submitted_is_one_batch),
        LEFTOVER_TEST(a_failed_batch_is_tried_again_before_others),
        LEFTOVER_TEST(it_is_full_while_too_much_waits),
        LEFTOVER_TEST(a_removal_runs_behind_what_was_submitted),
        LEFTOVER_TEST(the_rest_is_committed_at_the_end),
        LEFTOVER_TEST(what_cannot_be_stored_is_given_back),
        LEFTOVER_TEST(it_is_trimmed_once_a_second),
        LEFTOVER_TEST(while_much_is_over_it_is_trimmed_soon_again),
        LEFTOVER_TEST(rows_go_with_records),
        LEFTOVER_TEST(many_submitters),
        LEFTOVER_TEST(a_lone_request_is_committed_at_once),
    };

    store_counters_register();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
