/* Downlinks at the device's home: checked, stored, delivered, announced. Source:
 * open-api.md 3.2, 3.3 */
#include "service/downlink.h"

#include <stdio.h>

#include "base/invariant.h"
#include "mqtt/property.h"
#include "platform/counters.h"
#include "platform/device_alarm.h"
#include "platform/device_command.h"
#include "platform/device_retained.h"
#include "platform/device_store.h"
#include "platform/json_fault.h"
#include "service/device_check.h"
#include "service/will_store.h"

static struct slice place(uint8_t **next, struct slice s)
{
    uint8_t *at = *next;

    if (s.len > 0)
        memcpy(at, s.data, s.len);
    *next += s.len;
    return slice_make(at, s.len);
}

/* A reply goes back by itself when the response topic is the device's own command_reply topic. */
static bool wants_reply_properties(const struct open_topic *topic, const struct property_set *set)
{
    struct open_topic response;

    return topic->kind == OPEN_KIND_COMMAND_SEND && property_has(set, PROPERTY_RESPONSE_TOPIC) &&
           open_topic_parse(set->response_topic, &response) == ST_OK &&
           response.project_id == topic->project_id && response.device_id == topic->device_id &&
           response.kind == OPEN_KIND_COMMAND_REPLY;
}

struct downlink *downlink_new(const struct open_topic *topic, struct slice payload,
                              struct slice properties, const struct property_set *set)
{
    bool returns_reply = wants_reply_properties(topic, set);
    bool has_correlation = returns_reply && property_has(set, PROPERTY_CORRELATION_DATA);
    struct slice response = returns_reply ? set->response_topic : slice_make(NULL, 0);
    struct slice correlation = has_correlation ? set->correlation_data : slice_make(NULL, 0);
    struct downlink *d =
        mem_alloc(MEM_MESSAGE, sizeof(*d) + properties.len + response.len + correlation.len +
                                   topic->stream.len + payload.len + JSON_PADDING);
    uint8_t *next = (uint8_t *)(d + 1);

    *d = (struct downlink){.project_id = topic->project_id,
                           .device_id = topic->device_id,
                           .kind = topic->kind,
                           .returns_reply = returns_reply,
                           .has_correlation_data = has_correlation};
    d->properties = place(&next, properties);
    d->response_topic = place(&next, response);
    d->correlation_data = place(&next, correlation);
    d->stream = place(&next, topic->stream);
    d->payload = place(&next, payload);
    memset(next, 0, JSON_PADDING);
    return d;
}

void downlink_free(struct downlink **dp)
{
    struct downlink *d = *dp;

    *dp = NULL;
    project_secret_unref(&d->limits);
    buffer_deinit(&d->reception);
    mem_free(d);
}

void downlink_refuse(struct downlink_answer *answer, enum reason reason, const char *why)
{
    answer->reason = reason;
    snprintf(answer->why, sizeof(answer->why), "%s", why);
}

void downlink_refuse_json(struct downlink_answer *answer, struct slice payload)
{
    char text[JSON_FAULT_LEN_MAX];

    json_fault_describe(payload, text, sizeof(text), &answer->line, &answer->column);
    downlink_refuse(answer, REASON_PAYLOAD_FORMAT_INVALID, text);
}

/* What watchers see: the publication with its publisher's properties. */
static bool publish_watched(struct device *d, const struct downlink *x, struct slice payload,
                            const struct router_receipt *receipt)
{
    struct device_publication p = {.kind = x->kind,
                                   .payload = payload,
                                   .publisher = x->publisher,
                                   .qos = x->qos,
                                   .retain = x->retain,
                                   .forwarded = true,
                                   .properties = x->properties,
                                   .expires_ms = x->has_expiry ? x->expires_ms : 0};

    return device_publish(d, &p, receipt);
}

/* Keeps the publication as the device's retained one; an empty payload clears it. */
static void retain(struct device *d, const struct downlink *x, struct slice payload)
{
    const struct project *project = d->project->project;
    struct open_message_parts parts = {.project_id = x->project_id,
                                       .device_id = x->device_id,
                                       .type_id = d->type_id,
                                       .project_text = project_text(project),
                                       .device_text = device_text(d),
                                       .kind = x->kind,
                                       .payload = payload,
                                       .accepted_ms = d->home->worker->unix_ms,
                                       .qos = x->qos,
                                       .retain = true,
                                       .forwarded = true,
                                       .properties = x->properties,
                                       .expires_ms = x->has_expiry ? x->expires_ms : 0};
    struct open_message *m = open_message_new(&parts);

    device_retained_set(d, x->kind, m);
    device_store_mark(d, DEVICE_PART_RETAINED);
    open_message_unref(&m);
}

