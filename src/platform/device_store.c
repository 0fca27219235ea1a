/*
 * Changes gather at the device, as bits; a device with some stands in one of its home's two lists.
 * The list of those that are due is written at the end of the turn, in one batch with the turn's
 * messages; the other one becomes due by a timer. While what was written behind is not committed
 * yet the timer waits, so a disk that is slow, or full, costs no memory.
 */
#include "platform/device_store.h"

#include <endian.h>

#include "base/invariant.h"
#include "platform/command_record.h"
#include "platform/device_alarm.h"
#include "platform/device_command.h"
#include "platform/device_retained.h"

enum {
    DEVICES_PER_TURN = 2048, /* written behind at once, the others in the next turns */
    ROW_VERSION = 1,
    PRESENCE_LEN = 2 + 2 * sizeof(uint64_t),
    KEY_LEN = sizeof(uint64_t),
    TIME_LEN = sizeof(int64_t)
};

static uint64_t read_u64(const uint8_t *at)
{
    uint64_t big;

    memcpy(&big, at, sizeof(big));
    return be64toh(big);
}

/* --- rows ------------------------------------------------------------------------------------ */

void device_store_write_presence(enum device_presence presence, int64_t since_ms,
                                 int64_t created_ms, struct buffer *out)
{
    buffer_append_u8(out, ROW_VERSION);
    buffer_append_u8(out, (uint8_t)presence);
    buffer_append_u64(out, (uint64_t)since_ms);
    buffer_append_u64(out, (uint64_t)created_ms);
}

void device_store_write_key(uint64_t device_id, struct slice name, struct buffer *out)
{
    buffer_append_u64(out, device_id);
    buffer_append_slice(out, name);
}

void device_store_write_value(int64_t ts_ms, struct slice json, struct buffer *out)
{
    buffer_append_u64(out, (uint64_t)ts_ms);
    buffer_append_slice(out, json);
}

static void write_presence(const struct device *d, struct buffer *out)
{
    enum device_presence presence = d->is_absent   ? DEVICE_ABSENT
                                    : d->is_online ? DEVICE_ONLINE
                                                   : DEVICE_OFFLINE;

    device_store_write_presence(presence, d->presence_ms, d->created_ms, out);
}

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

/* The parts that are one row, and who knows what its bytes mean. Each value has a row of its own.
 */
static const struct part {
    enum journal_table table;
    void (*write)(const struct device *d, struct buffer *out); /* nothing: there is no row */
    void (*restore)(struct device *d, struct slice bytes);
} parts[DEVICE_PART_COUNT] = {
    [DEVICE_PART_PRESENCE] = {JOURNAL_TABLE_DEVICE, write_presence, NULL},
    [DEVICE_PART_VALUES] = {JOURNAL_TABLE_VALUE, NULL, NULL},
    [DEVICE_PART_ALARMS] = {JOURNAL_TABLE_ALARM, write_alarms, device_alarm_restore},
    [DEVICE_PART_COMMANDS] = {JOURNAL_TABLE_COMMAND, write_commands, device_command_restore},
    [DEVICE_PART_RETAINED] = {JOURNAL_TABLE_RETAINED, device_retained_write,
                              device_retained_restore},
};

/* --- marks ----------------------------------------------------------------------------------- */

static void on_behind(struct timer *t);

static void set_timer(struct home *h, uint64_t delay_ms)
{
    if (!list_is_empty(&h->store.later) && !h->store.is_writing)
        timer_set(&h->worker->timers, &h->store.timer, h->worker->now_ms + delay_ms, on_behind);
}

void device_store_mark(struct device *d, enum device_part part)
{
    struct home *h = d->home;
    bool was_empty;

    d->unstored |= (uint8_t)(1u << part);
    if (list_is_linked(&d->store_node))
        return;
    was_empty = list_is_empty(&h->store.later);
    list_push_back(&h->store.later, &d->store_node);
    if (was_empty)
        set_timer(h, DEVICE_STORE_BEHIND_MS);
}

