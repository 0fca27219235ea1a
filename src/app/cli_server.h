/*
 * Questions of the command line to the running server (app/control_ask.h), and what people are told
 * when there is no answer.
 */
#pragma once

#include "app/cli.h"
#include "base/bytes.h"

/** What hinders an answer, in one line for a person. */
const char *cli_server_explain(enum status st);

/** Asks the server on the call's data directory: one line with its end. `answer` is appended to.
 * Errors, told: those of control_socket_ask; ST_MALFORMED: an empty answer. */
enum status cli_server_ask(struct cli_call *call, const char *line,
                           struct buffer *answer) MUST_CHECK;

/** The same, for an answer that is a JSON list; it is the caller's (json_decref). */
enum status cli_server_ask_list(struct cli_call *call, const char *line, json_t **out) MUST_CHECK;
