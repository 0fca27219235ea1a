/*
 * The check of what devices report, and of what applications send them, against their type.
 *
 * What is defined must be as it is defined; what is not defined passes, unless the type is strict.
 * What passes keeps its bytes: an object is written anew only when a member is dropped. Pure
 * functions, any thread. Source: open-api.md 3.2, 3.3, 5
 */
#pragma once

#include "platform/device_type.h"

enum validate_way {
    VALIDATE_REPORT, /* a device says it */
    VALIDATE_PUSH,   /* an application sets it, and the device is told */
    VALIDATE_WRITE,  /* the cloud sets it, and keeps it to itself */
    VALIDATE_WAY_COUNT
};

enum {
    VALIDATE_WHY_MAX = 192 /* room enough for any sentence about a member, its zero included */
};

/** What a check of an object found; validation_deinit when done. */
struct validation {
    size_t kept, dropped;
    struct slice first;      /* the first that was dropped: its name, borrowed; */
    const char *first_why;   /* and why (static) */
    struct buffer rewritten; /* owned: the object of those kept, when some were dropped */
};

/** Checks the members of `attributes`. */
void validate_attributes(const struct device_type *t, enum validate_way way,
                         const struct json_member *members, size_t count, struct validation *out);

/** Checks the members of `params` of an event, a command or a reply. */
void validate_params(const struct type_fields *fields, bool is_strict,
                     const struct json_member *members, size_t count, struct validation *out);

void validation_deinit(struct validation *v);

/** One sentence about what was dropped, `what` being the kind of member ("attribute"). */
void validation_describe(const struct validation *v, const char *what, char out[VALIDATE_WHY_MAX]);

/** Whether a stream takes these bytes: NULL, or why not (static). `json` is used for the format
 * json; JSON_PADDING bytes behind the payload must be readable. */
const char *validate_data(const struct device_type *t, struct slice stream, struct slice payload,
                          struct json_parser *json);
