/*
 * What a device's alarms tell others: `alarm` and `alarm_detail` messages, and the timer that its
 * durations need. Part of the device, on its home worker. Source: open-api.md 3.2, 6
 */
#pragma once

#include "platform/device.h"

/** The rules of its project have changed, or its type has. What was due by the rules before is told
 * first. */
void device_alarm_update(struct device *d);

/** What its rules look at is about to change: tells what was due before. */
void device_alarm_catch_up(struct device *d);

/** A report or push with these members was stored and handed on. */
void device_alarm_report(struct device *d, const struct json_member *members, size_t count);

/** It came online or went offline, which has been announced. */
void device_alarm_presence(struct device *d);

/** It is being removed: what alerts ends. */
void device_alarm_end(struct device *d);

/** Durations and absence are looked at when the worker turns next: at start, what is over by then
 * is told when somebody can hear it. */
void device_alarm_wake(struct device *d);

/** At start: the states from the time before, as alarms_write wrote them. */
void device_alarm_restore(struct device *d, struct slice bytes);
