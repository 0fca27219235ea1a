/*
 * The retained downlinks of a device: one slot for each kind that applications publish, for
 * applications that subscribe, never for the device. On the device's home worker. Source:
 * open-api.md 3.1
 */
#pragma once

#include "platform/device.h"

/** Keeps, replaces or (with an empty payload) clears a retained downlink. */
void device_retained_set(struct device *d, enum open_kind kind, struct open_message *m);

/** Appends what is retained as bytes, for device_retained_restore; nothing, if nothing is. */
void device_retained_write(const struct device *d, struct buffer *out);

/** At start: takes over what device_retained_write wrote and has not expired meanwhile. Damaged:
 * what can be read counts. */
void device_retained_restore(struct device *d, struct slice bytes);

/** Whether bytes are what device_retained_write writes. */
bool device_retained_is_sound(struct slice bytes);
