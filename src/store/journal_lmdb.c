/*
 * The journal on disk: one environment of LMDB for the logs, cursors and rows of all projects.
 *
 * A key is the project, then the number of a record or the name of a row, big end first, so that a
 * project's records lie side by side in their order. A batch is a list of borrowed records and a
 * run of rows, written by one transaction at the commit; it can be written again when that fails or
 * the map has to grow. What readers ask without a transaction (newest numbers, cursors) is kept in
 * memory behind the lock, too. Changed cursors go along with the next commit, or with a trim.
 */
#include "store/journal_lmdb_priv.h"

#include "base/clock.h"

/* A record of the open batch. */
struct pending {
    struct journal_lmdb_log *log;
    uint64_t seq;
    struct slice bytes; /* borrowed */
};

/* A row of the open batch, followed by its key and its value. */
struct row {
    uint32_t table, key_len, value_len;
};

/* --- logs ------------------------------------------------------------------------------------ */

static bool log_equal(const void *item, const void *key)
{
    return ((const struct journal_lmdb_log *)item)->project_id == *(const uint64_t *)key;
}

static struct journal_lmdb_log *log_find(struct journal_lmdb *m, uint64_t project_id)
{
    return hash_table_find(&m->by_project, hash_u64(project_id), &project_id);
}

struct journal_lmdb_log *journal_lmdb_log_get(struct journal_lmdb *m, uint64_t project_id)
{
    struct journal_lmdb_log *log = log_find(m, project_id);

    if (log != NULL)
        return log;
    log = mem_new_of(MEM_JOURNAL, struct journal_lmdb_log);
    log->project_id = project_id;
    log->first_seq = 1;
    journal_cursors_init(&log->cursors, true);
    hash_table_put(&m->by_project, hash_u64(project_id), log);
    list_push_back(&m->logs, &log->node);
    return log;
}

void journal_lmdb_count(const struct journal_lmdb_log *log, int64_t sign)
{
    counter_add(&CT_journal_records, sign * (int64_t)journal_lmdb_record_count(log));
    counter_add(&CT_journal_bytes, sign * (int64_t)log->bytes);
}

void journal_lmdb_log_free(struct journal_lmdb_log *log)
{
    journal_lmdb_count(log, -1);
    list_remove(&log->touched_node);
    list_remove(&log->changed_node);
    list_remove(&log->node);
    journal_cursors_deinit(&log->cursors);
    mem_free(log);
}

/* --- the open batch -------------------------------------------------------------------------- */

static uint64_t lmdb_append(struct journal *j, uint64_t project_id, struct slice bytes)
{
    struct journal_lmdb *m = journal_lmdb_of(j);
    struct pending p = {.bytes = bytes};

    journal_lmdb_lock(m);
    p.log = journal_lmdb_log_get(m, project_id);
    journal_lmdb_unlock(m);
    if (!list_is_linked(&p.log->touched_node))
        list_push_back(&m->touched, &p.log->touched_node);
    p.log->batch_bytes += bytes.len;
    p.seq = ++p.log->appended_seq;
    buffer_append(&m->records, &p, sizeof(p));
    return p.seq;
}

static void add_row(struct buffer *rows, uint32_t table, uint64_t project_id, struct slice key,
                    struct slice value)
{
    struct row row = {table, (uint32_t)(JOURNAL_LMDB_PROJECT_LEN + key.len), (uint32_t)value.len};
    uint8_t project[JOURNAL_LMDB_PROJECT_LEN];

    journal_lmdb_write_u64(project, project_id);
    buffer_append(rows, &row, sizeof(row));
    buffer_append(rows, project, sizeof(project));
    buffer_append_slice(rows, key);
    buffer_append_slice(rows, value);
}

static void lmdb_put(struct journal *j, enum journal_table table, uint64_t project_id,
                     struct slice key, struct slice value)
{
    add_row(&journal_lmdb_of(j)->rows, table, project_id, key, value);
}

struct cursor_rows {
    struct buffer *rows;
    uint64_t project_id;
};

static void add_cursor(const struct journal_cursor *c, void *arg)
{
    const struct cursor_rows *x = arg;
    uint8_t value[JOURNAL_LMDB_CURSOR_LEN];

    journal_lmdb_write_u64(value, c->at.seq);
    journal_lmdb_write_u64(value + sizeof(uint64_t), c->at.mark);
    add_row(x->rows, JOURNAL_LMDB_CURSOR, x->project_id, journal_cursor_key(c),
            slice_make(value, c->is_removed ? 0 : sizeof(value)));
}

