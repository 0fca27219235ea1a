/* The log events of this layer: their one definition, from events.def. */
#include "store/events.h"

#define EVENT LOG_EVENT_DEFINE
#include "store/events.def"
#undef EVENT
