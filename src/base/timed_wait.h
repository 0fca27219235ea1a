/*
 * Waits that end: condition variables by the monotonic clock, which nobody sets. Any thread.
 */
#pragma once

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/** Makes a condition variable whose timed waits count on the monotonic clock. */
void timed_wait_init(pthread_cond_t *c);

/** The end of a wait of `ms` from now, for pthread_cond_timedwait on such a one. */
struct timespec timed_wait_end(uint64_t ms);
