/*
 * Readers of targets and headers. What is malformed is told as such, never guessed at.
 */
#include "http/http_request.h"

#include <string.h>
#include <strings.h>

#include "base/utf8.h"

static const struct method {
    const char *name;
    bool is_safe;
} methods[HTTP_METHOD_COUNT] = {
#define X(name, is_safe) {#name, is_safe},
    HTTP_METHOD_LIST(X)
#undef X
};

enum http_method http_method_parse(const char *name)
{
    unsigned m = 0;

    while (m < HTTP_METHOD_COUNT && strcmp(methods[m].name, name) != 0)
        m++;
    return (enum http_method)m;
}

const char *http_method_name(enum http_method m)
{
    return methods[m].name;
}

bool http_method_is_safe(enum http_method m)
{
    return methods[m].is_safe;
}

const char *http_request_header(const struct http_request *q, const char *name)
{
    return q->find_header(q->headers, name);
}

/* --- percent-encoding ------------------------------------------------------------------------- */

/* -1: no digit. */
static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte at the front of `*rest`, which moves on; -1: a broken escape. */
static int next_byte(struct slice *rest, bool plus_is_space)
{
    uint8_t c = rest->data[0];
    int high, low;

    if (c != '%') {
        *rest = slice_from(*rest, 1);
        return c == '+' && plus_is_space ? ' ' : c;
    }
    high = rest->len >= 3 ? hex_digit(rest->data[1]) : -1;
    low = rest->len >= 3 ? hex_digit(rest->data[2]) : -1;
    if (high < 0 || low < 0)
        return -1;
    *rest = slice_from(*rest, 3);
    return high << 4 | low;
}

enum status http_request_decode(struct slice text, bool plus_is_space, char *out, size_t max)
{
    struct slice rest = text;
    size_t len = 0;

    out[0] = '\0';
    while (rest.len > 0) {
        int c = next_byte(&rest, plus_is_space);

        if (c < 0x20 || c == 0x7F)
            return ST_MALFORMED;
        if (len >= max)
            return ST_TOO_LARGE;
        out[len++] = (char)c;
    }
    out[len] = '\0';
    return utf8_is_text(slice_make(out, len)) ? ST_OK : ST_MALFORMED;
}

/* --- query ------------------------------------------------------------------------------------ */

enum { NAME_MAX_LEN = 64 };

enum status http_request_query(const struct http_request *q, const char *name, char *out,
                               size_t max)
{
    struct slice rest = q->query;
    enum status st = ST_NOT_FOUND;

    out[0] = '\0';
    while (rest.len > 0) {
        struct slice value = slice_cut(&rest, '&');
        struct slice key = slice_cut(&value, '=');
        char decoded[NAME_MAX_LEN + 1];

        if (http_request_decode(key, true, decoded, NAME_MAX_LEN) == ST_OK &&
            strcmp(decoded, name) == 0)
            st = http_request_decode(value, true, out, max);
    }
    return st;
}

bool http_request_next_name(struct slice *rest, char *out, size_t max)
{
    while (rest->len > 0) {
        struct slice value = slice_cut(rest, '&');
        struct slice key = slice_cut(&value, '=');

        if (key.len == 0)
            continue;
        if (http_request_decode(key, true, out, max) != ST_OK)
            memcpy(out, "?", 2);
        return true;
    }
    return false;
}

/* --- headers ---------------------------------------------------------------------------------- */

static struct slice trim(struct slice s)
{
    while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t'))
        s = slice_from(s, 1);
    while (s.len > 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
        s.len--;
    return s;
}

struct slice http_request_cookie(const struct http_request *q, const char *name)
{
    struct slice rest = slice_of(http_request_header(q, "Cookie"));

    while (rest.len > 0) {
        struct slice value = slice_cut(&rest, ';');
        struct slice key = trim(slice_cut(&value, '='));

        value = trim(value);
        if (!slice_is(key, name))
            continue;
        if (value.len >= 2 && value.data[0] == '"' && value.data[value.len - 1] == '"')
            value = slice_make(value.data + 1, value.len - 2);
        return value;
    }
    return slice_make(NULL, 0);
}

struct slice http_request_bearer(const struct http_request *q)
{
    static const char scheme[] = "Bearer ";
    const char *value = http_request_header(q, "Authorization");

    if (value == NULL || strncasecmp(value, scheme, sizeof(scheme) - 1) != 0)
        return slice_make(NULL, 0);
    return trim(slice_of(value + sizeof(scheme) - 1));
}

bool http_request_has_type(const struct http_request *q, const char *type)
{
    struct slice rest = slice_of(http_request_header(q, "Content-Type"));
    struct slice given = trim(slice_cut(&rest, ';'));

    return given.len == strlen(type) && strncasecmp((const char *)given.data, type, given.len) == 0;
}

bool http_request_etag_matches(const char *list, const char *etag)
{
    struct slice rest = slice_of(list);

    while (rest.len > 0) {
        struct slice tag = trim(slice_cut(&rest, ','));

        if (slice_starts_with(tag, slice_of("W/")))
            tag = slice_from(tag, 2);
        if (slice_is(tag, "*") || slice_is(tag, etag))
            return true;
    }
    return false;
}
