/*
 * A line to the server and one back, with a deadline for both.
 *
 * The name of a Unix socket is short (108 bytes); a data directory that is longer is reached
 * through a descriptor of it.
 */
#include "app/cli_sync.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

enum { LINE_MAX_LEN = 64 };

#define SOCKET_NAME "control.sock"

/* True when a server listens and `fd` is connected to it. */
static enum status connect_to(const char *data_dir, int fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int dir = -1;
    int len = snprintf(address.sun_path, sizeof(address.sun_path), "%s/" SOCKET_NAME, data_dir);
    enum status st = ST_OK;

    if (len < 0 || (size_t)len >= sizeof(address.sun_path)) {
        dir = open(data_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
            return ST_IO;
        (void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" SOCKET_NAME,
                       dir);
    }
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
        st = errno == ENOENT || errno == ECONNREFUSED ? ST_NOT_FOUND : ST_IO;
    if (dir >= 0)
        (void)close(dir);
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

static enum status send_line(int fd, const char *line, size_t len, uint64_t deadline_ms)
{
    size_t sent = 0;

    while (sent < len) {
        enum status st = wait_for(fd, POLLOUT, deadline_ms);
        ssize_t n;

        if (st != ST_OK)
            return st;
        n = send(fd, line + sent, len - sent, MSG_NOSIGNAL);
        if (n < 0)
            return ST_IO;
        sent += (size_t)n;
    }
    return ST_OK;
}

static enum status receive_ok(int fd, uint64_t deadline_ms)
{
    char line[LINE_MAX_LEN] = "";
    size_t len = 0;

    while (len < sizeof(line) - 1 && memchr(line, '\n', len) == NULL) {
        enum status st = wait_for(fd, POLLIN, deadline_ms);
        ssize_t n;

        if (st != ST_OK)
            return st;
        n = recv(fd, line + len, sizeof(line) - 1 - len, 0);
        if (n <= 0)
            return ST_IO;
        len += (size_t)n;
    }
    return strncmp(line, "ok\n", 3) == 0 ? ST_OK : ST_IO;
}

enum status cli_sync(const char *data_dir, int64_t change, unsigned timeout_ms)
{
    uint64_t deadline_ms = clock_mono_ms() + timeout_ms;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char line[LINE_MAX_LEN];
    enum status st;
    int len = snprintf(line, sizeof(line), "sync %" PRId64 "\n", change);

    if (fd < 0)
        return ST_IO;
    st = connect_to(data_dir, fd);
    if (st == ST_OK)
        st = send_line(fd, line, (size_t)len, deadline_ms);
    if (st == ST_OK)
        st = receive_ok(fd, deadline_ms);
    (void)close(fd);
    return st == ST_NOT_FOUND ? ST_OK : st;
}
