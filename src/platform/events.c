/* Log events of the platform layer: the table as objects. */
#include "platform/events.h"

#define EVENT LOG_EVENT_DEFINE
#include "platform/events.def"
#undef EVENT
