/*
 * What the files of the journal on disk share: journal_lmdb.c writes and reads, journal_lmdb_trim.c
 * takes away, journal_lmdb_open.c begins.
 */
#pragma once

#include <endian.h>
#include <pthread.h>
#include <string.h>

#include "base/invariant.h"
#include "base/mem.h"
#include "store/counters.h"
#include "store/journal_cursor.h"
#include "store/journal_priv.h"
#include "store/lmdb_env.h"

enum {
    JOURNAL_LMDB_FORMAT_NUMBER = 2, /* 1: without tables of devices; the same otherwise */
    JOURNAL_LMDB_MAGIC = 0x4A4C4D44,
    JOURNAL_LMDB_PROJECT_LEN = sizeof(uint64_t),
    JOURNAL_LMDB_RECORD_KEY_LEN = JOURNAL_LMDB_PROJECT_LEN + sizeof(uint64_t),
    JOURNAL_LMDB_TIME_LEN = sizeof(int64_t),        /* stands before a record's bytes */
    JOURNAL_LMDB_CURSOR_LEN = 2 * sizeof(uint64_t), /* a cursor's value: its position */
    JOURNAL_LMDB_LOG_LEN = 2 * sizeof(uint64_t)     /* a log's value: last number, bytes */
};
_Static_assert(JOURNAL_LMDB_PROJECT_LEN + JOURNAL_KEY_MAX <= LMDB_ENV_KEY_MAX,
               "a key that LMDB takes");

/** Tables behind those of rows. */
enum journal_lmdb_table {
    JOURNAL_LMDB_CURSOR = JOURNAL_TABLE_COUNT,
    JOURNAL_LMDB_RECORD,
    JOURNAL_LMDB_LOG,
    JOURNAL_LMDB_FORMAT,
    JOURNAL_LMDB_TABLE_COUNT
};

extern const char *const journal_lmdb_table_names[JOURNAL_LMDB_TABLE_COUNT];

/* A project's log. */
struct journal_lmdb_log {
    uint64_t project_id;
    struct list node;         /* in logs */
    struct list touched_node; /* in touched, while the open batch has records of it */
    struct list changed_node; /* in changed, while some cursors have changed */
    struct journal_cursors cursors;
    uint64_t visible_seq;
    /* the rest is the committing thread's */
    uint64_t appended_seq;
    uint64_t first_seq;   /* of the oldest record; visible_seq + 1: there is none */
    int64_t oldest_ms;    /* when that one was committed */
    uint64_t bytes;       /* of the records that are visible */
    uint64_t batch_bytes; /* of those in the open batch */
};

/* Records that go because retention is over. The committing thread's. */
struct journal_lmdb_trim {
    int64_t now_ms;
    uint64_t most;       /* records that go at most */
    uint64_t count;      /* that go */
    struct buffer parts; /* owned: of logs, struct trim_part */
};

struct journal_lmdb {
    struct journal base;
    uint32_t magic;
    struct journal_limits limits;
    struct lmdb_env *env;         /* owned */
    pthread_mutex_t mutex;        /* guards the tables of logs, cursors, what is visible */
    struct hash_table by_project; /* owned logs */
    struct list logs;             /* the same */
    struct list changed;
    /* the committing thread's */
    struct list touched;
    struct buffer records;     /* owned: struct pending */
    struct buffer rows;        /* owned */
    struct buffer cursor_rows; /* owned: of cursors; they stay until they are written */
    struct journal_lmdb_trim trim;
    int64_t batch_ms; /* Unix time of the open batch; never goes back */
};

static inline struct journal_lmdb *journal_lmdb_of(struct journal *j)
{
    struct journal_lmdb *m = (struct journal_lmdb *)j;

    invariant(m->magic == JOURNAL_LMDB_MAGIC);
    return m;
}

static inline void journal_lmdb_lock(struct journal_lmdb *m)
{
    invariant(pthread_mutex_lock(&m->mutex) == 0);
}

