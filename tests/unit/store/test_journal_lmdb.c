/*
 * The journal on disk: what is there after a commit and after another beginning, reading, trimming
 * by age and size, rows, and what is refused.
 */
#include "store/journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/counters.h"
#include "store/lmdb_env.h"
#include "temp_data.h"

enum { P = 7, Q = 8, START_MS = 1000000, TEXT_MAX = 300 };

static const struct journal_limits no_limits;
static uint8_t pattern[256 + TEXT_MAX];

static struct journal *open_with(void **state, const struct journal_limits *limits)
{
    struct journal *j = NULL;
    char error[256] = "";

    for (size_t i = 0; i < sizeof(pattern); i++)
        pattern[i] = (uint8_t)i;
    (void)temp_data_path(state, "x"); /* makes the folder */
    if (journal_lmdb_open(*state, limits, &j, error, sizeof(error)) != ST_OK)
        fail_msg("%s", error);
    return j;
}

static struct journal *open_journal(void **state)
{
    return open_with(state, &no_limits);
}

/* As a program that ends and begins again. */
static struct journal *reopen(void **state, struct journal *j)
{
    journal_close(&j);
    return open_journal(state);
}

/* Cursors by their number alone. */
static void save_cursor(struct journal *j, uint64_t project_id, struct slice key, uint64_t seq)
{
    struct journal_position at = {seq, ~seq};

    journal_save_cursor(j, project_id, key, at);
}

static enum status load_cursor(struct journal *j, uint64_t project_id, struct slice key,
                               uint64_t *seq)
{
    struct journal_position at = {0};
    enum status st = journal_load_cursor(j, project_id, key, &at);

    if (st != ST_OK)
        return st;
    assert_true(at.mark == ~at.seq);
    *seq = at.seq;
    return ST_OK;
}

/* What a record of this number holds; it stays, as a batch borrows it. */
static struct slice text_of(uint64_t seq)
{
    return slice_make(pattern + seq % 256, seq * 31 % TEXT_MAX);
}

static void commit_some(struct journal *j, uint64_t project_id, uint64_t from, uint64_t to)
{
    for (uint64_t seq = from; seq <= to; seq++)
        assert_int_equal(journal_append(j, project_id, text_of(seq)), seq);
    assert_int_equal(journal_commit(j), ST_OK);
}

struct reading {
    uint64_t next_seq;
    int64_t committed_ms; /* of the last one */
};

static bool check_record(const struct journal_record *r, void *arg)
{
    struct reading *x = arg;

    assert_int_equal(r->seq, x->next_seq);
    assert_true(slice_equal(r->bytes, text_of(r->seq)));
    assert_true(r->committed_ms >= x->committed_ms);
    x->committed_ms = r->committed_ms;
    x->next_seq++;
    return true;
}

/* Reads and checks that it gives `from` to `to` (from > to: nothing), and what is the oldest. */
static void expect_read(struct journal *j, uint64_t project_id, uint64_t after,
                        uint32_t max_records, uint64_t from, uint64_t to, uint64_t want_first)
{
    struct reading x = {.next_seq = from};
    uint64_t first = 0;
    uint64_t last =
        journal_read(j, project_id, after, max_records, UINT64_MAX, check_record, &x, &first);

    assert_int_equal(x.next_seq, from > to ? from : to + 1);
    assert_int_equal(last, from > to ? after : to);
    assert_int_equal(first, want_first);
}

static void expect_all(struct journal *j, uint64_t project_id, uint64_t from, uint64_t to)
{
    expect_read(j, project_id, 0, UINT32_MAX, from, to, from);
}

static void what_is_committed_is_there_again(void **state)
{
    struct journal *j = open_journal(state);

    expect_read(j, P, 0, 10, 1, 0, 1);
    commit_some(j, P, 1, 1000);
    commit_some(j, Q, 1, 10);
    assert_int_equal(journal_append(j, P, text_of(1001)), 1001); /* not committed */
    expect_all(j, P, 1, 1000);
    assert_int_equal(journal_last_seq(j, P), 1000);
    j = reopen(state, j);
    assert_int_equal(journal_last_seq(j, P), 1000);
    assert_int_equal(counter_read(&CT_journal_records), 1010);
    expect_all(j, P, 1, 1000);
    expect_all(j, Q, 1, 10);
    commit_some(j, P, 1001, 1002); /* its number was not used up */
    j = reopen(state, j);
    expect_all(j, P, 1, 1002);
    journal_close(&j);
    assert_int_equal(counter_read(&CT_journal_records), 0);
    assert_int_equal(counter_read(&CT_journal_bytes), 0);
}

