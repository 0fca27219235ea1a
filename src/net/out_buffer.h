/*
 * What a connection has to send, gathered until the end of a turn: chunks of one TLS record each.
 *
 * With WebSocket each MQTT packet is one binary frame. The standard lets packets share a frame, but
 * not every client copes (Paho C 1.3 reads the first and waits); a header of 2 to 4 bytes a packet
 * is what it costs. Frames run over the ends of chunks as packets do. Chunks are filled up while
 * they wait, so that a peer that does not read costs hardly more memory than the bytes it is owed.
 * Belongs to its connection's worker.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>

#include "base/bytes.h"

enum { OUT_CHUNK_DATA = 16384 /* a full TLS record */ };

struct out_chunk {
    struct out_chunk *next;
    uint32_t start, end; /* of what is unsent, in data */
    uint8_t data[OUT_CHUNK_DATA];
};

struct out_buffer {
    struct out_chunk *head; /* owned; oldest first */
    struct out_chunk *tail;
    size_t len;           /* bytes unsent */
    uint64_t sent;        /* bytes that have left */
    uint64_t frame_end;   /* WebSocket: where the last frame ends, counted as `sent` is */
    unsigned chunk_count; /* what they take of memory */
    bool is_websocket;
};

/** Frees what is unsent; a zeroed one is accepted. */
void out_buffer_deinit(struct out_buffer *o);

void out_buffer_begin_frame(struct out_buffer *o, size_t len);

void out_buffer_append_slow(struct out_buffer *o, const void *data, size_t len);

/** Begins an MQTT packet of `len` bytes, all of which must follow by `out_buffer_append`. */
static inline void out_buffer_begin_packet(struct out_buffer *o, size_t len)
{
    if (__builtin_expect(o->is_websocket, 0))
        out_buffer_begin_frame(o, len);
}

/** Appends bytes of the packet that was begun. */
static inline void out_buffer_append(struct out_buffer *o, const void *data, size_t len)
{
    struct out_chunk *c = o->tail;

    if (__builtin_expect(c == NULL || c->end + len > sizeof(c->data), 0)) {
        out_buffer_append_slow(o, data, len);
        return;
    }
    memcpy(c->data + c->end, data, len);
    c->end += (uint32_t)len;
    o->len += len;
}

/** Appends one whole MQTT packet. */
static inline void out_buffer_append_packet(struct out_buffer *o, const void *data, size_t len)
{
    out_buffer_begin_packet(o, len);
    out_buffer_append(o, data, len);
}

/** Appends, between packets, what is no MQTT packet: control frames of WebSocket, HTTP answers. */
void out_buffer_append_raw(struct out_buffer *o, struct slice s);

/** Fills `iov` with the unsent chunks in order; gives how many. What is appended until something is
 * sent may lengthen the last of them. */
int out_buffer_gather(const struct out_buffer *o, struct iovec *iov, int max);

/** Frees the calling thread's spare chunks; when a worker ends. */
void out_buffer_pool_drain(void);

/** Removes `len` bytes that were sent. */
void out_buffer_sent(struct out_buffer *o, size_t len);
