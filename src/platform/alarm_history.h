/*
 * From changes of alarm states to the history: what is kept of a change, and how it reads.
 *
 * Workers gather the changes of a turn and hand them to the thread that stores them
 * (store/alarm_commit.h). Source: open-api.md 6 "the history keeps every change of every rule"
 */
#pragma once

#include "platform/device.h"
#include "store/alarm_record.h"

/* X(NAME, word): the state that was entered. Restored is normal after alerting; a pending alarm
 * that never alerted is normal again. */
#define ALARM_CHANGE_LIST(X) \
    X(PENDING, "pending")    \
    X(ALERTING, "alerting")  \
    X(RESTORED, "restored")  \
    X(NORMAL, "normal")

enum alarm_change {
#define X(name, word) ALARM_CHANGE_##name,
    ALARM_CHANGE_LIST(X)
#undef X
        ALARM_CHANGE_COUNT
};
_Static_assert((int)ALARM_CHANGE_COUNT <= (int)ALARM_RECORD_CODES_MAX, "a record holds it");
_Static_assert((int)ALARM_LEVEL_COUNT <= (int)ALARM_RECORD_CODES_MAX, "a record holds it");
_Static_assert((int)ALARM_RULE_NAME_MAX <= (int)ALARM_RECORD_NAME_MAX, "a record holds it");

/** The word of a change. */
const char *alarm_change_word(enum alarm_change change);

/** Gathers a change that has just happened. `values`: a JSON object; more than
 * ALARM_RECORD_VALUES_MAX bytes are not kept. On the device's home worker. */
void alarm_history_add(struct device *d, const struct alarm *a, enum alarm_state before,
                       struct slice values);

/** Hands on what was gathered in this turn. */
void alarm_history_submit(struct home *h);

/**
 * Appends the members of a change, as they stand in a JSON object: `"number": …, "device": …,
 * "rule": …, "name": …, "level": …, "state": …, "values": …, "ts": …`. Values that were not kept
 * are null. Errors: ST_CORRUPT: an identifier or a code that cannot be.
 */
enum status alarm_history_append_members(const struct alarm_record *r,
                                         struct buffer *out) MUST_CHECK;
