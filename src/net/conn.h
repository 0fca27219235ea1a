/*
 * One connection: bytes in, gathered output, its end, and its move to another worker.
 *
 * A connection belongs to its worker; only that one touches it. Output is corked: what is appended
 * during a turn leaves at its end. A connection that ends is told to its handler once, at once, and
 * freed at the end of the turn, never under a caller's feet.
 */
#pragma once

#include <sys/socket.h>

#include "base/bytes.h"
#include "net/out_buffer.h"
#include "net/transport.h"
#include "net/worker.h"

struct conn;

enum { CONN_WEB_ORIGIN_MAX = 512 /* bytes: more than any host has in its name */ };

/** Why a connection ended, for logs and for wills. X(NAME, text) */
#define CONN_END_LIST(X)                                  \
    X(BY_PEER, "closed by the peer")                      \
    X(BY_US, "closed by the server")                      \
    X(TIMEOUT, "no CONNECT in time")                      \
    X(EVICTED, "made room for others before its CONNECT") \
    X(STALLED, "took no output in time")                  \
    X(HANDED_OVER, "handed to the HTTP server")           \
    X(FAULT, "transport fault")                           \
    X(IO, "input or output failed")

enum conn_end {
#define X(name, text) CONN_END_##name,
    CONN_END_LIST(X)
#undef X
};

/** What the layer above does with a connection. All run on the connection's worker. */
struct conn_handler {
    /** A connection was accepted; may set its owner. */
    void (*on_open)(struct conn *c);
    /** Bytes came; gives how many were used, the rest is offered again with more. JSON_PADDING
     * readable bytes stand behind them. */
    size_t (*on_bytes)(struct conn *c, struct slice bytes);
    /** Output has fallen below the low-water mark after conn_is_full was true. */
    void (*on_room)(struct conn *c);
    /** It arrived at the worker that conn_move named; then its unused bytes are offered. */
    void (*on_moved)(struct conn *c);
    /** It is over: nothing may be sent any more, the pointer dies at the end of the turn. Called
     * once. */
    void (*on_closed)(struct conn *c, enum conn_end end);
    /** The peer will send no more, and can still be sent to; the handler ends the connection when
     * it has said everything. NULL: the end of its input is the end of a connection. */
    void (*on_input_end)(struct conn *c);
};

struct conn_http_door;

/** Which face of the server a connection came to; the meaning of `service` is the layers' above. */
struct conn_origin {
    unsigned service;
    bool is_websocket; /* begins with an HTTP upgrade */
    bool is_tls;
    const char *ws_path;
    const struct conn_http_door *http; /* takes the HTTP requests that ask for no WebSocket; NULL:
                                          they are refused; borrowed */
    unsigned connect_timeout_ms;       /* to be established (conn_set_established), 0: none */
    unsigned write_timeout_ms; /* once established: for the peer to take some of what waits, 0:
                                  none */
};

/**
 * Takes a connection in at a worker.
 *
 * @param fd         non-blocking socket, owned by the connection from now on; -1 with a transport
 * in memory
 * @param transport  owned from now on
 * @param origin     borrowed: outlives the connection
 * @return the connection (its worker owns it), or NULL when it could not be watched (then fd and
 * transport are gone)
 */
struct conn *conn_new(struct worker *w, int fd, struct transport *transport,
                      const struct conn_handler *handler, const struct conn_origin *origin,
                      const struct sockaddr_storage *peer);

struct lobby_guest;

/** Gives a connection that was just made its place in the lobby (taken); it may lose it, and with
 * it its life, until it is established. */
void conn_set_guest(struct conn *c, struct lobby_guest **guest);

struct worker *conn_worker(const struct conn *c);
const struct conn_origin *conn_origin(const struct conn *c);

/** "192.0.2.1:49152", for logs; lives as long as the connection. */
const char *conn_peer(const struct conn *c);
/** The address without the port, for limits per address. */
struct slice conn_peer_address(const struct conn *c);

/** The Origin header of the WebSocket's request, at most its first CONN_WEB_ORIGIN_MAX bytes;
 * empty: none, so the peer is no web page. Until the connection is established. Source: RFC
 * 6455 4.1 */
struct slice conn_web_origin(const struct conn *c);

/** The handler's object. */
void *conn_owner(const struct conn *c);
void conn_set_owner(struct conn *c, void *owner);

/** The peer has said who it is and is let in: no longer closed by the connect time-out or to make
 * room for others, but when it does not take what it is sent (write_timeout_ms). */
void conn_set_established(struct conn *c);

/** Where to append output; it leaves at the end of the turn. */
struct out_buffer *conn_output(struct conn *c);

/** True when so much is unsent that a sender should hold back until on_room. */
bool conn_is_full(const struct conn *c);

/** Sends at once what a full connection has gathered, within a turn; true when there is room again.
 * Neither on_room nor on_closed is called. */
bool conn_make_room(struct conn *c);

/** Keeps what is appended in this turn, and later, from leaving, also when the connection ends
 * meanwhile; gives the number under which it waits. For a connection that stays with its worker. */
uint64_t conn_withhold(struct conn *c);

/** True until what it withholds is released. */
bool conn_is_withheld(const struct conn *c);

/** What connections of this worker withhold under this number, and lower ones, leaves. */
void conn_release(struct worker *w, uint64_t number);

/** Bytes appended and not yet taken by the socket. */
size_t conn_unsent(const struct conn *c);

/** True between conn_pause and conn_resume. */
bool conn_is_paused(const struct conn *c);

/** Stops and resumes reading; unused bytes are offered again at resume (in a later turn). */
void conn_pause(struct conn *c);
void conn_resume(struct conn *c);

/** Pauses a connection that has said who it is and has to wait for its answer: its time does not
 * run out, nobody else gets its place, and it is closed when the peer hangs up. conn_resume ends
 * it. */
void conn_hold(struct conn *c);

/** Moves the connection with its transport and unused bytes to another worker. Only inside
 * on_bytes, which must return at once; takes effect after that. */
void conn_move(struct conn *c, unsigned to);

/** Sends what was appended, then closes; input is ignored from now on. on_closed is called before
 * this returns. */
void conn_end(struct conn *c);

/** Closes at once; what was not sent is lost. on_closed is called before this returns. */
void conn_abort(struct conn *c);

/** Input or room is there: called by the loop, and by tests with a transport in memory. `ready`:
 * LOOP_ bits. */
void conn_on_ready(struct conn *c, unsigned ready);

/** Reads connections again that were not read while other workers caught up. Called by worker. */
void conn_read_throttled(struct worker *w);

/** Offers the unused bytes of connections that were resumed. Called by worker. */
void conn_offer_resumed(struct worker *w);

/** End of turn: flushes dirty connections; frees those on the closing list. Called by worker. */
void conn_flush_all(struct worker *w);
void conn_free_closed(struct worker *w);

/** Closes the connections of a worker that are not established; no new ones may come (shutdown). */
void conn_abort_strangers(struct worker *w);

/** Ends all connections of a worker whose threads are stopped (shutdown). */
void conn_abort_all(struct worker *w);
