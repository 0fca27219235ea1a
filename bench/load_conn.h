/*
 * One connection that carries bytes, over TCP, TLS, or WebSocket over either. Writes are gathered
 * and leave once a turn; reads take all that is there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "load_buffer.h"
#include "load_endpoint.h"
#include "load_loop.h"
#include "load_ws.h"

enum load_conn_state {
    LOAD_CONN_CLOSED,
    LOAD_CONN_CONNECTING, /* TCP */
    LOAD_CONN_HANDSHAKE,  /* TLS */
    LOAD_CONN_UPGRADE,    /* HTTP to WebSocket */
    LOAD_CONN_READY,
};

/** What a connection tells its owner. */
struct load_conn_handler {
    /** Bytes can be sent from now on. */
    void (*on_ready)(void *owner);
    /** Bytes came; gives how many were used, the rest comes again with more. */
    size_t (*on_bytes)(void *owner, const uint8_t *bytes, size_t len);
    /** All that was gathered has been written. */
    void (*on_drained)(void *owner);
    /** The connection failed or the server ended it: `why`, in words. */
    void (*on_lost)(void *owner, const char *why);
};

/** Zeroed is a closed one. */
struct load_conn {
    struct load_loop_source source; /* first */
    enum load_conn_state state;
    int fd;
    uint32_t watched;                        /* events that the loop waits for */
    struct load_loop *loop;                  /* borrowed; outlives it */
    const struct load_endpoint *endpoint;    /* borrowed; outlives it */
    const struct load_conn_handler *handler; /* borrowed, static */
    void *owner;                             /* borrowed; holds it */
    struct ssl_st *tls;                      /* owned; NULL for plain TCP */
    struct load_buffer out;                  /* what the owner has gathered */
    struct load_buffer frames;               /* `out` in WebSocket frames */
    struct load_buffer rest;                 /* bytes of a packet that has not come whole */
    struct load_ws ws;
};

/** Begins to connect; the handler tells how it went. */
void load_conn_open(struct load_conn *conn, struct load_loop *loop,
                    const struct load_endpoint *endpoint, const struct load_conn_handler *handler,
                    void *owner);

/** The bytes that leave at the end of the turn: append to it. Only while it is ready. */
struct load_buffer *load_conn_out(struct load_conn *conn);

/** How many gathered bytes have not left yet. */
size_t load_conn_pending(const struct load_conn *conn);

/** Writes what can be written, ends TLS and TCP, and frees all; tells nobody. */
void load_conn_close(struct load_conn *conn);
