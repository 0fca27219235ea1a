/*
 * One connection from accept to its end.
 *
 * Steps: (upgrade to WebSocket) -> open -> ending (what was appended is still sent) -> lingering
 * (our side is shut, the peer's rest is read away, so that no reset destroys our last packet) ->
 * closed. The handler is out of it from `ending` on.
 */
#include "net/conn.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#include "base/invariant.h"
#include "base/json.h"
#include "base/mem.h"
#include "net/counters.h"
#include "net/events.h"
#include "net/ws_frame.h"
#include "net/ws_upgrade.h"

enum {
    CONN_MAGIC = 0x434F4E4E,
    CONN_HIGH_WATER = 256 * 1024,  /* unsent bytes from which a sender holds back */
    CONN_LOW_WATER = 64 * 1024,    /* and below which it goes on */
    CONN_ANSWERS_MAX_CHUNKS = 256, /* of output, 4 MB, from which a peer that asks on and on without
                                      reading the answers is not read either */
    CONN_IOV_MAX = 32,
    CONN_ENDING_MS = 5000, /* for the peer to take our last bytes */
    CONN_LINGER_MS = 2000, /* for the peer to close after we shut our side */
    CONN_PEER_LEN = INET6_ADDRSTRLEN + 10
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
    bool is_paused, is_full, has_moved, handler_is_done;
    unsigned move_to;
    uint64_t connect_deadline_ms; /* while it moves; 0: none */
    struct buffer in;             /* owned: bytes that the handler has not used yet */
    struct out_buffer out;
    struct ws_frame *ws;    /* owned; NULL: no WebSocket */
    struct buffer ws_close; /* owned: the close frame that a fault or the peer asks for, sent as the
                               very last */
    struct timer timer;     /* connect time-out, then time-out of the end */
    struct list node;       /* in worker's conns */
    struct list dirty_node, resumed_node, closing_node;
    uint8_t peer_address_len;
    char peer[CONN_PEER_LEN];
};

/* --- small things ---------------------------------------------------------------------------- */

struct worker *conn_worker(const struct conn *c)
{
    return c->worker;
}

const struct conn_origin *conn_origin(const struct conn *c)
{
    return c->origin;
}

const char *conn_peer(const struct conn *c)
{
    return c->peer;
}

struct slice conn_peer_address(const struct conn *c)
{
    return slice_make(c->peer, c->peer_address_len);
}

void *conn_owner(const struct conn *c)
{
    return c->owner;
}

void conn_set_owner(struct conn *c, void *owner)
{
    c->owner = owner;
}

void conn_set_established(struct conn *c)
{
    timer_cancel(&c->timer);
}

size_t conn_unsent(const struct conn *c)
{
    return c->out.len;
}

bool conn_is_full(const struct conn *c)
{
    return c->is_full;
}

bool conn_is_paused(const struct conn *c)
{
    return c->is_paused;
}

static void mark_dirty(struct conn *c)
{
    if (!list_is_linked(&c->dirty_node))
        list_push_back(&c->worker->dirty_conns, &c->dirty_node);
}

struct out_buffer *conn_output(struct conn *c)
{
    invariant(c->magic == CONN_MAGIC);
    mark_dirty(c);
    if (c->out.len > CONN_HIGH_WATER)
        c->is_full = true;
    return &c->out;
}

static void format_peer(struct conn *c, const struct sockaddr_storage *peer)
{
    char address[INET6_ADDRSTRLEN] = "memory";
    unsigned port = 0;
    bool is_v6 = peer != NULL && peer->ss_family == AF_INET6;

    if (is_v6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)peer;

        if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) /* told as the IPv4 address that it is */
            inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], address, sizeof(address));
        else
            inet_ntop(AF_INET6, &in6->sin6_addr, address, sizeof(address));
        port = ntohs(in6->sin6_port);
    } else if (peer != NULL && peer->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)peer;

        inet_ntop(AF_INET, &in->sin_addr, address, sizeof(address));
        port = ntohs(in->sin_port);
    }
    snprintf(c->peer, sizeof(c->peer), "%s:%u", address, port);
    c->peer_address_len = (uint8_t)strlen(address);
}

