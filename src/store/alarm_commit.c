/*
 * Submissions gather under a short lock; the committing thread takes them all and stores them in
 * one transaction. A batch that cannot be stored stays and is tried again: what comes meanwhile
 * waits behind it. Removals of projects run behind the batch before which they were asked for.
 */
#include "store/alarm_commit.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "base/invariant.h"
#include "base/mem.h"
#include "store/counters.h"
#include "store/events.h"

enum {
    ALARM_COMMIT_MAGIC = 0x41434F4D,
    TRIM_MS = 5000,      /* between two looks at the limits */
    RETRY_MS = 1000,     /* between two attempts to store a batch, */
    RETRY_STOP_MS = 200, /* and when the server is stopping, */
    RETRIES_STOP = 10    /* which cannot wait for ever */
};

struct alarm_commit {
    uint32_t magic;
    struct alarm_commit_plan plan;
    struct alarm_store *store; /* borrowed: outlives us, as alarm_commit_new asks */
    alarm_committed_fn fn;
    void *arg;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    /* guarded by the mutex */
    struct alarm_request *first, *last; /* owned; submitted */
    size_t waiting;                     /* bytes, of the batch too */
    struct buffer removals;             /* owned; project identifiers */
    bool is_stopping;
    /* the committing thread's */
    struct alarm_request *batch;  /* owned; taken, not stored yet */
    struct alarm_request *cursor; /* in the batch, while it is being stored */
    size_t batch_bytes;
    struct buffer batch_removals; /* owned */
    uint64_t next_trim_ms;        /* monotonic */
};

static size_t request_len(const struct alarm_record *r)
{
    return sizeof(struct alarm_request) + r->name.len + r->values.len;
}

struct alarm_request *alarm_request_new(const struct alarm_record *r)
{
    struct alarm_request *a = mem_alloc(MEM_ALARM, request_len(r));
    uint8_t *text = (uint8_t *)(a + 1);

    *a = (struct alarm_request){.record = *r};
    memcpy(text, r->name.data, r->name.len);
    a->record.name.data = text;
    if (r->values.len > 0)
        memcpy(text + r->name.len, r->values.data, r->values.len);
    a->record.values.data = text + r->name.len;
    return a;
}

void alarm_request_free(struct alarm_request **rp)
{
    mem_free((uint64_t *)(uintptr_t)(*rp)->record.owed);
    mem_free(*rp);
    *rp = NULL;
}

void alarm_request_owe(struct alarm_request *a, const uint64_t *notifiers, size_t count)
{
    uint64_t *owed = mem_alloc(MEM_ALARM, count * sizeof(*owed));

    invariant(a->record.owed == NULL && count > 0);
    memcpy(owed, notifiers, count * sizeof(*owed));
    a->record.owed = owed;
    a->record.owed_count = count;
}

static void lock(struct alarm_commit *c)
{
    invariant(pthread_mutex_lock(&c->mutex) == 0);
}

static void unlock(struct alarm_commit *c)
{
    invariant(pthread_mutex_unlock(&c->mutex) == 0);
}

/* --- submitters ------------------------------------------------------------------------------ */

static void drop(struct alarm_request *first, const char *why)
{
    int64_t count = 0;

    while (first != NULL) {
        struct alarm_request *next = first->next;

        alarm_request_free(&first);
        first = next;
        count++;
    }
    counter_add(&CT_alarm_records_dropped, count);
    log_event(EV_ALARM_RECORDS_DROPPED, "records", log_int(count), "cause", why);
}

void alarm_commit_submit(struct alarm_commit *c, struct alarm_request *first)
{
    struct alarm_request *last = first;
    size_t len = request_len(&first->record);
    bool was_empty, is_full;

    invariant(c->magic == ALARM_COMMIT_MAGIC);
    while (last->next != NULL) {
        last = last->next;
        len += request_len(&last->record);
    }
    lock(c);
    was_empty = c->first == NULL;
    is_full = len > c->plan.waiting_max - c->waiting;
    if (!is_full) {
        if (was_empty)
            c->first = first;
        else
            c->last->next = first;
        c->last = last;
        c->waiting += len;
    }
    unlock(c);
    if (is_full)
        drop(first, "too many wait for the disk");
    else if (was_empty)
        pthread_cond_signal(&c->wake);
}

void alarm_commit_remove_project(struct alarm_commit *c, uint64_t project_id)
{
    lock(c);
    buffer_append(&c->removals, &project_id, sizeof(project_id));
    unlock(c);
    pthread_cond_signal(&c->wake);
}

/* --- committing thread ----------------------------------------------------------------------- */

static void take(struct alarm_commit *c)
{
    lock(c);
    c->batch = c->first;
    c->batch_bytes = c->waiting;
    c->first = c->last = NULL;
    buffer_append_slice(&c->batch_removals, buffer_slice(&c->removals));
    c->removals.len = 0;
    unlock(c);
    if (c->batch != NULL && c->plan.owing != NULL)
        c->plan.owing(c->batch, c->arg);
}

static struct alarm_record *next_record(bool restart, void *arg)
{
    struct alarm_commit *c = arg;

    c->cursor = restart ? c->batch : c->cursor->next;
    return c->cursor == NULL ? NULL : &c->cursor->record;
}

