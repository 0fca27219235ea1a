/*
 * They are nowhere but on the workers; each tells of its own.
 */
#include "http/session_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "service/app_session_list.h"

struct gathering {
    uint64_t project_id;
    struct slice client_id;
    json_t *items; /* owned */
    bool was_ended;
};

static json_t *describe(const struct app_session_view *v)
{
    json_t *subscriptions = json_array();

    for (size_t i = 0; i < v->subscription_count; i++)
        (void)json_array_append_new(subscriptions,
                                    json_pack("{s:s, s:i}", "filter", v->subscriptions[i].filter,
                                              "qos", v->subscriptions[i].qos));
    return json_pack("{s:s, s:s, s:b, s:s?, s:s?, s:b, s:I, s:o, s:I, s:I, s:I, s:b}", "client_id",
                     v->client_id, "protocol", v->is_v5 ? "5.0" : "3.1.1", "connected",
                     v->is_connected, "address", v->address, "secret", v->secret, "persistent",
                     v->is_persistent, "expiry_s", (json_int_t)v->expiry_s, "subscriptions",
                     subscriptions, "queued", (json_int_t)v->queued, "queued_bytes",
                     (json_int_t)v->queued_bytes, "unacknowledged", (json_int_t)v->unacknowledged,
                     "behind", v->is_behind);
}

static void on_session(const struct app_session_view *v, void *arg)
{
    struct gathering *g = arg;

    (void)json_array_append_new(g->items, describe(v));
}

static void gather(struct worker *w, void *arg)
{
    struct gathering *g = arg;

    app_session_each(w, g->project_id, g->client_id, on_session, g);
}

static void ask_all(struct worker_group *workers, worker_call_fn fn, struct gathering *g)
{
    for (unsigned i = 0; i < worker_group_count(workers); i++)
        worker_group_call(workers, i, fn, g);
}

static int by_client_id(const void *a, const void *b)
{
    const json_t *const *x = a, *const *y = b;

    return strcmp(json_string_value(json_object_get(*x, "client_id")),
                  json_string_value(json_object_get(*y, "client_id")));
}

static json_t *put_in_order(json_t *items)
{
    size_t count = json_array_size(items);
    json_t **in_order = mem_new(MEM_BASE, (count + 1) * sizeof(json_t *));
    json_t *ordered = json_array();

    for (size_t i = 0; i < count; i++)
        in_order[i] = json_array_get(items, i);
    qsort(in_order, count, sizeof(json_t *), by_client_id);
    for (size_t i = 0; i < count; i++)
        (void)json_array_append(ordered, in_order[i]);
    mem_free(in_order);
    json_decref(items);
    return ordered;
}

json_t *session_list_new(struct worker_group *g, uint64_t project_id, struct slice client_id)
{
    struct gathering all = {.project_id = project_id, .client_id = client_id};

    all.items = json_array();
    ask_all(g, gather, &all);
    return put_in_order(all.items);
}

static void end_session(struct worker *w, void *arg)
{
    struct gathering *g = arg;

    g->was_ended |= app_session_end(w, g->project_id, g->client_id);
}

bool session_list_end(struct worker_group *g, uint64_t project_id, struct slice client_id)
{
    struct gathering one = {.project_id = project_id, .client_id = client_id};

    ask_all(g, end_session, &one);
    return one.was_ended;
}
