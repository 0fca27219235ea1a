/* Log events of the net layer: the table as objects. */
#include "net/events.h"

#define EVENT LOG_EVENT_DEFINE
#include "net/events.def"
#undef EVENT
