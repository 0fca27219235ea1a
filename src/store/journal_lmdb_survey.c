/*
 * The walk: logs first, since they say what the other tables must hold; then records, rows and
 * cursors. A project that has records, rows or cursors and no log is fine as long as there are no
 * records.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/ident.h"
#include "store/journal_lmdb_priv.h"
#include "store/journal_survey.h"
#include "store/lmdb_env_inspect.h"

enum { NAME_LEN = 24 /* of a project in a line */ };
_Static_assert((int)IDENT_TEXT_LEN <= (int)NAME_LEN, "a project's key fits");

struct entry {
    struct journal_survey_project project;
    uint64_t log_bytes;
    bool has_log;
};

struct walk {
    struct journal_survey *s; /* borrowed */
    enum status status;
    struct hash_table by_project; /* owned: struct entry */
    struct buffer order;          /* owned: pointers to them */
    uint64_t next_seq;            /* of the records that are walked; 0: the first of its project */
    struct entry *entry;          /* whose they are */
    enum journal_table table;
};

static bool has_project(const void *item, const void *key)
{
    return ((const struct entry *)item)->project.project_id == *(const uint64_t *)key;
}

static struct entry *entry_of(struct walk *x, uint64_t project_id)
{
    struct entry *e = hash_table_find(&x->by_project, hash_u64(project_id), &project_id);

    if (e != NULL)
        return e;
    e = mem_new_of(MEM_JOURNAL, struct entry);
    e->project.project_id = project_id;
    hash_table_put(&x->by_project, hash_u64(project_id), e);
    buffer_append(&x->order, &e, sizeof(e));
    return e;
}

static bool has_name(uint64_t project_id)
{
    return ident_is_valid(IDENT_PROJECT, project_id);
}

/* What is damaged may be of a project that cannot be. */
static const char *name_of(uint64_t project_id, char out[NAME_LEN + 1])
{
    if (project_id == 0) /* rows that are of no project */
        return "-";
    if (has_name(project_id))
        ident_format(IDENT_PROJECT, project_id, out);
    else
        (void)snprintf(out, NAME_LEN + 1, "0x%016" PRIx64, project_id);
    return out;
}

