/* From the newest on, a piece of the log is read forwards and given backwards, since the journal is
 * read forwards only. */
#include "platform/message_query.h"

#include <string.h>

#include "base/mem.h"

enum { PIECE_RECORDS = 512, PIECE_BYTES = 4 * 1024 * 1024 };

struct reading {
    const struct message_query *query;
    message_query_fn fn;
    void *arg;
    uint64_t last; /* records above it do not count */
    size_t left;   /* messages that the page still takes */
    size_t looks;
    bool is_over;        /* a record was above `last` */
    struct buffer bytes; /* owned: what matches, if it is given backwards */
    struct buffer items; /* owned: struct kept */
};

struct kept {
    uint64_t seq;
    int64_t committed_ms;
    size_t at, len;
};

static bool matches(const struct message_query *q, const struct open_record_head *m)
{
    return (q->device_id == 0 || q->device_id == m->device_id) &&
           (q->kinds == 0 || (q->kinds & 1u << m->kind) != 0) &&
           (q->stream.len == 0 || slice_equal(q->stream, m->stream));
}

/* --- oldest first ---------------------------------------------------------------------------- */

static bool give(struct reading *x, uint64_t seq, int64_t committed_ms, struct slice bytes)
{
    struct open_record_head m;

    if (open_record_peek(bytes, &m) == ST_OK && matches(x->query, &m))
        x->left -= x->fn(seq, committed_ms, &m, x->arg);
    return x->left > 0;
}

static bool on_record(const struct journal_record *r, void *arg)
{
    struct reading *x = arg;

    x->is_over = r->seq > x->last;
    if (x->is_over)
        return false;
    x->looks++;
    return give(x, r->seq, r->committed_ms, r->bytes) && x->looks < MESSAGE_QUERY_LOOKS_MAX;
}

static uint64_t read_forwards(struct journal *j, struct reading *x, uint64_t after)
{
    uint64_t project_id = x->query->project_id, first;

    while (after < x->last && x->left > 0 && x->looks < MESSAGE_QUERY_LOOKS_MAX) {
        uint64_t read =
            journal_read(j, project_id, after, PIECE_RECORDS, PIECE_BYTES, on_record, x, &first);

        if (read == after || x->is_over)
            return 0;
        after = read;
    }
    return after < x->last ? after : 0;
}

/* --- newest first ---------------------------------------------------------------------------- */

static bool keep(const struct journal_record *r, void *arg)
{
    struct reading *x = arg;
    struct kept k = {r->seq, r->committed_ms, x->bytes.len, r->bytes.len};
    struct open_record_head m;

    if (r->seq > x->last)
        return false;
    x->looks++;
    if (open_record_peek(r->bytes, &m) == ST_OK && matches(x->query, &m)) {
        buffer_append_slice(&x->bytes, r->bytes);
        buffer_append(&x->items, &k, sizeof(k));
    }
    return true;
}

/* The number of the last one given, when the page is full before all were; otherwise 0. */
static uint64_t give_kept(struct reading *x)
{
    uint64_t stopped_at = 0;

    for (size_t i = x->items.len / sizeof(struct kept); i > 0 && stopped_at == 0; i--) {
        struct kept k;

        memcpy(&k, x->items.data + (i - 1) * sizeof(k), sizeof(k));
        if (!give(x, k.seq, k.committed_ms, slice_make(x->bytes.data + k.at, k.len)))
            stopped_at = k.seq;
    }
    x->items.len = x->bytes.len = 0;
    return stopped_at;
}

static uint64_t read_backwards(struct journal *j, struct reading *x, uint64_t after)
{
    uint64_t project_id = x->query->project_id, first;

    while (x->last > after && x->looks < MESSAGE_QUERY_LOOKS_MAX) {
        uint64_t begin = x->last - after > PIECE_RECORDS ? x->last - PIECE_RECORDS : after;
        uint64_t stopped_at;

        (void)journal_read(j, project_id, begin, PIECE_RECORDS, UINT64_MAX, keep, x, &first);
        stopped_at = give_kept(x);
        if (stopped_at != 0)
            return stopped_at > after + 1 ? stopped_at : 0;
        if (first > begin + 1)
            return 0; /* what is before is gone */
        x->last = begin;
    }
    return x->last > after ? x->last + 1 : 0;
}

uint64_t message_query_read(struct journal *j, const struct message_query *q, message_query_fn fn,
                            void *arg)
{
    struct reading x = {.query = q, .fn = fn, .arg = arg, .left = q->limit};
    uint64_t after = q->from_ms == 0 ? 0 : journal_seq_before(j, q->project_id, q->from_ms);
    uint64_t next;

    x.last = q->to_ms == 0 ? journal_last_seq(j, q->project_id)
                           : journal_seq_before(j, q->project_id, q->to_ms);
    if (q->oldest_first) {
        next = read_forwards(j, &x, q->place > after ? q->place : after);
    } else {
        if (q->place != 0 && q->place - 1 < x.last)
            x.last = q->place - 1;
        next = read_backwards(j, &x, after);
    }
    buffer_deinit(&x.bytes);
    buffer_deinit(&x.items);
    return next;
}
