/*
 * An alarm rule: what it watches, when it is met, how loud it is.
 *
 * Read from its definition, a JSON text (docs/alarms.md), and never changed afterwards; a new
 * definition makes a new object. Counted: the workers share it. The texts inside point into the
 * definition, which it owns. What state it is in at a device is not here (alarm.h).
 * Source: open-api.md 6
 */
#pragma once

#include <stdatomic.h>

#include "base/json.h"
#include "base/status.h"
#include "platform/cloud_value.h"

enum {
    ALARM_RULE_MAGIC = 0x52554C45,
    ALARM_RULE_TEXT_MAX = 1024 * 1024, /* bytes of a definition */
    ALARM_RULE_CONDITIONS_MAX = 64,
    ALARM_RULE_DEVICES_MAX = 10000, /* named by one rule; a type has any number */
    ALARM_RULE_NAME_MAX = 128,
    ALARM_RULE_ERROR_MAX = 256 /* room enough for any error, its zero included */
};

/* X(NAME, word in a definition and in messages) */
#define ALARM_LEVEL_LIST(X)   \
    X(NORMAL, "normal")       \
    X(IMPORTANT, "important") \
    X(URGENT, "urgent")

enum alarm_level {
#define X(name, word) ALARM_LEVEL_##name,
    ALARM_LEVEL_LIST(X)
#undef X
        ALARM_LEVEL_COUNT
};

/* X(NAME, word in a definition, met when the value is less, equal, greater) */
#define ALARM_OPERATOR_LIST(X)              \
    X(GREATER, ">", false, false, true)     \
    X(NOT_LESS, ">=", false, true, true)    \
    X(LESS, "<", true, false, false)        \
    X(NOT_GREATER, "<=", true, true, false) \
    X(EQUAL, "==", false, true, false)      \
    X(NOT_EQUAL, "!=", true, false, true)

enum alarm_operator {
#define X(name, word, less, equal, greater) ALARM_##name,
    ALARM_OPERATOR_LIST(X)
#undef X
        ALARM_OPERATOR_COUNT
};

struct alarm_condition {
    struct slice attribute; /* borrowed from the definition */
    enum alarm_operator op;
    enum json_type type; /* of the value: NUMBER, STRING or BOOL */
    bool is_switch;      /* the value could be one of a switch; */
    bool is_on;          /* and which */
    double number;
    struct slice text; /* borrowed from the definition */
};

struct alarm_rule {
    uint32_t magic;
    _Atomic uint32_t refs;
    uint64_t rule_id, project_id;
    struct slice name; /* at most ALARM_RULE_NAME_MAX bytes */
    enum alarm_level level;
    bool is_enabled;
    uint64_t type_id;     /* watches the devices of this type; 0: those named */
    uint64_t *device_ids; /* owned, sorted */
    size_t device_count;
    uint64_t *except_ids; /* owned, sorted: switched off for these */
    size_t except_count;
    bool is_offline;      /* met while the device is offline; otherwise by conditions */
    bool needs_all;       /* of the conditions; otherwise any */
    uint32_t repeat;      /* consecutive reports that must meet it */
    uint64_t duration_ms; /* without a break */
    struct alarm_condition *conditions; /* owned */
    size_t condition_count;
    void *definition; /* owned */
};

/**
 * Reads a definition.
 *
 * @param out    a rule with one reference, which the caller owns
 * @param error  ALARM_RULE_ERROR_MAX bytes; on failure one line for a person: what, where, why
 * Errors: ST_TOO_LARGE (ALARM_RULE_TEXT_MAX), ST_MALFORMED (not JSON), ST_INVALID (its members)
 */
enum status alarm_rule_parse(uint64_t rule_id, uint64_t project_id, struct slice text,
                             struct alarm_rule **out, char *error) MUST_CHECK;
struct alarm_rule *alarm_rule_ref(struct alarm_rule *r);
/** Gives one reference back and empties the giver's pointer; NULL inside is accepted. */
void alarm_rule_unref(struct alarm_rule **r);

/** Whether this device (`type_id` 0: without a type) is in its source. */
bool alarm_rule_is_for(const struct alarm_rule *r, uint64_t device_id, uint64_t type_id);
/** Whether it is switched off for this device. */
bool alarm_rule_excepts(const struct alarm_rule *r, uint64_t device_id);
/** Whether it watches this device (`type_id` 0: without a type): enabled, in its source, and not
 * switched off for it. */
bool alarm_rule_watches(const struct alarm_rule *r, uint64_t device_id, uint64_t type_id);

/** Whether two rules are met by the same: source, trigger, repeat count and duration. */
bool alarm_rule_is_like(const struct alarm_rule *a, const struct alarm_rule *b);

/** Whether one of its conditions is about an attribute of this report. */
bool alarm_rule_concerns(const struct alarm_rule *r, const struct json_member *members,
                         size_t count);

/** Whether its conditions are met by these values. A value that is missing, or of another type than
 * the condition's, meets none. */
bool alarm_rule_is_met(const struct alarm_rule *r, const struct cloud_values *values);

/** The word of a level. */
const char *alarm_level_word(enum alarm_level level);
/** False: no level has this word. */
bool alarm_level_parse(const char *word, enum alarm_level *out);
