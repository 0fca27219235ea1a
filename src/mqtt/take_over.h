/*
 * How fast one session may be taken over, connection after connection.
 *
 * Two clients with one identifier take the session from each other for as long as both run. Each
 * take-over warms the session, quiet time cools it; five in a row are free, then the next one
 * waits, a second at first, and longer the longer it goes on, so that in the end there are five a
 * minute. A client whose network breaks now and then takes over its own dead connection and never
 * notices. Pure, any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/** Kept by each session; a zeroed one has not been taken over. */
struct take_over_pace {
    uint64_t last_ms; /* of the last take-over, monotonic */
    uint64_t told_ms; /* of the last line in the log about it */
    uint32_t heat_ms; /* at the last take-over: cools by its own length of time */
};

/** When the session may be taken over next; not later than some seconds after the last time. */
uint64_t take_over_due_ms(const struct take_over_pace *p);

/** It is taken over. */
void take_over_count(struct take_over_pace *p, uint64_t now_ms);

/** True once a minute: a take-over that has to wait is to be told. */
bool take_over_tells(struct take_over_pace *p, uint64_t now_ms);
