/*
 * What becomes of a device's commands, as applications are told: `$open/<pk>/<du>/command_status`.
 *
 *     accepted -> sent -> delivered -> replied | expired | offline | rejected
 *
 * Each is told once and in this order; a command that is refused is only `rejected`. On the
 * device's home worker. Source: open-api.md 3.2, 3.3
 */
#pragma once

#include "platform/device.h"

/** The ledger, made when first needed. */
struct command_ledger *device_command_ledger(struct device *d);

/** The command that was entered with this number is on its way: it is told (`accepted`, and what
 * has followed meanwhile), and its time-out is watched. */
void device_command_accepted(struct device *d, uint64_t number);

/** The command that was entered with this number is taken by nobody: `accepted` and `offline` are
 * told, or `expired` if its time is over. `why`: one sentence (static). */
void device_command_untaken(struct device *d, uint64_t number, const char *why);

/** A command that was not entered, since it was refused: `rejected` is told, unless its id is that
 * of an outstanding one. `id` may be NULL; `method` may be empty. */
void device_command_rejected(struct device *d, const struct json_member *id, struct slice method,
                             const char *why);

/** The message with the command of this number has come a step further: SENT, DELIVERED, or
 * REJECTED by the device. A number that is not outstanding is accepted. */
void device_command_step(struct device *d, uint64_t number, enum command_status step);

/** The message with the command of this number was dropped; if it was never sent, this is its end.
 */
void device_command_dropped(struct device *d, uint64_t number);

/** The device's session has ended: what it held and had not sent will not be sent. */
void device_command_session_ended(struct device *d);

/** A reply came: takes out the command that it belongs to, which is `delivered` then. The caller
 * owns it; NULL: it matches nothing. */
struct command *device_command_take(struct device *d, const struct json_member *id,
                                    struct slice method);

/** The reply of a command that was taken out has been published: `replied` is told. `why` (or
 * NULL): what was wrong with the reply. Empties the giver's pointer. */
void device_command_replied(struct device *d, struct command **c, const char *why);

/** Why a reply that matches no outstanding command does not: one sentence. */
const char *device_command_unmatched(const struct device *d, const struct json_member *id,
                                     struct slice method);

/** Its ledger has come here with the device: the time-outs are watched. */
void device_command_watch(struct device *d);

/** At start: takes over what command_record_write wrote. Damaged: what can be read counts. */
void device_command_restore(struct device *d, struct slice record);
