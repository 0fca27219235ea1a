/*
 * The secrets of a project, and passes made of them.
 *
 * What a secret may stands in its definition (docs/secrets.md), whose members are the ones of the
 * API; null in the API is a member that is not there. The text of a secret leaves only where it is
 * made or asked for.
 */
#include "base/clock.h"
#include "http/api.h"
#include "http/api_endpoints.h"
#include "http/definition_members.h"
#include "platform/browser_pass.h"
#include "service/secret_usage.h"

enum { PASS_SECONDS = 3600 };

/* The members of a definition. */
static const char *const names[] = {"scopes", "devices", "types", "addresses", "expires_ms"};
static const struct definition_members limits = {names, sizeof(names) / sizeof(names[0])};

/* --- answers ---------------------------------------------------------------------------------- */

static json_t *scopes_as_words(unsigned scopes)
{
    json_t *list = json_array();

    for (unsigned scope = 0; scope < SCOPE_COUNT; scope++) {
        if ((scopes & SCOPE_BIT(scope)) != 0)
            (void)json_array_append_new(list, json_string(scope_word((enum scope)scope)));
    }
    return list;
}

/* The newest use may not have been written to the registry yet. */
static void describe_use(struct http_call *call, const struct registry_secret *x, json_t *object)
{
    struct secret_usage *usage = call->site->settings.secret_usage;
    int64_t used_ms = x->used_ms;
    const char *from = x->used_from;
    struct secret_use use;

    if (secret_usage_find(usage, x->project_id, x->name, &use) && use.used_ms > used_ms) {
        used_ms = use.used_ms;
        from = use.used_from;
    }
    (void)json_object_set_new(object, "last_used_ms",
                              used_ms == 0 ? json_null() : json_integer(used_ms));
    (void)json_object_set_new(object, "last_used_address",
                              used_ms == 0 ? json_null() : json_string(from));
}

static json_t *describe(struct http_call *call, const struct registry_secret *x)
{
    json_t *definition = http_json_stored(x->definition);
    json_t *object = json_pack("{s:s}", "name", x->name);

    definition_members_show(&limits, definition, object);
    if (json_object_get(definition, "scopes") == NULL)
        (void)json_object_set_new(object, "scopes", scopes_as_words(SCOPES_ALL));
    (void)json_object_set_new(object, "created_ms", json_integer(x->created_ms));
    describe_use(call, x, object);
    json_decref(definition);
    return object;
}

static void answer_value(struct http_call *call, const char *secret)
{
    http_answer(call, json_pack("{s:s}", "secret", secret));
    http_response_header(call->answer, "Cache-Control", "no-store");
}

/* --- one ---------------------------------------------------------------------------------------
 */

/* A secret in hands; free_held when done. */
struct held {
    struct registry_secret row;
    struct buffer definition; /* that the row's leads to */
};

static void free_held(struct held *h)
{
    secret_wipe(&h->row, sizeof(h->row));
    buffer_deinit(&h->definition);
}

/* The secret of the path; false: answered. */
static bool find(struct http_call *call, struct held *h)
{
    enum status st =
        registry_secret_find(call->registry, call->project.project_id,
                             http_call_parameter(call, "name"), &h->row, &h->definition);

    return http_succeeded(call, st, "the secret");
}

/* Takes the limits of the body into the definition; false: answered. */
static bool take_limits(struct http_call *call, struct held *h)
{
    char error[PROJECT_SECRET_ERROR_MAX];
    struct project_secret *s;
    enum status st;

    definition_members_take(&limits, call->body, h->row.definition, &h->definition);
    h->row.definition = buffer_slice(&h->definition);
    st = project_secret_parse(h->row.name, slice_of(h->row.secret), h->row.definition, &s, error);
    if (st != ST_OK)
        http_fail(call, PROBLEM_invalid, "%s", error);
    project_secret_unref(&s);
    return st == ST_OK;
}

static void fail_add(struct http_call *call, enum status st)
{
    if (st == ST_EXISTS)
        http_fail_field(call, PROBLEM_conflict, "name", "the project has a secret of this name");
    else if (st == ST_FULL)
        http_fail(call, PROBLEM_conflict, "a project has at most %d secrets", REGISTRY_SECRETS_MAX);
    else
        http_fail_status(call, st, "the secret");
}

void api_secret_add(struct http_call *call)
{
    struct held h = {.row = {.project_id = call->project.project_id,
                             .created_ms = clock_unix_ms(),
                             .definition = slice_of("{}")}};
    char key[IDENT_TEXT_LEN + 1], base[64];
    json_t *object;
    enum status st;

    (void)http_take_text(call, "name", h.row.name, IDENT_MEMBER_MAX);
    ident_random_text(h.row.secret, IDENT_SECRET_LEN);
    if (take_limits(call, &h)) {
        st = registry_secret_add(call->registry, &h.row);
        if (st == ST_OK) {
            ident_format(IDENT_PROJECT, h.row.project_id, key);
            (void)snprintf(base, sizeof(base), "/api/v1/projects/%s/secrets/", key);
            object = describe(call, &h.row);
            (void)json_object_set_new(object, "secret", json_string(h.row.secret));
            http_answer_made(call, base, h.row.name, object);
            http_response_header(call->answer, "Cache-Control", "no-store");
        } else {
            fail_add(call, st);
        }
    }
    free_held(&h);
}

void api_secret_show(struct http_call *call)
{
    struct held h = {0};

    if (find(call, &h))
        http_answer(call, describe(call, &h.row));
    free_held(&h);
}

void api_secret_value(struct http_call *call)
{
    struct held h = {0};

    if (find(call, &h))
        answer_value(call, h.row.secret);
    free_held(&h);
}

