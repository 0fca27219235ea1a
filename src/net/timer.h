/*
 * A wheel for many coarse deadlines of one worker: keep alive, session expiry, CONNECT limits,
 * command time-outs.
 *
 * A timer fires up to one TIMER_TICK_MS late, never early. Setting and cancelling cost a few
 * pointer stores; a deadline that moves with every packet is not set anew each time: it fires, its
 * owner looks at the true deadline and sets it again. Belongs to its worker.
 */
#pragma once

#include "base/list.h"

#include <stdint.h>

enum { TIMER_TICK_MS = 50, TIMER_SLOTS = 1024 };

struct timer;

typedef void (*timer_fn)(struct timer *t);

/** Part of its owner's struct; a zeroed one is not set. */
struct timer {
    struct list node;
    uint64_t deadline_ms; /* monotonic */
    timer_fn fn;
};

struct timer_wheel {
    struct list slots[TIMER_SLOTS];
    uint64_t tick; /* the last one that was handled: time / TIMER_TICK_MS */
};

void timer_wheel_init(struct timer_wheel *w, uint64_t now_ms);

/** Sets (or moves) a timer. A deadline in the past fires at the next advance. */
void timer_set(struct timer_wheel *w, struct timer *t, uint64_t deadline_ms, timer_fn fn);

/** Takes a timer out; one that is not set is accepted. */
static inline void timer_cancel(struct timer *t)
{
    list_remove(&t->node);
}

static inline bool timer_is_set(const struct timer *t)
{
    return list_is_linked(&t->node);
}

/** Fires what is due at `now_ms`, each timer taken out before its function is called (which may set
 * it, or any other, again). */
void timer_wheel_advance(struct timer_wheel *w, uint64_t now_ms);

/** True when no timer is set (tests). */
bool timer_wheel_is_empty(const struct timer_wheel *w);
