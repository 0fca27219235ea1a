/*
 * What goes from the journal on disk: records whose retention is over, and projects. In
 * transactions of a bounded size, so that the batches between them do not wait for long. The
 * committing thread's.
 *
 * A batch takes along from the logs that it adds to what is over there, up to twice as many records
 * as it has: however fast they come, a log does not outgrow its retention, at the price of no
 * transaction more. What else is over goes by trims.
 */
#include "store/journal_lmdb_priv.h"

/* --- trim ------------------------------------------------------------------------------------ */

/* A log's part of a trim. */
struct trim_part {
    struct journal_lmdb_log *log;
    uint64_t lowest_cursor;
    /* what comes of it; made anew each time that the transaction runs */
    uint64_t first_seq, bytes, lost;
    int64_t oldest_ms;
};

struct sweep {
    const struct journal_lmdb *journal;
    struct journal_lmdb_trim *trim;
    struct trim_part *part;
};

static bool is_over(const struct journal_limits *l, uint64_t bytes, int64_t committed_ms,
                    int64_t now_ms)
{
    int64_t age_ms = now_ms - committed_ms;

    return (l->retention_bytes != 0 && bytes > l->retention_bytes) ||
           (l->retention_ms != 0 && age_ms > 0 && (uint64_t)age_ms > l->retention_ms);
}

/* What the open batch adds stays until it can be seen. */
static enum lmdb_env_sweep trim_record(struct slice key, struct slice value, void *arg)
{
    const struct sweep *x = arg;
    struct trim_part *p = x->part;
    uint64_t seq, len;

    if (!journal_lmdb_is_of(key, p->log->project_id))
        return LMDB_ENV_STOP;
    invariant(key.len == JOURNAL_LMDB_RECORD_KEY_LEN && value.len >= JOURNAL_LMDB_TIME_LEN);
    seq = journal_lmdb_read_u64(key.data + JOURNAL_LMDB_PROJECT_LEN);
    p->oldest_ms = (int64_t)journal_lmdb_read_u64(value.data);
    p->first_seq = seq;
    if (seq > p->log->visible_seq || x->trim->count == x->trim->most ||
        !is_over(&x->journal->limits, p->bytes, p->oldest_ms, x->trim->now_ms))
        return LMDB_ENV_STOP;
    x->trim->count++;
    p->first_seq = seq + 1;
    len = value.len - JOURNAL_LMDB_TIME_LEN;
    p->bytes -= len < p->bytes ? len : p->bytes;
    p->lost += seq > p->lowest_cursor;
    return LMDB_ENV_TAKE;
}

static struct trim_part *part_at(const struct journal_lmdb_trim *x, size_t at)
{
    return (struct trim_part *)(void *)(x->parts.data + at);
}

void journal_lmdb_trim_begin(struct journal_lmdb_trim *x, int64_t now_ms, uint64_t most)
{
    x->now_ms = now_ms;
    x->most = most;
    x->count = 0;
    x->parts.len = 0;
}

/* Only the committing thread changes what is looked at here, but for the cursors. */
void journal_lmdb_trim_add(struct journal_lmdb *m, struct journal_lmdb_trim *x,
                           struct journal_lmdb_log *log)
{
    struct trim_part p = {.log = log};

    if (journal_lmdb_record_count(log) == 0 ||
        !is_over(&m->limits, log->bytes + log->batch_bytes, log->oldest_ms, x->now_ms))
        return;
    p.lowest_cursor = journal_cursors_lowest(&log->cursors);
    buffer_append(&x->parts, &p, sizeof(p));
}

void journal_lmdb_trim_write(struct journal_lmdb *m, struct journal_lmdb_trim *x,
                             struct lmdb_env_txn *t)
{
    struct sweep sweep = {m, x, NULL};

    x->count = 0;
    for (size_t at = 0; at < x->parts.len; at += sizeof(struct trim_part)) {
        struct trim_part *p = sweep.part = part_at(x, at);
        struct journal_lmdb_key k;

        p->first_seq = p->log->first_seq;
        p->oldest_ms = p->log->oldest_ms;
        p->bytes = p->log->bytes + p->log->batch_bytes;
        p->lost = 0;
        lmdb_env_sweep(t, JOURNAL_LMDB_RECORD, journal_lmdb_record_key(&k, p->log->project_id, 0),
                       trim_record, &sweep);
        journal_lmdb_write_log(t, p->log->project_id, p->log->appended_seq, p->bytes);
    }
}

