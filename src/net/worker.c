/*
 * Workers and their turns. The thread that runs a worker is the only one that touches it, but for
 * its inbox. While a group is stopped, the thread that stopped it may turn its workers by hand.
 */
#include "net/worker.h"

#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/counter.h"
#include "base/invariant.h"
#include "base/json.h"
#include "base/mem.h"
#include "net/conn.h"
#include "net/out_buffer.h"

enum {
    WORKER_BATCHES_A_TURN = 32, /* 2,048 letters, a millisecond or two */
    WORKER_BACKLOG_HIGH = 256,  /* unopened batches from which who sends more is not read, */
    WORKER_BACKLOG_LOW = 64     /* and below which it is again */
};

struct worker_group {
    unsigned count;
    bool threaded;
    bool is_running;                     /* the threads are; written while none of them is */
    struct worker *workers[WORKERS_MAX]; /* owned */
    pthread_t threads[WORKERS_MAX];
    void (*on_started)(struct worker *w);
    void (*on_ended)(struct worker *w);
};

void worker_take_time(struct worker *w)
{
    w->time_is_stale = false;
    w->now_ms = clock_mono_ms();
    w->unix_ms = clock_unix_ms();
}

static void wake(struct worker *w)
{
    if (w->loop != NULL)
        loop_wake(w->loop);
}

/* Those who waited for us may go on. */
static void call_back(struct worker *w)
{
    uint64_t mask;

    if (atomic_load(&w->hold_back) == 0 || inbox_backlog(&w->inbox) > WORKER_BACKLOG_LOW)
        return;
    mask = atomic_exchange(&w->hold_back, 0);
    for (; mask != 0; mask &= mask - 1)
        wake(w->group->workers[__builtin_ctzll(mask)]);
}

static bool open_letters(struct worker *w)
{
    unsigned count = 0;

    if (w->unopened == NULL)
        w->unopened = inbox_take(&w->inbox);
    for (; w->unopened != NULL && count < WORKER_BATCHES_A_TURN; count++) {
        struct inbox_batch *b = w->unopened;

        w->unopened = b->next;
        for (uint32_t i = 0; i < b->count; i++)
            b->letters[i].open(w, &b->letters[i]);
        inbox_batch_free(&b);
        inbox_opened(&w->inbox);
    }
    if (w->unopened != NULL || !inbox_is_empty(&w->inbox))
        wake(w); /* the rest, in a turn that comes without other input */
    call_back(w);
    return count > 0;
}

void worker_hold_back(struct worker *w)
{
    w->held_for |= w->outgoing.backlogged;
    for (uint64_t mask = w->outgoing.backlogged; mask != 0; mask &= mask - 1)
        atomic_fetch_or(&w->group->workers[__builtin_ctzll(mask)]->hold_back, 1ull << w->index);
}

/* Reads again who was not read for others' sake; asked for by those, and looked at with each tick,
 * as they may have caught up before they heard of it. */
static void go_on(struct worker *w)
{
    if (w->held_for == 0)
        return;
    for (uint64_t mask = w->held_for; mask != 0; mask &= mask - 1) {
        if (inbox_backlog(&w->group->workers[__builtin_ctzll(mask)]->inbox) > WORKER_BACKLOG_LOW)
            return;
    }
    w->held_for = 0;
    conn_read_throttled(w);
}

static void post_batch(struct worker_group *g, struct worker_outbox *o, unsigned to)
{
    struct worker *target = g->workers[to];

    if (inbox_post(&target->inbox, &o->batches[to]))
        wake(target);
    if (inbox_backlog(&target->inbox) > WORKER_BACKLOG_HIGH)
        o->backlogged |= 1ull << to;
}

void worker_outbox_add(struct worker_group *g, struct worker_outbox *o, unsigned to,
                       const struct letter *letter)
{
    struct inbox_batch *b = o->batches[to];

    if (b == NULL) {
        b = o->batches[to] = inbox_batch_new();
        o->mask |= 1ull << to;
    }
    b->letters[b->count++] = *letter;
    if (b->count == INBOX_BATCH_MAX) {
        post_batch(g, o, to);
        o->mask &= ~(1ull << to);
    }
}

