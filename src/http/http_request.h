/*
 * An HTTP request as the API sees it: method, target, headers, body; and readers of what strangers
 * write into them.
 *
 * It knows no HTTP library: http_server fills it in, tests and fuzz targets do it by hand. Belongs
 * to the thread that serves the request; everything is borrowed from it. Source: RFC 3986, RFC 9110
 */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"
#include "base/status.h"

/* X(NAME, changes nothing) */
#define HTTP_METHOD_LIST(X) \
    X(GET, true)            \
    X(HEAD, true)           \
    X(OPTIONS, true)        \
    X(POST, false)          \
    X(PUT, false)           \
    X(PATCH, false)         \
    X(DELETE, false)

enum http_method {
#define X(name, is_safe) HTTP_METHOD_##name,
    HTTP_METHOD_LIST(X)
#undef X
        HTTP_METHOD_COUNT
};

enum {
    HTTP_TARGET_MAX = 4096, /* bytes of path and query */
    HTTP_BODY_MAX = 1024 * 1024
};

struct http_request {
    enum http_method method;
    struct slice path;  /* as sent, without query */
    struct slice query; /* as sent, without '?' */
    struct slice body;  /* JSON_PADDING readable bytes stand behind it */
    const char *peer;   /* "192.0.2.1:49152" */
    struct slice peer_address;
    const char *(*find_header)(const void *arg, const char *name); /* NULL: not there */
    const void *headers;                                           /* its argument */
};

/** The method of a name; HTTP_METHOD_COUNT: none of ours. */
enum http_method http_method_parse(const char *name);
const char *http_method_name(enum http_method m);
/** True for those that change nothing. */
bool http_method_is_safe(enum http_method m);

/** The value of a header, zero-ended; NULL: not there. Names in any case. */
const char *http_request_header(const struct http_request *q, const char *name);

/**
 * Undoes percent-encoding.
 *
 * @param plus_is_space  in queries
 * @param out            room for max + 1 bytes; zero-ended UTF-8
 * Errors: ST_MALFORMED: a broken escape, not UTF-8, a zero byte or another control character;
 * ST_TOO_LARGE
 */
enum status http_request_decode(struct slice text, bool plus_is_space, char *out,
                                size_t max) MUST_CHECK;

/**
 * The value of a query parameter, decoded. Of doubled ones the last.
 *
 * Errors: ST_NOT_FOUND; ST_MALFORMED, ST_TOO_LARGE as http_request_decode
 */
enum status http_request_query(const struct http_request *q, const char *name, char *out,
                               size_t max) MUST_CHECK;

/** Walks the names of the query: false at the end; start with `*rest` the query. Names longer than
 * `max`, or malformed, come as "?" (which is no name of ours). */
bool http_request_next_name(struct slice *rest, char *out, size_t max);

/** The value of a cookie, without quotes; empty: not there. Source: RFC 6265 section 4.2 */
struct slice http_request_cookie(const struct http_request *q, const char *name);

/** What follows "Bearer " in the Authorization header; empty: not there. Source: RFC 6750 2.1 */
struct slice http_request_bearer(const struct http_request *q);

/** True when the media type of Content-Type, parameters aside, is this one. */
bool http_request_has_type(const struct http_request *q, const char *type);

/** True when a list of entity tags (If-Match, If-None-Match) holds this one, or is `*`. */
bool http_request_etag_matches(const char *list, const char *etag);