/* Deliveries hold back long before; what is left are answers to what the peer sends. */
static bool may_ask(const struct conn *c)
{
    return c->state >= CONN_ENDING || c->out.chunk_count < CONN_ANSWERS_MAX_CHUNKS;
}

static void update_interest(struct conn *c)
{
    unsigned interest = 0;

    if (c->watch == NULL)
        return;
    if (c->state != CONN_CLOSED && !(c->is_paused && c->state == CONN_OPEN) && may_ask(c))
        interest |= LOOP_READ;
    if (c->transport->has_unsent || (c->out.len > 0 && c->transport->is_established))
        interest |= LOOP_WRITE;
    loop_watch_set(c->watch, interest);
}

/* --- the end --------------------------------------------------------------------------------- */

static void tell_closed(struct conn *c, enum conn_end end)
{
    if (c->handler_is_done)
        return;
    c->handler_is_done = true;
    c->handler->on_closed(c, end);
}

static void close_now(struct conn *c, enum conn_end end)
{
    if (c->state == CONN_CLOSED)
        return;
    c->state = CONN_CLOSED;
    timer_cancel(&c->timer);
    list_remove(&c->dirty_node);
    list_remove(&c->resumed_node);
    loop_watch_free(&c->watch);
    list_push_back(&c->worker->closing_conns, &c->closing_node);
    tell_closed(c, end);
}

static void on_end_timeout(struct timer *t)
{
    close_now(list_entry(t, struct conn, timer), CONN_END_BY_US);
}

static void start_lingering(struct conn *c)
{
    c->state = CONN_LINGERING;
    if (c->fd >= 0 && !c->origin->is_tls)
        shutdown(c->fd, SHUT_WR);
    if (c->fd < 0) {
        close_now(c, CONN_END_BY_US);
        return;
    }
    if (c->origin->is_tls) {
        /* close_notify and our end of the stream, then only the peer's rest is of interest */
        c->transport->ops->close(c->transport, &c->worker->scratch);
        c->transport = transport_tcp_new(c->fd);
        shutdown(c->fd, SHUT_WR);
    }
    timer_set(&c->worker->timers, &c->timer, c->worker->now_ms + CONN_LINGER_MS, on_end_timeout);
    update_interest(c);
}

static void append_close_frame(struct conn *c)
{
    if (c->ws == NULL)
        return;
    if (c->ws_close.len == 0)
        ws_frame_append_close(&c->ws_close, 1000);
    out_buffer_append_raw(&c->out, buffer_slice(&c->ws_close));
}

void conn_end(struct conn *c)
{
    if (c->state >= CONN_ENDING)
        return;
    c->state = CONN_ENDING;
    timer_set(&c->worker->timers, &c->timer, c->worker->now_ms + CONN_ENDING_MS, on_end_timeout);
    append_close_frame(c);
    mark_dirty(c);
    tell_closed(c, CONN_END_BY_US);
}

void conn_abort(struct conn *c)
{
    close_now(c, CONN_END_BY_US);
}

static void conn_free(struct conn *c)
{
    c->transport->ops->close(c->transport, &c->worker->scratch);
    if (c->fd >= 0)
        close(c->fd);
    list_remove(&c->node);
    buffer_deinit(&c->in);
    buffer_deinit(&c->ws_close);
    out_buffer_deinit(&c->out);
    ws_frame_free(&c->ws);
    c->magic = 0;
    mem_free(c);
    counter_add(&CT_conns_open, -1);
}

void conn_free_closed(struct worker *w)
{
    struct list *node;

    while ((node = list_pop_front(&w->closing_conns)) != NULL)
        conn_free(list_entry(node, struct conn, closing_node));
}

void conn_abort_all(struct worker *w)
{
    struct list *node, *next;

    for (node = w->conns.next; node != &w->conns; node = next) {
        next = node->next;
        close_now(list_entry(node, struct conn, node), CONN_END_BY_US);
    }
    conn_free_closed(w);
}

