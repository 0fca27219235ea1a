/*
 * LMDB behind functions: the map grows by itself, and no code of LMDB leaves this file.
 *
 * The map may only be changed while no transaction runs in the process. So each transaction holds
 * `running` for reading, and whoever grows the map takes it for writing; it is preferred there, for
 * readers that come one after the other would keep it out for ever. Read transactions belong to
 * their object, not to their thread (MDB_NOTLS).
 *
 * When the page that ends a commit could not be written, LMDB does not know what is on the disk,
 * and refuses everything from then on (MDB_PANIC). Then the environment is closed and opened, which
 * reads what is there: the commit that failed, or what was before it. Either is fine, for whoever
 * writes tries the same again.
 */
#include "store/lmdb_env.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/invariant.h"
#include "base/mem.h"
#include "store/counters.h"
#include "store/events.h"
#include "store/lmdb_env_priv.h"
#include "store/lmdb_pages.h"
#include "store/private_file.h"

enum { FILE_MODE = 0600 };

enum status lmdb_env_status(int result)
{
    switch (result) {
    case MDB_SUCCESS:
        return ST_OK;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
        return ST_CORRUPT;
    case ENOSPC:
    case EDQUOT:
    case MDB_MAP_FULL:
        return ST_FULL;
    default:
        return ST_IO;
    }
}

/* The one place where a failure of a running store is told. */
static enum status tell(int result)
{
    if (result != MDB_SUCCESS)
        log_event(EV_VALUES_FAILED, "cause", mdb_strerror(result));
    return lmdb_env_status(result);
}

static void init_lock(struct lmdb_env *e)
{
    pthread_rwlockattr_t attributes;

    (void)pthread_rwlockattr_init(&attributes);
    (void)pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    invariant(pthread_rwlock_init(&e->running, &attributes) == 0);
    (void)pthread_rwlockattr_destroy(&attributes);
}

static int open_tables(struct lmdb_env *e)
{
    MDB_txn *txn;
    int result = mdb_txn_begin(e->handle, NULL, 0, &txn);

    if (result != MDB_SUCCESS)
        return result;
    for (size_t i = 0; result == MDB_SUCCESS && i < e->table_count; i++)
        result = mdb_dbi_open(txn, e->table_names[i], MDB_CREATE, &e->tables[i]);
    if (result == MDB_SUCCESS)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return result;
}

static void on_fault(const char *text, void *arg)
{
    (void)text; /* told by who opens */
    (void)arg;
}

/* LMDB divides by what stands there. An empty file is one that is being made. */
static int check_head(const char *path)
{
    char file[PATH_MAX];
    struct stat info;

    if (snprintf(file, sizeof(file), "%s/data.mdb", path) >= (int)sizeof(file))
        return ENAMETOOLONG;
    if (stat(file, &info) != 0 || info.st_size == 0)
        return MDB_SUCCESS;
    return lmdb_pages_check_head(file, on_fault, NULL) == ST_CORRUPT ? MDB_INVALID : MDB_SUCCESS;
}

static int open_env(struct lmdb_env *e)
{
    int result = check_head(e->path);

    if (result == MDB_SUCCESS)
        result = mdb_env_create(&e->handle);
    if (result == MDB_SUCCESS)
        result = mdb_env_set_maxdbs(e->handle, LMDB_ENV_TABLES_MAX);
    if (result == MDB_SUCCESS)
        result = mdb_env_set_mapsize(e->handle, e->map_bytes);
    if (result == MDB_SUCCESS)
        result = mdb_env_open(e->handle, e->path, MDB_NOTLS, FILE_MODE);
    if (result == MDB_SUCCESS)
        result = open_tables(e);
    e->opened += result == MDB_SUCCESS;
    if (result != MDB_SUCCESS && e->handle != NULL) {
        mdb_env_close(e->handle);
        e->handle = NULL;
    }
    return result;
}