static bool commit_batch(struct alarm_commit *c)
{
    struct alarm_request *batch = c->batch;

    if (alarm_store_append(c->store, next_record, c) != ST_OK) {
        counter_inc(alarm_commit_failures);
        return false;
    }
    for (const struct alarm_request *r = batch; r != NULL; r = r->next)
        counter_inc(alarm_records);
    c->batch = NULL;
    lock(c);
    c->waiting -= c->batch_bytes;
    unlock(c);
    c->fn(batch, c->arg);
    return true;
}

static void remove_projects(struct alarm_commit *c)
{
    for (size_t at = 0; at < c->batch_removals.len; at += sizeof(uint64_t)) {
        uint64_t project_id;

        memcpy(&project_id, c->batch_removals.data + at, sizeof(project_id));
        if (alarm_store_remove_project(c->store, project_id) != ST_OK)
            counter_inc(alarm_commit_failures); /* what stays goes by its age */
    }
    buffer_deinit(&c->batch_removals);
}

/* True when there may be more to trim. */
static bool trim(struct alarm_commit *c)
{
    size_t removed;

    if (alarm_store_trim(c->store, &c->plan.limits, clock_unix_ms(), &removed) != ST_OK) {
        counter_inc(alarm_commit_failures);
        return false;
    }
    counter_add(&CT_alarm_records_trimmed, (int64_t)removed);
    return removed == ALARM_STORE_TRIM_MAX;
}

static void trim_if_due(struct alarm_commit *c)
{
    uint64_t now_ms = clock_mono_ms();

    if (now_ms >= c->next_trim_ms)
        c->next_trim_ms = trim(c) ? now_ms : now_ms + TRIM_MS;
}

bool alarm_commit_turn(struct alarm_commit *c)
{
    bool had_batch;

    if (c->batch == NULL)
        take(c);
    had_batch = c->batch != NULL;
    if (had_batch && !commit_batch(c))
        return false;
    remove_projects(c);
    trim_if_due(c);
    return had_batch;
}

/* Waits `ms`, or until there is something to do; with `for_work` false until the stop. */
static void wait_for(struct alarm_commit *c, uint64_t ms, bool for_work)
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

static bool is_stopping(struct alarm_commit *c)
{
    bool stopping;

    lock(c);
    stopping = c->is_stopping;
    unlock(c);
    return stopping;
}

static void *run(void *arg)
{
    struct alarm_commit *c = arg;

    pthread_setname_np(pthread_self(), "alarms");
    counter_thread_attach();
    while (!is_stopping(c)) {
        uint64_t now_ms;

        if (alarm_commit_turn(c))
            continue;
        now_ms = clock_mono_ms();
        if (c->batch != NULL)
            wait_for(c, RETRY_MS, false);
        else
            wait_for(c, c->next_trim_ms > now_ms ? c->next_trim_ms - now_ms : 0, true);
    }
    return NULL;
}

/* --- begin and end --------------------------------------------------------------------------- */

struct alarm_commit *alarm_commit_new(struct alarm_store *s, const struct alarm_commit_plan *plan,
                                      alarm_committed_fn fn, void *arg)
{
    struct alarm_commit *c = mem_new_of(MEM_ALARM, struct alarm_commit);
    pthread_condattr_t attributes;

    c->magic = ALARM_COMMIT_MAGIC;
    c->plan = *plan;
    c->store = s;
    c->fn = fn;
    c->arg = arg;
    invariant(pthread_mutex_init(&c->mutex, NULL) == 0);
    invariant(pthread_condattr_init(&attributes) == 0);
    invariant(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    invariant(pthread_cond_init(&c->wake, &attributes) == 0);
    pthread_condattr_destroy(&attributes);
    if (plan->is_threaded)
        invariant(pthread_create(&c->thread, NULL, run, c) == 0);
    return c;
}

static void give_up(struct alarm_commit *c)
{
    struct alarm_request **end = &c->batch;

    while (*end != NULL)
        end = &(*end)->next;
    *end = c->first;
    c->first = c->last = NULL;
    drop(c->batch, "the server stopped while the disk could not be written");
    c->batch = NULL;
}

static void commit_rest(struct alarm_commit *c)
{
    const struct timespec pause = {0, RETRY_STOP_MS * 1000000L};

    for (unsigned tries = 0; tries < RETRIES_STOP; tries++) {
        while (alarm_commit_turn(c)) {}
        if (c->batch == NULL)
            return;
        if (c->plan.is_threaded)
            (void)nanosleep(&pause, NULL);
    }
    give_up(c);
}

void alarm_commit_free(struct alarm_commit **cp)
{
    struct alarm_commit *c = *cp;

    *cp = NULL;
    if (c == NULL)
        return;
    invariant(c->magic == ALARM_COMMIT_MAGIC);
    lock(c);
    c->is_stopping = true;
    unlock(c);
    pthread_cond_signal(&c->wake);
    if (c->plan.is_threaded)
        invariant(pthread_join(c->thread, NULL) == 0);
    commit_rest(c);
    buffer_deinit(&c->removals);
    buffer_deinit(&c->batch_removals);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->mutex);
    c->magic = 0;
    mem_free(c);
}
