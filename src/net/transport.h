/*
 * How a connection's bytes travel: four functions, and two forms (TCP, TLS over TCP). Tests bring a
 * third, in memory.
 *
 * Nothing above knows which form it is. A transport belongs to its connection and moves with it
 * between workers; the scratch memory is the worker's and holds nothing between calls.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/bytes.h"
#include "base/status.h"

enum {
    TRANSPORT_RECEIVE = 65536, /* bytes asked of the socket at once */
    TRANSPORT_READ_ROOM =
        96 * 1024 /* room that a read wants: what was asked for and what TLS held back */
};

/** A worker's memory for one call. */
struct transport_scratch {
    uint8_t *received;     /* TRANSPORT_RECEIVE bytes: cipher text as it came */
    struct buffer to_send; /* cipher text as it leaves */
};

struct transport;

struct transport_ops {
    /** Reads what has come: up to one receive. ST_OK with *len 0 is possible (TLS handshake goes
     * on). ST_AGAIN: nothing has come. ST_CLOSED: orderly end. ST_MALFORMED: not TLS, a broken
     * record, or the end of a handshake that had begun (`fault` tells). ST_IO. */
    enum status (*read)(struct transport *t, struct transport_scratch *s, uint8_t *out, size_t room,
                        size_t *len);
    /** Sends. *written counts what is taken over, which may still wait in the transport. ST_AGAIN:
     * the socket is full. ST_CLOSED, ST_IO. */
    enum status (*write)(struct transport *t, struct transport_scratch *s, const struct iovec *iov,
                         int count, size_t *written);
    /** Says goodbye as well as it can at once, and frees the transport; the socket stays the
     * caller's. */
    void (*close)(struct transport *t, struct transport_scratch *s);
};

struct transport {
    const struct transport_ops *ops;
    bool is_plain_text;  /* after ST_MALFORMED: the peer did not even try TLS */
    const char *fault;   /* after ST_MALFORMED: what was wrong, static text */
    bool is_established; /* TLS: the handshake is done */
    bool is_timed_out;   /* after ST_IO: the kernel gave up, the peer has answered nothing */
    bool has_unsent;     /* something waits in the transport for the socket */
    bool is_clogged;     /* so much that the peer, who caused it, is not read before it has read */
    uint64_t sent;       /* bytes that the socket has taken: progress, whoever asked for them */
};

struct ssl_st;

/** Plain TCP over a non-blocking socket (borrowed). */
struct transport *transport_tcp_new(int fd);

/** TLS over a non-blocking socket (borrowed); takes the SSL object. */
struct transport *transport_tls_new(int fd, struct ssl_st **ssl);
