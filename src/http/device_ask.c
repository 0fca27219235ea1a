/*
 * One letter a worker and question, a second one for sub-devices whose gateway lives elsewhere. The
 * workers' tables are read on the workers, into memory of the thread that waits.
 */
#include "http/device_ask.h"

#include <inttypes.h>

#include "base/json.h"
#include "platform/device.h"

static struct worker_group *workers(const struct http_call *call)
{
    return call->site->settings.workers;
}

struct states {
    struct device_state *items;
    size_t count;
};

/* On each worker: those that are at home there; of the others it says where they are. */
static void fill_states(struct worker *w, void *arg)
{
    const struct states *s = arg;

    for (size_t i = 0; i < s->count; i++) {
        struct device_state *state = &s->items[i];
        const struct device *d;

        if (state->is_answered || state->home != w->index)
            continue;
        state->home = home_of_device(home_of(w), state->device_id);
        if (state->home != w->index)
            continue;
        d = home_find_device(home_of(w), state->device_id);
        state->is_answered = true;
        state->is_known = d != NULL;
        state->is_online = d != NULL && d->is_online;
        state->is_alerting = d != NULL && d->is_alarming;
    }
}

/* Bits of the workers that are to be asked. */
static uint64_t to_be_asked(const struct states *s)
{
    uint64_t homes = 0;

    for (size_t i = 0; i < s->count; i++)
        homes |= s->items[i].is_answered ? 0 : 1ull << s->items[i].home;
    return homes;
}

void device_ask_states(struct http_call *call, struct device_state *states, size_t count)
{
    struct states s = {states, count};
    uint64_t homes;

    for (size_t i = 0; i < count; i++) {
        states[i].home = home_of_root(workers(call), states[i].device_id);
        states[i].is_answered = false;
    }
    while ((homes = to_be_asked(&s)) != 0) { /* a second time for sub-devices */
        for (; homes != 0; homes &= homes - 1)
            worker_group_call(workers(call), (unsigned)__builtin_ctzll(homes), fill_states, &s);
    }
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

bool device_ask_values(struct http_call *call, uint64_t device_id, const struct slice *names,
                       size_t count, struct buffer *out)
{
    struct values s = {device_id, names, count, out, false};

    (void)home_call(workers(call), device_id, fill_values, &s);
    return s.is_known;
}
