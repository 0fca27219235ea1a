/* Query parameters that several lists of alarms take. */
#pragma once

#include "http/http_call.h"

/** `level`: sets its bit; 0 when it is not there. False: answered. */
bool api_alarm_query_level(struct http_call *call, unsigned *levels);
