/* Counters of the HTTPS API, from counters.def. */
#pragma once

#include "base/counter.h"

#define COUNTER COUNTER_DECLARE
#include "http/counters.def"
#undef COUNTER

/** Gives each counter its place; once, at start. */
void http_counters_register(void);
