/*
 * The alarms of one device: a state for each rule that watches it.
 *
 * Part of the device, belongs to its home worker; time comes as a parameter (Unix ms, so that a
 * duration counts on across a restart). What a change means for others is the caller's matter.
 *
 *     normal --met--> pending --repeat and duration--> alerting --not met--> normal (restored)
 *                        `------------not met------------> normal
 *
 * Conditions are looked at when a report comes, presence whenever it is told.
 *
 * Source: open-api.md 6
 */
#pragma once

#include "platform/alarm_rule.h"

enum alarm_state { ALARM_NORMAL, ALARM_PENDING, ALARM_ALERTING };

/** One rule at one device. */
struct alarm {
    struct alarm_rule *rule; /* a reference */
    enum alarm_state state;
    uint32_t met_count;   /* consecutive reports that met it */
    int64_t met_since_ms; /* 0: it is not met */
    int64_t since_ms;     /* when the state was entered; 0: it has always been so */
};

/** A zeroed one has none. */
struct alarms {
    struct alarm *items; /* owned */
    uint32_t count;
    uint32_t alerting_count;
};

/** Called with each change of a state, after it; what alerts at once goes from normal to alerting.
 * `values` of the alarms may not be changed from within. */
typedef void (*alarm_change_fn)(const struct alarm *a, enum alarm_state before, void *arg);

/** Frees all; empty afterwards. */
void alarms_deinit(struct alarms *s);

/**
 * The rules that watch the device now. A rule that is like the one before keeps its state; one that
 * is gone, or is another one now, ends.
 */
void alarms_set_rules(struct alarms *s, struct alarm_rule *const *rules, size_t count,
                      int64_t now_ms, alarm_change_fn on_change, void *arg);

/** A report (or push) with these members was stored in `values`. */
void alarms_report(struct alarms *s, const struct json_member *members, size_t count,
                   const struct cloud_values *values, int64_t now_ms, alarm_change_fn on_change,
                   void *arg);

/** The device is online or offline, since `since_ms`. May be told again: what knows it already is
 * not changed. */
void alarms_presence(struct alarms *s, bool is_online, int64_t since_ms, int64_t now_ms,
                     alarm_change_fn on_change, void *arg);

/** Time has passed: durations may be over. */
void alarms_time(struct alarms *s, int64_t now_ms, alarm_change_fn on_change, void *arg);

/** When alarms_time is due next; INT64_MAX: nothing waits for time. */
int64_t alarms_next_ms(const struct alarms *s);

/** Appends the states that are not normal, for alarms_read, to an empty buffer; none: nothing. */
void alarms_write(const struct alarms *s, struct buffer *out);

/** At start: takes over the states that alarms_write wrote, for the rules that are (still) there.
 * What is damaged is left out. */
void alarms_read(struct alarms *s, struct slice bytes);

/** Whether bytes are what alarms_write writes. */
bool alarms_are_sound(struct slice bytes);
