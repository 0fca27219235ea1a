/*
 * What presence and alarms of devices should be, worked out from the contract alone: told what
 * happens, it says whether each message of the server is right, and whether one is missing.
 *
 * It knows nothing of the server's code: rules and values are its own, compared in its own way.
 * Times are exact but for a slack: what is due at a time may come up to ALARM_SLACK_MS later, since
 * the server's timers are coarse. Pure data; a fault is one sentence. Source: open-api.md 3.2, 4, 6
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    ALARM_DEVICES = 8,
    ALARM_RULES = 6,
    ALARM_ATTRIBUTES = 3,
    ALARM_CONDITIONS = 3,
    ALARM_TYPES = 2,
    ALARM_SLACK_MS = 150
};

/* --- values ----------------------------------------------------------------------------------- */

enum oracle_kind { ORACLE_NOTHING, ORACLE_NUMBER, ORACLE_TEXT, ORACLE_BOOL };

struct oracle_value {
    enum oracle_kind kind;
    int number; /* a bool: 0 or 1 */
    const char *text;
};

enum oracle_operator {
    ORACLE_GREATER,
    ORACLE_NOT_LESS,
    ORACLE_LESS,
    ORACLE_NOT_GREATER,
    ORACLE_EQUAL,
    ORACLE_NOT_EQUAL,
    ORACLE_OPERATORS
};

struct oracle_condition {
    unsigned attribute;
    enum oracle_operator op;
    struct oracle_value value;
};

/* --- rules ------------------------------------------------------------------------------------ */

struct oracle_rule {
    bool exists, is_enabled, is_offline, needs_all;
    unsigned name, level;     /* mean nothing to the oracle */
    int type;                 /* watches this one; -1: the devices named */
    uint32_t devices, except; /* a bit each */
    unsigned repeat;
    int64_t duration_ms;
    unsigned condition_count;
    struct oracle_condition conditions[ALARM_CONDITIONS];
};

enum oracle_state { ORACLE_NORMAL, ORACLE_PENDING, ORACLE_ALERTING };

/** One rule at one device. */
struct oracle_cell {
    enum oracle_state state;
    unsigned count;
    int64_t since_ms;  /* met; */
    bool must_alert;   /* it is to be told now */
    bool must_restore; /* likewise, and first */
    bool was_due;      /* when it ended: its beginning is to be told before must_restore */
};

/* --- devices ---------------------------------------------------------------------------------- */

struct oracle_device {
    int parent; /* -1: it connects itself */
    int type;   /* -1: none */
    bool is_connected;
    bool is_online;  /* as told */
    bool is_alarmed; /* likewise */
    bool must_come, must_go;
    int64_t leaving_ms; /* when its absence counts; 0: it is not absent */
    int64_t since_ms;   /* of its presence; 0: never online */
    int said;           /* an `alarm` that no `alarm_detail` has followed yet: 0, 1; -1: none */
    struct oracle_value values[ALARM_ATTRIBUTES];
    struct oracle_cell cells[ALARM_RULES];
};

struct oracle {
    int64_t now_ms;
    int64_t started_ms; /* the server, last; what was due before is told soon after */
    bool tells_each;    /* alarm_per_rule */
    int64_t delay_ms[ALARM_TYPES + 1]; /* of offline, by type; the last one without a type */
    struct oracle_rule rules[ALARM_RULES];
    struct oracle_device devices[ALARM_DEVICES];
    unsigned device_count;
    /* how much was seen; of the alarms: by time, and by time in the moment of their end */
    uint64_t told_online, told_alarms, ended_by_time, ended_late;
};

void oracle_init(struct oracle *o, unsigned device_count);

/* --- what happens; time is o->now_ms ---------------------------------------------------------- */

void oracle_come(struct oracle *o, unsigned device);
void oracle_go(struct oracle *o, unsigned device);
/** Stores the values whose bits are set. */
void oracle_report(struct oracle *o, unsigned device, uint32_t attributes,
                   const struct oracle_value values[ALARM_ATTRIBUTES]);
void oracle_set_rule(struct oracle *o, unsigned rule, const struct oracle_rule *r);
void oracle_set_type(struct oracle *o, unsigned device, int type);
/** The server has started again: nobody is connected. */
void oracle_restart(struct oracle *o, int64_t grace_ms);

/* --- what the server says; each gives NULL or what is wrong ----------------------------------- */

const char *oracle_online(struct oracle *o, unsigned device, bool is_online);
const char *oracle_alarm(struct oracle *o, unsigned device, bool is_alerting);
const char *oracle_detail(struct oracle *o, unsigned device, unsigned rule, bool is_alerting);

/** When the next alarm will be due that waits for time alone; INT64_MAX: none. */
int64_t oracle_next_due(const struct oracle *o);

/** All that was said so far: is anything missing? @param device  whose it is */
const char *oracle_check(const struct oracle *o, unsigned *device);
