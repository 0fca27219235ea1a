/*
 * The journal in memory: numbers, visibility, reading across segments, cursors, trimming, and
 * readers beside the committing thread.
 */
#include "store/journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "leftover.h"
#include "store/counters.h"

enum { P = 7, Q = 8, START_MS = 1000000 };

static const struct journal_limits no_limits;

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

/* What a record of this number holds: its length and bytes follow from the number. */
static struct slice text_of(uint64_t seq, uint8_t *out)
{
    size_t len = seq * 31 % 300;

    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(seq + i);
    return slice_make(out, len);
}

static void append_some(struct journal *j, uint64_t project_id, uint64_t from, uint64_t to)
{
    uint8_t text[300];

    for (uint64_t seq = from; seq <= to; seq++)
        assert_int_equal(journal_append(j, project_id, text_of(seq, text)), seq);
}

static void commit_some(struct journal *j, uint64_t project_id, uint64_t from, uint64_t to)
{
    append_some(j, project_id, from, to);
    assert_int_equal(journal_commit(j), ST_OK);
}

struct reading {
    uint64_t next_seq, count, stop_at;
    int64_t committed_ms; /* of the last one */
};

static bool check_record(const struct journal_record *r, void *arg)
{
    struct reading *x = arg;
    uint8_t text[300];

    assert_int_equal(r->seq, x->next_seq);
    assert_true(slice_equal(r->bytes, text_of(r->seq, text)));
    assert_true(r->committed_ms >= x->committed_ms);
    x->committed_ms = r->committed_ms;
    x->next_seq++;
    x->count++;
    return r->seq != x->stop_at;
}

/* Reads and checks that it gives `from` to `to` (from > to: nothing), and what is the oldest. */
static void expect_read(struct journal *j, uint64_t project_id, uint64_t after,
                        uint32_t max_records, uint64_t max_bytes, uint64_t from, uint64_t to,
                        uint64_t want_first)
{
    struct reading x = {.next_seq = from};
    uint64_t first = 0;
    uint64_t last =
        journal_read(j, project_id, after, max_records, max_bytes, check_record, &x, &first);

    assert_int_equal(x.next_seq, from > to ? from : to + 1);
    assert_int_equal(last, from > to ? after : to);
    assert_int_equal(first, want_first);
}

static void expect_all(struct journal *j, uint64_t project_id, uint64_t from, uint64_t to)
{
    expect_read(j, project_id, 0, UINT32_MAX, UINT64_MAX, from, to, from);
}

static void a_batch_is_seen_after_its_commit(void **state)
{
    struct journal *j = journal_memory_new(&no_limits);

    (void)state;
    expect_read(j, P, 0, 10, 1000, 1, 0, 1);
    assert_int_equal(journal_last_seq(j, P), 0);
    append_some(j, P, 1, 3);
    expect_read(j, P, 0, 10, 1000, 1, 0, 1);
    assert_int_equal(journal_last_seq(j, P), 0);
    assert_int_equal(journal_commit(j), ST_OK);
    assert_int_equal(journal_last_seq(j, P), 3);
    expect_all(j, P, 1, 3);
    append_some(j, P, 4, 4);
    expect_all(j, P, 1, 3);
    assert_int_equal(journal_commit(j), ST_OK);
    assert_int_equal(journal_commit(j), ST_OK); /* an empty batch */
    expect_all(j, P, 1, 4);
    journal_close(&j);
    journal_close(&j);
}

static void each_project_has_its_own_numbers(void **state)
{
    struct journal *j = journal_memory_new(&no_limits);

    (void)state;
    for (uint64_t seq = 1; seq <= 500; seq++) {
        append_some(j, P, seq, seq);
        append_some(j, Q, 2 * seq - 1, 2 * seq);
    }
    assert_int_equal(journal_commit(j), ST_OK);
    expect_all(j, P, 1, 500);
    expect_all(j, Q, 1, 1000);
    assert_int_equal(journal_last_seq(j, 9), 0);
    journal_close(&j);
}

static void reading_begins_anywhere(void **state)
{
    struct journal *j = journal_memory_new(&no_limits);

    (void)state;
    for (uint64_t seq = 1; seq <= 5000; seq += 10) /* many segments */
        commit_some(j, P, seq, seq + 9);
    for (uint64_t after = 0; after <= 5000; after += 7)
        expect_read(j, P, after, UINT32_MAX, UINT64_MAX, after + 1, 5000, 1);
    expect_read(j, P, 5000, 10, 1000, 1, 0, 1);
    expect_read(j, P, 5001, 10, 1000, 1, 0, 1);
    expect_read(j, P, UINT64_MAX, 10, 1000, 1, 0, 1);
    journal_close(&j);
}

