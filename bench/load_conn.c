/*
 * Non-blocking connections: TCP connect, TLS handshake, WebSocket upgrade, then bytes both ways.
 * Belongs to the thread of its loop. The handler may close the connection while it is being
 * called, therefore the state is looked at again after each call. It does not connect again.
 */
#include "load_conn.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load_clock.h"

/* A read may bring one TLS record, which is never longer than this. */
enum { RECORD_MAX = 16 * 1024 };

static const char ended_by_server[] = "the server ended the connection";

static void conn_free(struct load_conn *conn)
{
    if (conn->fd >= 0)
        close(conn->fd);
    SSL_free(conn->tls);
    load_buffer_deinit(&conn->out);
    load_buffer_deinit(&conn->frames);
    load_buffer_deinit(&conn->rest);
    conn->fd = -1;
    conn->tls = NULL;
    conn->state = LOAD_CONN_CLOSED;
}

static void conn_lose(struct load_conn *conn, const char *why)
{
    conn_free(conn);
    conn->handler->on_lost(conn->owner, why);
}

/** The words for a TLS call that failed for good. */
static const char *conn_tls_error(const struct load_conn *conn)
{
    unsigned long error = ERR_peek_error();
    const char *reason = error != 0 ? ERR_reason_error_string(error) : NULL;
    long verified = SSL_get_verify_result(conn->tls);

    if (verified != X509_V_OK)
        return X509_verify_cert_error_string(verified);
    return reason != NULL ? reason : ended_by_server;
}

static void conn_watch(struct load_conn *conn, uint32_t events)
{
    if (conn->watched == events)
        return;
    load_loop_watch(conn->loop, conn->fd, &conn->source, events, conn->watched == 0);
    conn->watched = events;
}

