/*
 * Who is told of alarms, who is owed what, and how it goes. The thread that tells is notify_send.c.
 */
#include "service/notify.h"

#include <errno.h>
#include <time.h>

#include "base/mem.h"
#include "base/timed_wait.h"
#include "service/counters.h"
#include "service/events.h"
#include "service/notify_priv.h"
#include "store/alarm_outbox.h"
#include "store/registry_notifier.h"

static bool target_equal(const void *item, const void *key)
{
    return ((const struct notify_target *)item)->notifier_id == *(const uint64_t *)key;
}

static bool project_equal(const void *item, const void *key)
{
    return ((const struct notify_project *)item)->project_id == *(const uint64_t *)key;
}

/* Under the lock, as the following. */
static struct notify_target *find(const struct notify *n, uint64_t notifier_id)
{
    return hash_table_find(&n->by_id, hash_u64(notifier_id), &notifier_id);
}

static struct notify_project *find_project(const struct notify *n, uint64_t project_id)
{
    return hash_table_find(&n->by_project, hash_u64(project_id), &project_id);
}

static struct notify_target *add(struct notify *n, uint64_t notifier_id)
{
    struct notify_target *t = mem_new_of(MEM_ALARM, struct notify_target);

    t->notify = n;
    t->notifier_id = notifier_id;
    list_push_back(&n->targets, &t->node);
    hash_table_put(&n->by_id, hash_u64(notifier_id), t);
    return t;
}

void notify_remove_target(struct notify_target *t)
{
    list_remove(&t->node);
    (void)hash_table_remove(&t->notify->by_id, hash_u64(t->notifier_id), &t->notifier_id);
}

/* --- who there is ----------------------------------------------------------------------------- */

static void join_project(struct notify_target *t, uint64_t project_id)
{
    struct notify_project *p = find_project(t->notify, project_id);

    if (p == NULL) {
        p = mem_new_of(MEM_ALARM, struct notify_project);
        p->project_id = project_id;
        list_init(&p->targets);
        hash_table_put(&t->notify->by_project, hash_u64(project_id), p);
    }
    list_push_back(&p->targets, &t->project_node);
}

/* It is gone, and will be freed by the thread that tells. */
static void leave_project(struct notify_target *t)
{
    uint64_t project_id = t->notifier->project_id;
    struct notify_project *p = find_project(t->notify, project_id);

    list_remove(&t->project_node);
    notifier_unref(&t->notifier);
    if (!list_is_empty(&p->targets))
        return;
    (void)hash_table_remove(&t->notify->by_project, hash_u64(project_id), &project_id);
    mem_free(p);
}

static void put(struct notify *n, struct notifier *notifier)
{
    struct notify_target *t = find(n, notifier->notifier_id);

    if (t == NULL)
        t = add(n, notifier->notifier_id);
    t->is_listed = true;
    if (t->notifier == NULL)
        join_project(t, notifier->project_id);
    else if (notifier_is_like(t->notifier, notifier))
        return;
    notifier_unref(&t->notifier);
    t->notifier = notifier_ref(notifier);
    t->is_renewed = true;
    t->has_work = true;
}

void notify_put_all(struct notify *n, struct notifier *const *notifiers, size_t count)
{
    notify_lock(n);
    for (size_t i = 0; i < count; i++)
        put(n, notifiers[i]);
    for (struct list *node = n->targets.next; node != &n->targets; node = node->next) {
        struct notify_target *t = notify_target_at(node);

        if (!t->is_listed && t->notifier != NULL)
            leave_project(t);
        t->is_listed = false;
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
    struct notify_project *p = find_project(n, r->project_id);
    size_t count = 0;

    if (p == NULL)
        return 0;
    for (struct list *node = p->targets.next; node != &p->targets; node = node->next) {
        struct notify_target *t = list_entry(node, struct notify_target, project_node);

        if (count == max || !notifier_wants(t->notifier, r))
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
    hash_table_init(&n->by_id, MEM_ALARM, target_equal);
    hash_table_init(&n->by_project, MEM_ALARM, project_equal);
    invariant(pthread_mutex_init(&n->mutex, NULL) == 0);
    timed_wait_init(&n->tested);
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
        struct notify_target *t = notify_target_at(n->targets.next);

        if (t->notifier != NULL)
            leave_project(t);
        notify_remove_target(t);
        mem_free(t);
    }
    hash_table_deinit(&n->by_id);
    hash_table_deinit(&n->by_project);
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

enum status notify_test_result(struct notify *n, uint64_t notifier_id, uint64_t ticket,
                               unsigned wait_ms, struct notify_result *out)
{
    struct timespec until = timed_wait_end(wait_ms);
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
