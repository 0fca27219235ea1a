/*
 * Views are copies: the caller may be another thread, which waits while this runs.
 */
#include "service/app_session_list.h"

#include "base/mem.h"
#include "mqtt/session.h"
#include "service/app_service.h"
#include "service/app_session.h"

static void fill_subscriptions(const struct app_session *a, struct app_session_view *v)
{
    size_t i = 0;

    v->subscription_count = a->subscription_count;
    v->subscriptions =
        mem_new(MEM_BASE, v->subscription_count * sizeof(struct app_session_subscription));
    for (struct list *n = a->subscriptions.next;
         n != &a->subscriptions && i < v->subscription_count; n = n->next) {
        const struct app_subscription *sub = list_entry(n, struct app_subscription, node);

        v->subscriptions[i].filter = slice_to_string(slice_of(sub->filter));
        v->subscriptions[i].qos = sub->qos;
        i++;
    }
    v->subscription_count = i;
}

static void tell(const struct session *s, app_session_view_fn fn, void *arg)
{
    const struct app_session *a = app_session_of(s);
    struct app_session_view v = {
        .client_id = slice_to_string(slice_make(s->client_id, s->client_id_len)),
        .is_v5 = s->version == MQTT_5,
        .is_connected = s->client != NULL,
        .is_persistent = s->expiry_s > 0,
        .expiry_s = s->expiry_s,
        .queued = s->out.queue_count,
        .queued_bytes = s->out.queue_bytes,
        .unacknowledged = s->out.inflight,
        .is_behind = a->is_behind,
        .secret = a->access.secret == NULL ? NULL : a->access.secret->name,
    };

    if (s->client != NULL)
        v.address = slice_to_string(conn_peer_address(s->client->conn));
    fill_subscriptions(a, &v);
    fn(&v, arg);
    for (size_t i = 0; i < v.subscription_count; i++)
        mem_free(v.subscriptions[i].filter);
    mem_free(v.subscriptions);
    mem_free(v.address);
    mem_free(v.client_id);
}

static bool is_meant(const struct session *s, uint64_t project_id, struct slice client_id)
{
    return s->service == &app_service && s->scope == project_id &&
           (client_id.data == NULL ||
            slice_equal(slice_make(s->client_id, s->client_id_len), client_id));
}

void app_session_each(struct worker *w, uint64_t project_id, struct slice client_id,
                      app_session_view_fn fn, void *arg)
{
    struct session *s;
    size_t cursor = 0;

    while ((s = session_next(w, &cursor)) != NULL) {
        if (!s->is_closed && is_meant(s, project_id, client_id))
            tell(s, fn, arg);
    }
}

bool app_session_end(struct worker *w, uint64_t project_id, struct slice client_id)
{
    struct session *s = session_find(w, &app_service, project_id, client_id);

    if (s == NULL || s->is_closed)
        return false;
    s->expiry_s = 0; /* it ends with its connection */
    if (s->client != NULL)
        client_disconnect(s->client, REASON_ADMINISTRATIVE_ACTION,
                          slice_of("an operator has ended this session"));
    else
        session_close(s);
    return true;
}
