/*
 * What an application publishes: checked for topic and rights at the session's home, carried out at
 * the device's home, answered in order. Source: open-api.md 3.3
 */
#include "base/invariant.h"
#include "mqtt/property.h"
#include "platform/counters.h"
#include "platform/device_log.h"
#include "platform/events.h"
#include "platform/hand_over.h"
#include "service/app_errors.h"
#include "service/app_login.h"
#include "service/app_request.h"
#include "service/app_store.h"
#include "service/downlink.h"
#include "service/will_store.h"

/* A refusal (or acceptance) on its way back; the ticket travels in the letter. */
struct answer {
    struct downlink_answer answer;
    uint32_t topic_len;
    uint8_t topic[OPEN_TOPIC_LEN_MAX];
};

/* --- tickets in letters ---------------------------------------------------------------------- */

static uint64_t pack(const struct service_ticket *t, enum reason reason)
{
    return (uint64_t)t->packet_id | (uint64_t)t->qos << 16 |
           (uint64_t)reason << DOWNLINK_RECEIPT_REASON_SHIFT;
}

static struct service_ticket unpack(const struct letter *l)
{
    return (struct service_ticket){
        .session = l->a, .number = l->b, .packet_id = (uint16_t)l->c, .qos = (uint8_t)(l->c >> 16)};
}

/* The journal has it: the publisher may be told what was decided. */
static void open_receipt(struct worker *w, const struct letter *l)
{
    struct service_ticket ticket = unpack(l);

    client_answer(w, &ticket, (enum reason)(l->c >> DOWNLINK_RECEIPT_REASON_SHIFT), NULL);
}

static struct router_receipt receipt_for(const struct downlink *d)
{
    return (struct router_receipt){.open = open_receipt,
                                   .to = d->publisher_worker,
                                   .a = d->ticket.session,
                                   .b = d->ticket.number,
                                   .c = pack(&d->ticket, REASON_SUCCESS)};
}

/* --- refusals -------------------------------------------------------------------------------- */

static const char too_many_refusals[] = "too many refused publishes in a minute";

/* At the device's home, if it exists. b: its number, c: its project. */
static void open_refused(struct worker *w, const struct letter *l)
{
    struct message_log_entry *e = l->object;
    struct device *d = home_find_device(home_of(w), l->b);

    if (hand_over_park(home_of(w), l->b, l))
        return;
    if (d != NULL && d->project->project->project_id == l->c)
        device_log_add(d, &e->message);
    mem_free(e);
}

/* What is refused here has not come to the device; its log shows it all the same. */
static void record_refused(struct app_session *a, const struct packet_publish *p, struct slice why)
{
    struct worker *w = a->session->worker;
    struct home *h = home_of(w);
    struct logged_message m = {.direction = MESSAGE_DOWN,
                               .verdict = MESSAGE_REFUSED,
                               .qos = p->qos,
                               .topic = p->topic,
                               .payload = p->payload,
                               .why = why};
    struct letter letter = {.open = open_refused};
    struct open_topic topic;

    if (open_topic_parse(p->topic, &topic) != ST_OK || topic.device_id == 0 ||
        topic.project_id != a->project->project_id)
        return;
    letter.object = message_log_entry_new(&m, w->unix_ms, &h->shared->log_limits);
    letter.b = topic.device_id;
    letter.c = topic.project_id;
    worker_post(w, home_of_device(h, topic.device_id), &letter);
}

static struct service_verdict refuse(struct app_session *a, const struct packet_publish *p,
                                     enum reason code, struct slice why)
{
    struct app_error e = {
        .code = code, .topic = p->topic, .message = why, .packet_id = p->packet_id};

    record_refused(a, p, why);
    if (app_errors_tell(a, &e))
        return (struct service_verdict){.reason = code, .why = why};
    return (struct service_verdict){.reason = code,
                                    .why = why,
                                    .then_disconnect = REASON_MESSAGE_RATE_TOO_HIGH,
                                    .then_why = slice_of(too_many_refusals)};
}

static void tell_refusal(struct session *s, const struct service_ticket *t,
                         const struct downlink_answer *answer, struct slice topic)
{
    struct app_error e = {.code = answer->reason,
                          .topic = topic,
                          .message = slice_of(answer->why),
                          .line = answer->line,
                          .column = answer->column,
                          .packet_id = t->packet_id};

    if (!app_errors_tell(app_session_of(s), &e) && s->client != NULL)
        client_disconnect(s->client, REASON_MESSAGE_RATE_TOO_HIGH, slice_of(too_many_refusals));
}

