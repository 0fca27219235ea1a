/*
 * Routes as the hosted platform has them: what a program written for it calls here unchanged.
 *
 * Their failures have the HTTP status that tells, and `result`, as the hosted ones.
 * Source: open-api.md 7
 */
#include "base/clock.h"
#include "http/api.h"
#include "http/counters.h"
#include "http/events.h"
#include "http/http_auth.h"

static void fail(struct http_call *call, unsigned status, const char *why)
{
    http_response_json(call->answer, status, json_pack("{s:i, s:s}", "result", 1, "msg", why));
}

/* True: the secret is that of the project, whose row is in `p`. An unknown key costs the same. */
static bool secret_is_right(struct http_call *call, const char *username,
                            struct registry_project *p)
{
    static const char nobody[IDENT_SECRET_LEN + 1];
    const json_t *password = json_object_get(call->body, "password");
    struct slice given = slice_make(json_string_value(password), json_string_length(password));
    uint64_t project_id = ident_parse(IDENT_PROJECT, slice_of(username));
    bool is_known =
        project_id != 0 && registry_project_find(call->registry, project_id, p) == ST_OK;
    struct secret_digest a = secret_digest_of(given);
    struct secret_digest b = secret_digest_of(slice_of(is_known ? p->secret : nobody));

    return secret_digest_equal(&a, &b) && is_known && given.len > 0;
}

void api_hosted_log_in(struct http_call *call)
{
    struct login_guard *guard = call->site->settings.app_logins;
    const json_t *username = json_object_get(call->body, "username");
    struct slice address = call->request->peer_address;
    struct slice name = slice_make(json_string_value(username), json_string_length(username));
    struct registry_project p = {0};
    struct buffer token = {0};

    if (!login_guard_allows(guard, address, name, clock_mono_ms())) {
        fail(call, 429, "too many failed log-ins; wait a while");
        return;
    }
    if (!secret_is_right(call, json_string_value(username), &p)) {
        counter_inc(http_logins_failed);
        if (login_guard_failed(guard, address, name, clock_mono_ms()))
            log_event(EV_HTTP_LOCKED_OUT, "peer", call->request->peer, "username", log_slice(name));
        fail(call, 401, "the username or the password is wrong");
    } else if (!p.enabled) {
        fail(call, 403, "the project is disabled");
    } else {
        login_guard_succeeded(guard, address, name);
        http_auth_make_bearer(call, &p, clock_unix_ms() + HTTP_BEARER_MS, &token);
        http_answer(call, json_pack("{s:i, s:s%}", "result", 0, "token", token.data, token.len));
        buffer_deinit(&token);
    }
    secret_wipe(&p, sizeof(p));
}
