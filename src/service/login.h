/*
 * The lock-out of guessers: failed logins counted by address and user name together, with growing
 * delay.
 *
 * Ten failures (option) in a minute lock the pair out for 60 s, doubling with each further lock-out
 * up to an hour; nobody can lock a whole project out by guessing at it, since another address is
 * another pair. One guard per service, shared by all workers (a short lock; only CONNECTs come
 * here). Memory is bounded: the pairs that were quiet longest are forgotten first. Source:
 * open-api.md 3, 8
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct login_guard;

/** @param failures_max  failures a minute that lock out; 0: never */
struct login_guard *login_guard_new(unsigned failures_max);
void login_guard_free(struct login_guard **g);

/** False: the pair is locked out now. Any thread. */
bool login_guard_allows(struct login_guard *g, struct slice address, struct slice username,
                        uint64_t now_ms);

/** Counts a failure; true: it began a lock-out (to be logged). Any thread. */
bool login_guard_failed(struct login_guard *g, struct slice address, struct slice username,
                        uint64_t now_ms);

/** A success forgets the pair's failures. Any thread. */
void login_guard_succeeded(struct login_guard *g, struct slice address, struct slice username);
