/* Log events of the platform layer, from events.def. */
#pragma once

#include "base/log.h"

#define EVENT LOG_EVENT_DECLARE
#include "platform/events.def"
#undef EVENT
