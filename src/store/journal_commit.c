/*
 * Submissions gather under a short lock; the committing thread takes them all, appends and commits
 * them, and calls back. A batch that cannot be committed stays and is tried again: what comes
 * meanwhile waits behind it (commit_thread).
 */
#include "store/journal_commit.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/invariant.h"
#include "base/mem.h"
#include "store/commit_thread.h"
#include "store/counters.h"
#include "store/events.h"

enum {
    JOURNAL_COMMIT_MAGIC = 0x4A434F4D,
    TRIM_MS = 1000,   /* between two trims, */
    TRIM_MORE_MS = 20 /* and while there is more: others have the disk in between */
};

struct journal_commit {
    uint32_t magic;
    struct journal *journal; /* borrowed: outlives us, as journal_commit_new asks */
    journal_committed_fn fn;
    void *arg;
    size_t waiting_max;     /* set before anything is submitted */
    _Atomic size_t waiting; /* bytes of requests that were submitted and not called back */
    struct commit_thread thread;
    struct journal_request *first, *last; /* owned; submitted; guarded by the thread's lock */
    /* the committing thread's */
    struct journal_request *batch; /* owned; appended, not committed yet */
    uint64_t next_trim_ms;         /* monotonic */
    uint64_t stalled_ms;           /* since when commits have failed; monotonic, 0: they do not */
};

struct journal_request *journal_request_new(uint64_t project_id, size_t len)
{
    struct journal_request *r;

    invariant(len <= JOURNAL_RECORD_MAX);
    r = mem_alloc(MEM_JOURNAL, sizeof(*r) + len);
    *r = (struct journal_request){.project_id = project_id, .len = (uint32_t)len};
    return r;
}

struct journal_request *journal_request_new_row(uint64_t project_id, enum journal_table table,
                                                struct slice key, struct slice value)
{
    struct journal_request *r = journal_request_new(project_id, key.len + value.len);

    invariant(key.len > 0 && key.len <= JOURNAL_KEY_MAX);
    r->kind = JOURNAL_REQUEST_ROW;
    r->table = (uint8_t)table;
    r->key_len = (uint16_t)key.len;
    memcpy(r->bytes, key.data, key.len);
    if (value.len > 0)
        memcpy(r->bytes + key.len, value.data, value.len);
    return r;
}

struct journal_request *journal_request_new_barrier(uint64_t project_id)
{
    struct journal_request *r = journal_request_new(project_id, 0);

    r->kind = JOURNAL_REQUEST_BARRIER;
    return r;
}

void journal_request_free(struct journal_request **rp)
{
    mem_free(*rp);
    *rp = NULL;
}

/* --- submitters ------------------------------------------------------------------------------ */

static size_t bytes_of(const struct journal_request *r)
{
    return sizeof(*r) + r->len;
}

void journal_commit_set_limit(struct journal_commit *c, size_t bytes)
{
    c->waiting_max = bytes;
}

bool journal_commit_is_full(const struct journal_commit *c)
{
    return atomic_load_explicit(&c->waiting, memory_order_relaxed) > c->waiting_max;
}

static void add_waiting(struct journal_commit *c, size_t bytes)
{
    atomic_fetch_add_explicit(&c->waiting, bytes, memory_order_relaxed);
    counter_add(&CT_journal_waiting_bytes, (int64_t)bytes);
}

static void take_waiting(struct journal_commit *c, const struct journal_request *first)
{
    size_t bytes = 0;

    for (const struct journal_request *r = first; r != NULL; r = r->next)
        bytes += bytes_of(r);
    atomic_fetch_sub_explicit(&c->waiting, bytes, memory_order_relaxed);
    counter_add(&CT_journal_waiting_bytes, -(int64_t)bytes);
}

void journal_commit_submit(struct journal_commit *c, struct journal_request *first)
{
    struct journal_request *last = first;
    size_t bytes = bytes_of(first);
    bool was_empty;

    invariant(c->magic == JOURNAL_COMMIT_MAGIC && first != NULL);
    while (last->next != NULL) {
        last = last->next;
        bytes += bytes_of(last);
    }
    add_waiting(c, bytes);
    commit_thread_lock(&c->thread);
    was_empty = c->first == NULL;
    if (was_empty)
        c->first = first;
    else
        c->last->next = first;
    c->last = last;
    commit_thread_unlock(&c->thread);
    if (was_empty)
        commit_thread_wake(&c->thread);
}

void journal_commit_remove_project(struct journal_commit *c, uint64_t project_id)
{
    commit_thread_remove_project(&c->thread, project_id);
}

/* --- committing thread ----------------------------------------------------------------------- */

static void add_to_batch(struct journal *j, struct journal_request *r)
{
    struct slice bytes = slice_make(r->bytes, r->len);

    if (r->kind == JOURNAL_REQUEST_RECORD) {
        r->seq = journal_append(j, r->project_id, bytes);
        return;
    }
    r->seq = 1;
    if (r->kind == JOURNAL_REQUEST_BARRIER)
        return;
    journal_put(j, (enum journal_table)r->table, r->project_id, slice_make(r->bytes, r->key_len),
                slice_from(bytes, r->key_len));
}

