/* Log events of the app layer: the table as objects. */
#include "app/events.h"

#define EVENT LOG_EVENT_DEFINE
#include "app/events.def"
#undef EVENT