static void reading_begins_and_ends_anywhere(void **state)
{
    struct journal *j = open_journal(state);
    struct reading x = {.next_seq = 11};
    uint64_t first;

    for (uint64_t seq = 1; seq <= 5000; seq += 500)
        commit_some(j, P, seq, seq + 499);
    commit_some(j, Q, 1, 1); /* a neighbour */
    for (uint64_t after = 0; after <= 5000; after += 71)
        expect_read(j, P, after, UINT32_MAX, after + 1, 5000, 1);
    expect_read(j, P, 5000, 10, 1, 0, 1);
    expect_read(j, P, 5001, 10, 1, 0, 1);
    expect_read(j, P, UINT64_MAX, 10, 1, 0, 1);
    expect_read(j, P, 10, 7, 11, 17, 1);
    expect_read(j, P, 10, 0, 11, 10, 1);
    expect_read(j, P - 1, 0, 10, 1, 0, 1);
    expect_read(j, Q + 1, 0, 10, 1, 0, 1);
    assert_int_equal(journal_read(j, P, 10, 10, 1, check_record, &x, &first), 11);
    journal_close(&j);
}

static void a_map_that_is_too_small_grows(void **state)
{
    enum { LARGE = 20 * 1024 * 1024, COUNT = 5 };
    uint8_t *bytes = mem_new(MEM_TEST, LARGE);
    struct journal *j = open_journal(state);
    struct reading x = {.next_seq = 1};
    uint64_t first;

    for (unsigned i = 1; i <= COUNT; i++)
        (void)journal_append(j, P, slice_make(bytes, LARGE));
    assert_int_equal(journal_commit(j), ST_OK);
    mem_free(bytes);
    j = reopen(state, j);
    assert_int_equal(journal_last_seq(j, P), COUNT);
    assert_int_equal(counter_read(&CT_journal_bytes), (int64_t)COUNT * LARGE);
    assert_int_equal(journal_read(j, P, COUNT, 1, 1, check_record, &x, &first), COUNT);
    journal_close(&j);
}

/* --- cursors --------------------------------------------------------------------------------- */

static void expect_cursor(struct journal *j, const char *name, uint64_t want)
{
    uint64_t seq = 0;

    assert_int_equal(load_cursor(j, P, slice_of(name), &seq), ST_OK);
    assert_int_equal(seq, want);
}

static void cursors_are_there_again(void **state)
{
    struct journal *j = open_journal(state);
    uint64_t seq;

    save_cursor(j, P, slice_of("a"), 5);
    save_cursor(j, P, slice_of("b"), 6);
    save_cursor(j, P, slice_of("gone"), 7);
    save_cursor(j, P, slice_of("again"), 8);
    commit_some(j, P, 1, 1);
    save_cursor(j, P, slice_of("a"), 3);
    save_cursor(j, P, slice_of("a"), 4);
    journal_remove_cursor(j, P, slice_of("gone"));
    journal_remove_cursor(j, P, slice_of("again"));
    save_cursor(j, P, slice_of("again"), 1);
    save_cursor(j, P, slice_of("short"), 1);
    journal_remove_cursor(j, P, slice_of("short"));
    (void)journal_trim(j, 0);
    j = reopen(state, j);
    expect_cursor(j, "a", 4);
    expect_cursor(j, "b", 6);
    expect_cursor(j, "again", 1);
    assert_int_equal(load_cursor(j, P, slice_of("gone"), &seq), ST_NOT_FOUND);
    assert_int_equal(load_cursor(j, P, slice_of("short"), &seq), ST_NOT_FOUND);
    save_cursor(j, P, slice_of("b"), 9); /* an orderly end takes it along */
    j = reopen(state, j);
    expect_cursor(j, "b", 9);
    journal_close(&j);
}

static bool use_cursors(const struct journal_record *r, void *arg)
{
    struct journal *j = arg;

    save_cursor(j, P, slice_of("a"), r->seq);
    journal_remove_cursor(j, P, slice_of("b"));
    return true;
}

static void a_reader_may_use_cursors_while_it_reads(void **state)
{
    struct journal *j = open_journal(state);
    uint64_t first;

    save_cursor(j, P, slice_of("b"), 0);
    commit_some(j, P, 1, 10);
    assert_int_equal(journal_read(j, P, 0, 10, UINT64_MAX, use_cursors, j, &first), 10);
    expect_cursor(j, "a", 10);
    journal_close(&j);
}

