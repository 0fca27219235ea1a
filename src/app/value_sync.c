/* Cloud values, presence, alarm states, commands and retained downlinks between store and homes:
 * read at start, written at a clean stop; the workers do not run. Main thread. */
#include <stdio.h>
#include <stdlib.h>

#include "app/server_priv.h"
#include "platform/command_record.h"
#include "platform/device_alarm.h"
#include "platform/device_command.h"
#include "platform/device_retained.h"

/* Under this name the registry keeps up to which of its changes the stored values are right. */
static const char saved_change[] = "values_change";

static void write_alarms(const struct device *d, struct buffer *out)
{
    alarms_write(&d->alarms, out);
}

static void write_commands(const struct device *d, struct buffer *out)
{
    const struct worker *w = d->home->worker;

    if (d->ledger != NULL)
        command_record_write(d->ledger, w->now_ms, w->unix_ms, out);
}

/* What of a device is kept as bytes that the store does not understand. */
static const struct part {
    enum value_store_part part;
    void (*write)(const struct device *d, struct buffer *out);
    void (*restore)(struct device *d, struct slice bytes);
} parts[VALUE_STORE_PART_COUNT] = {
    {VALUE_STORE_ALARMS, write_alarms, device_alarm_restore},
    {VALUE_STORE_COMMANDS, write_commands, device_command_restore},
    {VALUE_STORE_RETAINED, device_retained_write, device_retained_restore},
};

static struct device *find_device(struct server *s, uint64_t device_id)
{
    struct worker *home = worker_group_get(s->workers, device_sync_home(s, device_id));

    return home_find_device(home_of(home), device_id);
}

static void load_presence(uint64_t device_id, bool is_online, int64_t since_ms, void *arg)
{
    struct server *s = arg;
    struct device *d = find_device(s, device_id);

    if (d != NULL)
        device_restore_presence(d, is_online, since_ms, s->config->restart_grace * 1000ull);
}

struct part_load {
    struct server *server;
    const struct part *part;
};

static void load_part(uint64_t device_id, struct slice bytes, void *arg)
{
    const struct part_load *load = arg;
    struct device *d = find_device(load->server, device_id);

    if (d != NULL)
        load->part->restore(d, bytes);
}

static void load_value(const struct value_store_entry *e, void *arg)
{
    struct device *d = find_device(arg, e->device_id);

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

static int64_t read_saved_change(struct server *s)
{
    struct buffer text = {0};
    int64_t number = 0;

    if (registry_setting_find(s->registry, saved_change, &text) == ST_OK) {
        buffer_append_u8(&text, 0);
        number = strtoll((const char *)text.data, NULL, 10);
    }
    buffer_deinit(&text);
    return number;
}

static enum status write_saved_change(struct server *s)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%lld", (long long)s->applied_change);

    return registry_setting_put(s->registry, saved_change, slice_make(text, (size_t)len));
}

static bool forget_removed(const struct registry_change *c, void *arg)
{
    struct server *s = arg;

    if (c->entity == REGISTRY_PROJECT && (c->removed || c->was_removed))
        alarm_commit_remove_project(s->alarm_commit, c->id);
    if (c->entity == REGISTRY_DEVICE && (c->removed || c->was_removed))
        return value_store_remove_device(s->values, c->id) == ST_OK;
    return true;
}

/* A device that was removed while no server ran may be there again, in another project: it is
 * another one, and what is stored of the old one is nothing to it. */
static enum status forget_all_removed(struct server *s)
{
    enum status st = value_store_begin(s->values);

    if (st == ST_OK)
        st = registry_change_each(s->registry, read_saved_change(s), forget_removed, s);
    return st == ST_OK ? value_store_commit(s->values) : st;
}

static bool forget_project(const struct registry_change *c, void *arg)
{
    struct server *s = arg;

    if (c->entity == REGISTRY_PROJECT && (c->removed || c->was_removed))
        journal_remove_project(s->journal, c->id);
    return true;
}

enum status value_sync_forget_projects(struct server *s)
{
    return registry_change_each(s->registry, read_saved_change(s), forget_project, s);
}

enum status value_sync_load(struct server *s)
{
    enum status st = forget_all_removed(s);

    if (st == ST_OK)
        st = value_store_each(s->values, load_value, s);
    if (st == ST_OK)
        st = value_store_each_presence(s->values, load_presence, s);
    for (unsigned i = 0; st == ST_OK && i < VALUE_STORE_PART_COUNT; i++) {
        struct part_load load = {s, &parts[i]};

        st = value_store_each_part(s->values, parts[i].part, load_part, &load);
    }
    mark_all_saved(s);
    return st;
}

static enum status save_parts(struct value_store *store, const struct device *d)
{
    enum status st = ST_OK;

    for (unsigned i = 0; st == ST_OK && i < VALUE_STORE_PART_COUNT; i++) {
        struct buffer bytes = {0};

        parts[i].write(d, &bytes);
        st = value_store_put_part(store, parts[i].part, d->device_id, buffer_slice(&bytes));
        buffer_deinit(&bytes);
    }
    return st;
}

static enum status save_device(struct value_store *store, const struct device *d)
{
    enum status kept = ST_OK;

    if (d->is_online || d->presence_ms != 0)
        kept = value_store_put_presence(store, d->device_id, d->is_online, d->presence_ms);
    if (kept == ST_OK)
        kept = save_parts(store, d);
    if (kept != ST_OK)
        return kept;
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
        st = write_saved_change(s);
    if (st == ST_OK)
        mark_all_saved(s);
    return st;
}
