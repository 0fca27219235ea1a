/* The log events of this layer: their one definition, from events.def. */
#include "http/events.h"

#define EVENT LOG_EVENT_DEFINE
#include "http/events.def"
#undef EVENT