/* At the session's home: the device's home has decided. */
static void open_answer(struct worker *w, const struct letter *l)
{
    struct answer *a = l->object;
    struct service_ticket ticket = unpack(l);
    struct session *s = session_find_handle(w, ticket.session);
    struct shared_bytes *why = NULL;

    if (a->answer.why[0] != '\0')
        why = shared_bytes_new(MEM_SESSION, slice_of(a->answer.why));
    client_answer(w, &ticket, a->answer.reason, why);
    if (s != NULL && a->answer.reason >= REASON_UNSPECIFIED_ERROR)
        tell_refusal(s, &ticket, &a->answer, slice_make(a->topic, a->topic_len));
    mem_free(a);
}

/* --- at the device's home -------------------------------------------------------------------- */

static size_t write_topic(const struct downlink *d, void *out)
{
    char project[IDENT_TEXT_LEN + 1], device[IDENT_TEXT_LEN + 1];

    ident_format(IDENT_PROJECT, d->project_id, project);
    ident_format(IDENT_DEVICE, d->device_id, device);
    return open_topic_write(out, slice_of(project), slice_of(device), d->kind, slice_make(NULL, 0));
}

/* What was refused of a will: there is nobody to answer. */
static void record_will(const struct downlink *d, const struct downlink_answer *answer)
{
    uint8_t topic[OPEN_TOPIC_LEN_MAX];

    if (answer->reason < REASON_UNSPECIFIED_ERROR)
        return;
    counter_inc(downlinks_refused);
    log_event(EV_DOWNLINK_RECORDED, "topic", log_slice(slice_make(topic, write_topic(d, topic))),
              "cause", answer->why);
}

static void post_answer(struct worker *w, const struct downlink *d,
                        const struct downlink_answer *answer)
{
    struct answer *a = mem_new_of(MEM_MESSAGE, struct answer);
    struct letter letter = {.open = open_answer,
                            .object = a,
                            .a = d->ticket.session,
                            .b = d->ticket.number,
                            .c = pack(&d->ticket, answer->reason)};

    a->answer = *answer;
    a->topic_len = (uint32_t)write_topic(d, a->topic);
    worker_post(w, d->publisher_worker, &letter);
}

static void open_downlink(struct worker *w, const struct letter *l)
{
    struct downlink *d = l->object;
    struct router_receipt receipt = receipt_for(d);
    struct downlink_answer answer;

    if (hand_over_park(home_of(w), d->device_id, l))
        return;
    downlink_run(home_of(w), d, d->has_publisher ? &receipt : NULL, &answer);
    if (!d->has_publisher)
        record_will(d, &answer);
    else if (!answer.is_later)
        post_answer(w, d, &answer);
    downlink_free(&d);
}

/* --- at the session's home ------------------------------------------------------------------- */

/* What publishes of a kind need. */
static const struct right {
    enum scope scope;
    const char *lack;
} rights[OPEN_KIND_COUNT] = {
    [OPEN_KIND_ATTRIBUTES_PUSH] = {SCOPE_PUSH, "the secret does not allow to push attributes"},
    [OPEN_KIND_COMMAND_SEND] = {SCOPE_COMMAND, "the secret does not allow to send commands"},
};

static enum reason check_topic(const struct project *p, uint8_t scopes, struct slice topic,
                               struct open_topic *out, struct slice *why)
{
    if (open_topic_parse(topic, out) != ST_OK) {
        *why = slice_of("not a topic that applications may publish");
        return REASON_NOT_AUTHORIZED;
    }
    if (out->project_id != p->project_id) {
        *why = slice_of("the topic is not of this project");
        return REASON_NOT_AUTHORIZED;
    }
    if (out->kind == OPEN_KIND_CTL) {
        *why = slice_of("a will cannot be a request");
        return REASON_NOT_AUTHORIZED;
    }
    if (!open_kinds[out->kind].may_publish || out->device_id == 0) {
        *why = slice_of("this kind of topic is only received");
        return REASON_NOT_AUTHORIZED;
    }
    if ((scopes & SCOPE_BIT(rights[out->kind].scope)) == 0) {
        *why = slice_of(rights[out->kind].lack);
        return REASON_NOT_AUTHORIZED;
    }
    return REASON_SUCCESS;
}

