/*
 * What is written to stderr: by this process while capturing, or by a child that is expected to
 * end itself.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/** From now on stderr goes into a pipe (up to 64 KiB fit). */
void capture_begin(void);

/** Puts stderr back; gives what came as a C string, valid until the next call. */
const char *capture_end(void);

/** Runs `body` in a child. True when it ended by SIGABRT; `text` is what it wrote to stderr. */
bool capture_abort(void (*body)(void), const char **text);
