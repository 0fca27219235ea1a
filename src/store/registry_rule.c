/*
 * The alarm rules of the registry: rows to structs and back.
 *
 * Every statement that gives rules has the same columns, read by read_rule. What a definition says
 * is the platform's business; here it is a text.
 */
#include "store/registry_priv.h"

enum status registry_rule_add(struct registry *r, const struct registry_rule *x)
{
    struct registry_query q;

    if (!ident_is_valid(IDENT_RULE, x->rule_id))
        return ST_INVALID;
    q = registry_query_start(r, REGISTRY_STATEMENT_RULE_ADD);
    registry_query_bind_int(&q, (int64_t)x->rule_id);
    registry_query_bind_int(&q, (int64_t)x->project_id);
    registry_query_bind_slice(&q, x->definition);
    registry_query_bind_int(&q, x->created_ms);
    return registry_query_run(&q, true);
}

/* `definition` keeps the bytes. */
static void read_rule(struct registry_query *q, struct registry_rule *x, struct buffer *definition)
{
    x->rule_id = registry_query_read_id(q, IDENT_RULE);
    x->project_id = registry_query_read_id(q, IDENT_PROJECT);
    definition->len = 0;
    registry_query_read_blob(q, definition);
    x->definition = buffer_slice(definition);
    x->created_ms = registry_query_read_int(q);
}

enum status registry_rule_find(struct registry *r, uint64_t rule_id, struct registry_rule *out,
                               struct buffer *definition)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_RULE_FIND);
    bool found;

    registry_query_bind_int(&q, (int64_t)rule_id);
    found = registry_query_row(&q);
    if (found)
        read_rule(&q, out, definition);
    return registry_query_end(&q) == ST_OK && !found ? ST_NOT_FOUND : q.status;
}

enum status registry_rule_update(struct registry *r, const struct registry_rule *x)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_RULE_UPDATE);

    registry_query_bind_int(&q, (int64_t)x->rule_id);
    registry_query_bind_slice(&q, x->definition);
    return registry_query_run(&q, true);
}

enum status registry_rule_remove(struct registry *r, uint64_t rule_id)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_RULE_REMOVE);

    registry_query_bind_int(&q, (int64_t)rule_id);
    return registry_query_run(&q, true);
}

enum status registry_rule_each(struct registry *r, uint64_t project_id, registry_rule_fn fn,
                               void *arg)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_RULE_EACH);
    struct buffer definition = {0};
    struct registry_rule x;
    bool goes_on = true;

    registry_query_bind_int(&q, (int64_t)project_id);
    while (goes_on && registry_query_row(&q)) {
        read_rule(&q, &x, &definition);
        if (q.status == ST_CORRUPT)
            registry_query_skip_damaged(&q, IDENT_RULE, x.rule_id);
        else
            goes_on = fn(&x, arg);
    }
    buffer_deinit(&definition);
    return registry_query_end(&q);
}
