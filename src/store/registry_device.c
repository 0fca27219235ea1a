/*
 * The devices of the registry: rows to structs and back.
 *
 * Every statement that gives devices has the same columns, read by read_device. There may be
 * millions: a walk keeps one row in memory.
 */
#include "store/registry_priv.h"

/* The member of a device's row that is sealed. */
#define MEMBER_PASSWORD "password"

enum status registry_device_add(struct registry *r, const struct registry_device *d)
{
    struct registry_query q;

    if (!ident_is_valid(IDENT_DEVICE, d->device_id) || !registry_text_is_valid(d->name) ||
        !registry_text_is_valid(d->password))
        return ST_INVALID;
    q = registry_query_start(r, REGISTRY_STATEMENT_DEVICE_ADD);
    registry_query_bind_int(&q, (int64_t)d->device_id);
    registry_query_bind_int(&q, (int64_t)d->project_id);
    registry_query_bind_text(&q, d->name);
    registry_query_bind_secret(&q, REGISTRY_DEVICE, d->device_id, MEMBER_PASSWORD, d->password);
    registry_query_bind_int(&q, d->enabled);
    registry_query_bind_int(&q, d->created_ms);
    registry_query_bind_int(&q, (int64_t)d->type_id);
    return registry_query_run(&q, true);
}

static void read_device(struct registry_query *q, struct registry_device *d)
{
    d->device_id = registry_query_read_id(q, IDENT_DEVICE);
    d->project_id = registry_query_read_id(q, IDENT_PROJECT);
    registry_query_read_text(q, d->name, REGISTRY_NAME_MAX);
    registry_query_read_secret(q, REGISTRY_DEVICE, d->device_id, MEMBER_PASSWORD, d->password,
                               REGISTRY_NAME_MAX);
    d->enabled = registry_query_read_int(q) != 0;
    d->created_ms = registry_query_read_int(q);
    d->type_id = (uint64_t)registry_query_read_int(q);
}

enum status registry_device_find(struct registry *r, uint64_t device_id,
                                 struct registry_device *out)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_DEVICE_FIND);
    bool found;

    registry_query_bind_int(&q, (int64_t)device_id);
    found = registry_query_row(&q);
    if (found)
        read_device(&q, out);
    return registry_query_end(&q) == ST_OK && !found ? ST_NOT_FOUND : q.status;
}

enum status registry_device_update(struct registry *r, const struct registry_device *d)
{
    struct registry_query q;

    if (!registry_text_is_valid(d->name) || !registry_text_is_valid(d->password))
        return ST_INVALID;
    q = registry_query_start(r, REGISTRY_STATEMENT_DEVICE_UPDATE);
    registry_query_bind_int(&q, (int64_t)d->device_id);
    registry_query_bind_text(&q, d->name);
    registry_query_bind_secret(&q, REGISTRY_DEVICE, d->device_id, MEMBER_PASSWORD, d->password);
    registry_query_bind_int(&q, d->enabled);
    registry_query_bind_int(&q, (int64_t)d->type_id);
    return registry_query_run(&q, true);
}

enum status registry_device_remove(struct registry *r, uint64_t device_id)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_DEVICE_REMOVE);

    registry_query_bind_int(&q, (int64_t)device_id);
    return registry_query_run(&q, true);
}

enum status registry_device_each(struct registry *r, uint64_t project_id, registry_device_fn fn,
                                 void *arg)
{
    struct registry_query q =
        registry_query_start(r, project_id == 0 ? REGISTRY_STATEMENT_DEVICE_EACH
                                                : REGISTRY_STATEMENT_DEVICE_EACH_OF_PROJECT);
    struct registry_device d;
    bool goes_on = true;

    if (project_id != 0)
        registry_query_bind_int(&q, (int64_t)project_id);
    while (goes_on && registry_query_row(&q)) {
        read_device(&q, &d);
        if (q.status == ST_CORRUPT)
            registry_query_skip_damaged(&q, IDENT_DEVICE, d.device_id);
        else
            goes_on = fn(&d, arg);
    }
    secret_wipe(&d, sizeof(d));
    return registry_query_end(&q);
}