static void reading_ends_where_it_is_told_to(void **state)
{
    struct journal *j = journal_memory_new(&no_limits);
    struct reading x = {.next_seq = 1, .stop_at = 1234};
    uint8_t text[300];
    uint64_t first, bytes = 0, last = 0;

    (void)state;
    commit_some(j, P, 1, 3000);
    expect_read(j, P, 0, 1, UINT64_MAX, 1, 1, 1);
    expect_read(j, P, 10, 2500, UINT64_MAX, 11, 2510, 1);
    expect_read(j, P, 2990, 100, UINT64_MAX, 2991, 3000, 1);
    expect_read(j, P, 10, 0, UINT64_MAX, 11, 10, 1);
    while (bytes < 100000)
        bytes += text_of(++last, text).len;
    expect_read(j, P, 0, UINT32_MAX, 100000, 1, last, 1);
    expect_read(j, P, 6, UINT32_MAX, 1, 7, 7, 1); /* one is always given */
    assert_int_equal(journal_read(j, P, 0, UINT32_MAX, UINT64_MAX, check_record, &x, &first), 1234);
    journal_close(&j);
}

struct lens {
    const size_t *want;
    size_t count;
};

static bool check_len(const struct journal_record *r, void *arg)
{
    struct lens *x = arg;
    size_t wrong = 0;

    assert_int_equal(r->bytes.len, x->want[x->count]);
    for (size_t i = 0; i < r->bytes.len; i++)
        wrong += r->bytes.data[i] != (uint8_t)r->seq;
    assert_int_equal(wrong, 0);
    x->count++;
    return true;
}

static void records_of_any_size(void **state)
{
    static const size_t lens[] = {0,     1,      7, 8,       9, 16383, 16384,
                                  16385, 300000, 1, 5000000, 0, 3,     262144};
    enum { COUNT = sizeof(lens) / sizeof(lens[0]) };
    struct journal *j = journal_memory_new(&no_limits);
    uint8_t *bytes = mem_new(MEM_TEST, 5000000);
    struct lens x = {lens, 0};
    uint64_t first;

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        memset(bytes, (int)i + 1, lens[i]);
        assert_int_equal(journal_append(j, P, slice_make(bytes, lens[i])), i + 1);
    }
    assert_int_equal(journal_commit(j), ST_OK);
    assert_int_equal(journal_read(j, P, 0, UINT32_MAX, UINT64_MAX, check_len, &x, &first), COUNT);
    assert_int_equal(x.count, COUNT);
    mem_free(bytes);
    journal_close(&j);
}

static void records_know_when_they_were_committed(void **state)
{
    struct journal *j = journal_memory_new(&no_limits);
    struct reading x = {.next_seq = 1};
    uint64_t first;

    (void)state;
    clock_hold(1, START_MS);
    commit_some(j, P, 1, 1);
    clock_advance(50);
    commit_some(j, P, 2, 2);
    (void)journal_read(j, P, 0, 1, UINT64_MAX, check_record, &x, &first);
    assert_int_equal(x.committed_ms, START_MS);
    (void)journal_read(j, P, 1, 1, UINT64_MAX, check_record, &x, &first);
    assert_int_equal(x.committed_ms, START_MS + 50);
    clock_hold(1, START_MS - 1000); /* set back: the order of time stays that of the numbers */
    commit_some(j, P, 3, 3);
    (void)journal_read(j, P, 2, 1, UINT64_MAX, check_record, &x, &first);
    assert_int_equal(x.committed_ms, START_MS + 50);
    clock_release();
    journal_close(&j);
}

/* --- cursors --------------------------------------------------------------------------------- */

