/*
 * The commands of a device as bytes, and back: what a restart needs. The form is versioned by its
 * first byte; times are Unix times in it, so that a deadline counts on while the server does not
 * run. Pure functions, any thread. Source: open-api.md 3.3
 */
#pragma once

#include "platform/command_ledger.h"

/** Appends the commands, outstanding ones and those that have ended; nothing, if there is none.
 * `now_ms`, `unix_ms`: the present, to turn deadlines into Unix times. */
void command_record_write(const struct command_ledger *l, uint64_t now_ms, int64_t unix_ms,
                          struct buffer *out);

/** Enters the commands that command_record_write wrote; a deadline that has passed meanwhile is due
 * at `now_ms`. Errors: ST_CORRUPT: what stands before the fault has been entered. */
enum status command_record_read(struct command_ledger *l, struct slice bytes, uint64_t now_ms,
                                int64_t unix_ms) MUST_CHECK;