void worker_outbox_send(struct worker_group *g, struct worker_outbox *o)
{
    while (o->mask != 0) {
        unsigned to = (unsigned)__builtin_ctzll(o->mask);

        o->mask &= o->mask - 1;
        post_batch(g, o, to);
    }
}

void worker_post(struct worker *from, unsigned to, const struct letter *letter)
{
    worker_outbox_add(from->group, &from->outgoing, to, letter);
}

void worker_group_post(struct worker_group *g, unsigned to, const struct letter *letter)
{
    struct inbox_batch *b = inbox_batch_new();

    b->letters[b->count++] = *letter;
    if (inbox_post(&g->workers[to]->inbox, &b))
        wake(g->workers[to]);
}

struct worker_call {
    worker_call_fn fn;
    void *arg;
    pthread_mutex_t lock;
    pthread_cond_t returned;
    bool has_returned;
};

static void open_call(struct worker *w, const struct letter *l)
{
    struct worker_call *call = l->object;

    call->fn(w, call->arg);
    invariant(pthread_mutex_lock(&call->lock) == 0);
    call->has_returned = true;
    invariant(pthread_cond_signal(&call->returned) == 0);
    invariant(pthread_mutex_unlock(&call->lock) == 0); /* from here on the caller may be gone */
}

void worker_group_call(struct worker_group *g, unsigned index, worker_call_fn fn, void *arg)
{
    struct worker_call call = {.fn = fn,
                               .arg = arg,
                               .lock = PTHREAD_MUTEX_INITIALIZER,
                               .returned = PTHREAD_COND_INITIALIZER};
    struct letter letter = {.open = open_call, .object = &call};

    invariant(index < g->count);
    if (!g->is_running) {
        fn(g->workers[index], arg);
        return;
    }
    worker_group_post(g, index, &letter);
    invariant(pthread_mutex_lock(&call.lock) == 0);
    while (!call.has_returned)
        invariant(pthread_cond_wait(&call.returned, &call.lock) == 0);
    invariant(pthread_mutex_unlock(&call.lock) == 0);
    invariant(pthread_cond_destroy(&call.returned) == 0);
    invariant(pthread_mutex_destroy(&call.lock) == 0);
}

/*
 * Input of a turn has been handled: everything that it caused leaves now. Letters leave before
 * output does: whoever hears our answer can rely on what we told the other workers having reached
 * their inboxes.
 */
static void end_turn(struct worker *w)
{
    for (unsigned i = 0; i < w->hook_count; i++)
        w->hooks[i].fn(w, w->hooks[i].arg);
    worker_outbox_send(w->group, &w->outgoing);
    conn_flush_all(w);
    conn_free_closed(w);
    worker_outbox_send(w->group, &w->outgoing);
    w->time_is_stale = true;
}

static void on_wake(void *arg)
{
    struct worker *w = arg;

    worker_take_time(w);
    open_letters(w);
    go_on(w);
    conn_offer_resumed(w);
}

static void on_tick(void *arg)
{
    struct worker *w = arg;

    worker_take_time(w);
    go_on(w);
    timer_wheel_advance(&w->timers, w->now_ms);
}

static void on_turn_end(void *arg)
{
    end_turn(arg);
}

bool worker_turn(struct worker *w)
{
    bool any;

    worker_take_time(w);
    any = open_letters(w);
    go_on(w);
    conn_offer_resumed(w);
    timer_wheel_advance(&w->timers, w->now_ms);
    end_turn(w);
    return any;
}

void worker_add_hook(struct worker *w, worker_hook_fn fn, void *arg)
{
    invariant(w->hook_count < WORKER_HOOKS_MAX);
    w->hooks[w->hook_count].fn = fn;
    w->hooks[w->hook_count].arg = arg;
    w->hook_count++;
}

