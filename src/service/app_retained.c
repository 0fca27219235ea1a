/*
 * Retained downlinks for a new subscription: every worker is asked for those of its devices, since
 * each device keeps its own. Source: open-api.md 3.1 "Retain works as the standards say",
 * [MQTT-3.3.1-9] to -11
 */
#include "base/invariant.h"
#include "platform/device.h"
#include "service/app_own.h"

struct question {
    struct open_filter filter;
    struct project_secret *limits; /* a reference; NULL: all devices */
    struct app_receiver receiver;
};

static void answer_for_device(struct home *h, const struct question *q, const struct device *d)
{
    if (q->limits != NULL && !project_secret_allows_device(q->limits, d->device_id, d->type_id))
        return;
    for (unsigned i = 0; i < DEVICE_RETAINED_COUNT; i++) {
        struct open_message *m = d->retained[i];

        if (m == NULL || !open_filter_matches(&q->filter, m->device_id, m->kind, m->stream))
            continue;
        if (m->message.expires_ms != 0 && m->message.expires_ms <= h->worker->now_ms)
            continue;
        app_own_give(h, &q->receiver, open_message_ref(m));
    }
}

/* At each device home. */
static void open_question(struct worker *w, const struct letter *l)
{
    struct question *q = l->object;
    struct home *h = home_of(w);
    struct home_project *p = home_find_project(h, q->filter.project_id);

    for (struct list *n = p == NULL ? NULL : p->retained.next; n != NULL && n != &p->retained;
         n = n->next)
        answer_for_device(h, q, list_entry(n, struct device, retained_node));
    project_secret_unref(&q->limits);
    mem_free(q);
}

void app_retained_ask(struct app_subscription *sub)
{
    struct project_secret *limits = sub->session->access.limits;
    struct session *s = sub->session->session;
    struct worker *w = s->worker;

    for (unsigned i = 0; i < worker_group_count(w->group); i++) {
        struct question *q = mem_new_of(MEM_SUBSCRIPTION, struct question);
        struct letter letter = {.open = open_question, .object = q};

        q->filter = sub->indexed.filter;
        q->limits = limits == NULL ? NULL : project_secret_ref(limits);
        q->receiver = (struct app_receiver){s->handle, w->index, sub->qos, sub->identifier};
        worker_post(w, i, &letter);
    }
}
