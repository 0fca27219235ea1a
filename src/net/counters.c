/* Counters of the net layer: the table as objects. */
#include "net/counters.h"

#define COUNTER COUNTER_DEFINE
#include "net/counters.def"
#undef COUNTER

void net_counters_register(void)
{
#define COUNTER COUNTER_REGISTER
#include "net/counters.def"
#undef COUNTER
}
