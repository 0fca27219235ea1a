/*
 * What a connection has to send, gathered until the end of a turn: chunks of one TLS record each.
 *
 * With WebSocket each chunk leaves as one binary frame, whose header is written in front of the
 * chunk when its first byte is about to leave. Chunks are filled up while they wait, so that a peer
 * that does not read costs hardly more memory than the bytes it is owed. Belongs to its
 * connection's worker.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>

#include "base/bytes.h"

enum {
    OUT_CHUNK_DATA = 16384, /* a full TLS record, WebSocket header included */
    OUT_CHUNK_HEADROOM = 16
};

struct out_chunk {
    struct out_chunk *next;
    uint32_t start, end; /* of what is unsent, in data */
    bool is_sealed;      /* takes no more packets: its frame has begun to leave, or it is raw */
    bool is_raw;         /* already framed (WebSocket control frames, HTTP answers) */
    uint8_t header_len;  /* of the frame header that was written when it was last offered */
    uint8_t data[OUT_CHUNK_HEADROOM + OUT_CHUNK_DATA];
};

struct out_buffer {
    struct out_chunk *head; /* owned; oldest first */
    struct out_chunk *tail;
    size_t len;           /* bytes unsent */
    unsigned chunk_count; /* what they take of memory */
    bool is_websocket;
};

/** Frees what is unsent; a zeroed one is accepted. */
void out_buffer_deinit(struct out_buffer *o);

void out_buffer_append_slow(struct out_buffer *o, const void *data, size_t len);

/** Appends bytes of MQTT packets. */
static inline void out_buffer_append(struct out_buffer *o, const void *data, size_t len)
{
    struct out_chunk *c = o->tail;

    if (__builtin_expect(c == NULL || c->is_sealed ||
                             c->end + len > sizeof(c->data) - (o->is_websocket ? 4 : 0),
                         0)) {
        out_buffer_append_slow(o, data, len);
        return;
    }
    memcpy(c->data + c->end, data, len);
    c->end += (uint32_t)len;
    o->len += len;
}

/** Appends bytes that are framed already, in chunks of their own. */
void out_buffer_append_raw(struct out_buffer *o, struct slice s);

/** Fills `iov` with the unsent chunks in order, framed; gives how many. What is appended until
 * something is sent may lengthen the last of them. */
int out_buffer_gather(struct out_buffer *o, struct iovec *iov, int max);

/** Frees the calling thread's spare chunks; when a worker ends. */
void out_buffer_pool_drain(void);

/** Removes `len` bytes that were sent. */
void out_buffer_sent(struct out_buffer *o, size_t len);
