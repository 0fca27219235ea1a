/*
 * One connection from accept to its end.
 *
 * Steps: (upgrade to WebSocket) -> open -> ending (what was appended is still sent) -> lingering
 * (our side is shut, the peer's rest is read away, so that no reset destroys our last packet) ->
 * closed. The handler is out of it from `ending` on. A connection that was not let in yet
 * (conn_set_established) has its time, and a place in the lobby that it may lose; one that was let
 * in has to take what is sent to it.
 */
#include "net/conn.h"

#include <unistd.h>

#include "base/invariant.h"
#include "base/json.h"
#include "base/mem.h"
#include "net/conn_priv.h"
#include "net/counters.h"
#include "net/events.h"

enum {
    CONN_ANSWERS_MAX_CHUNKS = 256, /* of output, 4 MB, from which a peer that asks on and on without
                                      reading the answers is not read either */
    CONN_LINGER_MS = 2000          /* for the peer to close after we shut our side */
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

struct slice conn_web_origin(const struct conn *c)
{
    return buffer_slice(&c->web_origin);
}

void *conn_owner(const struct conn *c)
{
    return c->owner;
}

void conn_set_owner(struct conn *c, void *owner)
{
    c->owner = owner;
}

/* It has said who it is: nobody needs its place, and its time does not run out. */
static void leave_lobby(struct conn *c)
{
    timer_cancel(&c->timer);
    lobby_leave(&c->guest);
}

void conn_set_established(struct conn *c)
{
    c->is_established = true;
    buffer_deinit(&c->web_origin); /* it has told all that it is for */
    leave_lobby(c);
}

bool conn_is_paused(const struct conn *c)
{
    return c->is_paused;
}

/* What the peer still sends when its input has ended is of interest only for its own end. */
static bool input_is_over(const struct conn *c)
{
    return c->input_has_ended && c->state != CONN_LINGERING;
}

/* Deliveries hold back long before; what is left are answers to what the peer sends, MQTT's and
 * those of TLS itself. */
static bool may_ask(const struct conn *c)
{
    return !c->transport->is_clogged && !list_is_linked(&c->throttled_node) && !input_is_over(c) &&
           (c->state >= CONN_ENDING || c->out.chunk_count < CONN_ANSWERS_MAX_CHUNKS);
}

/* What is to leave at the end of this turn needs no word from the system: only what could not. */
static bool waits_for_room(const struct conn *c)
{
    return !list_is_linked(&c->dirty_node) &&
           (c->transport->has_unsent || (c->out.len > 0 && c->transport->is_established));
}

void conn_update_interest(struct conn *c)
{
    unsigned interest = 0;

    if (c->watch == NULL)
        return;
    if (c->state != CONN_CLOSED && !(c->is_paused && c->state == CONN_OPEN) && may_ask(c))
        interest |= LOOP_READ;
    if (c->is_held && c->state == CONN_OPEN)
        interest |= LOOP_HANGUP;
    if (waits_for_room(c))
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

void conn_set_handler(struct conn *c, const struct conn_handler *handler)
{
    invariant(!c->handler_is_done);
    c->handler->on_closed(c, CONN_END_HANDED_OVER);
    c->handler = handler;
    c->owner = NULL;
}

void conn_close(struct conn *c, enum conn_end end)
{
    if (c->state == CONN_CLOSED)
        return;
    c->state = CONN_CLOSED;
    timer_cancel(&c->timer);
    list_remove(&c->dirty_node);
    list_remove(&c->resumed_node);
    list_remove(&c->throttled_node);
    loop_watch_free(&c->watch);
    list_push_back(&c->worker->closing_conns, &c->closing_node);
    tell_closed(c, end);
}

void conn_close_stalled(struct conn *c)
{
    log_event(EV_WRITE_TIMEOUT, "peer", c->peer);
    counter_inc(conns_stalled);
    conn_close(c, CONN_END_STALLED);
}

void conn_close_failed(struct conn *c)
{
    if (c->transport->is_timed_out)
        conn_close_stalled(c);
    else
        conn_close(c, CONN_END_IO);
}

static void on_end_timeout(struct timer *t)
{
    conn_close(list_entry(t, struct conn, timer), CONN_END_BY_US);
}

void conn_start_lingering(struct conn *c)
{
    c->state = CONN_LINGERING;
    if (c->fd >= 0 && !c->origin->is_tls)
        shutdown(c->fd, SHUT_WR);
    if (c->fd < 0) {
        conn_close(c, CONN_END_BY_US);
        return;
    }
    if (c->origin->is_tls) {
        /* close_notify and our end of the stream, then only the peer's rest is of interest */
        c->transport->ops->close(c->transport, &c->worker->scratch);
        c->transport = transport_tcp_new(c->fd);
        shutdown(c->fd, SHUT_WR);
    }
    timer_set(&c->worker->timers, &c->timer, c->worker->now_ms + CONN_LINGER_MS, on_end_timeout);
    conn_update_interest(c);
}

void conn_begin_ending(struct conn *c, enum conn_end end)
{
    c->state = CONN_ENDING;
    timer_set(&c->worker->timers, &c->timer, c->worker->now_ms + CONN_ENDING_MS, on_end_timeout);
    conn_websocket_say_close(c);
    conn_mark_dirty(c);
    tell_closed(c, end);
}

void conn_end(struct conn *c)
{
    if (c->state < CONN_ENDING)
        conn_begin_ending(c, CONN_END_BY_US);
}

void conn_abort(struct conn *c)
{
    conn_close(c, CONN_END_BY_US);
}

static void conn_free(struct conn *c)
{
    c->transport->ops->close(c->transport, &c->worker->scratch);
    if (c->fd >= 0)
        close(c->fd);
    lobby_leave(&c->guest);
    list_remove(&c->node);
    buffer_deinit(&c->in);
    buffer_deinit(&c->ws_close);
    buffer_deinit(&c->web_origin);
    out_buffer_deinit(&c->out);
    ws_frame_free(&c->ws);
    conn_http_free(&c->http);
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
        conn_close(list_entry(node, struct conn, node), CONN_END_BY_US);
    }
    conn_free_closed(w);
}

void conn_abort_strangers(struct worker *w)
{
    struct list *node, *next;

    for (node = w->conns.next; node != &w->conns; node = next) {
        struct conn *c = list_entry(node, struct conn, node);

        next = node->next;
        if (!c->is_established)
            conn_close(c, CONN_END_BY_US);
    }
}

static void on_evicted(void *owner)
{
    struct conn *c = owner;

    log_event(EV_CONN_EVICTED, "peer", c->peer);
    conn_close(c, CONN_END_EVICTED);
}

void conn_set_guest(struct conn *c, struct lobby_guest **guest)
{
    invariant(c->magic == CONN_MAGIC && c->guest == NULL);
    c->guest = *guest;
    *guest = NULL;
    if (!lobby_seat(c->guest, on_evicted, c))
        on_evicted(c);
}

static void on_connect_timeout(struct timer *t)
{
    struct conn *c = list_entry(t, struct conn, timer);

    log_event(EV_CONNECT_TIMEOUT, "peer", c->peer);
    counter_inc(conns_timed_out);
    conn_close(c, CONN_END_TIMEOUT);
}

/* --- input ----------------------------------------------------------------------------------- */

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
            conn_close(c, CONN_END_IO);
            return;
        }
    }
    if (c->guest != NULL && !lobby_seat(c->guest, on_evicted, c)) {
        on_evicted(c);
        return;
    }
    if (c->connect_deadline_ms != 0)
        timer_set(&w->timers, &c->timer, c->connect_deadline_ms, on_connect_timeout);
    if (c->out.len > 0)
        conn_mark_dirty(c);
    c->handler->on_moved(c);
    if (c->state == CONN_OPEN && c->in.len > 0 && !conn_offer(c, slice_make(NULL, 0)))
        return;
    conn_websocket_arrived(c);
    conn_update_interest(c);
}

