/*
 * What the files of the history share: its tables, and keys that are put together of numbers, big
 * end first, so that they sort.
 */
#pragma once

#include <endian.h>

#include "base/invariant.h"
#include "store/alarm_store.h"
#include "store/lmdb_env.h"

enum alarm_table {
    ALARM_TABLE_CHANGE,  /* project, time, number: a record */
    ALARM_TABLE_SUBJECT, /* project, kind and identifier of a subject, time, number: nothing */
    ALARM_TABLE_COUNT,   /* project: how many changes it has */
    ALARM_TABLE_META,    /* "number": the last one given; "format": of all of it (none: 1) */
    ALARM_TABLE_OUTBOX,  /* notifier, number: the project and the time of the change it is owed */
    ALARM_TABLES
};

struct alarm_store {
    struct lmdb_env *env; /* owned */
};

struct alarm_key {
    uint8_t bytes[40];
    size_t len;
};

static inline struct slice alarm_key_slice(const struct alarm_key *k)
{
    return slice_make(k->bytes, k->len);
}

static inline void alarm_key_add(struct alarm_key *k, uint64_t number)
{
    uint64_t big = htobe64(number);

    invariant(k->len + sizeof(big) <= sizeof(k->bytes));
    memcpy(k->bytes + k->len, &big, sizeof(big));
    k->len += sizeof(big);
}

static inline uint64_t alarm_key_read(struct slice key, size_t at)
{
    uint64_t big;

    invariant(at + sizeof(big) <= key.len);
    memcpy(&big, key.data + at, sizeof(big));
    return be64toh(big);
}

static inline struct alarm_key alarm_key_of_id(uint64_t id)
{
    struct alarm_key k = {.len = 0};

    alarm_key_add(&k, id);
    return k;
}

static inline struct alarm_key alarm_key_of_change(uint64_t project_id, struct alarm_place place)
{
    struct alarm_key k = {.len = 0};

    alarm_key_add(&k, project_id);
    alarm_key_add(&k, (uint64_t)place.ts_ms);
    alarm_key_add(&k, place.number);
    return k;
}

/** Notes whom a change that is being stored is owed. */
void alarm_outbox_put(struct lmdb_env_txn *t, const struct alarm_record *r);
