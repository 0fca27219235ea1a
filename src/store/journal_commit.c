/*
 * Submissions gather under a short lock; the committing thread takes them all, appends and commits
 * them, and calls back. A batch that cannot be committed stays and is tried again: what comes
 * meanwhile waits behind it. Removals of projects that were asked for before a batch was taken run
 * behind it, so that nothing of it is left.
 */
#include "store/journal_commit.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"
#include "base/invariant.h"
#include "base/mem.h"
#include "store/counters.h"
#include "store/events.h"

enum {
    JOURNAL_COMMIT_MAGIC = 0x4A434F4D,
    TRIM_MS = 1000,      /* between two trims */
    RETRY_MS = 1000,     /* between two attempts to commit a batch, */
    RETRY_STOP_MS = 200, /* and when the server is stopping, */
    RETRIES_STOP = 10    /* which cannot wait for ever */
};

struct journal_commit {
    uint32_t magic;
    bool is_threaded;
    struct journal *journal; /* borrowed: outlives us, as journal_commit_new asks */
    journal_committed_fn fn;
    void *arg;
    size_t waiting_max;     /* set before anything is submitted */
    _Atomic size_t waiting; /* bytes of requests that were submitted and not called back */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    /* guarded by the mutex */
    struct journal_request *first, *last; /* owned; submitted */
    struct buffer removals;               /* owned; project identifiers */
    bool is_stopping;
    /* the committing thread's */
    struct journal_request *batch; /* owned; appended, not committed yet */
    struct buffer batch_removals;  /* owned */
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

static void lock(struct journal_commit *c)
{
    invariant(pthread_mutex_lock(&c->mutex) == 0);
}

static void unlock(struct journal_commit *c)
{
    invariant(pthread_mutex_unlock(&c->mutex) == 0);
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
    lock(c);
    was_empty = c->first == NULL;
    if (was_empty)
        c->first = first;
    else
        c->last->next = first;
    c->last = last;
    unlock(c);
    if (was_empty)
        pthread_cond_signal(&c->wake);
}

void journal_commit_remove_project(struct journal_commit *c, uint64_t project_id)
{
    lock(c);
    buffer_append(&c->removals, &project_id, sizeof(project_id));
    unlock(c);
    pthread_cond_signal(&c->wake);
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
    lock(c);
    c->batch = c->first;
    c->first = c->last = NULL;
    buffer_append_slice(&c->batch_removals, buffer_slice(&c->removals));
    c->removals.len = 0;
    unlock(c);
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
    enum status st = journal_commit(c->journal);

    if (st != ST_OK) {
        note_failure(c, st);
        return false;
    }
    note_success(c);
    counter_inc(journal_commits);
    for (const struct journal_request *r = batch; r != NULL; r = r->next)
        counter_add(&CT_journal_rows, r->kind == JOURNAL_REQUEST_ROW);
    c->batch = NULL;
    take_waiting(c, batch);
    c->fn(batch, c->arg);
    return true;
}

static void remove_projects(struct journal_commit *c)
{
    for (size_t at = 0; at < c->batch_removals.len; at += sizeof(uint64_t)) {
        uint64_t project_id;

        memcpy(&project_id, c->batch_removals.data + at, sizeof(project_id));
        journal_remove_project(c->journal, project_id);
    }
    buffer_deinit(&c->batch_removals);
}

static void trim_if_due(struct journal_commit *c)
{
    uint64_t now_ms = clock_mono_ms();

    if (now_ms < c->next_trim_ms)
        return;
    c->next_trim_ms = now_ms + TRIM_MS;
    counter_add(&CT_journal_trimmed, (int64_t)journal_trim(c->journal, clock_unix_ms()));
}

bool journal_commit_turn(struct journal_commit *c)
{
    bool had_batch;

    if (c->batch == NULL)
        take_and_append(c);
    had_batch = c->batch != NULL;
    if (had_batch && !commit_batch(c))
        return false;
    remove_projects(c);
    trim_if_due(c);
    return had_batch;
}

/* Waits `ms`, or until there is something to do; with `for_work` false until the stop. */
static void wait_for(struct journal_commit *c, uint64_t ms, bool for_work)
{
    struct timespec until;
    int result = 0;

    invariant(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    lock(c);
    while (result != ETIMEDOUT && !c->is_stopping &&
           !(for_work && (c->first != NULL || c->removals.len > 0)))
        result = pthread_cond_timedwait(&c->wake, &c->mutex, &until);
    unlock(c);
}

static bool is_stopping(struct journal_commit *c)
{
    bool stopping;

    lock(c);
    stopping = c->is_stopping;
    unlock(c);
    return stopping;
}

static void *run(void *arg)
{
    struct journal_commit *c = arg;

    pthread_setname_np(pthread_self(), "journal");
    counter_thread_attach();
    while (!is_stopping(c)) {
        uint64_t now_ms;

        if (journal_commit_turn(c))
            continue;
        now_ms = clock_mono_ms();
        if (c->batch != NULL)
            wait_for(c, RETRY_MS, false);
        else
            wait_for(c, c->next_trim_ms > now_ms ? c->next_trim_ms - now_ms : 1, true);
    }
    return NULL;
}

/* --- begin and end --------------------------------------------------------------------------- */

struct journal_commit *journal_commit_new(struct journal *j, bool threaded, journal_committed_fn fn,
                                          void *arg)
{
    struct journal_commit *c = mem_new_of(MEM_JOURNAL, struct journal_commit);
    pthread_condattr_t attributes;

    c->magic = JOURNAL_COMMIT_MAGIC;
    c->is_threaded = threaded;
    c->journal = j;
    c->fn = fn;
    c->arg = arg;
    c->waiting_max = JOURNAL_COMMIT_WAITING_MAX;
    c->next_trim_ms = clock_mono_ms() + TRIM_MS;
    invariant(pthread_mutex_init(&c->mutex, NULL) == 0);
    invariant(pthread_condattr_init(&attributes) == 0);
    invariant(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    invariant(pthread_cond_init(&c->wake, &attributes) == 0);
    pthread_condattr_destroy(&attributes);
    if (threaded)
        invariant(pthread_create(&c->thread, NULL, run, c) == 0);
    return c;
}

/* Calls back what could not be stored, without a number. */
static void give_up(struct journal_commit *c)
{
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

static void commit_rest(struct journal_commit *c)
{
    const struct timespec pause = {0, RETRY_STOP_MS * 1000000L};

    for (unsigned tries = 0; tries < RETRIES_STOP; tries++) {
        while (journal_commit_turn(c)) {}
        if (c->batch == NULL)
            return;
        if (c->is_threaded)
            (void)nanosleep(&pause, NULL);
    }
    give_up(c);
}

void journal_commit_free(struct journal_commit **cp)
{
    struct journal_commit *c = *cp;

    *cp = NULL;
    if (c == NULL)
        return;
    invariant(c->magic == JOURNAL_COMMIT_MAGIC);
    lock(c);
    c->is_stopping = true;
    unlock(c);
    pthread_cond_signal(&c->wake);
    if (c->is_threaded)
        invariant(pthread_join(c->thread, NULL) == 0);
    commit_rest(c);
    buffer_deinit(&c->removals);
    buffer_deinit(&c->batch_removals);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->mutex);
    c->magic = 0;
    mem_free(c);
}