static void cursors_are_kept_by_project_and_name(void **state)
{
    struct journal *j = journal_memory_new(&no_limits);
    char long_name[JOURNAL_KEY_MAX];
    uint64_t seq = 99;

    (void)state;
    memset(long_name, 'n', sizeof(long_name));
    assert_int_equal(load_cursor(j, P, slice_of("a"), &seq), ST_NOT_FOUND);
    journal_remove_cursor(j, P, slice_of("a"));
    save_cursor(j, P, slice_of("a"), 5);
    save_cursor(j, P, slice_of("ab"), 6);
    save_cursor(j, Q, slice_of("a"), 7);
    save_cursor(j, P, slice_make("a\0b", 3), 8);
    save_cursor(j, P, slice_make(long_name, sizeof(long_name)), UINT64_MAX);
    save_cursor(j, P, slice_of("a"), 4); /* moves in any direction */
    assert_int_equal(load_cursor(j, P, slice_of("a"), &seq), ST_OK);
    assert_int_equal(seq, 4);
    assert_int_equal(load_cursor(j, P, slice_of("ab"), &seq), ST_OK);
    assert_int_equal(seq, 6);
    assert_int_equal(load_cursor(j, Q, slice_of("a"), &seq), ST_OK);
    assert_int_equal(seq, 7);
    assert_int_equal(load_cursor(j, P, slice_make("a\0b", 3), &seq), ST_OK);
    assert_int_equal(seq, 8);
    assert_int_equal(load_cursor(j, P, slice_make(long_name, sizeof(long_name)), &seq), ST_OK);
    assert_true(seq == UINT64_MAX);
    journal_remove_cursor(j, P, slice_of("a"));
    assert_int_equal(load_cursor(j, P, slice_of("a"), &seq), ST_NOT_FOUND);
    assert_int_equal(load_cursor(j, Q, slice_of("a"), &seq), ST_OK);
    journal_close(&j);
}

static bool use_cursors(const struct journal_record *r, void *arg)
{
    struct journal *j = arg;

    save_cursor(j, P, slice_of("a"), r->seq);
    journal_remove_cursor(j, P, slice_of("b"));
    return true;
}

/* A delivery may end a session, whose cursor then goes. */
static void a_reader_may_use_cursors_while_it_reads(void **state)
{
    struct journal *j = journal_memory_new(&no_limits);
    uint64_t seq, first;

    (void)state;
    save_cursor(j, P, slice_of("b"), 0);
    commit_some(j, P, 1, 10);
    assert_int_equal(journal_read(j, P, 0, 10, UINT64_MAX, use_cursors, j, &first), 10);
    assert_int_equal(load_cursor(j, P, slice_of("a"), &seq), ST_OK);
    assert_int_equal(seq, 10);
    assert_int_equal(load_cursor(j, P, slice_of("b"), &seq), ST_NOT_FOUND);
    journal_close(&j);
}

/* --- trimming -------------------------------------------------------------------------------- */

/* The oldest record that is left. */
static uint64_t oldest(struct journal *j, uint64_t project_id)
{
    struct reading x = {.next_seq = 1};
    uint64_t first = 0;

    (void)journal_read(j, project_id, 0, 0, 0, check_record, &x, &first);
    return first;
}

static void what_no_cursor_needs_goes(void **state)
{
    struct journal *j = journal_memory_new(&no_limits);
    int64_t lost = counter_read(&CT_journal_lost);

    (void)state;
    save_cursor(j, P, slice_of("a"), 0);
    save_cursor(j, P, slice_of("b"), 0);
    commit_some(j, P, 1, 5000);
    assert_int_equal(counter_read(&CT_journal_records), 5000);
    assert_int_equal(journal_trim(j, INT64_MAX), 0);
    save_cursor(j, P, slice_of("a"), 5000);
    assert_int_equal(journal_trim(j, INT64_MAX), 0);

    /* Whole segments go: not more than is unneeded, and not much less. */
    save_cursor(j, P, slice_of("b"), 4000);
    assert_true(journal_trim(j, INT64_MAX) > 2000);
    assert_true(oldest(j, P) > 2000 && oldest(j, P) <= 4001);
    assert_int_equal(counter_read(&CT_journal_records), 5001 - oldest(j, P));
    assert_int_equal(journal_trim(j, INT64_MAX), 0);
    expect_read(j, P, 4000, UINT32_MAX, UINT64_MAX, 4001, 5000, oldest(j, P));
    /* Who asks for what is gone gets what is left, and is told. */
    expect_read(j, P, 0, UINT32_MAX, UINT64_MAX, oldest(j, P), 5000, oldest(j, P));

    journal_remove_cursor(j, P, slice_of("b"));
    assert_true(journal_trim(j, INT64_MAX) > 0);
    assert_int_equal(oldest(j, P), 5001);
    expect_read(j, P, 0, 10, 1000, 1, 0, 5001);
    assert_int_equal(journal_last_seq(j, P), 5000);
    assert_int_equal(counter_read(&CT_journal_records), 0);
    assert_int_equal(counter_read(&CT_journal_bytes), 0);
    assert_int_equal(counter_read(&CT_journal_lost), lost);

    /* The numbers go on. */
    append_some(j, P, 5001, 5002);
    expect_read(j, P, 5000, 10, UINT64_MAX, 1, 0, 5001);
    assert_int_equal(journal_commit(j), ST_OK);
    expect_read(j, P, 0, 10, UINT64_MAX, 5001, 5002, 5001);
    journal_close(&j);
    assert_int_equal(counter_read(&CT_journal_records), 0);
    assert_int_equal(counter_read(&CT_journal_bytes), 0);
}

