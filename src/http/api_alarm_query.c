#include "http/api_alarm_query.h"

#include "platform/alarm_rule.h"

bool api_alarm_query_level(struct http_call *call, unsigned *levels)
{
    char text[ROUTE_PARAMETER_MAX + 1];
    enum alarm_level level;

    *levels = 0;
    if (!http_call_query(call, "level", text))
        return call->answer->status == 0;
    if (alarm_level_parse(text, &level)) {
        *levels = 1u << level;
        return true;
    }
    http_fail_field(call, PROBLEM_invalid, "level", "level must be normal, important or urgent");
    return false;
}
