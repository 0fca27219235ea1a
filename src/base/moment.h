/*
 * Moments as people and programs write them. Pure functions, any thread.
 * Source: RFC 3339; open-api.md 3.4 ("from")
 */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

/** A date and time of RFC 3339 (`2026-12-31T23:59:59.5Z`, `…+08:00`) as Unix ms; what is finer is
 * cut off. Errors: ST_MALFORMED: it is none, or not between the years 1970 and 9999. */
enum status moment_parse_date(struct slice text, int64_t *unix_ms) MUST_CHECK;

/** A time that has passed: `-90s`, `-15m`, `-12h`, `-7d`, as ms above 0. Errors: ST_MALFORMED. */
enum status moment_parse_ago(struct slice text, int64_t *ms) MUST_CHECK;
