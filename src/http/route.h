/*
 * The routes of the HTTPS API, from routes.def: what the router follows and what /openapi.json is
 * made of.
 *
 * A pattern is a path whose segments are literal or a parameter, `{name}`, of exactly one segment.
 * Immutable; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "http/http_request.h"

struct http_call;

/** Who may, see docs/https-api.md. X(NAME, text) */
#define HTTP_RIGHT_LIST(X)                                                                    \
    X(ANYONE, "anyone")                                                                       \
    X(VIEWER, "an operator")                                                                  \
    X(ADMIN, "an operator with the role admin")                                               \
    X(LIST, "an operator, or an application, which sees its own project only")                \
    X(READ, "an operator, or an application of the project with the scope subscribe")         \
    X(PUSH, "an administrator, or an application of the project with the scope push")         \
    X(COMMAND, "an administrator, or an application of the project with the scope command")   \
    X(MANAGE, "an administrator, or an application of the project with all scopes, bound to " \
              "no devices or types")                                                          \
    X(METRICS, "an operator, or who has the metrics token")

enum http_right {
#define X(name, text) HTTP_RIGHT_##name,
    HTTP_RIGHT_LIST(X)
#undef X
        HTTP_RIGHT_COUNT
};

enum {
    ROUTE_WRITES = 1, /* changes the registry: one transaction, in force when it is answered */
    ROUTE_HOSTED = 2, /* of the hosted platform: any Content-Type, any query, the slash at the end
                         may be missing */
    ROUTE_PARAMETERS_MAX = 4,
    ROUTE_PARAMETER_MAX = 256 /* bytes, decoded */
};

struct route {
    enum http_method method;
    const char *pattern;
    enum http_right right;
    unsigned flags;
    void (*handler)(struct http_call *call);
    const char *query;  /* names of its query parameters (query.def), with spaces between */
    const char *body;   /* a schema; "": none; "*json": an object that the handler reads itself;
                           "*bytes" */
    const char *answer; /* a schema; "[]X": a page of them; "": none; "*type": of a media type */
    unsigned status;    /* when it goes well */
    const char *tag, *summary;
};

/** What the segments of a path stand for. */
struct route_match {
    const struct route *route; /* NULL: none */
    size_t parameter_count;
    char names[ROUTE_PARAMETERS_MAX][32];
    char values[ROUTE_PARAMETERS_MAX][ROUTE_PARAMETER_MAX + 1];
};

size_t route_count(void);
const struct route *route_at(size_t index);

/**
 * Finds the route of a method and a path (as sent). HEAD is answered by GET.
 *
 * @param allowed  set to the methods that the path has, bits by enum http_method; 0: no such path
 * @return true: found
 */
bool route_find(enum http_method method, struct slice path, struct route_match *out,
                unsigned *allowed);

/** The text of a right. */
const char *http_right_text(enum http_right r);
