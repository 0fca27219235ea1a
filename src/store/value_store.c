/*
 * Cloud values, presence and the other parts of devices in tables of LMDB.
 *
 * A key is the device's number, big end first, and the name, so that a device's values lie side by
 * side; a value is the time, likewise, and the JSON bytes. A batch is a run of records in memory,
 * written by one transaction at the commit: no lock of the file is held while it is gathered, and
 * it can be run again when the map has to grow.
 */
#include "store/value_store.h"

#include <endian.h>
#include <limits.h>
#include <stdio.h>

#include "base/invariant.h"
#include "base/mem.h"
#include "store/lmdb_env.h"

enum {
    DEVICE_LEN = sizeof(uint64_t),
    TIME_LEN = sizeof(int64_t),
    MAP_BYTES = 16 * 1024 * 1024 /* to begin with; it grows */
};
_Static_assert(DEVICE_LEN + VALUE_STORE_NAME_MAX <= LMDB_ENV_KEY_MAX, "a key that LMDB takes");

/* A presence: 1 or 0 for online or not, and since when; an older form is the first byte alone, `1`
 * as a letter, of those that were online. */
enum { PRESENCE_LEN = 1 + TIME_LEN, PRESENCE_OLD_LEN = 1 };

enum value_store_table {
    TABLE_VALUE,
    TABLE_PRESENCE,
    TABLE_PART, /* the first of the parts' */
    TABLE_COUNT = TABLE_PART + VALUE_STORE_PART_COUNT
};

static const char *const table_names[TABLE_COUNT] = {
    [TABLE_VALUE] = "value",
    [TABLE_PRESENCE] = "online", /* key: a device; there once it has been online */
#define X(name, table) [TABLE_PART + VALUE_STORE_##name] = (table), /* key: a device */
    VALUE_STORE_PART_LIST(X)
#undef X
};

struct value_store {
    struct lmdb_env *env; /* owned */
    struct buffer batch;  /* owned: records, each followed by its key and its value */
    bool in_batch;
};

struct record {
    uint32_t table;
    uint32_t key_len;   /* that of a device alone: see write_record */
    uint32_t value_len; /* of a cloud value: time included */
};

enum status value_store_open(const char *data_dir, struct value_store **out, char *error,
                             size_t error_len)
{
    struct lmdb_env *env;
    char path[PATH_MAX];
    enum status st;

    if (snprintf(path, sizeof(path), "%s/values", data_dir) >= (int)sizeof(path)) {
        (void)snprintf(error, error_len, "%s: the name is too long", data_dir);
        return ST_IO;
    }
    st = lmdb_env_open(path, table_names, TABLE_COUNT, MAP_BYTES, &env, error, error_len);
    if (st != ST_OK)
        return st;
    *out = mem_new_of(MEM_BASE, struct value_store);
    (*out)->env = env;
    return ST_OK;
}

void value_store_close(struct value_store **s)
{
    if (*s == NULL)
        return;
    lmdb_env_close(&(*s)->env);
    buffer_deinit(&(*s)->batch);
    mem_free(*s);
    *s = NULL;
}

static void append_u64(struct buffer *b, uint64_t value)
{
    uint64_t big = htobe64(value);

    buffer_append(b, &big, sizeof(big));
}

static uint64_t read_u64(const uint8_t *data)
{
    uint64_t big;

    memcpy(&big, data, sizeof(big));
    return be64toh(big);
}

struct walk {
    value_store_fn fn;
    void *arg;
    bool is_damaged;
};

static bool on_item(struct slice key, struct slice value, void *arg)
{
    struct walk *w = arg;
    struct value_store_entry e;

    if (key.len <= DEVICE_LEN || value.len < TIME_LEN) {
        w->is_damaged = true;
        return false;
    }
    e.device_id = read_u64(key.data);
    e.name = slice_from(key, DEVICE_LEN);
    e.ts_ms = (int64_t)read_u64(value.data);
    e.value = slice_from(value, TIME_LEN);
    w->fn(&e, w->arg);
    return true;
}

static void walk_values(struct lmdb_env_txn *t, void *arg)
{
    lmdb_env_each(t, TABLE_VALUE, on_item, arg);
}

enum status value_store_each(struct value_store *s, value_store_fn fn, void *arg)
{
    struct walk w = {.fn = fn, .arg = arg};
    enum status st = lmdb_env_read(s->env, walk_values, &w);

    return st == ST_OK && w.is_damaged ? ST_CORRUPT : st;
}

struct presence_walk {
    value_store_presence_fn fn;
    void *arg;
};

static bool on_presence(struct slice key, struct slice value, void *arg)
{
    const struct presence_walk *w = arg;

    if (key.len != DEVICE_LEN)
        return true;
    if (value.len == PRESENCE_LEN)
        w->fn(read_u64(key.data), value.data[0] != 0, (int64_t)read_u64(value.data + 1), w->arg);
    else if (value.len == PRESENCE_OLD_LEN)
        w->fn(read_u64(key.data), true, 0, w->arg);
    return true;
}

