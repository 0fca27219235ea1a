/* Rows in a hash table; a walk sorts those of its table. */
#include "row_journal.h"

#include <stdlib.h>

#include "base/hash_table.h"
#include "base/invariant.h"
#include "store/journal_priv.h"

struct row {
    enum journal_table table;
    uint64_t project_id;
    struct buffer key, value; /* owned */
};

struct row_key {
    enum journal_table table;
    uint64_t project_id;
    struct slice key;
};

struct row_journal {
    struct journal base;
    struct journal *below;  /* owned */
    struct hash_table rows; /* owned: struct row */
};

static struct row_journal *rows_of(struct journal *j)
{
    return (struct row_journal *)j;
}

static bool row_equal(const void *item, const void *key)
{
    const struct row *r = item;
    const struct row_key *k = key;

    return r->table == k->table && r->project_id == k->project_id &&
           slice_equal(buffer_slice(&r->key), k->key);
}

static uint64_t hash_of(const struct row_key *k)
{
    return hash_bytes(k->key) ^ hash_u64(k->project_id ^ (uint64_t)k->table << 60);
}

static void free_row(struct row *r)
{
    buffer_deinit(&r->key);
    buffer_deinit(&r->value);
    mem_free(r);
}

static void put(struct journal *j, enum journal_table table, uint64_t project_id, struct slice key,
                struct slice value)
{
    struct row_key k = {table, project_id, key};
    struct row *r;

    if (value.len == 0) {
        r = hash_table_remove(&rows_of(j)->rows, hash_of(&k), &k);
        if (r != NULL)
            free_row(r);
        return;
    }
    r = hash_table_find(&rows_of(j)->rows, hash_of(&k), &k);
    if (r == NULL) {
        r = mem_new_of(MEM_TEST, struct row);
        r->table = table;
        r->project_id = project_id;
        buffer_append_slice(&r->key, key);
        hash_table_put(&rows_of(j)->rows, hash_of(&k), r);
    }
    r->value.len = 0;
    buffer_append_slice(&r->value, value);
}

static int compare(const void *a, const void *b)
{
    const struct row *x = *(const struct row *const *)a, *y = *(const struct row *const *)b;
    size_t common = x->key.len < y->key.len ? x->key.len : y->key.len;
    int order = memcmp(x->key.data, y->key.data, common);

    if (x->project_id != y->project_id)
        return x->project_id < y->project_id ? -1 : 1;
    return order != 0 ? order : (x->key.len > y->key.len) - (x->key.len < y->key.len);
}

static enum status each(struct journal *j, enum journal_table table, journal_row_fn fn, void *arg)
{
    struct buffer found = {0};
    struct row *r;
    size_t cursor = 0;

    while ((r = hash_table_next(&rows_of(j)->rows, &cursor)) != NULL) {
        if (r->table == table)
            buffer_append(&found, &r, sizeof(struct row *));
    }
    if (found.len > 0)
        qsort(found.data, found.len / sizeof(struct row *), sizeof(struct row *), compare);
    for (size_t i = 0; i < found.len / sizeof(struct row *); i++) {
        memcpy(&r, found.data + i * sizeof(struct row *), sizeof(struct row *));
        fn(r->project_id, buffer_slice(&r->key), buffer_slice(&r->value), arg);
    }
    buffer_deinit(&found);
    return ST_OK;
}

static void close_all(struct journal *j)
{
    struct row_journal *m = rows_of(j);
    size_t cursor = 0;
    struct row *r;

    while ((r = hash_table_next(&m->rows, &cursor)) != NULL)
        free_row(r);
    hash_table_deinit(&m->rows);
    journal_close(&m->below);
    mem_free(m);
}

/* --- the journal below ------------------------------------------------------------------------ */

static uint64_t append(struct journal *j, uint64_t project_id, struct slice bytes)
{
    return rows_of(j)->below->ops->append(rows_of(j)->below, project_id, bytes);
}

static enum status commit(struct journal *j)
{
    return rows_of(j)->below->ops->commit(rows_of(j)->below);
}

static uint64_t read_records(struct journal *j, uint64_t project_id, uint64_t after,
                             uint32_t max_records, uint64_t max_bytes, journal_record_fn fn,
                             void *arg, uint64_t *first)
{
    return rows_of(j)->below->ops->read(rows_of(j)->below, project_id, after, max_records,
                                        max_bytes, fn, arg, first);
}

static uint64_t last_seq(struct journal *j, uint64_t project_id)
{
    return rows_of(j)->below->ops->last_seq(rows_of(j)->below, project_id);
}

static void save_cursor(struct journal *j, uint64_t project_id, struct slice key,
                        struct journal_position at)
{
    rows_of(j)->below->ops->save_cursor(rows_of(j)->below, project_id, key, at);
}

static enum status load_cursor(struct journal *j, uint64_t project_id, struct slice key,
                               struct journal_position *at)
{
    return rows_of(j)->below->ops->load_cursor(rows_of(j)->below, project_id, key, at);
}

static void remove_cursor(struct journal *j, uint64_t project_id, struct slice key)
{
    rows_of(j)->below->ops->remove_cursor(rows_of(j)->below, project_id, key);
}

static uint64_t trim(struct journal *j, int64_t now_unix_ms)
{
    return rows_of(j)->below->ops->trim(rows_of(j)->below, now_unix_ms);
}

static void remove_project(struct journal *j, uint64_t project_id)
{
    rows_of(j)->below->ops->remove_project(rows_of(j)->below, project_id);
}

static const struct journal_ops ops = {
    .close = close_all,
    .append = append,
    .put = put,
    .commit = commit,
    .read = read_records,
    .last_seq = last_seq,
    .save_cursor = save_cursor,
    .load_cursor = load_cursor,
    .remove_cursor = remove_cursor,
    .each = each,
    .trim = trim,
    .remove_project = remove_project,
};

struct journal *row_journal_new(struct journal *below)
{
    struct row_journal *m = mem_new_of(MEM_TEST, struct row_journal);

    m->base.ops = &ops;
    m->below = below;
    hash_table_init(&m->rows, MEM_TEST, row_equal);
    return &m->base;
}
