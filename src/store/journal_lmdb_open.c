/* The beginning of the journal on disk: its environment, its format, and what of it is kept in
 * memory. */
#include <limits.h>
#include <stdio.h>

#include "store/journal_lmdb_priv.h"

enum { MAP_BYTES = 64 * 1024 * 1024 /* to begin with; it grows */ };

const char *const journal_lmdb_table_names[JOURNAL_LMDB_TABLE_COUNT] = {
#define X(name, word, text) [JOURNAL_TABLE_##name] = word,
    JOURNAL_TABLE_LIST(X)
#undef X
        [JOURNAL_LMDB_CURSOR] = "cursor",
    [JOURNAL_LMDB_RECORD] = "record",
    [JOURNAL_LMDB_LOG] = "log",
    [JOURNAL_LMDB_FORMAT] = "format",
};

struct loading {
    struct journal_lmdb *journal;
    struct journal_lmdb_log *log; /* whose oldest record is looked for */
    uint32_t format;              /* 0: nothing is there yet */
    bool is_damaged;
};

static bool load_log(struct slice key, struct slice value, void *arg)
{
    struct loading *x = arg;
    struct journal_lmdb_log *log;

    x->is_damaged |= key.len != JOURNAL_LMDB_PROJECT_LEN || value.len != JOURNAL_LMDB_LOG_LEN;
    if (x->is_damaged)
        return false;
    log = journal_lmdb_log_get(x->journal, journal_lmdb_read_u64(key.data));
    log->visible_seq = log->appended_seq = journal_lmdb_read_u64(value.data);
    log->bytes = journal_lmdb_read_u64(value.data + sizeof(uint64_t));
    log->first_seq = log->visible_seq + 1;
    return true;
}

static bool load_oldest(struct slice key, struct slice value, void *arg)
{
    struct loading *x = arg;

    if (!journal_lmdb_is_of(key, x->log->project_id))
        return false;
    x->is_damaged |= key.len != JOURNAL_LMDB_RECORD_KEY_LEN || value.len < JOURNAL_LMDB_TIME_LEN;
    if (x->is_damaged)
        return false;
    x->log->first_seq = journal_lmdb_read_u64(key.data + JOURNAL_LMDB_PROJECT_LEN);
    x->log->oldest_ms = (int64_t)journal_lmdb_read_u64(value.data);
    return false;
}

static bool load_cursor(struct slice key, struct slice value, void *arg)
{
    struct loading *x = arg;
    struct journal_position at;

    x->is_damaged |= key.len <= JOURNAL_LMDB_PROJECT_LEN || value.len != JOURNAL_LMDB_CURSOR_LEN;
    if (x->is_damaged)
        return false;
    at.seq = journal_lmdb_read_u64(value.data);
    at.mark = journal_lmdb_read_u64(value.data + sizeof(uint64_t));
    journal_cursors_load(
        &journal_lmdb_log_get(x->journal, journal_lmdb_read_u64(key.data))->cursors,
        slice_from(key, JOURNAL_LMDB_PROJECT_LEN), at);
    return true;
}

static void load(struct lmdb_env_txn *t, void *arg)
{
    struct loading *x = arg;
    struct slice format;
    struct journal_lmdb_key k;

    if (lmdb_env_get(t, JOURNAL_LMDB_FORMAT, slice_of("format"), &format) &&
        format.len == sizeof(x->format))
        memcpy(&x->format, format.data, sizeof(x->format));
    if (x->format == 0 || x->format > JOURNAL_LMDB_FORMAT_NUMBER)
        return;
    lmdb_env_each(t, JOURNAL_LMDB_LOG, load_log, x);
    for (struct list *n = x->journal->logs.next; n != &x->journal->logs; n = n->next) {
        x->log = list_entry(n, struct journal_lmdb_log, node);
        lmdb_env_each_from(t, JOURNAL_LMDB_RECORD,
                           journal_lmdb_record_key(&k, x->log->project_id, 0), load_oldest, x);
        journal_lmdb_count(x->log, 1);
    }
    lmdb_env_each(t, JOURNAL_LMDB_CURSOR, load_cursor, x);
}

static void mark_format(struct lmdb_env_txn *t, void *arg)
{
    uint32_t format = JOURNAL_LMDB_FORMAT_NUMBER;

    (void)arg;
    lmdb_env_put(t, JOURNAL_LMDB_FORMAT, slice_of("format"), slice_make(&format, sizeof(format)));
}

static enum status load_all(struct journal_lmdb *m, const char *path, char *error, size_t error_len)
{
    struct loading x = {.journal = m};
    enum status st = lmdb_env_read(m->env, load, &x);

    if (st == ST_OK && x.format < JOURNAL_LMDB_FORMAT_NUMBER)
        st = lmdb_env_write(m->env, mark_format, NULL);
    if (st == ST_OK && x.format > JOURNAL_LMDB_FORMAT_NUMBER)
        st = ST_UNSUPPORTED;
    if (st == ST_OK && x.is_damaged)
        st = ST_CORRUPT;
    if (st == ST_UNSUPPORTED)
        (void)snprintf(error, error_len,
                       "%s: is of a newer program (format %u, this one knows %u); start that one",
                       path, x.format, JOURNAL_LMDB_FORMAT_NUMBER);
    else if (st != ST_OK)
        (void)snprintf(error, error_len, "%s: cannot be read (%s); restore it from a backup", path,
                       status_text(st));
    return st;
}

enum status journal_lmdb_open(const char *data_dir, const struct journal_limits *limits,
                              struct journal **out, char *error, size_t error_len)
{
    struct journal_lmdb *m;
    struct lmdb_env *env;
    char path[PATH_MAX];
    enum status st;

    if (snprintf(path, sizeof(path), "%s/journal", data_dir) >= (int)sizeof(path)) {
        (void)snprintf(error, error_len, "%s: the name is too long", data_dir);
        return ST_IO;
    }
    st = lmdb_env_open(path, journal_lmdb_table_names, JOURNAL_LMDB_TABLE_COUNT, MAP_BYTES, &env,
                       error, error_len);
    if (st != ST_OK)
        return st;
    m = journal_lmdb_new(env, limits);
    st = load_all(m, path, error, error_len);
    *out = &m->base;
    if (st != ST_OK)
        journal_close(out);
    return st;
}
