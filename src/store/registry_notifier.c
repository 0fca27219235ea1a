/*
 * The notifiers of the registry: rows to structs and back.
 *
 * Every statement that gives notifiers has the same columns, read by read_notifier. A secret is
 * sealed for its project and its notifier's name, since the number is given only when the row is
 * there.
 */
#include "store/registry_notifier.h"

#include <stdio.h>

#include "base/invariant.h"
#include "store/registry_priv.h"

enum { PLACE_MAX = IDENT_MEMBER_MAX + 16 };

static void format_place(const char *name, char out[PLACE_MAX])
{
    int len = snprintf(out, PLACE_MAX, "notifier/%s", name);

    invariant(len > 0 && len < PLACE_MAX);
}

static bool row_is_valid(const struct registry_notifier *x)
{
    return ident_is_member(slice_of(x->name)) && registry_credential_is_valid(x->secret);
}

static void bind_secret(struct registry_query *q, const struct registry_notifier *x)
{
    char place[PLACE_MAX];

    format_place(x->name, place);
    registry_query_bind_secret(q, REGISTRY_PROJECT, x->project_id, place, x->secret);
}

static enum status add_row(struct registry *r, const struct registry_notifier *x)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_NOTIFIER_ADD);

    registry_query_bind_int(&q, (int64_t)x->project_id);
    registry_query_bind_text(&q, x->name);
    bind_secret(&q, x);
    registry_query_bind_slice(&q, x->definition);
    registry_query_bind_int(&q, x->created_ms);
    return registry_query_run(&q, true);
}

enum status registry_notifier_add(struct registry *r, const struct registry_notifier *x)
{
    enum status st;
    bool is_own;

    if (!row_is_valid(x))
        return ST_INVALID;
    st = registry_begin_part(r, &is_own);
    if (st != ST_OK)
        return st;
    st = registry_check_room(r, REGISTRY_STATEMENT_NOTIFIER_COUNT, x->project_id,
                             REGISTRY_NOTIFIERS_MAX);
    if (st == ST_OK)
        st = add_row(r, x);
    return registry_end_part(r, is_own, st);
}

/* `definition` keeps the bytes. */
static void read_notifier(struct registry_query *q, struct registry_notifier *x,
                          struct buffer *definition)
{
    char place[PLACE_MAX];

    x->notifier_id = (uint64_t)registry_query_read_int(q);
    x->project_id = registry_query_read_id(q, IDENT_PROJECT);
    registry_query_read_text(q, x->name, IDENT_MEMBER_MAX);
    if (q->status == ST_OK && !ident_is_member(slice_of(x->name)))
        q->status = ST_CORRUPT;
    if (q->status == ST_OK) {
        format_place(x->name, place);
        registry_query_read_secret(q, REGISTRY_PROJECT, x->project_id, place, x->secret,
                                   REGISTRY_NOTIFIER_SECRET_LEN);
    }
    definition->len = 0;
    registry_query_read_blob(q, definition);
    x->definition = buffer_slice(definition);
    x->created_ms = registry_query_read_int(q);
}

enum status registry_notifier_find(struct registry *r, uint64_t project_id, const char *name,
                                   struct registry_notifier *out, struct buffer *definition)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_NOTIFIER_FIND);
    bool found;

    registry_query_bind_int(&q, (int64_t)project_id);
    registry_query_bind_text(&q, name);
    found = registry_query_row(&q);
    if (found)
        read_notifier(&q, out, definition);
    return registry_query_end(&q) == ST_OK && !found ? ST_NOT_FOUND : q.status;
}

enum status registry_notifier_update(struct registry *r, const struct registry_notifier *x)
{
    struct registry_query q;

    if (!row_is_valid(x))
        return ST_INVALID;
    q = registry_query_start(r, REGISTRY_STATEMENT_NOTIFIER_UPDATE);
    registry_query_bind_int(&q, (int64_t)x->project_id);
    registry_query_bind_text(&q, x->name);
    bind_secret(&q, x);
    registry_query_bind_slice(&q, x->definition);
    return registry_query_run(&q, true);
}

enum status registry_notifier_remove(struct registry *r, uint64_t project_id, const char *name)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_NOTIFIER_REMOVE);

    registry_query_bind_int(&q, (int64_t)project_id);
    registry_query_bind_text(&q, name);
    return registry_query_run(&q, true);
}

enum status registry_notifier_each(struct registry *r, uint64_t project_id, registry_notifier_fn fn,
                                   void *arg)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_NOTIFIER_EACH);
    struct buffer definition = {0};
    struct registry_notifier x = {0};
    bool goes_on = true;

    registry_query_bind_int(&q, (int64_t)project_id);
    while (goes_on && registry_query_row(&q)) {
        read_notifier(&q, &x, &definition);
        if (q.status == ST_CORRUPT)
            registry_query_skip_damaged(&q, IDENT_PROJECT, x.project_id);
        else
            goes_on = fn(&x, arg);
    }
    secret_wipe(&x, sizeof(x));
    buffer_deinit(&definition);
    return registry_query_end(&q);
}
