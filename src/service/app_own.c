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

void app_own_send(struct app_session *a, enum open_kind kind, struct slice payload)
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
    if (session_deliver(a->session, &d) == SESSION_FULL)
        session_refuse(a->session, &d);
}
