/*
 * A call to the device's home, and the receipt of the journal if one is due.
 *
 * Who waits shares an object with the receipt: whoever comes last frees it, since a wait that is
 * given up may be over before the receipt.
 */
#include "service/downlink_call.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "base/invariant.h"
#include "base/mem.h"
#include "base/timed_wait.h"
#include "platform/home.h"
#include "service/downlink.h"

enum { RECEIPT_WAIT_MS = 10000 };

/* What waits for the journal. */
struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t came;
    unsigned references;
    bool has_come;
};

struct run {
    const struct downlink_call *call;
    struct downlink *downlink;
    struct downlink_answer answer;
    struct waiting *waiting;
    bool is_stale, is_too_large;
    struct slice why; /* it is too large; borrowed of the site, which outlives this */
};

static struct waiting *waiting_new(void)
{
    struct waiting *w = mem_new_of(MEM_MESSAGE, struct waiting);

    timed_wait_init(&w->came);
    invariant(pthread_mutex_init(&w->lock, NULL) == 0);
    w->references = 1;
    return w;
}

/* Unlocks too. */
static void waiting_unref(struct waiting *w)
{
    bool is_last = --w->references == 0;

    invariant(pthread_mutex_unlock(&w->lock) == 0);
    if (!is_last)
        return;
    invariant(pthread_cond_destroy(&w->came) == 0);
    invariant(pthread_mutex_destroy(&w->lock) == 0);
    mem_free(w);
}

static void waiting_lock(struct waiting *w)
{
    invariant(pthread_mutex_lock(&w->lock) == 0);
}

/* The pointer travels in a word of the receipt. */
static void open_receipt(struct worker *worker, const struct letter *l)
{
    struct waiting *w = (struct waiting *)(uintptr_t)l->a;

    (void)worker;
    waiting_lock(w);
    w->has_come = true;
    invariant(pthread_cond_signal(&w->came) == 0);
    waiting_unref(w);
}

/* At the device's home. */
static void run(struct worker *w, void *arg)
{
    struct run *r = arg;
    struct router_receipt receipt = {
        .open = open_receipt, .to = w->index, .a = (uint64_t)(uintptr_t)r->waiting};

    r->is_too_large = site_check_payload(site_of(w), r->call->payload, &r->why) != REASON_SUCCESS;
    if (r->is_too_large)
        return;
    r->is_stale = r->call->guard != NULL && !r->call->guard(w, r->call->guard_arg);
    if (r->is_stale)
        return;
    if (r->call->expiry_s != 0) {
        r->downlink->has_expiry = true;
        r->downlink->expires_ms = w->now_ms + r->call->expiry_s * 1000ull;
    }
    r->waiting->references++; /* the receipt's, if it comes: nobody else has it yet */
    downlink_run(home_of(w), r->downlink, &receipt, &r->answer);
    if (!r->answer.is_later)
        r->waiting->references--;
}

/* False: the receipt has not come in time. */
static bool wait_for_receipt(struct waiting *w)
{
    struct timespec until = timed_wait_end(RECEIPT_WAIT_MS);
    int result = 0;

    while (!w->has_come && result == 0)
        result = pthread_cond_timedwait(&w->came, &w->lock, &until);
    return w->has_come;
}

static enum downlink_verdict verdict_of(enum reason reason)
{
    switch (reason) {
    case REASON_SUCCESS:
        return DOWNLINK_DELIVERED;
    case REASON_NO_MATCHING_SUBSCRIBERS:
        return DOWNLINK_NOT_TAKEN;
    case REASON_TOPIC_INVALID:
        return DOWNLINK_NO_DEVICE;
    case REASON_PAYLOAD_FORMAT_INVALID:
        return DOWNLINK_MALFORMED;
    case REASON_QUOTA_EXCEEDED:
        return DOWNLINK_TOO_MANY;
    default:
        return DOWNLINK_REFUSED;
    }
}

void downlink_call(struct worker_group *g, const struct downlink_call *call,
                   struct downlink_call_answer *answer)
{
    struct open_topic topic = {.project_id = call->project_id,
                               .device_id = call->device_id,
                               .kind = call->kind,
                               .stream = call->stream};
    struct property_set none = {0};
    struct run r = {.call = call, .waiting = waiting_new()};
    bool is_stored = true;

    *answer = (struct downlink_call_answer){0};
    r.downlink = downlink_new(&topic, call->payload, slice_make(NULL, 0), &none);
    r.downlink->qos = 1;
    r.downlink->id = &answer->id;
    (void)home_call(g, call->device_id, run, &r);
    downlink_free(&r.downlink);
    waiting_lock(r.waiting);
    if (r.answer.is_later)
        is_stored = wait_for_receipt(r.waiting);
    waiting_unref(r.waiting);
    answer->verdict = is_stored ? verdict_of(r.answer.reason) : DOWNLINK_NOT_STORED;
    if (r.is_stale)
        answer->verdict = DOWNLINK_STALE;
    if (r.is_too_large) {
        answer->verdict = DOWNLINK_TOO_LARGE;
        downlink_refuse(&r.answer, REASON_QUOTA_EXCEEDED, (const char *)r.why.data);
    }
    answer->line = r.answer.line;
    answer->column = r.answer.column;
    answer->has_id = answer->id.len > 0;
    (void)snprintf(answer->why, sizeof(answer->why), "%s", r.answer.why);
}