static const char *deliver(struct device *d, const struct downlink *x, enum device_topic topic,
                           struct slice payload)
{
    struct device_downlink m = {.topic = topic,
                                .stream = x->stream,
                                .payload = payload,
                                .expires_ms = x->has_expiry ? x->expires_ms : 0,
                                .is_recorded = true};

    return device_link_deliver(d, &m);
}

/* The receipt brings the decision with it. */
static void decide(struct router_receipt *receipt, struct downlink_answer *answer,
                   enum reason reason)
{
    answer->reason = reason;
    if (receipt != NULL)
        receipt->c |= (uint64_t)reason << DOWNLINK_RECEIPT_REASON_SHIFT;
}

/* What was done in this turn is durable before it is answered. */
static void wait_for_journal(const struct device *d, const struct router_receipt *receipt,
                             struct downlink_answer *answer)
{
    if (answer->is_later || receipt == NULL)
        return;
    router_put_barrier(d->home, d->project->project->project_id, receipt);
    answer->is_later = true;
}

/* A downlink that was not given to the device's session at all. What the cloud keeps to itself is
 * no message of the device. */
static void log_untaken(struct device *d, const struct downlink *x, enum message_verdict verdict,
                        const char *why)
{
    struct device_downlink m = {
        .topic = DEVICE_TOPIC_ATTRIBUTES_PUSH, .stream = x->stream, .payload = x->payload};

    if (x->kind == OPEN_KIND_ATTRIBUTES)
        return;
    if (x->kind == OPEN_KIND_COMMAND_SEND)
        m.topic = DEVICE_TOPIC_COMMAND_SEND;
    else if (x->kind == OPEN_KIND_DATA)
        m.topic = DEVICE_TOPIC_DATA_SET;
    device_link_log(d, &m, x->qos, verdict, why);
}

static void run_push(struct device *d, const struct downlink *x, struct router_receipt *receipt,
                     struct downlink_answer *answer)
{
    const struct json_member *members;
    const char *why;
    size_t count;
    struct device_publication announced = {
        .kind = OPEN_KIND_ATTRIBUTES, .payload = x->payload, .source = OPEN_SOURCE_PUSH};
    bool is_owed = open_interest_durable(&d->project->project->interest, OPEN_KIND_ATTRIBUTES) != 0;

    if (json_parse_object(d->home->json, x->payload, &members, &count) != ST_OK) {
        downlink_refuse_json(answer, x->payload);
        return;
    }
    why = device_check_push(d, members, count);
    if (why != NULL) {
        downlink_refuse(answer, REASON_IMPLEMENTATION_ERROR, why);
        return;
    }
    device_store_values(d, members, count, d->home->worker->unix_ms);
    why = deliver(d, x, DEVICE_TOPIC_ATTRIBUTES_PUSH, x->payload);
    decide(receipt, answer, why == NULL ? REASON_SUCCESS : REASON_NO_MATCHING_SUBSCRIBERS);
    /* The receipt goes with the last message that the journal takes. */
    answer->is_later = publish_watched(d, x, x->payload, is_owed ? NULL : receipt);
    answer->is_later |= device_publish(d, &announced, is_owed ? receipt : NULL);
    if (why == NULL && device_link_is_durable(d))
        wait_for_journal(d, receipt, answer);
    device_alarm_report(d, members, count);
    if (x->retain)
        retain(d, x, x->payload);
}

/* Values that the cloud sets by itself: kept and announced; the device does not hear of them. */
static void run_write(struct device *d, const struct downlink *x, struct router_receipt *receipt,
                      struct downlink_answer *answer)
{
    const struct json_member *members;
    const char *why;
    size_t count;
    struct device_publication announced = {
        .kind = OPEN_KIND_ATTRIBUTES, .payload = x->payload, .source = OPEN_SOURCE_CLOUD};

