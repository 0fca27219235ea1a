/*
 * Who calls: an operator by the cookie of a log-in, or an application by a bearer token or a signed
 * request; and what each may.
 *
 * Reads the registry (the caller's connection). Any thread. Source: open-api.md 7
 */
#pragma once

#include "http/http_call.h"

#define HTTP_COOKIE "__Host-eztcloud"

enum {
    HTTP_LOGIN_IDLE_MS = 12 * 3600 * 1000,    /* an operator who does nothing is logged out */
    HTTP_LOGIN_MAX_MS = 7 * 24 * 3600 * 1000, /* and everybody after a week */
    HTTP_TOKEN_LEN = 43,                      /* characters of a log-in's token */
    HTTP_CSRF_LEN = 32,
    HTTP_BEARER_MS = 24 * 3600 * 1000,
    HTTP_BEARER_MAX = 512
};

/** Finds out who calls (call->caller). False: answered, since the credentials are wrong. No
 * credentials are fine: the caller is nobody. */
bool http_auth_identify(struct http_call *call);

/** False: answered, since the caller may not. `call->project` is loaded when the path has one. */
bool http_auth_permit(struct http_call *call);

/** Logs an operator in: a new token, told as a cookie; fills call->caller. Errors: those of the
 * registry. */
enum status http_auth_log_in(struct http_call *call, const struct registry_operator *o) MUST_CHECK;

/** Takes the cookie back. */
void http_auth_clear_cookie(struct http_call *call);

/** The CSRF token that belongs to a log-in's token. */
void http_auth_csrf(const struct http_call *call, struct slice token, char out[HTTP_CSRF_LEN + 1]);

/** Appends a bearer token that stands for a secret (its text), valid until `expires_ms`. */
void http_auth_make_bearer(const struct http_call *call, uint64_t project_id, const char *name,
                           const char *text, int64_t expires_ms, struct buffer *out);

/** True when the caller may see secrets and change what belongs to the project. */
bool http_auth_manages(const struct http_call *call);
