/*
 * A run of records of one log in one block of memory: records from the front, their offsets from
 * the back.
 *
 * One thread adds; what has been added never moves or changes, so others may read it without a lock
 * once they have been told of it. They hold a reference meanwhile.
 */
#pragma once

#include "store/journal.h"

struct journal_segment;

/** The first record to come has the number `first_seq`. `capacity`: bytes, a multiple of 8 below
 * 4 GiB. One reference, which the caller owns. */
struct journal_segment *journal_segment_new(uint64_t first_seq, size_t capacity);

/** One more reference; gives the same pointer. Any thread. */
struct journal_segment *journal_segment_ref(struct journal_segment *s);

/** Gives one reference back and empties the giver's pointer. Any thread. */
void journal_segment_unref(struct journal_segment **s);

/** The capacity that a record of `len` bytes takes. */
size_t journal_segment_room(size_t len);

/** True when a record of `len` bytes can be added. Adding thread. */
bool journal_segment_fits(const struct journal_segment *s, size_t len);

/** Adds a record, for which there is room. Adding thread. */
void journal_segment_add(struct journal_segment *s, int64_t committed_ms, struct slice bytes);

/** The number of its first record, also before there is one. Any thread. */
uint64_t journal_segment_first(const struct journal_segment *s);

/** The number of its last record, first - 1 while it is empty. Adding thread. */
uint64_t journal_segment_last(const struct journal_segment *s);

/** Bytes of its records, what they are wrapped in included. Adding thread. */
size_t journal_segment_used(const struct journal_segment *s);

/** The record with this number, which the segment has; its bytes are borrowed from it. Any thread
 * that knows of the record. */
struct journal_record journal_segment_get(const struct journal_segment *s, uint64_t seq);