void journal_lmdb_trim_apply(const struct journal_lmdb_trim *x)
{
    for (size_t at = 0; at < x->parts.len; at += sizeof(struct trim_part)) {
        const struct trim_part *p = part_at(x, at);

        journal_lmdb_count(p->log, -1);
        p->log->first_seq = p->first_seq;
        p->log->oldest_ms = p->oldest_ms;
        p->log->bytes = p->bytes;
        journal_lmdb_count(p->log, 1);
        counter_add(&CT_journal_lost, (int64_t)p->lost);
    }
}

static void write_trim(struct lmdb_env_txn *t, void *arg)
{
    struct journal_lmdb *m = arg;

    journal_lmdb_trim_write(m, &m->trim, t);
}

uint64_t journal_lmdb_trim(struct journal *j, int64_t now_unix_ms)
{
    struct journal_lmdb *m = journal_lmdb_of(j);
    struct journal_lmdb_trim *x = &m->trim;

    invariant(m->records.len == 0);
    if (journal_commit(j) != ST_OK) /* of cursors */
        return 0;
    journal_lmdb_trim_begin(x, now_unix_ms, JOURNAL_TRIM_MOST);
    journal_lmdb_lock(m);
    for (struct list *n = m->logs.next;
         n != &m->logs && x->parts.len < JOURNAL_TRIM_MOST * sizeof(struct trim_part); n = n->next)
        journal_lmdb_trim_add(m, x, list_entry(n, struct journal_lmdb_log, node));
    journal_lmdb_unlock(m);
    if (x->parts.len == 0 || lmdb_env_write(m->env, write_trim, m) != ST_OK)
        return 0;
    journal_lmdb_trim_apply(x);
    return x->count;
}

/* --- removal of a project -------------------------------------------------------------------- */

struct removal {
    uint64_t project_id;
    size_t table;
    size_t count;
    uint64_t bytes; /* of the records that went */
};

static void remove_some(struct lmdb_env_txn *t, void *arg)
{
    struct removal *x = arg;
    struct journal_lmdb_key k;

    x->count = lmdb_env_remove_prefix(t, x->table, journal_lmdb_project_key(&k, x->project_id),
                                      JOURNAL_TRIM_MOST);
}

static enum lmdb_env_sweep take_record(struct slice key, struct slice value, void *arg)
{
    struct removal *x = arg;

    if (x->count == JOURNAL_TRIM_MOST || !journal_lmdb_is_of(key, x->project_id))
        return LMDB_ENV_STOP;
    invariant(value.len >= JOURNAL_LMDB_TIME_LEN);
    x->count++;
    x->bytes += value.len - JOURNAL_LMDB_TIME_LEN;
    return LMDB_ENV_TAKE;
}

/* The log goes along, so that whoever looks in between finds the two in step. */
static void remove_records(struct lmdb_env_txn *t, void *arg)
{
    struct removal *x = arg;
    struct journal_lmdb_key k;
    struct slice log;
    uint64_t last_seq, bytes;

    x->count = 0;
    x->bytes = 0;
    lmdb_env_sweep(t, JOURNAL_LMDB_RECORD, journal_lmdb_record_key(&k, x->project_id, 0),
                   take_record, x);
    if (!lmdb_env_get(t, JOURNAL_LMDB_LOG, journal_lmdb_project_key(&k, x->project_id), &log) ||
        log.len != JOURNAL_LMDB_LOG_LEN)
        return;
    last_seq = journal_lmdb_read_u64(log.data);
    bytes = journal_lmdb_read_u64(log.data + sizeof(uint64_t));
    if (x->count < JOURNAL_TRIM_MOST)
        lmdb_env_remove(t, JOURNAL_LMDB_LOG, journal_lmdb_project_key(&k, x->project_id));
    else
        journal_lmdb_write_log(t, x->project_id, last_seq, bytes > x->bytes ? bytes - x->bytes : 0);
}

void journal_lmdb_remove_project(struct journal *j, uint64_t project_id)
{
    struct journal_lmdb *m = journal_lmdb_of(j);
    struct removal x = {.project_id = project_id};
    struct journal_lmdb_log *log;

    invariant(m->records.len == 0);
    journal_lmdb_lock(m);
    log = hash_table_remove(&m->by_project, hash_u64(project_id), &project_id);
    if (log != NULL)
        journal_lmdb_log_free(log);
    journal_lmdb_unlock(m);
    journal_lmdb_drop_cursors(m, project_id);
    for (x.table = 0; x.table <= JOURNAL_LMDB_CURSOR; x.table++) {
        do {
            x.count = 0;
        } while (lmdb_env_write(m->env, remove_some, &x) == ST_OK && x.count == JOURNAL_TRIM_MOST);
    }
    while (lmdb_env_write(m->env, remove_records, &x) == ST_OK && x.count == JOURNAL_TRIM_MOST) {}
}