void device_store_due(struct device *d)
{
    list_remove(&d->store_node);
    list_push_back(&d->home->store.due, &d->store_node);
}

/* Back from the commit of what was written behind. */
static void open_written(struct worker *w, const struct letter *l)
{
    struct home *h = home_of(w);

    (void)l;
    h->store.is_writing = false;
    set_timer(h, h->store.has_rest ? 0 : DEVICE_STORE_BEHIND_MS);
}

static void on_behind(struct timer *t)
{
    struct home *h = list_entry(t, struct home, store.timer);
    struct list *node;

    for (unsigned i = 0; i < DEVICES_PER_TURN && (node = list_pop_front(&h->store.later)) != NULL;
         i++)
        list_push_back(&h->store.due, node);
    h->store.has_rest = !list_is_empty(&h->store.later);
    h->store.is_behind = true;
}

void device_store_all(struct home *h)
{
    list_splice_back(&h->store.due, &h->store.later);
}

void device_store_leave(struct device *d)
{
    list_remove(&d->store_node);
}

void device_store_enter(struct device *d)
{
    if (d->unstored != 0)
        device_store_due(d);
}

/* --- writing --------------------------------------------------------------------------------- */

static void put(const struct device *d, enum journal_table table, struct slice name,
                struct slice value)
{
    struct buffer key = {0};

    device_store_write_key(d->device_id, name, &key);
    router_put_row(d->home, table, d->project->project->project_id, buffer_slice(&key), value,
                   NULL);
    buffer_deinit(&key);
}

static void put_part(const struct device *d, const struct part *part)
{
    struct buffer value = {0};

    part->write(d, &value);
    put(d, part->table, slice_make(NULL, 0), buffer_slice(&value));
    buffer_deinit(&value);
}

static void put_values(struct device *d)
{
    struct buffer value = {0};

    for (unsigned i = 0; i < d->values.count; i++) {
        struct cloud_value *v = &d->values.items[i];

        if (!v->dirty)
            continue;
        v->dirty = false;
        value.len = 0;
        device_store_write_value(v->ts_ms, cloud_value_json(v), &value);
        put(d, JOURNAL_TABLE_VALUE, cloud_value_name(v), buffer_slice(&value));
    }
    buffer_deinit(&value);
}

static void write_device(struct device *d)
{
    uint8_t unstored = d->unstored;

    if (unstored == 0 && d->is_stored)
        return;
    if (!d->is_stored) /* the row that says which device the others are of */
        unstored |= 1u << DEVICE_PART_PRESENCE;
    d->is_stored = true;
    d->unstored = 0;
    for (unsigned i = 0; i < DEVICE_PART_COUNT; i++) {
        if ((unstored & (1u << i)) != 0 && parts[i].write != NULL)
            put_part(d, &parts[i]);
    }
    if ((unstored & (1u << DEVICE_PART_VALUES)) != 0)
        put_values(d);
}

void device_store_turn(struct home *h)
{
    struct router_receipt receipt = {.open = open_written, .to = h->worker->index};
    struct list *node;

    while ((node = list_pop_front(&h->store.due)) != NULL)
        write_device(list_entry(node, struct device, store_node));
    if (!h->store.is_behind)
        return;
    h->store.is_behind = false;
    h->store.is_writing = true;
    router_put_barrier(h, 0, &receipt);
}

void device_store_forget(struct device *d)
{
    struct slice none = slice_make(NULL, 0);

    device_store_leave(d);
    if (!d->is_stored)
        return;
    for (unsigned i = 0; i < DEVICE_PART_COUNT; i++) {
        if (parts[i].write != NULL)
            put(d, parts[i].table, none, none);
    }
    for (unsigned i = 0; i < d->values.count; i++)
        put(d, JOURNAL_TABLE_VALUE, cloud_value_name(&d->values.items[i]), none);
}

/* --- at start -------------------------------------------------------------------------------- */

