/*
 * The secrets of projects in the registry: rows to structs and back.
 *
 * Every statement that gives secrets has the same columns, read by read_secret. What a definition
 * says is the platform's business; here it is a text.
 */
#include <stdio.h>

#include "base/invariant.h"
#include "store/registry_priv.h"

struct registry_secret_place registry_secret_place_of(const char *name)
{
    bool is_main = strcmp(name, REGISTRY_MAIN_SECRET) == 0;
    struct registry_secret_place place;
    int len = snprintf(place.member, sizeof(place.member), is_main ? "%s" : "secret/%s", name);

    invariant(len > 0 && (size_t)len < sizeof(place.member));
    return place;
}

static void bind_text(struct registry_query *q, const struct registry_secret *x)
{
    registry_query_bind_secret(q, REGISTRY_PROJECT, x->project_id,
                               registry_secret_place_of(x->name).member, x->secret);
}

enum status registry_secret_add_row(struct registry *r, const struct registry_secret *x)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_SECRET_ADD);

    registry_query_bind_int(&q, (int64_t)x->project_id);
    registry_query_bind_text(&q, x->name);
    bind_text(&q, x);
    registry_query_bind_slice(&q, x->definition);
    registry_query_bind_int(&q, x->created_ms);
    return registry_query_run(&q, true);
}

static bool name_is_valid(const char *name)
{
    return ident_is_member(slice_of(name));
}

enum status registry_secret_add(struct registry *r, const struct registry_secret *x)
{
    enum status st;
    bool is_own;

    if (!name_is_valid(x->name) || !registry_credential_is_valid(x->secret))
        return ST_INVALID;
    st = registry_begin_part(r, &is_own);
    if (st != ST_OK)
        return st;
    st = registry_check_room(r, REGISTRY_STATEMENT_SECRET_COUNT, x->project_id,
                             REGISTRY_SECRETS_MAX);
    if (st == ST_OK)
        st = registry_secret_add_row(r, x);
    return registry_end_part(r, is_own, st);
}

/* `definition` keeps the bytes. */
static void read_secret(struct registry_query *q, struct registry_secret *x,
                        struct buffer *definition)
{
    x->project_id = registry_query_read_id(q, IDENT_PROJECT);
    registry_query_read_text(q, x->name, IDENT_MEMBER_MAX);
    if (q->status == ST_OK && !name_is_valid(x->name))
        q->status = ST_CORRUPT;
    if (q->status == ST_OK)
        registry_query_read_secret(q, REGISTRY_PROJECT, x->project_id,
                                   registry_secret_place_of(x->name).member, x->secret,
                                   IDENT_SECRET_LEN);
    definition->len = 0;
    registry_query_read_blob(q, definition);
    x->definition = buffer_slice(definition);
    x->created_ms = registry_query_read_int(q);
    x->used_ms = registry_query_read_int(q);
    registry_query_read_text(q, x->used_from, REGISTRY_PEER_MAX);
}

enum status registry_secret_find(struct registry *r, uint64_t project_id, const char *name,
                                 struct registry_secret *out, struct buffer *definition)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_SECRET_FIND);
    bool found;

    registry_query_bind_int(&q, (int64_t)project_id);
    registry_query_bind_text(&q, name);
    found = registry_query_row(&q);
    if (found)
        read_secret(&q, out, definition);
    return registry_query_end(&q) == ST_OK && !found ? ST_NOT_FOUND : q.status;
}

enum status registry_secret_update(struct registry *r, const struct registry_secret *x)
{
    struct registry_query q;

    if (!name_is_valid(x->name) || !registry_credential_is_valid(x->secret))
        return ST_INVALID;
    q = registry_query_start(r, REGISTRY_STATEMENT_SECRET_UPDATE);
    registry_query_bind_int(&q, (int64_t)x->project_id);
    registry_query_bind_text(&q, x->name);
    bind_text(&q, x);
    registry_query_bind_slice(&q, x->definition);
    return registry_query_run(&q, true);
}

enum status registry_secret_set_use(struct registry *r, uint64_t project_id, const char *name,
                                    int64_t used_ms, const char *used_from)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_SECRET_SET_USE);

    registry_query_bind_int(&q, (int64_t)project_id);
    registry_query_bind_text(&q, name);
    registry_query_bind_int(&q, used_ms);
    registry_query_bind_text(&q, used_from);
    return registry_query_run(&q, false);
}

enum status registry_secret_remove(struct registry *r, uint64_t project_id, const char *name)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_SECRET_REMOVE);

    registry_query_bind_int(&q, (int64_t)project_id);
    registry_query_bind_text(&q, name);
    return registry_query_run(&q, true);
}

enum status registry_secret_each(struct registry *r, uint64_t project_id, registry_secret_fn fn,
                                 void *arg)
{
    struct registry_query q =
        registry_query_start(r, project_id == 0 ? REGISTRY_STATEMENT_SECRET_EACH
                                                : REGISTRY_STATEMENT_SECRET_EACH_OF_PROJECT);
    struct buffer definition = {0};
    struct registry_secret x = {0};
    bool goes_on = true;

    if (project_id != 0)
        registry_query_bind_int(&q, (int64_t)project_id);
    while (goes_on && registry_query_row(&q)) {
        read_secret(&q, &x, &definition);
        if (q.status == ST_CORRUPT)
            registry_query_skip_damaged(&q, IDENT_PROJECT, x.project_id);
        else
            goes_on = fn(&x, arg);
    }
    secret_wipe(&x, sizeof(x));
    buffer_deinit(&definition);
    return registry_query_end(&q);
}
