/* Counters of the net layer, from counters.def. */
#pragma once

#include "base/counter.h"

#define COUNTER COUNTER_DECLARE
#include "net/counters.def"
#undef COUNTER

/** Gives each counter its place; once, at start. */
void net_counters_register(void);
