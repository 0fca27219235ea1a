/*
 * Counters: each thread increments its own copy with a plain store; reading sums over all.
 *
 * A counter is declared in its layer's counters.def (name, kind, unit, help), which is also the
 * manual and the metrics page. A message that is not delivered always increments one that says
 * why. Any thread.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum counter_kind {
    COUNTER_TOTAL,
    COUNTER_GAUGE,
    COUNTER_TIMES /* how long something took, each time: counter_add_time, counter_read_times */
};

struct counter {
    const char *name; /* lower case with underscores */
    enum counter_kind kind;
    const char *unit;
    const char *help;
    uint32_t index; /* 0 until registered: counts into a slot that nobody reads */
};

enum {
    COUNTER_MAX = 256, /* places; one for each counter, COUNTER_TIME_BUCKETS + 1 for times */
    COUNTER_TIME_BUCKETS = 17
};

/** The longest time of each bucket, in microseconds; the last one takes all that is longer. */
extern const uint32_t counter_time_bounds_us[COUNTER_TIME_BUCKETS - 1];

struct counter_times {
    uint64_t count;
    uint64_t sum_us;
    uint64_t buckets[COUNTER_TIME_BUCKETS];
};

/*
 * A layer's counters.h:  #define COUNTER COUNTER_DECLARE
 *                        #include "net/counters.def"
 *                        #undef COUNTER
 * its counters.c defines them with COUNTER_DEFINE and a function <layer>_counters_register() that
 * passes each to counter_register. A line of the table:
 * COUNTER(conn_accepted, TOTAL, "connections", "help")
 */
#define COUNTER_DECLARE(name, kind, unit, help) extern struct counter CT_##name;
#define COUNTER_DEFINE(name, kind, unit, help) \
    struct counter CT_##name = {#name, COUNTER_##kind, unit, help, 0};
#define COUNTER_REGISTER(name, kind, unit, help) counter_register(&CT_##name);

/** Gives the counter its place; at start, before threads are made. A registered one is accepted. */
void counter_register(struct counter *c);

/** The calling thread's values; internal to counter_add. */
extern _Thread_local _Atomic int64_t *counter_thread_values;

/** Gives the calling thread its own copy, until it ends; a thread that never attaches counts
 * through a slow, shared copy. A second call is accepted. */
void counter_thread_attach(void);

/** What counter_add does on a thread without a copy of its own; internal to it. */
void counter_add_slow(struct counter *c, int64_t n) __attribute__((cold));

/** Adds `n` (a gauge may go down). */
static inline void counter_add(struct counter *c, int64_t n)
{
    _Atomic int64_t *values = counter_thread_values;

    if (__builtin_expect(values == NULL, 0)) {
        counter_add_slow(c, n);
        return;
    }
    atomic_store_explicit(&values[c->index],
                          atomic_load_explicit(&values[c->index], memory_order_relaxed) + n,
                          memory_order_relaxed);
}

#define counter_inc(name) counter_add(&CT_##name, 1)

/** Notes one time of a COUNTER_TIMES. */
void counter_add_time(struct counter *c, uint64_t us);

/** All of its times, over all threads. */
void counter_read_times(const struct counter *c, struct counter_times *out);

/** What so many of a hundred times did not exceed, in microseconds: the bound of their bucket (the
 * last bound for those above it). 0: there are no times. */
uint64_t counter_times_percentile(const struct counter_times *times, unsigned percent);

/** The sum over all threads, also those that have ended; 0 for one that is not registered. Of
 * times: how many there are. */
int64_t counter_read(const struct counter *c);

/** Walks the registered counters: NULL at the end; start with *cursor = 0. */
const struct counter *counter_next(size_t *cursor);