void api_secret_change(struct http_call *call)
{
    struct held h = {0};
    enum status st;

    if (find(call, &h) && take_limits(call, &h)) {
        st = registry_secret_update(call->registry, &h.row);
        if (http_succeeded(call, st, "the secret"))
            http_answer(call, describe(call, &h.row));
    }
    free_held(&h);
}

void api_secret_renew(struct http_call *call)
{
    struct held h = {0};
    enum status st;

    if (find(call, &h)) {
        ident_random_text(h.row.secret, IDENT_SECRET_LEN);
        st = registry_secret_update(call->registry, &h.row);
        if (http_succeeded(call, st, "the secret"))
            answer_value(call, h.row.secret);
    }
    free_held(&h);
}

void api_secret_remove(struct http_call *call)
{
    enum status st = registry_secret_remove(call->registry, call->project.project_id,
                                            http_call_parameter(call, "name"));

    if (http_succeeded(call, st, "the secret"))
        http_answer_nothing(call);
}

/* --- list --------------------------------------------------------------------------------------
 */

struct walk {
    struct http_call *call;
    struct http_page page;
    uint64_t position;
};

static bool on_secret(const struct registry_secret *x, void *arg)
{
    struct walk *w = arg;

    return ++w->position <= w->page.after ||
           http_page_add(&w->page, w->position, describe(w->call, x));
}

void api_secret_list(struct http_call *call)
{
    struct walk w = {.call = call};
    enum status st;

    if (!http_page_begin(call, &w.page))
        return;
    st = registry_secret_each(call->registry, call->project.project_id, on_secret, &w);
    http_page_end(call, &w.page, st, "the secrets");
}

/* --- passes ------------------------------------------------------------------------------------
 */

/* What a pass is to be for, and the secret that it can be made of. */
struct wish {
    uint8_t scopes;
    int64_t expires_ms;
    struct project_secret *found; /* a reference; NULL: none yet */
};

/* The first one that is good everywhere, for all devices, and for longer than the pass. */
static bool on_candidate(const struct registry_secret *x, void *arg)
{
    char error[PROJECT_SECRET_ERROR_MAX];
    struct wish *w = arg;
    struct project_secret *s;

    if (project_secret_parse(x->name, slice_of(x->secret), x->definition, &s, error) != ST_OK)
        return true;
    if ((w->scopes & ~s->scopes) == 0 && !s->is_limited && s->range_count == 0 &&
        (s->expires_ms == 0 || s->expires_ms >= w->expires_ms))
        w->found = s;
    else
        project_secret_unref(&s);
    return w->found == NULL;
}

/* False: answered. */
static bool take_wish(struct http_call *call, struct wish *w)
{
    const char *letters = json_string_value(json_object_get(call->body, "scopes"));
    const json_t *seconds = json_object_get(call->body, "seconds");

    w->expires_ms =
        clock_unix_ms() + (seconds == NULL ? PASS_SECONDS : json_integer_value(seconds)) * 1000;
    w->scopes = call->caller.is_admin ? SCOPES_ALL : SCOPE_BIT(SCOPE_SUBSCRIBE);
    if (letters != NULL && !browser_pass_parse_scopes(slice_of(letters), &w->scopes)) {
        http_fail_field(call, PROBLEM_invalid, "scopes", "give letters of spc, each once");
        return false;
    }
    if (!call->caller.is_admin && w->scopes != SCOPE_BIT(SCOPE_SUBSCRIBE)) {
        http_fail(call, PROBLEM_forbidden, "a viewer gets passes with the scope s only");
        return false;
    }
    return true;
}

static void answer_pass(struct http_call *call, const struct wish *w)
{
    char key[IDENT_TEXT_LEN + 1], pass[BROWSER_PASS_MAX + 1], letters[SCOPE_COUNT + 1] = "";
    json_t *own = NULL, *endpoints;
    enum status st = api_endpoints_own(call->registry, call->project.project_id, &own);
    size_t count = 0;

    if (!http_succeeded(call, st, "the endpoints"))
        return;
    for (unsigned scope = 0; scope < SCOPE_COUNT; scope++) {
        if ((w->scopes & SCOPE_BIT(scope)) != 0)
            letters[count++] = scope_letter((enum scope)scope);
    }
    ident_format(IDENT_PROJECT, call->project.project_id, key);
    browser_pass_write(slice_of(key), w->found->name, w->scopes, w->expires_ms / 1000,
                       &w->found->mac_key, pass);
    endpoints = api_endpoints_of_project(call->site, own);
    http_answer(call, json_pack("{s:O?, s:s, s:s, s:s, s:I}", "url",
                                json_array_get(json_object_get(endpoints, "app_wss"), 0),
                                "username", key, "password", pass, "scopes", letters, "expires_ms",
                                (json_int_t)(w->expires_ms / 1000 * 1000)));
    http_response_header(call->answer, "Cache-Control", "no-store");
    secret_wipe(pass, sizeof(pass));
    json_decref(endpoints);
    json_decref(own);
}

void api_secret_pass(struct http_call *call)
{
    struct wish w = {0};
    enum status st;

    if (!take_wish(call, &w))
        return;
    st = registry_secret_each(call->registry, call->project.project_id, on_candidate, &w);
    if (st != ST_OK)
        http_fail_status(call, st, "the secrets");
    else if (w.found == NULL)
        http_fail(call, PROBLEM_conflict,
                  "the project has no secret without limits of devices and addresses that lasts so "
                  "long and has these scopes");
    else
        answer_pass(call, &w);
    project_secret_unref(&w.found);
}
