/*
 * Waiting for a server that answers, is not there, is silent, or goes away.
 */
#include "app/cli_sync.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "temp_data.h"

enum { SHORT_MS = 50, LONG_MS = 20000 };

/* A server for one client. */
struct answering {
    int listener;
    const char *answer; /* NULL: none, and wait until the client leaves */
    char request[64];
};

static void *answer_one(void *arg)
{
    struct answering *a = arg;
    int fd = accept(a->listener, NULL, NULL);
    size_t len = 0;

    while (len < sizeof(a->request) - 1 && memchr(a->request, '\n', len) == NULL) {
        ssize_t n = recv(fd, a->request + len, sizeof(a->request) - 1 - len, 0);

        if (n <= 0)
            break;
        len += (size_t)n;
    }
    if (a->answer == NULL) {
        char byte;

        (void)recv(fd, &byte, 1, 0);
    } else {
        /* byte by byte: an answer may come in pieces */
        for (const char *c = a->answer; *c != '\0'; c++)
            (void)send(fd, c, 1, MSG_NOSIGNAL);
    }
    (void)close(fd);
    return NULL;
}

/* Listens on control.sock in a directory, however long its name is. */
static int listen_in(const char *directory)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int dir = open(directory, O_PATH | O_DIRECTORY);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_true(dir >= 0 && fd >= 0);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/control.sock",
                   dir);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(close(dir), 0);
    return fd;
}

/* What comes of asking a server that answers so. */
static enum status ask(const char *directory, const char *answer, unsigned timeout_ms)
{
    struct answering a = {.listener = listen_in(directory), .answer = answer};
    pthread_t thread;
    enum status st;

    assert_int_equal(pthread_create(&thread, NULL, answer_one, &a), 0);
    st = cli_sync(directory, 4711, timeout_ms);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_string_equal(a.request, "sync 4711\n");
    assert_int_equal(close(a.listener), 0);
    return st;
}

static void no_server_no_wait(void **state)
{
    int listener;

    assert_int_equal(cli_sync(*state, 1, LONG_MS), ST_OK);
    listener = listen_in(*state);
    assert_int_equal(close(listener), 0); /* the name stays: a server that was killed */
    assert_int_equal(cli_sync(*state, 1, LONG_MS), ST_OK);
}

static void a_server_confirms(void **state)
{
    assert_int_equal(ask(*state, "ok\n", LONG_MS), ST_OK);
}

static void other_answers_are_no_confirmation(void **state)
{
    static const char *const answers[] = {
        "", "ok", "no\n", "okay\n",
        "0123456789012345678901234567890123456789012345678901234567890123456789\n"};

    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        if (ask(*state, answers[i], LONG_MS) != ST_IO)
            fail_msg("'%s'", answers[i]);
        assert_int_equal(unlink(temp_data_path(state, "control.sock")), 0);
    }
}

static void a_silent_server_is_not_waited_for_longer(void **state)
{
    assert_int_equal(ask(*state, NULL, SHORT_MS), ST_AGAIN);
}

static void a_long_directory_is_reached(void **state)
{
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/%0150d", (const char *)*state, 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(cli_sync(path, 1, LONG_MS), ST_OK);
    assert_int_equal(ask(path, "ok\n", LONG_MS), ST_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_DATA_TEST(no_server_no_wait),
        TEMP_DATA_TEST(a_server_confirms),
        TEMP_DATA_TEST(other_answers_are_no_confirmation),
        TEMP_DATA_TEST(a_silent_server_is_not_waited_for_longer),
        TEMP_DATA_TEST(a_long_directory_is_reached),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