static void without_cursors_nothing_is_kept(void **state)
{
    struct journal *j = journal_memory_new(&no_limits);

    (void)state;
    commit_some(j, P, 1, 100);
    commit_some(j, Q, 1, 50);
    assert_int_equal(journal_trim(j, 0), 150);
    journal_close(&j);
}

static void an_open_batch_is_not_trimmed(void **state)
{
    struct journal *j = journal_memory_new(&no_limits);

    (void)state;
    append_some(j, P, 1, 5000);
    assert_int_equal(journal_trim(j, INT64_MAX), 0);
    assert_int_equal(journal_commit(j), ST_OK);
    expect_all(j, P, 1, 5000);
    append_some(j, P, 5001, 5001); /* in a segment with visible ones: they stay with it */
    (void)journal_trim(j, INT64_MAX);
    assert_true(oldest(j, P) > 4000 && oldest(j, P) <= 5000);
    assert_int_equal(journal_commit(j), ST_OK);
    expect_read(j, P, 4999, 10, UINT64_MAX, 5000, 5001, oldest(j, P));
    journal_close(&j);
}

static void retention_by_age(void **state)
{
    const struct journal_limits limits = {.retention_ms = 60000};
    struct journal *j = journal_memory_new(&limits);
    int64_t lost = counter_read(&CT_journal_lost);
    uint64_t left;

    (void)state;
    clock_hold(1, START_MS);
    save_cursor(j, P, slice_of("a"), 50);
    commit_some(j, P, 1, 2000);
    clock_advance(50000);
    commit_some(j, P, 2001, 4000);
    assert_int_equal(journal_trim(j, START_MS + 60000), 0);
    assert_int_equal(journal_trim(j, START_MS - 60000), 0); /* the clock was set back */
    assert_true(journal_trim(j, START_MS + 60001) > 0);
    left = oldest(j, P);
    assert_true(left > 1000 && left <= 2001);
    assert_int_equal(counter_read(&CT_journal_lost) - lost, left - 1 - 50);
    (void)journal_trim(j, START_MS + 110001);
    assert_int_equal(oldest(j, P), 4001);
    assert_int_equal(counter_read(&CT_journal_lost) - lost, 3950);
    clock_release();
    journal_close(&j);
}

static void retention_by_size(void **state)
{
    static const uint64_t sizes[] = {20000, 100000, 1000000};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        const struct journal_limits limits = {.retention_bytes = sizes[i]};
        struct journal *j = journal_memory_new(&limits);
        int64_t bytes;

        save_cursor(j, P, slice_of("a"), 0);
        commit_some(j, P, 1, 20000);
        assert_true(counter_read(&CT_journal_bytes) > 2000000);
        (void)journal_trim(j, 0);
        bytes = counter_read(&CT_journal_bytes);
        assert_true(bytes <= (int64_t)sizes[i]);
        assert_true(bytes >= (int64_t)sizes[i] / 8);
        expect_read(j, P, 0, UINT32_MAX, UINT64_MAX, oldest(j, P), 20000, oldest(j, P));
        journal_close(&j);
    }
}

static void one_record_larger_than_the_limit_stays(void **state)
{
    const struct journal_limits limits = {.retention_bytes = 1000};
    struct journal *j = journal_memory_new(&limits);
    uint8_t *bytes = mem_new(MEM_TEST, 100000);

    (void)state;
    save_cursor(j, P, slice_of("a"), 0);
    for (unsigned i = 1; i <= 3; i++)
        assert_int_equal(journal_append(j, P, slice_make(bytes, 100000)), i);
    assert_int_equal(journal_commit(j), ST_OK);
    assert_int_equal(journal_trim(j, 0), 2);
    assert_int_equal(oldest(j, P), 3);
    mem_free(bytes);
    journal_close(&j);
}