static void on_connect_timeout(struct timer *t)
{
    struct conn *c = list_entry(t, struct conn, timer);

    log_event(EV_CONNECT_TIMEOUT, "peer", c->peer);
    counter_inc(conns_timed_out);
    close_now(c, CONN_END_TIMEOUT);
}

/* --- input ----------------------------------------------------------------------------------- */

static bool offer(struct conn *c, struct slice bytes);
static void websocket_fault(struct conn *c, enum status st);

static void on_watch(void *arg, unsigned ready)
{
    conn_on_ready(arg, ready);
}

static void arrive(struct worker *w, const struct letter *l)
{
    struct conn *c = l->object;

    c->worker = w;
    list_push_back(&w->conns, &c->node);
    c->has_moved = false;
    if (c->fd >= 0) {
        c->watch = loop_watch_new(w->loop, c->fd, on_watch, c);
        if (c->watch == NULL) {
            close_now(c, CONN_END_IO);
            return;
        }
    }
    if (c->connect_deadline_ms != 0)
        timer_set(&w->timers, &c->timer, c->connect_deadline_ms, on_connect_timeout);
    if (c->out.len > 0)
        mark_dirty(c);
    c->handler->on_moved(c);
    if (c->state == CONN_OPEN && c->in.len > 0 && !offer(c, slice_make(NULL, 0)))
        return;
    if (c->state == CONN_OPEN && c->ws_close.len > 0)
        websocket_fault(c, ST_CLOSED);
    update_interest(c);
}

/* The last touch of this worker: from the post on the connection is the other one's. */
static void depart(struct conn *c)
{
    struct letter letter = {.open = arrive, .object = c};
    struct worker *w = c->worker;

    list_remove(&c->dirty_node);
    list_remove(&c->resumed_node);
    list_remove(&c->node);
    c->connect_deadline_ms = timer_is_set(&c->timer) ? c->timer.deadline_ms : 0;
    timer_cancel(&c->timer);
    loop_watch_free(&c->watch);
    counter_inc(conns_moved);
    worker_post(w, c->move_to, &letter);
}

void conn_move(struct conn *c, unsigned to)
{
    c->has_moved = true;
    c->move_to = to;
}

/* Offers received bytes, behind those that were left over, to the handler and keeps what it does
 * not use. False: the connection has gone to another worker and may not be touched any more. */
static bool offer(struct conn *c, struct slice bytes)
{
    size_t used;

    if (c->in.len > 0) {
        buffer_append_slice(&c->in, bytes);
        buffer_reserve(&c->in, JSON_PADDING);
        used = c->handler->on_bytes(c, buffer_slice(&c->in));
        if (used == c->in.len)
            buffer_deinit(&c->in);
        else
            buffer_consume(&c->in, used);
    } else {
        used = c->handler->on_bytes(c, bytes);
        if (used < bytes.len && c->state == CONN_OPEN)
            buffer_append_slice(&c->in, slice_from(bytes, used));
    }
    if (c->has_moved && c->state == CONN_OPEN) {
        depart(c);
        return false;
    }
    update_interest(c);
    return true;
}

static void websocket_fault(struct conn *c, enum status st)
{
    const char *cause = st == ST_INVALID     ? "text frame"
                        : st == ST_TOO_LARGE ? "frame too long"
                                             : "bad frame";

    if (st != ST_CLOSED) {
        log_event(EV_WS_FAULT, "peer", c->peer, "cause", cause);
        counter_inc(ws_faults);
    }
    c->state = CONN_ENDING;
    timer_set(&c->worker->timers, &c->timer, c->worker->now_ms + CONN_ENDING_MS, on_end_timeout);
    append_close_frame(c);
    mark_dirty(c);
    tell_closed(c, st == ST_CLOSED ? CONN_END_BY_PEER : CONN_END_FAULT);
}

