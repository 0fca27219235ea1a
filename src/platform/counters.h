/* Counters of the platform layer, from counters.def. */
#pragma once

#include "base/counter.h"

#define COUNTER COUNTER_DECLARE
#include "platform/counters.def"
#undef COUNTER

/** Gives each counter its place; once, at start. */
void platform_counters_register(void);
