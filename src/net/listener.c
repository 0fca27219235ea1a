/*
 * Accepting connections. Each worker takes a few per turn, so that a burst spreads over the
 * workers; the connection goes on to its home when its CONNECT has told who it is. Whom the lobby
 * turns away costs no more than the accept. When descriptors run out, connections wait in the
 * kernel's queue, and the last few descriptors stay for what is not a connection.
 */
#include "net/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/invariant.h"
#include "base/mem.h"
#include "net/counters.h"
#include "net/events.h"
#include "net/peer_address.h"

enum {
    LISTENER_BACKLOG = 4096,
    LISTENER_ACCEPTS_A_TURN = 16,
    LISTENER_BACK_OFF_MS = 200 /* without descriptors: try again then */
};

struct acceptor {
    struct listener *listener;
    struct worker *worker;
    struct loop_watch *watch; /* owned */
    struct timer back_off;
};

struct listener {
    struct listener_options options;
    char address[INET6_ADDRSTRLEN]; /* owned copy of options.address */
    int fd;                         /* owned */
    uint16_t port;
    unsigned acceptor_count;
    struct acceptor acceptors[WORKERS_MAX];
};

static void resume_accepting(struct timer *t)
{
    loop_watch_set(list_entry(t, struct acceptor, back_off)->watch, LOOP_READ);
}

/* True when accepting may go on in this turn. */
static bool accept_failed(struct acceptor *a, int error)
{
    if (error == EAGAIN)
        return false;
    if (error == EINTR || error == ECONNABORTED || error == EPROTO || error == EPERM)
        return true;
    log_event(EV_ACCEPT_FAILED, "port", log_int(a->listener->port), "cause", strerror(error));
    counter_inc(accept_failures);
    loop_watch_set(a->watch, 0);
    timer_set(&a->worker->timers, &a->back_off, a->worker->now_ms + LISTENER_BACK_OFF_MS,
              resume_accepting);
    return false;
}

/* A peer that has vanished is noticed: idle, within four minutes; while the kernel still has
 * something for it, within twice the write time-out. */
static void set_socket_options(int fd, unsigned write_timeout_ms)
{
    int on = 1;
    int idle_s = 120, interval_s = 30, count = 4;
    unsigned answer_ms = 2 * write_timeout_ms; /* the connection's own time-out, which is told and
                                                  counted, comes first */

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
    if (write_timeout_ms != 0)
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &answer_ms, sizeof(answer_ms));
}

static void take_in(struct acceptor *a, int fd, const struct sockaddr_storage *peer)
{
    const struct listener_options *o = &a->listener->options;
    struct lobby_guest *guest = lobby_enter(o->lobby, a->worker, peer_address_source(peer));
    struct transport *transport;
    struct conn *c;

    if (guest == NULL) {
        char text[PEER_ADDRESS_TEXT];

        peer_address_format(peer, text);
        log_event(EV_CONN_TURNED_AWAY, "peer", text, "service", o->name);
        counter_inc(conns_turned_away);
        close(fd);
        return;
    }
    set_socket_options(fd, o->origin.write_timeout_ms);
    if (o->tls != NULL) {
        struct ssl_st *ssl = tls_context_new_ssl(o->tls);

        transport = transport_tls_new(fd, &ssl);
    } else {
        transport = transport_tcp_new(fd);
    }
    c = conn_new(a->worker, fd, transport, o->handler, &o->origin, peer);
    if (c != NULL)
        conn_set_guest(c, &guest);
    lobby_leave(&guest);
}

static void on_acceptable(void *arg, unsigned ready)
{
    struct acceptor *a = arg;
    struct listener *l = a->listener;

    (void)ready;
    loop_watch_set(a->watch, LOOP_READ); /* after an error it is watched for nothing */
    worker_on_input(a->worker);
    for (int i = 0; i < LISTENER_ACCEPTS_A_TURN; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t peer_len = sizeof(peer);
        int fd = accept4(l->fd, (struct sockaddr *)&peer, &peer_len, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= l->options.fd_max) {
            close(fd);
            fd = -1;
            errno = EMFILE;
        }
        if (fd < 0 && !accept_failed(a, errno))
            return;
        if (fd >= 0)
            take_in(a, fd, &peer);
    }
}

