/*
 * The kernel's clocks, or two numbers that tests set. The numbers are atomic so that a test may
 * turn the clock while workers look at it.
 */
#include "base/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "base/invariant.h"

static atomic_bool held;
static _Atomic uint64_t held_mono_ms;
static _Atomic int64_t held_unix_ms;

static bool is_held(void)
{
    return __builtin_expect(atomic_load_explicit(&held, memory_order_acquire), 0);
}

static struct timespec now(clockid_t id)
{
    struct timespec t;

    invariant(clock_gettime(id, &t) == 0);
    return t;
}

uint64_t clock_mono_ms(void)
{
    struct timespec t;

    if (is_held())
        return atomic_load_explicit(&held_mono_ms, memory_order_relaxed);
    t = now(CLOCK_MONOTONIC);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t clock_mono_us(void)
{
    struct timespec t;

    if (is_held())
        return atomic_load_explicit(&held_mono_ms, memory_order_relaxed) * 1000;
    t = now(CLOCK_MONOTONIC);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

int64_t clock_unix_ms(void)
{
    struct timespec t;

    if (is_held())
        return atomic_load_explicit(&held_unix_ms, memory_order_relaxed);
    t = now(CLOCK_REALTIME);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void clock_hold(uint64_t mono_ms, int64_t unix_ms)
{
    atomic_store_explicit(&held_mono_ms, mono_ms, memory_order_relaxed);
    atomic_store_explicit(&held_unix_ms, unix_ms, memory_order_relaxed);
    atomic_store_explicit(&held, true, memory_order_release);
}

void clock_advance(uint64_t ms)
{
    invariant(is_held());
    atomic_fetch_add_explicit(&held_mono_ms, ms, memory_order_relaxed);
    atomic_fetch_add_explicit(&held_unix_ms, (int64_t)ms, memory_order_relaxed);
}

void clock_release(void)
{
    atomic_store_explicit(&held, false, memory_order_release);
}