__attribute__((format(printf, 3, 4))) static void fault(struct walk *x, enum status st,
                                                        const char *format, ...)
{
    char line[JOURNAL_SURVEY_LINE_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (x->status == ST_OK)
        x->status = st;
    if (x->s->on_fault != NULL)
        x->s->on_fault(line, x->s->arg);
}

static void project_fault(struct walk *x, uint64_t project_id, const char *what)
{
    char name[NAME_LEN + 1];

    fault(x, ST_CORRUPT, "project %s: %s", name_of(project_id, name), what);
}

static void record_fault(struct walk *x, uint64_t project_id, uint64_t first, uint64_t last,
                         const char *what)
{
    char line[JOURNAL_SURVEY_LINE_MAX];

    if (first == last)
        (void)snprintf(line, sizeof(line), "record %" PRIu64 " %s", first, what);
    else
        (void)snprintf(line, sizeof(line), "records %" PRIu64 " to %" PRIu64 " %s", first, last,
                       what);
    project_fault(x, project_id, line);
}

/* --- logs and records ------------------------------------------------------------------------ */

static bool on_log(struct slice key, struct slice value, void *arg)
{
    struct walk *x = arg;
    struct entry *e;

    if (key.len != JOURNAL_LMDB_PROJECT_LEN || value.len != JOURNAL_LMDB_LOG_LEN) {
        fault(x, ST_CORRUPT, "a row of the table `log` is damaged");
        return true;
    }
    e = entry_of(x, journal_lmdb_read_u64(key.data));
    e->has_log = true;
    e->project.last_seq = journal_lmdb_read_u64(value.data);
    e->project.first_seq = e->project.last_seq + 1;
    e->log_bytes = journal_lmdb_read_u64(value.data + sizeof(uint64_t));
    return true;
}

/* The walk leaves the records of a project: all up to its last number must have come. */
static void end_project(struct walk *x)
{
    const struct entry *e = x->entry;

    if (e == NULL)
        return;
    if (e->has_log && x->next_seq <= e->project.last_seq)
        record_fault(x, e->project.project_id, x->next_seq, e->project.last_seq, "missing");
    if (e->has_log && e->log_bytes != e->project.bytes)
        project_fault(x, e->project.project_id, "the log's count of bytes is wrong");
    x->entry = NULL;
}

static void begin_project(struct walk *x, uint64_t project_id, uint64_t seq)
{
    end_project(x);
    x->entry = entry_of(x, project_id);
    if (!x->entry->has_log)
        project_fault(x, project_id, "has records and no log");
    x->entry->project.first_seq = seq;
    x->next_seq = seq;
}

static void check_record(struct walk *x, const struct journal_record *r)
{
    struct journal_survey_project *p = &x->entry->project;

    if (r->seq > x->next_seq)
        record_fault(x, p->project_id, x->next_seq, r->seq - 1, "missing");
    if (x->entry->has_log && r->seq > p->last_seq)
        record_fault(x, p->project_id, r->seq, r->seq, "is above the log's last number");
    if (r->seq == 0 || (x->s->record_is_sound != NULL && !x->s->record_is_sound(p->project_id, r)))
        record_fault(x, p->project_id, r->seq, r->seq, "cannot be decoded");
    x->next_seq = r->seq + 1;
    if (p->records == 0)
        p->oldest_ms = r->committed_ms;
    p->newest_ms = r->committed_ms;
    p->records++;
    p->bytes += r->bytes.len;
    x->s->records++;
}

static bool on_record(struct slice key, struct slice value, void *arg)
{
    struct walk *x = arg;
    struct journal_record r;
    uint64_t project_id;

    if (key.len != JOURNAL_LMDB_RECORD_KEY_LEN || value.len < JOURNAL_LMDB_TIME_LEN) {
        fault(x, ST_CORRUPT, "a row of the table `record` is damaged");
        return true;
    }
    project_id = journal_lmdb_read_u64(key.data);
    r.seq = journal_lmdb_read_u64(key.data + JOURNAL_LMDB_PROJECT_LEN);
    r.committed_ms = (int64_t)journal_lmdb_read_u64(value.data);
    r.bytes = slice_from(value, JOURNAL_LMDB_TIME_LEN);
    if (x->entry == NULL || x->entry->project.project_id != project_id)
        begin_project(x, project_id, r.seq);
    check_record(x, &r);
    return true;
}

/* --- rows and cursors ------------------------------------------------------------------------ */

static const char *const row_names[JOURNAL_TABLE_COUNT] = {
#define X(name, word, text) word,
    JOURNAL_TABLE_LIST(X)
#undef X
};

static bool on_row(struct slice key, struct slice value, void *arg)
{
    struct walk *x = arg;
    uint64_t project_id;
    struct slice name;

    if (key.len <= JOURNAL_LMDB_PROJECT_LEN || value.len == 0) {
        fault(x, ST_CORRUPT, "a row of the table `%s` is damaged", row_names[x->table]);
        return true;
    }
    project_id = journal_lmdb_read_u64(key.data);
    name = slice_from(key, JOURNAL_LMDB_PROJECT_LEN);
    entry_of(x, project_id)->project.rows[x->table]++;
    x->s->rows++;
    if (x->s->row_is_sound == NULL || x->s->row_is_sound(x->table, project_id, name, value))
        return true;
    {
        char line[JOURNAL_SURVEY_LINE_MAX];
        char hex[2 * 24 + 1] = "";

        for (size_t i = 0; i < name.len && i < 24; i++)
            (void)snprintf(hex + 2 * i, 3, "%02x", name.data[i]);
        (void)snprintf(line, sizeof(line), "a row of the table `%s` cannot be decoded (key %s%s)",
                       row_names[x->table], hex, name.len > 24 ? "…" : "");
        project_fault(x, project_id, line);
    }
    return true;
}

static bool on_cursor(struct slice key, struct slice value, void *arg)
{
    struct walk *x = arg;
    struct journal_survey_cursor c;
    const struct journal_survey_project *p;

    if (key.len <= JOURNAL_LMDB_PROJECT_LEN || value.len != JOURNAL_LMDB_CURSOR_LEN) {
        fault(x, ST_CORRUPT, "a row of the table `cursor` is damaged");
        return true;
    }
    c.project_id = journal_lmdb_read_u64(key.data);
    c.key = slice_from(key, JOURNAL_LMDB_PROJECT_LEN);
    c.at.seq = journal_lmdb_read_u64(value.data);
    c.at.mark = journal_lmdb_read_u64(value.data + sizeof(uint64_t));
    p = &entry_of(x, c.project_id)->project;
    if (c.at.seq > p->last_seq) {
        char line[JOURNAL_SURVEY_LINE_MAX];

        (void)snprintf(line, sizeof(line),
                       "cursor `%.*s` stands at %" PRIu64 ", behind the last record %" PRIu64,
                       (int)(c.key.len < 64 ? c.key.len : 64), (const char *)c.key.data, c.at.seq,
                       p->last_seq);
        project_fault(x, c.project_id, line);
    }
    c.lag = 0;
    if (p->records > 0 && c.at.seq < p->last_seq)
        c.lag = p->last_seq - (c.at.seq < p->first_seq ? p->first_seq - 1 : c.at.seq);
    x->s->cursors++;
    if (x->s->on_cursor != NULL && has_name(c.project_id))
        x->s->on_cursor(&c, x->s->arg);
    return true;
}

/* --- the whole ------------------------------------------------------------------------------- */

static bool check_format(struct lmdb_env_txn *t, struct walk *x)
{
    struct slice format;

    if (lmdb_env_get(t, JOURNAL_LMDB_FORMAT, slice_of("format"), &format) &&
        format.len == sizeof(x->s->format))
        memcpy(&x->s->format, format.data, sizeof(x->s->format));
    if (x->s->format > JOURNAL_LMDB_FORMAT_NUMBER)
        fault(x, ST_UNSUPPORTED, "the journal is of a newer program (format %u, this one knows %u)",
              x->s->format, JOURNAL_LMDB_FORMAT_NUMBER);
    else if (x->s->format == 0)
        fault(x, ST_CORRUPT, "the journal has no number of its format");
    return x->s->format != 0 && x->s->format <= JOURNAL_LMDB_FORMAT_NUMBER;
}

static void tell_projects(struct walk *x)
{
    for (size_t at = 0; at < x->order.len; at += sizeof(struct entry *)) {
        const struct entry *e;

        memcpy(&e, x->order.data + at, sizeof(e));
        if (e->has_log && e->project.records == 0 && e->log_bytes != 0)
            project_fault(x, e->project.project_id, "the log has bytes and no records");
        if (x->s->on_project != NULL && has_name(e->project.project_id))
            x->s->on_project(&e->project, x->s->arg);
    }
}

static void walk(struct lmdb_env_txn *t, void *arg)
{
    struct walk *x = arg;

    if (!check_format(t, x))
        return;
    lmdb_env_each(t, JOURNAL_LMDB_LOG, on_log, x);
    lmdb_env_each(t, JOURNAL_LMDB_RECORD, on_record, x);
    end_project(x);
    for (unsigned i = 0; i < JOURNAL_TABLE_COUNT; i++) {
        x->table = (enum journal_table)i;
        lmdb_env_each(t, i, on_row, x);
    }
    tell_projects(x);
    lmdb_env_each(t, JOURNAL_LMDB_CURSOR, on_cursor, x);
}

static void on_page_fault(const char *text, void *arg)
{
    struct walk *x = arg;

    if (x->s->on_fault != NULL)
        x->s->on_fault(text, x->s->arg);
}

static bool make_path(char out[PATH_MAX], const char *data_dir)
{
    int len = snprintf(out, PATH_MAX, "%s/journal", data_dir);

    return len > 0 && len < PATH_MAX;
}

enum status journal_survey_walk(const char *data_dir, struct journal_survey *s)
{
    struct walk x = {.s = s};
    char path[PATH_MAX];
    enum status st = ST_IO;

    hash_table_init(&x.by_project, MEM_JOURNAL, has_project);
    if (make_path(path, data_dir))
        st = lmdb_env_inspect(path, journal_lmdb_table_names, JOURNAL_LMDB_TABLE_COUNT, walk,
                              on_page_fault, &x);
    for (size_t at = 0; at < x.order.len; at += sizeof(struct entry *)) {
        struct entry *e;

        memcpy(&e, x.order.data + at, sizeof(e));
        mem_free(e);
    }
    hash_table_deinit(&x.by_project);
    buffer_deinit(&x.order);
    return st == ST_OK ? x.status : st;
}

enum status journal_survey_copy(const char *data_dir, const char *to, char *error, size_t error_len)
{
    char from_path[PATH_MAX], to_path[PATH_MAX];

    if (make_path(from_path, data_dir) && make_path(to_path, to))
        return lmdb_env_copy(from_path, to_path, error, error_len);
    (void)snprintf(error, error_len, "%s: the name is too long", to);
    return ST_IO;
}