static void close_env(struct lmdb_env *e)
{
    if (e->handle == NULL)
        return;
    e->map_bytes = lmdb_env_map_bytes(e);
    mdb_env_close(e->handle);
    e->handle = NULL;
}

enum status lmdb_env_open(const char *path, const char *const *tables, size_t table_count,
                          size_t map_bytes, struct lmdb_env **out, char *error, size_t error_len)
{
    struct lmdb_env *e;
    int result;

    invariant(table_count <= LMDB_ENV_TABLES_MAX);
    if (private_file_make_dir(path) != ST_OK) {
        (void)snprintf(error, error_len,
                       "%s: cannot be made: look at the rights and the free space", path);
        return ST_IO;
    }
    e = mem_new_of(MEM_BASE, struct lmdb_env);
    e->path = mem_alloc(MEM_BASE, strlen(path) + 1);
    memcpy(e->path, path, strlen(path) + 1);
    e->table_names = tables;
    e->table_count = table_count;
    e->map_bytes = map_bytes;
    init_lock(e);
    result = open_env(e);
    if (result != MDB_SUCCESS) {
        (void)snprintf(
            error, error_len, "%s: cannot be opened (%s): %s", path, mdb_strerror(result),
            lmdb_env_status(result) == ST_CORRUPT ? "restore it from a backup or move it away"
                                                  : "look at its rights and the free space");
        lmdb_env_close(&e);
        return lmdb_env_status(result);
    }
    *out = e;
    return ST_OK;
}

void lmdb_env_close(struct lmdb_env **e)
{
    struct lmdb_env *closing = *e;

    if (closing == NULL)
        return;
    *e = NULL;
    close_env(closing);
    mem_free(closing->path);
    (void)pthread_rwlock_destroy(&closing->running);
    mem_free(closing);
}

/* What a try of a transaction ran on: its failure is mended only if that is so still. */
struct seen {
    size_t map_bytes;
    unsigned opened;
};

/* One try of a transaction; a result of LMDB. */
static int run_once(struct lmdb_env *e, unsigned flags, lmdb_env_fn fn, void *arg,
                    struct seen *seen)
{
    struct lmdb_env_txn t = {.env = e, .result = MDB_PANIC};

    (void)pthread_rwlock_rdlock(&e->running);
    seen->opened = e->opened;
    if (e->handle != NULL) {
        seen->map_bytes = lmdb_env_map_bytes(e);
        t.result = mdb_txn_begin(e->handle, NULL, flags, &t.handle);
    }
    if (t.result == MDB_SUCCESS) {
        fn(&t, arg);
        if (t.result == MDB_SUCCESS)
            t.result = mdb_txn_commit(t.handle); /* it is gone, whatever comes of it */
        else
            mdb_txn_abort(t.handle);
    }
    (void)pthread_rwlock_unlock(&e->running);
    return t.result;
}

/* Doubles the map, unless another thread has done so since. What a reader that was killed (a
 * backup) had kept from being used again is free now and may be room enough. */
static int grow_map(struct lmdb_env *e, const struct seen *seen)
{
    int dead = 0;

    if (e->handle == NULL || lmdb_env_map_bytes(e) != seen->map_bytes)
        return MDB_SUCCESS;
    if (mdb_reader_check(e->handle, &dead) == MDB_SUCCESS && dead > 0)
        return MDB_SUCCESS;
    if (seen->map_bytes > SIZE_MAX / 2)
        return MDB_MAP_FULL;
    return mdb_env_set_mapsize(e->handle, seen->map_bytes * 2);
}

/* Opens it anew, unless another thread has done so since. */
static int open_again(struct lmdb_env *e, const struct seen *seen)
{
    int result;

    if (e->handle != NULL && e->opened != seen->opened)
        return MDB_SUCCESS;
    close_env(e);
    result = open_env(e);
    if (result == MDB_SUCCESS) {
        log_event(EV_STORE_REOPENED, "path", e->path);
        counter_inc(store_reopens);
    }
    return result;
}

