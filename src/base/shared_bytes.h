/*
 * Immutable, counted bytes: what several owners on several threads hold at once (secrets' digests,
 * encoded wills, stored retained payloads).
 *
 * Never changes after it was made. The count is atomic; the last unref frees. Any thread.
 */
#pragma once

#include "base/bytes.h"
#include "base/mem.h"

struct shared_bytes;

/** A copy of `s` with one reference, which the caller owns. */
struct shared_bytes *shared_bytes_new(enum mem_use use, struct slice s);

/** One more reference; gives the same pointer. NULL is accepted and gives NULL. */
struct shared_bytes *shared_bytes_ref(struct shared_bytes *b);

/** Gives one reference back and empties the giver's pointer; NULL inside is accepted. */
void shared_bytes_unref(struct shared_bytes **bp);

/** The bytes; borrowed as long as a reference is held. NULL gives the empty slice. */
struct slice shared_bytes_slice(const struct shared_bytes *b);
