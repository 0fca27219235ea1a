/* Lines are cut in a copy; the library, too, gives zero-ended strings. */
#include "http_text.h"

#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/mem.h"

static const char *find_header(const void *arg, const char *name)
{
    const struct http_text *t = arg;

    for (size_t i = 0; i < t->header_count; i++) {
        if (strcasecmp(t->headers[i].name, name) == 0)
            return t->headers[i].value;
    }
    return NULL;
}

/* Cuts a line off, up to its end or a zero byte in it. */
static char *cut_line(char **rest)
{
    char *line = *rest, *end = line == NULL ? NULL : strchr(line, '\n');

    if (end != NULL)
        *end = '\0';
    *rest = end == NULL ? NULL : end + 1;
    return line;
}

static void take_target(struct http_text *t, char *line)
{
    char *target = line == NULL ? NULL : strchr(line, ' ');
    struct slice rest;

    if (target != NULL)
        *target++ = '\0';
    t->request.method = http_method_parse(line == NULL ? "" : line);
    rest = slice_of(target == NULL ? "/" : target);
    if (rest.len > HTTP_TARGET_MAX)
        rest.len = HTTP_TARGET_MAX;
    t->request.path = slice_cut(&rest, '?');
    t->request.query = rest;
}

static void take_header(struct http_text *t, char *line)
{
    char *value = strchr(line, ':');

    if (value == NULL || t->header_count == HTTP_TEXT_HEADERS_MAX)
        return;
    *value++ = '\0';
    while (*value == ' ')
        value++;
    t->headers[t->header_count].name = line;
    t->headers[t->header_count++].value = t->replace == NULL ? value : t->replace(value);
}

static void take_body(struct http_text *t, struct slice text)
{
    struct slice rest = text;

    while (rest.len > 0) {
        if (slice_cut(&rest, '\n').len == 0)
            break;
    }
    t->body = mem_new(MEM_TEST, rest.len + JSON_PADDING);
    if (rest.len > 0)
        memcpy(t->body, rest.data, rest.len);
    t->request.body = slice_make(t->body, rest.len);
}

void http_text_init(struct http_text *t, struct slice text,
                    const char *(*replace)(const char *value))
{
    char *rest, *line;

    *t = (struct http_text){.replace = replace};
    t->lines = rest = slice_to_string(text);
    take_target(t, cut_line(&rest));
    while ((line = cut_line(&rest)) != NULL && line[0] != '\0')
        take_header(t, line);
    take_body(t, text);
    t->request.peer = "192.0.2.1:49152";
    t->request.peer_address = slice_of("192.0.2.1");
    t->request.find_header = find_header;
    t->request.headers = t;
}

void http_text_deinit(struct http_text *t)
{
    mem_free(t->lines);
    mem_free(t->body);
    *t = (struct http_text){0};
}
