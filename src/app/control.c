/*
 * The control socket `<data>/control.sock` (mode 0600): the command line, after it has changed the registry, asks the running server to apply
 * the change and waits for `ok`. Main thread; a request is one short line, so it is served at once.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/events.h"
#include "app/server_priv.h"

enum { CONTROL_LINE_MAX = 64, CONTROL_WAIT_MS = 500 };

static bool read_line(int fd, char *line)
{
    size_t len = 0;

    while (len < CONTROL_LINE_MAX - 1) {
        ssize_t n = recv(fd, line + len, 1, 0);

        if (n != 1)
            return false;
        if (line[len++] == '\n')
            break;
    }
    line[len] = '\0';
    return true;
}

static void serve(struct server *s, int fd)
{
    struct timeval wait = {0, CONTROL_WAIT_MS * 1000};
    char line[CONTROL_LINE_MAX];
    const char *answer = "unknown request\n";

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    if (!read_line(fd, line))
        return;
    if (strncmp(line, "sync ", 5) == 0) {
        registry_sync_apply(s);
        answer = "ok\n";
    }
    if (send(fd, answer, strlen(answer), MSG_NOSIGNAL) < 0)
        log_event(EV_CONTROL_FAILED, "cause", strerror(errno));
}

static void on_request(void *arg, unsigned ready)
{
    struct server *s = arg;
    int fd = accept4(s->control_fd, NULL, NULL, SOCK_CLOEXEC);

    (void)ready;
    if (fd < 0)
        return;
    serve(s, fd);
    close(fd);
}

static bool socket_path(const struct server *s, struct sockaddr_un *address)
{
    int len = snprintf(address->sun_path, sizeof(address->sun_path), "%s/control.sock",
                       s->config->data);

    address->sun_family = AF_UNIX;
    return len > 0 && (size_t)len < sizeof(address->sun_path);
}

enum status control_open(struct server *s, char *error, size_t error_len)
{
    struct sockaddr_un address = {0};
    mode_t mask;
    int bound;

    if (!socket_path(s, &address)) {
        snprintf(error, error_len, "--data %s: the path is too long for a socket in it; use a shorter one",
                 s->config->data);
        return ST_INVALID;
    }
    unlink(address.sun_path); /* of a server that was killed; the lock says that none runs */
    s->control_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    mask = umask(0177);
    bound = bind(s->control_fd, (struct sockaddr *)&address, sizeof(address));
    umask(mask);
    if (bound != 0 || listen(s->control_fd, 16) != 0) {
        snprintf(error, error_len, "cannot open %s: %s", address.sun_path, strerror(errno));
        return ST_IO;
    }
    s->control_watch = loop_watch_new(s->loop, s->control_fd, on_request, s);
    if (s->control_watch == NULL)
        return ST_IO;
    loop_watch_set(s->control_watch, LOOP_READ);
    return ST_OK;
}

void control_close(struct server *s)
{
    struct sockaddr_un address = {0};

    loop_watch_free(&s->control_watch);
    if (s->control_fd < 0)
        return;
    close(s->control_fd);
    s->control_fd = -1;
    if (socket_path(s, &address))
        unlink(address.sun_path);
}
