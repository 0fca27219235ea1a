/* Counters of the stores: the table as objects. */
#include "store/counters.h"

#define COUNTER COUNTER_DEFINE
#include "store/counters.def"
#undef COUNTER

void store_counters_register(void)
{
#define COUNTER COUNTER_REGISTER
#include "store/counters.def"
#undef COUNTER
}
