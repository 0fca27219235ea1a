/*
 * Small files that only their owner may read: the key of the secrets, what a start leaves for
 * others to log in with.
 *
 * A file appears whole or not at all, also after a crash. Any thread; it blocks, so it stays off
 * the loops. It knows nothing of what is in the files.
 */
#pragma once

#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

/**
 * Makes a directory (mode 0700) unless there is one. Those above it must exist.
 *
 * Errors: ST_NOT_FOUND (the one above), ST_REFUSED (rights), ST_INVALID (a file of that name),
 * ST_IO
 */
enum status private_file_make_dir(const char *path) MUST_CHECK;

/**
 * Appends a whole file of at most `max` bytes.
 *
 * Errors: ST_NOT_FOUND; ST_REFUSED: we may not read it, or group or others may; ST_TOO_LARGE; ST_IO
 */
enum status private_file_read(const char *path, size_t max, struct buffer *out) MUST_CHECK;

/** Makes a file (mode 0600). Errors: ST_EXISTS, and then it is untouched; ST_REFUSED, ST_IO. */
enum status private_file_create(const char *path, struct slice content) MUST_CHECK;

/** Makes a file (mode 0600) or puts it in the place of the present one. Errors: ST_REFUSED, ST_IO.
 */
enum status private_file_replace(const char *path, struct slice content) MUST_CHECK;

/** Copies a file to one that is not there yet (mode 0600), durably; `bytes` is set to its length.
 * Errors: ST_NOT_FOUND, ST_EXISTS, ST_REFUSED, ST_FULL, ST_IO. */
enum status private_file_copy(const char *from, const char *to, uint64_t *bytes) MUST_CHECK;

/** Makes the names in a directory durable. Errors: ST_IO and those of opening it. */
enum status private_file_sync_dir(const char *path) MUST_CHECK;
