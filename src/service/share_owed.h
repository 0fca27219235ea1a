/*
 * What a share group has given its members of the journal, and not heard the end of: by growing
 * number, so that the oldest tells how far the group has come.
 *
 * A zeroed one is empty. Finding is a binary search; adding the newest and dropping the oldest
 * cost nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct share_entry {
    uint64_t seq;
    uint64_t share; /* the member that has it, 0: it is on its way to another one */
    uint32_t bytes; /* of the message, for the member's account */
    bool is_over;   /* nothing more comes of it */
    bool has_row;   /* of QoS 2: it may have a row SHARE_FLIGHT */
};

struct share_owed {
    struct share_entry *ring; /* owned */
    uint32_t capacity, head, span;
};

void share_owed_deinit(struct share_owed *o);

/** Adds one whose number is new; quick when it is above all others. */
void share_owed_add(struct share_owed *o, const struct share_entry *e);

/** The one with this number, until the next change, or NULL. */
struct share_entry *share_owed_find(const struct share_owed *o, uint64_t seq);

/** The oldest, or NULL. */
struct share_entry *share_owed_first(const struct share_owed *o);
void share_owed_drop_first(struct share_owed *o);

/** Walks by growing number: start with *cursor = 0; NULL at the end. */
struct share_entry *share_owed_next(const struct share_owed *o, uint32_t *cursor);
