/*
 * A project (tenant) as all workers share it: identity, switches, interest. Counted; what changes
 * is atomic. Each worker holds a reference in its home; a change of the row makes a new object. Its
 * secrets change on their own (secret_set.h).
 */
#pragma once

#include "base/ident.h"
#include "base/shared_bytes.h"
#include "platform/open_interest.h"

enum { PROJECT_MAGIC = 0x50524F4A };

struct project {
    uint32_t magic;
    _Atomic uint32_t refs;
    uint64_t project_id;
    char text[IDENT_TEXT_LEN + 1];
    _Atomic bool enabled;
    _Atomic bool open_mqtt;       /* the edition switch of the application API */
    _Atomic bool alarm_per_rule;  /* every change of every rule is an `alarm` message */
    _Atomic uint8_t journal;      /* enum journal_policy */
    _Atomic bool log;             /* the messages of all its devices are logged */
    struct shared_bytes *origins; /* a reference; a list of platform/web_origin; NULL: any. What
                                     counts is home_project.origins */
    struct open_interest interest;
    _Atomic uint32_t
        joining; /* share groups that are being joined: their interest bits may not be set yet */
    _Atomic uint32_t joining_owed; /* likewise of those that persistent sessions join */
    _Atomic uint32_t app_clients;  /* application connections, for the limit */
    _Atomic uint32_t app_sessions; /* persistent sessions of applications, likewise */
};

/** With one reference, which the caller owns. */
struct project *project_new(uint64_t project_id, bool enabled, bool open_mqtt);
struct project *project_ref(struct project *p);
void project_unref(struct project **p);

static inline struct slice project_text(const struct project *p)
{
    return slice_make(p->text, IDENT_TEXT_LEN);
}