static inline void journal_lmdb_unlock(struct journal_lmdb *m)
{
    invariant(pthread_mutex_unlock(&m->mutex) == 0);
}

/* --- keys and numbers ------------------------------------------------------------------------ */

struct journal_lmdb_key {
    uint8_t bytes[JOURNAL_LMDB_RECORD_KEY_LEN];
};

static inline void journal_lmdb_write_u64(uint8_t *out, uint64_t value)
{
    uint64_t big = htobe64(value);

    memcpy(out, &big, sizeof(big));
}

static inline uint64_t journal_lmdb_read_u64(const uint8_t *data)
{
    uint64_t big;

    memcpy(&big, data, sizeof(big));
    return be64toh(big);
}

/** The prefix of all keys of a project; `k` keeps it. */
static inline struct slice journal_lmdb_project_key(struct journal_lmdb_key *k, uint64_t project_id)
{
    journal_lmdb_write_u64(k->bytes, project_id);
    return slice_make(k->bytes, JOURNAL_LMDB_PROJECT_LEN);
}

static inline struct slice journal_lmdb_record_key(struct journal_lmdb_key *k, uint64_t project_id,
                                                   uint64_t seq)
{
    journal_lmdb_write_u64(k->bytes, project_id);
    journal_lmdb_write_u64(k->bytes + JOURNAL_LMDB_PROJECT_LEN, seq);
    return slice_make(k->bytes, JOURNAL_LMDB_RECORD_KEY_LEN);
}

static inline bool journal_lmdb_is_of(struct slice key, uint64_t project_id)
{
    return key.len > JOURNAL_LMDB_PROJECT_LEN && journal_lmdb_read_u64(key.data) == project_id;
}

/** A journal over an environment, which becomes its own; nothing is read from there yet. */
struct journal_lmdb *journal_lmdb_new(struct lmdb_env *env, const struct journal_limits *limits);

/* --- logs ------------------------------------------------------------------------------------ */

/** The log of a project, made when it is not there. Under the lock. */
struct journal_lmdb_log *journal_lmdb_log_get(struct journal_lmdb *m, uint64_t project_id);
/** Under the lock, and out of the table already. */
void journal_lmdb_log_free(struct journal_lmdb_log *log);

static inline uint64_t journal_lmdb_record_count(const struct journal_lmdb_log *log)
{
    return log->visible_seq + 1 - log->first_seq;
}

/** Forgets the rows of a project's cursors that have not been written yet. */
void journal_lmdb_drop_cursors(struct journal_lmdb *m, uint64_t project_id);

/** Adds what a log holds to the counters (sign 1), or takes it away (-1). */
void journal_lmdb_count(const struct journal_lmdb_log *log, int64_t sign);

/** Writes a log's row. */
void journal_lmdb_write_log(struct lmdb_env_txn *t, uint64_t project_id, uint64_t last_seq,
                            uint64_t bytes);

/** Begins a trim of nothing yet. */
void journal_lmdb_trim_begin(struct journal_lmdb_trim *x, int64_t now_ms, uint64_t most);
/** Adds what is over in a log, the open batch counted in. Under the lock. */
void journal_lmdb_trim_add(struct journal_lmdb *m, struct journal_lmdb_trim *x,
                           struct journal_lmdb_log *log);
/** Takes the records away and writes the logs' rows, behind the open batch's. */
void journal_lmdb_trim_write(struct journal_lmdb *m, struct journal_lmdb_trim *x,
                             struct lmdb_env_txn *t);
/** Once that is committed, and the batch visible. */
void journal_lmdb_trim_apply(const struct journal_lmdb_trim *x);

/* What the public functions lead to; journal.h says what they do. */
uint64_t journal_lmdb_trim(struct journal *j, int64_t now_unix_ms);
void journal_lmdb_remove_project(struct journal *j, uint64_t project_id);
