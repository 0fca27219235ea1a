/*
 * Chunks come from a small free list per thread: the same few are used in every turn. A frame that
 * has begun to leave is sealed, because the length in its header is fixed by then; one that was
 * only offered gets a new header the next time. TLS takes a chunk whole or not at all.
 */
#include "net/out_buffer.h"

#include "base/invariant.h"
#include "base/mem.h"
#include "net/ws_frame.h"

enum { OUT_POOL_MAX = 64 };

static _Thread_local struct {
    struct out_chunk *free;
    unsigned count;
} pool;

static struct out_chunk *chunk_new(void)
{
    struct out_chunk *c = pool.free;

    if (c != NULL) {
        pool.free = c->next;
        pool.count--;
    } else {
        c = mem_alloc(MEM_CONN, sizeof(*c));
    }
    c->next = NULL;
    c->start = c->end = OUT_CHUNK_HEADROOM;
    c->is_sealed = c->is_raw = false;
    c->header_len = 0;
    return c;
}

static void chunk_free(struct out_chunk *c)
{
    if (pool.count >= OUT_POOL_MAX) {
        mem_free(c);
        return;
    }
    c->next = pool.free;
    pool.free = c;
    pool.count++;
}

void out_buffer_pool_drain(void)
{
    while (pool.free != NULL) {
        struct out_chunk *c = pool.free;

        pool.free = c->next;
        mem_free(c);
    }
    pool.count = 0;
}

static struct out_chunk *add_chunk(struct out_buffer *o)
{
    struct out_chunk *c = chunk_new();

    if (o->tail == NULL)
        o->head = c;
    else
        o->tail->next = c;
    o->tail = c;
    o->chunk_count++;
    return c;
}

void out_buffer_deinit(struct out_buffer *o)
{
    while (o->head != NULL) {
        struct out_chunk *c = o->head;

        o->head = c->next;
        chunk_free(c);
    }
    o->tail = NULL;
    o->len = 0;
    o->chunk_count = 0;
}

void out_buffer_append_slow(struct out_buffer *o, const void *data, size_t len)
{
    const uint8_t *next = data;
    size_t limit = sizeof(o->tail->data) - (o->is_websocket ? 4 : 0);

    while (len > 0) {
        struct out_chunk *c = o->tail;

        if (c == NULL || c->is_sealed || c->end == limit)
            c = add_chunk(o);
        size_t part = limit - c->end < len ? limit - c->end : len;

        memcpy(c->data + c->end, next, part);
        c->end += (uint32_t)part;
        o->len += part;
        next += part;
        len -= part;
    }
}

void out_buffer_append_raw(struct out_buffer *o, struct slice s)
{
    while (s.len > 0) {
        struct out_chunk *c = o->tail;

        if (c == NULL || !c->is_raw || c->end == sizeof(c->data)) {
            c = add_chunk(o);
            c->is_sealed = c->is_raw = true;
        }
        size_t part = sizeof(c->data) - c->end < s.len ? sizeof(c->data) - c->end : s.len;

        memcpy(c->data + c->end, s.data, part);
        c->end += (uint32_t)part;
        o->len += part;
        s = slice_from(s, part);
    }
}

/* Writes the header of a frame that has not begun to leave, again if more has come since. */
static void chunk_frame(struct out_buffer *o, struct out_chunk *c)
{
    uint8_t header[WS_FRAME_HEADER_MAX];
    size_t len;

    if (!o->is_websocket || c->is_sealed)
        return;
    len = ws_frame_header(header, c->end - OUT_CHUNK_HEADROOM);
    invariant(len <= 4 && c->start + c->header_len == OUT_CHUNK_HEADROOM);
    o->len += len - c->header_len;
    c->header_len = (uint8_t)len;
    c->start = (uint32_t)(OUT_CHUNK_HEADROOM - len);
    memcpy(c->data + c->start, header, len);
}

int out_buffer_gather(struct out_buffer *o, struct iovec *iov, int max)
{
    int count = 0;

    for (struct out_chunk *c = o->head; c != NULL && count < max; c = c->next) {
        chunk_frame(o, c);
        iov[count].iov_base = c->data + c->start;
        iov[count].iov_len = c->end - c->start;
        count++;
    }
    return count;
}

void out_buffer_sent(struct out_buffer *o, size_t len)
{
    invariant(len <= o->len);
    o->len -= len;
    while (len > 0) {
        struct out_chunk *c = o->head;
        size_t part = c->end - c->start;

        if (part > len) {
            c->start += (uint32_t)len;
            c->is_sealed |= o->is_websocket;
            return;
        }
        len -= part;
        o->head = c->next;
        if (o->head == NULL)
            o->tail = NULL;
        o->chunk_count--;
        chunk_free(c);
    }
}
