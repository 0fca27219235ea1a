/*
 * The device types of the registry: rows to structs and back.
 *
 * Every statement that gives types has the same columns, read by read_type. What a definition says
 * is the platform's business; here it is a text.
 */
#include "store/registry_priv.h"

static bool row_is_valid(const struct registry_type *t)
{
    return registry_text_is_valid(t->name) &&
           (t->code[0] == '\0' || ident_is_member(slice_of(t->code)));
}

enum status registry_type_add(struct registry *r, const struct registry_type *t)
{
    struct registry_query q;

    if (!ident_is_valid(IDENT_TYPE, t->type_id) || !row_is_valid(t))
        return ST_INVALID;
    q = registry_query_start(r, REGISTRY_STATEMENT_TYPE_ADD);
    registry_query_bind_int(&q, (int64_t)t->type_id);
    registry_query_bind_int(&q, (int64_t)t->project_id);
    registry_query_bind_text(&q, t->name);
    registry_query_bind_text(&q, t->code);
    registry_query_bind_slice(&q, t->definition);
    registry_query_bind_int(&q, t->created_ms);
    return registry_query_run(&q, true);
}

/* `definition` keeps the bytes. */
static void read_type(struct registry_query *q, struct registry_type *t, struct buffer *definition)
{
    t->type_id = registry_query_read_id(q, IDENT_TYPE);
    t->project_id = registry_query_read_id(q, IDENT_PROJECT);
    registry_query_read_text(q, t->name, REGISTRY_NAME_MAX);
    registry_query_read_text(q, t->code, IDENT_MEMBER_MAX);
    definition->len = 0;
    registry_query_read_blob(q, definition);
    t->definition = buffer_slice(definition);
    t->created_ms = registry_query_read_int(q);
}

static enum status find_one(struct registry_query *q, struct registry_type *out,
                            struct buffer *definition)
{
    bool found = registry_query_row(q);

    if (found)
        read_type(q, out, definition);
    return registry_query_end(q) == ST_OK && !found ? ST_NOT_FOUND : q->status;
}

enum status registry_type_find(struct registry *r, uint64_t type_id, struct registry_type *out,
                               struct buffer *definition)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_TYPE_FIND);

    registry_query_bind_int(&q, (int64_t)type_id);
    return find_one(&q, out, definition);
}

enum status registry_type_find_code(struct registry *r, uint64_t project_id, const char *code,
                                    struct registry_type *out, struct buffer *definition)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_TYPE_FIND_CODE);

    registry_query_bind_int(&q, (int64_t)project_id);
    registry_query_bind_text(&q, code);
    return find_one(&q, out, definition);
}

enum status registry_type_find_only(struct registry *r, const char *code, uint64_t *type_id)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_TYPE_FIND_ONLY);
    unsigned found = 0;

    registry_query_bind_text(&q, code);
    while (registry_query_row(&q)) {
        *type_id = registry_query_read_id(&q, IDENT_TYPE);
        found++;
    }
    return registry_query_end(&q) == ST_OK && found != 1 ? ST_NOT_FOUND : q.status;
}

uint64_t registry_type_new_id(struct registry *r)
{
    struct registry_type other;
    struct buffer definition = {0};
    uint64_t type_id;

    do {
        type_id = ident_random(IDENT_TYPE);
    } while (registry_type_find(r, type_id, &other, &definition) == ST_OK);
    buffer_deinit(&definition);
    return type_id;
}

enum status registry_type_update(struct registry *r, const struct registry_type *t)
{
    struct registry_query q;

    if (!row_is_valid(t))
        return ST_INVALID;
    q = registry_query_start(r, REGISTRY_STATEMENT_TYPE_UPDATE);
    registry_query_bind_int(&q, (int64_t)t->type_id);
    registry_query_bind_text(&q, t->name);
    registry_query_bind_text(&q, t->code);
    registry_query_bind_slice(&q, t->definition);
    return registry_query_run(&q, true);
}

enum status registry_type_remove(struct registry *r, uint64_t type_id)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_TYPE_REMOVE);

    registry_query_bind_int(&q, (int64_t)type_id);
    return registry_query_run(&q, true);
}

enum status registry_type_each(struct registry *r, uint64_t project_id, registry_type_fn fn,
                               void *arg)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_TYPE_EACH);
    struct buffer definition = {0};
    struct registry_type t;
    bool goes_on = true;

    registry_query_bind_int(&q, (int64_t)project_id);
    while (goes_on && registry_query_row(&q)) {
        read_type(&q, &t, &definition);
        if (q.status == ST_CORRUPT)
            registry_query_skip_damaged(&q, IDENT_TYPE, t.type_id);
        else
            goes_on = fn(&t, arg);
    }
    buffer_deinit(&definition);
    return registry_query_end(&q);
}

enum status registry_type_device_count(struct registry *r, uint64_t type_id, size_t *out)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_TYPE_DEVICE_COUNT);

    registry_query_bind_int(&q, (int64_t)type_id);
    *out = registry_query_row(&q) ? (size_t)registry_query_read_int(&q) : 0;
    return registry_query_end(&q);
}
