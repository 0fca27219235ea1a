/*
 * The MQTT sessions of a project's applications: which there are, what waits for them, and their
 * end.
 *
 * They are nowhere but on the workers. A list is gathered from all of them and put in order, so its
 * pages fit together as long as the sessions stay the same.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "http/api.h"
#include "service/app_session_list.h"

struct gathering {
    uint64_t project_id;
    struct slice client_id; /* data NULL: all */
    json_t *items;          /* owned */
    bool was_ended;
};

static json_t *describe(const struct app_session_view *v)
{
    json_t *subscriptions = json_array();

    for (size_t i = 0; i < v->subscription_count; i++)
        (void)json_array_append_new(subscriptions,
                                    json_pack("{s:s, s:i}", "filter", v->subscriptions[i].filter,
                                              "qos", v->subscriptions[i].qos));
    return json_pack("{s:s, s:s, s:b, s:s?, s:b, s:I, s:o, s:I, s:I, s:I, s:b}", "client_id",
                     v->client_id, "protocol", v->is_v5 ? "5.0" : "3.1.1", "connected",
                     v->is_connected, "address", v->address, "persistent", v->is_persistent,
                     "expiry_s", (json_int_t)v->expiry_s, "subscriptions", subscriptions, "queued",
                     (json_int_t)v->queued, "queued_bytes", (json_int_t)v->queued_bytes,
                     "unacknowledged", (json_int_t)v->unacknowledged, "behind", v->is_behind);
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

static void ask_all(struct http_call *call, worker_call_fn fn, struct gathering *g)
{
    struct worker_group *workers = call->site->settings.workers;

    for (unsigned i = 0; i < worker_group_count(workers); i++)
        worker_group_call(workers, i, fn, g);
}

static int by_client_id(const void *a, const void *b)
{
    const json_t *const *x = a, *const *y = b;

    return strcmp(json_string_value(json_object_get(*x, "client_id")),
                  json_string_value(json_object_get(*y, "client_id")));
}

/* The items in order, borrowed; mem_free. */
static json_t **ordered(const json_t *items)
{
    size_t count = json_array_size(items);
    json_t **in_order = mem_new(MEM_BASE, (count + 1) * sizeof(json_t *));

    for (size_t i = 0; i < count; i++)
        in_order[i] = json_array_get(items, i);
    qsort(in_order, count, sizeof(json_t *), by_client_id);
    return in_order;
}

void api_app_session_list(struct http_call *call)
{
    struct gathering g = {.project_id = call->project.project_id};
    struct http_page page;
    json_t **in_order;

    if (!http_page_begin(call, &page))
        return;
    g.items = json_array();
    ask_all(call, gather, &g);
    in_order = ordered(g.items);
    for (size_t i = page.after; i < json_array_size(g.items); i++) {
        if (!http_page_add(&page, i + 1, json_incref(in_order[i])))
            break;
    }
    mem_free(in_order);
    json_decref(g.items);
    http_page_end(call, &page);
}

void api_app_session_show(struct http_call *call)
{
    struct gathering g = {.project_id = call->project.project_id,
                          .client_id = slice_of(http_call_parameter(call, "client_id"))};

    g.items = json_array();
    ask_all(call, gather, &g);
    if (json_array_size(g.items) == 0)
        http_fail(call, PROBLEM_not_found, "there is no such session");
    else
        http_answer(call, json_incref(json_array_get(g.items, 0)));
    json_decref(g.items);
}

static void end_session(struct worker *w, void *arg)
{
    struct gathering *g = arg;

    g->was_ended |= app_session_end(w, g->project_id, g->client_id);
}

void api_app_session_end(struct http_call *call)
{
    struct gathering g = {.project_id = call->project.project_id,
                          .client_id = slice_of(http_call_parameter(call, "client_id"))};

    ask_all(call, end_session, &g);
    if (g.was_ended)
        http_answer_nothing(call);
    else
        http_fail(call, PROBLEM_not_found, "there is no such session");
}
