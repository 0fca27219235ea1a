/*
 * Projects: switches, endpoints, credentials.
 */
#include "base/clock.h"
#include "http/api.h"
#include "http/api_endpoints.h"

#define PROJECTS "/api/v1/projects/"

/* NULL: answered. */
static json_t *describe(struct http_call *call, const struct registry_project *p)
{
    size_t device_count = 0;
    json_t *own = NULL;
    enum status st = api_endpoints_own(call->registry, p->project_id, &own);

    if (st == ST_OK)
        st = registry_device_count(call->registry, p->project_id, &device_count);
    if (st != ST_OK) {
        json_decref(own);
        http_fail_status(call, st, "the project");
        return NULL;
    }
    return json_pack("{s:o, s:s, s:b, s:b, s:b, s:b, s:s, s:o, s:o, s:I, s:I}", "project_key",
                     http_json_ident(IDENT_PROJECT, p->project_id), "name", p->name, "enabled",
                     p->enabled, "open_mqtt", p->open_mqtt, "alarm_per_rule", p->alarm_per_rule,
                     "log", p->log, "journal", journal_policy_word(p->journal), "endpoints",
                     api_endpoints_of_project(call->site, own), "own_endpoints", own,
                     "device_count", (json_int_t)device_count, "created_ms",
                     (json_int_t)p->created_ms);
}

static void answer(struct http_call *call, const struct registry_project *p)
{
    json_t *object = describe(call, p);

    if (object != NULL)
        http_answer(call, object);
}

/* --- list ------------------------------------------------------------------------------------- */

/* Projects are gathered first: describing one reads other rows, which must not happen inside a
 * walk. Positions are those of the walk; a project that was removed shifts them by one. */
struct walk {
    struct http_call *call;
    struct http_page page;
    uint64_t position;
    struct buffer rows; /* owned: struct registry_project, without secrets */
};

static bool on_project(const struct registry_project *p, void *arg)
{
    struct walk *w = arg;
    const struct http_caller *c = &w->call->caller;
    struct registry_project row = *p;

    if (++w->position <= w->page.after)
        return true;
    if (c->kind == HTTP_CALLER_APPLICATION && p->project_id != c->project_id)
        return true;
    secret_wipe(row.secret, sizeof(row.secret));
    secret_wipe(row.token, sizeof(row.token));
    buffer_append(&w->rows, &row, sizeof(row));
    return w->rows.len / sizeof(row) <= w->page.limit; /* one more shows that there is more */
}

void api_project_list(struct http_call *call)
{
    struct walk w = {.call = call};
    enum status st;

    if (!http_page_begin(call, &w.page))
        return;
    st = registry_project_each(call->registry, on_project, &w);
    for (size_t i = 0; i < w.rows.len / sizeof(struct registry_project); i++) {
        struct registry_project row;
        json_t *item;

        memcpy(&row, w.rows.data + i * sizeof(row), sizeof(row));
        item = st == ST_OK ? describe(call, &row) : NULL;
        if (item == NULL || !http_page_add(&w.page, w.page.after + i + 1, item))
            break;
    }
    buffer_deinit(&w.rows);
    http_page_end(call, &w.page, st, "the projects");
}

/* --- one -------------------------------------------------------------------------------------- */

static void take(const struct http_call *call, struct registry_project *p)
{
    char policy[JOURNAL_POLICY_WORD_MAX + 1];

    (void)http_take_text(call, "name", p->name, REGISTRY_NAME_MAX);
    (void)http_take_bool(call, "enabled", &p->enabled);
    (void)http_take_bool(call, "open_mqtt", &p->open_mqtt);
    (void)http_take_bool(call, "alarm_per_rule", &p->alarm_per_rule);
    (void)http_take_bool(call, "log", &p->log);
    if (http_take_text(call, "journal", policy, JOURNAL_POLICY_WORD_MAX))
        (void)journal_policy_parse(policy, &p->journal);
}

void api_project_add(struct http_call *call)
{
    struct registry_project p = {.enabled = true, .open_mqtt = true, .created_ms = clock_unix_ms()};
    char key[IDENT_TEXT_LEN + 1];
    json_t *object;
    enum status st;

    take(call, &p);
    st = registry_project_make(call->registry, &p);
    secret_wipe(p.secret, sizeof(p.secret));
    secret_wipe(p.token, sizeof(p.token));
    if (!http_succeeded(call, st, "the project"))
        return;
    if (!api_endpoints_change(call, p.project_id))
        return;
    ident_format(IDENT_PROJECT, p.project_id, key);
    object = describe(call, &p);
    if (object != NULL)
        http_answer_made(call, PROJECTS, key, object);
}

void api_project_show(struct http_call *call)
{
    answer(call, &call->project);
}

void api_project_change(struct http_call *call)
{
    enum status st;

    take(call, &call->project);
    st = registry_project_update(call->registry, &call->project);
    if (st != ST_OK)
        http_fail_status(call, st, "the project");
    else if (api_endpoints_change(call, call->project.project_id))
        answer(call, &call->project);
}

void api_project_remove(struct http_call *call)
{
    enum status st = registry_project_remove(call->registry, call->project.project_id);

    if (http_succeeded(call, st, "the project"))
        http_answer_nothing(call);
}

void api_project_credentials(struct http_call *call)
{
    const struct registry_project *p = &call->project;

    http_answer(call, json_pack("{s:o, s:s, s:s}", "project_key",
                                http_json_ident(IDENT_PROJECT, p->project_id), "project_secret",
                                p->secret, "project_token", p->token));
    http_response_header(call->answer, "Cache-Control", "no-store");
}

void api_project_renew_token(struct http_call *call)
{
    char token[IDENT_SECRET_LEN + 1];
    enum status st;

    ident_random_text(token, IDENT_SECRET_LEN);
    st = registry_project_set_token(call->registry, call->project.project_id, token);
    if (http_succeeded(call, st, "the token"))
        http_answer(call, json_pack("{s:s}", "project_token", token));
    secret_wipe(token, sizeof(token));
}
