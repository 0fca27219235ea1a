/*
 * Addresses in the order in which their hours began.
 */
#include "http/call_rate.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <string.h>

#include "base/hash_table.h"
#include "base/invariant.h"
#include "base/list.h"
#include "base/mem.h"

enum {
    SOURCES_MAX = 65536, /* some 6 MB, when everybody calls */
    HOUR_MS = 60 * 60 * 1000,
    NETWORK_BYTES = 8 /* of an IPv6 address */
};

struct source {
    struct list node; /* in oldest_first */
    uint64_t key;
    uint64_t begun_ms;
    unsigned calls;
};

struct call_rate {
    unsigned max;
    pthread_mutex_t mutex;
    struct hash_table sources; /* owned */
    struct list oldest_first;  /* the same */
};

static bool source_equal(const void *item, const void *key)
{
    return ((const struct source *)item)->key == *(const uint64_t *)key;
}

static uint64_t key_of(struct slice address)
{
    char text[INET6_ADDRSTRLEN] = "";
    struct in6_addr v6;

    if (address.len >= sizeof(text))
        return hash_bytes(address);
    memcpy(text, address.data, address.len);
    if (inet_pton(AF_INET6, text, &v6) != 1)
        return hash_bytes(address);
    return hash_bytes(slice_make(v6.s6_addr, NETWORK_BYTES));
}

struct call_rate *call_rate_new(unsigned max)
{
    struct call_rate *r = mem_new_of(MEM_BASE, struct call_rate);

    r->max = max;
    invariant(pthread_mutex_init(&r->mutex, NULL) == 0);
    hash_table_init(&r->sources, MEM_BASE, source_equal);
    list_init(&r->oldest_first);
    return r;
}

static void forget(struct call_rate *r, struct source *s)
{
    (void)hash_table_remove(&r->sources, s->key, &s->key);
    list_remove(&s->node);
    mem_free(s);
}

static struct source *oldest(struct call_rate *r)
{
    return list_is_empty(&r->oldest_first) ? NULL
                                           : list_entry(r->oldest_first.next, struct source, node);
}

void call_rate_free(struct call_rate **rp)
{
    struct call_rate *r = *rp;

    *rp = NULL;
    if (r == NULL)
        return;
    while (oldest(r) != NULL)
        forget(r, oldest(r));
    hash_table_deinit(&r->sources);
    invariant(pthread_mutex_destroy(&r->mutex) == 0);
    mem_free(r);
}

static struct source *source_get(struct call_rate *r, uint64_t key, uint64_t now_ms)
{
    struct source *s;

    while ((s = oldest(r)) != NULL &&
           (now_ms >= s->begun_ms + HOUR_MS || r->sources.count >= SOURCES_MAX))
        forget(r, s);
    s = hash_table_find(&r->sources, key, &key);
    if (s != NULL)
        return s;
    s = mem_new_of(MEM_BASE, struct source);
    s->key = key;
    s->begun_ms = now_ms;
    hash_table_put(&r->sources, key, s);
    list_push_back(&r->oldest_first, &s->node);
    return s;
}

bool call_rate_admits(struct call_rate *r, struct slice address, uint64_t now_ms, unsigned *retry_s)
{
    uint64_t key = key_of(address);
    struct source *s;
    bool admits;

    invariant(pthread_mutex_lock(&r->mutex) == 0);
    s = source_get(r, key, now_ms);
    admits = s->calls < r->max;
    if (admits)
        s->calls++;
    *retry_s = (unsigned)((s->begun_ms + HOUR_MS - now_ms + 999) / 1000);
    invariant(pthread_mutex_unlock(&r->mutex) == 0);
    return admits;
}
