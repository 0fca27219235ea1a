/* Log events of the service layer: the table as objects. */
#include "service/events.h"

#define EVENT LOG_EVENT_DEFINE
#include "service/events.def"
#undef EVENT