/* --- rows ------------------------------------------------------------------------------------ */

static void list_row(uint64_t project_id, struct slice key, struct slice value, void *arg)
{
    buffer_printf(arg, "%d:%.*s=%.*s ", (int)project_id, (int)key.len, (const char *)key.data,
                  (int)value.len, (const char *)value.data);
}

static void expect_rows(struct journal *j, enum journal_table table, const char *want)
{
    struct buffer text = {0};

    assert_int_equal(journal_each(j, table, list_row, &text), ST_OK);
    buffer_append_u8(&text, 0);
    assert_string_equal((const char *)text.data, want);
    buffer_deinit(&text);
}

static void rows_change_with_their_batch(void **state)
{
    struct journal *j = open_journal(state);

    journal_put(j, JOURNAL_TABLE_SESSION, P, slice_of("b"), slice_of("1"));
    journal_put(j, JOURNAL_TABLE_SESSION, Q, slice_of("a"), slice_of("2"));
    journal_put(j, JOURNAL_TABLE_SESSION, P, slice_of("a"), slice_of("3"));
    journal_put(j, JOURNAL_TABLE_FLIGHT, P, slice_of("a"), slice_of("4"));
    expect_rows(j, JOURNAL_TABLE_SESSION, "");
    commit_some(j, P, 1, 1);
    expect_rows(j, JOURNAL_TABLE_SESSION, "7:a=3 7:b=1 8:a=2 ");
    journal_put(j, JOURNAL_TABLE_SESSION, P, slice_of("a"), slice_make(NULL, 0));
    journal_put(j, JOURNAL_TABLE_SESSION, P, slice_of("b"), slice_of("5"));
    journal_put(j, JOURNAL_TABLE_SESSION, P, slice_of("b"), slice_of("6"));
    journal_put(j, JOURNAL_TABLE_SESSION, P, slice_of("none"), slice_make(NULL, 0));
    assert_int_equal(journal_commit(j), ST_OK);
    journal_put(j, JOURNAL_TABLE_SESSION, P, slice_of("c"), slice_of("dropped"));
    j = reopen(state, j);
    expect_rows(j, JOURNAL_TABLE_SESSION, "7:b=6 8:a=2 ");
    expect_rows(j, JOURNAL_TABLE_FLIGHT, "7:a=4 ");
    expect_rows(j, JOURNAL_TABLE_RECEPTION, "");
    journal_close(&j);
}

/* --- trimming -------------------------------------------------------------------------------- */

static uint64_t trim_all(struct journal *j, int64_t now_ms)
{
    uint64_t sum = 0, count;

    while ((count = journal_trim(j, now_ms)) > 0)
        sum += count;
    return sum;
}

static void what_nobody_needs_is_kept_until_its_time(void **state)
{
    struct journal *j = open_journal(state);

    commit_some(j, P, 1, 100);
    assert_int_equal(journal_trim(j, INT64_MAX), 0);
    expect_all(j, P, 1, 100);
    journal_close(&j);
}

static void retention_by_age(void **state)
{
    const struct journal_limits limits = {.retention_ms = 60000};
    struct journal *j = open_with(state, &limits);
    int64_t lost = counter_read(&CT_journal_lost);

    clock_hold(1, START_MS);
    save_cursor(j, P, slice_of("a"), 50);
    commit_some(j, P, 1, 6000);
    commit_some(j, Q, 1, 10);
    clock_advance(50000);
    commit_some(j, P, 6001, 8000);
    assert_int_equal(journal_trim(j, START_MS + 60000), 0);
    assert_int_equal(journal_trim(j, START_MS - 60000), 0); /* the clock was set back */
    assert_true(journal_trim(j, START_MS + 60001) < 6010);  /* not too many at once */
    assert_true(trim_all(j, START_MS + 60001) > 0);
    expect_all(j, P, 6001, 8000);
    expect_read(j, Q, 0, 10, 1, 0, 11);
    assert_int_equal(counter_read(&CT_journal_lost) - lost, 6000 - 50 + 0);
    journal_close(&j);
    j = open_with(state, &limits); /* it knows how old they are */
    expect_all(j, P, 6001, 8000);
    assert_int_equal(journal_last_seq(j, Q), 10);
    assert_int_equal(trim_all(j, START_MS + 110001), 2000);
    expect_read(j, P, 0, 10, 1, 0, 8001);
    assert_int_equal(counter_read(&CT_journal_bytes), 0);
    commit_some(j, P, 8001, 8001);
    clock_release();
    journal_close(&j);
}

