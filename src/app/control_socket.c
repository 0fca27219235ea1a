/*
 * A line to the server and what it answers, with one deadline for both; and the listening end.
 *
 * The directory is held open only while its socket is bound or connected to: Linux resolves the
 * name then, and not again.
 */
#include "app/control_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

enum { BACKLOG = 16, CHUNK = 4096 };

#define SOCKET_NAME "control.sock"

struct place {
    struct sockaddr_un address;
    int dir; /* owned; -1: the name does without it */
};

static void leave(struct place *p)
{
    if (p->dir >= 0)
        (void)close(p->dir);
    p->dir = -1;
}

/* Errors: ST_NOT_FOUND: there is no such directory; ST_IO; errno says why. */
static enum status find(const char *data_dir, struct place *p)
{
    char *name = p->address.sun_path;
    int len;

    *p = (struct place){.address.sun_family = AF_UNIX, .dir = -1};
    len = snprintf(name, sizeof(p->address.sun_path), "%s/" SOCKET_NAME, data_dir);
    if (len > 0 && (size_t)len < sizeof(p->address.sun_path))
        return ST_OK;
    p->dir = open(data_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (p->dir < 0)
        return errno == ENOENT ? ST_NOT_FOUND : ST_IO;
    (void)snprintf(name, sizeof(p->address.sun_path), "/proc/self/fd/%d/" SOCKET_NAME, p->dir);
    return ST_OK;
}

/* ---- the server */

static bool bind_to(int fd, const struct sockaddr_un *address)
{
    mode_t mask = umask(0177);
    int bound;

    (void)unlink(address->sun_path); /* of a server that was killed */
    bound = bind(fd, (const struct sockaddr *)address, sizeof(*address));
    (void)umask(mask);
    return bound == 0 && listen(fd, BACKLOG) == 0;
}

enum status control_socket_listen(const char *data_dir, int *fd, char *error, size_t error_len)
{
    struct place p;
    enum status st = find(data_dir, &p);

    *fd = -1;
    if (st == ST_OK) {
        *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (*fd < 0 || !bind_to(*fd, &p.address))
            st = ST_IO;
    }
    if (st != ST_OK) {
        (void)snprintf(error, error_len, "cannot open " SOCKET_NAME " in %.256s: %s", data_dir,
                       strerror(errno));
        if (*fd >= 0)
            (void)close(*fd);
        *fd = -1;
    }
    leave(&p);
    return st == ST_OK ? ST_OK : ST_IO;
}

void control_socket_remove(const char *data_dir)
{
    struct place p;

    if (find(data_dir, &p) == ST_OK)
        (void)unlink(p.address.sun_path);
    leave(&p);
}

/* ---- who asks it */

static enum status connect_to(const char *data_dir, int fd)
{
    struct place p;
    enum status st = find(data_dir, &p);

    if (st == ST_OK && connect(fd, (const struct sockaddr *)&p.address, sizeof(p.address)) != 0)
        st = errno == ENOENT || errno == ECONNREFUSED ? ST_NOT_FOUND : ST_IO;
    leave(&p);
    return st;
}

/* Waits until `events` happen on the socket. */
static enum status wait_for(int fd, short events, uint64_t deadline_ms)
{
    for (;;) {
        struct pollfd p = {.fd = fd, .events = events};
        uint64_t now_ms = clock_mono_ms();
        int ready;

        if (now_ms >= deadline_ms)
            return ST_AGAIN;
        ready = poll(&p, 1, (int)(deadline_ms - now_ms));
        if (ready > 0)
            return ST_OK;
        if (ready < 0 && errno != EINTR)
            return ST_IO;
    }
}

static enum status send_request(int fd, struct slice request, uint64_t deadline_ms)
{
    while (request.len > 0) {
        enum status st = wait_for(fd, POLLOUT, deadline_ms);
        ssize_t n;

        if (st != ST_OK)
            return st;
        n = send(fd, request.data, request.len, MSG_NOSIGNAL);
        if (n < 0)
            return ST_IO;
        request = slice_from(request, (size_t)n);
    }
    return ST_OK;
}

static enum status receive_answer(int fd, size_t answer_max, struct buffer *answer,
                                  uint64_t deadline_ms)
{
    size_t left = answer_max;

    for (;;) {
        enum status st = wait_for(fd, POLLIN, deadline_ms);
        char chunk[CHUNK];
        ssize_t n;

        if (st != ST_OK)
            return st;
        n = recv(fd, chunk, sizeof(chunk), 0);
        if (n <= 0)
            return n == 0 ? ST_OK : ST_IO;
        if ((size_t)n > left)
            return ST_TOO_LARGE;
        buffer_append(answer, chunk, (size_t)n);
        left -= (size_t)n;
    }
}

enum status control_socket_ask(const char *data_dir, const char *request, unsigned timeout_ms,
                               size_t answer_max, struct buffer *answer)
{
    uint64_t deadline_ms = clock_mono_ms() + timeout_ms;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    enum status st;

    if (fd < 0)
        return ST_IO;
    st = connect_to(data_dir, fd);
    if (st == ST_OK)
        st = send_request(fd, slice_of(request), deadline_ms);
    if (st == ST_OK)
        st = receive_answer(fd, answer_max, answer, deadline_ms);
    (void)close(fd);
    return st;
}
