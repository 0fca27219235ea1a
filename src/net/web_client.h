/*
 * A client that posts to other people's web servers: several requests at once, on one thread.
 *
 * Where a request goes is told by others, so it goes to public addresses only, unless the range is
 * allowed: what is checked is the address that is about to be connected to, not a name. Redirects
 * are not followed, proxies of the environment not used, certificates verified. What comes back is
 * read up to a limit and thrown away. Belongs to one thread but for web_client_wake. libcurl is
 * known here only.
 */
#pragma once

#include <stdbool.h>

#include "base/address_range.h"

struct web_client;

struct web_client_options {
    const char *agent;                   /* User-Agent; borrowed */
    const char *ca_file;                 /* borrowed; "": the CAs of the system */
    const struct address_range *allowed; /* borrowed: beside public addresses */
    size_t allowed_count;
    unsigned timeout_ms; /* of a request, from begin to end */
};

struct web_header {
    const char *name, *value;
};

struct web_post {
    const char *url; /* http or https */
    const struct web_header *headers;
    size_t header_count;
    struct slice body;
};

struct web_answer {
    unsigned status;   /* of HTTP; 0: none came */
    const char *cause; /* why not, for a person; borrowed. NULL: one came whole */
};

/** Called from within web_client_turn. */
typedef void (*web_answer_fn)(const struct web_answer *a, void *arg);

/** Before threads are made. */
struct web_client *web_client_new(const struct web_client_options *o);
/** What is under way ends without an answer. NULL inside is accepted. */
void web_client_free(struct web_client **c);

/** Begins a request; everything is copied. */
void web_client_post(struct web_client *c, const struct web_post *post, web_answer_fn fn,
                     void *arg);

/** Works on what is under way, and waits for more: at most `wait_ms`, or until it is woken. */
void web_client_turn(struct web_client *c, unsigned wait_ms);

/** Ends the wait, or the next one. Any thread. */
void web_client_wake(struct web_client *c);
