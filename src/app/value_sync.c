/* Cloud values between store and homes: read at start, written at a clean stop; the workers do not run. Main thread. */
#include "app/server_priv.h"
#include "platform/device.h"

static void load_value(const struct value_store_entry *e, void *arg)
{
    struct server *s = arg;
    unsigned index = worker_home(hash_u64(e->device_id), worker_group_count(s->workers));
    struct device *d =
        home_find_device(home_of(worker_group_get(s->workers, index)), e->device_id);

    if (d != NULL)
        (void)cloud_values_set(&d->values, e->name, e->value, e->ts_ms);
}

static void mark_saved(struct device *d)
{
    for (unsigned i = 0; i < d->values.count; i++)
        d->values.items[i].dirty = false;
}

static void mark_all_saved(struct server *s)
{
    for (unsigned i = 0; i < worker_group_count(s->workers); i++) {
        struct home *h = home_of(worker_group_get(s->workers, i));
        struct device *d;
        size_t cursor = 0;

        while ((d = home_next_device(h, &cursor)) != NULL)
            mark_saved(d);
    }
}

enum status value_sync_load(struct server *s)
{
    enum status st = value_store_each(s->values, load_value, s);

    mark_all_saved(s);
    return st;
}

static enum status save_device(struct value_store *store, const struct device *d)
{
    for (unsigned i = 0; i < d->values.count; i++) {
        const struct cloud_value *v = &d->values.items[i];
        struct value_store_entry e = {d->device_id, cloud_value_name(v), cloud_value_json(v),
                                      v->ts_ms};
        enum status st = v->dirty ? value_store_put(store, &e) : ST_OK;

        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

enum status value_sync_save(struct server *s)
{
    enum status st = value_store_begin(s->values);

    for (unsigned i = 0; st == ST_OK && i < worker_group_count(s->workers); i++) {
        struct home *h = home_of(worker_group_get(s->workers, i));
        struct device *d;
        size_t cursor = 0;

        while (st == ST_OK && (d = home_next_device(h, &cursor)) != NULL)
            st = save_device(s->values, d);
    }
    if (st == ST_OK)
        st = value_store_commit(s->values);
    if (st == ST_OK)
        mark_all_saved(s);
    return st;
}
