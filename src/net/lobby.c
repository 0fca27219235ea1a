/*
 * Guests in the order in which they came, in all and by source.
 *
 * The lock guards everything here but a guest's `owner`, which only the guest's worker touches.
 * An eviction takes the guest out of the lists at once; its worker hears of it by letter. The
 * letter may find it gone, or on its way to another worker, whose lobby_seat then says so: hence
 * the second reference.
 */
#include "net/lobby.h"

#include <pthread.h>

#include "base/hash_table.h"
#include "base/invariant.h"
#include "base/list.h"
#include "base/mem.h"
#include "net/counters.h"
#include "net/worker.h"

enum { LOBBY_MAGIC = 0x4C4F4242 };

struct source {
    uint64_t key;
    unsigned count;
    struct list oldest_first; /* borrows its guests */
};

struct lobby_guest {
    struct lobby *lobby;   /* borrowed: outlives its guests */
    struct source *source; /* borrowed; NULL: evicted */
    struct list node, source_node;
    uint64_t since_ms;
    unsigned worker; /* whose connection it is */
    unsigned references;
    lobby_evict_fn evict;
    void *owner; /* borrowed; NULL: not seated at `worker` */
};

struct lobby {
    uint32_t magic;
    struct lobby_limits limits;
    pthread_mutex_t mutex;
    struct hash_table sources; /* owned: those that have guests */
    struct list oldest_first;  /* borrows all guests */
    unsigned count;
};

static bool source_equal(const void *item, const void *key)
{
    return ((const struct source *)item)->key == *(const uint64_t *)key;
}

static void lock(struct lobby *l)
{
    invariant(l->magic == LOBBY_MAGIC);
    invariant(pthread_mutex_lock(&l->mutex) == 0);
}

static void unlock(struct lobby *l)
{
    invariant(pthread_mutex_unlock(&l->mutex) == 0);
}

struct lobby *lobby_new(const struct lobby_limits *limits)
{
    struct lobby *l = mem_new_of(MEM_CONN, struct lobby);

    l->magic = LOBBY_MAGIC;
    l->limits = *limits;
    invariant(pthread_mutex_init(&l->mutex, NULL) == 0);
    hash_table_init(&l->sources, MEM_CONN, source_equal);
    list_init(&l->oldest_first);
    return l;
}

void lobby_free(struct lobby **lp)
{
    struct lobby *l = *lp;

    *lp = NULL;
    if (l == NULL)
        return;
    invariant(l->magic == LOBBY_MAGIC && l->count == 0 && l->sources.count == 0);
    invariant(pthread_mutex_destroy(&l->mutex) == 0);
    hash_table_deinit(&l->sources);
    l->magic = 0;
    mem_free(l);
}

/* --- under the lock -------------------------------------------------------------------------- */

static struct source *source_get(struct lobby *l, uint64_t key)
{
    struct source *s = hash_table_find(&l->sources, hash_u64(key), &key);

    if (s != NULL)
        return s;
    s = mem_new_of(MEM_CONN, struct source);
    s->key = key;
    list_init(&s->oldest_first);
    hash_table_put(&l->sources, hash_u64(key), s);
    return s;
}

static void drop_empty(struct lobby *l, struct source *s)
{
    if (s->count > 0)
        return;
    (void)hash_table_remove(&l->sources, hash_u64(s->key), &s->key);
    mem_free(s);
}

static struct lobby_guest *add_guest(struct lobby *l, struct source *s, const struct worker *w)
{
    struct lobby_guest *g = mem_new_of(MEM_CONN, struct lobby_guest);

    g->lobby = l;
    g->source = s;
    g->since_ms = w->now_ms;
    g->worker = w->index;
    g->references = 1;
    list_push_back(&l->oldest_first, &g->node);
    list_push_back(&s->oldest_first, &g->source_node);
    s->count++;
    l->count++;
    return g;
}

/* Takes a guest out of the count; what is left of it is its references'. */
static void uncount(struct lobby *l, struct lobby_guest *g)
{
    struct source *s = g->source;

    list_remove(&g->node);
    list_remove(&g->source_node);
    g->source = NULL;
    s->count--;
    l->count--;
    drop_empty(l, s);
}

static void unref(struct lobby_guest *g)
{
    if (--g->references == 0)
        mem_free(g);
}

static bool has_had_its_time(const struct lobby_guest *g, uint64_t now_ms)
{
    return now_ms >= g->since_ms + LOBBY_GRACE_MS;
}

/* True: one more of this source may come, in the place of `*victim` if that is not NULL. */
static bool find_room(const struct lobby *l, const struct source *s, uint64_t now_ms,
                      struct lobby_guest **victim)
{
    *victim = NULL;
    if (s->count >= l->limits.per_source_max)
        *victim = list_entry(s->oldest_first.next, struct lobby_guest, source_node);
    else if (l->count >= l->limits.guests_max)
        *victim = list_entry(l->oldest_first.next, struct lobby_guest, node);
    return *victim == NULL || has_had_its_time(*victim, now_ms);
}

/* --- guests ---------------------------------------------------------------------------------- */

/* At the worker that was home to the guest when it was evicted. */
static void open_eviction(struct worker *w, const struct letter *letter)
{
    struct lobby_guest *g = letter->object;
    struct lobby *l = g->lobby;
    lobby_evict_fn evict = NULL;
    void *owner = NULL;

    lock(l);
    if (g->worker == w->index && g->owner != NULL) {
        evict = g->evict;
        owner = g->owner;
    }
    unref(g);
    unlock(l);
    if (owner != NULL)
        evict(owner);
}

struct lobby_guest *lobby_enter(struct lobby *l, struct worker *w, uint64_t source)
{
    struct letter letter = {.open = open_eviction};
    struct lobby_guest *g = NULL, *victim;
    struct source *s;
    unsigned to = 0;

    lock(l);
    s = source_get(l, source);
    if (find_room(l, s, w->now_ms, &victim)) {
        g = add_guest(l, s, w); /* first: the source may be the victim's, with no other guest */
        if (victim != NULL) {
            uncount(l, victim);
            victim->references++;
            to = victim->worker;
        }
    } else {
        victim = NULL;
        drop_empty(l, s);
    }
    unlock(l);
    if (victim != NULL) {
        counter_inc(conns_evicted);
        letter.object = victim;
        worker_post(w, to, &letter);
    }
    return g;
}

bool lobby_seat(struct lobby_guest *g, lobby_evict_fn evict, void *owner)
{
    bool is_counted;

    lock(g->lobby);
    is_counted = g->source != NULL;
    g->evict = evict;
    g->owner = is_counted ? owner : NULL;
    unlock(g->lobby);
    return is_counted;
}

void lobby_move(struct lobby_guest *g, unsigned to)
{
    lock(g->lobby);
    g->owner = NULL;
    g->worker = to;
    unlock(g->lobby);
}

void lobby_refresh(struct lobby_guest *g, uint64_t now_ms)
{
    lock(g->lobby);
    if (g->source != NULL) {
        list_remove(&g->node);
        list_remove(&g->source_node);
        list_push_back(&g->lobby->oldest_first, &g->node);
        list_push_back(&g->source->oldest_first, &g->source_node);
        g->since_ms = now_ms;
    }
    unlock(g->lobby);
}

void lobby_leave(struct lobby_guest **gp)
{
    struct lobby_guest *g = *gp;
    struct lobby *l;

    *gp = NULL;
    if (g == NULL)
        return;
    l = g->lobby;
    lock(l);
    if (g->source != NULL)
        uncount(l, g);
    g->owner = NULL;
    unref(g);
    unlock(l);
}