static void take_and_append(struct journal_commit *c)
{
    commit_thread_lock(&c->thread);
    c->batch = c->first;
    c->first = c->last = NULL;
    commit_thread_take_removals(&c->thread);
    commit_thread_unlock(&c->thread);
    for (struct journal_request *r = c->batch; r != NULL; r = r->next)
        add_to_batch(c->journal, r);
}

static void note_failure(struct journal_commit *c, enum status st)
{
    log_event(EV_JOURNAL_COMMIT_FAILED, "cause",
              st == ST_FULL ? "no room on the disk" : status_text(st));
    counter_inc(journal_commit_failures);
    if (c->stalled_ms != 0)
        return;
    c->stalled_ms = clock_mono_ms();
    counter_add(&CT_journal_stalled, 1);
}

static void note_success(struct journal_commit *c)
{
    if (c->stalled_ms == 0)
        return;
    log_event(EV_JOURNAL_RECOVERED, "seconds",
              log_int((int64_t)((clock_mono_ms() - c->stalled_ms) / 1000)));
    c->stalled_ms = 0;
    counter_add(&CT_journal_stalled, -1);
}

static bool commit_batch(struct journal_commit *c)
{
    struct journal_request *batch = c->batch;
    uint64_t began_us = clock_mono_us();
    enum status st = journal_commit(c->journal);

    if (st != ST_OK) {
        note_failure(c, st);
        return false;
    }
    note_success(c);
    counter_inc(journal_commits);
    counter_add_time(&CT_journal_commit_time, clock_mono_us() - began_us);
    for (const struct journal_request *r = batch; r != NULL; r = r->next)
        counter_add(&CT_journal_rows, r->kind == JOURNAL_REQUEST_ROW);
    c->batch = NULL;
    take_waiting(c, batch);
    c->fn(batch, c->arg);
    return true;
}

static void trim_if_due(struct journal_commit *c)
{
    uint64_t now_ms = clock_mono_ms();
    uint64_t count;

    if (now_ms < c->next_trim_ms)
        return;
    count = journal_trim(c->journal, clock_unix_ms());
    c->next_trim_ms = now_ms + (count < JOURNAL_TRIM_MOST ? TRIM_MS : TRIM_MORE_MS);
    counter_add(&CT_journal_trimmed, (int64_t)count);
}

bool journal_commit_turn(struct journal_commit *c)
{
    bool had_batch;

    if (c->batch == NULL)
        take_and_append(c);
    had_batch = c->batch != NULL;
    if (had_batch && !commit_batch(c))
        return false;
    commit_thread_run_removals(&c->thread);
    trim_if_due(c);
    return had_batch;
}

/* --- for the thread --------------------------------------------------------------------------- */

static bool has_work(const void *arg)
{
    return ((const struct journal_commit *)arg)->first != NULL;
}

static bool turn(void *arg)
{
    return journal_commit_turn(arg);
}

static bool is_stuck(const void *arg)
{
    return ((const struct journal_commit *)arg)->batch != NULL;
}

static uint64_t idle_until_ms(const void *arg)
{
    return ((const struct journal_commit *)arg)->next_trim_ms;
}

static void remove_project(void *arg, uint64_t project_id)
{
    journal_remove_project(((struct journal_commit *)arg)->journal, project_id);
}

/* Calls back what could not be stored, without a number. */
static void give_up(void *arg)
{
    struct journal_commit *c = arg;
    struct journal_request **end = &c->batch;
    struct journal_request *first;
    int64_t count = 0;

    while (*end != NULL)
        end = &(*end)->next;
    *end = c->first;
    first = c->batch;
    c->batch = c->first = c->last = NULL;
    for (struct journal_request *r = first; r != NULL; r = r->next) {
        r->seq = 0;
        count++;
    }
    log_event(EV_JOURNAL_GIVEN_UP, "records", log_int(count));
    counter_add(&CT_journal_given_up, count);
    take_waiting(c, first);
    c->fn(first, c->arg);
}

static const struct commit_thread_owner owner = {
    "journal", has_work, turn, is_stuck, idle_until_ms, remove_project, give_up,
};

/* --- begin and end --------------------------------------------------------------------------- */

struct journal_commit *journal_commit_new(struct journal *j, bool threaded, journal_committed_fn fn,
                                          void *arg)
{
    struct journal_commit *c = mem_new_of(MEM_JOURNAL, struct journal_commit);

    c->magic = JOURNAL_COMMIT_MAGIC;
    c->journal = j;
    c->fn = fn;
    c->arg = arg;
    c->waiting_max = JOURNAL_COMMIT_WAITING_MAX;
    c->next_trim_ms = clock_mono_ms() + TRIM_MS;
    commit_thread_start(&c->thread, &owner, c, threaded);
    return c;
}

void journal_commit_free(struct journal_commit **cp)
{
    struct journal_commit *c = *cp;

    *cp = NULL;
    if (c == NULL)
        return;
    invariant(c->magic == JOURNAL_COMMIT_MAGIC);
    commit_thread_stop(&c->thread);
    c->magic = 0;
    mem_free(c);
}
