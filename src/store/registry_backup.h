/*
 * Copies of the registry: one moment of it, while others read and write it. Secrets stay sealed in
 * the copy, so the key is not needed. One thread; it blocks.
 */
#pragma once

#include <stddef.h>

#include "base/status.h"

/**
 * Copies `<data_dir>/registry.db` to `<to>/registry.db`, which must not be there; it is durable
 * then.
 *
 * @param error  on failure one line for a person
 * Errors: ST_NOT_FOUND, ST_EXISTS, ST_BUSY, ST_IO, ST_CORRUPT
 */
enum status registry_backup(const char *data_dir, const char *to, char *error,
                            size_t error_len) MUST_CHECK;

/**
 * Looks through the registry of a directory.
 *
 * @param schema  the version of its schema
 * @param error   on failure one line for a person
 * Errors: ST_NOT_FOUND, ST_UNSUPPORTED (of a newer program), ST_CORRUPT, ST_BUSY, ST_IO
 */
enum status registry_backup_check(const char *data_dir, long *schema, char *error,
                                  size_t error_len) MUST_CHECK;
