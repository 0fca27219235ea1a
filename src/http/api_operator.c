/*
 * Operators: who may use the console and this API.
 *
 * There is always an administrator left: nobody shuts everybody out by mistake.
 */
#include "base/clock.h"
#include "http/api.h"
#include "http/events.h"

static json_t *describe(const struct registry_operator *o)
{
    return json_pack("{s:s, s:s, s:I, s:o}", "username", o->username, "role",
                     o->is_admin ? "admin" : "viewer", "created_ms", (json_int_t)o->created_ms,
                     "last_login_ms",
                     o->last_login_ms == 0 ? json_null() : json_integer(o->last_login_ms));
}

static void tell(const struct http_call *call, const char *username, const char *what)
{
    log_event(EV_OPERATOR_CHANGED, "operator", username, "what", what, "by", call->caller.username);
}

/* Positions are those of the walk: there are few operators. */
struct walk {
    struct http_page page;
    uint64_t position;
};

static bool on_operator(const struct registry_operator *o, void *arg)
{
    struct walk *w = arg;

    if (++w->position <= w->page.after)
        return true;
    return http_page_add(&w->page, w->position, describe(o));
}

void api_operator_list(struct http_call *call)
{
    struct walk w = {0};
    enum status st;

    if (!http_page_begin(call, &w.page))
        return;
    st = registry_operator_each(call->registry, on_operator, &w);
    http_page_end(call, &w.page, st, "the operators");
}

/* Takes password and role of the body. False: answered. */
static bool take(struct http_call *call, struct registry_operator *o)
{
    const json_t *password = json_object_get(call->body, "password");
    const json_t *role = json_object_get(call->body, "role");
    enum status st = ST_OK;

    if (role != NULL)
        o->is_admin = strcmp(json_string_value(role), "admin") == 0;
    if (password != NULL)
        st = secret_password_hash(
            slice_make(json_string_value(password), json_string_length(password)),
            o->password_hash);
    return http_succeeded(call, st, "the password");
}

void api_operator_add(struct http_call *call)
{
    struct registry_operator o = {.created_ms = clock_unix_ms()};
    enum status st;

    (void)http_take_text(call, "username", o.username, REGISTRY_USERNAME_MAX);
    if (!take(call, &o))
        return;
    st = registry_operator_add(call->registry, &o);
    if (!http_succeeded(call, st, "the operator"))
        return;
    tell(call, o.username, "added");
    http_answer_made(call, "/api/v1/operators/", o.username, describe(&o));
}

/* False: answered. */
static bool find(struct http_call *call, struct registry_operator *o)
{
    enum status st =
        registry_operator_find(call->registry, http_call_parameter(call, "username"), o);

    return http_succeeded(call, st, "the operator");
}

void api_operator_show(struct http_call *call)
{
    struct registry_operator o;

    if (find(call, &o))
        http_answer(call, describe(&o));
}

/* False: answered, since nobody would be left who may change anything. */
static bool an_admin_is_left(struct http_call *call)
{
    size_t all, admins;
    enum status st = registry_operator_count(call->registry, &all, &admins);

    if (st != ST_OK)
        http_fail_status(call, st, "the operators");
    else if (admins == 0)
        http_fail(call, PROBLEM_conflict, "no administrator would be left");
    return call->answer->status == 0;
}

void api_operator_change(struct http_call *call)
{
    bool ends_logins = json_object_get(call->body, "password") != NULL;
    struct registry_operator o;
    enum status st;

    if (!find(call, &o) || !take(call, &o))
        return;
    st = registry_operator_update(call->registry, &o);
    if (st == ST_OK && ends_logins)
        st = registry_login_remove_others(call->registry, o.username, NULL);
    if (!http_succeeded(call, st, "the operator"))
        return;
    if (!an_admin_is_left(call))
        return;
    tell(call, o.username, "changed");
    http_answer(call, describe(&o));
}

void api_operator_remove(struct http_call *call)
{
    const char *username = http_call_parameter(call, "username");
    enum status st = registry_operator_remove(call->registry, username);

    if (!http_succeeded(call, st, "the operator"))
        return;
    if (!an_admin_is_left(call))
        return;
    tell(call, username, "removed");
    http_answer_nothing(call);
}
