/*
 * A transport without a socket: bytes to the server are kept back until the test lets them arrive,
 * bytes from the server are taken over only as far as the test has made room.
 *
 * Each of the two sides lets go once: the server by its close, the test by memory_transport_drop;
 * the second one frees it. One thread.
 */
#pragma once

#include "net/transport.h"

/** What the server meets behind the last byte that arrives. */
enum memory_end { MEMORY_OPEN, MEMORY_END /* orderly */, MEMORY_RESET };

struct memory_transport {
    struct transport base;
    struct buffer to_server; /* owned: written by the test, not read by the server yet */
    struct buffer to_client; /* owned: written by the server */
    size_t arrived;          /* of to_server: what the server may read */
    size_t room;             /* what the server may still write */
    enum memory_end end;
    bool server_closed; /* its connection is gone */
    bool is_dropped;
    const uint64_t *clock; /* borrowed; NULL: writes are not dated */
    struct buffer dates;   /* owned: when the server wrote what the test has not asked about yet */
    uint64_t written;      /* bytes, ever */
};

/** With room without limit. The server's connection and the test hold it together. */
struct memory_transport *memory_transport_new(void);

/** What the clock said when the server wrote its byte number `end` (from 1); asked in order. */
uint64_t memory_transport_date(struct memory_transport *t, uint64_t end);

/** The test's side lets go. */
void memory_transport_drop(struct memory_transport **t);

/** Lets up to `len` more bytes arrive; gives how many did. */
size_t memory_transport_arrive(struct memory_transport *t, size_t len);
