/*
 * One worker's index of the subscriptions of its own sessions (and share groups): per project, an
 * array for ANY device of each kind and a hash from device to array. Matching a message is two
 * look-ups.
 *
 * Belongs to its worker. It also keeps the project's interest bits of this worker true: set before
 * the subscription counts as made, cleared when the last one of a kind has gone. Adding and
 * removing are O(kinds), not O(subscriptions). Source: architecture.md "A subscription is compiled"
 */
#pragma once

#include "base/hash_table.h"
#include "platform/open_filter.h"
#include "platform/open_interest.h"

/** One subscription in the index; part of its owner's struct. Only `filter`, `durable`, `parked`
 * and `owner` are the owner's to set, before it is added. */
struct open_subscription {
    struct open_filter filter;
    bool durable; /* fed by the journal (persistent session with QoS 1 or 2), otherwise live */
    bool parked;  /* durable, and its session reads the journal itself: never matched, and so of no
                     cost to a message, however many there are; its interest stays */
    void *owner;
    bool is_indexed;
    uint32_t position[OPEN_KIND_COUNT]; /* the index's own: where it stands in the arrays */
};

struct open_index;

/** An empty index for worker number `worker` (0 to 63: its bit in the interest masks). */
struct open_index *open_index_new(unsigned worker);

/** Frees the index, which must be empty, and empties the giver's pointer; NULL inside is accepted.
 */
void open_index_free(struct open_index **ip);

/**
 * Adds a subscription and sets this worker's interest bits before it returns.
 *
 * @param s         borrowed until it is removed; kinds that belong to no device take no place and
 *                  raise no interest
 * @param interest  of the filter's project, always the same; outlives its subscriptions
 */
void open_index_add(struct open_index *i, struct open_subscription *s,
                    struct open_interest *interest);

/** Takes a subscription out and clears the interest bits of which it was the last. */
void open_index_remove(struct open_index *i, struct open_subscription *s,
                       struct open_interest *interest);

/** Parks a durable subscription, or takes it back; it may also not be in the index now. */
void open_index_park(struct open_index *i, struct open_subscription *s, bool parked);

typedef void (*open_index_match_fn)(struct open_subscription *s, void *arg);

/** Calls `fn` for each subscription that matches, is (or is not) durable and is not parked, in no
 * particular order; `fn` must not change the index. */
void open_index_match(const struct open_index *i, uint64_t project_id, uint64_t device_id,
                      enum open_kind kind, struct slice stream, bool durable,
                      open_index_match_fn fn, void *arg);

/** Checks the index against itself (positions, counts, bits); tests and sanitizer builds. */
void open_index_verify(const struct open_index *i);
