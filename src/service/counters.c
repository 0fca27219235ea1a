/* Counters of the service layer: the table as objects. */
#include "service/counters.h"

#define COUNTER COUNTER_DEFINE
#include "service/counters.def"
#undef COUNTER

void service_counters_register(void)
{
#define COUNTER COUNTER_REGISTER
#include "service/counters.def"
#undef COUNTER
}