static void feed_websocket(struct conn *c, struct slice bytes)
{
    struct buffer *data = &c->worker->ws_data;
    struct buffer control = {0};
    enum status st;

    data->len = 0;
    st = ws_frame_feed(c->ws, bytes, data, &control);
    if (st != ST_OK) {
        c->ws_close = control; /* behind whatever the handler still says */
    } else if (control.len > 0) {
        out_buffer_append_raw(&c->out, buffer_slice(&control));
        mark_dirty(c);
        buffer_deinit(&control);
    }
    buffer_reserve(data, JSON_PADDING);
    /* What came in whole frames before a fault counts. */
    if (data->len > 0 && !offer(c, buffer_slice(data)))
        return;
    if (st != ST_OK && c->state == CONN_OPEN)
        websocket_fault(c, st);
}

static void refuse_upgrade(struct conn *c, int http_status, const char *text)
{
    struct buffer answer = {0};

    log_event(EV_WS_REFUSED, "peer", c->peer, "status", log_int(http_status), "cause", text);
    counter_inc(ws_refused);
    ws_upgrade_refuse(&answer, http_status, text);
    out_buffer_append_raw(&c->out, buffer_slice(&answer));
    buffer_deinit(&answer);
    conn_end(c);
}

/* Reads the HTTP request in front of a WebSocket; gives the bytes behind it. */
static void feed_upgrade(struct conn *c, struct slice bytes)
{
    struct ws_upgrade u;
    struct buffer head = {0};
    enum status st;

    buffer_append_slice(&c->in, bytes);
    st = ws_upgrade_parse(buffer_slice(&c->in), c->origin->ws_path, &u);
    if (st == ST_AGAIN)
        return;
    if (st != ST_OK) {
        refuse_upgrade(c, 400,
                       st == ST_TOO_LARGE ? "request head too long" : "not an HTTP request");
        return;
    }
    if (!u.is_upgrade || u.refusal != 0) {
        refuse_upgrade(c, u.refusal != 0 ? u.refusal : 426,
                       u.refusal_text != NULL ? u.refusal_text
                                              : "this port serves MQTT over WebSocket");
        return;
    }
    ws_upgrade_accept(&head, &u);
    out_buffer_append_raw(&c->out, buffer_slice(&head));
    buffer_deinit(&head);
    c->ws = ws_frame_new();
    c->state = CONN_OPEN;
    c->out.is_websocket = true;
    mark_dirty(c);

    struct buffer rest = c->in;

    c->in = (struct buffer){0};
    if (rest.len > u.head_len)
        feed_websocket(c, slice_from(buffer_slice(&rest), u.head_len));
    buffer_deinit(&rest);
}

static void report_fault(struct conn *c)
{
    if (c->transport->is_plain_text) {
        log_event(EV_TLS_PLAIN_TEXT, "peer", c->peer);
        counter_inc(tls_plain_text);
    } else {
        log_event(EV_TLS_FAILED, "peer", c->peer, "cause", c->transport->fault);
        counter_inc(tls_failures);
    }
}

static void on_readable(struct conn *c)
{
    struct worker *w = c->worker;
    size_t len = 0;
    enum status st = c->transport->ops->read(c->transport, &w->scratch, w->read_memory,
                                             TRANSPORT_READ_ROOM, &len);
    struct slice bytes = slice_make(w->read_memory, len);

    if (st == ST_AGAIN)
        return;
    if (st != ST_OK) {
        if (st == ST_MALFORMED)
            report_fault(c);
        close_now(c, st == ST_CLOSED      ? CONN_END_BY_PEER
                     : st == ST_MALFORMED ? CONN_END_FAULT
                                          : CONN_END_IO);
        return;
    }
    counter_add(&CT_bytes_received, (int64_t)len);
    if (c->transport->has_unsent)
        update_interest(c);
    if (len == 0 || c->state >= CONN_ENDING)
        return;
    if (c->state == CONN_UPGRADING)
        feed_upgrade(c, bytes);
    else if (c->ws != NULL)
        feed_websocket(c, bytes);
    else
        (void)offer(c, bytes);
}

void conn_pause(struct conn *c)
{
    c->is_paused = true;
    list_remove(&c->resumed_node);
}

void conn_resume(struct conn *c)
{
    if (!c->is_paused)
        return;
    c->is_paused = false;
    list_push_back(&c->worker->resumed_conns, &c->resumed_node);
    if (c->worker->loop != NULL)
        loop_wake(c->worker->loop);
}

