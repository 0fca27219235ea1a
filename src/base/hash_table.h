/*
 * A hash table of borrowed items: open addressing, linear probing, grows by itself.
 *
 * The items hold their own keys; the table knows only hashes and pointers. One owner, one
 * thread at a time. A table fresh from hash_table_init, or with its last item removed, holds
 * no memory. A removal moves the items behind it up, so there are no marks of removed items.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/mem.h"

/** True when the item has this key. */
typedef bool (*hash_table_equal_fn)(const void *item, const void *key);

struct hash_table_slot {
    uint64_t hash;
    void *item; /* borrowed; NULL: never used */
};

struct hash_table {
    struct hash_table_slot *slots; /* owned; NULL while empty */
    size_t capacity;               /* power of two */
    size_t count;
    hash_table_equal_fn equal;
    enum mem_use use;
};

/** Makes an empty table; its memory counts as `use`. */
void hash_table_init(struct hash_table *t, enum mem_use use, hash_table_equal_fn equal);

/** Frees the table, not the items; it is empty afterwards. A zeroed one is accepted. */
void hash_table_deinit(struct hash_table *t);

/** The item with this key, or NULL. */
static inline void *hash_table_find(const struct hash_table *t, uint64_t hash, const void *key)
{
    if (t->count == 0)
        return NULL;
    /* It ends: a quarter of the slots is always free. */
    for (size_t i = (size_t)hash & (t->capacity - 1);; i = (i + 1) & (t->capacity - 1)) {
        const struct hash_table_slot *slot = &t->slots[i];

        if (slot->item == NULL)
            return NULL;
        if (slot->hash == hash && t->equal(slot->item, key))
            return slot->item;
    }
}

/** Adds an item whose key is not in the table yet (our bug otherwise is not noticed: find first).
 */
void hash_table_put(struct hash_table *t, uint64_t hash, void *item);

/** Takes the item with this key out and gives it, or NULL. Shrinks no memory but at count 0. */
void *hash_table_remove(struct hash_table *t, uint64_t hash, const void *key);

/** Walks all items: start with *cursor = 0; NULL at the end. The table must not change meanwhile.
 */
void *hash_table_next(const struct hash_table *t, size_t *cursor);

/** The hash of bytes, seeded once a process so that peers cannot choose collisions. */
uint64_t hash_bytes(struct slice s);

/** The hash of bytes without a seed, the same in every process: it names contents, and is never a
 * table's, since peers can choose collisions. */
uint64_t hash_content(struct slice s);

/** The seed; internal to hash_u64. */
extern uint64_t hash_seed_value;

/** The hash of a number, seeded likewise; different numbers have different hashes. */
static inline uint64_t hash_u64(uint64_t value)
{
    /* Each step can be undone (that makes it free of collisions); the constants are those of
     * the finalizer of MurmurHash3. The seed comes in twice so that it does not cancel out. */
    value ^= hash_seed_value;
    value = (value ^ (value >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    value += hash_seed_value;
    value = (value ^ (value >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return value ^ (value >> 33);
}

/** Sets the seed; called once at start (random), or by tests (fixed), before any table is filled.
 */
void hash_seed(uint64_t seed);