/* The last touch of this worker: from the post on the connection is the other one's. */
static void depart(struct conn *c)
{
    struct letter letter = {.open = arrive, .object = c};
    struct worker *w = c->worker;

    list_remove(&c->dirty_node);
    list_remove(&c->resumed_node);
    list_remove(&c->throttled_node);
    list_remove(&c->node);
    c->connect_deadline_ms = timer_is_set(&c->timer) ? c->timer.deadline_ms : 0;
    timer_cancel(&c->timer);
    loop_watch_free(&c->watch);
    if (c->guest != NULL)
        lobby_move(c->guest, c->move_to);
    counter_inc(conns_moved);
    worker_post(w, c->move_to, &letter);
}

void conn_move(struct conn *c, unsigned to)
{
    c->has_moved = true;
    c->move_to = to;
}

bool conn_offer(struct conn *c, struct slice bytes)
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
    conn_update_interest(c);
    return true;
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

/* False: it has gone to another worker. */
static bool feed(struct conn *c, struct slice bytes)
{
    if (c->state == CONN_UPGRADING)
        return conn_websocket_upgrade(c, bytes);
    return c->ws != NULL ? conn_websocket_feed(c, bytes) : conn_offer(c, bytes);
}

/* Its input makes more letters than their receiver opens: their memory would grow without end. */
static void throttle(struct conn *c)
{
    counter_inc(conns_throttled);
    list_push_back(&c->worker->throttled_conns, &c->throttled_node);
    worker_hold_back(c->worker);
    conn_update_interest(c);
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
        if (st == ST_CLOSED && c->state == CONN_OPEN && c->handler->on_input_end != NULL) {
            c->input_has_ended = true;
            c->handler->on_input_end(c);
            conn_update_interest(c);
        } else if (st == ST_IO)
            conn_close_failed(c);
        else
            conn_close(c, st == ST_CLOSED ? CONN_END_BY_PEER : CONN_END_FAULT);
        return;
    }
    counter_add(&CT_bytes_received, (int64_t)len);
    if (c->transport->has_unsent)
        conn_update_interest(c);
    if (len == 0 || c->state >= CONN_ENDING)
        return;
    w->outgoing.backlogged = 0;
    if (feed(c, bytes) && w->outgoing.backlogged != 0 && c->state == CONN_OPEN)
        throttle(c);
}

