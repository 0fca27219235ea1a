/*
 * The devices of the registry: rows to structs and back.
 *
 * Every statement that gives devices has the same columns, read by read_device. There may be
 * millions: a walk keeps one row in memory.
 */
#include "store/registry_priv.h"

/* The member of a device's row that is sealed. */
#define MEMBER_PASSWORD "password"

static bool row_is_valid(const struct registry_device *d)
{
    return registry_text_is_valid(d->name) && registry_text_is_valid(d->password) &&
           (d->parent_id == 0 || registry_text_is_valid(d->address)) &&
           (d->sn[0] == '\0' || registry_sn_is_valid(d->sn));
}

/* A row that exists already, or one whose place or serial number is taken: callers who draw an
 * identifier try another one for the first alone. */
static enum status tell_apart(struct registry *r, const struct registry_device *d)
{
    struct registry_device other;
    enum status st = registry_device_find(r, d->device_id, &other);

    secret_wipe(&other, sizeof(other));
    return st == ST_NOT_FOUND ? ST_REFUSED : ST_EXISTS;
}

enum status registry_device_add(struct registry *r, const struct registry_device *d)
{
    struct registry_query q;
    enum status st;

    if (!ident_is_valid(IDENT_DEVICE, d->device_id) || !row_is_valid(d))
        return ST_INVALID;
    st = registry_sub_device_check(r, d);
    if (st != ST_OK)
        return st;
    q = registry_query_start(r, REGISTRY_STATEMENT_DEVICE_ADD);
    registry_query_bind_int(&q, (int64_t)d->device_id);
    registry_query_bind_int(&q, (int64_t)d->project_id);
    registry_query_bind_text(&q, d->name);
    registry_query_bind_secret(&q, REGISTRY_DEVICE, d->device_id, MEMBER_PASSWORD, d->password);
    registry_query_bind_int(&q, d->enabled);
    registry_query_bind_int(&q, d->created_ms);
    registry_query_bind_int(&q, (int64_t)d->type_id);
    registry_query_bind_int(&q, (int64_t)d->parent_id);
    registry_query_bind_text(&q, d->address);
    registry_query_bind_text(&q, d->sn);
    registry_query_bind_int(&q, d->log);
    st = registry_query_run(&q, true);
    return st == ST_EXISTS ? tell_apart(r, d) : st;
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
    d->parent_id = (uint64_t)registry_query_read_int(q);
    registry_query_read_text(q, d->address, REGISTRY_NAME_MAX);
    registry_query_read_text(q, d->sn, REGISTRY_SN_MAX);
    d->log = registry_query_read_int(q) != 0;
}

static enum status find_one(struct registry_query *q, struct registry_device *out)
{
    bool found = registry_query_row(q);

    if (found)
        read_device(q, out);
    return registry_query_end(q) == ST_OK && !found ? ST_NOT_FOUND : q->status;
}

enum status registry_device_find(struct registry *r, uint64_t device_id,
                                 struct registry_device *out)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_DEVICE_FIND);

    registry_query_bind_int(&q, (int64_t)device_id);
    return find_one(&q, out);
}

enum status registry_device_find_address(struct registry *r, uint64_t parent_id,
                                         const char *address, struct registry_device *out)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_DEVICE_FIND_ADDRESS);

    registry_query_bind_int(&q, (int64_t)parent_id);
    registry_query_bind_text(&q, address);
    return find_one(&q, out);
}

enum status registry_device_find_sn(struct registry *r, uint64_t project_id, uint64_t type_id,
                                    const char *sn, struct registry_device *out)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_DEVICE_FIND_SN);

    registry_query_bind_int(&q, (int64_t)project_id);
    registry_query_bind_int(&q, (int64_t)type_id);
    registry_query_bind_text(&q, sn);
    return find_one(&q, out);
}

enum status registry_device_update(struct registry *r, const struct registry_device *d)
{
    struct registry_query q;
    enum status st;

    if (!row_is_valid(d))
        return ST_INVALID;
    st = registry_sub_device_check(r, d);
    if (st != ST_OK)
        return st;
    q = registry_query_start(r, REGISTRY_STATEMENT_DEVICE_UPDATE);
    registry_query_bind_int(&q, (int64_t)d->device_id);
    registry_query_bind_text(&q, d->name);
    registry_query_bind_secret(&q, REGISTRY_DEVICE, d->device_id, MEMBER_PASSWORD, d->password);
    registry_query_bind_int(&q, d->enabled);
    registry_query_bind_int(&q, (int64_t)d->type_id);
    registry_query_bind_int(&q, (int64_t)d->parent_id);
    registry_query_bind_text(&q, d->address);
    registry_query_bind_text(&q, d->sn);
    registry_query_bind_int(&q, d->log);
    st = registry_query_run(&q, true);
    return st == ST_EXISTS ? ST_REFUSED : st;
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

enum status registry_device_count(struct registry *r, uint64_t project_id, size_t *out)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_DEVICE_COUNT);

    registry_query_bind_int(&q, (int64_t)project_id);
    *out = registry_query_row(&q) ? (size_t)registry_query_read_int(&q) : 0;
    return registry_query_end(&q);
}

/* Passwords stay sealed: a walk over all devices would unseal each for nothing. */
enum status registry_device_page(struct registry *r, const struct registry_device_filter *f,
                                 registry_device_page_fn fn, void *arg)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_DEVICE_PAGE);
    struct registry_device d = {0};
    bool goes_on = true;

    registry_query_bind_int(&q, (int64_t)f->project_id);
    registry_query_bind_int(&q, (int64_t)f->after);
    registry_query_bind_int(&q, f->by_type);
    registry_query_bind_int(&q, (int64_t)f->type_id);
    registry_query_bind_int(&q, f->by_parent);
    registry_query_bind_int(&q, (int64_t)f->parent_id);
    while (goes_on && registry_query_row(&q)) {
        uint64_t position = (uint64_t)registry_query_read_int(&q);

        d.device_id = registry_query_read_id(&q, IDENT_DEVICE);
        d.project_id = registry_query_read_id(&q, IDENT_PROJECT);
        registry_query_read_text(&q, d.name, REGISTRY_NAME_MAX);
        d.enabled = registry_query_read_int(&q) != 0;
        d.created_ms = registry_query_read_int(&q);
        d.type_id = (uint64_t)registry_query_read_int(&q);
        d.parent_id = (uint64_t)registry_query_read_int(&q);
        registry_query_read_text(&q, d.address, REGISTRY_NAME_MAX);
        registry_query_read_text(&q, d.sn, REGISTRY_SN_MAX);
        if (q.status == ST_CORRUPT)
            registry_query_skip_damaged(&q, IDENT_DEVICE, d.device_id);
        else
            goes_on = fn(position, &d, arg);
    }
    return registry_query_end(&q);
}
