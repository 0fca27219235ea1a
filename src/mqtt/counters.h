/* Counters of the mqtt layer, from counters.def. */
#pragma once

#include "base/counter.h"

#define COUNTER COUNTER_DECLARE
#include "mqtt/counters.def"
#undef COUNTER

/** Gives each counter its place; once, at start. */
void mqtt_counters_register(void);