/** Reads; 0: nothing there now, -1: ended, with `*why`. */
static ptrdiff_t conn_receive(struct load_conn *conn, uint8_t *bytes, size_t size, const char **why)
{
    ptrdiff_t len;

    *why = ended_by_server;
    if (conn->tls == NULL) {
        len = read(conn->fd, bytes, size);
        if (len > 0)
            return len;
        if (len < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        if (len < 0)
            *why = strerror(errno);
        return -1;
    }
    ERR_clear_error();
    len = SSL_read(conn->tls, bytes, size > INT32_MAX ? INT32_MAX : (int)size);
    if (len > 0)
        return len;
    switch (SSL_get_error(conn->tls, (int)len)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return 0;
    default:
        *why = conn_tls_error(conn);
        return -1;
    }
}

/** Writes; 0: no room now, -1: ended, with `*why`. */
static ptrdiff_t conn_transmit(struct load_conn *conn, const uint8_t *bytes, size_t len,
                               const char **why)
{
    ptrdiff_t written;

    *why = ended_by_server;
    if (conn->tls == NULL) {
        written = send(conn->fd, bytes, len, MSG_NOSIGNAL);
        if (written >= 0)
            return written;
        if (errno == EAGAIN || errno == EINTR)
            return 0;
        *why = strerror(errno);
        return -1;
    }
    ERR_clear_error();
    written = SSL_write(conn->tls, bytes, len > INT32_MAX ? INT32_MAX : (int)len);
    if (written > 0)
        return written;
    switch (SSL_get_error(conn->tls, (int)written)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return 0;
    default:
        *why = conn_tls_error(conn);
        return -1;
    }
}

/** Writes as much as there is room for; NULL, or why the connection is lost. */
static const char *conn_write(struct load_conn *conn)
{
    struct load_buffer *wire = conn->endpoint->websocket ? &conn->frames : &conn->out;
    size_t gathered = load_buffer_len(&conn->out);

    if (conn->endpoint->websocket && gathered > 0 && load_buffer_len(wire) == 0) {
        load_ws_put_frame(wire, &conn->ws, LOAD_WS_BINARY, conn->out.bytes + conn->out.start,
                          gathered);
        load_buffer_consume(&conn->out, gathered);
    }
    while (load_buffer_len(wire) > 0) {
        const char *why;
        ptrdiff_t written =
            conn_transmit(conn, wire->bytes + wire->start, load_buffer_len(wire), &why);

        if (written < 0)
            return why;
        if (written == 0)
            break;
        load_buffer_consume(wire, (size_t)written);
    }
    return NULL;
}

static void conn_flush(struct load_conn *conn)
{
    const char *why = conn_write(conn);

    if (why != NULL) {
        conn_lose(conn, why);
        return;
    }
    if (load_conn_pending(conn) > 0) {
        conn_watch(conn, EPOLLIN | EPOLLOUT);
        return;
    }
    conn_watch(conn, EPOLLIN);
    if (conn->state == LOAD_CONN_READY)
        conn->handler->on_drained(conn->owner);
}

static void conn_become_ready(struct load_conn *conn)
{
    conn->state = LOAD_CONN_READY;
    conn_watch(conn, EPOLLIN);
    conn->handler->on_ready(conn->owner);
}

/**
 * Brings `len` bytes that were just read, behind `have` older ones, into the form that the owner
 * wants. Gives how many there are then in all, or -1 and `*why`.
 */
static ptrdiff_t conn_unwrap(struct load_conn *conn, uint8_t *bytes, size_t have, size_t len,
                             const char **why)
{
    ptrdiff_t used;

    if (!conn->endpoint->websocket)
        return (ptrdiff_t)(have + len);
    if (conn->state == LOAD_CONN_UPGRADE) {
        used = load_ws_read_response(bytes, have + len);
        *why = "the server did not upgrade to a WebSocket for MQTT";
        if (used <= 0)
            return used < 0 ? -1 : (ptrdiff_t)(have + len);
        len = have + len - (size_t)used;
        have = 0;
        memmove(bytes, bytes + used, len);
        conn_become_ready(conn);
    }
    used = load_ws_unframe(&conn->ws, bytes + have, len);
    *why = conn->ws.ended ? ended_by_server : "a WebSocket frame is malformed";
    if (used < 0 || conn->ws.ended)
        return -1;
    if (conn->ws.pong_due) {
        conn->ws.pong_due = false;
        load_ws_put_frame(&conn->frames, &conn->ws, LOAD_WS_PONG, conn->ws.control,
                          conn->ws.control_len);
        load_loop_touch(conn->loop, &conn->source);
    }
    return (ptrdiff_t)have + used;
}

/** Hands bytes to the owner; gives how many remain, at the front. */
static size_t conn_hand_over(struct load_conn *conn, uint8_t *bytes, size_t len)
{
    size_t used;

    if (conn->state != LOAD_CONN_READY || len == 0)
        return len;
    conn->loop->read_us = load_clock_unix_us();
    used = conn->handler->on_bytes(conn->owner, bytes, len);
    if (conn->state == LOAD_CONN_CLOSED)
        return 0;
    memmove(bytes, bytes + used, len - used);
    return len - used;
}

static void conn_read(struct load_conn *conn)
{
    uint8_t *bytes = conn->loop->read_buffer;
    size_t have = load_buffer_len(&conn->rest);
    const char *why = NULL;
    bool more = true;

    if (have > 0)
        memcpy(bytes, conn->rest.bytes + conn->rest.start, have);
    load_buffer_consume(&conn->rest, have);
    while (more) {
        size_t room = LOAD_LOOP_READ_SIZE - have;
        ptrdiff_t len = conn_receive(conn, bytes + have, room, &why);
        ptrdiff_t all = len;

        if (len > 0)
            all = conn_unwrap(conn, bytes, have, (size_t)len, &why);
        if (len > 0 && all >= 0)
            have = (size_t)all;
        /* A read of plain TCP that filled less than the room has taken all that was there. */
        more = all > 0 && (conn->tls != NULL || (size_t)len == room);
        if (!more || LOAD_LOOP_READ_SIZE - have < RECORD_MAX)
            have = conn_hand_over(conn, bytes, have);
        if (conn->state == LOAD_CONN_CLOSED)
            return;
        if (all < 0) {
            conn_lose(conn, why);
            return;
        }
        if (LOAD_LOOP_READ_SIZE - have < RECORD_MAX) {
            conn_lose(conn, "a packet is longer than any that was sent");
            return;
        }
    }
    load_buffer_append(&conn->rest, bytes, have);
}

/** TCP, and TLS where it is wanted, stand. */
static void conn_begin_bytes(struct load_conn *conn)
{
    if (!conn->endpoint->websocket) {
        conn_become_ready(conn);
        return;
    }
    conn->state = LOAD_CONN_UPGRADE;
    load_ws_put_request(&conn->frames, conn->endpoint->host, conn->endpoint->port,
                        conn->endpoint->path);
    conn_flush(conn);
}

/** One step of the TLS handshake. */
static void conn_shake_hands(struct load_conn *conn)
{
    int done;

    ERR_clear_error();
    done = SSL_do_handshake(conn->tls);
    if (done == 1) {
        conn_begin_bytes(conn);
        return;
    }
    switch (SSL_get_error(conn->tls, done)) {
    case SSL_ERROR_WANT_READ:
        conn_watch(conn, EPOLLIN);
        break;
    case SSL_ERROR_WANT_WRITE:
        conn_watch(conn, EPOLLOUT);
        break;
    default:
        conn_lose(conn, conn_tls_error(conn));
    }
}

static void conn_on_connected(struct load_conn *conn)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
        conn_lose(conn, strerror(error != 0 ? error : errno));
        return;
    }
    if (conn->endpoint->tls != NULL) {
        conn->tls = load_endpoint_new_tls(conn->endpoint, conn->fd);
        conn->state = LOAD_CONN_HANDSHAKE;
        conn_shake_hands(conn);
    } else {
        conn_begin_bytes(conn);
    }
}

