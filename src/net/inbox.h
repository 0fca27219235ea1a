/*
 * A worker's inbox: many writers, one reader, one wake-up a batch.
 *
 * Writers gather letters in batches of their own (an outbox per destination) and post a batch with
 * one atomic exchange. Batches of one writer arrive in the order in which they were posted.
 * Lock-free; the reader never waits.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct worker;
struct letter;

/** What happens with a letter at its destination; runs on the receiving worker. Ownership of
 * `object` passes to it. */
typedef void (*letter_fn)(struct worker *w, const struct letter *l);

struct letter {
    letter_fn open;
    void *object; /* a reference or ownership that passes to the receiver */
    uint64_t a, b, c;
};

enum { INBOX_BATCH_MAX = 64 };

struct inbox_batch {
    struct inbox_batch *next;
    uint32_t count;
    struct letter letters[INBOX_BATCH_MAX];
};

struct inbox {
    _Atomic(struct inbox_batch *) newest; /* a stack of posted batches, reversed when taken */
    _Atomic uint32_t backlog;             /* batches posted and not opened yet */
};

/** A new, empty batch; the caller owns it until inbox_post. */
struct inbox_batch *inbox_batch_new(void);
void inbox_batch_free(struct inbox_batch **b);

/** Posts a batch (ownership passes). True: the inbox was empty before, so the reader must be woken.
 * Any thread. */
bool inbox_post(struct inbox *i, struct inbox_batch **b);

/** Takes all batches that were posted, oldest first (linked by next; the reader owns them), or
 * NULL. */
struct inbox_batch *inbox_take(struct inbox *i);

/** The reader has opened a batch that it took. */
static inline void inbox_opened(struct inbox *i)
{
    atomic_fetch_sub_explicit(&i->backlog, 1, memory_order_relaxed);
}

/** How many batches wait for the reader, taken or not; a moment's value. */
static inline uint32_t inbox_backlog(const struct inbox *i)
{
    return atomic_load_explicit(&i->backlog, memory_order_relaxed);
}

/** True when nothing was posted since the last take. */
static inline bool inbox_is_empty(struct inbox *i)
{
    return atomic_load_explicit(&i->newest, memory_order_acquire) == 0;
}