static struct service_verdict send_downlink(struct home *h, struct downlink *d)
{
    struct worker *w = h->worker;
    unsigned to = home_of_device(h, d->device_id);
    struct router_receipt receipt = receipt_for(d);
    struct letter letter = {.open = open_downlink, .object = d};
    struct downlink_answer answer;

    if (to != w->index)
        worker_post(w, to, &letter);
    if (to != w->index || hand_over_park(h, d->device_id, &letter)) {
        return (struct service_verdict){.is_later = true};
    }
    downlink_run(h, d, d->has_publisher ? &receipt : NULL, &answer);
    if (!d->has_publisher) {
        record_will(d, &answer);
    } else if (answer.reason >= REASON_UNSPECIFIED_ERROR) {
        post_answer(w, d,
                    &answer); /* as from another worker, so that refusals are told in one place */
        answer.is_later = true;
    }
    downlink_free(&d);
    return (struct service_verdict){.is_later = answer.is_later, .reason = answer.reason};
}

/* With a reference, for who outlives the session's present access. */
static struct project_secret *limits_of(struct project_secret *s)
{
    struct project_secret *limits = project_secret_limits(s);

    return limits == NULL ? NULL : project_secret_ref(limits);
}

static bool is_request(const struct app_session *a, struct slice name)
{
    struct open_topic topic;

    return open_topic_parse(name, &topic) == ST_OK && topic.kind == OPEN_KIND_CTL &&
           topic.project_id == a->project->project_id;
}

static struct service_verdict request(struct app_session *a, const struct packet_publish *p)
{
    struct service_verdict verdict = app_request_publish(a, p);

    return verdict.reason == REASON_SUCCESS ? verdict : refuse(a, p, verdict.reason, verdict.why);
}

struct service_verdict app_publish(struct client *c, const struct packet_publish *p,
                                   const struct service_ticket *ticket)
{
    struct app_session *a = app_session_of(c->session);
    struct worker *w = client_worker(c);
    struct buffer properties = {0};
    struct open_topic topic;
    struct slice why = {0};
    struct downlink *d;
    enum reason reason;

    if (is_request(a, p->topic))
        return request(a, p);
    reason = check_topic(a->project, a->access.scopes, p->topic, &topic, &why);
    if (reason == REASON_SUCCESS)
        reason = site_check_payload(a->site, p->payload, &why);
    if (reason != REASON_SUCCESS)
        return refuse(a, p, reason, why);
    if (c->target.version == MQTT_5)
        property_write_forwarded(&properties, &p->properties);
    d = downlink_new(&topic, p->payload, buffer_slice(&properties), &p->properties);
    buffer_deinit(&properties);
    d->qos = p->qos;
    d->retain = p->retain;
    if (p->qos == 2)
        app_store_reception(a, p->packet_id, &d->reception);
    d->has_publisher = true;
    d->publisher_worker = w->index;
    d->ticket = *ticket;
    d->publisher = a->publisher;
    d->limits = limits_of(a->access.secret);
    if (property_has(&p->properties, PROPERTY_MESSAGE_EXPIRY)) {
        d->has_expiry = true;
        d->expires_ms = w->now_ms + p->properties.message_expiry_s * 1000ull;
    }
    return send_downlink(home_of(w), d);
}

/* --- wills ----------------------------------------------------------------------------------- */

/* Whether a device may have a will: asked of its home. */
struct will_question {
    uint64_t number; /* of the waiting client */
    uint64_t project_id, device_id;
    unsigned worker;               /* the client's */
    struct project_secret *limits; /* a reference; NULL: any device of the project */
};

static bool may_have_will(const struct home *h, const struct will_question *q)
{
    const struct device *d = home_find_device(h, q->device_id);

    return d != NULL && d->project->project->project_id == q->project_id &&
           (q->limits == NULL || project_secret_allows_device(q->limits, d->device_id, d->type_id));
}

/* One that is on its way here is there: whose it is was looked at when it was moved, and whether it
 * is allowed is looked at when the will is due. */
