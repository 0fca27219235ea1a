/*
 * Waits until a running server and the registry agree.
 *
 * The server listens on the Unix socket `<data>/control.sock`; it is told `sync <change number>`
 * and answers `ok` when everything up to that change is live; or `uses`, and answers when the
 * registry has when secrets were last used. One thread; it blocks.
 */
#pragma once

#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

enum { CLI_SYNC_TIMEOUT_MS = 10000 };

/**
 * Waits at most `timeout_ms`.
 *
 * @return ST_OK: it is live, or no server runs on the directory; ST_AGAIN: the server has not
 * answered in time; ST_IO: it cannot be asked
 */
enum status cli_sync(const char *data_dir, int64_t change, unsigned timeout_ms) MUST_CHECK;

/** Has a running server send a test to a notifier, and waits for how that goes. @param answer  gets
 * one line: `delivered` or `failed`, the HTTP status (0: none came), and why. Errors: ST_NOT_FOUND:
 * no server runs; ST_CLOSED: the server does not know the notifier; ST_AGAIN; ST_IO. */
enum status cli_sync_test(const char *data_dir, uint64_t notifier_id, unsigned timeout_ms,
                          struct buffer *answer) MUST_CHECK;

/** Lets a running server write down when secrets were last used; results as of cli_sync. */
enum status cli_sync_uses(const char *data_dir, unsigned timeout_ms) MUST_CHECK;
