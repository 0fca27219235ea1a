/*
 * How many calls of a route one address may make in an hour, for routes that need no log-in.
 *
 * The hour begins with the address' first call. Of an IPv6 network (/64) one host may have all
 * addresses, so it counts as one. Memory is bounded: the addresses that began longest ago are
 * forgotten first. Any thread (a short lock).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct call_rate;

/** @param max  calls an hour */
struct call_rate *call_rate_new(unsigned max);
void call_rate_free(struct call_rate **r);

/** Counts a call. False: it is one too many, and `retry_s` is set to when the next hour begins. */
bool call_rate_admits(struct call_rate *r, struct slice address, uint64_t now_ms,
                      unsigned *retry_s);