void conn_read_throttled(struct worker *w)
{
    struct list *node;

    while ((node = list_pop_front(&w->throttled_conns)) != NULL)
        conn_update_interest(list_entry(node, struct conn, throttled_node));
}

void conn_pause(struct conn *c)
{
    c->is_paused = true;
    list_remove(&c->resumed_node);
}

void conn_hold(struct conn *c)
{
    conn_pause(c);
    c->is_held = true;
    leave_lobby(c);
}

void conn_resume(struct conn *c)
{
    if (!c->is_paused)
        return;
    c->is_paused = c->is_held = false;
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
            (void)conn_offer(c, slice_make(NULL, 0));
        else
            conn_update_interest(c);
    }
}

/* --- its beginning ---------------------------------------------------------------------------- */

void conn_on_ready(struct conn *c, unsigned ready)
{
    invariant(c->magic == CONN_MAGIC);
    worker_on_input(c->worker);
    if ((ready & LOOP_HANGUP) != 0 && c->is_held) {
        conn_close(c, CONN_END_BY_PEER);
        return;
    }
    if ((ready & LOOP_WRITE) != 0 && c->state != CONN_CLOSED)
        conn_mark_dirty(c);
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
    c->peer_address_len = (uint8_t)peer_address_format(peer, c->peer);
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
    conn_update_interest(c);
    return c;
}
