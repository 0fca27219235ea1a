/*
 * The request `sync` and its answer.
 */
#include "app/cli_sync.h"

#include <inttypes.h>
#include <stdio.h>

#include "app/control_socket.h"

enum { LINE_MAX_LEN = 64 };

enum status cli_sync(const char *data_dir, int64_t change, unsigned timeout_ms)
{
    struct buffer answer = {0};
    char line[LINE_MAX_LEN];
    enum status st;

    (void)snprintf(line, sizeof(line), "sync %" PRId64 "\n", change);
    st = control_socket_ask(data_dir, line, timeout_ms, LINE_MAX_LEN, &answer);
    if (st == ST_NOT_FOUND)
        st = ST_OK;
    else if (st == ST_TOO_LARGE || (st == ST_OK && !slice_is(buffer_slice(&answer), "ok\n")))
        st = ST_IO;
    buffer_deinit(&answer);
    return st;
}