/* From here on the changes go along with a batch, if not with this one, with the next. */
static void take_cursors(struct journal_lmdb *m)
{
    struct list *node;

    journal_lmdb_lock(m);
    while ((node = list_pop_front(&m->changed)) != NULL) {
        struct journal_lmdb_log *log = list_entry(node, struct journal_lmdb_log, changed_node);
        struct cursor_rows x = {&m->cursor_rows, log->project_id};

        journal_cursors_take_changes(&log->cursors, add_cursor, &x);
    }
    journal_lmdb_unlock(m);
}

void journal_lmdb_drop_cursors(struct journal_lmdb *m, uint64_t project_id)
{
    struct buffer kept = {0};

    for (size_t at = 0; at < m->cursor_rows.len;) {
        const uint8_t *bytes = m->cursor_rows.data + at;
        struct row row;
        size_t len;

        memcpy(&row, bytes, sizeof(row));
        len = sizeof(row) + row.key_len + row.value_len;
        if (journal_lmdb_read_u64(bytes + sizeof(row)) != project_id)
            buffer_append(&kept, bytes, len);
        at += len;
    }
    buffer_deinit(&m->cursor_rows);
    m->cursor_rows = kept;
}

/* --- commit ---------------------------------------------------------------------------------- */

static void write_rows(struct lmdb_env_txn *t, const struct buffer *rows)
{
    const uint8_t *next = rows->data;

    for (size_t at = 0; at < rows->len;) {
        struct slice key, value;
        struct row row;

        memcpy(&row, next + at, sizeof(row));
        at += sizeof(row);
        key = slice_make(next + at, row.key_len);
        at += row.key_len;
        value = slice_make(next + at, row.value_len);
        at += row.value_len;
        if (value.len == 0)
            lmdb_env_remove(t, row.table, key);
        else
            lmdb_env_put(t, row.table, key, value);
    }
}

static void write_records(struct lmdb_env_txn *t, const struct journal_lmdb *m)
{
    for (size_t at = 0; at < m->records.len; at += sizeof(struct pending)) {
        struct pending p;
        struct journal_lmdb_key k;
        uint8_t *out;

        memcpy(&p, m->records.data + at, sizeof(p));
        out = lmdb_env_reserve(t, JOURNAL_LMDB_RECORD,
                               journal_lmdb_record_key(&k, p.log->project_id, p.seq),
                               JOURNAL_LMDB_TIME_LEN + p.bytes.len);
        if (out == NULL)
            return;
        journal_lmdb_write_u64(out, (uint64_t)m->batch_ms);
        if (p.bytes.len > 0)
            memcpy(out + JOURNAL_LMDB_TIME_LEN, p.bytes.data, p.bytes.len);
    }
}

void journal_lmdb_write_log(struct lmdb_env_txn *t, uint64_t project_id, uint64_t last_seq,
                            uint64_t bytes)
{
    uint8_t value[JOURNAL_LMDB_LOG_LEN];
    struct journal_lmdb_key k;

    journal_lmdb_write_u64(value, last_seq);
    journal_lmdb_write_u64(value + sizeof(uint64_t), bytes);
    lmdb_env_put(t, JOURNAL_LMDB_LOG, journal_lmdb_project_key(&k, project_id),
                 slice_make(value, sizeof(value)));
}

static void write_batch(struct lmdb_env_txn *t, void *arg)
{
    struct journal_lmdb *m = arg;

    write_records(t, m);
    write_rows(t, &m->rows);
    write_rows(t, &m->cursor_rows);
    for (const struct list *n = m->touched.next; n != &m->touched; n = n->next) {
        const struct journal_lmdb_log *log = list_entry(n, struct journal_lmdb_log, touched_node);

        journal_lmdb_write_log(t, log->project_id, log->appended_seq,
                               log->bytes + log->batch_bytes);
    }
    journal_lmdb_trim_write(m, &m->trim, t);
}

/* What was written may be seen. */
static void show_batch(struct journal_lmdb *m)
{
    struct list *node;

    journal_lmdb_lock(m);
    while ((node = list_pop_front(&m->touched)) != NULL) {
        struct journal_lmdb_log *log = list_entry(node, struct journal_lmdb_log, touched_node);

        if (journal_lmdb_record_count(log) == 0)
            log->oldest_ms = m->batch_ms;
        counter_add(&CT_journal_records, (int64_t)(log->appended_seq - log->visible_seq));
        counter_add(&CT_journal_bytes, (int64_t)log->batch_bytes);
        log->bytes += log->batch_bytes;
        log->batch_bytes = 0;
        log->visible_seq = log->appended_seq;
    }
    journal_lmdb_unlock(m);
    m->records.len = 0;
    m->rows.len = 0;
    m->cursor_rows.len = 0;
}

