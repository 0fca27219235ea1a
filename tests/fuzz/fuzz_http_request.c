/*
 * http_request.h and route.h: whatever stands in a target and in headers, names and values come out
 * decoded within their bounds, as UTF-8 without control characters; a route that is found again by
 * its own parameters is the same.
 */
#include <stdio.h>
#include <string.h>

#include "base/invariant.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "http/http_auth.h"
#include "http/route.h"
#include "http_text.h"

enum { NAME_MAX_LEN = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t max)
{
    invariant(strlen(text) <= max && utf8_is_text(slice_of(text)));
    for (const char *c = text; *c != '\0'; c++)
        invariant((unsigned char)*c >= 0x20 && *c != 0x7F);
}

static bool is_inside(struct slice part, const char *whole)
{
    const char *at = (const char *)part.data;

    return part.len == 0 ||
           (whole != NULL && at >= whole && at + part.len <= whole + strlen(whole));
}

static void check_query(const struct http_request *q)
{
    struct slice rest = q->query;
    char name[NAME_MAX_LEN + 1], value[ROUTE_PARAMETER_MAX + 1];
    size_t before = rest.len + 1;

    while (http_request_next_name(&rest, name, NAME_MAX_LEN)) {
        enum status st;

        invariant(rest.len < before);
        before = rest.len;
        check_text(name, NAME_MAX_LEN);
        st = http_request_query(q, name, value, ROUTE_PARAMETER_MAX);
        invariant(st != ST_NOT_FOUND || strcmp(name, "?") == 0);
        if (st == ST_OK)
            check_text(value, ROUTE_PARAMETER_MAX);
    }
}

static void check_headers(const struct http_request *q)
{
    const char *list = http_request_header(q, "If-Match");

    invariant(is_inside(http_request_cookie(q, HTTP_COOKIE), http_request_header(q, "Cookie")));
    invariant(is_inside(http_request_bearer(q), http_request_header(q, "Authorization")));
    (void)http_request_has_type(q, "application/json");
    if (list == NULL)
        return;
    (void)http_request_etag_matches(list, "\"0123456789abcdef\"");
    if (strpbrk(list, ", \t") == NULL && strncmp(list, "W/", 2) != 0 && list[0] != '\0')
        invariant(http_request_etag_matches(list, list));
}

/* The path that leads to the same parameters, each byte of them escaped. */
static void write_path(const struct route_match *m, struct buffer *out)
{
    struct slice rest = slice_of(m->route->pattern);
    size_t parameter = 0;

    for (bool is_first = true; rest.data != NULL; is_first = false) {
        struct slice segment = slice_cut(&rest, '/');

        if (!is_first)
            buffer_append_u8(out, '/');
        if (segment.len == 0 || segment.data[0] != '{') {
            buffer_append_slice(out, segment);
            continue;
        }
        for (const char *c = m->values[parameter++]; *c != '\0'; c++)
            buffer_printf(out, "%%%02X", (unsigned char)*c);
    }
}

static void check_route(const struct http_request *q)
{
    struct route_match m, again;
    struct buffer path = {0};
    unsigned allowed, allowed_again;

    if (!route_find(q->method, q->path, &m, &allowed))
        return;
    invariant((allowed & 1u << q->method) != 0);
    for (size_t i = 0; i < m.parameter_count; i++) {
        check_text(m.values[i], ROUTE_PARAMETER_MAX);
        invariant(m.values[i][0] != '\0');
    }
    write_path(&m, &path);
    invariant(route_find(q->method, buffer_slice(&path), &again, &allowed_again));
    /* a literal that was written as an escape is a parameter: another row may come first */
    invariant(again.parameter_count == m.parameter_count && allowed_again == allowed);
    invariant(again.route == m.route);
    for (size_t i = 0; i < m.parameter_count; i++)
        invariant(strcmp(again.values[i], m.values[i]) == 0);
    buffer_deinit(&path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t before = mem_bytes_used_total();
    struct http_text t;

    http_text_init(&t, slice_make(data, size), NULL);
    check_query(&t.request);
    check_headers(&t.request);
    if (t.request.method != HTTP_METHOD_COUNT)
        check_route(&t.request);
    http_text_deinit(&t);
    invariant(mem_bytes_used_total() == before);
    return 0;
}
