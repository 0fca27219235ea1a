/* Counters of the mqtt layer: the table as objects. */
#include "mqtt/counters.h"

#define COUNTER COUNTER_DEFINE
#include "mqtt/counters.def"
#undef COUNTER

void mqtt_counters_register(void)
{
#define COUNTER COUNTER_REGISTER
#include "mqtt/counters.def"
#undef COUNTER
}