/* What is over in the logs of the batch. */
static void begin_trim(struct journal_lmdb *m)
{
    uint64_t count = m->records.len / sizeof(struct pending);

    journal_lmdb_trim_begin(&m->trim, m->batch_ms, 2 * count);
    journal_lmdb_lock(m);
    for (struct list *n = m->touched.next; n != &m->touched; n = n->next)
        journal_lmdb_trim_add(m, &m->trim, list_entry(n, struct journal_lmdb_log, touched_node));
    journal_lmdb_unlock(m);
}

static enum status lmdb_commit(struct journal *j)
{
    struct journal_lmdb *m = journal_lmdb_of(j);
    int64_t now_ms = clock_unix_ms();
    enum status st;

    m->batch_ms = now_ms > m->batch_ms ? now_ms : m->batch_ms;
    take_cursors(m);
    if (m->records.len == 0 && m->rows.len == 0 && m->cursor_rows.len == 0)
        return ST_OK;
    begin_trim(m);
    st = lmdb_env_write(m->env, write_batch, m);
    if (st != ST_OK)
        return st;
    show_batch(m);
    journal_lmdb_trim_apply(&m->trim);
    counter_add(&CT_journal_trimmed, (int64_t)m->trim.count);
    return ST_OK;
}

/* --- readers --------------------------------------------------------------------------------- */

struct reading {
    uint64_t project_id, after, last;
    uint32_t records_left;
    uint64_t bytes_left;
    uint64_t first; /* 0: no record was seen */
    journal_record_fn fn;
    void *arg;
};

static bool read_oldest(struct slice key, struct slice value, void *arg)
{
    struct reading *x = arg;

    (void)value;
    if (journal_lmdb_is_of(key, x->project_id) && key.len == JOURNAL_LMDB_RECORD_KEY_LEN)
        x->first = journal_lmdb_read_u64(key.data + JOURNAL_LMDB_PROJECT_LEN);
    return false;
}

static bool read_record(struct slice key, struct slice value, void *arg)
{
    struct reading *x = arg;
    struct journal_record r;

    if (x->records_left == 0 || !journal_lmdb_is_of(key, x->project_id) ||
        key.len != JOURNAL_LMDB_RECORD_KEY_LEN || value.len < JOURNAL_LMDB_TIME_LEN)
        return false;
    r.seq = journal_lmdb_read_u64(key.data + JOURNAL_LMDB_PROJECT_LEN);
    r.committed_ms = (int64_t)journal_lmdb_read_u64(value.data);
    r.bytes = slice_from(value, JOURNAL_LMDB_TIME_LEN);
    x->last = r.seq;
    x->records_left--;
    x->bytes_left -= r.bytes.len < x->bytes_left ? r.bytes.len : x->bytes_left;
    return x->fn(&r, x->arg) && x->bytes_left > 0;
}

static void read_log(struct lmdb_env_txn *t, void *arg)
{
    struct reading *x = arg;
    struct journal_lmdb_key k;

    lmdb_env_each_from(t, JOURNAL_LMDB_RECORD, journal_lmdb_record_key(&k, x->project_id, 0),
                       read_oldest, x);
    if (x->first != 0 && x->after != UINT64_MAX)
        lmdb_env_each_from(t, JOURNAL_LMDB_RECORD,
                           journal_lmdb_record_key(&k, x->project_id, x->after + 1), read_record,
                           x);
}

static uint64_t lmdb_last_seq(struct journal *j, uint64_t project_id)
{
    struct journal_lmdb *m = journal_lmdb_of(j);
    const struct journal_lmdb_log *log;
    uint64_t seq;

    journal_lmdb_lock(m);
    log = log_find(m, project_id);
    seq = log == NULL ? 0 : log->visible_seq;
    journal_lmdb_unlock(m);
    return seq;
}

static uint64_t lmdb_read(struct journal *j, uint64_t project_id, uint64_t after,
                          uint32_t max_records, uint64_t max_bytes, journal_record_fn fn, void *arg,
                          uint64_t *first)
{
    struct reading x = {.project_id = project_id,
                        .after = after,
                        .last = after,
                        .records_left = max_records,
                        .bytes_left = max_bytes,
                        .fn = fn,
                        .arg = arg};
    uint64_t last_seq = lmdb_last_seq(j, project_id); /* before the snapshot is taken */

    /* A failure is told there, and then nothing is there to be read: it looks as if nothing were
     * new, and is tried again. */
    if (lmdb_env_read(journal_lmdb_of(j)->env, read_log, &x) != ST_OK)
        x.first = x.first == 0 ? 1 : x.first;
    *first = x.first != 0 ? x.first : last_seq + 1;
    return x.last;
}

struct row_walk {
    size_t table;
    journal_row_fn fn;
    void *arg;
};

