/*
 * What handlers share: answers, failures, parameters, pages.
 */
#include "http/http_call.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/invariant.h"
#include "http/events.h"

enum { DETAIL_MAX = 512, LIMIT_DEFAULT = 100, LIMIT_MAX = 1000 };

const char *http_call_parameter(const struct http_call *call, const char *name)
{
    for (size_t i = 0; i < call->match.parameter_count; i++) {
        if (strcmp(call->match.names[i], name) == 0)
            return call->match.values[i];
    }
    invariant(false);
    return NULL;
}

void http_answer(struct http_call *call, json_t *value)
{
    http_response_json(call->answer, call->match.route->status, value);
}

void http_answer_text(struct http_call *call, struct buffer *text)
{
    http_response_json_text(call->answer, call->match.route->status, text);
}

void http_answer_made(struct http_call *call, const char *base, const char *name, json_t *value)
{
    char location[HTTP_HEADER_VALUE_MAX + 1];

    http_answer(call, value);
    (void)snprintf(location, sizeof(location), "%s%s", base, name);
    http_response_header(call->answer, "Location", location);
}

void http_answer_nothing(struct http_call *call)
{
    call->answer->status = call->match.route->status;
    call->answer->content_type = NULL;
    call->answer->body.len = 0;
}

/* --- failures --------------------------------------------------------------------------------- */

static void fail(struct http_call *call, enum problem p, const char *field, const char *format,
                 va_list args)
{
    struct problem_place place = {.field = field};
    char detail[DETAIL_MAX];

    (void)vsnprintf(detail, sizeof(detail), format, args);
    http_response_problem(call->answer, p, &place, detail);
}

void http_fail(struct http_call *call, enum problem p, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fail(call, p, NULL, format, args);
    va_end(args);
}

void http_fail_field(struct http_call *call, enum problem p, const char *field, const char *format,
                     ...)
{
    va_list args;

    va_start(args, format);
    fail(call, p, field, format, args);
    va_end(args);
}

void http_fail_status(struct http_call *call, enum status st, const char *what)
{
    static const struct row {
        enum status st;
        enum problem problem;
    } rows[] = {
        {ST_NOT_FOUND, PROBLEM_not_found}, {ST_EXISTS, PROBLEM_conflict},
        {ST_INVALID, PROBLEM_invalid},     {ST_TOO_LARGE, PROBLEM_invalid},
        {ST_FULL, PROBLEM_conflict},       {ST_BUSY, PROBLEM_unavailable},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].st != st)
            continue;
        http_fail(call, rows[i].problem, "%s: %s", what, status_text(st));
        return;
    }
    log_event(EV_HTTP_FAILED, "route",
              call->match.route == NULL ? NULL : call->match.route->pattern, "cause",
              status_text(st));
    http_fail(call, PROBLEM_internal, "%s: %s; the log says more", what, status_text(st));
}

bool http_succeeded(struct http_call *call, enum status st, const char *what)
{
    if (st != ST_OK)
        http_fail_status(call, st, what);
    return st == ST_OK;
}

void http_fail_hosted(struct http_call *call, unsigned status, const char *why)
{
    http_response_json(call->answer, status, json_pack("{s:i, s:s}", "result", 1, "msg", why));
}

/* --- what was asked --------------------------------------------------------------------------- */

bool http_call_query(struct http_call *call, const char *name, char out[ROUTE_PARAMETER_MAX + 1])
{
    enum status st = http_request_query(call->request, name, out, ROUTE_PARAMETER_MAX);

    if (st != ST_OK && st != ST_NOT_FOUND)
        http_fail_field(call, PROBLEM_invalid, name, "cannot be read: %s", status_text(st));
    return st == ST_OK;
}

bool http_take_text(const struct http_call *call, const char *name, char *out, size_t max)
{
    const json_t *value = json_object_get(call->body, name);

    if (!json_is_string(value))
        return false;
    invariant(json_string_length(value) <= max); /* its schema bounds it */
    memcpy(out, json_string_value(value), json_string_length(value) + 1);
    return true;
}

bool http_take_bool(const struct http_call *call, const char *name, bool *out)
{
    const json_t *value = json_object_get(call->body, name);

    if (!json_is_boolean(value))
        return false;
    *out = json_is_true(value);
    return true;
}

bool http_call_query_number(struct http_call *call, const char *name, uint64_t min, uint64_t max,
                            uint64_t *out)
{
    char text[ROUTE_PARAMETER_MAX + 1];
    char *end;

    if (!http_call_query(call, name, text))
        return false;
    *out = strtoull(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && *out >= min && *out <= max)
        return true;
    http_fail_field(call, PROBLEM_invalid, name,
                    "must be a whole number from %" PRIu64 " to %" PRIu64, min, max);
    return false;
}

bool http_call_query_ident(struct http_call *call, const char *name, enum ident_kind kind,
                           uint64_t *id)
{
    char text[ROUTE_PARAMETER_MAX + 1];

    if (!http_call_query(call, name, text))
        return call->answer->status == 0;
    *id = ident_parse(kind, slice_of(text));
    if (*id == 0)
        http_fail_field(call, PROBLEM_invalid, name, "%s must be an identifier", name);
    return *id != 0;
}

bool http_call_query_limit(struct http_call *call, size_t *limit)
{
    uint64_t number = LIMIT_DEFAULT;

    if (!http_call_query_number(call, "limit", 1, LIMIT_MAX, &number) && call->answer->status != 0)
        return false;
    *limit = (size_t)number;
    return true;
}

/* --- pages ------------------------------------------------------------------------------------ */

bool http_page_begin(struct http_call *call, struct http_page *page)
{
    uint64_t after = 0;

    *page = (struct http_page){0};
    if (!http_call_query_limit(call, &page->limit))
        return false;
    if (!http_call_query_number(call, "cursor", 0, INT64_MAX, &after) && call->answer->status != 0)
        return false;
    page->after = after;
    page->items = json_array();
    return true;
}

bool http_page_add(struct http_page *page, uint64_t position, json_t *item)
{
    if (json_array_size(page->items) >= page->limit) {
        page->is_full = true;
        json_decref(item);
        return false;
    }
    (void)json_array_append_new(page->items, item);
    page->next = position;
    return true;
}

void http_page_end(struct http_call *call, struct http_page *page, enum status st, const char *what)
{
    json_t *object;
    char next[24];

    if (call->answer->status != 0 || !http_succeeded(call, st, what)) {
        json_decref(page->items);
        page->items = NULL;
        return;
    }
    object = json_object();
    (void)snprintf(next, sizeof(next), "%" PRIu64, page->next);
    (void)json_object_set_new(object, "items", page->items);
    (void)json_object_set_new(object, "next", page->is_full ? json_string(next) : json_null());
    page->items = NULL;
    http_answer(call, object);
}

json_t *http_json_stored(struct slice text)
{
    return json_loadb((const char *)text.data, text.len, 0, NULL);
}

json_t *http_json_ident(enum ident_kind kind, uint64_t id)
{
    char text[IDENT_TEXT_LEN + 1];

    if (id == 0)
        return json_null();
    ident_format(kind, id, text);
    return json_string(text);
}