static void a_removed_project_begins_anew(void **state)
{
    struct journal *j = journal_memory_new(&no_limits);
    uint64_t seq;

    (void)state;
    journal_remove_project(j, P);
    save_cursor(j, P, slice_of("a"), 3);
    commit_some(j, P, 1, 1000);
    commit_some(j, Q, 1, 10);
    journal_remove_project(j, P);
    assert_int_equal(journal_last_seq(j, P), 0);
    assert_int_equal(load_cursor(j, P, slice_of("a"), &seq), ST_NOT_FOUND);
    expect_read(j, P, 0, 10, UINT64_MAX, 1, 0, 1);
    expect_all(j, Q, 1, 10);
    assert_int_equal(counter_read(&CT_journal_records), 10);
    commit_some(j, P, 1, 5);
    expect_all(j, P, 1, 5);
    journal_close(&j);
}

struct trimming_reader {
    struct journal *journal;
    struct reading reading;
};

static bool trim_under_the_reader(const struct journal_record *r, void *arg)
{
    struct trimming_reader *x = arg;

    if (r->seq == 10) {
        (void)journal_trim(x->journal, INT64_MAX);
        commit_some(x->journal, P, 3001, 6000);
    }
    return check_record(r, &x->reading);
}

/* The segment that is being read is whole to its end, though it is taken out meanwhile; what was
 * trimmed behind it is a hole that the next reading tells. */
static void a_segment_outlives_its_reader(void **state)
{
    struct journal *j = journal_memory_new(&no_limits);
    struct trimming_reader x = {j, {.next_seq = 1}};
    uint64_t first, last;

    (void)state;
    commit_some(j, P, 1, 3000);
    last = journal_read(j, P, 0, UINT32_MAX, UINT64_MAX, trim_under_the_reader, &x, &first);
    assert_true(last >= 20 && last < 3000);
    assert_int_equal(x.reading.count, last);
    expect_read(j, P, last, UINT32_MAX, UINT64_MAX, 3001, 6000, 3001);
    journal_close(&j);
}

/* --- threads --------------------------------------------------------------------------------- */

enum { READERS = 3, BATCHES = 400, BATCH = 25 };

struct reader {
    pthread_t thread;
    struct journal *journal;
    unsigned number;
    uint64_t seen;
};

static void *read_all(void *arg)
{
    struct reader *me = arg;
    struct reading x = {.next_seq = 1};
    struct slice key = slice_make(&me->number, sizeof(me->number));

    while (me->seen < BATCHES * BATCH) {
        uint64_t first;
        uint64_t last =
            journal_read(me->journal, P, me->seen, 100, 1 << 20, check_record, &x, &first);

        assert_true(first <= me->seen + 1); /* what we need is kept */
        if (last == me->seen)
            sched_yield();
        me->seen = last;
        save_cursor(me->journal, P, key, last);
        assert_true(journal_last_seq(me->journal, P) >= last);
    }
    journal_remove_cursor(me->journal, P, key);
    return NULL;
}

static void readers_beside_the_committing_thread(void **state)
{
    struct journal *j = journal_memory_new(&no_limits);
    struct reader readers[READERS];

    (void)state;
    for (unsigned i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.journal = j, .number = i};
        save_cursor(j, P, slice_make(&readers[i].number, sizeof(unsigned)), 0);
    }
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_all, &readers[i]), 0);
    for (unsigned batch = 0; batch < BATCHES; batch++) {
        commit_some(j, P, batch * BATCH + 1, (batch + 1) * BATCH);
        (void)journal_trim(j, 0);
        if (batch % 8 == 0)
            sched_yield();
    }
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
    (void)journal_trim(j, 0);
    assert_int_equal(oldest(j, P), BATCHES * BATCH + 1);
    journal_close(&j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(a_batch_is_seen_after_its_commit),
        LEFTOVER_TEST(each_project_has_its_own_numbers),
        LEFTOVER_TEST(reading_begins_anywhere),
        LEFTOVER_TEST(reading_ends_where_it_is_told_to),
        LEFTOVER_TEST(records_of_any_size),
        LEFTOVER_TEST(records_know_when_they_were_committed),
        LEFTOVER_TEST(cursors_are_kept_by_project_and_name),
        LEFTOVER_TEST(a_reader_may_use_cursors_while_it_reads),
        LEFTOVER_TEST(what_no_cursor_needs_goes),
        LEFTOVER_TEST(without_cursors_nothing_is_kept),
        LEFTOVER_TEST(an_open_batch_is_not_trimmed),
        LEFTOVER_TEST(retention_by_age),
        LEFTOVER_TEST(retention_by_size),
        LEFTOVER_TEST(one_record_larger_than_the_limit_stays),
        LEFTOVER_TEST(a_removed_project_begins_anew),
        LEFTOVER_TEST(a_segment_outlives_its_reader),
        LEFTOVER_TEST(readers_beside_the_committing_thread),
    };

    store_counters_register();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
