/*
 * `eztcloud session …`: they are in the running server alone.
 */
#include <stdlib.h>

#include "app/cli_output.h"
#include "app/cli_server.h"
#include "app/control_ask.h"

static const char *const columns[] = {"connected", "persistent", "protocol",  "address",
                                      "secret",    "queued",     "client_id", NULL};

/* The project of --project must exist. */
static enum status check_project(struct cli_call *call)
{
    uint64_t project_id;

    return cli_get_project_id(call, &project_id);
}

enum status cli_session_list(struct cli_call *call)
{
    char line[CONTROL_LINE_MAX];
    enum status st = check_project(call);
    json_t *all, *one;
    size_t i;

    if (st != ST_OK)
        return st;
    (void)snprintf(line, sizeof(line), "sessions %s\n", call->flags[CLI_FLAG_project]);
    st = cli_server_ask_list(call, line, &all);
    if (st != ST_OK)
        return st;
    cli_output_list_begin(call->output, "sessions", columns);
    json_array_foreach (all, i, one)
        cli_output_list_row(call->output, json_incref(one));
    cli_output_list_end(call->output);
    json_decref(all);
    return ST_OK;
}

/* Errors: ST_INVALID, ST_NOT_FOUND, and those of the question. */
static enum status end_session(struct cli_call *call, const char *client_id)
{
    char line[CONTROL_LINE_MAX];
    struct buffer answer = {0};
    int len = snprintf(line, sizeof(line), "session_end %s %s\n", call->flags[CLI_FLAG_project],
                       client_id);
    enum status st;

    if (len < 0 || (size_t)len >= sizeof(line))
        return cli_fail(call, ST_NOT_FOUND, "no session has such a long client identifier");
    st = cli_server_ask(call, line, &answer);
    if (st == ST_OK && !slice_is(buffer_slice(&answer), "ok\n"))
        st = cli_fail(call, ST_NOT_FOUND, "%s: no such session: `eztcloud session list` shows all",
                      call->operand);
    buffer_deinit(&answer);
    return st;
}

enum status cli_session_end(struct cli_call *call)
{
    json_t *id = json_string(call->operand);
    char *text;
    enum status st = check_project(call);

    if (st == ST_OK && id == NULL)
        st = cli_fail(call, ST_INVALID, "a client identifier is UTF-8");
    if (st == ST_OK) {
        text = json_dumps(id, JSON_ENCODE_ANY);
        st = end_session(call, text);
        free(text);
    }
    json_decref(id);
    if (st == ST_OK)
        cli_output_object(call->output, json_pack("{s:s}", "ended", call->operand));
    return st;
}
