/*
 * Names of open topics: `open/<projectKey>/<deviceUsername>/<kind>[/<stream>]`, parsed and made.
 * Pure functions, any thread. Source: open-api.md 3.1, 3.3
 */
#pragma once

#include "platform/open_kind.h"
#include "base/ident.h"
#include "base/status.h"

enum {
    OPEN_TOPIC_LEN_MAX = 6 + IDENT_TEXT_LEN + 1 + IDENT_TEXT_LEN + 1 + 15 + 1 + IDENT_MEMBER_MAX
};

struct open_topic {
    uint64_t project_id;
    uint64_t device_id; /* 0 for kinds that belong to no device */
    enum open_kind kind;
    struct slice stream; /* empty unless the kind has one; borrowed */
};

/** Parses a topic name (no wildcard). Errors: ST_NOT_FOUND: any topic that is not of the form. */
enum status open_topic_parse(struct slice topic, struct open_topic *out) MUST_CHECK;

/** Writes a topic; `out` has room for OPEN_TOPIC_LEN_MAX bytes; gives the length (not zero-ended).
 *  `project` and `device` are identifiers as text (device empty for kinds without one), `stream`
 * empty unless the kind has one. */
size_t open_topic_write(char *out, struct slice project, struct slice device, enum open_kind kind,
                        struct slice stream);
