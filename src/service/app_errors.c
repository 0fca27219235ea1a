/* Refused publishes: counted, logged, told on `$open/<projectKey>/errors` to the client that sent
 * them. */
#include "service/app_errors.h"

#include "platform/counters.h"
#include "service/counters.h"
#include "service/events.h"

enum { ERRORS_MAX = 30, ERRORS_WINDOW_MS = 60000 };

static const struct app_subscription *errors_subscription(const struct app_session *a)
{
    for (struct list *n = a->subscriptions.next; n != &a->subscriptions; n = n->next) {
        struct app_subscription *sub = list_entry(n, struct app_subscription, node);

        if (!sub->is_shared && (sub->indexed.filter.kinds & 1u << OPEN_KIND_ERRORS) != 0)
            return sub;
    }
    return NULL;
}

static void write_payload(struct buffer *b, const struct app_error *e)
{
    buffer_append_text(b, "{\"topic\": ");
    json_append_string(b, e->topic);
    buffer_printf(b, ", \"code\": %u, \"message\": ", (unsigned)e->code);
    json_append_string(b, e->message.len > 0 ? e->message : slice_of(reason_text(e->code)));
    if (e->line != 0)
        buffer_printf(b, ", \"line\": %u, \"column\": %u", e->line, e->column);
    if (e->packet_id != 0)
        buffer_printf(b, ", \"packet_id\": %u", (unsigned)e->packet_id);
    buffer_append_text(b, "}");
}

static void send_message(struct app_session *a, const struct app_error *e)
{
    const struct app_subscription *sub = errors_subscription(a);
    struct buffer payload = {0};
    struct open_message_parts parts = {.project_id = a->project->project_id,
                                       .project_text = project_text(a->project),
                                       .kind = OPEN_KIND_ERRORS,
                                       .accepted_ms = a->session->worker->unix_ms};
    struct delivery d = {0};

    if (sub == NULL)
        return;
    write_payload(&payload, e);
    parts.payload = buffer_slice(&payload);
    d.message = &open_message_new(&parts)->message;
    d.qos = sub->qos;
    d.subscription_id = sub->identifier;
    if (session_deliver(a->session, &d) == SESSION_FULL)
        session_refuse(a->session, &d);
    buffer_deinit(&payload);
}

bool app_errors_tell(struct app_session *a, const struct app_error *e)
{
    struct session *s = a->session;
    uint64_t now_ms = s->worker->now_ms;

    counter_inc(publishes_refused);
    counter_inc(downlinks_refused);
    log_event(EV_APP_PUBLISH_REFUSED, "project", a->project->text, "client", s->client_id, "topic",
              log_slice(e->topic), "cause",
              e->message.len > 0 ? log_slice(e->message) : reason_text(e->code));
    send_message(a, e);
    if (now_ms - a->refusals_since_ms > ERRORS_WINDOW_MS) {
        a->refusals_since_ms = now_ms;
        a->refusals = 0;
    }
    return ++a->refusals <= ERRORS_MAX;
}
