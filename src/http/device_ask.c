/*
 * One letter a worker and question. The workers' tables are read on the workers, into memory of the
 * thread that waits.
 */
#include "http/device_ask.h"

#include <inttypes.h>

#include "base/json.h"
#include "platform/device.h"

static struct worker_group *workers(const struct http_call *call)
{
    return call->site->settings.workers;
}

enum status device_ask_home(struct http_call *call, uint64_t device_id, unsigned *home)
{
    uint64_t root_id;
    enum status st = registry_device_root(call->registry, device_id, &root_id, NULL);

    if (st == ST_OK)
        *home = home_of_root(workers(call), root_id);
    return st;
}

struct states {
    struct device_state *items;
    size_t count;
};

/* On each worker: those that are at home there. */
static void fill_states(struct worker *w, void *arg)
{
    const struct states *s = arg;

    for (size_t i = 0; i < s->count; i++) {
        struct device_state *state = &s->items[i];
        const struct device *d;

        if (state->home != w->index)
            continue;
        d = home_find_device(home_of(w), state->device_id);
        state->is_known = d != NULL;
        state->is_online = d != NULL && d->is_online;
        state->is_alerting = d != NULL && d->is_alarming;
    }
}

enum status device_ask_states(struct http_call *call, struct device_state *states, size_t count)
{
    struct states s = {states, count};
    uint64_t asked = 0; /* workers */

    for (size_t i = 0; i < count; i++) {
        enum status st = device_ask_home(call, states[i].device_id, &states[i].home);

        if (st == ST_NOT_FOUND) { /* removed since it was read */
            states[i].home = WORKERS_MAX;
            continue;
        }
        if (st != ST_OK)
            return st;
        asked |= 1ull << states[i].home;
    }
    for (; asked != 0; asked &= asked - 1)
        worker_group_call(workers(call), (unsigned)__builtin_ctzll(asked), fill_states, &s);
    return ST_OK;
}

struct values {
    uint64_t device_id;
    const struct slice *names;
    size_t count;
    struct buffer *out;
    bool is_known;
};

static void append_value(const struct cloud_value *v, struct buffer *out)
{
    if (v == NULL)
        return;
    if (out->len > 0 && out->data[out->len - 1] == '}')
        buffer_append_u8(out, ',');
    json_append_string(out, cloud_value_name(v));
    buffer_append_text(out, ":{\"value\":");
    buffer_append_slice(out, cloud_value_json(v));
    buffer_printf(out, ",\"ts\":%" PRId64 "}", v->ts_ms);
}

static void fill_values(struct worker *w, void *arg)
{
    struct values *s = arg;
    const struct device *d = home_find_device(home_of(w), s->device_id);

    s->is_known = d != NULL;
    if (d == NULL)
        return;
    for (size_t i = 0; i < s->count; i++)
        append_value(cloud_values_find(&d->values, s->names[i]), s->out);
    for (size_t i = 0; s->count == 0 && i < d->values.count; i++)
        append_value(&d->values.items[i], s->out);
}

bool device_ask_all_values(struct worker *w, uint64_t device_id, struct buffer *out)
{
    struct values s = {device_id, NULL, 0, out, false};

    fill_values(w, &s);
    return s.is_known;
}

enum status device_ask_values(struct http_call *call, uint64_t device_id, const struct slice *names,
                              size_t count, struct buffer *out)
{
    struct values s = {device_id, names, count, out, false};
    unsigned home;
    enum status st = device_ask_home(call, device_id, &home);

    if (st == ST_OK)
        worker_group_call(workers(call), home, fill_values, &s);
    return st == ST_OK && !s.is_known ? ST_NOT_FOUND : st;
}
