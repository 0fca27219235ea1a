/*
 * The registered counters and the threads' values.
 *
 * Registration happens at start on one thread; afterwards the list of counters only is read.
 * The values are thread-local arrays, so that no two threads write one cache line.
 */
#include "base/counter.h"

#include "base/invariant.h"
#include "base/thread_sums.h"

/* Index 0 is the slot of counters that are not registered. */
static const struct counter *registered[COUNTER_MAX];
static uint32_t registered_last;

static _Atomic int64_t rest[COUNTER_MAX];
static struct thread_sums sums = THREAD_SUMS_INIT(sums, rest);
static _Thread_local _Atomic int64_t thread_values[COUNTER_MAX];
static _Thread_local struct thread_sums_part thread_part;

_Thread_local _Atomic int64_t *counter_thread_values;

void counter_register(struct counter *c)
{
    if (c->index != 0)
        return;
    invariant(registered_last + 1 < COUNTER_MAX);
    c->index = ++registered_last;
    registered[c->index] = c;
}

void counter_thread_attach(void)
{
    thread_sums_join(&sums, &thread_part, thread_values, COUNTER_MAX, &counter_thread_values);
}

void counter_add_slow(struct counter *c, int64_t n)
{
    thread_sums_add_rest(&sums, c->index, n);
}

int64_t counter_read(const struct counter *c)
{
    return c->index == 0 ? 0 : thread_sums_read(&sums, c->index);
}

const struct counter *counter_next(size_t *cursor)
{
    return *cursor < registered_last ? registered[++*cursor] : NULL;
}
