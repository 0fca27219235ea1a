#include "journal_check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "store/counters.h"

__attribute__((format(printf, 2, 3))) static bool differs(struct journal_check *x,
                                                          const char *format, ...)
{
    va_list args;

    if (x->text[0] != '\0')
        return false; /* of several, the first one is told */
    va_start(args, format);
    (void)vsnprintf(x->text, sizeof(x->text), format, args);
    va_end(args);
    return false;
}

/* --- reading --------------------------------------------------------------------------------- */

/* A reading under way. */
struct reading {
    struct journal_check *check;
    struct journal_check_reading *asked;
    uint64_t project_id;
    uint64_t from;          /* the number of the first record expected */
    struct buffer expected; /* owned: struct model_record; the model may change meanwhile */
    uint64_t count, given;
    bool is_wrong;
};

static void expect(struct reading *x)
{
    const struct journal_check_reading *asked = x->asked;
    const struct model_project *p = &x->check->model->projects[asked->project];
    uint64_t bytes = 0, seq;

    x->project_id = p->id;
    x->from = asked->after < p->first_seq ? p->first_seq : asked->after + 1;
    if (asked->after >= p->last_seq)
        return;
    for (seq = x->from; seq <= p->last_seq && x->count < asked->max_records; seq++) {
        struct model_record r = journal_model_record(p, seq);

        buffer_append(&x->expected, &r, sizeof(r));
        x->count++;
        bytes += r.item.len;
        if (bytes >= asked->max_bytes || x->count == asked->stop_at)
            break;
    }
}

static bool compare_record(struct reading *x, const struct journal_record *r,
                           struct model_item *item)
{
    struct model_record want;

    if (x->given == x->count)
        return differs(x->check, "project %" PRIu64 ": record %" PRIu64 ", one too many",
                       x->project_id, r->seq);
    memcpy(&want, x->expected.data + x->given * sizeof(want), sizeof(want));
    if (r->seq != x->from + x->given)
        return differs(x->check, "project %" PRIu64 ": record %" PRIu64 " instead of %" PRIu64,
                       x->project_id, r->seq, x->from + x->given);
    if (!slice_equal(r->bytes, journal_model_bytes(want.item)))
        return differs(x->check, "project %" PRIu64 ": record %" PRIu64 " is another one",
                       x->project_id, r->seq);
    if (r->committed_ms != want.ms)
        return differs(x->check,
                       "project %" PRIu64 ": record %" PRIu64 " is of %" PRId64
                       " instead of %" PRId64,
                       x->project_id, r->seq, r->committed_ms, want.ms);
    *item = want.item;
    return true;
}

static bool on_record(const struct journal_record *r, void *arg)
{
    struct reading *x = arg;
    struct model_item item;

    x->is_wrong = !compare_record(x, r, &item);
    if (x->is_wrong)
        return false;
    x->given++;
    if (x->asked->on_record != NULL)
        x->asked->on_record(r->seq, item, x->asked->arg);
    return x->given != x->asked->stop_at;
}

bool journal_check_read(struct journal_check *x, struct journal_check_reading *asked)
{
    const struct model_project *p = &x->model->projects[asked->project];
    uint64_t first = p->first_seq, last = asked->after;
    struct reading reading = {.check = x, .asked = asked};

    expect(&reading);
    if (reading.count > 0)
        last = reading.from + reading.count - 1;
    asked->last = journal_read(x->journal, p->id, asked->after, asked->max_records,
                               asked->max_bytes, on_record, &reading, &asked->first);
    buffer_deinit(&reading.expected);
    if (reading.is_wrong)
        return false;
    if (reading.given != reading.count || asked->last != last)
        return differs(x,
                       "project %" PRIu64 ": reading from %" PRIu64 " ended at %" PRIu64
                       " instead of %" PRIu64,
                       reading.project_id, asked->after, asked->last, last);
    if (asked->first != first)
        return differs(x, "project %" PRIu64 ": first %" PRIu64 " instead of %" PRIu64,
                       reading.project_id, asked->first, first);
    return true;
}

bool journal_check_seq_before(struct journal_check *x, unsigned project, int64_t unix_ms)
{
    const struct model_project *p = &x->model->projects[project];
    uint64_t seq = journal_seq_before(x->journal, p->id, unix_ms);

    return journal_model_is_before(p, seq, unix_ms) ||
           differs(x, "project %" PRIu64 ": %" PRIu64 " is not before %" PRId64, p->id, seq,
                   unix_ms);
}

/* --- all of it ------------------------------------------------------------------------------- */

static bool check_numbers(struct journal_check *x, const struct model_project *p)
{
    uint64_t last_seq = journal_last_seq(x->journal, p->id);

    return last_seq == p->last_seq ||
           differs(x, "project %" PRIu64 ": last number %" PRIu64 " instead of %" PRIu64, p->id,
                   last_seq, p->last_seq);
}

