/*
 * What of a device outlives the program, in rows of the journal: its cloud values, its presence,
 * its alarm states, its commands, its retained downlinks.
 *
 * A change is marked where it happens. What goes with a message that somebody is owed is committed
 * with it; the rest is written behind, after DEVICE_STORE_BEHIND_MS at the latest. Everything here
 * is for the device's home worker. Source: open-api.md 3.2, 3.3, 6; architecture.md "The journal"
 */
#pragma once

#include "platform/device.h"

enum { DEVICE_STORE_BEHIND_MS = 500 /* how long a change may wait for others */ };

/** A part has changed and is written behind. */
void device_store_mark(struct device *d, enum device_part part);

/** What is marked in this turn, before or after, is committed with the turn's messages. */
void device_store_due(struct device *d);

/** Writes what is due; a hook at the end of a turn, before the journal's requests leave. */
void device_store_turn(struct home *h);

/** Makes all that is marked due; for a stop. */
void device_store_all(struct home *h);

/** The device leaves this home: what is marked stays so and is due at the next one. */
void device_store_leave(struct device *d);
void device_store_enter(struct device *d);

/** The device is being removed: its rows go. */
void device_store_forget(struct device *d);

enum device_presence {
    DEVICE_OFFLINE,
    DEVICE_ONLINE,
    DEVICE_ABSENT /* while offline_delay runs */
};

/** The row of a device's presence as it stands in the journal: appended. `since_ms`: Unix, 0: never
 * online. */
void device_store_write_presence(enum device_presence presence, int64_t since_ms,
                                 int64_t created_ms, struct buffer *out);
/** The name of a row: that of a device, and of a value of it (otherwise empty); appended. */
void device_store_write_key(uint64_t device_id, struct slice name, struct buffer *out);
/** The row of a cloud value; appended. */
void device_store_write_value(int64_t ts_ms, struct slice json, struct buffer *out);

/**
 * At start, while no worker runs and all devices are known: gives them back what they had. Rows of
 * devices that are not there any more go.
 *
 * @param grace_ms  as device_restore_presence takes it
 * Errors: ST_IO, ST_CORRUPT
 */
enum status device_store_load(struct worker_group *g, struct journal *j,
                              uint64_t grace_ms) MUST_CHECK;

/** Whether a row of one of its tables can be decoded. Any thread. */
bool device_store_row_is_sound(enum journal_table table, struct slice key, struct slice value);
