/*
 * Pairs of address and user name that failed, by a hash of both: what a stranger sends is not kept,
 * so a pair costs the same however long the name is. The list has the pairs in the order of their
 * last attempt.
 */
#include "service/login.h"

#include <pthread.h>

#include "base/hash_table.h"
#include "base/invariant.h"
#include "base/list.h"
#include "base/mem.h"

enum {
    LOGIN_MAGIC = 0x4C4F4749,
    PAIRS_MAX = 65536, /* some 8 MB, when somebody tries everything */
    WINDOW_MS = 60 * 1000,
    LOCK_MS = 60 * 1000,
    LOCK_DOUBLINGS_MAX = 6,         /* up to an hour (the seventh would be 64 minutes), */
    LOCK_MAX_MS = 60 * 60 * 1000,   /* and not longer */
    FORGET_MS = 24 * 60 * 60 * 1000 /* a pair that was quiet so long begins anew */
};

/* A pair that has failed since its last success. */
struct pair {
    struct list node; /* in quiet_first */
    uint64_t key;
    uint64_t window_ms; /* when its first failure of this minute was */
    uint64_t locked_until_ms;
    uint64_t last_ms; /* attempt */
    unsigned failures, locks;
};

struct login_guard {
    uint32_t magic;
    unsigned failures_max;
    pthread_mutex_t mutex;
    struct hash_table pairs; /* owned */
    struct list quiet_first; /* the same */
};

static bool pair_equal(const void *item, const void *key)
{
    return ((const struct pair *)item)->key == *(const uint64_t *)key;
}

/* The hash is seeded, so nobody can choose a name that stands for another's. */
static uint64_t key_of(struct slice address, struct slice username)
{
    return hash_u64(hash_bytes(address) + hash_u64(hash_bytes(username)));
}

struct login_guard *login_guard_new(unsigned failures_max)
{
    struct login_guard *g = mem_new_of(MEM_BASE, struct login_guard);

    g->magic = LOGIN_MAGIC;
    g->failures_max = failures_max;
    invariant(pthread_mutex_init(&g->mutex, NULL) == 0);
    hash_table_init(&g->pairs, MEM_BASE, pair_equal);
    list_init(&g->quiet_first);
    return g;
}

static void lock(struct login_guard *g)
{
    invariant(g->magic == LOGIN_MAGIC);
    invariant(pthread_mutex_lock(&g->mutex) == 0);
}

static void unlock(struct login_guard *g)
{
    invariant(pthread_mutex_unlock(&g->mutex) == 0);
}

static void forget(struct login_guard *g, struct pair *p)
{
    (void)hash_table_remove(&g->pairs, p->key, &p->key);
    list_remove(&p->node);
    mem_free(p);
}

/* Makes room: those that have been quiet for long, and the quietest one when there are too many. */
static void forget_quiet(struct login_guard *g, uint64_t now_ms)
{
    while (!list_is_empty(&g->quiet_first)) {
        struct pair *p = list_entry(g->quiet_first.next, struct pair, node);

        if (g->pairs.count < PAIRS_MAX && now_ms < p->last_ms + FORGET_MS)
            break;
        forget(g, p);
    }
}

static struct pair *pair_get(struct login_guard *g, uint64_t key, uint64_t now_ms)
{
    struct pair *p;

    forget_quiet(g, now_ms);
    p = hash_table_find(&g->pairs, key, &key);
    if (p == NULL) {
        p = mem_new_of(MEM_BASE, struct pair);
        p->key = key;
        hash_table_put(&g->pairs, key, p);
    }
    return p;
}

static void touch(struct login_guard *g, struct pair *p, uint64_t now_ms)
{
    p->last_ms = now_ms;
    list_remove(&p->node);
    list_push_back(&g->quiet_first, &p->node);
}

void login_guard_free(struct login_guard **gp)
{
    struct login_guard *g = *gp;

    *gp = NULL;
    if (g == NULL)
        return;
    while (!list_is_empty(&g->quiet_first))
        forget(g, list_entry(g->quiet_first.next, struct pair, node));
    hash_table_deinit(&g->pairs);
    invariant(pthread_mutex_destroy(&g->mutex) == 0);
    g->magic = 0;
    mem_free(g);
}

bool login_guard_allows(struct login_guard *g, struct slice address, struct slice username,
                        uint64_t now_ms)
{
    uint64_t key = key_of(address, username);
    struct pair *p;
    bool allows = true;

    lock(g);
    p = hash_table_find(&g->pairs, key, &key);
    if (p != NULL && now_ms < p->locked_until_ms) {
        touch(g, p, now_ms); /* who goes on trying is not forgotten */
        allows = false;
    }
    unlock(g);
    return allows;
}

/* True: one failure too many. */
static bool count_failure(const struct login_guard *g, struct pair *p, uint64_t now_ms)
{
    uint64_t lock_ms = LOCK_MS;

    if (now_ms < p->locked_until_ms)
        return false; /* it was let in on another worker before the lock-out began */
    if (p->failures == 0 || now_ms >= p->window_ms + WINDOW_MS) {
        p->failures = 0;
        p->window_ms = now_ms;
    }
    if (++p->failures < g->failures_max)
        return false;
    lock_ms <<= p->locks < LOCK_DOUBLINGS_MAX ? p->locks : LOCK_DOUBLINGS_MAX;
    p->locked_until_ms = now_ms + (lock_ms < LOCK_MAX_MS ? lock_ms : LOCK_MAX_MS);
    p->locks++;
    p->failures = 0;
    return true;
}

bool login_guard_failed(struct login_guard *g, struct slice address, struct slice username,
                        uint64_t now_ms)
{
    struct pair *p;
    bool begins;

    if (g->failures_max == 0)
        return false;
    lock(g);
    p = pair_get(g, key_of(address, username), now_ms);
    touch(g, p, now_ms);
    begins = count_failure(g, p, now_ms);
    unlock(g);
    return begins;
}

void login_guard_succeeded(struct login_guard *g, struct slice address, struct slice username)
{
    uint64_t key = key_of(address, username);
    struct pair *p;

    lock(g);
    p = hash_table_find(&g->pairs, key, &key);
    if (p != NULL)
        forget(g, p);
    unlock(g);
}
