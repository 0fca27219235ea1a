/* Counters of the platform layer: the table as objects. */
#include "platform/counters.h"

#define COUNTER COUNTER_DEFINE
#include "platform/counters.def"
#undef COUNTER

void platform_counters_register(void)
{
#define COUNTER COUNTER_REGISTER
#include "platform/counters.def"
#undef COUNTER
}
