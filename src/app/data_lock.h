/*
 * The lock of a data directory: two servers on one would each believe to be alone, and nobody may
 * put files into it meanwhile.
 */
#pragma once

#include <stddef.h>

#include "base/status.h"

/**
 * Takes it, for as long as the descriptor is open.
 *
 * @param error  on failure one line for a person
 * Errors: ST_BUSY: a server runs on it; ST_IO
 */
enum status data_lock_take(const char *data_dir, int *fd, char *error, size_t error_len) MUST_CHECK;
