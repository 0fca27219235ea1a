/*
 * What a simulation of the journal says: which seed and step it is at, when it fails, whoever
 * notices it; and its story, when EZTCLOUD_SIM_TRACE is set. One run at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/** Once: an invariant that fails, or a sanitizer, tells seed and step; failures of the disk that
 * are meant are not logged. */
void journal_tell_prepare(void);

/** A run begins. */
void journal_tell_begin(uint64_t seed);
/** Its next step. */
void journal_tell_step(void);
/** The number of the present step. */
uint64_t journal_tell_steps(void);
/** A run is over. */
void journal_tell_end(void);

/** Prints seed and step with the message, and ends the process. */
void journal_tell_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/** One line of the story. */
void journal_tell_trace(const char *format, ...) __attribute__((format(printf, 1, 2)));