static bool may_have_own_will(const struct home *h, const struct will_question *q)
{
    return hand_over_is_expected(h, q->device_id) || may_have_will(h, q);
}

/* At the session's home: a: the waiting client's number, b: the answer. */
static void open_will_answer(struct worker *w, const struct letter *l)
{
    client_decide(w, l->a, l->b != 0);
}

/* At the device's home. */
static void open_will_question(struct worker *w, const struct letter *l)
{
    struct will_question *q = l->object;
    struct letter answer = {.open = open_will_answer, .a = q->number};

    if (hand_over_park(home_of(w), q->device_id, l))
        return;
    answer.b = may_have_will(home_of(w), q);
    worker_post(w, q->worker, &answer);
    project_secret_unref(&q->limits);
    mem_free(q);
}

static void post_will_question(struct client *c, unsigned home, const struct will_question *q)
{
    struct will_question *copy = mem_new_of(MEM_MESSAGE, struct will_question);
    struct letter letter = {.open = open_will_question, .object = copy};

    *copy = *q;
    copy->number = client_wait_number(c);
    if (copy->limits != NULL)
        (void)project_secret_ref(copy->limits);
    worker_post(client_worker(c), home, &letter);
}

enum reason app_check_will(struct client *c, const struct project *p,
                           const struct packet_will *will, struct service_login *login)
{
    struct worker *w = client_worker(c);
    struct will_question q = {.worker = w->index, .limits = app_login_limits(&login->grant)};
    struct open_topic topic;
    enum reason reason =
        check_topic(p, app_login_scopes(&login->grant), will->topic, &topic, &login->why);
    unsigned home;

    if (reason == REASON_SUCCESS)
        reason = site_check_payload(site_of(w), will->payload, &login->why);
    if (reason != REASON_SUCCESS)
        return reason;
    q.project_id = topic.project_id;
    q.device_id = topic.device_id;
    home = home_of_device(home_of(w), topic.device_id);
    if (c->decision == CLIENT_UNDECIDED && home != w->index) {
        post_will_question(c, home, &q);
        login->is_later = true;
        return REASON_SUCCESS;
    }
    if (home == w->index ? may_have_own_will(home_of(w), &q) : c->decision == CLIENT_ALLOWED)
        return REASON_SUCCESS;
    login->why = slice_of(q.limits == NULL ? "the will's device does not exist in this project"
                                           : DOWNLINK_DEVICE_NOT_ALLOWED);
    return q.limits == NULL ? REASON_TOPIC_INVALID : REASON_NOT_AUTHORIZED;
}

struct will_author app_will_author(const struct app_session *a)
{
    return (struct will_author){.project_id = a->project->project_id,
                                .client_id =
                                    slice_make(a->session->client_id, a->session->client_id_len),
                                .by = a->access.secret};
}

void app_keep_will(struct session *s, struct will *w)
{
    const struct app_session *a = app_session_of(s);
    struct will_author author = app_will_author(a);

    will_store_keep(s, w, a->project, &author);
}

void app_forget_will(struct session *s, const struct will *w)
{
    will_store_remove(home_of(s->worker), app_session_of(s)->project->project_id, w->number);
}

void app_publish_will(struct session *s, const struct will *w)
{
    struct will_author author = app_will_author(app_session_of(s));

    app_send_will(home_of(s->worker), &author, w);
}

/* Its row goes at the device's home, in one commit with what it causes there. */
void app_send_will(struct home *h, const struct will_author *a, const struct will *w)
{
    const struct project *p = home_find_project(h, a->project_id)->project;
    struct property_set none = {0};
    struct slice why = {0};
    struct open_topic topic;
    struct downlink *d;

    /* What may not be published was refused at CONNECT. */
    if (check_topic(p, SCOPES_ALL, w->topic, &topic, &why) != REASON_SUCCESS) {
        will_store_remove(h, a->project_id, w->number);
        return;
    }
    d = downlink_new(&topic, w->payload, w->properties, &none);
    d->qos = w->qos;
    d->retain = w->retain;
    d->publisher = app_publisher_of(a->client_id);
    d->limits = limits_of(a->by);
    d->will_number = w->number;
    if (w->has_expiry) {
        d->has_expiry = true;
        d->expires_ms = h->worker->now_ms + w->expiry_s * 1000ull;
    }
    (void)send_downlink(h, d);
}
