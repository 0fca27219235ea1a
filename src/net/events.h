/* Log events of the net layer, from events.def. */
#pragma once

#include "base/log.h"

#define EVENT LOG_EVENT_DECLARE
#include "net/events.def"
#undef EVENT
