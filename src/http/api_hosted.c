/*
 * Routes as the hosted platform has them: what a program written for it calls here unchanged.
 *
 * Their failures have the HTTP status that tells, and `result`, as the hosted ones.
 * Source: open-api.md 7
 */
#include <stdio.h>

#include "base/clock.h"
#include "http/api.h"
#include "http/counters.h"
#include "http/events.h"
#include "http/http_auth.h"
#include "http/http_credential.h"
#include "net/peer_address.h"

/* True: refused, answered. */
static bool refused(struct http_call *call, uint64_t project_id, struct slice name,
                    const struct project_secret *s)
{
    struct login_guard *guard = call->site->settings.app_logins;
    struct registry_project p;
    const char *why;

    if (s == NULL) {
        counter_inc(http_logins_failed);
        if (login_guard_failed(guard, call->request->peer_address, name, clock_mono_ms()))
            log_event(EV_HTTP_LOCKED_OUT, "peer", call->request->peer, "username", log_slice(name));
        http_fail_hosted(call, 401, "the username or the password is wrong");
        return true;
    }
    login_guard_succeeded(guard, call->request->peer_address, name);
    why = http_credential_refuses(call, s);
    if (why == NULL &&
        (registry_project_find(call->registry, project_id, &p) != ST_OK || !p.enabled))
        why = "the project is disabled";
    secret_wipe(&p, sizeof(p));
    if (why != NULL)
        http_fail_hosted(call, 403, why);
    return why != NULL;
}

/* The time of its use is for people, and of no weight: that it could not be written is not told. */
static void note_use(struct http_call *call, uint64_t project_id, const struct project_secret *s)
{
    char address[PEER_ADDRESS_TEXT];
    struct slice peer = call->request->peer_address;

    (void)snprintf(address, sizeof(address), "%.*s", (int)peer.len, (const char *)peer.data);
    if (registry_secret_set_use(call->registry, project_id, s->name, clock_unix_ms(), address) !=
        ST_OK)
        counter_inc(http_logins_not_kept);
}

void api_hosted_log_in(struct http_call *call)
{
    const json_t *username = json_object_get(call->body, "username");
    const json_t *password = json_object_get(call->body, "password");
    struct slice name = slice_make(json_string_value(username), json_string_length(username));
    struct slice given = slice_make(json_string_value(password), json_string_length(password));
    uint64_t project_id = ident_parse(IDENT_PROJECT, name);
    struct buffer token = {0};
    struct project_secret *s;

    if (!login_guard_allows(call->site->settings.app_logins, call->request->peer_address, name,
                            clock_mono_ms())) {
        http_fail_hosted(call, 429, "too many failed log-ins; wait a while");
        return;
    }
    s = http_credential_find_text(call, project_id, given);
    if (!refused(call, project_id, name, s)) {
        note_use(call, project_id, s);
        http_auth_make_bearer(call, project_id, s->name, json_string_value(password),
                              clock_unix_ms() + HTTP_BEARER_MS, &token);
        http_answer(call, json_pack("{s:i, s:s%}", "result", 0, "token", token.data, token.len));
        buffer_deinit(&token);
    }
    project_secret_unref(&s);
}
