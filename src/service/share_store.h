/*
 * What of share groups is in the journal beside their cursors: their deliveries of QoS 2 that are
 * on their way, so that after a crash they go on with the session that has them.
 *
 * A row SHARE_FLIGHT is named by the group and the number of the message; it is written where the
 * session is at home, and taken away by the group when its cursor passes. Source: open-api.md 3.1,
 * 3.4
 */
#pragma once

#include "service/app_session.h"

/** The name of a group's cursor, and the beginning of its rows'; `name`: "<group>/<filter>". Begins
 * with a zero, as no client identifier does. */
void share_store_key(struct slice name, struct buffer *out);

/**
 * Writes a delivery of QoS 2 as its entry says; session_secured follows.
 *
 * @param name  of the group
 */
void share_store_flight(struct app_session *a, struct slice name, const struct flow_out_entry *e);

/** Takes the row of a delivery away. */
void share_store_remove_flight(struct worker *w, uint64_t project_id, struct slice group_key,
                               uint64_t seq);

/** At start, behind the sessions: gives them their deliveries back, and tells the groups of all
 * members. Errors: ST_IO, ST_CORRUPT */
enum status share_store_load(struct worker_group *g, struct journal *j) MUST_CHECK;

/** Whether a row has its form. Pure. */
bool share_store_row_is_sound(struct slice key, struct slice value);
