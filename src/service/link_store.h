/*
 * What of a device's session is in the journal: who it is and what it has subscribed to, the
 * downlinks of QoS 1 and 2 that it has not acknowledged, and its own publishes of QoS 2 that it has
 * not released. Of sessions that outlive their connection; on the device's home worker, read back
 * at start. Source: open-api.md 3.3, 3.4, 4; architecture.md "The journal"
 */
#pragma once

#include "service/device_link.h"

/** Writes the session with its subscriptions. `receipt`, posted when it is durable, may be NULL. */
void link_store_session(struct device_link *link, const struct router_receipt *receipt);

/** The number under which a new delivery of QoS 1 or 2 is kept (delivery.seq); 0: it is not. */
uint64_t link_store_number(struct device_link *link, uint8_t qos);

/** Writes a delivery that waits for the device, or for its turn. */
void link_store_queued(struct device_link *link, const struct delivery *d);

/** Writes a delivery as its entry says; with QoS 2 session_secured follows. */
void link_store_sent(struct device_link *link, const struct flow_out_entry *e);

/** A delivery is over. */
void link_store_over(struct device_link *link, uint64_t number);

/** A publish of the device of QoS 2 has been carried out; it is durable with this turn. */
void link_store_received(struct device_link *link, uint16_t packet_id);
/** Its identifier is free again. */
void link_store_released(struct device_link *link, uint16_t packet_id);

/** Takes all rows of a session away: session_end_secured follows. False: it has none. */
bool link_store_remove(struct device_link *link);

/** At start, while no worker runs, behind device_store_load: makes the sessions again. Errors:
 * ST_IO, ST_CORRUPT */
enum status link_store_load(struct worker_group *g, struct journal *j) MUST_CHECK;

/** Whether a row of `downlink` or `reception` can be decoded. Any thread. */
bool link_store_row_is_sound(enum journal_table table, struct slice key, struct slice value);