void conn_offer_resumed(struct worker *w)
{
    struct list resumed;
    struct list *node;

    list_init(&resumed);
    list_splice_back(&resumed, &w->resumed_conns);
    while ((node = list_pop_front(&resumed)) != NULL) {
        struct conn *c = list_entry(node, struct conn, resumed_node);

        if (c->state == CONN_OPEN && c->in.len > 0)
            (void)offer(c, slice_make(NULL, 0));
        else
            update_interest(c);
    }
}

/* --- output ---------------------------------------------------------------------------------- */

/* Offers the transport everything; false: it failed. */
static bool send_output(struct conn *c)
{
    struct iovec iov[CONN_IOV_MAX];
    enum status st = ST_OK;

    while (st == ST_OK && (c->out.len > 0 || c->transport->has_unsent)) {
        size_t written = 0;
        int count = out_buffer_gather(&c->out, iov, CONN_IOV_MAX);

        st = c->transport->ops->write(c->transport, &c->worker->scratch, iov, count, &written);
        out_buffer_sent(&c->out, written);
        counter_add(&CT_bytes_sent, (int64_t)written);
    }
    return st == ST_OK || st == ST_AGAIN;
}

bool conn_make_room(struct conn *c)
{
    if (c->state != CONN_OPEN)
        return false;
    mark_dirty(c); /* a failure shows again, and closes it, at the end of the turn: our caller is in
                      the middle of something */
    if (!send_output(c))
        return false;
    if (c->out.len < CONN_LOW_WATER)
        c->is_full = false;
    return !c->is_full;
}

static void flush(struct conn *c)
{
    if (!send_output(c)) {
        close_now(c, CONN_END_IO);
        return;
    }
    if (c->state == CONN_ENDING && c->out.len == 0 && !c->transport->has_unsent) {
        start_lingering(c);
        return;
    }
    if (c->is_full && c->out.len < CONN_LOW_WATER) {
        c->is_full = false;
        if (c->state == CONN_OPEN)
            c->handler->on_room(c);
    }
    update_interest(c);
}

void conn_flush_all(struct worker *w)
{
    struct list dirty;
    struct list *node;

    list_init(&dirty);
    list_splice_back(&dirty, &w->dirty_conns);
    while ((node = list_pop_front(&dirty)) != NULL)
        flush(list_entry(node, struct conn, dirty_node));
    /* What became dirty by on_room leaves in the next turn, which must come without other input. */
    if (!list_is_empty(&w->dirty_conns) && w->loop != NULL)
        loop_wake(w->loop);
}

void conn_on_ready(struct conn *c, unsigned ready)
{
    invariant(c->magic == CONN_MAGIC);
    worker_on_input(c->worker);
    if ((ready & LOOP_WRITE) != 0 && c->state != CONN_CLOSED)
        mark_dirty(c);
    if ((ready & LOOP_READ) != 0 && c->state != CONN_CLOSED && may_ask(c))
        on_readable(c);
}

struct conn *conn_new(struct worker *w, int fd, struct transport *transport,
                      const struct conn_handler *handler, const struct conn_origin *origin,
                      const struct sockaddr_storage *peer)
{
    struct conn *c = mem_new_of(MEM_CONN, struct conn);

    c->magic = CONN_MAGIC;
    c->fd = fd;
    c->worker = w;
    c->transport = transport;
    c->handler = handler;
    c->origin = origin;
    c->state = origin->is_websocket ? CONN_UPGRADING : CONN_OPEN;
    format_peer(c, peer);
    list_push_back(&w->conns, &c->node);
    counter_add(&CT_conns_open, 1);
    counter_inc(conns_accepted);
    if (fd >= 0) {
        c->watch = loop_watch_new(w->loop, fd, on_watch, c);
        if (c->watch == NULL) {
            conn_free(c);
            return NULL;
        }
    }
    if (origin->connect_timeout_ms != 0)
        timer_set(&w->timers, &c->timer, w->now_ms + origin->connect_timeout_ms,
                  on_connect_timeout);
    handler->on_open(c);
    update_interest(c);
    return c;
}