static struct worker *worker_new(struct worker_group *g, unsigned index)
{
    struct worker *w = mem_new_of(MEM_BASE, struct worker);

    w->magic = WORKER_MAGIC;
    w->index = index;
    w->group = g;
    worker_take_time(w);
    timer_wheel_init(&w->timers, w->now_ms);
    list_init(&w->dirty_conns);
    list_init(&w->resumed_conns);
    list_init(&w->throttled_conns);
    list_init(&w->withheld_conns);
    list_init(&w->closing_conns);
    list_init(&w->conns);
    w->scratch.received = mem_alloc(MEM_CONN, TRANSPORT_RECEIVE);
    w->read_memory = mem_new(MEM_CONN, TRANSPORT_READ_ROOM + JSON_PADDING);
    if (g->threaded) {
        struct loop_callbacks callbacks = {on_wake, on_tick, on_turn_end, w, TIMER_TICK_MS};

        w->loop = loop_new(&callbacks);
    }
    return w;
}

static void worker_free(struct worker *w)
{
    invariant(list_is_empty(&w->conns) && w->outgoing.mask == 0 && inbox_is_empty(&w->inbox) &&
              w->unopened == NULL);
    loop_free(&w->loop);
    buffer_deinit(&w->scratch.to_send);
    buffer_deinit(&w->ws_data);
    mem_free(w->scratch.received);
    mem_free(w->read_memory);
    w->magic = 0;
    mem_free(w);
}

struct worker_group *worker_group_new(unsigned count, bool threaded)
{
    struct worker_group *g = mem_new_of(MEM_BASE, struct worker_group);

    invariant(count >= 1 && count <= WORKERS_MAX);
    g->count = count;
    g->threaded = threaded;
    for (unsigned i = 0; i < count; i++)
        g->workers[i] = worker_new(g, i);
    return g;
}

void worker_group_free(struct worker_group **gp)
{
    struct worker_group *g = *gp;

    *gp = NULL;
    if (g == NULL)
        return;
    for (unsigned i = 0; i < g->count; i++)
        worker_free(g->workers[i]);
    out_buffer_pool_drain();
    mem_free(g);
}

unsigned worker_group_count(const struct worker_group *g)
{
    return g->count;
}

struct worker *worker_group_get(struct worker_group *g, unsigned index)
{
    invariant(index < g->count);
    return g->workers[index];
}

void worker_group_on_thread(struct worker_group *g, void (*started)(struct worker *w),
                            void (*ended)(struct worker *w))
{
    g->on_started = started;
    g->on_ended = ended;
}

static void *run_worker(void *arg)
{
    struct worker *w = arg;
    char name[16];

    snprintf(name, sizeof(name), "worker-%u", w->index);
    pthread_setname_np(pthread_self(), name);
    counter_thread_attach();
    if (w->group->on_started != NULL)
        w->group->on_started(w);
    loop_run(w->loop);
    if (w->group->on_ended != NULL)
        w->group->on_ended(w);
    out_buffer_pool_drain();
    return NULL;
}

void worker_group_start(struct worker_group *g)
{
    invariant(g->threaded);
    g->is_running = true;
    for (unsigned i = 0; i < g->count; i++)
        invariant(pthread_create(&g->threads[i], NULL, run_worker, g->workers[i]) == 0);
}

void worker_group_stop(struct worker_group *g)
{
    for (unsigned i = 0; i < g->count; i++)
        loop_stop(g->workers[i]->loop);
    for (unsigned i = 0; i < g->count; i++)
        pthread_join(g->threads[i], NULL);
    g->is_running = false;
}

void worker_group_settle(struct worker_group *g)
{
    bool any;

    do {
        any = false;
        for (unsigned i = 0; i < g->count; i++)
            any |= worker_turn(g->workers[i]);
        for (unsigned i = 0; i < g->count; i++)
            any |= !inbox_is_empty(&g->workers[i]->inbox);
    } while (any);
}
