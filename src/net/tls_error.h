/*
 * One line for a person about what went wrong with certificates, keys and TLS settings.
 *
 * OpenSSL keeps its errors in a queue of the thread; whoever reports one empties the queue, so that
 * nothing stale is taken for the cause of a later failure. Any thread.
 */
#pragma once

#include <stddef.h>

#include "base/status.h"

/** Writes the line into `error` (cut to fit, always ended by zero when `error_len` > 0) and gives
 * `st` back. */
enum status tls_error_set(char *error, size_t error_len, enum status st, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/** What the oldest error in OpenSSL's queue says; the queue is empty afterwards. Never NULL; lives
 * as long as the program. */
const char *tls_error_reason(void);
