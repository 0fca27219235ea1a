/* Counters of the service layer, from counters.def. */
#pragma once

#include "base/counter.h"

#define COUNTER COUNTER_DECLARE
#include "service/counters.def"
#undef COUNTER

/** Gives each counter its place; once, at start. */
void service_counters_register(void);
