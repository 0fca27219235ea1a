/* What the files around LMDB share: lmdb_env.c runs transactions, lmdb_env_inspect.c looks at files
 * and copies them. */
#pragma once

#include <lmdb.h>
#include <pthread.h>

#include "store/lmdb_env.h"

struct lmdb_env {
    MDB_env *handle; /* owned; NULL: it could not be opened again, which is tried at each use */
    char *path;      /* owned; NULL: of an inspection */
    const char *const *table_names; /* borrowed: constant */
    size_t map_bytes;               /* when it was closed last, or to begin with */
    unsigned opened;                /* how often; under `running` */
    pthread_rwlock_t running;       /* lmdb_env.c says what for */
    size_t table_count;
    MDB_dbi tables[LMDB_ENV_TABLES_MAX];
    uint32_t missing; /* bits of tables that an inspected file does not have: they are empty */
};

struct lmdb_env_txn {
    struct lmdb_env *env; /* borrowed */
    MDB_txn *handle;      /* owned */
    int result;           /* MDB_SUCCESS, or the first failure */
};

/** What a result of LMDB means to a caller. */
enum status lmdb_env_status(int result);
