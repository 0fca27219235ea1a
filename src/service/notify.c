/*
 * Who is told of alarms, who is owed what, and how it goes. The thread that tells is notify_send.c.
 */
#include "service/notify.h"

#include <errno.h>
#include <time.h>

#include "base/mem.h"
#include "service/counters.h"
#include "service/events.h"
#include "service/notify_priv.h"
#include "store/alarm_outbox.h"
#include "store/registry_notifier.h"

/* Under the lock. */
static struct notify_target *find(struct notify *n, uint64_t notifier_id)
{
    for (struct list *node = n->targets.next; node != &n->targets; node = node->next) {
        if (notify_target_at(node)->notifier_id == notifier_id)
            return notify_target_at(node);
    }
    return NULL;
}

static struct notify_target *add(struct notify *n, uint64_t notifier_id)
{
    struct notify_target *t = mem_new_of(MEM_ALARM, struct notify_target);

    t->notify = n;
    t->notifier_id = notifier_id;
    list_push_back(&n->targets, &t->node);
    return t;
}

/* --- who there is ----------------------------------------------------------------------------- */

/* Under the lock. */
static void put(struct notify *n, struct notifier *notifier)
{
    struct notify_target *t = find(n, notifier->notifier_id);

    if (t == NULL)
        t = add(n, notifier->notifier_id);
    if (t->notifier != NULL && notifier_is_like(t->notifier, notifier))
        return;
    notifier_unref(&t->notifier);
    t->notifier = notifier_ref(notifier);
    t->is_renewed = true;
    t->has_work = true;
}

static bool has(struct notifier *const *notifiers, size_t count, uint64_t notifier_id)
{
    for (size_t i = 0; i < count; i++) {
        if (notifiers[i]->notifier_id == notifier_id)
            return true;
    }
    return false;
}

void notify_put_all(struct notify *n, struct notifier *const *notifiers, size_t count)
{
    notify_lock(n);
    for (size_t i = 0; i < count; i++)
        put(n, notifiers[i]);
    for (struct list *node = n->targets.next; node != &n->targets; node = node->next) {
        if (!has(notifiers, count, notify_target_at(node)->notifier_id))
            notifier_unref(&notify_target_at(node)->notifier);
    }
    invariant(pthread_cond_broadcast(&n->tested) == 0);
    notify_unlock(n);
    web_client_wake(n->web);
}

/* --- what is owed ----------------------------------------------------------------------------- */

/* Under the lock. Gives how many are to tell this change; those that have no room are left out. */
static size_t choose(struct notify *n, const struct alarm_record *r, uint64_t *ids, size_t max,
                     int64_t *dropped)
{
    size_t count = 0;

    for (struct list *node = n->targets.next; node != &n->targets; node = node->next) {
        struct notify_target *t = notify_target_at(node);

        if (t->notifier == NULL || count == max || !notifier_wants(t->notifier, r))
            continue;
        if (t->state.waiting >= n->settings.waiting_max) {
            ++*dropped;
            continue;
        }
        t->state.waiting++;
        ids[count++] = t->notifier_id;
    }
    return count;
}

void notify_owe(struct notify *n, struct alarm_request *first)
{
    uint64_t ids[REGISTRY_NOTIFIERS_MAX];
    int64_t dropped = 0, owed = 0;

    notify_lock(n);
    for (struct alarm_request *r = first; r != NULL; r = r->next) {
        size_t count = choose(n, &r->record, ids, REGISTRY_NOTIFIERS_MAX, &dropped);

        if (count > 0)
            alarm_request_owe(r, ids, count);
        owed += (int64_t)count;
    }
    notify_unlock(n);
    counter_add(&CT_notifications_waiting, owed);
    if (dropped == 0)
        return;
    counter_add(&CT_notifications_dropped, dropped);
    log_event(EV_NOTIFICATIONS_DROPPED, "changes", log_int(dropped));
}

