/*
 * Random numbers from a seed: the same seed gives the same run, on any machine. (splitmix64)
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct chance {
    uint64_t state;
};

static inline uint64_t chance_next(struct chance *c)
{
    uint64_t z = (c->state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/** 0 to count - 1. */
static inline uint32_t chance_below(struct chance *c, uint32_t count)
{
    return (uint32_t)(((chance_next(c) >> 32) * count) >> 32);
}

static inline bool chance_percent(struct chance *c, uint32_t percent)
{
    return chance_below(c, 100) < percent;
}
