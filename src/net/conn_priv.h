/*
 * What the files of a connection share: conn.c (its life and its input), conn_output.c, and
 * conn_websocket.c (what stands between its bytes and the handler's on WebSocket ports). Runs on
 * the connection's worker.
 */
#pragma once

#include "net/conn.h"
#include "net/lobby.h"
#include "net/peer_address.h"
#include "net/ws_frame.h"

enum {
    CONN_MAGIC = 0x434F4E4E,
    CONN_ENDING_MS = 5000 /* for the peer to take our last bytes */
};

enum conn_state { CONN_UPGRADING, CONN_OPEN, CONN_ENDING, CONN_LINGERING, CONN_CLOSED };

struct conn {
    uint32_t magic;
    int fd; /* owned; -1: transport in memory */
    struct worker *worker;
    struct loop_watch *watch;    /* owned */
    struct transport *transport; /* owned */
    const struct conn_handler *handler;
    const struct conn_origin *origin;
    void *owner;
    enum conn_state state;
    bool is_paused, is_held, is_full, has_moved, is_established, handler_is_done;
    bool input_has_ended; /* told to the handler: not read any more, but when lingering */
    unsigned move_to;
    uint64_t connect_deadline_ms; /* while it moves; 0: none */
    struct buffer in;             /* owned: bytes that the handler has not used yet */
    struct out_buffer out;
    struct ws_frame *ws;        /* owned; NULL: no WebSocket */
    struct conn_http *http;     /* owned; NULL: not handed to the HTTP server */
    struct buffer ws_close;     /* owned: the close frame that a fault or the peer asks for, sent as
                                   the very last */
    struct buffer web_origin;   /* owned: of the page, until it is established */
    struct lobby_guest *guest;  /* owned: until it is let in or freed; NULL: not counted */
    struct timer timer;         /* connect time-out, then write time-out, then that of the end */
    uint64_t sent, progress_ms; /* while output waits: what the socket had taken when it was looked
                                   at last, and since when it has taken nothing */
    struct list node;           /* in worker's conns */
    struct list dirty_node, resumed_node, throttled_node, closing_node;
    uint64_t withheld; /* the number under which its output waits, while dirty_node is in the
                          worker's withheld_conns; 0: it does not */
    uint8_t peer_address_len;
    char peer[PEER_ADDRESS_TEXT];
};

/** Ends it at once; what was not sent is lost. The handler is told. */
void conn_close(struct conn *c, enum conn_end end);

/** Ends it at once: the peer has taken, or answered, nothing for too long. */
void conn_close_stalled(struct conn *c);

/** Ends it at once: its transport has failed with ST_IO. */
void conn_close_failed(struct conn *c);

/** Everything is sent: our side is shut, the peer's rest is read away for a while. */
void conn_start_lingering(struct conn *c);

/** Watches the socket for what its state wants. */
void conn_update_interest(struct conn *c);

/** Has its output looked at at the end of the turn. */
void conn_mark_dirty(struct conn *c);

/**
 * Offers received bytes, behind those that were left over, to the handler and keeps what it does
 * not use.
 *
 * @return false: the connection has gone to another worker and may not be touched any more
 */
bool conn_offer(struct conn *c, struct slice bytes);

/** From now on only what was appended is sent, for a while; the handler is told that it is over. */
void conn_begin_ending(struct conn *c, enum conn_end end);

/** Puts another handler in the place of the present one, which is told that its connection is over.
 * The new one is neither told that it is open nor offered bytes. */
void conn_set_handler(struct conn *c, const struct conn_handler *handler);

/** Hands the connection, with the request that it has begun, to the HTTP server behind the door of
 * its origin. Never goes to another worker. */
void conn_http_begin(struct conn *c);
void conn_http_free(struct conn_http **h);

/** Bytes of an HTTP request; behind a good one the connection is a WebSocket. False as that of
 * conn_offer. */
bool conn_websocket_upgrade(struct conn *c, struct slice bytes);

/** Bytes of WebSocket frames. False as that of conn_offer. */
bool conn_websocket_feed(struct conn *c, struct slice bytes);

/** What came behind the frames that were offered before the connection moved: nothing, or a fault
 * or the peer's close frame. */
void conn_websocket_arrived(struct conn *c);

/** Appends the close frame that is due at the end; nothing where there is no WebSocket. */
void conn_websocket_say_close(struct conn *c);