void notify_committed(struct notify *n, const struct alarm_request *first)
{
    bool is_owed = false;

    notify_lock(n);
    for (const struct alarm_request *r = first; r != NULL; r = r->next) {
        for (size_t i = 0; i < r->record.owed_count; i++) {
            struct notify_target *t = find(n, r->record.owed[i]);

            if (t != NULL)
                t->has_work = true;
            is_owed = true;
        }
    }
    notify_unlock(n);
    if (is_owed)
        web_client_wake(n->web);
}

/* --- begin and end ---------------------------------------------------------------------------- */

static void load_target(uint64_t notifier_id, size_t count, void *arg)
{
    struct notify_target *t = add(arg, notifier_id);

    t->state.waiting = count;
    counter_add(&CT_notifications_waiting, (int64_t)count);
}

enum status notify_new(const struct notify_settings *settings, struct notify **out)
{
    struct notify *n = mem_new_of(MEM_ALARM, struct notify);
    enum status st;

    n->settings = *settings;
    list_init(&n->targets);
    invariant(pthread_mutex_init(&n->mutex, NULL) == 0);
    invariant(pthread_cond_init(&n->tested, NULL) == 0);
    n->web = web_client_new(&n->settings.web);
    *out = n;
    st = alarm_outbox_each(settings->store, load_target, n);
    if (st != ST_OK)
        notify_free(out);
    return st;
}

void notify_start(struct notify *n)
{
    invariant(pthread_create(&n->thread, NULL, notify_send_run, n) == 0);
    n->has_thread = true;
}

void notify_stop(struct notify *n)
{
    if (n == NULL)
        return;
    notify_lock(n);
    n->is_stopping = true;
    invariant(pthread_cond_broadcast(&n->tested) == 0);
    notify_unlock(n);
    web_client_wake(n->web);
    if (n->has_thread)
        invariant(pthread_join(n->thread, NULL) == 0);
    n->has_thread = false;
}

void notify_free(struct notify **np)
{
    struct notify *n = *np;

    *np = NULL;
    if (n == NULL)
        return;
    notify_stop(n);
    web_client_free(&n->web);
    while (!list_is_empty(&n->targets)) {
        struct notify_target *t = notify_target_at(list_pop_front(&n->targets));

        notifier_unref(&t->notifier);
        mem_free(t);
    }
    pthread_cond_destroy(&n->tested);
    pthread_mutex_destroy(&n->mutex);
    mem_free(n);
}

/* --- questions -------------------------------------------------------------------------------- */

enum status notify_find(struct notify *n, uint64_t notifier_id, struct notify_state *out)
{
    const struct notify_target *t;

    notify_lock(n);
    t = find(n, notifier_id);
    if (t != NULL)
        *out = t->state;
    notify_unlock(n);
    return t == NULL ? ST_NOT_FOUND : ST_OK;
}

enum status notify_test(struct notify *n, uint64_t notifier_id, uint64_t *ticket)
{
    struct notify_target *t;

    notify_lock(n);
    t = find(n, notifier_id);
    if (t != NULL && t->notifier == NULL)
        t = NULL;
    if (t != NULL)
        *ticket = ++t->tests_asked;
    notify_unlock(n);
    web_client_wake(n->web);
    return t == NULL ? ST_NOT_FOUND : ST_OK;
}

static struct timespec after(unsigned ms)
{
    struct timespec until;

    invariant(clock_gettime(CLOCK_REALTIME, &until) == 0);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return until;
}

enum status notify_test_result(struct notify *n, uint64_t notifier_id, uint64_t ticket,
                               unsigned wait_ms, struct notify_result *out)
{
    struct timespec until = after(wait_ms);
    enum status st = ST_AGAIN;
    int result = 0;

    notify_lock(n);
    while (st == ST_AGAIN) {
        const struct notify_target *t = find(n, notifier_id);

        if (t == NULL || t->notifier == NULL || n->is_stopping) {
            st = ST_NOT_FOUND;
        } else if (t->tests_done >= ticket) {
            *out = t->test;
            st = ST_OK;
        } else if (result == ETIMEDOUT || wait_ms == 0) {
            break;
        } else {
            result = pthread_cond_timedwait(&n->tested, &n->mutex, &until);
        }
    }
    notify_unlock(n);
    return st;
}