static void retention_by_size(void **state)
{
    const struct journal_limits limits = {.retention_bytes = 100000};
    struct journal *j = open_with(state, &limits);

    save_cursor(j, P, slice_of("a"), UINT64_MAX);
    commit_some(j, P, 1, 20000);
    assert_true(trim_all(j, 0) > 10000);
    assert_true(counter_read(&CT_journal_bytes) <= 100000);
    assert_true(counter_read(&CT_journal_bytes) > 90000);
    journal_close(&j);
    j = open_with(state, &limits);
    assert_true(counter_read(&CT_journal_bytes) > 90000);
    assert_int_equal(journal_last_seq(j, P), 20000);
    journal_close(&j);
}

/* However fast records come: what goes does not have to wait for a trim. */
static void a_batch_takes_along_what_is_over(void **state)
{
    const struct journal_limits limits = {.retention_bytes = 100000};
    struct journal *j = open_with(state, &limits);
    int64_t trimmed = counter_read(&CT_journal_trimmed);
    uint64_t first = 0;

    for (uint64_t seq = 1; seq <= 20000; seq += 500) {
        commit_some(j, P, seq, seq + 499);
        assert_true(counter_read(&CT_journal_bytes) <= 100000 + 500 * TEXT_MAX);
    }
    assert_true(counter_read(&CT_journal_bytes) > 90000);
    (void)journal_read(j, P, 20000, 1, 1, check_record, NULL, &first);
    assert_int_equal(counter_read(&CT_journal_trimmed) - trimmed, first - 1);
    expect_all(j, P, first, 20000);
    journal_close(&j);
    j = open_with(state, &limits);
    expect_all(j, P, first, 20000);
    assert_true(counter_read(&CT_journal_bytes) > 90000);
    journal_close(&j);
}

static void a_batch_does_not_take_its_own(void **state)
{
    const struct journal_limits limits = {.retention_bytes = 1};
    struct journal *j = open_with(state, &limits);

    commit_some(j, P, 1, 1000);
    expect_all(j, P, 1, 1000);
    commit_some(j, P, 1001, 1100); /* twice as many as it has, and no more */
    expect_all(j, P, 201, 1100);
    commit_some(j, Q, 1, 1);
    expect_all(j, P, 201, 1100);
    commit_some(j, P, 1101, 2100);
    expect_all(j, P, 1101, 2100);
    journal_close(&j);
}

static void a_removed_project_leaves_nothing(void **state)
{
    struct journal *j = open_journal(state);
    uint64_t seq;

    save_cursor(j, P, slice_of("a"), 5);
    journal_put(j, JOURNAL_TABLE_SESSION, P, slice_of("a"), slice_of("1"));
    journal_put(j, JOURNAL_TABLE_SESSION, Q, slice_of("a"), slice_of("2"));
    commit_some(j, P, 1, 10000);
    commit_some(j, Q, 1, 3);
    save_cursor(j, P, slice_of("a"), 6);
    journal_remove_project(j, P);
    journal_remove_project(j, 99);
    assert_int_equal(journal_last_seq(j, P), 0);
    j = reopen(state, j);
    expect_read(j, P, 0, 10, 1, 0, 1);
    expect_all(j, Q, 1, 3);
    expect_rows(j, JOURNAL_TABLE_SESSION, "8:a=2 ");
    assert_int_equal(load_cursor(j, P, slice_of("a"), &seq), ST_NOT_FOUND);
    commit_some(j, P, 1, 1); /* its numbers begin anew */
    journal_close(&j);
}

