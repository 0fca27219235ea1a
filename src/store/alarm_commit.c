/*
 * Submissions gather under a short lock; the committing thread takes them all and stores them in
 * one transaction. A batch that cannot be stored stays and is tried again: what comes meanwhile
 * waits behind it (commit_thread).
 */
#include "store/alarm_commit.h"

#include "base/clock.h"
#include "base/invariant.h"
#include "base/mem.h"
#include "store/commit_thread.h"
#include "store/counters.h"
#include "store/events.h"

enum {
    ALARM_COMMIT_MAGIC = 0x41434F4D,
    TRIM_MS = 5000 /* between two looks at the limits */
};

struct alarm_commit {
    uint32_t magic;
    struct alarm_commit_plan plan;
    struct alarm_store *store; /* borrowed: outlives us, as alarm_commit_new asks */
    alarm_committed_fn fn;
    void *arg;
    struct commit_thread thread;
    /* guarded by the thread's lock */
    struct alarm_request *first, *last; /* owned; submitted */
    size_t waiting;                     /* bytes, of the batch too */
    /* the committing thread's */
    struct alarm_request *batch;  /* owned; taken, not stored yet */
    struct alarm_request *cursor; /* in the batch, while it is being stored */
    size_t batch_bytes;
    uint64_t next_trim_ms; /* monotonic */
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
    commit_thread_lock(&c->thread);
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
    commit_thread_unlock(&c->thread);
    if (is_full)
        drop(first, "too many wait for the disk");
    else if (was_empty)
        commit_thread_wake(&c->thread);
}

void alarm_commit_remove_project(struct alarm_commit *c, uint64_t project_id)
{
    commit_thread_remove_project(&c->thread, project_id);
}

/* --- committing thread ----------------------------------------------------------------------- */

static void take(struct alarm_commit *c)
{
    commit_thread_lock(&c->thread);
    c->batch = c->first;
    c->batch_bytes = c->waiting;
    c->first = c->last = NULL;
    commit_thread_take_removals(&c->thread);
    commit_thread_unlock(&c->thread);
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
    commit_thread_lock(&c->thread);
    c->waiting -= c->batch_bytes;
    commit_thread_unlock(&c->thread);
    c->fn(batch, c->arg);
    return true;
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
    commit_thread_run_removals(&c->thread);
    trim_if_due(c);
    return had_batch;
}

/* --- for the thread --------------------------------------------------------------------------- */

static bool has_work(const void *arg)
{
    return ((const struct alarm_commit *)arg)->first != NULL;
}

static bool turn(void *arg)
{
    return alarm_commit_turn(arg);
}

static bool is_stuck(const void *arg)
{
    return ((const struct alarm_commit *)arg)->batch != NULL;
}

static uint64_t idle_until_ms(const void *arg)
{
    return ((const struct alarm_commit *)arg)->next_trim_ms;
}

static void remove_project(void *arg, uint64_t project_id)
{
    if (alarm_store_remove_project(((struct alarm_commit *)arg)->store, project_id) != ST_OK)
        counter_inc(alarm_commit_failures); /* what stays goes by its age */
}

static void give_up(void *arg)
{
    struct alarm_commit *c = arg;
    struct alarm_request **end = &c->batch;

    while (*end != NULL)
        end = &(*end)->next;
    *end = c->first;
    c->first = c->last = NULL;
    drop(c->batch, "the server stopped while the disk could not be written");
    c->batch = NULL;
}

static const struct commit_thread_owner owner = {
    "alarms", has_work, turn, is_stuck, idle_until_ms, remove_project, give_up,
};

/* --- begin and end --------------------------------------------------------------------------- */

struct alarm_commit *alarm_commit_new(struct alarm_store *s, const struct alarm_commit_plan *plan,
                                      alarm_committed_fn fn, void *arg)
{
    struct alarm_commit *c = mem_new_of(MEM_ALARM, struct alarm_commit);

    c->magic = ALARM_COMMIT_MAGIC;
    c->plan = *plan;
    c->store = s;
    c->fn = fn;
    c->arg = arg;
    commit_thread_start(&c->thread, &owner, c, plan->is_threaded);
    return c;
}

void alarm_commit_free(struct alarm_commit **cp)
{
    struct alarm_commit *c = *cp;

    *cp = NULL;
    if (c == NULL)
        return;
    invariant(c->magic == ALARM_COMMIT_MAGIC);
    commit_thread_stop(&c->thread);
    c->magic = 0;
    mem_free(c);
}
