/*
 * Time: monotonic milliseconds for deadlines, Unix milliseconds for people. Tests turn it by
 * hand. Any thread; turning it by hand is for tests with no other thread running.
 */
#pragma once

#include <stdint.h>

/** Monotonic milliseconds since some start; never goes back. */
uint64_t clock_mono_ms(void);

/** Monotonic microseconds. */
uint64_t clock_mono_us(void);

/** Unix time in milliseconds. */
int64_t clock_unix_ms(void);

/** From now on the clocks stand still at these values (tests). */
void clock_hold(uint64_t mono_ms, int64_t unix_ms);

/** Moves held clocks forward. */
void clock_advance(uint64_t ms);

/** Lets the clocks run again. */
void clock_release(void);
