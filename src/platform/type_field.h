/*
 * One defined value: an attribute, a parameter of an event or a command, or of a reply.
 *
 * Immutable after it was read, part of its device type; any thread. What is checked is the bytes of
 * a JSON value as sent; nothing is converted. Source: open-api.md 5
 */
#pragma once

#include "base/json.h"
#include "base/status.h"

/* X(NAME, word in a definition) */
#define FIELD_TYPE_LIST(X) \
    X(NUMBER, "number")    \
    X(TEXT, "text")        \
    X(SWITCH, "switch")    \
    X(ENUM, "enum")        \
    X(OBJECT, "object")    \
    X(LIST, "list")

enum field_type {
#define X(name, word) FIELD_##name,
    FIELD_TYPE_LIST(X)
#undef X
        FIELD_TYPE_COUNT
};

/** One of the values of an enum: a text, or an integer. */
struct field_choice {
    bool is_text;
    struct slice text; /* borrowed from the definition */
    int64_t number;
};

struct type_field {
    struct slice id; /* borrowed from the definition */
    enum field_type type;
    bool has_minimum, has_maximum;
    double minimum, maximum;
    struct field_choice *choices; /* owned */
    size_t choice_count;
};

/** Whether a value may stand there: NULL, or one sentence (static) that says why not. */
const char *type_field_check(const struct type_field *f, const struct json_member *m);

/**
 * Whether a value of a switch is on: true, 1 and "ON" are, false, 0 and "OFF" are not.
 * Errors: ST_INVALID: none of these.
 */
enum status type_field_switch(const struct json_member *m, bool *is_on) MUST_CHECK;

/** Frees what it owns. */
void type_field_deinit(struct type_field *f);
