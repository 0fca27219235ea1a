/* Plain TCP: one receive, one gathered send a call. Runs on the connection's worker. */
#include <errno.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "net/transport.h"

struct transport_tcp {
    struct transport base;
    int fd; /* borrowed: the connection's */
};

static enum status tcp_read(struct transport *t, struct transport_scratch *s, uint8_t *out,
                            size_t room, size_t *len)
{
    struct transport_tcp *tcp = (struct transport_tcp *)t;
    ssize_t n = recv(tcp->fd, out, room < TRANSPORT_RECEIVE ? room : TRANSPORT_RECEIVE, 0);

    (void)s;
    *len = 0;
    if (n > 0) {
        *len = (size_t)n;
        return ST_OK;
    }
    if (n == 0)
        return ST_CLOSED;
    t->is_timed_out = errno == ETIMEDOUT;
    return errno == EAGAIN || errno == EINTR ? ST_AGAIN : ST_IO;
}

static enum status tcp_write(struct transport *t, struct transport_scratch *s,
                             const struct iovec *iov, int count, size_t *written)
{
    struct transport_tcp *tcp = (struct transport_tcp *)t;
    struct msghdr message = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)count};
    ssize_t n = sendmsg(tcp->fd, &message, MSG_NOSIGNAL);

    (void)s;
    *written = 0;
    if (n < 0) {
        t->is_timed_out = errno == ETIMEDOUT;
        return errno == EAGAIN || errno == EINTR ? ST_AGAIN : ST_IO;
    }
    *written = (size_t)n;
    t->sent += (size_t)n;
    for (int i = 0; i < count; i++) {
        if ((size_t)n < iov[i].iov_len)
            return ST_AGAIN;
        n -= (ssize_t)iov[i].iov_len;
    }
    return ST_OK;
}

static void tcp_close(struct transport *t, struct transport_scratch *s)
{
    (void)s;
    mem_free(t);
}

static const struct transport_ops tcp_ops = {tcp_read, tcp_write, tcp_close};

struct transport *transport_tcp_new(int fd)
{
    struct transport_tcp *tcp = mem_new_of(MEM_CONN, struct transport_tcp);

    tcp->base.ops = &tcp_ops;
    tcp->base.is_established = true;
    tcp->fd = fd;
    return &tcp->base;
}
