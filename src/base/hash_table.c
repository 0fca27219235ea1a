/*
 * The hash table's changes, and the hash of bytes (XXH3).
 *
 * At most three quarters of the slots are in use, so each search ends at a free one. An item
 * stands at the slot that its hash names or behind it, with no free slot in between: removal
 * keeps that by moving items up.
 */
#include "base/hash_table.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/invariant.h"

enum { HASH_TABLE_CAPACITY_MIN = 8 };

uint64_t hash_seed_value = UINT64_C(0x9e3779b97f4a7c15);

static size_t next_slot(const struct hash_table *t, size_t i)
{
    return (i + 1) & (t->capacity - 1);
}

static void place(struct hash_table *t, uint64_t hash, void *item)
{
    size_t i = (size_t)hash & (t->capacity - 1);

    while (t->slots[i].item != NULL)
        i = next_slot(t, i);
    t->slots[i] = (struct hash_table_slot){hash, item};
}

static void grow(struct hash_table *t)
{
    struct hash_table_slot *old = t->slots;
    size_t old_capacity = t->capacity;
    size_t capacity = old_capacity == 0 ? HASH_TABLE_CAPACITY_MIN : old_capacity * 2;

    invariant(capacity <= PTRDIFF_MAX / sizeof(*t->slots));
    t->slots = mem_new(t->use, capacity * sizeof(*t->slots));
    t->capacity = capacity;
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].item != NULL)
            place(t, old[i].hash, old[i].item);
    }
    mem_free(old);
}

void hash_table_init(struct hash_table *t, enum mem_use use, hash_table_equal_fn equal)
{
    *t = (struct hash_table){.equal = equal, .use = use};
}

void hash_table_deinit(struct hash_table *t)
{
    mem_free(t->slots);
    t->slots = NULL;
    t->capacity = 0;
    t->count = 0;
}

void hash_table_put(struct hash_table *t, uint64_t hash, void *item)
{
    invariant(item != NULL);
    if ((t->count + 1) * 4 > t->capacity * 3)
        grow(t);
    place(t, hash, item);
    t->count++;
}

/* Closes the gap at `free_at`: an item behind it moves there unless it would then stand before
 * the slot that its hash names. */
static void close_gap(struct hash_table *t, size_t free_at)
{
    size_t mask = t->capacity - 1;

    for (size_t i = next_slot(t, free_at); t->slots[i].item != NULL; i = next_slot(t, i)) {
        size_t wanted = (size_t)t->slots[i].hash & mask;

        if (((i - wanted) & mask) < ((i - free_at) & mask))
            continue;
        t->slots[free_at] = t->slots[i];
        free_at = i;
    }
    t->slots[free_at] = (struct hash_table_slot){0, NULL};
}

void *hash_table_remove(struct hash_table *t, uint64_t hash, const void *key)
{
    size_t i = (size_t)hash & (t->capacity - 1);
    void *item;

    if (t->count == 0)
        return NULL;
    while (t->slots[i].item != NULL &&
           (t->slots[i].hash != hash || !t->equal(t->slots[i].item, key)))
        i = next_slot(t, i);
    item = t->slots[i].item;
    if (item == NULL)
        return NULL;
    t->count--;
    if (t->count == 0)
        hash_table_deinit(t);
    else
        close_gap(t, i);
    return item;
}

void *hash_table_next(const struct hash_table *t, size_t *cursor)
{
    while (*cursor < t->capacity) {
        void *item = t->slots[(*cursor)++].item;

        if (item != NULL)
            return item;
    }
    return NULL;
}

uint64_t hash_bytes(struct slice s)
{
    return XXH3_64bits_withSeed(s.data, s.len, hash_seed_value);
}

uint64_t hash_content(struct slice s)
{
    return XXH3_64bits(s.data, s.len);
}

void hash_seed(uint64_t seed)
{
    hash_seed_value = seed;
}
