/* Times as people give them on the command line. Pure functions, any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/**
 * Reads `2030-01-31` (its first moment), `2030-01-31T12:00:00Z`, or a distance from `now_ms`:
 * `+30d`, `+12h`, `+90m`, `+60s`. All of it is UTC.
 *
 * @return Unix milliseconds, above 0; 0: it is no such time, or one before 1970 or after 2286
 */
int64_t cli_time_parse(const char *text, int64_t now_ms);
