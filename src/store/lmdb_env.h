/*
 * An LMDB environment: tables of sorted keys in one memory-mapped file, and transactions over them.
 *
 * A transaction is a function: it runs between begin and commit, and its first failure stays, makes
 * the rest do nothing, and leaves the file as it was. When the file outgrows its map, the map is
 * doubled and the function runs again, so it must start from its argument alone. Any thread; one
 * writes at a time, the others wait. Another process may have the same environment open. LMDB is
 * known here only; it knows nothing of what is stored.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/status.h"

struct lmdb_env;
struct lmdb_env_txn;

enum { LMDB_ENV_KEY_MAX = 511, LMDB_ENV_TABLES_MAX = 16 };

/**
 * Opens or makes (mode 0700, files 0600) the environment in a directory.
 *
 * @param tables     names; a table is called by its index in this list
 * @param map_bytes  the map's size to begin with, a multiple of the page size
 * @param error      on failure one line for a person
 * Errors: ST_IO, ST_CORRUPT
 */
enum status lmdb_env_open(const char *path, const char *const *tables, size_t table_count,
                          size_t map_bytes, struct lmdb_env **out, char *error,
                          size_t error_len) MUST_CHECK;
void lmdb_env_close(struct lmdb_env **e);

/** What a transaction does; `arg` is its caller's. */
typedef void (*lmdb_env_fn)(struct lmdb_env_txn *t, void *arg);

/** Runs `fn` over a snapshot; it starts no other transaction. Errors: ST_IO, ST_CORRUPT. */
enum status lmdb_env_read(struct lmdb_env *e, lmdb_env_fn fn, void *arg) MUST_CHECK;

/** Runs `fn`, perhaps more than once, and commits with one fsync. Errors: ST_IO, ST_FULL (no room
 * on the disk), ST_CORRUPT; what is stored is as before, and it may be tried again. */
enum status lmdb_env_write(struct lmdb_env *e, lmdb_env_fn fn, void *arg) MUST_CHECK;

/** Stores a value in the place of the key's present one; the key has 1 to LMDB_ENV_KEY_MAX bytes.
 */
void lmdb_env_put(struct lmdb_env_txn *t, size_t table, struct slice key, struct slice value);

/** Makes room for a value of `len` bytes in the place of the key's present one. The caller fills it
 * before anything else of the transaction; NULL: the transaction has failed. */
uint8_t *lmdb_env_reserve(struct lmdb_env_txn *t, size_t table, struct slice key, size_t len);

/** The value of a key, borrowed until the next change of the transaction; false: there is none. */
bool lmdb_env_get(struct lmdb_env_txn *t, size_t table, struct slice key, struct slice *value);

/** Removes a key; none is fine. */
void lmdb_env_remove(struct lmdb_env_txn *t, size_t table, struct slice key);

/** Removes the keys that begin with `prefix`, at most `most` of them; gives how many went. */
size_t lmdb_env_remove_prefix(struct lmdb_env_txn *t, size_t table, struct slice prefix,
                              size_t most);

/** Called with borrowed bytes, in the order of the keys; giving false ends the walk. */
typedef bool (*lmdb_env_item_fn)(struct slice key, struct slice value, void *arg);
/** Walks a whole table. */
void lmdb_env_each(struct lmdb_env_txn *t, size_t table, lmdb_env_item_fn fn, void *arg);
/** Walks a table from the first key that is not before `from`. */
void lmdb_env_each_from(struct lmdb_env_txn *t, size_t table, struct slice from,
                        lmdb_env_item_fn fn, void *arg);

/** Walks back from the last key that is below `key`: the greatest key first. */
void lmdb_env_each_below(struct lmdb_env_txn *t, size_t table, struct slice key,
                         lmdb_env_item_fn fn, void *arg);

/** What a walk that takes things away wants of an item. */
enum lmdb_env_sweep { LMDB_ENV_TAKE, LMDB_ENV_STOP };
typedef enum lmdb_env_sweep (*lmdb_env_sweep_fn)(struct slice key, struct slice value, void *arg);
/** Removes keys from the first one on that is not before `from`, as long as `fn` says so. */
void lmdb_env_sweep(struct lmdb_env_txn *t, size_t table, struct slice from, lmdb_env_sweep_fn fn,
                    void *arg);

/** The map's size in bytes. */
size_t lmdb_env_map_bytes(const struct lmdb_env *e);
