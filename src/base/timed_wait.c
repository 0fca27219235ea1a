#include "base/timed_wait.h"

#include "base/invariant.h"

void timed_wait_init(pthread_cond_t *c)
{
    pthread_condattr_t attributes;

    invariant(pthread_condattr_init(&attributes) == 0);
    invariant(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    invariant(pthread_cond_init(c, &attributes) == 0);
    invariant(pthread_condattr_destroy(&attributes) == 0);
}

struct timespec timed_wait_end(uint64_t ms)
{
    struct timespec end;

    invariant(clock_gettime(CLOCK_MONOTONIC, &end) == 0);
    end.tv_sec += (time_t)(ms / 1000);
    end.tv_nsec += (long)(ms % 1000) * 1000000;
    if (end.tv_nsec >= 1000000000) {
        end.tv_sec++;
        end.tv_nsec -= 1000000000;
    }
    return end;
}
