/*
 * Message numbers that grow over every end of the program, a crash too, while the journal that
 * gives them is in memory.
 *
 * The registry keeps a number that no message has reached: numbers are reserved in blocks, long
 * before they are needed, and a start begins above what its predecessor had reserved. A clean stop
 * gives the rest of the block back, so that the numbers go on without a gap. A journal on disk
 * knows its own numbers and begins above this one. Main thread. Source: open-api.md 3.2 "seq"
 */
#pragma once

#include "store/journal.h"
#include "store/registry.h"

struct seq_reserve {
    struct registry *registry; /* borrowed; NULL: nothing is reserved */
    struct journal *journal;   /* borrowed */
    uint64_t reserved;         /* no message has a number above it */
};

/** Has the journal begin where the last run ended, and reserves the first block. Errors: ST_IO,
 * ST_CORRUPT. */
enum status seq_reserve_open(struct seq_reserve *s, struct registry *r,
                             struct journal *j) MUST_CHECK;

/** Reserves the next block in time; called about once a second. A registry that cannot be written
 * is tried again: half a block is left, which is days at any rate. */
void seq_reserve_extend(struct seq_reserve *s);

/** A clean stop: gives back what was not used. Accepts a zeroed one. */
void seq_reserve_close(struct seq_reserve *s);
