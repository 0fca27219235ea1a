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

enum counter_kind { COUNTER_TOTAL, COUNTER_GAUGE };

struct counter {
    const char *name; /* lower case with underscores */
    enum counter_kind kind;
    const char *unit;
    const char *help;
    uint32_t index; /* 0 until registered: counts into a slot that nobody reads */
};

enum { COUNTER_MAX = 256 };

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

/** The sum over all threads, also those that have ended; 0 for one that is not registered. */
int64_t counter_read(const struct counter *c);

/** Walks the registered counters: NULL at the end; start with *cursor = 0. */
const struct counter *counter_next(size_t *cursor);
