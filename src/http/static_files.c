/*
 * Which file, in which form, and with which promises to caches.
 *
 * Names that hold a hash of their content are kept for ever; everything else is asked for again
 * each time, and 304 answers where it is the same.
 */
#include "http/static_files.h"

#include <stdio.h>
#include <strings.h>

#define FOR_EVER  "public, max-age=31536000, immutable"
#define ASK_AGAIN "no-cache"

/* Scripts, styles, requests and sockets: of this server alone, nothing inline. Element Plus has
 * small pictures as data: in its style sheets. */
#define PAGE_POLICY                                                                   \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " \
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

static const struct static_file *served;
static size_t served_count;

void static_files_use(const struct static_file *files, size_t count)
{
    served = files;
    served_count = count;
}

static const struct static_file *find_file(struct slice path)
{
    if (slice_is(path, "/"))
        path = slice_of("/index.html");
    for (size_t i = 0; i < served_count; i++) {
        if (slice_is(path, served[i].path))
            return &served[i];
    }
    return NULL;
}

static struct slice trimmed(struct slice s)
{
    while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t'))
        s = slice_from(s, 1);
    while (s.len > 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
        s.len--;
    return s;
}

static bool is_word(struct slice s, const char *word)
{
    return s.len == strlen(word) && strncasecmp((const char *)s.data, word, s.len) == 0;
}

/* True for "q=0", "q=0.0" and the like: the coding is named to be left out. */
static bool is_refused(struct slice parameters)
{
    struct slice weight = trimmed(parameters);

    if (weight.len < 3 || strncasecmp((const char *)weight.data, "q=0", 3) != 0)
        return false;
    for (size_t i = 3; i < weight.len; i++) {
        if (weight.data[i] != '.' && weight.data[i] != '0')
            return false;
    }
    return true;
}

bool static_files_takes_gzip(const char *accept)
{
    struct slice rest = slice_of(accept);

    while (rest.len > 0) {
        struct slice parameters = slice_cut(&rest, ',');
        struct slice coding = trimmed(slice_cut(&parameters, ';'));

        if (is_word(coding, "gzip"))
            return !is_refused(parameters);
    }
    return false;
}

void static_files_answer(const struct http_request *q, struct http_response *a)
{
    const struct static_file *file = find_file(q->path);
    const char *known = http_request_header(q, "If-None-Match");
    char tag[STATIC_FILE_TAG_LEN + sizeof("\"-gz\"")];
    bool is_packed;

    if (file == NULL)
        return;
    if (q->method == HTTP_METHOD_OPTIONS) {
        a->status = 204;
        http_response_header(a, "Allow", "GET, HEAD, OPTIONS");
        return;
    }
    is_packed =
        file->packed.len > 0 && static_files_takes_gzip(http_request_header(q, "Accept-Encoding"));
    /* two forms of one file are two things to a cache */
    (void)snprintf(tag, sizeof(tag), "\"%s%s\"", file->tag, is_packed ? "-gz" : "");
    http_response_header(a, "ETag", tag);
    http_response_header(a, "Cache-Control", file->is_immutable ? FOR_EVER : ASK_AGAIN);
    http_response_header(a, "Vary", "Accept-Encoding");
    http_response_header(a, "Content-Security-Policy", PAGE_POLICY);
    if (known != NULL && http_request_etag_matches(known, tag)) {
        a->status = 304;
        return;
    }
    a->status = 200;
    a->content_type = file->content_type;
    a->fixed = is_packed ? file->packed : file->plain;
    if (is_packed)
        http_response_header(a, "Content-Encoding", "gzip");
}
