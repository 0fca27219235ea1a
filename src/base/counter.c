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

const uint32_t counter_time_bounds_us[COUNTER_TIME_BUCKETS - 1] = {
    100,   200,    500,    1000,   2000,    5000,    10000,   20000,
    50000, 100000, 200000, 500000, 1000000, 2000000, 5000000, 10000000};

/* Of a counter of times: its buckets from `index` on, and behind them the sum. */
enum { TIME_SUM = COUNTER_TIME_BUCKETS, TIME_PLACES };

void counter_register(struct counter *c)
{
    uint32_t places = c->kind == COUNTER_TIMES ? TIME_PLACES : 1;

    if (c->index != 0)
        return;
    invariant(registered_last + places < COUNTER_MAX);
    c->index = registered_last + 1;
    registered[c->index] = c;
    registered_last += places;
}

void counter_thread_attach(void)
{
    thread_sums_join(&sums, &thread_part, thread_values, COUNTER_MAX, &counter_thread_values);
}

void counter_add_slow(struct counter *c, int64_t n)
{
    thread_sums_add_rest(&sums, c->index, n);
}

static void add_at(uint32_t index, int64_t n)
{
    _Atomic int64_t *values = counter_thread_values;

    if (values == NULL)
        thread_sums_add_rest(&sums, index, n);
    else
        atomic_store_explicit(&values[index],
                              atomic_load_explicit(&values[index], memory_order_relaxed) + n,
                              memory_order_relaxed);
}

void counter_add_time(struct counter *c, uint64_t us)
{
    uint32_t bucket = 0;

    if (c->index == 0)
        return;
    while (bucket < COUNTER_TIME_BUCKETS - 1 && us > counter_time_bounds_us[bucket])
        bucket++;
    add_at(c->index + bucket, 1);
    add_at(c->index + TIME_SUM, (int64_t)us);
}

void counter_read_times(const struct counter *c, struct counter_times *out)
{
    *out = (struct counter_times){0};
    if (c->index == 0)
        return;
    for (uint32_t i = 0; i < COUNTER_TIME_BUCKETS; i++) {
        out->buckets[i] = (uint64_t)thread_sums_read(&sums, c->index + i);
        out->count += out->buckets[i];
    }
    out->sum_us = (uint64_t)thread_sums_read(&sums, c->index + TIME_SUM);
}

uint64_t counter_times_percentile(const struct counter_times *times, unsigned percent)
{
    uint64_t rank = (times->count * percent + 99) / 100;
    uint64_t seen = 0;

    if (times->count == 0)
        return 0;
    for (uint32_t i = 0; i < COUNTER_TIME_BUCKETS - 1; i++) {
        seen += times->buckets[i];
        if (seen >= rank)
            return counter_time_bounds_us[i];
    }
    return counter_time_bounds_us[COUNTER_TIME_BUCKETS - 2];
}

int64_t counter_read(const struct counter *c)
{
    struct counter_times times;

    if (c->kind != COUNTER_TIMES)
        return c->index == 0 ? 0 : thread_sums_read(&sums, c->index);
    counter_read_times(c, &times);
    return (int64_t)times.count;
}

const struct counter *counter_next(size_t *cursor)
{
    while (*cursor < registered_last) {
        if (registered[++*cursor] != NULL) /* others are places of the one before */
            return registered[*cursor];
    }
    return NULL;
}
