/* The log events of this layer, from events.def. */
#pragma once

#include "base/log.h"

#define EVENT LOG_EVENT_DECLARE
#include "http/events.def"
#undef EVENT