    if (json_parse_object(d->home->json, x->payload, &members, &count) != ST_OK) {
        downlink_refuse_json(answer, x->payload);
        return;
    }
    why = device_check_write(d, members, count);
    if (why != NULL) {
        downlink_refuse(answer, REASON_IMPLEMENTATION_ERROR, why);
        return;
    }
    device_store_values(d, members, count, d->home->worker->unix_ms);
    decide(receipt, answer, REASON_SUCCESS);
    answer->is_later = device_publish(d, &announced, receipt);
    device_store_due(d);
    wait_for_journal(d, receipt, answer);
    device_alarm_report(d, members, count);
}

/* Custom data. Nobody watches it. */
static void run_data_set(struct device *d, const struct downlink *x, struct router_receipt *receipt,
                         struct downlink_answer *answer)
{
    const char *why = device_check_data_set(d, x->stream, x->payload);

    if (why != NULL) {
        downlink_refuse(answer, REASON_IMPLEMENTATION_ERROR, why);
        return;
    }
    why = deliver(d, x, DEVICE_TOPIC_DATA_SET, x->payload);
    decide(receipt, answer, why == NULL ? REASON_SUCCESS : REASON_NO_MATCHING_SUBSCRIBERS);
    if (why == NULL && device_link_is_durable(d))
        wait_for_journal(d, receipt, answer);
}

/* Enters the command into the ledger; gives the payload to send, with an id in any case. */
static enum status enter_command(struct device *d, const struct downlink *x,
                                 const struct command_form *form, struct buffer *with_id,
                                 struct slice *payload, struct command **out)
{
    struct worker *w = d->home->worker;
    struct command_request request = {
        .id = form->id,
        .method = command_form_method(form),
        .deadline_ms =
            x->has_expiry ? x->expires_ms : w->now_ms + d->home->shared->command_timeout_ms,
        .accepted_ms = w->unix_ms,
        .has_response_topic = x->returns_reply,
        .has_correlation_data = x->has_correlation_data,
        .response_topic = x->response_topic,
        .correlation_data = x->correlation_data,
    };
    enum status st = command_ledger_add(device_command_ledger(d), &request, out);

    if (st != ST_OK)
        return st;
    *payload = x->payload;
    if (form->id == NULL) {
        command_form_append_id(x->payload, &(*out)->id, with_id);
        *payload = buffer_slice(with_id);
    }
    return ST_OK;
}

static void refuse_command(struct device *d, const struct command_form *form, enum reason reason,
                           const char *why, struct downlink_answer *answer)
{
    downlink_refuse(answer, reason, why);
    device_command_rejected(d, form->id, command_form_method(form), answer->why);
}

static bool parse_command(struct device *d, const struct downlink *x, struct command_form *form,
                          struct downlink_answer *answer)
{
    const struct json_member *members;
    const char *why;
    size_t count;

    if (json_parse_object(d->home->json, x->payload, &members, &count) != ST_OK) {
        downlink_refuse_json(answer, x->payload);
        return false;
    }
    if (command_form_check(COMMAND_FORM_COMMAND, members, count, form, &why) != ST_OK) {
        refuse_command(d, form, REASON_PAYLOAD_FORMAT_INVALID, why, answer);
        return false;
    }
    return true;
}

/* False: it is no command, or not one for this device. */
static bool read_command(struct device *d, const struct downlink *x, struct command_form *form,
                         struct downlink_answer *answer)
{
    const char *why;

    if (!parse_command(d, x, form, answer))
        return false;
    if (device_type_of(d) == NULL)
        return true;
    why = device_check_command(d, form);
    /* The check has used the parser that the form's members belong to. */
    invariant(parse_command(d, x, form, answer));
    if (why != NULL)
        refuse_command(d, form, REASON_IMPLEMENTATION_ERROR, why, answer);
    return why == NULL;
}

/* Gives the entered command to the device's session; then those who watch see it, and what became
 * of it. */
static void send_command(struct device *d, const struct downlink *x, const struct command *c,
                         struct slice payload, struct router_receipt *receipt,
                         struct downlink_answer *answer)
{
    uint64_t number = c->number; /* the command may end in here */
    struct device_downlink m = {.topic = DEVICE_TOPIC_COMMAND_SEND,
                                .payload = payload,
                                .expires_ms = c->deadline_ms, /* late is worse than never */
                                .command = number,
                                .is_recorded = true};
    const char *why = device_link_deliver(d, &m);

