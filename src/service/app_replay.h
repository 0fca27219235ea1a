/*
 * Replay: what the journal still has of a filter, from a place on, to one client alone and before
 * all that comes after. On the session's home worker. Source: open-api.md 3.4
 */
#pragma once

#include "service/app_request.h"

/** Puts a replay behind those that wait; the session's feed begins it. Errors: ST_FULL: too many
 * wait. */
enum status app_replay_add(struct app_session *a, const struct app_request *r) MUST_CHECK;

/** The session is fed by the journal from now on: those that have waited for that begin. */
void app_replay_begin(struct app_session *a);

/** Reads on; true when no replay is left, false when there is no room for more now. */
bool app_replay_continue(struct app_session *a);

/** Forgets all of them. */
void app_replay_drop(struct app_session *a);
