/*
 * What is answered: status, headers, body; and the form that errors have.
 *
 * Made by one thread for one request. Source: RFC 9457 (problem details)
 */
#pragma once

#include <jansson.h>

#include "base/bytes.h"

enum problem {
#define PROBLEM(name, ...) PROBLEM_##name,
#include "http/problem.def"
#undef PROBLEM
    PROBLEM_COUNT
};

enum {
    HTTP_HEADERS_MAX = 16, /* of an answer, beside those that every answer has */
    HTTP_HEADER_VALUE_MAX = 1023,
    HTTP_ETAG_MAX = 18
};

struct http_header {
    const char *name; /* static */
    char *value;      /* owned */
};

/** A zeroed one is empty. */
struct http_response {
    unsigned status;          /* 0: nothing was answered yet */
    const char *content_type; /* static; NULL: no body */
    struct buffer body;       /* owned */
    struct slice fixed; /* in the place of a body: bytes that outlive the server; empty: none */
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t header_count;
};

void http_response_deinit(struct http_response *a);

/** Forgets what was answered so far, headers too. */
void http_response_reset(struct http_response *a);

/** Adds a header, or replaces the one of that name (static). The value: at most
 * HTTP_HEADER_VALUE_MAX bytes of printable ASCII, copied; control characters become '?'. */
void http_response_header(struct http_response *a, const char *name, const char *value);
/** NULL: not set. */
const char *http_response_find_header(const struct http_response *a, const char *name);

/** Answers with a JSON value, which is taken. */
void http_response_json(struct http_response *a, unsigned status, json_t *value);

/** Answers with a JSON text, whose bytes are taken. */
void http_response_json_text(struct http_response *a, unsigned status, struct buffer *text);

struct problem_place {
    const char *field;     /* NULL: none */
    unsigned line, column; /* of the body, 0: none */
};

/** Answers with a problem. `detail`: one sentence for a person; `place`: NULL: none. */
void http_response_problem(struct http_response *a, enum problem p,
                           const struct problem_place *place, const char *detail);

unsigned problem_http_status(enum problem p);
const char *problem_name(enum problem p);

/** The entity tag of a content: the same one in every process. */
void http_response_format_tag(struct slice content, char out[HTTP_ETAG_MAX + 1]);

/** The ETag header: the handler's, or it is set to a tag of the body, the same one after a restart
 * of the server. */
const char *http_response_tag(struct http_response *a);