struct load {
    struct worker_group *group;
    enum journal_table table;
    const struct part *part; /* NULL: values */
    uint64_t grace_ms;
    bool is_damaged;
};

static struct device *find_device(const struct load *x, uint64_t project_id, uint64_t device_id)
{
    unsigned index = home_of_device(home_of(worker_group_get(x->group, 0)), device_id);
    struct device *d = home_find_device(home_of(worker_group_get(x->group, index)), device_id);

    return d != NULL && d->project->project->project_id == project_id ? d : NULL;
}

/* True: the device is the one that the row was written for. */
static bool load_presence(struct device *d, struct slice value, const struct load *x)
{
    if (value.len != PRESENCE_LEN || value.data[0] != ROW_VERSION ||
        (int64_t)read_u64(value.data + 2 + sizeof(uint64_t)) != d->created_ms)
        return false;
    d->is_stored = true;
    d->is_absent = value.data[1] == DEVICE_ABSENT;
    device_restore_presence(d, value.data[1] != DEVICE_OFFLINE, (int64_t)read_u64(value.data + 2),
                            x->grace_ms);
    return true;
}

static bool load_row(struct device *d, struct slice key, struct slice value, const struct load *x)
{
    struct cloud_value *v;

    if (x->table == JOURNAL_TABLE_DEVICE)
        return load_presence(d, value, x);
    if (!d->is_stored)
        return false;
    if (x->part != NULL) {
        x->part->restore(d, value);
        return true;
    }
    if (key.len <= KEY_LEN || value.len < TIME_LEN ||
        !cloud_values_set(&d->values, slice_from(key, KEY_LEN), slice_from(value, TIME_LEN),
                          (int64_t)read_u64(value.data)))
        return false;
    v = &d->values.items[d->values.count - 1];
    v->dirty = false;
    return true;
}

static void on_row(uint64_t project_id, struct slice key, struct slice value, void *arg)
{
    struct load *x = arg;
    struct device *d;

    if (key.len < KEY_LEN) {
        x->is_damaged = true;
        return;
    }
    d = find_device(x, project_id, read_u64(key.data));
    if (d == NULL || !load_row(d, key, value, x))
        router_put_row(home_of(worker_group_get(x->group, 0)), x->table, project_id, key,
                       slice_make(NULL, 0), NULL);
}

enum status device_store_load(struct worker_group *g, struct journal *j, uint64_t grace_ms)
{
    struct load x = {.group = g, .grace_ms = grace_ms};
    enum status st = ST_OK;

    for (unsigned i = 0; st == ST_OK && i < DEVICE_PART_COUNT; i++) {
        x.table = parts[i].table;
        x.part = parts[i].restore == NULL ? NULL : &parts[i];
        st = journal_each(j, x.table, on_row, &x);
    }
    return st == ST_OK && x.is_damaged ? ST_CORRUPT : st;
}

/* --- from outside ---------------------------------------------------------------------------- */

static bool commands_are_sound(struct slice bytes)
{
    struct command_ledger l;
    bool is_sound;

    command_ledger_init(&l, 1);
    is_sound = command_record_read(&l, bytes, 0, 0) == ST_OK;
    command_ledger_deinit(&l);
    return is_sound;
}

bool device_store_row_is_sound(enum journal_table table, struct slice key, struct slice value)
{
    if (table == JOURNAL_TABLE_VALUE)
        return key.len > KEY_LEN && value.len > TIME_LEN;
    if (key.len != KEY_LEN)
        return false;
    switch (table) {
    case JOURNAL_TABLE_DEVICE:
        return value.len == PRESENCE_LEN && value.data[0] == ROW_VERSION &&
               value.data[1] <= DEVICE_ABSENT;
    case JOURNAL_TABLE_ALARM:
        return alarms_are_sound(value);
    case JOURNAL_TABLE_COMMAND:
        return commands_are_sound(value);
    case JOURNAL_TABLE_RETAINED:
        return device_retained_is_sound(value);
    default:
        return false;
    }
}
