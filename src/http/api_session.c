/*
 * The first operator, and log-ins: who is there, and out again.
 *
 * A wrong name and a wrong password get the same answer after the same work; the lock-out is that
 * of the MQTT services (service/login.h), with a guard of its own.
 */
#include "base/clock.h"
#include "http/api.h"
#include "http/counters.h"
#include "http/events.h"
#include "http/http_auth.h"

enum { LOGIN_TEXT_MAX = 256 * 4 /* bytes of 256 characters */ };

static void answer_session(struct http_call *call)
{
    const struct http_caller *c = &call->caller;

    http_answer(call, json_pack("{s:s, s:s, s:s, s:I}", "username", c->username, "role",
                                c->is_admin ? "admin" : "viewer", "csrf_token", c->csrf,
                                "expires_ms", (json_int_t)c->expires_ms));
}

/* --- the first operator ----------------------------------------------------------------------- */

/* False: answered. */
static bool count_operators(struct http_call *call, size_t *all)
{
    size_t admins;
    enum status st = registry_operator_count(call->registry, all, &admins);

    return http_succeeded(call, st, "the operators");
}

void api_session_setup_state(struct http_call *call)
{
    size_t all;

    if (count_operators(call, &all))
        http_answer(call, json_pack("{s:b}", "needed", all == 0));
}

static bool token_is_right(struct http_call *call)
{
    struct login_guard *guard = call->site->logins;
    struct slice address = call->request->peer_address, name = slice_of("setup");
    const json_t *token = json_object_get(call->body, "token");

    if (!login_guard_allows(guard, address, name, clock_mono_ms())) {
        http_fail(call, PROBLEM_locked_out, "too many wrong tokens; wait a while");
        return false;
    }
    if (secret_equal(slice_make(json_string_value(token), json_string_length(token)),
                     slice_of(call->site->setup_token)))
        return true;
    counter_inc(http_logins_failed);
    (void)login_guard_failed(guard, address, name, clock_mono_ms());
    http_fail(call, PROBLEM_forbidden,
              "the token is not that of the link that the server printed at its last start");
    return false;
}

void api_session_set_up(struct http_call *call)
{
    struct registry_operator o = {.is_admin = true, .created_ms = clock_unix_ms()};
    const json_t *password = json_object_get(call->body, "password");
    enum status st;
    size_t all;

    if (!count_operators(call, &all))
        return;
    if (all > 0) {
        http_fail(call, PROBLEM_forbidden, "there is an operator: log in");
        return;
    }
    if (!token_is_right(call))
        return;
    (void)http_take_text(call, "username", o.username, REGISTRY_USERNAME_MAX);
    o.last_login_ms = o.created_ms;
    st = secret_password_hash(slice_make(json_string_value(password), json_string_length(password)),
                              o.password_hash);
    if (st == ST_OK)
        st = registry_operator_add(call->registry, &o);
    if (st == ST_OK)
        st = http_auth_log_in(call, &o);
    if (!http_succeeded(call, st, "the operator"))
        return;
    log_event(EV_OPERATOR_CHANGED, "operator", o.username, "what", "added", "by", "setup");
    answer_session(call);
}

/* --- log in, log out -------------------------------------------------------------------------- */

static void refuse(struct http_call *call, const char *username)
{
    struct slice address = call->request->peer_address, name = slice_of(username);

    counter_inc(http_logins_failed);
    log_event(EV_OPERATOR_REFUSED, "peer", call->request->peer, "username", log_slice(name));
    if (login_guard_failed(call->site->logins, address, name, clock_mono_ms()))
        log_event(EV_HTTP_LOCKED_OUT, "peer", call->request->peer, "username", log_slice(name));
    http_fail(call, PROBLEM_unauthenticated, "the user name or the password is wrong");
}

/* False: answered. On success `o` is the operator. */
static bool check_password(struct http_call *call, const char *username, const char *member,
                           struct registry_operator *o)
{
    const json_t *password = json_object_get(call->body, member);
    enum status st = registry_operator_find(call->registry, username, o);
    bool is_right;

    if (st != ST_OK && st != ST_NOT_FOUND) {
        http_fail_status(call, st, "the operator");
        return false;
    }
    if (!login_guard_allows(call->site->logins, call->request->peer_address, slice_of(username),
                            clock_mono_ms())) {
        http_fail(call, PROBLEM_locked_out, "too many wrong passwords; wait a while");
        http_response_header(call->answer, "Retry-After", "60");
        return false;
    }
    is_right = secret_password_verify(
        st == ST_OK ? o->password_hash : NULL,
        slice_make(json_string_value(password), json_string_length(password)));
    if (is_right)
        login_guard_succeeded(call->site->logins, call->request->peer_address, slice_of(username));
    else
        refuse(call, username);
    return is_right;
}

void api_session_log_in(struct http_call *call)
{
    char username[LOGIN_TEXT_MAX + 1];
    struct registry_operator o = {0};
    enum status st;

    (void)http_take_text(call, "username", username, LOGIN_TEXT_MAX);
    if (!check_password(call, username, "password", &o))
        return;
    o.last_login_ms = clock_unix_ms();
    st = registry_operator_update(call->registry, &o);
    if (st == ST_OK)
        st = http_auth_log_in(call, &o);
    if (!http_succeeded(call, st, "the log-in"))
        return;
    log_event(EV_OPERATOR_LOGGED_IN, "peer", call->request->peer, "operator", o.username);
    answer_session(call);
    secret_wipe(&o, sizeof(o));
}

void api_session_log_out(struct http_call *call)
{
    enum status st = registry_login_remove(call->registry, call->caller.token_hash);

    if (!http_succeeded(call, st, "the log-in"))
        return;
    http_auth_clear_cookie(call);
    http_answer_nothing(call);
}

void api_session_show(struct http_call *call)
{
    answer_session(call);
}

void api_session_change_password(struct http_call *call)
{
    const json_t *password = json_object_get(call->body, "new_password");
    struct registry_operator o = {0};
    enum status st;

    if (!check_password(call, call->caller.username, "old_password", &o))
        return;
    st = secret_password_hash(slice_make(json_string_value(password), json_string_length(password)),
                              o.password_hash);
    if (st == ST_OK)
        st = registry_operator_update(call->registry, &o);
    if (st == ST_OK)
        st = registry_login_remove_others(call->registry, o.username, call->caller.token_hash);
    secret_wipe(&o, sizeof(o));
    if (!http_succeeded(call, st, "the password"))
        return;
    log_event(EV_OPERATOR_CHANGED, "operator", call->caller.username, "what", "password", "by",
              call->caller.username);
    http_answer_nothing(call);
}
