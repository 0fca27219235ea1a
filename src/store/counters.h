/* Counters of the stores, from counters.def. */
#pragma once

#include "base/counter.h"

#define COUNTER COUNTER_DECLARE
#include "store/counters.def"
#undef COUNTER

/** Gives each counter its place; once, at start. */
void store_counters_register(void);
