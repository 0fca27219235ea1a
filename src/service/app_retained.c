/*
 * Retained downlinks for a new subscription: every worker is asked for those of its devices, since
 * each device keeps its own. Source: open-api.md 3.1 "Retain works as the standards say",
 * [MQTT-3.3.1-9] to -11
 */
#include "base/invariant.h"
#include "platform/device.h"
#include "service/app_session.h"

struct question {
    struct open_filter filter;
    struct project_secret *limits; /* a reference; NULL: all devices */
    uint64_t session;              /* handle */
    unsigned worker;               /* its home */
    uint8_t qos;
    uint32_t identifier;
};

/* At the session's home: one retained message. b: QoS, c: identifier. */
static void open_answer(struct worker *w, const struct letter *l)
{
    struct open_message *m = l->object;
    struct session *s = session_find_handle(w, l->a);
    struct delivery d = {.message = &m->message,
                         .qos = m->message.qos < l->b ? m->message.qos : (uint8_t)l->b,
                         .subscription_id = (uint32_t)l->c,
                         .retain = true};

    if (s == NULL)
        delivery_deinit(&d);
    else if (session_deliver(s, &d) == SESSION_FULL)
        session_refuse(s, &d);
}

/* What is published here next is delivered here at once, so a letter to ourselves would come behind
 * it; unless such messages go by letter themselves. */
static void give(struct home *h, unsigned to, const struct letter *answer)
{
    if (to == h->worker->index && h->letters_to_self == 0)
        open_answer(h->worker, answer);
    else
        worker_post(h->worker, to, answer);
}

static void answer_for_device(struct home *h, const struct question *q, const struct device *d)
{
    if (q->limits != NULL && !project_secret_allows_device(q->limits, d->device_id, d->type_id))
        return;
    for (unsigned i = 0; i < DEVICE_RETAINED_COUNT; i++) {
        struct open_message *m = d->retained[i];
        struct letter letter = {
            .open = open_answer, .a = q->session, .b = q->qos, .c = q->identifier};

        if (m == NULL || !open_filter_matches(&q->filter, m->device_id, m->kind, m->stream))
            continue;
        if (m->message.expires_ms != 0 && m->message.expires_ms <= h->worker->now_ms)
            continue;
        letter.object = open_message_ref(m);
        give(h, q->worker, &letter);
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
        q->session = s->handle;
        q->worker = w->index;
        q->qos = sub->qos;
        q->identifier = sub->identifier;
        worker_post(w, i, &letter);
    }
}
