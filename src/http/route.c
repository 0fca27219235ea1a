/*
 * The table of routes, and the walk over a path. Rows stand in the order in which they are tried: a
 * literal segment before a parameter in the same place.
 */
#include "http/route.h"

#include <string.h>

#include "base/invariant.h"
#include "http/api.h"

static const struct route routes[] = {
#define ROUTE(method, pattern, right, flags, handler, query, body, answer, status, tag, summary) \
    {HTTP_METHOD_##method,                                                                       \
     pattern,                                                                                    \
     HTTP_RIGHT_##right,                                                                         \
     flags,                                                                                      \
     handler,                                                                                    \
     query,                                                                                      \
     body,                                                                                       \
     answer,                                                                                     \
     status,                                                                                     \
     tag,                                                                                        \
     summary},
#include "http/routes.def"
#undef ROUTE
};

static const char *const right_texts[HTTP_RIGHT_COUNT] = {
#define X(name, text) text,
    HTTP_RIGHT_LIST(X)
#undef X
};

const char *http_right_text(enum http_right r)
{
    return right_texts[r];
}

size_t route_count(void)
{
    return sizeof(routes) / sizeof(routes[0]);
}

const struct route *route_at(size_t index)
{
    return &routes[index];
}

/* Takes a parameter. False: the segment is none of ours. */
static bool take_parameter(struct slice name, struct slice segment, struct route_match *out)
{
    size_t i = out->parameter_count;

    invariant(i < ROUTE_PARAMETERS_MAX && name.len >= 3 && name.len - 2 < sizeof(out->names[0]));
    memcpy(out->names[i], name.data + 1, name.len - 2); /* without the braces */
    out->names[i][name.len - 2] = '\0';
    if (http_request_decode(segment, false, out->values[i], ROUTE_PARAMETER_MAX) != ST_OK ||
        out->values[i][0] == '\0')
        return false;
    out->parameter_count++;
    return true;
}

static bool matches(const struct route *r, struct slice path, struct route_match *out)
{
    struct slice wanted = slice_of(r->pattern), given = path;

    out->parameter_count = 0;
    while (wanted.data != NULL && given.data != NULL) {
        struct slice pattern = slice_cut(&wanted, '/');
        struct slice segment = slice_cut(&given, '/');
        bool is_parameter = pattern.len > 0 && pattern.data[0] == '{';

        if (is_parameter ? !take_parameter(pattern, segment, out) : !slice_equal(pattern, segment))
            return false;
    }
    /* the hosted platform takes its paths without the slash at the end, too */
    return given.data == NULL &&
           (wanted.data == NULL || ((r->flags & ROUTE_HOSTED) != 0 && wanted.len == 0));
}

bool route_find(enum http_method method, struct slice path, struct route_match *out,
                unsigned *allowed)
{
    struct route_match other;

    if (method == HTTP_METHOD_HEAD)
        method = HTTP_METHOD_GET;
    out->route = NULL;
    *allowed = 0;
    for (size_t i = 0; i < route_count(); i++) {
        struct route_match *m = out->route == NULL ? out : &other;

        if (!matches(&routes[i], path, m))
            continue;
        *allowed |= 1u << routes[i].method;
        if (out->route == NULL && routes[i].method == method)
            out->route = &routes[i];
    }
    if ((*allowed & 1u << HTTP_METHOD_GET) != 0)
        *allowed |= 1u << HTTP_METHOD_HEAD;
    if (*allowed != 0)
        *allowed |= 1u << HTTP_METHOD_OPTIONS;
    return out->route != NULL;
}
