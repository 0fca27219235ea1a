/*
 * Answers. A problem replaces whatever was answered before it.
 */
#include "http/http_response.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/hash_table.h"
#include "base/invariant.h"
#include "base/mem.h"

#define PROBLEM_TYPE "urn:eztcloud:problem:"

enum { REAL_DIGITS = 17 /* all that a double has */ };

static const struct problem_row {
    const char *name, *title;
    unsigned status;
} problems[PROBLEM_COUNT] = {
#define PROBLEM(name, status, title) {#name, title, status},
#include "http/problem.def"
#undef PROBLEM
};

unsigned problem_http_status(enum problem p)
{
    return problems[p].status;
}

const char *problem_name(enum problem p)
{
    return problems[p].name;
}

void http_response_reset(struct http_response *a)
{
    a->status = 0;
    a->content_type = NULL;
    a->body.len = 0;
    a->fixed = slice_make(NULL, 0);
    while (a->header_count > 0)
        mem_free(a->headers[--a->header_count].value);
}

void http_response_deinit(struct http_response *a)
{
    http_response_reset(a);
    buffer_deinit(&a->body);
}

const char *http_response_find_header(const struct http_response *a, const char *name)
{
    for (size_t i = 0; i < a->header_count; i++) {
        if (strcasecmp(a->headers[i].name, name) == 0)
            return a->headers[i].value;
    }
    return NULL;
}

static struct http_header *place_for(struct http_response *a, const char *name)
{
    for (size_t i = 0; i < a->header_count; i++) {
        if (strcasecmp(a->headers[i].name, name) == 0) {
            mem_free(a->headers[i].value);
            return &a->headers[i];
        }
    }
    invariant(a->header_count < HTTP_HEADERS_MAX);
    return &a->headers[a->header_count++];
}

void http_response_header(struct http_response *a, const char *name, const char *value)
{
    struct http_header *h = place_for(a, name);
    struct slice s = slice_of(value);

    if (s.len > HTTP_HEADER_VALUE_MAX)
        s.len = HTTP_HEADER_VALUE_MAX;
    h->name = name;
    h->value = slice_to_string(s);
    for (char *c = h->value; *c != '\0'; c++) {
        if (*c < 0x20 || *c == 0x7F)
            *c = '?';
    }
}

void http_response_json_text(struct http_response *a, unsigned status, struct buffer *text)
{
    a->status = status;
    a->content_type = "application/json";
    buffer_deinit(&a->body);
    a->body = *text;
    *text = (struct buffer){0};
}

void http_response_json(struct http_response *a, unsigned status, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS));

    invariant(text != NULL); /* it is ours: no loops in it */
    json_decref(value);
    a->status = status;
    a->content_type = "application/json";
    a->body.len = 0;
    buffer_append_text(&a->body, text);
    free(text);
}

void http_response_problem(struct http_response *a, enum problem p,
                           const struct problem_place *place, const char *detail)
{
    const struct problem_row *row = &problems[p];
    json_t *object = json_object();
    char type[64];

    (void)snprintf(type, sizeof(type), PROBLEM_TYPE "%s", row->name);
    (void)json_object_set_new(object, "type", json_string(type));
    (void)json_object_set_new(object, "title", json_string(row->title));
    (void)json_object_set_new(object, "status", json_integer(row->status));
    (void)json_object_set_new(object, "detail", json_string(detail));
    if (place != NULL && place->field != NULL)
        (void)json_object_set_new(object, "field", json_string(place->field));
    if (place != NULL && place->line != 0) {
        (void)json_object_set_new(object, "line", json_integer(place->line));
        (void)json_object_set_new(object, "column", json_integer(place->column));
    }
    http_response_reset(a);
    http_response_json(a, row->status, object);
    a->content_type = "application/problem+json";
}

void http_response_format_tag(struct slice content, char out[HTTP_ETAG_MAX + 1])
{
    (void)snprintf(out, HTTP_ETAG_MAX + 1, "\"%016" PRIx64 "\"", hash_content(content));
}

const char *http_response_tag(struct http_response *a)
{
    struct slice body = a->fixed.len > 0 ? a->fixed : buffer_slice(&a->body);
    char tag[HTTP_ETAG_MAX + 1];

    if (http_response_find_header(a, "ETag") != NULL)
        return http_response_find_header(a, "ETag");
    http_response_format_tag(body, tag);
    http_response_header(a, "ETag", tag);
    return http_response_find_header(a, "ETag");
}
