/*
 * What of a durable session is in the journal beside its cursor: who it is, its subscriptions, and
 * its deliveries of QoS 2 that are on their way. Written on its home worker, read back at start.
 *
 * A row SESSION is named by the client identifier; a row FLIGHT by that and the number of the
 * message, and stands there until the cursor has passed this number. Source: architecture.md "The
 * journal"
 */
#pragma once

#include "platform/router.h"
#include "service/app_session.h"

/** A delivery of QoS 2 as it stands in the journal. */
struct app_flight {
    uint64_t seq;
    uint16_t packet_id;
    bool was_released; /* PUBREC came */
    bool is_over;      /* its identifier was given anew after it */
};

/**
 * Writes the session with its subscriptions.
 *
 * @param receipt  posted when it is durable; NULL: nobody waits
 */
void app_store_session(struct app_session *a, const struct router_receipt *receipt);

/** Writes a delivery of QoS 2 as its entry says; session_secured follows. */
void app_store_flight(struct app_session *a, const struct flow_out_entry *e);

/** The cursor was saved at this number: rows of deliveries up to it go. */
void app_store_passed(struct app_session *a, uint64_t seq);

/** The name of the row of a QoS 2 publish of the session: appended. Nothing if it is not stored. */
void app_store_reception(const struct app_session *a, uint16_t packet_id, struct buffer *out);

/** Such a publish is over. */
void app_store_released(struct app_session *a, uint16_t packet_id);

/** Takes all rows of a session away: session_end_secured follows. */
void app_store_remove(struct app_session *a);

/** What was on its way with this number when the server stopped, or NULL. */
const struct app_flight *app_store_resumed(const struct app_session *a, uint64_t seq);

/**
 * At start, while no worker runs: makes the sessions again that the journal has.
 *
 * Errors: ST_IO, ST_CORRUPT
 */
enum status app_store_load(struct worker_group *g, struct journal *j) MUST_CHECK;

/** Whether a row of one of these tables has its form. Pure. */
bool app_store_row_is_sound(enum journal_table table, struct slice key, struct slice value);
