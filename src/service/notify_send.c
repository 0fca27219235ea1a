/*
 * The thread that tells: what is owed next is read from disk, posted, and removed when it is told.
 *
 * Pauses belong to the target, not to the change, so a server that is down is not asked more often
 * because more waits.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "service/counters.h"
#include "service/events.h"
#include "service/notify_priv.h"
#include "store/alarm_outbox.h"

enum {
    AT_ONCE_MAX = 64,       /* requests under way */
    PAUSE_MS = 2000,        /* before the second try; doubled with each failure, */
    PAUSE_MAX_MS = 600000,  /* up to this; each is cut by up to a half, so that those who failed */
    PAUSE_DOUBLINGS = 9,    /* together do not come back together */
    DISK_PAUSE_MS = 1000,   /* when the disk cannot be read or written */
    WAIT_MAX_MS = 60 * 1000 /* of the thread, when nothing is due */
};

/* Under the lock: one more was told, or will not be. */
static void settle(struct notify_target *t)
{
    if (t->state.waiting == 0)
        return; /* the row of a commit that was thought to have failed */
    t->state.waiting--;
    counter_add(&CT_notifications_waiting, -1);
}

/* --- a try ------------------------------------------------------------------------------------ */

static uint64_t pause_after(unsigned failures)
{
    unsigned doublings = failures - 1 < PAUSE_DOUBLINGS ? failures - 1 : PAUSE_DOUBLINGS;
    uint64_t ms = (uint64_t)PAUSE_MS << doublings;

    if (ms > PAUSE_MAX_MS)
        ms = PAUSE_MAX_MS;
    return ms - ident_random(IDENT_RULE) % (ms / 2);
}

static void log_target(const struct notify_target *t, const struct notifier *notifier, bool works)
{
    char project[IDENT_TEXT_LEN + 1];

    ident_format(IDENT_PROJECT, notifier->project_id, project);
    if (works)
        log_event(EV_NOTIFIER_WORKS, "project", project, "notifier", notifier->name);
    else
        log_event(EV_NOTIFIER_FAILS, "project", project, "notifier", notifier->name, "status",
                  log_int(t->now.status), "cause", t->now.cause);
}

/* The row of a change goes. False: it could not be removed, and is not to be told again. */
static bool remove_row(struct notify_target *t, uint64_t number)
{
    if (alarm_outbox_remove(t->notify->settings.store, t->notifier_id, number) == ST_OK) {
        notify_lock(t->notify);
        settle(t);
        notify_unlock(t->notify);
        return true;
    }
    t->delivered = number;
    t->next_ms = clock_mono_ms() + DISK_PAUSE_MS;
    return false;
}

static void give_up(struct notify_target *t, uint64_t number, const char *cause)
{
    counter_inc(notifications_given_up);
    log_event(EV_NOTIFICATION_GIVEN_UP, "delivery", t->now.delivery, "cause", cause);
    (void)remove_row(t, number);
}

static void on_delivered(struct notify_target *t)
{
    counter_inc(notifications_sent);
    (void)remove_row(t, t->number);
}

static void on_failed(struct notify_target *t, unsigned failures)
{
    counter_inc(notification_failures);
    t->next_ms = clock_mono_ms() + pause_after(failures);
    if (t->tries >= t->notify->settings.tries_max)
        give_up(t, t->number, "it was tried too often");
}

/* A test tells how things are and changes nothing of it. */
static void end_test(struct notify_target *t)
{
    notify_lock(t->notify);
    t->test = t->now;
    t->state.last = t->now;
    t->tests_done = t->ticket;
    invariant(pthread_cond_broadcast(&t->notify->tested) == 0);
    notify_unlock(t->notify);
}