    decide(receipt, answer, why == NULL ? REASON_SUCCESS : REASON_NO_MATCHING_SUBSCRIBERS);
    answer->is_later = publish_watched(d, x, payload, receipt);
    wait_for_journal(d, receipt, answer); /* the reply must find it in the ledger */
    if (why == NULL)
        device_command_accepted(d, number);
    else
        device_command_untaken(d, number, why);
    if (x->retain)
        retain(d, x, payload);
}

static void run_command(struct device *d, const struct downlink *x, struct router_receipt *receipt,
                        struct downlink_answer *answer)
{
    struct command_form form;
    struct buffer with_id = {0};
    struct slice payload;
    struct command *c;
    const char *why;
    enum status st;

    if (!read_command(d, x, &form, answer))
        return;
    st = enter_command(d, x, &form, &with_id, &payload, &c);
    if (x->id != NULL && c != NULL)
        *x->id = c->id;
    else if (x->id != NULL && form.id != NULL)
        (void)command_id_read(form.id, x->id);
    if (st == ST_EXISTS) {
        answer->reason = REASON_SUCCESS; /* on its way already: not sent twice */
        why = "a command with this id is outstanding";
        device_record(d, MESSAGE_DOWN, slice_of("command_send"), MESSAGE_RECORDED, why);
        log_untaken(d, x, MESSAGE_RECORDED, why);
        return;
    }
    if (st != ST_OK) {
        refuse_command(d, &form, REASON_QUOTA_EXCEEDED,
                       "too many outstanding commands of this device", answer);
        return;
    }
    send_command(d, x, c, payload, receipt, answer);
    buffer_deinit(&with_id);
}

static void run(struct device *d, const struct downlink *x, struct router_receipt *receipt,
                struct downlink_answer *answer)
{
    switch (x->kind) {
    case OPEN_KIND_ATTRIBUTES:
        run_write(d, x, receipt, answer);
        break;
    case OPEN_KIND_ATTRIBUTES_PUSH:
        run_push(d, x, receipt, answer);
        break;
    case OPEN_KIND_DATA:
        run_data_set(d, x, receipt, answer);
        break;
    default:
        run_command(d, x, receipt, answer);
        break;
    }
}

static void check_and_run(struct device *d, const struct downlink *x,
                          struct router_receipt *receipt, struct downlink_answer *answer)
{
    *answer = (struct downlink_answer){.reason = REASON_SUCCESS};
    /* Before all else: who may not use a device does not learn whether there is one. */
    if (x->limits != NULL &&
        !project_secret_allows_device(x->limits, x->device_id, d == NULL ? 0 : d->type_id)) {
        downlink_refuse(answer, REASON_NOT_AUTHORIZED, DOWNLINK_DEVICE_NOT_ALLOWED);
        return;
    }
    if (d == NULL || d->project->project->project_id != x->project_id) {
        downlink_refuse(answer, REASON_TOPIC_INVALID, "no such device in this project");
        return;
    }
    if (x->retain && x->payload.len == 0) {
        retain(d, x, x->payload);
        answer->is_later = publish_watched(d, x, x->payload, receipt);
        return;
    }
    run(d, x, receipt, answer);
    if (answer->reason < REASON_UNSPECIFIED_ERROR)
        counter_inc(downlinks);
    else
        log_untaken(d, x, MESSAGE_REFUSED, answer->why);
}

/* What was carried out must not be again, also after a crash: noted in one commit with it. */
static void receive(struct home *h, const struct device *d, const struct downlink *x,
                    const struct router_receipt *receipt, struct downlink_answer *answer)
{
    static const uint8_t version = 1;

    router_put_row(h, JOURNAL_TABLE_APP_RECEPTION, x->project_id, buffer_slice(&x->reception),
                   slice_make(&version, sizeof(version)), NULL);
    wait_for_journal(d, receipt, answer);
}

void downlink_run(struct home *h, const struct downlink *x, struct router_receipt *receipt,
                  struct downlink_answer *answer)
{
    struct device *d = home_find_device(h, x->device_id);

    check_and_run(d, x, receipt, answer);
    if (x->reception.len > 0 && answer->reason < REASON_UNSPECIFIED_ERROR)
        receive(h, d, x, receipt, answer);
    will_store_remove(h, x->project_id, x->will_number);
}
