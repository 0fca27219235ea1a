/*
 * From a request to its answer: route, caller, right, body, handler, entity tags.
 *
 * It blocks (registry, workers), so it runs on the HTTP server's threads. What a handler writes to
 * the registry is one transaction, and in force before the answer leaves. Knows no HTTP library.
 */
#pragma once

#include "http/http_call.h"

/** Gives GET paths that no route has to the console's files. NULL: 404. May set nothing: 404. */
typedef void (*http_fallback_fn)(const struct http_request *q, struct http_response *a);
extern http_fallback_fn http_fallback;

/** Answers a request, whatever is in it. */
void http_dispatch(struct http_site *site, const struct http_request *q, struct http_response *a);

/** Answers one that is not let through, with all the headers that answers have. */
void http_dispatch_refuse(const struct http_request *q, struct http_response *a, enum problem p,
                          const char *detail);
