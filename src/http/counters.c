/* Counters of the HTTPS API: the table as objects. */
#include "http/counters.h"

#define COUNTER COUNTER_DEFINE
#include "http/counters.def"
#undef COUNTER

void http_counters_register(void)
{
#define COUNTER COUNTER_REGISTER
#include "http/counters.def"
#undef COUNTER
}
