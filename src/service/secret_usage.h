/*
 * When and from where each secret was used last, on its way to the registry.
 *
 * Workers note uses (at log-in, and once a minute while connected); the main thread takes them now
 * and then. One for all workers, behind a lock that is held for a moment. It holds the newest use
 * of each secret since the last taking, so it is as large as there are secrets in use at most.
 * Source: open-api.md 3 "shows when and from where it was last used"
 */
#pragma once

#include "base/bytes.h"
#include "base/ident.h"

enum { SECRET_USAGE_ADDRESS_MAX = 63 };

struct secret_use {
    uint64_t project_id;
    char name[IDENT_MEMBER_MAX + 1];
    int64_t used_ms;                              /* Unix */
    char used_from[SECRET_USAGE_ADDRESS_MAX + 1]; /* a network address */
};

struct secret_usage;

struct secret_usage *secret_usage_new(void);
void secret_usage_free(struct secret_usage **u);

/** Notes a use. Any thread. */
void secret_usage_note(struct secret_usage *u, uint64_t project_id, const char *name,
                       struct slice address, int64_t used_ms);

/** The newest use that was not taken yet; false: there is none. Any thread. */
bool secret_usage_find(struct secret_usage *u, uint64_t project_id, const char *name,
                       struct secret_use *out);

/** Takes all uses, which are forgotten: appends them (struct secret_use) to `out`. Any thread. */
void secret_usage_take(struct secret_usage *u, struct buffer *out);
