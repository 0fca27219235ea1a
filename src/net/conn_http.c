/*
 * The pipe between a connection and the HTTP server, on the connection's worker.
 *
 *     peer ──► transport ──► conn.in (what the pipe has no room for) ──► socket pair ──► server
 *     peer ◄── transport ◄── conn.out (up to its high water) ◄────────── socket pair ◄── server
 *
 * It does not read HTTP. A request is open from the first byte of the peer until the server answers
 * something; that is all that its time-outs need: a peer that sends a request drop by drop is
 * closed when its time is over, however often it sends.
 */
#include "net/conn_http.h"

#include <errno.h>
#include <unistd.h>

#include "base/invariant.h"
#include "base/mem.h"
#include "net/conn_priv.h"
#include "net/counters.h"
#include "net/events.h"
#include "net/ws_upgrade.h"

enum {
    CONN_HTTP_CHUNK = 16 * 1024, /* read of the server at once, */
    CONN_HTTP_CHUNKS_A_TURN = 4  /* and so often before others have their turn */
};

struct conn_http {
    struct conn *conn;                 /* borrowed: owns this */
    const struct conn_http_door *door; /* borrowed */
    int fd;                            /* owned: our end of the socket pair; -1: closed */
    struct loop_watch *watch;          /* owned */
    struct timer timer;
    uint64_t deadline_ms; /* the true one; the timer may fire before it */
    bool request_is_open; /* the peer has begun one, and nothing was answered yet */
    bool is_choked;       /* the server does not read what we have for it */
};

static void update_interest(struct conn_http *h)
{
    unsigned interest = 0;

    if (h->fd < 0)
        return;
    if (!conn_is_full(h->conn))
        interest |= LOOP_READ;
    if (h->is_choked)
        interest |= LOOP_WRITE;
    loop_watch_set(h->watch, interest);
}

/* --- time ------------------------------------------------------------------------------------- */

static void on_deadline(struct timer *t)
{
    struct conn_http *h = list_entry(t, struct conn_http, timer);
    struct conn *c = h->conn;
    struct worker *w = conn_worker(c);

    if (!h->request_is_open && conn_unsent(c) > 0) /* it reads an answer: write_timeout's matter */
        h->deadline_ms = w->now_ms + h->door->idle_timeout_ms;
    if (w->now_ms < h->deadline_ms) {
        timer_set(&w->timers, t, h->deadline_ms, on_deadline);
        return;
    }
    if (h->request_is_open) {
        log_event(EV_HTTP_REQUEST_TIMEOUT, "peer", conn_peer(c));
        counter_inc(http_conns_timed_out);
    }
    conn_end(c);
}

/* A later deadline waits for the timer to fire; an earlier one sets it anew. */
static void set_deadline(struct conn_http *h, unsigned timeout_ms)
{
    struct worker *w = conn_worker(h->conn);

    h->deadline_ms = w->now_ms + timeout_ms;
    if (!timer_is_set(&h->timer) || h->timer.deadline_ms > h->deadline_ms)
        timer_set(&w->timers, &h->timer, h->deadline_ms, on_deadline);
}

/* --- from the peer to the server -------------------------------------------------------------- */

/* How many bytes the server has taken; what it will never take counts as taken. */
static size_t pass_on(struct conn_http *h, struct slice bytes)
{
    ssize_t n = send(h->fd, bytes.data, bytes.len, MSG_NOSIGNAL);

    if (n < 0 && errno != EAGAIN && errno != EINTR)
        return bytes.len; /* it has closed: its last bytes are read, then its end is seen */
    return n < 0 ? 0 : (size_t)n;
}

static size_t on_bytes(struct conn *c, struct slice bytes)
{
    struct conn_http *h = c->http;
    size_t used;

    if (h->fd < 0)
        return bytes.len;
    if (!h->request_is_open) {
        h->request_is_open = true;
        set_deadline(h, h->door->request_timeout_ms);
    }
    used = pass_on(h, bytes);
    h->is_choked = used < bytes.len;
    if (h->is_choked)
        conn_pause(c); /* what is left is offered again when the server has read */
    else if (c->input_has_ended)
        (void)shutdown(h->fd, SHUT_WR);
    update_interest(h);
    return used;
}

static void on_input_end(struct conn *c)
{
    if (c->http->fd >= 0 && !c->http->is_choked)
        (void)shutdown(c->http->fd, SHUT_WR);
}

/* --- from the server to the peer -------------------------------------------------------------- */

static void on_answer(struct conn_http *h)
{
    if (h->request_is_open) {
        h->request_is_open = false;
        lobby_refresh(h->conn->guest, conn_worker(h->conn)->now_ms);
    }
    set_deadline(h, h->door->idle_timeout_ms);
}

