/*
 * The requests `sync`, `uses`, `notifier_test` and `notifier_result`, and their answers.
 */
#include "app/cli_sync.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "app/control_socket.h"
#include "base/clock.h"

enum { LINE_MAX_LEN = 64, RESULT_MAX_LEN = 256, ASK_AGAIN_MS = 50 };

static enum status ask(const char *data_dir, const char *line, unsigned timeout_ms)
{
    struct buffer answer = {0};
    enum status st = control_socket_ask(data_dir, line, timeout_ms, LINE_MAX_LEN, &answer);

    if (st == ST_NOT_FOUND)
        st = ST_OK;
    else if (st == ST_TOO_LARGE || (st == ST_OK && !slice_is(buffer_slice(&answer), "ok\n")))
        st = ST_IO;
    buffer_deinit(&answer);
    return st;
}

enum status cli_sync(const char *data_dir, int64_t change, unsigned timeout_ms)
{
    char line[LINE_MAX_LEN];

    (void)snprintf(line, sizeof(line), "sync %" PRId64 "\n", change);
    return ask(data_dir, line, timeout_ms);
}

enum status cli_sync_uses(const char *data_dir, unsigned timeout_ms)
{
    return ask(data_dir, "uses\n", timeout_ms);
}

/* The ticket of a test that begins now. */
static enum status begin_test(const char *data_dir, uint64_t notifier_id, unsigned timeout_ms,
                              uint64_t *ticket)
{
    struct buffer answer = {0};
    char line[LINE_MAX_LEN];
    enum status st;

    (void)snprintf(line, sizeof(line), "notifier_test %" PRIu64 "\n", notifier_id);
    st = control_socket_ask(data_dir, line, timeout_ms, LINE_MAX_LEN, &answer);
    buffer_append_u8(&answer, 0);
    *ticket = strtoull((const char *)answer.data, NULL, 10);
    buffer_deinit(&answer);
    if (st == ST_TOO_LARGE)
        st = ST_IO;
    return st == ST_OK && *ticket == 0 ? ST_CLOSED : st;
}

enum status cli_sync_test(const char *data_dir, uint64_t notifier_id, unsigned timeout_ms,
                          struct buffer *answer)
{
    const struct timespec pause = {0, ASK_AGAIN_MS * 1000000L};
    uint64_t until_ms = clock_mono_ms() + timeout_ms, ticket;
    enum status st = begin_test(data_dir, notifier_id, timeout_ms, &ticket);
    char line[LINE_MAX_LEN];

    (void)snprintf(line, sizeof(line), "notifier_result %" PRIu64 " %" PRIu64 "\n", notifier_id,
                   ticket);
    while (st == ST_OK) {
        answer->len = 0;
        st = control_socket_ask(data_dir, line, timeout_ms, RESULT_MAX_LEN, answer);
        if (st != ST_OK || !slice_is(buffer_slice(answer), "wait\n"))
            break;
        if (clock_mono_ms() >= until_ms)
            st = ST_AGAIN;
        (void)nanosleep(&pause, NULL);
    }
    if (st == ST_OK && slice_is(buffer_slice(answer), "gone\n"))
        st = ST_CLOSED;
    if (answer->len > 0 && answer->data[answer->len - 1] == '\n')
        answer->len--;
    return st;
}
