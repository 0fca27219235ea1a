/*
 * A key is the device's number, big end first, and the name of a value; a value is the time,
 * likewise, and the JSON bytes.
 */
#include "store/value_store.h"

#include <endian.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

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
};

enum status value_store_open(const char *data_dir, struct value_store **out, char *error,
                             size_t error_len)
{
    struct lmdb_env *env;
    char path[PATH_MAX];
    enum status st;

    if (snprintf(path, sizeof(path), "%s/" VALUE_STORE_FOLDER, data_dir) >= (int)sizeof(path)) {
        (void)snprintf(error, error_len, "%s: the name is too long", data_dir);
        return ST_IO;
    }
    if (access(path, F_OK) != 0)
        return ST_NOT_FOUND;
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
    mem_free(*s);
    *s = NULL;
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
