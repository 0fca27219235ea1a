/*
 * Clocks by clock_gettime(), which needs no system call. Any thread after load_clock_init().
 */
#include "load_clock.h"

#include <time.h>

static int64_t unix_offset_us;

static int64_t clock_read_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * LOAD_CLOCK_NS_PER_S + now.tv_nsec;
}

int64_t load_clock_now_ns(void)
{
    return clock_read_ns(CLOCK_MONOTONIC);
}

int64_t load_clock_unix_us(void)
{
    return load_clock_now_ns() / LOAD_CLOCK_NS_PER_US + unix_offset_us;
}

void load_clock_init(void)
{
    unix_offset_us =
        (clock_read_ns(CLOCK_REALTIME) - clock_read_ns(CLOCK_MONOTONIC)) / LOAD_CLOCK_NS_PER_US;
}
