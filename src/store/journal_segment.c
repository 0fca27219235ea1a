/*
 * Segments. The front grows up, the offsets grow down, and when they would meet it is full.
 */
#include "store/journal_segment.h"

#include <stdatomic.h>

#include "base/invariant.h"
#include "base/mem.h"

/* In a segment, aligned to 8; the bytes follow. */
struct record {
    int64_t committed_ms;
    uint32_t len;
    uint8_t bytes[];
};

struct journal_segment {
    _Atomic uint32_t refs;
    uint32_t count;
    uint64_t first_seq;
    size_t capacity, used; /* bytes */
    _Alignas(8) uint8_t data[];
};

enum { OFFSET_LEN = sizeof(uint32_t) };

struct journal_segment *journal_segment_new(uint64_t first_seq, size_t capacity)
{
    struct journal_segment *s;

    invariant(capacity % 8 == 0 && capacity <= UINT32_MAX);
    s = mem_alloc(MEM_JOURNAL, sizeof(*s) + capacity);
    atomic_init(&s->refs, 1);
    s->count = 0;
    s->first_seq = first_seq;
    s->capacity = capacity;
    s->used = 0;
    return s;
}

struct journal_segment *journal_segment_ref(struct journal_segment *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void journal_segment_unref(struct journal_segment **sp)
{
    struct journal_segment *s = *sp;

    *sp = NULL;
    if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1)
        mem_free(s);
}

/* What a record takes at the front. */
static size_t front_room(size_t len)
{
    return (offsetof(struct record, bytes) + len + 7) & ~(size_t)7;
}

size_t journal_segment_room(size_t len)
{
    return (front_room(len) + OFFSET_LEN + 7) & ~(size_t)7;
}

bool journal_segment_fits(const struct journal_segment *s, size_t len)
{
    return front_room(len) + OFFSET_LEN <= s->capacity - s->used - s->count * OFFSET_LEN;
}

static size_t offset_at(const struct journal_segment *s, uint32_t index)
{
    return s->capacity - (index + (size_t)1) * OFFSET_LEN;
}

void journal_segment_add(struct journal_segment *s, int64_t committed_ms, struct slice bytes)
{
    struct record head = {.committed_ms = committed_ms, .len = (uint32_t)bytes.len};
    uint32_t offset = (uint32_t)s->used;

    invariant(journal_segment_fits(s, bytes.len));
    memcpy(s->data + offset_at(s, s->count), &offset, OFFSET_LEN);
    memcpy(s->data + s->used, &head, offsetof(struct record, bytes));
    if (bytes.len > 0)
        memcpy(s->data + s->used + offsetof(struct record, bytes), bytes.data, bytes.len);
    s->used += front_room(bytes.len);
    s->count++;
}

uint64_t journal_segment_first(const struct journal_segment *s)
{
    return s->first_seq;
}

uint64_t journal_segment_last(const struct journal_segment *s)
{
    return s->first_seq + s->count - 1;
}

size_t journal_segment_used(const struct journal_segment *s)
{
    return s->used;
}

struct journal_record journal_segment_get(const struct journal_segment *s, uint64_t seq)
{
    const struct record *r;
    uint32_t offset;

    memcpy(&offset, s->data + offset_at(s, (uint32_t)(seq - s->first_seq)), OFFSET_LEN);
    r = (const struct record *)(const void *)(s->data + offset);
    return (struct journal_record){seq, r->committed_ms, slice_make(r->bytes, r->len)};
}
