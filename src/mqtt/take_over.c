/* One number that grows by a step with each take-over and melts as time passes. */
#include "mqtt/take_over.h"

enum {
    STEP_MS = 12 * 1000,   /* five in a minute */
    FREE_MS = 4 * STEP_MS, /* up to here the next one is free: the fifth in a row */
    SHARE = 12,            /* of what is above, which is waited: begins with a second, */
    WAIT_MAX_MS = STEP_MS, /* and ends where it cools as much as it warms */
    HEAT_MAX_MS = FREE_MS + SHARE * WAIT_MAX_MS,
    TOLD_AGAIN_MS = 60 * 1000
};

static uint32_t heat_at(const struct take_over_pace *p, uint64_t now_ms)
{
    uint64_t passed_ms = now_ms > p->last_ms ? now_ms - p->last_ms : 0;

    return passed_ms < p->heat_ms ? p->heat_ms - (uint32_t)passed_ms : 0;
}

uint64_t take_over_due_ms(const struct take_over_pace *p)
{
    return p->heat_ms <= FREE_MS ? p->last_ms : p->last_ms + (p->heat_ms - FREE_MS) / SHARE;
}

void take_over_count(struct take_over_pace *p, uint64_t now_ms)
{
    uint32_t heat_ms = heat_at(p, now_ms) + STEP_MS;

    p->heat_ms = heat_ms < HEAT_MAX_MS ? heat_ms : HEAT_MAX_MS;
    p->last_ms = now_ms;
}

bool take_over_tells(struct take_over_pace *p, uint64_t now_ms)
{
    if (p->told_ms != 0 && now_ms < p->told_ms + TOLD_AGAIN_MS)
        return false;
    p->told_ms = now_ms;
    return true;
}
