/*
 * Which workers have any interest in a kind of a project: atomic bits, so that nobody is woken for
 * nothing.
 *
 * One per project, shared by all workers; each worker writes only its own bit. Source:
 * architecture.md
 */
#pragma once

#include <stdatomic.h>

#include "platform/open_kind.h"

enum { OPEN_INTEREST_WORKERS_MAX = 64 };

struct open_interest {
    _Atomic uint64_t
        live[OPEN_KIND_COUNT]; /* bit w: worker w has a live subscription of the kind */
    _Atomic uint64_t durable[OPEN_KIND_COUNT]; /* bit w: worker w has a durable one: the journal
                                                  must hold the message */
};

static inline uint64_t open_interest_live(const struct open_interest *i, enum open_kind kind)
{
    return atomic_load_explicit(&i->live[kind], memory_order_acquire);
}

static inline uint64_t open_interest_durable(const struct open_interest *i, enum open_kind kind)
{
    return atomic_load_explicit(&i->durable[kind], memory_order_acquire);
}

/** True: some session is owed messages of some kind. */
static inline bool open_interest_is_owed(const struct open_interest *i)
{
    for (unsigned kind = 0; kind < OPEN_KIND_COUNT; kind++) {
        if (open_interest_durable(i, (enum open_kind)kind) != 0)
            return true;
    }
    return false;
}
