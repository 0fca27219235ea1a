/*
 * Requests of the command line that the workers answer: message logs of devices, sessions of
 * applications.
 *
 *     log <deviceUsername> before|after <number> <max>   entries as a JSON list: newest first, or
 *                                                        oldest first
 *     sessions <projectKey>                              a JSON list
 *     session_end <projectKey> <JSON string>             `ok`, or `none`: there is no such session
 *
 * What cannot be read is answered with nothing. Main thread; blocks while workers answer.
 */
#pragma once

#include "app/server_priv.h"

enum { CONTROL_LINE_MAX = 2048 /* a client identifier, each of its bytes escaped */ };

void control_ask_log(struct server *s, struct slice rest, struct buffer *answer);
void control_ask_sessions(struct server *s, struct slice rest, struct buffer *answer);
void control_ask_session_end(struct server *s, struct slice rest, struct buffer *answer);
