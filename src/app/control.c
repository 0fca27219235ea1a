/*
 * What the command line asks of the running server on its control socket:
 *
 *     sync <number>    apply what has changed in the registry; the answer is `ok`
 *     uses             write to the registry when secrets were last used; the answer is `ok`
 *     counters         all metrics, a line `name value` each
 *     log, sessions, session_end   see control_ask.c
 *     notifier_test <notifier>             has a test sent; the answer is a ticket, 0: no such one
 *     notifier_result <notifier> <ticket>  `delivered` or `failed`, HTTP status, cause; `wait`;
 * `gone`
 *
 * The end of the connection is the end of the answer. Main thread; a request is one line of whoever
 * may open the socket, and is served at once: who does not read the answer is not waited for.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "app/control_ask.h"
#include "app/control_socket.h"
#include "app/events.h"
#include "app/metrics.h"
#include "app/secret_sync.h"
#include "app/server_priv.h"

enum { CONTROL_WAIT_MS = 500 };

static bool read_line(int fd, char *line)
{
    size_t len = 0;

    while (len < CONTROL_LINE_MAX - 1) {
        ssize_t n = recv(fd, line + len, 1, 0);

        if (n < 0 && errno == EINTR) // with a time-out, a process that was stopped gets this
            continue;
        if (n != 1)
            return false;
        if (line[len++] == '\n')
            break;
    }
    line[len] = '\0';
    return true;
}

static void answer_sync(struct server *s, struct slice rest, struct buffer *answer)
{
    (void)rest;
    registry_sync_apply(s);
    buffer_append_text(answer, "ok\n");
}

static void answer_uses(struct server *s, struct slice rest, struct buffer *answer)
{
    (void)rest;
    secret_sync_save_uses(s);
    buffer_append_text(answer, "ok\n");
}

static void answer_counters(struct server *s, struct slice rest, struct buffer *answer)
{
    (void)s;
    (void)rest;
    metrics_write(answer);
}

static const struct request {
    const char *word;
    void (*serve)(struct server *s, struct slice rest, struct buffer *answer);
} requests[] = {
    {"sync", answer_sync},
    {"uses", answer_uses},
    {"counters", answer_counters},
    {"log", control_ask_log},
    {"sessions", control_ask_sessions},
    {"session_end", control_ask_session_end},
    {"notifier_test", notifier_sync_test},
    {"notifier_result", notifier_sync_result},
};

static void write_answer(struct server *s, const char *line, struct buffer *answer)
{
    struct slice rest = slice_of(line), word;

    rest = slice_cut(&rest, '\n');
    word = slice_cut(&rest, ' ');
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        if (!slice_is(word, requests[i].word))
            continue;
        requests[i].serve(s, rest, answer);
        return;
    }
    buffer_append_text(answer, "unknown request\n");
}

static void serve(struct server *s, int fd)
{
    struct timeval wait = {0, CONTROL_WAIT_MS * 1000};
    struct buffer answer = {0};
    char line[CONTROL_LINE_MAX];

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    if (!read_line(fd, line))
        return;
    write_answer(s, line, &answer);
    if (send(fd, answer.data, answer.len, MSG_NOSIGNAL) != (ssize_t)answer.len)
        log_event(EV_CONTROL_FAILED, "cause", strerror(errno));
    buffer_deinit(&answer);
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

enum status control_open(struct server *s, char *error, size_t error_len)
{
    enum status st = control_socket_listen(s->config->data, &s->control_fd, error, error_len);

    if (st != ST_OK)
        return st;
    s->control_watch = loop_watch_new(s->loop, s->control_fd, on_request, s);
    if (s->control_watch == NULL)
        return ST_IO;
    loop_watch_set(s->control_watch, LOOP_READ);
    return ST_OK;
}

void control_close(struct server *s)
{
    loop_watch_free(&s->control_watch);
    if (s->control_fd < 0)
        return;
    close(s->control_fd);
    s->control_fd = -1;
    control_socket_remove(s->config->data);
}
