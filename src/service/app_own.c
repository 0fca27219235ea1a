/* Deliveries that no index finds: the session is known. */
#include "service/app_own.h"

static const struct app_subscription *subscription_to(const struct app_session *a,
                                                      enum open_kind kind)
{
    for (struct list *n = a->subscriptions.next; n != &a->subscriptions; n = n->next) {
        struct app_subscription *sub = list_entry(n, struct app_subscription, node);

        if (!sub->is_shared && (sub->indexed.filter.kinds & 1u << kind) != 0)
            return sub;
    }
    return NULL;
}

void app_own_send(struct app_session *a, enum open_kind kind, struct slice payload, uint64_t seq)
{
    const struct app_subscription *sub = subscription_to(a, kind);
    struct open_message_parts parts = {.project_id = a->project->project_id,
                                       .project_text = project_text(a->project),
                                       .kind = kind,
                                       .payload = payload,
                                       .accepted_ms = a->session->worker->unix_ms};
    struct delivery d = {0};

    if (sub == NULL)
        return;
    d.message = &open_message_new(&parts)->message;
    d.qos = sub->qos;
    d.subscription_id = sub->identifier;
    d.seq = seq;
    if (seq != 0)
        app_feed_resume(a, &d);
    if (session_deliver(a->session, &d) == SESSION_FULL)
        session_refuse(a->session, &d);
}

void app_own_deliver(struct worker *w, const struct app_receiver *to, struct open_message *m)
{
    struct session *s = session_find_handle(w, to->session);
    struct delivery d = {.message = &m->message,
                         .qos = m->message.qos < to->qos ? m->message.qos : to->qos,
                         .subscription_id = to->identifier,
                         .retain = true};

    if (s == NULL)
        delivery_deinit(&d);
    else if (session_deliver(s, &d) == SESSION_FULL)
        session_refuse(s, &d);
}

/* b: QoS, c: identifier. */
static void open_message(struct worker *w, const struct letter *l)
{
    struct app_receiver to = {.session = l->a, .qos = (uint8_t)l->b, .identifier = (uint32_t)l->c};

    app_own_deliver(w, &to, l->object);
}

static void open_own_message(struct worker *w, const struct letter *l)
{
    home_of(w)->letters_to_self--;
    open_message(w, l);
}

/* What is published here next is delivered here at once, so a letter to ourselves would come behind
 * it; unless such messages go by letter themselves. Then this one counts with them, or what is
 * published when they have been opened would come before it. */
void app_own_give(struct home *h, const struct app_receiver *to, struct open_message *m)
{
    struct letter letter = {
        .open = open_message, .object = m, .a = to->session, .b = to->qos, .c = to->identifier};

    if (to->worker == h->worker->index && h->letters_to_self == 0) {
        app_own_deliver(h->worker, to, m);
        return;
    }
    if (to->worker == h->worker->index) {
        letter.open = open_own_message;
        h->letters_to_self++;
    }
    worker_post(h->worker, to->worker, &letter);
}