/* Mends what hindered a try, while no transaction runs; the failure itself: it cannot be. */
static int mend(struct lmdb_env *e, int failure, const struct seen *seen)
{
    int result = failure;

    (void)pthread_rwlock_wrlock(&e->running);
    if (failure == MDB_MAP_FULL)
        result = grow_map(e, seen);
    else if (failure == MDB_MAP_RESIZED) /* another process has grown it */
        result = e->handle == NULL ? MDB_SUCCESS : mdb_env_set_mapsize(e->handle, 0);
    else if (failure == MDB_PANIC)
        result = open_again(e, seen);
    (void)pthread_rwlock_unlock(&e->running);
    return result;
}

static enum status run(struct lmdb_env *e, unsigned flags, lmdb_env_fn fn, void *arg)
{
    for (;;) {
        struct seen seen = {0};
        int result = run_once(e, flags, fn, arg, &seen);

        if (result != MDB_SUCCESS && mend(e, result, &seen) == MDB_SUCCESS)
            continue;
        return tell(result);
    }
}

enum status lmdb_env_read(struct lmdb_env *e, lmdb_env_fn fn, void *arg)
{
    return run(e, MDB_RDONLY, fn, arg);
}

enum status lmdb_env_write(struct lmdb_env *e, lmdb_env_fn fn, void *arg)
{
    return run(e, 0, fn, arg);
}

/* LMDB only reads through the pointer that it wants without const. */
static MDB_val val_of(struct slice s)
{
    return (MDB_val){.mv_size = s.len, .mv_data = (void *)(uintptr_t)s.data};
}

static struct slice slice_of_val(const MDB_val *v)
{
    return slice_make(v->mv_data, v->mv_size);
}

static MDB_dbi table_of(const struct lmdb_env_txn *t, size_t table)
{
    invariant(table < t->env->table_count);
    return t->env->tables[table];
}

static bool is_missing(const struct lmdb_env_txn *t, size_t table)
{
    return (t->env->missing & 1u << table) != 0;
}

void lmdb_env_put(struct lmdb_env_txn *t, size_t table, struct slice key, struct slice value)
{
    MDB_val k = val_of(key);
    MDB_val v = val_of(value);

    invariant(key.len > 0 && key.len <= LMDB_ENV_KEY_MAX);
    if (t->result == MDB_SUCCESS)
        t->result = mdb_put(t->handle, table_of(t, table), &k, &v, 0);
}

uint8_t *lmdb_env_reserve(struct lmdb_env_txn *t, size_t table, struct slice key, size_t len)
{
    MDB_val k = val_of(key);
    MDB_val v = {.mv_size = len};

    invariant(key.len > 0 && key.len <= LMDB_ENV_KEY_MAX);
    if (t->result == MDB_SUCCESS)
        t->result = mdb_put(t->handle, table_of(t, table), &k, &v, MDB_RESERVE);
    return t->result == MDB_SUCCESS ? v.mv_data : NULL;
}

bool lmdb_env_get(struct lmdb_env_txn *t, size_t table, struct slice key, struct slice *value)
{
    MDB_val k = val_of(key);
    MDB_val v;
    int result;

    if (t->result != MDB_SUCCESS || is_missing(t, table))
        return false;
    result = mdb_get(t->handle, table_of(t, table), &k, &v);
    if (result == MDB_SUCCESS)
        *value = slice_of_val(&v);
    else if (result != MDB_NOTFOUND)
        t->result = result;
    return result == MDB_SUCCESS;
}

void lmdb_env_remove(struct lmdb_env_txn *t, size_t table, struct slice key)
{
    MDB_val k = val_of(key);
    int result;

    if (t->result != MDB_SUCCESS)
        return;
    result = mdb_del(t->handle, table_of(t, table), &k, NULL);
    t->result = result == MDB_NOTFOUND ? MDB_SUCCESS : result;
}