static bool check_cursors(struct journal_check *x, const struct model_project *p)
{
    for (unsigned i = 0; i < MODEL_KEYS; i++) {
        const struct model_cursor *want = x->is_new ? &p->durable[i] : &p->saved[i];
        struct journal_position at = {0};
        bool exists =
            journal_load_cursor(x->journal, p->id, journal_model_key(x->model, i), &at) == ST_OK;

        if (exists != want->exists)
            return differs(x, "project %" PRIu64 ": cursor %u %s", p->id, i,
                           exists ? "is there" : "is not there");
        if (exists && (at.seq != want->at.seq || at.mark != want->at.mark))
            return differs(x,
                           "project %" PRIu64 ": cursor %u stands at %" PRIu64 "/%" PRIu64
                           " instead of %" PRIu64 "/%" PRIu64,
                           p->id, i, at.seq, at.mark, want->at.seq, want->at.mark);
    }
    return true;
}

struct rows {
    struct journal_check *check;
    enum journal_table table;
    unsigned next; /* project and key that may come next */
    bool is_wrong;
};

/* Goes on to the next row that must be there, but for those of a project that is leaving. */
static bool skip_to(struct rows *x, unsigned to)
{
    for (; x->next < to; x->next++) {
        unsigned project = x->next / MODEL_KEYS, key = x->next % MODEL_KEYS;

        if (x->check->model->projects[project].rows[x->table][key].tag != 0 &&
            project != x->check->leaving)
            return differs(x->check, "table %d, project %u: row %u is missing", (int)x->table,
                           project, key);
    }
    return true;
}

static bool compare_row(struct rows *x, uint64_t project_id, struct slice key, struct slice value)
{
    const struct journal_model *m = x->check->model;

    for (unsigned at = x->next; at < MODEL_PROJECTS * MODEL_KEYS; at++) {
        const struct model_project *p = &m->projects[at / MODEL_KEYS];
        struct model_item item = p->rows[x->table][at % MODEL_KEYS];

        if (p->id != project_id || !slice_equal(key, journal_model_key(m, at % MODEL_KEYS)))
            continue;
        if (!skip_to(x, at))
            return false;
        x->next = at + 1;
        return (item.tag != 0 && slice_equal(value, journal_model_bytes(item))) ||
               differs(x->check, "table %d, project %" PRIu64 ": row %u is %s", (int)x->table,
                       project_id, at % MODEL_KEYS, item.tag == 0 ? "there" : "another one");
    }
    return differs(x->check, "table %d, project %" PRIu64 ": a row out of order", (int)x->table,
                   project_id);
}

static void on_row(uint64_t project_id, struct slice key, struct slice value, void *arg)
{
    struct rows *x = arg;

    x->is_wrong = x->is_wrong || !compare_row(x, project_id, key, value);
}

static bool check_rows(struct journal_check *x)
{
    for (unsigned i = 0; i < JOURNAL_TABLE_COUNT; i++) {
        struct rows rows = {.check = x, .table = (enum journal_table)i};

        if (journal_each(x->journal, rows.table, on_row, &rows) != ST_OK)
            return differs(x, "table %u cannot be walked", i);
        if (rows.is_wrong || !skip_to(&rows, MODEL_PROJECTS * MODEL_KEYS))
            return false;
    }
    return true;
}

static bool check_counters(struct journal_check *x)
{
    int64_t records = 0, bytes = 0;

    if (x->is_beside || x->leaving != MODEL_PROJECTS)
        return true;
    for (unsigned i = 0; i < MODEL_PROJECTS; i++) {
        const struct model_project *p = &x->model->projects[i];

        records += (int64_t)(p->last_seq + 1 - p->first_seq);
        bytes += (int64_t)p->bytes;
    }
    if (counter_read(&CT_journal_records) != records || counter_read(&CT_journal_bytes) != bytes)
        return differs(
            x,
            "%" PRId64 " records, %" PRId64 " bytes are counted instead of %" PRId64 ", %" PRId64,
            counter_read(&CT_journal_records), counter_read(&CT_journal_bytes), records, bytes);
    return true;
}

bool journal_check_all(struct journal_check *x)
{
    for (unsigned i = 0; i < MODEL_PROJECTS; i++) {
        const struct model_project *p = &x->model->projects[i];
        struct journal_check_reading all = {
            .project = i, .max_records = UINT32_MAX, .max_bytes = UINT64_MAX};

        if (!check_numbers(x, p) || !journal_check_read(x, &all) ||
            (i != x->leaving && !check_cursors(x, p)))
            return false;
    }
    return check_rows(x) && check_counters(x);
}
