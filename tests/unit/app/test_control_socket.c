/*
 * The control socket in directories of any length: taken over, asked, removed.
 */
#include "app/control_socket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "temp_data.h"

enum { TIMEOUT_MS = 20000, PATH_LEN = 200, ANSWER_MAX = 10000 };

/* A server for one request, which it answers with `length` bytes and its end. */
struct answering {
    int listener;
    size_t length;
    char request[16];
};

static void *answer_one(void *arg)
{
    struct answering *a = arg;
    struct pollfd p = {.fd = a->listener, .events = POLLIN};
    int fd;

    (void)poll(&p, 1, -1);
    fd = accept(a->listener, NULL, NULL);
    (void)recv(fd, a->request, sizeof(a->request) - 1, 0);
    for (size_t i = 0; i < a->length; i++)
        (void)send(fd, "x", 1, MSG_NOSIGNAL);
    (void)close(fd);
    return NULL;
}

static int listen_in(const char *directory)
{
    char error[256] = "";
    int fd;

    if (control_socket_listen(directory, &fd, error, sizeof(error)) != ST_OK)
        fail_msg("%s", error);
    return fd;
}

/* What comes of asking a server that answers with `length` bytes; they go to *answer. */
static enum status ask(const char *directory, size_t length, struct buffer *answer)
{
    struct answering a = {.listener = listen_in(directory), .length = length};
    pthread_t thread;
    enum status st;

    assert_int_equal(pthread_create(&thread, NULL, answer_one, &a), 0);
    st = control_socket_ask(directory, "counters\n", TIMEOUT_MS, ANSWER_MAX, answer);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_string_equal(a.request, "counters\n");
    assert_int_equal(close(a.listener), 0);
    return st;
}

/* A new directory whose path has PATH_LEN bytes. */
static const char *make_long_directory(void **state)
{
    static char path[PATH_LEN + 1];
    int len = snprintf(path, sizeof(path), "%s/", (const char *)*state);

    assert_in_range(len, 1, PATH_LEN - 1);
    memset(path + len, 'd', (size_t)(PATH_LEN - len));
    path[PATH_LEN] = '\0';
    assert_int_equal(mkdir(path, 0700), 0);
    return path;
}

static void check_life_of_a_socket(const char *directory)
{
    struct buffer answer = {0};
    struct stat found;
    char name[PATH_LEN + 64];

    (void)snprintf(name, sizeof(name), "%s/control.sock", directory);
    assert_int_equal(control_socket_ask(directory, "counters\n", TIMEOUT_MS, 1, &answer),
                     ST_NOT_FOUND);
    for (unsigned times = 0; times < 2; times++) { /* the second finds what the first has left */
        assert_int_equal(ask(directory, 3, &answer), ST_OK);
        assert_int_equal(lstat(name, &found), 0);
        assert_int_equal(found.st_mode & 07777, 0600);
        assert_int_equal(control_socket_ask(directory, "counters\n", TIMEOUT_MS, 1, &answer),
                         ST_NOT_FOUND);
    }
    assert_true(slice_is(buffer_slice(&answer), "xxxxxx"));
    buffer_deinit(&answer);
    control_socket_remove(directory);
    assert_int_not_equal(lstat(name, &found), 0);
    control_socket_remove(directory);
}

static void in_a_short_directory(void **state)
{
    check_life_of_a_socket(*state);
}

static void in_a_long_directory(void **state)
{
    check_life_of_a_socket(make_long_directory(state));
}

static void an_answer_has_a_limit(void **state)
{
    struct buffer answer = {0};

    assert_int_equal(ask(*state, ANSWER_MAX, &answer), ST_OK);
    assert_int_equal(answer.len, ANSWER_MAX);
    assert_int_equal(ask(*state, ANSWER_MAX + 1, &answer), ST_TOO_LARGE);
    buffer_deinit(&answer);
}

static void without_a_directory(void **state)
{
    char path[PATH_LEN + 64];
    char error[512] = "";
    int fd;

    (void)snprintf(path, sizeof(path), "%s/%0150d", (const char *)*state, 0);
    for (unsigned times = 0; times < 2; times++) { /* a long path, then a short one */
        assert_int_equal(control_socket_ask(path, "counters\n", TIMEOUT_MS, 1, NULL), ST_NOT_FOUND);
        assert_int_equal(control_socket_listen(path, &fd, error, sizeof(error)), ST_IO);
        assert_int_equal(fd, -1);
        assert_non_null(strstr(error, path));
        assert_non_null(strstr(error, "No such file"));
        path[strlen(*state) + 2] = '\0';
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_DATA_TEST(in_a_short_directory),
        TEMP_DATA_TEST(in_a_long_directory),
        TEMP_DATA_TEST(an_answer_has_a_limit),
        TEMP_DATA_TEST(without_a_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
