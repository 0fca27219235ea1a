/* Log events of the mqtt layer, from events.def. */
#pragma once

#include "base/log.h"

#define EVENT LOG_EVENT_DECLARE
#include "mqtt/events.def"
#undef EVENT