static void conn_on_events(struct load_loop_source *source, uint32_t events)
{
    struct load_conn *conn = (struct load_conn *)source;

    switch (conn->state) {
    case LOAD_CONN_CLOSED:
        break;
    case LOAD_CONN_CONNECTING:
        conn_on_connected(conn);
        break;
    case LOAD_CONN_HANDSHAKE:
        conn_shake_hands(conn);
        break;
    case LOAD_CONN_UPGRADE:
    case LOAD_CONN_READY:
        if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
            conn_read(conn);
        if (conn->state != LOAD_CONN_CLOSED && (events & EPOLLOUT) != 0)
            load_loop_touch(conn->loop, &conn->source);
        break;
    }
}

static void conn_on_turn_end(struct load_loop_source *source)
{
    struct load_conn *conn = (struct load_conn *)source;

    if (conn->state >= LOAD_CONN_UPGRADE)
        conn_flush(conn);
}

static const struct load_loop_handler loop_handler = {conn_on_events, conn_on_turn_end};

void load_conn_open(struct load_conn *conn, struct load_loop *loop,
                    const struct load_endpoint *endpoint, const struct load_conn_handler *handler,
                    void *owner)
{
    const struct sockaddr *address = (const struct sockaddr *)&endpoint->address;
    const int on = 1;

    *conn = (struct load_conn){
        .source.handler = &loop_handler,
        .state = LOAD_CONN_CONNECTING,
        .fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
        .loop = loop,
        .endpoint = endpoint,
        .handler = handler,
        .owner = owner,
    };
    if (conn->fd < 0 || setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
        (connect(conn->fd, address, sizeof(endpoint->address)) != 0 && errno != EINPROGRESS)) {
        conn_lose(conn, strerror(errno));
        return;
    }
    conn_watch(conn, EPOLLOUT);
}

struct load_buffer *load_conn_out(struct load_conn *conn)
{
    load_loop_touch(conn->loop, &conn->source);
    return &conn->out;
}

size_t load_conn_pending(const struct load_conn *conn)
{
    return load_buffer_len(&conn->out) + load_buffer_len(&conn->frames);
}

void load_conn_close(struct load_conn *conn)
{
    if (conn->state == LOAD_CONN_CLOSED)
        return;
    if (conn->state == LOAD_CONN_READY && conn_write(conn) == NULL && conn->tls != NULL) {
        ERR_clear_error();
        SSL_shutdown(conn->tls);
    }
    conn_free(conn);
}
