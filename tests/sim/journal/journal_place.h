/*
 * Where the data directories of a run are: below one temporary directory, in memory where the
 * system has such a place. Each life has its own; the next one is made ready beside it.
 */
#pragma once

#include <limits.h>
#include <stdint.h>

struct journal_place {
    char root[PATH_MAX - 64];
    unsigned number;      /* of the present data directory */
    char now[PATH_MAX];   /* the present data directory */
    char file[PATH_MAX];  /* LMDB's file in it */
    char image[PATH_MAX]; /* LMDB's file in the next one */
};

/** Makes them. */
void journal_place_open(struct journal_place *p);
/** The next one is the present one; what was before goes. */
void journal_place_move(struct journal_place *p);
/** How long LMDB's file is. */
uint64_t journal_place_bytes(const struct journal_place *p);
/** Removes everything. */
void journal_place_close(struct journal_place *p);
