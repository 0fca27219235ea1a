/*
 * The journal in memory: each project's log is a row of segments, oldest first.
 *
 * Records are never moved or changed once they are written, so a reader takes the lock only to find
 * its segment and to hold a reference to it; it reads without the lock, and a segment that is
 * trimmed meanwhile lives until it lets go. The committing thread writes behind what is visible,
 * where no reader looks. The lock guards the tables, the rows of segments and what is visible; its
 * hold times are a search, but for trimming, which looks at a project's cursors.
 */
#include "store/journal_priv.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/invariant.h"
#include "store/counters.h"
#include "store/journal_cursor.h"
#include "store/journal_segment.h"

enum {
    JOURNAL_MAGIC = 0x4A4F5552,
    SEGMENT_MIN = 16 * 1024, /* a quiet project's log costs so much, */
    SEGMENT_MAX = 256 * 1024 /* a busy one's grows by so much; what is trimmed at once */
};

/* A project's log. Never goes while the project stands, because its numbers must go on. */
struct log {
    uint64_t project_id;
    struct list node;              /* in logs */
    struct list touched_node;      /* in touched, while the open batch has records of it */
    struct journal_segment **ring; /* owned; segments by first_seq, without gaps between them */
    uint32_t ring_capacity, ring_head, ring_count;
    uint64_t visible_seq;
    struct journal_cursors cursors;
    /* the rest is the committing thread's */
    uint64_t appended_seq;
    uint64_t bytes; /* of the segments in the row */
    uint64_t batch_bytes;
    size_t next_capacity;
};

struct journal_memory {
    struct journal base;
    uint32_t magic;
    struct journal_limits limits;
    size_t segment_max;
    pthread_mutex_t mutex;
    struct hash_table by_project; /* owned logs */
    struct list logs;             /* the same; only the committing thread takes one out */
    /* the committing thread's */
    struct list touched;
    int64_t batch_ms; /* Unix time of the open batch; never goes back */
};

static struct journal_memory *memory_of(struct journal *j)
{
    struct journal_memory *m = (struct journal_memory *)j;

    invariant(m->magic == JOURNAL_MAGIC);
    return m;
}

static void lock(struct journal_memory *m)
{
    invariant(pthread_mutex_lock(&m->mutex) == 0);
}

static void unlock(struct journal_memory *m)
{
    invariant(pthread_mutex_unlock(&m->mutex) == 0);
}

/* --- logs ------------------------------------------------------------------------------------ */

static bool log_equal(const void *item, const void *key)
{
    return ((const struct log *)item)->project_id == *(const uint64_t *)key;
}

static struct log *log_find(struct journal_memory *m, uint64_t project_id)
{
    return hash_table_find(&m->by_project, hash_u64(project_id), &project_id);
}

static struct log *log_get(struct journal_memory *m, uint64_t project_id)
{
    struct log *log = log_find(m, project_id);

    if (log != NULL)
        return log;
    log = mem_new_of(MEM_JOURNAL, struct log);
    log->project_id = project_id;
    log->next_capacity = SEGMENT_MIN;
    journal_cursors_init(&log->cursors, false);
    hash_table_put(&m->by_project, hash_u64(project_id), log);
    list_push_back(&m->logs, &log->node);
    return log;
}

static struct journal_segment *log_segment(const struct log *log, uint32_t index)
{
    return log->ring[(log->ring_head + index) & (log->ring_capacity - 1)];
}

static uint64_t segment_first(const struct log *log, uint32_t index)
{
    return journal_segment_first(log_segment(log, index));
}

static uint64_t log_first_seq(const struct log *log)
{
    uint64_t first = log->ring_count == 0 ? UINT64_MAX : segment_first(log, 0);

    /* A segment that only has records of the open batch is not there yet. */
    return first <= log->visible_seq ? first : log->visible_seq + 1;
}

/* The number of a segment's last record that is visible. */
static uint64_t log_segment_last(const struct log *log, uint32_t index)
{
    uint64_t last = log->visible_seq;

    if (index + 1 < log->ring_count && segment_first(log, index + 1) - 1 < last)
        last = segment_first(log, index + 1) - 1;
    return last;
}