/* From now on nothing can be written to a file, or again. */
static void set_writable(bool is_writable)
{
    struct rlimit limit;

    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = is_writable ? limit.rlim_max : 0;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void regress_a_cursor_that_was_not_written_goes_with_its_project(void **state)
{
    struct journal *j = open_journal(state);
    enum status st;
    uint64_t seq;

    commit_some(j, P, 1, 10);
    save_cursor(j, P, slice_of("a"), 5);
    save_cursor(j, Q, slice_of("a"), 0);
    set_writable(false);
    st = journal_commit(j);
    set_writable(true);
    assert_int_not_equal(st, ST_OK);
    journal_remove_project(j, P);
    assert_int_equal(journal_commit(j), ST_OK);
    j = reopen(state, j);
    assert_int_equal(load_cursor(j, P, slice_of("a"), &seq), ST_NOT_FOUND);
    assert_int_equal(load_cursor(j, Q, slice_of("a"), &seq), ST_OK);
    journal_close(&j);
}

static void regress_a_cursor_that_was_not_written_is_at_the_end(void **state)
{
    struct journal *j = open_journal(state);
    enum status st;
    uint64_t seq = 0;

    commit_some(j, P, 1, 10);
    journal_put(j, JOURNAL_TABLE_SESSION, P, slice_of("a"), slice_of("1")); /* not committed */
    save_cursor(j, P, slice_of("a"), 5);
    set_writable(false);
    st = journal_commit(j);
    set_writable(true);
    assert_int_not_equal(st, ST_OK);
    j = reopen(state, j);
    assert_int_equal(load_cursor(j, P, slice_of("a"), &seq), ST_OK);
    assert_int_equal(seq, 5);
    expect_rows(j, JOURNAL_TABLE_SESSION, "");
    journal_close(&j);
}

/* --- refused --------------------------------------------------------------------------------- */

static void mark_newer(struct lmdb_env_txn *t, void *arg)
{
    uint32_t format = 1000;

    (void)arg;
    lmdb_env_put(t, 0, slice_of("format"), slice_make(&format, sizeof(format)));
}

static void one_of_a_newer_program_is_refused(void **state)
{
    static const char *const tables[] = {"format"};
    struct journal *j = open_journal(state);
    struct lmdb_env *env;
    char error[256] = "";

    journal_close(&j);
    assert_int_equal(lmdb_env_open(temp_data_path(state, "journal"), tables, 1, 1 << 26, &env,
                                   error, sizeof(error)),
                     ST_OK);
    assert_int_equal(lmdb_env_write(env, mark_newer, NULL), ST_OK);
    lmdb_env_close(&env);
    assert_int_equal(journal_lmdb_open(*state, &no_limits, &j, error, sizeof(error)),
                     ST_UNSUPPORTED);
    assert_non_null(strstr(error, "newer program"));
    assert_null(j);
}

/* --- readers beside the committing thread ---------------------------------------------------- */

struct race {
    struct journal *journal;
    _Atomic bool is_over;
};

static void *read_along(void *arg)
{
    struct race *x = arg;
    uint64_t after = 0;

    while (!atomic_load(&x->is_over) || after < journal_last_seq(x->journal, P)) {
        struct reading r = {.next_seq = after + 1};
        uint64_t first;

        after = journal_read(x->journal, P, after, 100, UINT64_MAX, check_record, &r, &first);
        save_cursor(x->journal, P, slice_of("reader"), after);
    }
    return NULL;
}

static void readers_run_beside_the_commits(void **state)
{
    struct race x = {.journal = open_journal(state)};
    pthread_t threads[2];

    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_along, &x), 0);
    for (uint64_t seq = 1; seq <= 4000; seq += 40)
        commit_some(x.journal, P, seq, seq + 39);
    atomic_store(&x.is_over, true);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    expect_cursor(x.journal, "reader", 4000);
    journal_close(&x.journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_DATA_TEST(what_is_committed_is_there_again),
        TEMP_DATA_TEST(reading_begins_and_ends_anywhere),
        TEMP_DATA_TEST(a_map_that_is_too_small_grows),
        TEMP_DATA_TEST(cursors_are_there_again),
        TEMP_DATA_TEST(a_reader_may_use_cursors_while_it_reads),
        TEMP_DATA_TEST(rows_change_with_their_batch),
        TEMP_DATA_TEST(what_nobody_needs_is_kept_until_its_time),
        TEMP_DATA_TEST(retention_by_age),
        TEMP_DATA_TEST(retention_by_size),
        TEMP_DATA_TEST(a_batch_takes_along_what_is_over),
        TEMP_DATA_TEST(a_batch_does_not_take_its_own),
        TEMP_DATA_TEST(a_removed_project_leaves_nothing),
        TEMP_DATA_TEST(regress_a_cursor_that_was_not_written_goes_with_its_project),
        TEMP_DATA_TEST(regress_a_cursor_that_was_not_written_is_at_the_end),
        TEMP_DATA_TEST(one_of_a_newer_program_is_refused),
        TEMP_DATA_TEST(readers_run_beside_the_commits),
    };

    store_counters_register();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
