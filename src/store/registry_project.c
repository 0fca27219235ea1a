/*
 * The projects of the registry: rows to structs and back.
 *
 * Every statement that gives projects has the same columns, read by read_project.
 */
#include "store/registry_priv.h"

/* The member of a project's row that is sealed. */
#define MEMBER_TOKEN "token"

static enum status add_row(struct registry *r, const struct registry_project *p)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_PROJECT_ADD);

    registry_query_bind_int(&q, (int64_t)p->project_id);
    registry_query_bind_text(&q, p->name);
    registry_query_bind_secret(&q, REGISTRY_PROJECT, p->project_id, MEMBER_TOKEN, p->token);
    registry_query_bind_int(&q, p->enabled);
    registry_query_bind_int(&q, p->open_mqtt);
    registry_query_bind_int(&q, p->created_ms);
    registry_query_bind_int(&q, p->alarm_per_rule);
    registry_query_bind_int(&q, p->log);
    registry_query_bind_text(&q, p->origins);
    registry_query_bind_text(&q, journal_policy_word(p->journal));
    return registry_query_run(&q, true);
}

static enum status add_main_secret(struct registry *r, const struct registry_project *p)
{
    struct registry_secret x = {.project_id = p->project_id,
                                .name = REGISTRY_MAIN_SECRET,
                                .definition = slice_of("{}"),
                                .created_ms = p->created_ms};
    enum status st;

    memcpy(x.secret, p->secret, sizeof(x.secret));
    st = registry_secret_add_row(r, &x);
    secret_wipe(&x, sizeof(x));
    return st;
}

enum status registry_project_add(struct registry *r, const struct registry_project *p)
{
    enum status st;
    bool is_own;

    if (!ident_is_valid(IDENT_PROJECT, p->project_id) || !registry_text_is_valid(p->name) ||
        !registry_credential_is_valid(p->secret) || !registry_credential_is_valid(p->token))
        return ST_INVALID;
    st = registry_begin_part(r, &is_own);
    if (st != ST_OK)
        return st;
    st = add_row(r, p);
    if (st == ST_OK)
        st = add_main_secret(r, p);
    return registry_end_part(r, is_own, st);
}

enum status registry_project_make(struct registry *r, struct registry_project *p)
{
    enum status st;

    ident_random_text(p->secret, IDENT_SECRET_LEN);
    ident_random_text(p->token, IDENT_SECRET_LEN);
    do {
        p->project_id = ident_random(IDENT_PROJECT);
        st = registry_project_add(r, p);
    } while (st == ST_EXISTS);
    return st;
}

/* A damaged one is as good as none: the project is served without it. It is logged where secrets
 * are walked. */
static void read_main_secret(struct registry_query *q, struct registry_project *p)
{
    p->secret[0] = '\0';
    if (q->status != ST_OK)
        return;
    registry_query_read_secret(q, REGISTRY_PROJECT, p->project_id,
                               registry_secret_place_of(REGISTRY_MAIN_SECRET).member, p->secret,
                               IDENT_SECRET_LEN);
    if (q->status == ST_CORRUPT)
        q->status = ST_OK;
}

static void read_project(struct registry_query *q, struct registry_project *p)
{
    char policy[JOURNAL_POLICY_WORD_MAX + 1];

    p->project_id = registry_query_read_id(q, IDENT_PROJECT);
    registry_query_read_text(q, p->name, REGISTRY_NAME_MAX);
    registry_query_read_secret(q, REGISTRY_PROJECT, p->project_id, MEMBER_TOKEN, p->token,
                               IDENT_SECRET_LEN);
    p->enabled = registry_query_read_int(q) != 0;
    p->open_mqtt = registry_query_read_int(q) != 0;
    p->created_ms = registry_query_read_int(q);
    p->alarm_per_rule = registry_query_read_int(q) != 0;
    p->log = registry_query_read_int(q) != 0;
    registry_query_read_text(q, p->origins, REGISTRY_ORIGINS_MAX);
    registry_query_read_text(q, policy, JOURNAL_POLICY_WORD_MAX);
    p->journal = JOURNAL_POLICY_WHEN_OWED;
    (void)journal_policy_parse(policy, &p->journal); /* one of a newer program: as by default */
    read_main_secret(q, p);
}

enum status registry_project_find(struct registry *r, uint64_t project_id,
                                  struct registry_project *out)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_PROJECT_FIND);
    bool found;

    registry_query_bind_int(&q, (int64_t)project_id);
    found = registry_query_row(&q);
    if (found)
        read_project(&q, out);
    return registry_query_end(&q) == ST_OK && !found ? ST_NOT_FOUND : q.status;
}

enum status registry_project_update(struct registry *r, const struct registry_project *p)
{
    struct registry_query q;

    if (!registry_text_is_valid(p->name))
        return ST_INVALID;
    q = registry_query_start(r, REGISTRY_STATEMENT_PROJECT_UPDATE);
    registry_query_bind_int(&q, (int64_t)p->project_id);
    registry_query_bind_text(&q, p->name);
    registry_query_bind_int(&q, p->enabled);
    registry_query_bind_int(&q, p->open_mqtt);
    registry_query_bind_int(&q, p->alarm_per_rule);
    registry_query_bind_int(&q, p->log);
    registry_query_bind_text(&q, p->origins);
    registry_query_bind_text(&q, journal_policy_word(p->journal));
    return registry_query_run(&q, true);
}

enum status registry_project_set_token(struct registry *r, uint64_t project_id, const char *token)
{
    struct registry_query q;

    if (!registry_credential_is_valid(token))
        return ST_INVALID;
    q = registry_query_start(r, REGISTRY_STATEMENT_PROJECT_SET_TOKEN);
    registry_query_bind_int(&q, (int64_t)project_id);
    registry_query_bind_secret(&q, REGISTRY_PROJECT, project_id, MEMBER_TOKEN, token);
    return registry_query_run(&q, true);
}

enum status registry_project_remove(struct registry *r, uint64_t project_id)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_PROJECT_REMOVE);

    registry_query_bind_int(&q, (int64_t)project_id);
    return registry_query_run(&q, true);
}

enum status registry_project_endpoints_find(struct registry *r, uint64_t project_id,
                                            struct buffer *out)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_ENDPOINTS_FIND);
    bool found;

    registry_query_bind_int(&q, (int64_t)project_id);
    found = registry_query_row(&q);
    if (found)
        registry_query_read_blob(&q, out);
    return registry_query_end(&q) == ST_OK && !found ? ST_NOT_FOUND : q.status;
}

enum status registry_project_endpoints_put(struct registry *r, uint64_t project_id,
                                           struct slice urls)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_ENDPOINTS_PUT);

    registry_query_bind_int(&q, (int64_t)project_id);
    registry_query_bind_slice(&q, urls);
    return registry_query_run(&q, true);
}

enum status registry_project_each(struct registry *r, registry_project_fn fn, void *arg)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_PROJECT_EACH);
    struct registry_project p;
    bool goes_on = true;

    while (goes_on && registry_query_row(&q)) {
        read_project(&q, &p);
        if (q.status == ST_CORRUPT)
            registry_query_skip_damaged(&q, IDENT_PROJECT, p.project_id);
        else
            goes_on = fn(&p, arg);
    }
    secret_wipe(&p, sizeof(p));
    return registry_query_end(&q);
}
