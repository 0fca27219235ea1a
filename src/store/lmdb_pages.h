/*
 * Whether the pages of a file of LMDB hold together: every page that is in use is there, is of the
 * kind that is expected, lies once in one tree, and has its keys in order.
 *
 * LMDB trusts its file and would follow a damaged page anywhere; so a file that may be damaged is
 * walked here first. It is read, not mapped: a file that was cut off is told, too. Only LMDB's
 * format of data (version 1, as all 0.9 have it) is known here, not the library. One thread; it
 * blocks. Source: mdb.c of LMDB 0.9
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/** Called with a line about a fault. */
typedef void (*lmdb_pages_fault_fn)(const char *text, void *arg);

/** Looks at the beginning of a file: what LMDB needs to open it. Errors, told: ST_NOT_FOUND,
 * ST_IO, ST_CORRUPT. */
enum status lmdb_pages_check_head(const char *path, lmdb_pages_fault_fn on_fault,
                                  void *arg) MUST_CHECK;

/**
 * Walks all pages of a snapshot.
 *
 * @param snapshot  number of the transaction; a reader of LMDB holds it meanwhile, so that a
 *                  program that writes to the file leaves its pages alone; 0: the newest one
 * Errors, told: ST_NOT_FOUND, ST_IO, ST_CORRUPT; not told: ST_AGAIN: the snapshot is not one of the
 * newest two any more
 */
enum status lmdb_pages_check(const char *path, uint64_t snapshot, lmdb_pages_fault_fn on_fault,
                             void *arg) MUST_CHECK;
