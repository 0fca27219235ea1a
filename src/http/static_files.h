/*
 * The console's files, served from memory: what GET gives at paths that no route has.
 *
 * The files are embedded and never change while the program runs, so nothing is copied, and any
 * thread may ask. Source: RFC 9110 sections 8.8.3, 12.5.3, 13.1.2; CSP Level 3
 */
#pragma once

#include "http/http_request.h"
#include "http/http_response.h"

enum { STATIC_FILE_TAG_LEN = 16 };

/** One file; everything is static. */
struct static_file {
    const char *path;                  /* "/assets/index-DNwQzWvT.js" */
    const char *content_type;          /* with its character set */
    char tag[STATIC_FILE_TAG_LEN + 1]; /* made from the content */
    bool is_immutable;                 /* its name changes with its content */
    struct slice plain;                /* as it is; not empty */
    struct slice packed;               /* with gzip; empty: not worth it */
};

/** What is served from now on, borrowed for ever; "/" is "/index.html". Called before the server
 * takes requests. */
void static_files_use(const struct static_file *files, size_t count);

/** Answers GET, HEAD and OPTIONS of a file; leaves the answer alone where there is none. */
void static_files_answer(const struct http_request *q, struct http_response *a);

/** True when a value of Accept-Encoding takes gzip; NULL takes nothing. */
bool static_files_takes_gzip(const char *accept);
