/*
 * One request on its way through the API: what its handler is given, and what it answers with.
 *
 * When a handler runs, the caller's right was checked, the project (and device) of the path exist
 * and are loaded, and the body is one of its schema. Belongs to the thread that serves the request.
 */
#pragma once

#include <jansson.h>

#include "http/http_request.h"
#include "http/http_response.h"
#include "http/http_site.h"
#include "http/route.h"
#include "platform/project_secret.h"
#include "store/registry_operator.h"

enum http_caller_kind { HTTP_CALLER_NOBODY, HTTP_CALLER_OPERATOR, HTTP_CALLER_APPLICATION };

struct http_caller {
    enum http_caller_kind kind;
    bool is_admin;                            /* operator */
    char username[REGISTRY_USERNAME_MAX + 1]; /* operator */
    uint8_t token_hash[SECRET_HASH_LEN];      /* operator: of the log-in */
    char csrf[33];                            /* operator */
    int64_t expires_ms;                       /* operator */
    uint64_t project_id;                      /* application */
    struct project_secret *secret;            /* application: a reference; NULL: signed */
    uint8_t scopes;                           /* application */
};

struct http_call {
    const struct http_request *request;
    struct http_response *answer;
    struct http_site *site;
    struct registry *registry; /* its own until the end of the call */
    struct route_match match;
    struct http_caller caller;
    struct registry_project project; /* of {project_key}; its project_id is 0 when there is none */
    struct registry_device device;   /* of {device} */
    json_t *body;                    /* owned; NULL: none, or the handler reads request->body */
};

/** A parameter of the path, decoded; our bug when the pattern has none of that name. */
const char *http_call_parameter(const struct http_call *call, const char *name);

/** Answers with the status of the route. The value is taken. */
void http_answer(struct http_call *call, json_t *value);
/** The same with a JSON text, whose bytes are taken. */
void http_answer_text(struct http_call *call, struct buffer *text);
/** The same for something new, which is at `base` and `name` from now on. */
void http_answer_made(struct http_call *call, const char *base, const char *name, json_t *value);
/** The same without a body (204). */
void http_answer_nothing(struct http_call *call);

/** Answers with a problem and a sentence for a person. */
void http_fail(struct http_call *call, enum problem p, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/** The same, naming the member that is at fault: 422 when `p` is PROBLEM_invalid. */
void http_fail_field(struct http_call *call, enum problem p, const char *field, const char *format,
                     ...) __attribute__((format(printf, 4, 5)));
/** Answers with what a failure of the registry means; `what` is "the device". */
void http_fail_status(struct http_call *call, enum status st, const char *what);

/** Whether it worked; if not, http_fail_status has answered. */
bool http_succeeded(struct http_call *call, enum status st, const char *what);

/** Answers with a failure in the form of the hosted platform. */
void http_fail_hosted(struct http_call *call, unsigned status, const char *why);

/** A query parameter: at most ROUTE_PARAMETER_MAX bytes. False: it is not there, or answered
 * already (call->answer->status is set then). */
bool http_call_query(struct http_call *call, const char *name, char out[ROUTE_PARAMETER_MAX + 1]);

/** Takes a text member of the body that its schema has checked; false: it is not there. */
bool http_take_text(const struct http_call *call, const char *name, char *out, size_t max);
bool http_take_bool(const struct http_call *call, const char *name, bool *out);

/** A query parameter that is a whole number from `min` to `max`. False: it is not there, or
 * answered already. */
bool http_call_query_number(struct http_call *call, const char *name, uint64_t min, uint64_t max,
                            uint64_t *out);
/** A query parameter that is an identifier. False: answered; `*id` stays when it is not there. */
bool http_call_query_ident(struct http_call *call, const char *name, enum ident_kind kind,
                           uint64_t *id);
/** `limit`, or what it is by itself. False: answered. */
bool http_call_query_limit(struct http_call *call, size_t *limit);

/** A page of a list: rows are counted off, and the page ends at `limit`. */
struct http_page {
    size_t limit;
    uint64_t after; /* position behind which it begins; 0: at the front */
    json_t *items;  /* owned */
    uint64_t next;  /* position of the last row taken; 0: nothing was left out */
    bool is_full;
};

/** Reads `limit` and `cursor`. False: answered. */
bool http_page_begin(struct http_call *call, struct http_page *page);
/** Adds an item (taken), whose row is at `position` (growing). False: the page was full already, it
 * was not added, and the walk ends. */
bool http_page_add(struct http_page *page, uint64_t position, json_t *item);
/** Answers with the page, unless the call is answered already; or as http_fail_status if the walk
 * has failed. */
void http_page_end(struct http_call *call, struct http_page *page, enum status st,
                   const char *what);

/** What a text that was stored says; NULL: it is damaged. */
json_t *http_json_stored(struct slice text);

/** An identifier as text. */
json_t *http_json_ident(enum ident_kind kind, uint64_t id);
