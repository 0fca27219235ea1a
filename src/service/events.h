/* Log events of the service layer, from events.def. */
#pragma once

#include "base/log.h"

#define EVENT LOG_EVENT_DECLARE
#include "service/events.def"
#undef EVENT