static void end_try(struct notify_target *t)
{
    unsigned failures;
    struct notifier *notifier;
    bool has_changed;

    notify_lock(t->notify);
    has_changed = t->now.is_delivered ? t->state.failures > 0 : t->state.failures == 0;
    t->state.failures = t->now.is_delivered ? 0 : t->state.failures + 1;
    failures = t->state.failures;
    t->state.last = t->now;
    t->has_work = true;
    notifier = t->notifier == NULL ? NULL : notifier_ref(t->notifier);
    notify_unlock(t->notify);
    if (has_changed && notifier != NULL)
        log_target(t, notifier, t->now.is_delivered);
    notifier_unref(&notifier);
    if (t->now.is_delivered)
        on_delivered(t);
    else
        on_failed(t, failures);
}

static void on_answer(const struct web_answer *a, void *arg)
{
    struct notify_target *t = arg;

    t->is_busy = false;
    t->notify->under_way--;
    t->now.status = a->status;
    t->now.is_delivered = a->status >= 200 && a->status < 300;
    (void)snprintf(t->now.cause, sizeof(t->now.cause), "%s", a->cause == NULL ? "" : a->cause);
    if (t->number == 0)
        end_test(t);
    else
        end_try(t);
}

static void post(struct notify_target *t, const struct notifier *notifier, struct slice body)
{
    char timestamp[24], signature[NOTIFIER_SIGNATURE_MAX + 1];
    const struct web_header headers[] = {{"Content-Type", "application/json"},
                                         {"webhook-id", t->now.delivery},
                                         {"webhook-timestamp", timestamp},
                                         {"webhook-signature", signature}};
    struct web_post p = {notifier->url, headers, sizeof(headers) / sizeof(headers[0]), body};

    (void)snprintf(timestamp, sizeof(timestamp), "%" PRId64, t->now.at_ms / 1000);
    notifier_sign(notifier, t->now.delivery, timestamp, body, signature);
    t->is_busy = true;
    t->notify->under_way++;
    web_client_post(t->notify->web, &p, on_answer, t);
}

static void post_test(struct notify_target *t, const struct notifier *notifier, uint64_t ticket)
{
    struct buffer body = {0};

    t->number = 0;
    t->ticket = ticket;
    t->now = (struct notify_result){.at_ms = clock_unix_ms(), .is_test = true, .tries = 1};
    (void)snprintf(t->now.delivery, sizeof(t->now.delivery), "test-%" PRId64 "-%" PRIu64,
                   t->now.at_ms, ticket);
    notifier_write_test(notifier, t->now.at_ms, &body);
    post(t, notifier, buffer_slice(&body));
    buffer_deinit(&body);
}

/* Tells a change, unless it is not worth it any more. True: it is under way. */
static bool post_change(struct notify_target *t, const struct notifier *notifier,
                        const struct alarm_record *r)
{
    struct buffer body = {0};

    if (t->tried != r->number)
        t->tries = 0;
    t->tried = t->number = r->number;
    t->now = (struct notify_result){.at_ms = clock_unix_ms(), .tries = ++t->tries};
    (void)snprintf(t->now.delivery, sizeof(t->now.delivery),
                   "alarm-%" PRId64 "-%" PRIu64 "-%" PRIu64, r->ts_ms, r->number, t->notifier_id);
    if (t->now.at_ms - r->ts_ms > (int64_t)t->notify->settings.retry_ms)
        give_up(t, r->number, "it is too old");
    else if (notifier_write_alarm(notifier, r, &body) != ST_OK)
        give_up(t, r->number, "it is damaged");
    else
        post(t, notifier, buffer_slice(&body));
    buffer_deinit(&body);
    return t->is_busy;
}

/* Looks at the oldest change that is owed. True: there may be another one. */
static bool tell_next(struct notify_target *t, const struct notifier *notifier)
{
    struct alarm_record r;
    struct buffer bytes = {0};
    enum status st = alarm_outbox_first(t->notify->settings.store, t->notifier_id, &r, &bytes);
    bool goes_on = st != ST_NOT_FOUND;

    t->now.delivery[0] = '\0';
    if (st == ST_CORRUPT)
        give_up(t, r.number, "it is not in the history any more");
    else if (st == ST_IO)
        t->next_ms = clock_mono_ms() + DISK_PAUSE_MS;
    else if (st == ST_OK && r.number == t->delivered)
        (void)remove_row(t, r.number);
    else if (st == ST_OK)
        (void)post_change(t, notifier, &r);
    buffer_deinit(&bytes);
    return goes_on;
}

