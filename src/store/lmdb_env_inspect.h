/*
 * Environments of LMDB from outside: looking at one that may be damaged, and copying one, both
 * while another program writes to it or while none runs. Nothing is written to it but LMDB's own
 * list of readers. One thread; it blocks.
 */
#pragma once

#include "store/lmdb_env.h"
#include "store/lmdb_pages.h"

/** True when there is an environment in this directory. */
bool lmdb_env_exists(const char *path);

/**
 * Walks the pages of the file and, if they hold together, runs `fn` over the same snapshot. A table
 * that the file does not have is empty.
 *
 * @param fn        NULL: the pages alone
 * @param on_fault  told each fault of the pages, and what else hinders
 * @param arg       of both
 * Errors, told: ST_NOT_FOUND, ST_IO, ST_CORRUPT, ST_AGAIN (so busy that no snapshot could be held)
 */
enum status lmdb_env_inspect(const char *path, const char *const *tables, size_t table_count,
                             lmdb_env_fn fn, lmdb_pages_fault_fn on_fault, void *arg) MUST_CHECK;

/**
 * Copies a snapshot, without the pages that are free, into a directory that is made for it; it is
 * durable then. What is copied was inspected before.
 *
 * @param error  on failure one line for a person
 * Errors: ST_EXISTS, ST_IO, ST_FULL, ST_CORRUPT
 */
enum status lmdb_env_copy(const char *path, const char *to, char *error,
                          size_t error_len) MUST_CHECK;
