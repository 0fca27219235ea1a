/*
 * A device moves to another home, because it is to speak through another device.
 *
 * The main thread leads; each step is a letter to one worker, and it waits between the steps until
 * every worker has opened and sent what was before:
 *
 *     1. the new home expects the device; every worker gets the new map of roots
 *     2. the old home sends the device, with its values, alarms, commands
 *     3. the new home lets it in, wherever its row says, and then opens what was parked
 *
 * From step 1 on all letters about the device go to the new home, where they are parked; those from
 * before are at the old home already. So none is lost, and none overtakes another. A stop of the
 * server finds no step left to do. Source: device-protocol.md "a hand-over"
 */
#pragma once

#include "platform/device.h"

/** Step 1, at the new home. Expected already: nothing happens. */
void hand_over_expect(struct home *h, uint64_t device_id);

/** Step 2, at the old home: its connection and its presence end, what is below it stays. Unknown
 * (it is a new device): nothing happens. */
void hand_over_send(struct home *h, uint64_t device_id, unsigned to);

/** Step 3, at the new home: the device enters, if it has come and its project is there. */
void hand_over_enter(struct home *h, uint64_t device_id);

/** Then, when all stand in their places: what was parked is opened. Not expected: nothing happens.
 */
void hand_over_finish(struct home *h, uint64_t device_id);

bool hand_over_is_expected(const struct home *h, uint64_t device_id);

/** Keeps a letter about a device that is expected, for later; false: it is not expected, the letter
 * is to be opened now. */
bool hand_over_park(struct home *h, uint64_t device_id, const struct letter *l);

/** For the home's table. */
bool hand_over_equal(const void *item, const void *key);
