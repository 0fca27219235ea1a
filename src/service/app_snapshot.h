/*
 * Snapshot: the present state of each device that a filter matches, to one client alone, in the
 * order of each device's own messages. On the session's home worker. Source: open-api.md 3.4
 */
#pragma once

#include "service/app_request.h"

/** Asks all homes, one after the other and as fast as the client takes it. Errors: ST_FULL: too
 * many are under way. */
enum status app_snapshot_begin(struct app_session *a, const struct app_request *r) MUST_CHECK;

/** There is room, or the session has caught up: goes on with those that wait. */
void app_snapshot_continue(struct app_session *a);

/** The connection is over, and with it what was asked on it. */
void app_snapshot_drop(struct app_session *a);
