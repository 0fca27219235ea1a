/*
 * A request of the HTTPS API out of a text, as the HTTP library would hand it over:
 *
 *     METHOD target
 *     Name: value
 *                      (an empty line, then the body)
 *
 * Neither target nor headers hold a zero byte or an end of line; of a name that stands there twice
 * the first counts.
 */
#pragma once

#include "http/http_request.h"

enum { HTTP_TEXT_HEADERS_MAX = 16 };

struct http_text {
    struct http_request request; /* everything in it is borrowed from here */
    char *lines;                 /* owned: the text, each line zero-ended */
    uint8_t *body;               /* owned, padded */
    struct {
        const char *name, *value;
    } headers[HTTP_TEXT_HEADERS_MAX];
    size_t header_count;
    /** Gives another value for a header's; NULL: none is changed. */
    const char *(*replace)(const char *value);
};

void http_text_init(struct http_text *t, struct slice text,
                    const char *(*replace)(const char *value));
void http_text_deinit(struct http_text *t);