static void read_server(struct conn_http *h)
{
    struct conn *c = h->conn;
    uint8_t chunk[CONN_HTTP_CHUNK];

    for (unsigned i = 0; i < CONN_HTTP_CHUNKS_A_TURN && !conn_is_full(c); i++) {
        ssize_t n = recv(h->fd, chunk, sizeof(chunk), 0);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (n <= 0) {
            conn_end(c);
            return;
        }
        out_buffer_append(conn_output(c), chunk, (size_t)n);
        on_answer(h);
    }
    update_interest(h);
}

static void on_ready(void *arg, unsigned ready)
{
    struct conn_http *h = arg;
    struct conn *c = h->conn;

    worker_on_input(conn_worker(c));
    if ((ready & LOOP_WRITE) != 0 && h->is_choked) {
        h->is_choked = false;
        conn_resume(c);
    }
    if ((ready & LOOP_READ) != 0 && !conn_is_full(c))
        read_server(h);
    else
        update_interest(h);
}

static void on_room(struct conn *c)
{
    update_interest(c->http);
}

/* --- its life --------------------------------------------------------------------------------- */

static void on_open(struct conn *c)
{
    (void)c;
}

static void on_moved(struct conn *c)
{
    (void)c;
    invariant(false); /* nobody moves it */
}

static void shut(struct conn_http *h)
{
    loop_watch_free(&h->watch);
    timer_cancel(&h->timer);
    if (h->fd >= 0)
        (void)close(h->fd);
    h->fd = -1;
}

static void on_closed(struct conn *c, enum conn_end end)
{
    (void)end;
    counter_add(&CT_http_conns_open, -1);
    shut(c->http);
}

static const struct conn_handler pipe_handler = {
    .on_open = on_open,
    .on_bytes = on_bytes,
    .on_room = on_room,
    .on_moved = on_moved,
    .on_input_end = on_input_end,
    .on_closed = on_closed,
};

static void on_evicted(void *owner)
{
    struct conn *c = owner;

    log_event(EV_HTTP_CONN_EVICTED, "peer", conn_peer(c));
    conn_close(c, CONN_END_EVICTED);
}

void conn_http_free(struct conn_http **hp)
{
    struct conn_http *h = *hp;

    *hp = NULL;
    if (h == NULL)
        return;
    shut(h);
    mem_free(h);
}

/* Leaves the lobby of those who have not said what they want for that of HTTP. False: it is full.
 */
static bool change_lobby(struct conn *c, const struct sockaddr_storage *peer)
{
    lobby_leave(&c->guest);
    c->guest = lobby_enter(c->origin->http->lobby, c->worker, peer_address_source(peer));
    return c->guest != NULL && lobby_seat(c->guest, on_evicted, c);
}

/* Our end of the pipe, the other one taken by the server; NULL: not now. */
static struct conn_http *open_pipe(struct conn *c, const struct sockaddr_storage *peer,
                                   socklen_t peer_len)
{
    const struct conn_http_door *door = c->origin->http;
    struct conn_http *h;
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
        return NULL;
    h = mem_new_of(MEM_CONN, struct conn_http);
    h->conn = c;
    h->door = door;
    h->fd = ends[0];
    h->watch = loop_watch_new(c->worker->loop, h->fd, on_ready, h);
    if (!door->take(door->arg, ends[1], peer, peer_len) || h->watch == NULL)
        conn_http_free(&h); /* the server sees the end of its end, if it has it */
    return h;
}

static void refuse(struct conn *c)
{
    struct buffer answer = {0};

    counter_inc(http_conns_refused);
    log_event(EV_HTTP_CONN_REFUSED, "peer", conn_peer(c));
    ws_upgrade_refuse(&answer, 503, "the HTTP server is busy; try again");
    out_buffer_append_raw(conn_output(c), buffer_slice(&answer));
    buffer_deinit(&answer);
    conn_end(c);
}

void conn_http_begin(struct conn *c)
{
    struct sockaddr_storage peer = {0};
    socklen_t peer_len = sizeof(peer);
    struct buffer request;

    if (getpeername(c->fd, (struct sockaddr *)&peer, &peer_len) != 0) {
        conn_close(c, CONN_END_BY_PEER);
        return;
    }
    timer_cancel(&c->timer);
    if (change_lobby(c, &peer))
        c->http = open_pipe(c, &peer, peer_len);
    if (c->http == NULL) {
        refuse(c);
        return;
    }
    counter_inc(http_conns);
    counter_add(&CT_http_conns_open, 1);
    conn_set_handler(c, &pipe_handler);
    c->state = CONN_OPEN;
    c->is_established = true; /* from now on it has to take its answers; its place it may lose */
    request = c->in;
    c->in = (struct buffer){0};
    (void)conn_offer(c, buffer_slice(&request));
    buffer_deinit(&request);
}