static void walk_presence(struct lmdb_env_txn *t, void *arg)
{
    lmdb_env_each(t, TABLE_PRESENCE, on_presence, arg);
}

enum status value_store_each_presence(struct value_store *s, value_store_presence_fn fn, void *arg)
{
    struct presence_walk w = {fn, arg};

    return lmdb_env_read(s->env, walk_presence, &w);
}

struct part_walk {
    enum value_store_part part;
    value_store_part_fn fn;
    void *arg;
};

static bool on_part(struct slice key, struct slice value, void *arg)
{
    const struct part_walk *w = arg;

    if (key.len == DEVICE_LEN)
        w->fn(read_u64(key.data), value, w->arg);
    return true;
}

static void walk_part(struct lmdb_env_txn *t, void *arg)
{
    const struct part_walk *w = arg;

    lmdb_env_each(t, TABLE_PART + w->part, on_part, arg);
}

enum status value_store_each_part(struct value_store *s, enum value_store_part part,
                                  value_store_part_fn fn, void *arg)
{
    struct part_walk w = {part, fn, arg};

    return lmdb_env_read(s->env, walk_part, &w);
}

enum status value_store_begin(struct value_store *s)
{
    s->batch.len = 0;
    s->in_batch = true;
    return ST_OK;
}

enum status value_store_put(struct value_store *s, const struct value_store_entry *e)
{
    struct record record;

    invariant(s->in_batch);
    if (e->name.len == 0)
        return ST_INVALID;
    if (e->name.len > VALUE_STORE_NAME_MAX || e->value.len > UINT32_MAX - TIME_LEN)
        return ST_TOO_LARGE;
    record.table = TABLE_VALUE;
    record.key_len = (uint32_t)(DEVICE_LEN + e->name.len);
    record.value_len = (uint32_t)(TIME_LEN + e->value.len);
    buffer_append(&s->batch, &record, sizeof(record));
    append_u64(&s->batch, e->device_id);
    buffer_append_slice(&s->batch, e->name);
    append_u64(&s->batch, (uint64_t)e->ts_ms);
    buffer_append_slice(&s->batch, e->value);
    return ST_OK;
}

static void append_device(struct value_store *s, uint32_t table, uint64_t device_id,
                          struct slice value)
{
    struct record record = {table, DEVICE_LEN, (uint32_t)value.len};

    invariant(s->in_batch);
    buffer_append(&s->batch, &record, sizeof(record));
    append_u64(&s->batch, device_id);
    buffer_append_slice(&s->batch, value);
}

enum status value_store_remove_device(struct value_store *s, uint64_t device_id)
{
    for (uint32_t table = 0; table < TABLE_COUNT; table++)
        append_device(s, table, device_id, slice_make(NULL, 0));
    return ST_OK;
}

enum status value_store_put_part(struct value_store *s, enum value_store_part part,
                                 uint64_t device_id, struct slice bytes)
{
    if (bytes.len > UINT32_MAX)
        return ST_TOO_LARGE;
    append_device(s, TABLE_PART + (uint32_t)part, device_id, bytes);
    return ST_OK;
}

enum status value_store_put_presence(struct value_store *s, uint64_t device_id, bool is_online,
                                     int64_t since_ms)
{
    uint64_t big = htobe64((uint64_t)since_ms);
    uint8_t value[PRESENCE_LEN] = {is_online};

    memcpy(value + 1, &big, sizeof(big));
    append_device(s, TABLE_PRESENCE, device_id, slice_make(value, sizeof(value)));
    return ST_OK;
}

/* A key that is a device alone, without a value: all that the table has of it goes. */
static void write_record(struct lmdb_env_txn *t, const struct record *r, struct slice key,
                         struct slice value)
{
    if (r->key_len == DEVICE_LEN && value.len == 0)
        (void)lmdb_env_remove_prefix(t, r->table, key, SIZE_MAX);
    else
        lmdb_env_put(t, r->table, key, value);
}

static void write_batch(struct lmdb_env_txn *t, void *arg)
{
    const struct value_store *s = arg;
    const uint8_t *next = s->batch.data;
    const uint8_t *end = next + s->batch.len;

    while (next < end) {
        struct record record;
        struct slice key;

        memcpy(&record, next, sizeof(record));
        next += sizeof(record);
        key = slice_make(next, record.key_len);
        next += record.key_len;
        write_record(t, &record, key, slice_make(next, record.value_len));
        next += record.value_len;
    }
}

enum status value_store_commit(struct value_store *s)
{
    enum status st = ST_OK;

    invariant(s->in_batch);
    if (s->batch.len > 0)
        st = lmdb_env_write(s->env, write_batch, s);
    if (st == ST_OK)
        s->in_batch = false;
    return st;
}
