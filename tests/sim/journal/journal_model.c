#include "journal_model.h"

#include <stdlib.h>

#include "base/invariant.h"
#include "base/mem.h"

enum {
    PATTERN_STEP = 24, /* between the beginnings of two items: each is of its own */
    PATTERN_LEN = MODEL_BYTES_MAX * 2,
    SHORT_KEYS = 8 /* of all: short; the others are long */
};

static uint8_t *pattern; /* made once; random bytes */

/* --- begin and end --------------------------------------------------------------------------- */

static void make_pattern(void)
{
    struct chance c = {1};

    if (pattern != NULL)
        return;
    pattern = malloc(PATTERN_LEN);
    invariant(pattern != NULL);
    for (size_t at = 0; at < PATTERN_LEN; at += sizeof(uint64_t)) {
        uint64_t bytes = chance_next(&c);

        memcpy(pattern + at, &bytes, sizeof(bytes));
    }
}

static int compare_keys(const void *a, const void *b)
{
    const struct buffer *x = a, *y = b;
    size_t common = x->len < y->len ? x->len : y->len;
    int order = memcmp(x->data, y->data, common);

    return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* Keys of all lengths, some of which begin with others: the number at the end tells them apart. */
static void make_keys(struct journal_model *m, struct chance *c)
{
    for (unsigned i = 0; i < MODEL_KEYS; i++) {
        struct buffer *key = &m->keys[i];
        uint32_t len = i == 0           ? JOURNAL_KEY_MAX - 1
                       : i < SHORT_KEYS ? chance_below(c, 3)
                                        : chance_below(c, JOURNAL_KEY_MAX);

        memset(buffer_reserve(key, len + 1), i % 2 == 0 ? 0 : 0xff, len);
        key->len = len;
        buffer_append_u8(key, (uint8_t)(i * 21));
    }
    qsort(m->keys, MODEL_KEYS, sizeof(m->keys[0]), compare_keys);
}

/* Neighbours, so that the end of one is the beginning of another; and the last of all numbers. */
static void make_projects(struct journal_model *m, struct chance *c)
{
    uint64_t id = 1 + chance_below(c, 1000);

    for (unsigned i = 0; i < MODEL_PROJECTS; i++) {
        m->projects[i].id = i + 1 == MODEL_PROJECTS ? UINT64_MAX : id;
        m->projects[i].first_seq = 1;
        id += chance_percent(c, 60) ? 1 : chance_next(c) >> 8;
    }
}

void journal_model_init(struct journal_model *m, struct chance *c)
{
    *m = (struct journal_model){0};
    make_pattern();
    make_keys(m, c);
    make_projects(m, c);
}

void journal_model_deinit(struct journal_model *m)
{
    for (unsigned i = 0; i < MODEL_PROJECTS; i++)
        buffer_deinit(&m->projects[i].records);
    for (unsigned i = 0; i < MODEL_KEYS; i++)
        buffer_deinit(&m->keys[i]);
    buffer_deinit(&m->batch);
}

static void copy_buffer(struct buffer *to, const struct buffer *from)
{
    *to = (struct buffer){0};
    buffer_append_slice(to, buffer_slice(from));
}

void journal_model_copy(struct journal_model *to, const struct journal_model *from)
{
    *to = *from;
    for (unsigned i = 0; i < MODEL_PROJECTS; i++)
        copy_buffer(&to->projects[i].records, &from->projects[i].records);
    for (unsigned i = 0; i < MODEL_KEYS; i++)
        copy_buffer(&to->keys[i], &from->keys[i]);
    copy_buffer(&to->batch, &from->batch);
}

/* --- items ----------------------------------------------------------------------------------- */

struct model_item journal_model_item(struct journal_model *m, uint32_t len)
{
    return (struct model_item){++m->last_tag, len};
}

struct slice journal_model_bytes(struct model_item item)
{
    if (item.tag == 0)
        return slice_make(NULL, 0);
    return slice_make(pattern + item.tag * (size_t)PATTERN_STEP % (PATTERN_LEN - MODEL_BYTES_MAX),
                      item.len);
}

struct model_record journal_model_record(const struct model_project *p, uint64_t seq)
{
    struct model_record r;

    invariant(seq >= p->first_seq && seq <= p->last_seq);
    memcpy(&r, p->records.data + (seq - p->first_seq) * sizeof(r), sizeof(r));
    return r;
}

/* --- the batch ------------------------------------------------------------------------------- */

uint64_t journal_model_append(struct journal_model *m, unsigned project, struct model_item item)
{
    struct model_change change = {.project = (uint8_t)project, .item = item};

    buffer_append(&m->batch, &change, sizeof(change));
    m->projects[project].batch_count++;
    return m->projects[project].last_seq + m->projects[project].batch_count;
}

void journal_model_put(struct journal_model *m, enum journal_table table, unsigned project,
                       unsigned key, struct model_item item)
{
    struct model_change change = {true, (uint8_t)project, (uint8_t)table, (uint8_t)key, item};

    buffer_append(&m->batch, &change, sizeof(change));
}

void journal_model_note_time(struct journal_model *m, int64_t now_ms)
{
    m->batch_ms = now_ms > m->batch_ms ? now_ms : m->batch_ms;
}

static void add_record(struct journal_model *m, const struct model_change *change)
{
    struct model_project *p = &m->projects[change->project];
    struct model_record r = {change->item, m->batch_ms};

    buffer_append(&p->records, &r, sizeof(r));
    p->bytes += change->item.len;
    p->last_seq++;
    m->records++;
}

static void drop_batch(struct journal_model *m)
{
    m->batch.len = 0;
    for (unsigned i = 0; i < MODEL_PROJECTS; i++)
        m->projects[i].batch_count = 0;
}

/* The first `most` of those that are over and not above a number. */
static uint64_t take_along(struct journal_model *m, struct model_project *p, uint64_t last_seq,
                           uint64_t most)
{
    uint64_t kept = journal_model_kept(m, p, m->batch_ms);
    uint64_t count;

    if (kept > last_seq + 1)
        kept = last_seq + 1;
    count = kept - p->first_seq < most ? kept - p->first_seq : most;
    m->along_lost += journal_model_owed(p, p->first_seq + count);
    journal_model_drop(m, p, p->first_seq + count);
    return count;
}

/* Project by project, in the order in which the batch has begun with them. */
static void take_all_along(struct journal_model *m, const uint64_t last_seqs[MODEL_PROJECTS])
{
    bool is_done[MODEL_PROJECTS] = {false};
    uint64_t most = 0;

    for (unsigned i = 0; i < MODEL_PROJECTS; i++)
        most += 2 * (m->projects[i].last_seq - last_seqs[i]);
    m->along = 0;
    m->along_lost = 0;
    for (size_t at = 0; at < m->batch.len; at += sizeof(struct model_change)) {
        struct model_change change;

        memcpy(&change, m->batch.data + at, sizeof(change));
        if (change.is_row || is_done[change.project])
            continue;
        is_done[change.project] = true;
        m->along +=
            take_along(m, &m->projects[change.project], last_seqs[change.project], most - m->along);
    }
}

void journal_model_commit(struct journal_model *m, int64_t now_ms)
{
    uint64_t last_seqs[MODEL_PROJECTS];

    for (unsigned i = 0; i < MODEL_PROJECTS; i++)
        last_seqs[i] = m->projects[i].last_seq;
    journal_model_note_time(m, now_ms);
    for (size_t at = 0; at < m->batch.len; at += sizeof(struct model_change)) {
        struct model_change change;

        memcpy(&change, m->batch.data + at, sizeof(change));
        if (change.is_row)
            m->projects[change.project].rows[change.table][change.key] = change.item;
        else
            add_record(m, &change);
    }
    take_all_along(m, last_seqs);
    drop_batch(m);
    journal_model_commit_cursors(m, now_ms);
}

void journal_model_commit_cursors(struct journal_model *m, int64_t now_ms)
{
    journal_model_note_time(m, now_ms);
    for (unsigned i = 0; i < MODEL_PROJECTS; i++)
        memcpy(m->projects[i].durable, m->projects[i].saved, sizeof(m->projects[i].durable));
}

/* --- what goes ------------------------------------------------------------------------------- */

static bool is_over(const struct journal_limits *l, uint64_t bytes, int64_t age_ms)
{
    return (l->retention_bytes != 0 && bytes > l->retention_bytes) ||
           (l->retention_ms != 0 && age_ms > (int64_t)l->retention_ms);
}

uint64_t journal_model_kept(const struct journal_model *m, const struct model_project *p,
                            int64_t now_ms)
{
    uint64_t bytes = p->bytes, seq;

    for (seq = p->first_seq; seq <= p->last_seq; seq++) {
        struct model_record r = journal_model_record(p, seq);

        if (!is_over(&m->limits, bytes, now_ms - r.ms))
            break;
        bytes -= r.item.len;
    }
    return seq;
}

int64_t journal_model_owed(const struct model_project *p, uint64_t first_seq)
{
    uint64_t lowest = UINT64_MAX;

    for (unsigned i = 0; i < MODEL_KEYS; i++) {
        if (p->saved[i].exists && p->saved[i].at.seq < lowest)
            lowest = p->saved[i].at.seq;
    }
    if (lowest >= first_seq)
        return 0;
    return (int64_t)(first_seq - 1 - (lowest < p->first_seq ? p->first_seq - 1 : lowest));
}

void journal_model_drop(struct journal_model *m, struct model_project *p, uint64_t first_seq)
{
    uint64_t count = first_seq - p->first_seq;

    for (uint64_t seq = p->first_seq; seq < first_seq; seq++)
        p->bytes -= journal_model_record(p, seq).item.len;
    buffer_consume(&p->records, count * sizeof(struct model_record));
    p->first_seq = first_seq;
    m->trimmed += count;
}

void journal_model_remove_project(struct journal_model *m, unsigned project)
{
    struct model_project *p = &m->projects[project];
    struct buffer records = p->records;

    invariant(m->batch.len == 0);
    records.len = 0;
    *p = (struct model_project){.id = p->id, .first_seq = 1, .records = records};
}

bool journal_model_is_before(const struct model_project *p, uint64_t seq, int64_t unix_ms)
{
    if (seq + 1 < p->first_seq || seq > p->last_seq)
        return false;
    return (seq < p->first_seq || journal_model_record(p, seq).ms < unix_ms) &&
           (seq == p->last_seq || journal_model_record(p, seq + 1).ms >= unix_ms);
}

void journal_model_crash(struct journal_model *m)
{
    drop_batch(m);
    m->batch_ms = 0;
    for (unsigned i = 0; i < MODEL_PROJECTS; i++)
        memcpy(m->projects[i].saved, m->projects[i].durable, sizeof(m->projects[i].saved));
}
