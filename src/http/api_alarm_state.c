/*
 * How alarms stand now: those of a device, and those of a project that are not normal.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "http/alarm_ask.h"
#include "http/api.h"
#include "http/api_alarm_query.h"

static const char *const state_words[] = {
    [ALARM_NORMAL] = "normal", [ALARM_PENDING] = "pending", [ALARM_ALERTING] = "alerting"};

enum { STATES = sizeof(state_words) / sizeof(state_words[0]), PLACE_MAX = 63 };

static json_t *time_or_null(int64_t ms)
{
    return ms == 0 ? json_null() : json_integer(ms);
}

static json_t *describe(const struct alarm_standing *s)
{
    const struct alarm_rule *r = s->rule;

    return json_pack("{s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:I}", "device",
                     http_json_ident(IDENT_DEVICE, s->device_id), "rule",
                     http_json_ident(IDENT_RULE, r->rule_id), "name",
                     json_stringn((const char *)r->name.data, r->name.len), "level",
                     alarm_level_word(r->level), "state", state_words[s->state], "since_ms",
                     time_or_null(s->since_ms), "met_since_ms", time_or_null(s->met_since_ms),
                     "met_count", (json_int_t)s->met_count);
}

/* The first `count` of what was found. `next` is taken. */
static void answer(struct http_call *call, const struct buffer *found, size_t count, json_t *next)
{
    const struct alarm_standing *s = (const struct alarm_standing *)(const void *)found->data;
    json_t *items = json_array();

    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(items, describe(&s[i]));
    http_answer(call, json_pack("{s:o, s:o}", "items", items, "next", next));
}

void api_alarm_state_device_list(struct http_call *call)
{
    struct buffer found = {0};

    if (alarm_ask_device(call, &found))
        answer(call, &found, found.len / sizeof(struct alarm_standing), json_null());
    else
        http_fail_status(call, ST_NOT_FOUND, "the device");
    alarm_ask_free(&found);
}

/* --- of a project ----------------------------------------------------------------------------- */

/* False: answered. */
static bool take_state(struct http_call *call, unsigned *states)
{
    char text[ROUTE_PARAMETER_MAX + 1];

    if (!http_call_query(call, "state", text))
        return call->answer->status == 0;
    for (unsigned state = ALARM_PENDING; state < STATES; state++) {
        if (strcmp(text, state_words[state]) == 0)
            *states = 1u << state;
    }
    if (*states == 0)
        http_fail_field(call, PROBLEM_invalid, "state", "state must be pending or alerting");
    return *states != 0;
}

/* A place is written `1700000000000-DU_…-AL_…`. */
static json_t *write_place(const struct alarm_standing *s)
{
    char device[IDENT_TEXT_LEN + 1], rule[IDENT_TEXT_LEN + 1];

    ident_format(IDENT_DEVICE, s->device_id, device);
    ident_format(IDENT_RULE, s->rule->rule_id, rule);
    return json_sprintf("%" PRId64 "-%s-%s", s->since_ms, device, rule);
}

/* False: answered. */
static bool take_place(struct http_call *call, struct alarm_standing_place *p)
{
    char text[ROUTE_PARAMETER_MAX + 1];
    struct slice rest, digits, device;

    if (!http_call_query(call, "cursor", text))
        return call->answer->status == 0;
    rest = slice_of(text);
    digits = slice_cut(&rest, '-');
    device = slice_cut(&rest, '-');
    p->since_ms = strtoll(text, NULL, 10);
    p->device_id = ident_parse(IDENT_DEVICE, device);
    p->rule_id = ident_parse(IDENT_RULE, rest);
    if (digits.len > 0 && p->since_ms >= 0 && p->device_id != 0 && p->rule_id != 0)
        return true;
    http_fail_field(call, PROBLEM_invalid, "cursor", "cursor must be `next` of the page before");
    return false;
}

/* False: answered. */
static bool take_type(struct http_call *call, struct alarm_ask *ask)
{
    char text[ROUTE_PARAMETER_MAX + 1];

    ask->by_type = http_call_query(call, "type", text);
    if (!ask->by_type)
        return call->answer->status == 0;
    if (strcmp(text, "none") == 0)
        return true;
    return http_call_query_ident(call, "type", IDENT_TYPE, &ask->type_id);
}

void api_alarm_state_list(struct http_call *call)
{
    struct alarm_ask ask = {0};
    struct buffer found = {0};
    size_t limit, count;

    if (!http_call_query_limit(call, &limit) ||
        !http_call_query_ident(call, "device", IDENT_DEVICE, &ask.device_id) ||
        !http_call_query_ident(call, "rule", IDENT_RULE, &ask.rule_id) || !take_type(call, &ask) ||
        !api_alarm_query_level(call, &ask.levels) || !take_state(call, &ask.states) ||
        !take_place(call, &ask.below))
        return;
    ask.wanted = limit + 1; /* whether it goes on */
    alarm_ask_project(call, &ask, &found);
    count = found.len / sizeof(struct alarm_standing);
    if (count > limit)
        answer(call, &found, limit,
               write_place((const struct alarm_standing *)(void *)found.data + limit - 1));
    else
        answer(call, &found, count, json_null());
    alarm_ask_free(&found);
}
