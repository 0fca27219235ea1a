/*
 * Letters to the workers that gather copies. What is gathered is cut back to what is wanted now and
 * then, so that it stays small however much alerts.
 */
#include "http/alarm_ask.h"

#include <stdlib.h>

#include "base/invariant.h"
#include "http/device_ask.h"
#include "http/http_credential.h"
#include "platform/device.h"

enum {
    DEVICES_AT_ONCE = 4096, /* that a worker looks at in one go: some hundred microseconds */
    SURPLUS = 4             /* times as many as are wanted are gathered before they are cut */
};

static size_t count_of(const struct buffer *found)
{
    return found->len / sizeof(struct alarm_standing);
}

static struct alarm_standing *items_of(const struct buffer *found)
{
    return (struct alarm_standing *)(void *)found->data;
}

static void cut_back(struct buffer *found, size_t count)
{
    struct alarm_standing *items = items_of(found);

    for (size_t i = count; i < count_of(found); i++)
        alarm_rule_unref(&items[i].rule);
    if (count < count_of(found))
        found->len = count * sizeof(struct alarm_standing);
}

void alarm_ask_free(struct buffer *found)
{
    cut_back(found, 0);
    buffer_deinit(found);
}

static void gather(struct buffer *found, uint64_t device_id, const struct alarm *a)
{
    struct alarm_standing one = {device_id,    alarm_rule_ref(a->rule), a->state,
                                 a->met_count, a->met_since_ms,         a->since_ms};

    buffer_append(found, &one, sizeof(one));
}

/* --- the order of a list ---------------------------------------------------------------------- */

static struct alarm_standing_place place_of(const struct alarm_standing *s)
{
    return (struct alarm_standing_place){s->since_ms, s->device_id, s->rule->rule_id};
}

/* Below 0: `a` comes first. */
static int compare_places(struct alarm_standing_place a, struct alarm_standing_place b)
{
    if (a.since_ms != b.since_ms)
        return a.since_ms > b.since_ms ? -1 : 1;
    if (a.device_id != b.device_id)
        return a.device_id > b.device_id ? -1 : 1;
    return (a.rule_id < b.rule_id) - (a.rule_id > b.rule_id);
}

static int compare(const void *a, const void *b)
{
    return compare_places(place_of(a), place_of(b));
}

static void sort(struct buffer *found)
{
    if (found->len > 0)
        qsort(found->data, count_of(found), sizeof(struct alarm_standing), compare);
}

/* --- a project -------------------------------------------------------------------------------- */

struct walk {
    struct http_call *call;
    const struct alarm_ask *ask;
    struct buffer found; /* on this worker */
    size_t cursor, capacity;
    bool is_over;
};

static bool is_asked_for(const struct walk *w, const struct device *d)
{
    const struct alarm_ask *ask = w->ask;

    return d->alarms.count > 0 && d->project->project->project_id == w->call->project.project_id &&
           (ask->device_id == 0 || d->device_id == ask->device_id) &&
           (!ask->by_type || d->type_id == ask->type_id) &&
           http_credential_allows_device(w->call, d->device_id, d->type_id);
}

static bool is_wanted(const struct alarm_ask *ask, const struct device *d, const struct alarm *a)
{
    struct alarm_standing_place place = {a->since_ms, d->device_id, a->rule->rule_id};

    return a->state != ALARM_NORMAL && (ask->rule_id == 0 || a->rule->rule_id == ask->rule_id) &&
           (ask->levels == 0 || (ask->levels & 1u << a->rule->level) != 0) &&
           (ask->states == 0 || (ask->states & 1u << a->state) != 0) &&
           (ask->below.device_id == 0 || compare_places(ask->below, place) < 0);
}

static void look_at(struct walk *w, const struct device *d)
{
    for (uint32_t i = 0; i < d->alarms.count; i++) {
        if (is_wanted(w->ask, d, &d->alarms.items[i]))
            gather(&w->found, d->device_id, &d->alarms.items[i]);
    }
    if (count_of(&w->found) >= SURPLUS * w->ask->wanted) {
        sort(&w->found);
        cut_back(&w->found, w->ask->wanted);
    }
}

/* On the worker. When its table has grown, places in it mean nothing any more. */
static void look(struct worker *worker, void *arg)
{
    struct walk *w = arg;
    const struct home *h = home_of(worker);

    if (w->capacity != h->devices.capacity) {
        w->capacity = h->devices.capacity;
        w->cursor = 0;
        cut_back(&w->found, 0);
    }
    for (unsigned i = 0; i < DEVICES_AT_ONCE; i++) {
        const struct device *d = home_next_device(h, &w->cursor);

        w->is_over = d == NULL;
        if (w->is_over)
            return;
        if (is_asked_for(w, d))
            look_at(w, d);
    }
}

/* Looks at all devices of a worker; what is found joins `out`. */
static void ask_worker(struct http_call *call, const struct alarm_ask *ask, unsigned index,
                       struct buffer *out)
{
    struct walk w = {.call = call, .ask = ask};

    while (!w.is_over)
        worker_group_call(call->site->settings.workers, index, look, &w);
    buffer_append_slice(out, buffer_slice(&w.found));
    buffer_deinit(&w.found); /* the references are out's now */
    sort(out);
    cut_back(out, ask->wanted);
}

void alarm_ask_project(struct http_call *call, const struct alarm_ask *ask, struct buffer *out)
{
    unsigned workers = worker_group_count(call->site->settings.workers), home = workers;

    invariant(ask->wanted > 0 && out->len == 0);
    if (ask->device_id != 0)
        home = home_call(call->site->settings.workers, ask->device_id, NULL, NULL);
    for (unsigned i = 0; i < workers; i++) {
        if (home == workers || i == home)
            ask_worker(call, ask, i, out);
    }
}

/* --- a device --------------------------------------------------------------------------------- */

struct question {
    uint64_t device_id;
    struct buffer *out;
    bool is_known;
};

static void look_at_one(struct worker *worker, void *arg)
{
    struct question *q = arg;
    const struct device *d = home_find_device(home_of(worker), q->device_id);

    q->is_known = d != NULL;
    for (uint32_t i = 0; d != NULL && i < d->alarms.count; i++)
        gather(q->out, d->device_id, &d->alarms.items[i]);
}

bool alarm_ask_device(struct http_call *call, struct buffer *out)
{
    struct question q = {.device_id = call->device.device_id, .out = out};

    (void)home_call(call->site->settings.workers, q.device_id, look_at_one, &q);
    return q.is_known;
}