/* --- the thread ------------------------------------------------------------------------------- */

/* What is to be done with a target now. */
struct step {
    struct notifier *notifier; /* a reference; NULL: nothing */
    uint64_t ticket;           /* of the test that is asked for; 0: none */
    uint64_t next_ms;          /* monotonic; when there will be; UINT64_MAX: nothing is known */
    bool is_gone;
};

static struct step next_step(struct notify_target *t, uint64_t now_ms)
{
    struct step step = {.next_ms = UINT64_MAX};

    notify_lock(t->notify);
    if (t->is_renewed) {
        t->is_renewed = false;
        t->next_ms = 0;
    }
    step.is_gone = t->notifier == NULL;
    if (t->notifier != NULL && t->tests_asked > t->tests_done) {
        step.ticket = t->tests_asked;
        step.notifier = notifier_ref(t->notifier);
    } else if (t->notifier != NULL && t->notifier->is_enabled && t->has_work) {
        step.next_ms = t->next_ms;
        if (now_ms >= t->next_ms) {
            t->has_work = false; /* before it is looked at */
            step.notifier = notifier_ref(t->notifier);
        }
    }
    notify_unlock(t->notify);
    return step;
}

static void set_work(struct notify_target *t)
{
    notify_lock(t->notify);
    t->has_work = true;
    notify_unlock(t->notify);
}

/* Who is gone is owed nothing. Gives when to try again; UINT64_MAX: the target is freed. */
static uint64_t forget(struct notify_target *t, uint64_t now_ms)
{
    struct notify *n = t->notify;

    if (alarm_outbox_remove_notifier(n->settings.store, t->notifier_id) != ST_OK)
        return now_ms + DISK_PAUSE_MS;
    notify_lock(n);
    notify_remove_target(t);
    notify_unlock(n);
    counter_add(&CT_notifications_waiting, -(int64_t)t->state.waiting);
    mem_free(t);
    return UINT64_MAX;
}

/* Gives when it wants to be looked at again; monotonic. */
static uint64_t work_on(struct notify_target *t, uint64_t now_ms)
{
    struct step step;

    if (t->is_busy || t->notify->under_way >= AT_ONCE_MAX)
        return UINT64_MAX; /* an answer comes before that */
    step = next_step(t, now_ms);
    if (step.is_gone)
        return forget(t, now_ms);
    if (step.ticket != 0) {
        post_test(t, step.notifier, step.ticket);
    } else if (step.notifier != NULL) {
        step.next_ms = UINT64_MAX;
        if (tell_next(t, step.notifier)) {
            set_work(t);
            step.next_ms = t->is_busy ? UINT64_MAX : t->next_ms;
        }
    }
    notifier_unref(&step.notifier);
    return step.next_ms;
}

/* Gives for how long there is nothing to do. */
static unsigned work(struct notify *n)
{
    uint64_t now_ms = clock_mono_ms(), next_ms = now_ms + WAIT_MAX_MS;
    struct list *node, *following;

    notify_lock(n);
    node = n->targets.next;
    notify_unlock(n);
    while (node != &n->targets) {
        uint64_t wanted_ms;

        notify_lock(n);
        following = node->next;
        notify_unlock(n);
        wanted_ms = work_on(notify_target_at(node), now_ms);
        if (wanted_ms < next_ms)
            next_ms = wanted_ms;
        node = following;
    }
    return next_ms <= now_ms ? 0 : (unsigned)(next_ms - now_ms);
}

static bool is_stopping(struct notify *n)
{
    bool stopping;

    notify_lock(n);
    stopping = n->is_stopping;
    notify_unlock(n);
    return stopping;
}

void *notify_send_run(void *arg)
{
    struct notify *n = arg;

    pthread_setname_np(pthread_self(), "notify");
    counter_thread_attach();
    while (!is_stopping(n))
        web_client_turn(n->web, work(n));
    return NULL;
}