static enum status parse_address(const char *text, uint16_t port, struct sockaddr_storage *out,
                                 socklen_t *len)
{
    struct sockaddr_in *in = (struct sockaddr_in *)out;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

    memset(out, 0, sizeof(*out));
    if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        *len = sizeof(*in);
        return ST_OK;
    }
    if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        *len = sizeof(*in6);
        return ST_OK;
    }
    return ST_INVALID;
}

static enum status bind_failure(const struct listener_options *o, int error, char *text,
                                size_t text_len)
{
    const char *advice = error == EADDRINUSE ? "another program uses it: stop that, or choose "
                                               "another port (--port-base moves all)"
                         : error == EACCES   ? "ports below 1024 need the right to bind them"
                                             : "check --bind and the port";

    snprintf(text, text_len, "cannot open %s port %u on %s: %s; %s", o->name, o->port, o->address,
             strerror(error), advice);
    return error == EADDRINUSE ? ST_BUSY : error == EACCES ? ST_REFUSED : ST_IO;
}

static uint16_t bound_port(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof(address);

    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return 0;
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

/* A listening socket, or -1 with errno. */
static int bind_socket(const struct sockaddr_storage *address, socklen_t address_len)
{
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1, off = 0, error;

    if (fd < 0)
        return -1;
    /* not REUSEPORT: a port in use must show */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (address->ss_family == AF_INET6) /* `::` takes IPv4 too */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, (const struct sockaddr *)address, address_len) == 0 &&
        listen(fd, LISTENER_BACKLOG) == 0)
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

enum status listener_open(const struct listener_options *options, struct listener **out,
                          char *error, size_t error_len)
{
    struct sockaddr_storage address;
    socklen_t address_len;
    int fd;

    *out = NULL;
    if (parse_address(options->address, options->port, &address, &address_len) != ST_OK) {
        snprintf(
            error, error_len,
            "--bind %s is no IPv4 or IPv6 address; use one like 0.0.0.0 or ::", options->address);
        return ST_INVALID;
    }
    fd = bind_socket(&address, address_len);
    if (fd < 0 && strcmp(options->address, "::") == 0 &&
        (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
        /* a machine without IPv6: every address is every IPv4 address */
        (void)parse_address("0.0.0.0", options->port, &address, &address_len);
        fd = bind_socket(&address, address_len);
    }
    if (fd < 0)
        return bind_failure(options, errno, error, error_len);
    struct listener *l = mem_new_of(MEM_CONN, struct listener);

    l->options = *options;
    snprintf(l->address, sizeof(l->address), "%s", options->address);
    l->options.address = l->address;
    l->fd = fd;
    l->port = bound_port(fd);
    *out = l;
    return ST_OK;
}

void listener_attach(struct listener *l, struct worker_group *g)
{
    l->acceptor_count = worker_group_count(g);
    for (unsigned i = 0; i < l->acceptor_count; i++) {
        struct acceptor *a = &l->acceptors[i];

        a->listener = l;
        a->worker = worker_group_get(g, i);
        a->watch = loop_watch_new(a->worker->loop, l->fd, on_acceptable, a);
        invariant(a->watch != NULL);
        loop_watch_set(a->watch, LOOP_READ);
    }
    log_event(EV_LISTENING, "service", l->options.name, "address", l->address, "port",
              log_int(l->port));
}

void listener_close(struct listener **lp)
{
    struct listener *l = *lp;

    *lp = NULL;
    if (l == NULL)
        return;
    for (unsigned i = 0; i < l->acceptor_count; i++) {
        timer_cancel(&l->acceptors[i].back_off);
        loop_watch_free(&l->acceptors[i].watch);
    }
    close(l->fd);
    mem_free(l);
}

uint16_t listener_port(const struct listener *l)
{
    return l->port;
}
