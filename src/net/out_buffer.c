/*
 * Chunks come from a small free list per thread: the same few are used in every turn. TLS takes a
 * chunk whole or not at all.
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
    c->start = c->end = 0;
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

    while (len > 0) {
        struct out_chunk *c = o->tail;

        if (c == NULL || c->end == sizeof(c->data))
            c = add_chunk(o);
        size_t part = sizeof(c->data) - c->end < len ? sizeof(c->data) - c->end : len;

        memcpy(c->data + c->end, next, part);
        c->end += (uint32_t)part;
        o->len += part;
        next += part;
        len -= part;
    }
}

/* The last frame has all of its bytes: a packet whose length was wrong would spoil the stream. */
static void check_frame_end(const struct out_buffer *o)
{
    invariant(!o->is_websocket || o->frame_end == o->sent + o->len);
}

void out_buffer_begin_frame(struct out_buffer *o, size_t len)
{
    uint8_t header[WS_FRAME_HEADER_MAX];

    check_frame_end(o);
    out_buffer_append(o, header, ws_frame_header(header, len));
    o->frame_end = o->sent + o->len + len;
}

void out_buffer_append_raw(struct out_buffer *o, struct slice s)
{
    check_frame_end(o);
    out_buffer_append(o, s.data, s.len);
    o->frame_end = o->sent + o->len;
}

int out_buffer_gather(const struct out_buffer *o, struct iovec *iov, int max)
{
    int count = 0;

    for (struct out_chunk *c = o->head; c != NULL && count < max; c = c->next) {
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
    o->sent += len;
    while (len > 0) {
        struct out_chunk *c = o->head;
        size_t part = c->end - c->start;

        if (part > len) {
            c->start += (uint32_t)len;
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
