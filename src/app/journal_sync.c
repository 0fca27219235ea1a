/*
 * The journal beside the registry, while the workers do not run: what it has of projects that are
 * gone goes, devices get back what they had, and what programs of before journal format 2 kept
 * beside it is taken in. Main thread.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/events.h"
#include "app/server_priv.h"
#include "platform/device_store.h"
#include "service/app_session.h"
#include "store/value_store.h"

/* Under this name the registry keeps up to which of its changes the stores are right. */
static const char saved_change[] = "values_change";

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

static bool is_removal(const struct registry_change *c)
{
    return c->entity == REGISTRY_PROJECT && (c->removed || c->was_removed);
}

static bool forget_project(const struct registry_change *c, void *arg)
{
    struct server *s = arg;

    if (is_removal(c))
        journal_remove_project(s->journal, c->id);
    return true;
}

/* --- what older programs kept beside the journal ---------------------------------------------- */

/* From devices to the projects and the rows that they have now. */
struct taking {
    struct server *server;
    enum journal_table table;
    struct registry_device device; /* the one that was looked for last; device_id 0: none */
    struct buffer key, value;      /* owned */
};

static bool find_device(struct taking *x, uint64_t device_id)
{
    if (x->device.device_id == device_id)
        return true;
    if (registry_device_find(x->server->registry, device_id, &x->device) == ST_OK)
        return true;
    x->device.device_id = 0;
    return false;
}

static void put(struct taking *x, struct slice name)
{
    x->key.len = 0;
    device_store_write_key(x->device.device_id, name, &x->key);
    journal_put(x->server->journal, x->table, x->device.project_id, buffer_slice(&x->key),
                buffer_slice(&x->value));
}

static void take_presence(uint64_t device_id, bool is_online, int64_t since_ms, void *arg)
{
    struct taking *x = arg;

    if (!find_device(x, device_id))
        return;
    x->value.len = 0;
    device_store_write_presence(is_online ? DEVICE_ONLINE : DEVICE_OFFLINE, since_ms,
                                x->device.created_ms, &x->value);
    put(x, slice_make(NULL, 0));
}

/* The row of a presence says which device the values are of, so there is one in any case. */
static void take_value(const struct value_store_entry *e, void *arg)
{
    struct taking *x = arg;

    if (!find_device(x, e->device_id))
        return;
    if (x->table == JOURNAL_TABLE_DEVICE) {
        take_presence(e->device_id, false, 0, arg);
        return;
    }
    x->value.len = 0;
    device_store_write_value(e->ts_ms, e->value, &x->value);
    put(x, e->name);
}

static void take_part(uint64_t device_id, struct slice bytes, void *arg)
{
    struct taking *x = arg;

    if (!find_device(x, device_id))
        return;
    x->value.len = 0;
    buffer_append_slice(&x->value, bytes);
    put(x, slice_make(NULL, 0));
}

static enum status take_all(struct taking *x, struct value_store *old)
{
    static const enum journal_table tables[VALUE_STORE_PART_COUNT] = {
        [VALUE_STORE_ALARMS] = JOURNAL_TABLE_ALARM,
        [VALUE_STORE_COMMANDS] = JOURNAL_TABLE_COMMAND,
        [VALUE_STORE_RETAINED] = JOURNAL_TABLE_RETAINED,
    };
    enum status st;

    x->table = JOURNAL_TABLE_DEVICE;
    st = value_store_each(old, take_value, x);
    if (st == ST_OK)
        st = value_store_each_presence(old, take_presence, x);
    x->table = JOURNAL_TABLE_VALUE;
    if (st == ST_OK)
        st = value_store_each(old, take_value, x);
    for (unsigned i = 0; st == ST_OK && i < VALUE_STORE_PART_COUNT; i++) {
        x->table = tables[i];
        st = value_store_each_part(old, (enum value_store_part)i, take_part, x);
    }
    return st == ST_OK ? journal_commit(x->server->journal) : st;
}

static enum status put_aside(const char *data_dir)
{
    char from[PATH_MAX], to[PATH_MAX];

    (void)snprintf(from, sizeof(from), "%s/" VALUE_STORE_FOLDER, data_dir);
    (void)snprintf(to, sizeof(to), "%s/" VALUE_STORE_FOLDER ".old", data_dir);
    return rename(from, to) == 0 ? ST_OK : ST_IO;
}

static enum status take_old_values(struct server *s, char *error)
{
    struct taking x = {.server = s};
    struct value_store *old;
    enum status st = value_store_open(s->config->data, &old, error, SERVER_ERROR_LEN);

    if (st == ST_NOT_FOUND)
        return ST_OK;
    if (st != ST_OK)
        return st;
    st = take_all(&x, old);
    value_store_close(&old);
    buffer_deinit(&x.key);
    buffer_deinit(&x.value);
    if (st == ST_OK)
        st = put_aside(s->config->data);
    if (st == ST_OK)
        log_event(EV_VALUES_TAKEN_IN);
    else
        (void)snprintf(error, SERVER_ERROR_LEN, "%s/%s: cannot be taken into the journal: %s",
                       s->config->data, VALUE_STORE_FOLDER, status_text(st));
    return st;
}

/* --- start and stop --------------------------------------------------------------------------- */

enum status journal_sync_open(struct server *s, char *error)
{
    enum status st = registry_change_each(s->registry, read_saved_change(s), forget_project, s);

    return st == ST_OK ? take_old_values(s, error) : st;
}

static bool forget_alarms(const struct registry_change *c, void *arg)
{
    struct server *s = arg;

    if (is_removal(c))
        alarm_commit_remove_project(s->alarm_commit, c->id);
    return true;
}

enum status journal_sync_load(struct server *s)
{
    enum status st = registry_change_each(s->registry, read_saved_change(s), forget_alarms, s);

    if (st == ST_OK)
        st = device_store_load(s->workers, s->journal, s->config->restart_grace * 1000ull);
    return st == ST_OK ? write_saved_change(s) : st;
}

void journal_sync_save(struct server *s)
{
    for (unsigned i = 0; i < worker_group_count(s->workers); i++) {
        struct worker *w = worker_group_get(s->workers, i);

        device_store_all(home_of(w));
        app_feed_save_cursors(site_of(w));
    }
    worker_group_settle(s->workers);
}
