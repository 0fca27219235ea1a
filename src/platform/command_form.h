/*
 * The form of commands, replies and events: `{"method": ..., "params": ..., "id": ...}`.
 *
 * Only the form: what a method or its parameters may be is for the device type to say. Pure
 * functions, any thread. Source: open-api.md 3.1, 3.3, 4
 */
#pragma once

#include "platform/command_ledger.h"

enum { COMMAND_METHOD_MAX = 256 /* bytes, unescaped */ };

enum command_form_kind {
    COMMAND_FORM_COMMAND, /* an id may be there */
    COMMAND_FORM_REPLY,   /* likewise */
    COMMAND_FORM_EVENT    /* `id` is a member like any other */
};

/** What was found. Members are borrowed from the parser. */
struct command_form {
    const struct json_member *id;     /* NULL: none */
    const struct json_member *params; /* NULL: none */
    size_t method_len;
    char method[COMMAND_METHOD_MAX + 1]; /* unescaped (may hold zero bytes), zero-ended */
};

/**
 * Checks the members of a payload; further members may be there.
 *
 * @param why  set to one sentence (static) when the form is not right, else NULL
 * `params` may be of any type and may be left out: devices in the field do both.
 * Errors: ST_INVALID: no method, or no string of 1 to COMMAND_METHOD_MAX bytes; an
 * id that is neither an integer of 64 bits nor a string of 1 to COMMAND_ID_MAX bytes
 */
enum status command_form_check(enum command_form_kind kind, const struct json_member *members,
                               size_t count, struct command_form *out, const char **why) MUST_CHECK;

/** The method, inside `f`. */
static inline struct slice command_form_method(const struct command_form *f)
{
    return slice_make(f->method, f->method_len);
}

/** Appends `payload`, a checked JSON object, with `"id": <id>` as its last member; everything else
 * byte for byte. */
void command_form_append_id(struct slice payload, const struct command_id *id, struct buffer *out);