/* The last segment that begins at or before this number; there is one. */
static uint32_t log_search(const struct log *log, uint64_t seq)
{
    uint32_t low = 0, high = log->ring_count - 1;

    while (low < high) {
        uint32_t middle = low + (high - low + 1) / 2;

        if (segment_first(log, middle) <= seq)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static void log_push_segment(struct log *log, struct journal_segment *s)
{
    if (log->ring_count == log->ring_capacity) {
        uint32_t capacity = log->ring_capacity == 0 ? 4 : log->ring_capacity * 2;
        struct journal_segment **ring =
            mem_alloc(MEM_JOURNAL, capacity * sizeof(struct journal_segment *));

        for (uint32_t i = 0; i < log->ring_count; i++)
            ring[i] = log_segment(log, i);
        mem_free(log->ring);
        log->ring = ring;
        log->ring_capacity = capacity;
        log->ring_head = 0;
    }
    log->ring[(log->ring_head + log->ring_count) & (log->ring_capacity - 1)] = s;
    log->ring_count++;
}

static struct journal_segment *log_pop_segment(struct log *log)
{
    struct journal_segment *s = log_segment(log, 0);

    log->ring_head = (log->ring_head + 1) & (log->ring_capacity - 1);
    log->ring_count--;
    log->bytes -= journal_segment_used(s);
    if (log->ring_count == 0) {
        mem_free(log->ring); /* a log that nobody needs costs nothing */
        log->ring = NULL;
        log->ring_capacity = log->ring_head = 0;
        log->next_capacity = SEGMENT_MIN;
    }
    return s;
}

static void log_free(struct log *log)
{
    counter_add(&CT_journal_records, -(int64_t)(log->visible_seq + 1 - log_first_seq(log)));
    counter_add(&CT_journal_bytes, -(int64_t)(log->bytes - log->batch_bytes));
    list_remove(&log->touched_node);
    list_remove(&log->node);
    while (log->ring_count > 0) {
        struct journal_segment *s = log_pop_segment(log);

        journal_segment_unref(&s);
    }
    journal_cursors_deinit(&log->cursors);
    mem_free(log);
}

/* --- committing thread ----------------------------------------------------------------------- */

/* Where the next record goes. */
static struct journal_segment *room_for(struct journal_memory *m, struct log *log, size_t len)
{
    struct journal_segment *s = log->ring_count == 0 ? NULL : log_segment(log, log->ring_count - 1);
    size_t capacity = log->next_capacity;

    if (s != NULL && journal_segment_fits(s, len))
        return s;
    if (journal_segment_room(len) > capacity)
        capacity = journal_segment_room(len);
    s = journal_segment_new(log->appended_seq + 1, capacity);
    if (log->next_capacity < m->segment_max)
        log->next_capacity *= 2;
    lock(m);
    log_push_segment(log, s);
    unlock(m);
    return s;
}

static uint64_t memory_append(struct journal *j, uint64_t project_id, struct slice bytes)
{
    struct journal_memory *m = memory_of(j);
    struct journal_segment *s;
    struct log *log;
    size_t before, added;

    lock(m);
    log = log_get(m, project_id);
    unlock(m);
    if (list_is_empty(&m->touched)) {
        int64_t now_ms = clock_unix_ms();

        m->batch_ms = now_ms > m->batch_ms ? now_ms : m->batch_ms;
    }
    if (!list_is_linked(&log->touched_node))
        list_push_back(&m->touched, &log->touched_node);
    s = room_for(m, log, bytes.len);
    before = journal_segment_used(s);
    journal_segment_add(s, m->batch_ms, bytes);
    added = journal_segment_used(s) - before;
    log->bytes += added;
    log->batch_bytes += added;
    return ++log->appended_seq;
}

static enum status memory_commit(struct journal *j)
{
    struct journal_memory *m = memory_of(j);
    struct list *node;

    lock(m);
    while ((node = list_pop_front(&m->touched)) != NULL) {
        struct log *log = list_entry(node, struct log, touched_node);

        counter_add(&CT_journal_records, (int64_t)(log->appended_seq - log->visible_seq));
        counter_add(&CT_journal_bytes, (int64_t)log->batch_bytes);
        log->batch_bytes = 0;
        log->visible_seq = log->appended_seq;
    }
    unlock(m);
    return ST_OK;
}

static bool retention_is_over(const struct journal_memory *m, const struct log *log,
                              const struct journal_segment *s, int64_t now_unix_ms)
{
    struct journal_record newest = journal_segment_get(s, journal_segment_last(s));
    int64_t age_ms = now_unix_ms - newest.committed_ms;

    if (m->limits.retention_ms != 0 && age_ms > 0 && (uint64_t)age_ms > m->limits.retention_ms)
        return true;
    /* A single segment stays: it may be one record, larger than all that may be kept. */
    return m->limits.retention_bytes != 0 && log->bytes > m->limits.retention_bytes &&
           log->ring_count > 1;
}

/* Takes the segments out of a log that may go, and appends them to `dropped`. */
static uint64_t trim_log(const struct journal_memory *m, struct log *log, int64_t now_unix_ms,
                         struct buffer *dropped)
{
    /* What all cursors are past; without any, nobody needs anything. */
    uint64_t unneeded = journal_cursors_lowest(&log->cursors);
    uint64_t count = 0;

    while (log->ring_count > 0) {
        struct journal_segment *s = log_segment(log, 0);
        uint64_t first = journal_segment_first(s);
        uint64_t last = journal_segment_last(s);

        if (last > log->visible_seq) /* the open batch is in it */
            break;
        if (last > unneeded) {
            if (!retention_is_over(m, log, s, now_unix_ms))
                break;
            counter_add(&CT_journal_lost,
                        (int64_t)(last - (unneeded < first ? first - 1 : unneeded)));
        }
        count += last - first + 1;
        counter_add(&CT_journal_bytes, -(int64_t)journal_segment_used(s));
        (void)log_pop_segment(log);
        buffer_append(dropped, &s, sizeof(s));
    }
    return count;
}

static uint64_t memory_trim(struct journal *j, int64_t now_unix_ms)
{
    struct journal_memory *m = memory_of(j);
    struct buffer dropped = {0};
    struct list *node = &m->logs;
    uint64_t count = 0;

    do { /* one log at a time; a node stays meanwhile: only we take logs out */
        lock(m);
        node = node->next;
        if (node != &m->logs)
            count += trim_log(m, list_entry(node, struct log, node), now_unix_ms, &dropped);
        unlock(m);
    } while (node != &m->logs);

    for (size_t at = 0; at < dropped.len; at += sizeof(struct journal_segment *)) {
        struct journal_segment *s;

        memcpy(&s, dropped.data + at, sizeof(s));
        journal_segment_unref(&s);
    }
    buffer_deinit(&dropped);
    counter_add(&CT_journal_records, -(int64_t)count);
    return count;
}

static void memory_remove_project(struct journal *j, uint64_t project_id)
{
    struct journal_memory *m = memory_of(j);
    struct log *log;

    lock(m);
    log = hash_table_remove(&m->by_project, hash_u64(project_id), &project_id);
    if (log != NULL) {
        invariant(!list_is_linked(&log->touched_node));
        log_free(log);
    }
    unlock(m);
}

static void memory_close(struct journal *j)
{
    struct journal_memory *m = memory_of(j);

    while (!list_is_empty(&m->logs))
        log_free(list_entry(m->logs.next, struct log, node));
    hash_table_deinit(&m->by_project);
    invariant(pthread_mutex_destroy(&m->mutex) == 0);
    m->magic = 0;
    mem_free(m);
}

/* --- readers --------------------------------------------------------------------------------- */

/* One segment's part of a reading. */
struct part {
    struct journal_segment *segment; /* a reference; NULL: there is nothing more */
    uint64_t next_seq, last_seq;
};

/* Finds the record behind `after`. With `first` NULL a reading goes on: not beyond a hole. */
static struct part take_part(struct journal_memory *m, uint64_t project_id, uint64_t after,
                             uint64_t *first)
{
    struct part part = {0};
    const struct log *log;
    uint64_t oldest;

    lock(m);
    log = log_find(m, project_id);
    oldest = log == NULL ? 1 : log_first_seq(log);
    if (first != NULL)
        *first = oldest;
    if (log != NULL && oldest <= log->visible_seq && after < log->visible_seq &&
        (first != NULL || oldest <= after + 1)) {
        uint32_t index;

        part.next_seq = after + 1 < oldest ? oldest : after + 1;
        index = log_search(log, part.next_seq);
        part.segment = journal_segment_ref(log_segment(log, index));
        part.last_seq = log_segment_last(log, index);
    }
    unlock(m);
    return part;
}

static uint64_t memory_read(struct journal *j, uint64_t project_id, uint64_t after,
                            uint32_t max_records, uint64_t max_bytes, journal_record_fn fn,
                            void *arg, uint64_t *first)
{
    struct journal_memory *m = memory_of(j);
    struct part part = take_part(m, project_id, after, first);
    uint64_t bytes = 0;
    bool goes_on = max_records > 0;

    while (part.segment != NULL) {
        for (uint64_t seq = part.next_seq; goes_on && seq <= part.last_seq; seq++) {
            struct journal_record r = journal_segment_get(part.segment, seq);

            bytes += r.bytes.len;
            after = seq;
            goes_on = fn(&r, arg) && --max_records > 0 && bytes < max_bytes;
        }
        journal_segment_unref(&part.segment);
        if (goes_on)
            part = take_part(m, project_id, after, NULL);
    }
    return after;
}

static uint64_t memory_last_seq(struct journal *j, uint64_t project_id)
{
    struct journal_memory *m = memory_of(j);
    const struct log *log;
    uint64_t seq;

    lock(m);
    log = log_find(m, project_id);
    seq = log == NULL ? 0 : log->visible_seq;
    unlock(m);
    return seq;
}

/* --- cursors and rows ------------------------------------------------------------------------ */

static void memory_save_cursor(struct journal *j, uint64_t project_id, struct slice key,
                               struct journal_position at)
{
    struct journal_memory *m = memory_of(j);

    lock(m);
    journal_cursors_save(&log_get(m, project_id)->cursors, key, at);
    unlock(m);
}

static enum status memory_load_cursor(struct journal *j, uint64_t project_id, struct slice key,
                                      struct journal_position *at)
{
    struct journal_memory *m = memory_of(j);
    const struct journal_cursor *c = NULL;
    const struct log *log;

    lock(m);
    log = log_find(m, project_id);
    if (log != NULL)
        c = journal_cursors_find(&log->cursors, key);
    if (c != NULL)
        *at = c->at;
    unlock(m);
    return c != NULL ? ST_OK : ST_NOT_FOUND;
}

static void memory_remove_cursor(struct journal *j, uint64_t project_id, struct slice key)
{
    struct journal_memory *m = memory_of(j);
    struct log *log;

    lock(m);
    log = log_find(m, project_id);
    if (log != NULL)
        journal_cursors_remove(&log->cursors, key);
    unlock(m);
}

/* Rows are for the next program, and there is none that could see these. */
static void memory_put(struct journal *j, enum journal_table table, uint64_t project_id,
                       struct slice key, struct slice value)
{
    (void)j;
    (void)table;
    (void)project_id;
    (void)key;
    (void)value;
}

static enum status memory_each(struct journal *j, enum journal_table table, journal_row_fn fn,
                               void *arg)
{
    (void)j;
    (void)table;
    (void)fn;
    (void)arg;
    return ST_OK;
}

static const struct journal_ops memory_ops = {
    .close = memory_close,
    .append = memory_append,
    .put = memory_put,
    .commit = memory_commit,
    .read = memory_read,
    .last_seq = memory_last_seq,
    .save_cursor = memory_save_cursor,
    .load_cursor = memory_load_cursor,
    .remove_cursor = memory_remove_cursor,
    .each = memory_each,
    .trim = memory_trim,
    .remove_project = memory_remove_project,
};

struct journal *journal_memory_new(const struct journal_limits *limits)
{
    struct journal_memory *m = mem_new_of(MEM_JOURNAL, struct journal_memory);

    m->base.ops = &memory_ops;
    m->magic = JOURNAL_MAGIC;
    m->limits = *limits;
    m->segment_max = SEGMENT_MAX;
    /* Whole segments go, so a small limit wants small ones. */
    while (limits->retention_bytes != 0 && m->segment_max > SEGMENT_MIN &&
           m->segment_max > limits->retention_bytes / 8)
        m->segment_max /= 2;
    invariant(pthread_mutex_init(&m->mutex, NULL) == 0);
    hash_table_init(&m->by_project, MEM_JOURNAL, log_equal);
    list_init(&m->logs);
    list_init(&m->touched);
    return &m->base;
}
