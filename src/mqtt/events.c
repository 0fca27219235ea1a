/* Log events of the mqtt layer: the table as objects. */
#include "mqtt/events.h"

#define EVENT LOG_EVENT_DEFINE
#include "mqtt/events.def"
#undef EVENT
