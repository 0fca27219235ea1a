/*
 * What is above a device and what is below it: sub-devices form trees, whose roots hold the
 * connections.
 *
 * A write that would make a circle, or a tree with more levels than are allowed, is refused here;
 * SQL alone cannot say so in a constraint. One connection writes at a time, so what was looked at
 * in a transaction still holds when the row is written.
 */
#include "store/registry_priv.h"

struct above {
    uint64_t root_id;
    unsigned level;     /* steps from the device up to it */
    bool contains_self; /* a circle */
};

/* Walks from `device_id`, which stands first itself, to its root. */
static enum status look_above(struct registry *r, uint64_t device_id, uint64_t self_id,
                              struct above *out)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_DEVICE_ABOVE);

    *out = (struct above){.root_id = device_id, .contains_self = device_id == self_id};
    registry_query_bind_int(&q, (int64_t)device_id);
    registry_query_bind_int(&q, REGISTRY_LEVELS_MAX);
    while (registry_query_row(&q)) {
        out->root_id = registry_query_read_id(&q, IDENT_DEVICE);
        out->contains_self |= out->root_id == self_id;
        out->level++;
    }
    return registry_query_end(&q);
}

static bool keep_level(uint64_t device_id, unsigned level, void *arg)
{
    (void)device_id;
    *(unsigned *)arg = level; /* the deepest comes last */
    return true;
}

enum status registry_sub_device_check(struct registry *r, const struct registry_device *d)
{
    unsigned height = 0;
    struct above above;
    enum status st;

    if (d->parent_id == 0)
        return ST_OK;
    st = look_above(r, d->parent_id, d->device_id, &above);
    if (st == ST_OK)
        st = registry_device_each_below(r, d->device_id, keep_level, &height);
    if (st != ST_OK)
        return st;
    if (above.contains_self)
        return ST_INVALID;
    return above.level + 1 + height > REGISTRY_LEVELS_MAX ? ST_FULL : ST_OK;
}

enum status registry_device_root(struct registry *r, uint64_t device_id, uint64_t *root_id,
                                 unsigned *level)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_DEVICE_FIND);
    struct above above;
    bool found;
    enum status st;

    registry_query_bind_int(&q, (int64_t)device_id);
    found = registry_query_row(&q);
    st = registry_query_end(&q);
    if (st == ST_OK)
        st = found ? look_above(r, device_id, 0, &above) : ST_NOT_FOUND;
    if (st != ST_OK)
        return st;
    if (above.level > REGISTRY_LEVELS_MAX)
        return ST_CORRUPT;
    *root_id = above.root_id;
    if (level != NULL)
        *level = above.level;
    return ST_OK;
}

enum status registry_device_each_below(struct registry *r, uint64_t device_id, registry_below_fn fn,
                                       void *arg)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_DEVICE_BELOW);
    bool goes_on = true;

    registry_query_bind_int(&q, (int64_t)device_id);
    registry_query_bind_int(&q, REGISTRY_LEVELS_MAX);
    while (goes_on && registry_query_row(&q)) {
        uint64_t id = registry_query_read_id(&q, IDENT_DEVICE);
        unsigned level = (unsigned)registry_query_read_int(&q);

        goes_on = q.status == ST_OK && fn(id, level, arg);
    }
    return registry_query_end(&q);
}

enum status registry_device_each_parent(struct registry *r, registry_parent_fn fn, void *arg)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_DEVICE_PARENTS);
    bool goes_on = true;

    while (goes_on && registry_query_row(&q)) {
        uint64_t id = (uint64_t)registry_query_read_int(&q);
        uint64_t parent_id = (uint64_t)registry_query_read_int(&q);

        goes_on = fn(id, parent_id, arg);
    }
    return registry_query_end(&q);
}
