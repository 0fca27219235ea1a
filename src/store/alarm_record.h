/*
 * One change of one alarm rule at one device, as it is stored: in the history, and on its way to
 * those who are notified.
 *
 * A value whose texts are borrowed. What states and levels mean is the platform's business; here
 * they are small numbers. Any thread. Source: open-api.md 6 "the history"
 */
#pragma once

#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

enum {
    ALARM_RECORD_NAME_MAX = 128,         /* bytes of a rule's name */
    ALARM_RECORD_VALUES_MAX = 16 * 1024, /* bytes of the values that are kept with a change */
    ALARM_RECORD_CODES_MAX = 16          /* states, and levels */
};

struct alarm_record {
    uint64_t number; /* given when it is stored, growing; 0 before */
    uint64_t project_id, device_id, rule_id;
    int64_t ts_ms;       /* Unix */
    uint8_t state;       /* the one that was entered */
    uint8_t level;       /* of the rule then */
    struct slice name;   /* of the rule then */
    struct slice values; /* a JSON object, or empty: too large to be kept */
    /* On the way only, not kept in the history: */
    uint64_t type_id;     /* of the device then; 0: none, or not known */
    const uint64_t *owed; /* notifiers that are to tell it; borrowed */
    size_t owed_count;
};

/** How many bytes alarm_record_write appends. */
size_t alarm_record_len(const struct alarm_record *r);

/** Appends it to a buffer. */
void alarm_record_write(const struct alarm_record *r, struct buffer *out);

/** Reads what was written; the texts are borrowed from `bytes`. Errors: ST_CORRUPT. */
enum status alarm_record_read(struct slice bytes, struct alarm_record *out) MUST_CHECK;
