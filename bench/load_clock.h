/*
 * The two times of the load maker: a steady one for intervals, and the Unix time that stands in
 * payloads, which is the steady one moved to the Unix epoch once, so that no clock correction
 * falls into a latency.
 */
#pragma once

#include <stdint.h>

#define LOAD_CLOCK_NS_PER_S  1000000000LL
#define LOAD_CLOCK_NS_PER_MS 1000000LL
#define LOAD_CLOCK_NS_PER_US 1000LL

/** Steady time in nanoseconds; only differences mean anything. */
int64_t load_clock_now_ns(void);

/** Unix time in microseconds that never jumps within a run. */
int64_t load_clock_unix_us(void);

/** Must be called once, before any thread starts. */
void load_clock_init(void);
