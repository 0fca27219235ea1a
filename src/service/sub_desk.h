/*
 * What a worker needs to read a message about sub-devices: a parser for forms with many levels, and
 * memory that stays. Made when the first gateway speaks there; used for one message at a time.
 */
#pragma once

#include "service/site.h"
#include "service/sub_payload.h"

struct sub_desk {
    struct json_parser *json;   /* owned */
    struct buffer entries;      /* owned: struct sub_report_entry */
    struct buffer stored;       /* owned: struct json_member, of a late report */
    struct sub_message message; /* the one being handled */
    char why[VALIDATE_WHY_MAX]; /* the first fault of it; empty: none */
    bool has_taken;             /* something of it counts */
};

/** The worker's. */
struct sub_desk *sub_desk_of(struct home *h);

void sub_desk_free(struct sub_desk **d);