/* NULL: the transaction has failed, or there is nothing. */
static MDB_cursor *open_cursor(struct lmdb_env_txn *t, size_t table)
{
    MDB_cursor *cursor = NULL;

    if (is_missing(t, table))
        return NULL;
    if (t->result == MDB_SUCCESS)
        t->result = mdb_cursor_open(t->handle, table_of(t, table), &cursor);
    return t->result == MDB_SUCCESS ? cursor : NULL;
}

static void close_cursor(struct lmdb_env_txn *t, MDB_cursor *cursor, int result)
{
    mdb_cursor_close(cursor);
    t->result = result == MDB_NOTFOUND ? MDB_SUCCESS : result;
}

void lmdb_env_sweep(struct lmdb_env_txn *t, size_t table, struct slice from, lmdb_env_sweep_fn fn,
                    void *arg)
{
    MDB_cursor *cursor = open_cursor(t, table);
    MDB_val key = val_of(from), value;
    int result;

    if (cursor == NULL)
        return;
    result = mdb_cursor_get(cursor, &key, &value, from.len == 0 ? MDB_FIRST : MDB_SET_RANGE);
    while (result == MDB_SUCCESS &&
           fn(slice_of_val(&key), slice_of_val(&value), arg) == LMDB_ENV_TAKE) {
        result = mdb_cursor_del(cursor, 0);
        if (result == MDB_SUCCESS)
            result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    close_cursor(t, cursor, result);
}

struct prefix_sweep {
    struct slice prefix;
    size_t count, most;
};

static enum lmdb_env_sweep take_prefixed(struct slice key, struct slice value, void *arg)
{
    struct prefix_sweep *x = arg;

    (void)value;
    if (x->count == x->most || !slice_starts_with(key, x->prefix))
        return LMDB_ENV_STOP;
    x->count++;
    return LMDB_ENV_TAKE;
}

size_t lmdb_env_remove_prefix(struct lmdb_env_txn *t, size_t table, struct slice prefix,
                              size_t most)
{
    struct prefix_sweep x = {prefix, 0, most};

    lmdb_env_sweep(t, table, prefix, take_prefixed, &x);
    return x.count;
}

void lmdb_env_each_from(struct lmdb_env_txn *t, size_t table, struct slice from,
                        lmdb_env_item_fn fn, void *arg)
{
    MDB_cursor *cursor = open_cursor(t, table);
    MDB_val key = val_of(from), value;
    int result;

    if (cursor == NULL)
        return;
    result = mdb_cursor_get(cursor, &key, &value, from.len == 0 ? MDB_FIRST : MDB_SET_RANGE);
    while (result == MDB_SUCCESS && fn(slice_of_val(&key), slice_of_val(&value), arg))
        result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    close_cursor(t, cursor, result);
}

void lmdb_env_each(struct lmdb_env_txn *t, size_t table, lmdb_env_item_fn fn, void *arg)
{
    lmdb_env_each_from(t, table, slice_make(NULL, 0), fn, arg);
}

void lmdb_env_each_below(struct lmdb_env_txn *t, size_t table, struct slice key,
                         lmdb_env_item_fn fn, void *arg)
{
    MDB_cursor *cursor = open_cursor(t, table);
    MDB_val k = val_of(key), value;
    int result;

    if (cursor == NULL)
        return;
    result = mdb_cursor_get(cursor, &k, &value, MDB_SET_RANGE);
    /* It stands at `key`, above it, or behind the last one. */
    result = mdb_cursor_get(cursor, &k, &value, result == MDB_SUCCESS ? MDB_PREV : MDB_LAST);
    while (result == MDB_SUCCESS && fn(slice_of_val(&k), slice_of_val(&value), arg))
        result = mdb_cursor_get(cursor, &k, &value, MDB_PREV);
    close_cursor(t, cursor, result);
}

size_t lmdb_env_map_bytes(const struct lmdb_env *e)
{
    MDB_envinfo info;

    if (e->handle == NULL)
        return e->map_bytes;
    invariant(mdb_env_info(e->handle, &info) == MDB_SUCCESS);
    return info.me_mapsize;
}
