/* Refused publishes: counted, logged, told on `$open/<projectKey>/errors` to the client that sent
 * them. */
#include "service/app_errors.h"

#include "platform/counters.h"
#include "service/app_own.h"
#include "service/counters.h"
#include "service/events.h"

enum { ERRORS_MAX = 30, ERRORS_WINDOW_MS = 60000 };

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

bool app_errors_tell(struct app_session *a, const struct app_error *e)
{
    struct session *s = a->session;
    uint64_t now_ms = s->worker->now_ms;
    struct buffer payload = {0};

    counter_inc(publishes_refused);
    counter_inc(downlinks_refused);
    log_event(EV_APP_PUBLISH_REFUSED, "project", a->project->text, "client", s->client_id, "topic",
              log_slice(e->topic), "cause",
              e->message.len > 0 ? log_slice(e->message) : reason_text(e->code));
    write_payload(&payload, e);
    app_own_send(a, OPEN_KIND_ERRORS, buffer_slice(&payload), 0);
    buffer_deinit(&payload);
    if (now_ms - a->refusals_since_ms > ERRORS_WINDOW_MS) {
        a->refusals_since_ms = now_ms;
        a->refusals = 0;
    }
    return ++a->refusals <= ERRORS_MAX;
}