static bool give_row(struct slice key, struct slice value, void *arg)
{
    const struct row_walk *x = arg;

    if (key.len > JOURNAL_LMDB_PROJECT_LEN)
        x->fn(journal_lmdb_read_u64(key.data), slice_from(key, JOURNAL_LMDB_PROJECT_LEN), value,
              x->arg);
    return true;
}

static void walk_rows(struct lmdb_env_txn *t, void *arg)
{
    const struct row_walk *x = arg;

    lmdb_env_each(t, x->table, give_row, arg);
}

static enum status lmdb_each(struct journal *j, enum journal_table table, journal_row_fn fn,
                             void *arg)
{
    struct row_walk x = {table, fn, arg};

    return lmdb_env_read(journal_lmdb_of(j)->env, walk_rows, &x);
}

/* --- cursors --------------------------------------------------------------------------------- */

static void note_changed(struct journal_lmdb *m, struct journal_lmdb_log *log)
{
    if (!list_is_linked(&log->changed_node))
        list_push_back(&m->changed, &log->changed_node);
}

static void lmdb_save_cursor(struct journal *j, uint64_t project_id, struct slice key,
                             struct journal_position at)
{
    struct journal_lmdb *m = journal_lmdb_of(j);
    struct journal_lmdb_log *log;

    journal_lmdb_lock(m);
    log = journal_lmdb_log_get(m, project_id);
    journal_cursors_save(&log->cursors, key, at);
    note_changed(m, log);
    journal_lmdb_unlock(m);
}

static enum status lmdb_load_cursor(struct journal *j, uint64_t project_id, struct slice key,
                                    struct journal_position *at)
{
    struct journal_lmdb *m = journal_lmdb_of(j);
    const struct journal_cursor *c = NULL;
    const struct journal_lmdb_log *log;

    journal_lmdb_lock(m);
    log = log_find(m, project_id);
    if (log != NULL)
        c = journal_cursors_find(&log->cursors, key);
    if (c != NULL)
        *at = c->at;
    journal_lmdb_unlock(m);
    return c != NULL ? ST_OK : ST_NOT_FOUND;
}

static void lmdb_remove_cursor(struct journal *j, uint64_t project_id, struct slice key)
{
    struct journal_lmdb *m = journal_lmdb_of(j);
    struct journal_lmdb_log *log;

    journal_lmdb_lock(m);
    log = log_find(m, project_id);
    if (log != NULL) {
        journal_cursors_remove(&log->cursors, key);
        note_changed(m, log);
    }
    journal_lmdb_unlock(m);
}

/* --- begin and end --------------------------------------------------------------------------- */

static void lmdb_close(struct journal *j)
{
    struct journal_lmdb *m = journal_lmdb_of(j);

    m->records.len = 0;
    m->rows.len = 0;
    while (list_pop_front(&m->touched) != NULL) {}
    if (lmdb_commit(j) != ST_OK) /* of cursors; it is told */
        m->cursor_rows.len = 0;
    while (!list_is_empty(&m->logs))
        journal_lmdb_log_free(list_entry(m->logs.next, struct journal_lmdb_log, node));
    hash_table_deinit(&m->by_project);
    buffer_deinit(&m->records);
    buffer_deinit(&m->rows);
    buffer_deinit(&m->cursor_rows);
    buffer_deinit(&m->trim.parts);
    lmdb_env_close(&m->env);
    invariant(pthread_mutex_destroy(&m->mutex) == 0);
    m->magic = 0;
    mem_free(m);
}

static const struct journal_ops lmdb_ops = {
    .close = lmdb_close,
    .append = lmdb_append,
    .put = lmdb_put,
    .commit = lmdb_commit,
    .read = lmdb_read,
    .last_seq = lmdb_last_seq,
    .save_cursor = lmdb_save_cursor,
    .load_cursor = lmdb_load_cursor,
    .remove_cursor = lmdb_remove_cursor,
    .each = lmdb_each,
    .trim = journal_lmdb_trim,
    .remove_project = journal_lmdb_remove_project,
};

struct journal_lmdb *journal_lmdb_new(struct lmdb_env *env, const struct journal_limits *limits)
{
    struct journal_lmdb *m = mem_new_of(MEM_JOURNAL, struct journal_lmdb);

    m->base.ops = &lmdb_ops;
    m->magic = JOURNAL_LMDB_MAGIC;
    m->limits = *limits;
    m->env = env;
    invariant(pthread_mutex_init(&m->mutex, NULL) == 0);
    hash_table_init(&m->by_project, MEM_JOURNAL, log_equal);
    list_init(&m->logs);
    list_init(&m->changed);
    list_init(&m->touched);
    return m;
}
