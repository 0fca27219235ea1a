/*
 * Where the data directories of a run are: below one temporary directory, in memory where the
 * system has such a place. Each life of a journal has its own; the next one is made ready beside
 * it.
 */
#pragma once

#include <limits.h>
#include <stdint.h>

struct data_place {
    char root[PATH_MAX - 64];
    unsigned number;      /* of the present data directory */
    char now[PATH_MAX];   /* the present data directory */
    char file[PATH_MAX];  /* LMDB's file in it */
    char image[PATH_MAX]; /* LMDB's file in the next one */
};

/** Makes them. */
void data_place_open(struct data_place *p);
/** Copies LMDB's file, as it is now, into the next one: what a process would leave that is killed
 * now. No transaction is under way. */
void data_place_copy(const struct data_place *p);
/** The next one is the present one; what was before goes. */
void data_place_move(struct data_place *p);
/** How long LMDB's file is. */
uint64_t data_place_bytes(const struct data_place *p);
/** Removes everything. */
void data_place_close(struct data_place *p);
