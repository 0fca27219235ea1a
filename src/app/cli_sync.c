/*
 * The requests `sync` and `uses`, and their answers.
 */
#include "app/cli_sync.h"

#include <inttypes.h>
#include <stdio.h>

#include "app/control_socket.h"

enum { LINE_MAX_LEN = 64 };

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
