/* One connection a question. */
#include "app/cli_server.h"

#include "app/control_socket.h"

enum { ANSWER_MAX = 64 * 1024 * 1024, ANSWER_TIMEOUT_MS = 10000 };

const char *cli_server_explain(enum status st)
{
    switch (st) {
    case ST_NOT_FOUND:
        return "no server runs on this data directory: start one, or name another with --data";
    case ST_AGAIN:
        return "the server does not answer: look at its log";
    case ST_MALFORMED:
    case ST_TOO_LARGE:
        return "the server's answer is not understood: is it of another version?";
    default:
        return "the server cannot be asked: run this as the user that the server runs as";
    }
}

static enum status fail(struct cli_call *call, enum status st)
{
    return cli_fail(call, st, "%s: %s", call->flags[CLI_FLAG_data], cli_server_explain(st));
}

enum status cli_server_ask(struct cli_call *call, const char *line, struct buffer *answer)
{
    enum status st =
        control_socket_ask(call->flags[CLI_FLAG_data], line, ANSWER_TIMEOUT_MS, ANSWER_MAX, answer);

    if (st == ST_OK && answer->len == 0)
        st = ST_MALFORMED;
    return st == ST_OK ? ST_OK : fail(call, st);
}

enum status cli_server_ask_list(struct cli_call *call, const char *line, json_t **out)
{
    struct buffer answer = {0};
    enum status st = cli_server_ask(call, line, &answer);

    *out = NULL;
    if (st == ST_OK) {
        *out = json_loadb((const char *)answer.data, answer.len, JSON_ALLOW_NUL, NULL);
        if (!json_is_array(*out)) {
            json_decref(*out);
            *out = NULL;
            st = fail(call, ST_MALFORMED);
        }
    }
    buffer_deinit(&answer);
    return st;
}
