/*
 * Carries out what workers order of the registrar: devices below others. Orders wait behind a lock
 * until the main thread takes them, many at once, for one transaction; then the workers learn of
 * the new devices as of any change of the registry, and after that each order goes back.
 */
#include <pthread.h>

#include "app/events.h"
#include "app/server_priv.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/invariant.h"
#include "platform/counters.h"

enum {
    ORDERS_WAITING_MAX = 10000, /* of all gateways */
    ORDERS_AT_ONCE_MAX = 1000   /* in one transaction, so that nobody else waits long for it */
};

struct device_orders {
    pthread_mutex_t lock;
    struct registrar_order *first, *last; /* owned; linked by next, oldest first */
    unsigned count;
    struct loop *loop; /* borrowed: the main thread's */
};

static bool submit(void *arg, struct registrar_order *o)
{
    struct device_orders *q = arg;
    bool has_room;

    o->next = NULL;
    pthread_mutex_lock(&q->lock);
    has_room = q->count < ORDERS_WAITING_MAX;
    if (has_room) {
        if (q->first == NULL)
            q->first = o;
        else
            q->last->next = o;
        q->last = o;
        q->count++;
    }
    pthread_mutex_unlock(&q->lock);
    if (has_room)
        loop_wake(q->loop);
    return has_room;
}

void device_orders_open(struct server *s)
{
    s->orders = mem_new_of(MEM_BASE, struct device_orders);
    s->orders->loop = s->loop;
    invariant(pthread_mutex_init(&s->orders->lock, NULL) == 0);
    s->registrar = (struct registrar){.submit = submit, .arg = s->orders};
}

/* The oldest, up to a number of them. */
static struct registrar_order *take(struct device_orders *q, unsigned max)
{
    struct registrar_order *first, *last;
    unsigned count = 1;

    pthread_mutex_lock(&q->lock);
    first = last = q->first;
    for (; last != NULL && last->next != NULL && count < max; count++)
        last = last->next;
    if (first != NULL) {
        q->first = last->next;
        q->count -= count;
        last->next = NULL;
    }
    pthread_mutex_unlock(&q->lock);
    return first;
}

/* --- the registry ---------------------------------------------------------------------------- */

/* A device named by its address; its password is never used, as it does not connect itself. */
static enum status add(struct registry *r, const struct registrar_order *o, uint64_t parent_id,
                       unsigned step, uint64_t *device_id)
{
    struct registry_device d = {.project_id = o->project_id,
                                .type_id = step + 1 == o->step_count ? o->type_id : 0,
                                .enabled = true,
                                .created_ms = clock_unix_ms(),
                                .parent_id = parent_id};
    enum status st;

    memcpy(d.name, o->steps[step], sizeof(d.name));
    memcpy(d.address, o->steps[step], sizeof(d.address));
    ident_random_text(d.password, IDENT_PASSWORD_LEN);
    do {
        d.device_id = ident_random(IDENT_DEVICE);
        st = registry_device_add(r, &d);
    } while (st == ST_EXISTS);
    secret_wipe(d.password, sizeof(d.password));
    *device_id = d.device_id;
    if (st == ST_OK)
        counter_inc(devices_made);
    return st;
}

/* Whoever is there already is not made: the operator was faster, or another message. */
static enum status carry_out(struct registry *r, const struct registrar_order *o)
{
    uint64_t device_id = o->parent_id;
    enum status st = ST_OK;

    for (unsigned i = 0; st == ST_OK && i < o->step_count; i++) {
        uint64_t parent_id = device_id;
        struct registry_device d;

        st = registry_device_find_address(r, parent_id, o->steps[i], &d);
        if (st == ST_OK)
            device_id = d.device_id;
        else if (st == ST_NOT_FOUND)
            st = add(r, o, parent_id, i, &device_id);
        secret_wipe(&d, sizeof(d));
    }
    return st;
}

static void carry_out_all(struct registry *r, struct registrar_order *first)
{
    enum status st = registry_begin(r);

    for (struct registrar_order *o = first; st == ST_OK && o != NULL; o = o->next)
        o->status = carry_out(r, o);
    if (st == ST_OK)
        st = registry_commit(r);
    else
        registry_rollback(r);
    for (struct registrar_order *o = first; st != ST_OK && o != NULL; o = o->next)
        o->status = st;
    if (st != ST_OK)
        log_event(EV_DEVICES_NOT_MADE, "cause", status_text(st));
}

static void answer_all(struct server *s, struct registrar_order *first)
{
    struct worker_outbox out = {0};

    while (first != NULL) {
        struct letter letter = {.open = first->answer, .object = first};
        struct registrar_order *next = first->next;

        worker_outbox_add(s->workers, &out, first->home, &letter);
        first = next;
    }
    worker_outbox_send(s->workers, &out);
}

void device_orders_run(struct server *s)
{
    struct registrar_order *first;

    while ((first = take(s->orders, ORDERS_AT_ONCE_MAX)) != NULL) {
        carry_out_all(s->registry, first);
        s->sync_is_due = true; /* our own connection's changes are not noticed */
        registry_sync_apply(s);
        answer_all(s, first);
    }
}

void device_orders_close(struct server *s)
{
    struct registrar_order *o;

    if (s->orders == NULL)
        return;
    while ((o = take(s->orders, 1)) != NULL)
        mem_free(o);
    pthread_mutex_destroy(&s->orders->lock);
    mem_free(s->orders);
    s->orders = NULL;
}
