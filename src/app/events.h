/* Log events of the app layer, from events.def. */
#pragma once

#include "base/log.h"

#define EVENT LOG_EVENT_DECLARE
#include "app/events.def"
#undef EVENT
