/*
 * Waits until a running server has applied a change of the registry.
 *
 * The server listens on the Unix socket `<data>/control.sock`; it is told `sync <change number>`
 * and answers `ok` when everything up to that change is live. One thread; it blocks.
 */
#pragma once

#include <stdint.h>

#include "base/status.h"

enum { CLI_SYNC_TIMEOUT_MS = 10000 };

/**
 * Waits at most `timeout_ms`.
 *
 * @return ST_OK: it is live, or no server runs on the directory; ST_AGAIN: the server has not
 * answered in time; ST_IO: it cannot be asked
 */
enum status cli_sync(const char *data_dir, int64_t change, unsigned timeout_ms) MUST_CHECK;
