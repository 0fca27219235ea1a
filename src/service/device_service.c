/*
 * Device access: who may connect, what a device may publish and subscribe to, and its presence. One
 * live connection a device, one session whose downlinks are kept.
 */
#include "service/device_service.h"

#include "base/invariant.h"
#include "platform/device_command.h"
#include "platform/device_log.h"
#include "platform/device_store.h"
#include "service/link_store.h"
#include "service/secured_receipt.h"
#include "service/sub_link.h"
#include "service/topic_map.h"
#include "service/will_owed.h"

static struct device_link *link_of(const struct session *s)
{
    return s->owner;
}

static unsigned home(struct worker *self, const struct packet_connect *p)
{
    uint64_t device_id = ident_parse(IDENT_DEVICE, p->username);

    if (device_id == 0)
        return self->index;
    return home_of_device(home_of(self), device_id);
}

/* The device's will is its last report: it may go where the device may publish. */
static enum reason check_will(const struct device *d, const struct packet_connect *p,
                              struct service_login *login)
{
    struct device_topic_parts parts;

    if (!p->has_will)
        return REASON_SUCCESS;
    if (topic_map_find(d, p->will.topic, DEVICE_UP, &parts) == ST_OK)
        return site_check_payload(site_of(d->home->worker), p->will.payload, &login->why);
    login->why = slice_of("the will's topic is not one that this device may publish");
    return REASON_NOT_AUTHORIZED;
}

static enum reason authenticate(struct client *c, const struct packet_connect *p,
                                struct service_login *login)
{
    struct worker *w = client_worker(c);
    struct site *s = site_of(w);
    uint64_t device_id = ident_parse(IDENT_DEVICE, p->username);
    struct device *d = device_id == 0 ? NULL : home_find_device(home_of(w), device_id);
    enum reason reason = site_check_login(s->settings->device_logins, c, p->username, p->password,
                                          d == NULL ? NULL : &d->password);

    if (reason == REASON_SUCCESS &&
        (!d->enabled ||
         !atomic_load_explicit(&d->project->project->enabled, memory_order_relaxed))) {
        login->why = slice_of("the device or its project is disabled");
        reason = REASON_NOT_AUTHORIZED;
    }
    if (reason == REASON_SUCCESS && d->sub != NULL) {
        login->why = slice_of("a sub-device speaks through its parent");
        reason = REASON_NOT_AUTHORIZED;
    }
    if (reason == REASON_SUCCESS)
        reason = check_will(d, p, login);
    if (reason != REASON_SUCCESS)
        return reason;
    login->scope = device_id;
    site_fill_login(s, login);
    return REASON_SUCCESS;
}

static void session_opened(struct session *s)
{
    struct device *d = home_find_device(home_of(s->worker), s->scope);
    struct device_link *link = mem_new_of(MEM_SESSION, struct device_link);

    invariant(d != NULL && d->link == NULL);
    link->device = d;
    link->session = s;
    s->owner = link;
    d->link = link;
}

static struct will_author author_of(const struct device *d)
{
    return (struct will_author){.project_id = d->project->project->project_id,
                                .device_id = d->device_id};
}

static void connected(struct client *c, bool session_present)
{
    struct device_link *link = link_of(c->session);
    struct will_author author = author_of(link->device);

    will_owed_returned(site_of(c->session->worker), &author, session_present);
    /* settled by its first connection */
    link->is_durable |= c->session->client_count == 1 && c->session->expiry_s > 0;
    if (link->is_durable)
        link_store_session(link, NULL);
    device_came(link->device);
}

static struct device_subscription *find(struct device_link *link,
                                        const struct device_topic_parts *parts)
{
    for (uint32_t i = 0; i < link->count; i++) {
        struct device_subscription *s = &link->subscriptions[i];

        if (s->topic == parts->topic && s->is_mapped == parts->is_mapped &&
            slice_is(parts->stream, s->stream))
            return s;
    }
    return NULL;
}

static enum reason refuse_filter(const struct client *c, struct slice filter, enum reason reason,
                                 const char *text, struct slice *why)
{
    struct logged_message m = {.direction = MESSAGE_UP,
                               .verdict = MESSAGE_REFUSED,
                               .topic = filter,
                               .why = slice_of(text)};

    *why = slice_of(text);
    site_record_refused_filter(c, filter, text);
    device_log_add(link_of(c->session)->device, &m);
    return reason;
}

static enum reason subscribe(struct client *c, const struct subscribe_filter *f,
                             uint32_t identifier, struct slice *why)
{
    struct device_link *link = link_of(c->session);
    struct device_topic_parts parts;
    struct device_subscription *s, added;
    struct topic_filter syntax;

    if (topic_parse_filter(f->filter, &syntax) != ST_OK)
        return refuse_filter(c, f->filter, REASON_FILTER_INVALID, "the filter is malformed", why);
    if (topic_map_find(link->device, f->filter, DEVICE_DOWN, &parts) != ST_OK)
        return refuse_filter(c, f->filter, REASON_NOT_AUTHORIZED,
                             "a device subscribes to its own downlink topics only", why);
    s = find(link, &parts);
    if (s == NULL) {
        if (link->count >= site_of(client_worker(c))->settings->subscriptions_max)
            return refuse_filter(c, f->filter, REASON_QUOTA_EXCEEDED, "too many subscriptions",
                                 why);
        added = (struct device_subscription){.topic = parts.topic, .is_mapped = parts.is_mapped};
        if (parts.stream.len > 0)
            memcpy(added.stream, parts.stream.data, parts.stream.len);
        device_link_add(link, &added);
        s = &link->subscriptions[link->count - 1];
    }
    s->qos = f->qos;
    s->identifier = identifier;
    return (enum reason)f->qos;
}

static void subscribed(struct client *c)
{
    (void)c; /* nothing is retained for devices */
}

static enum reason unsubscribe(struct client *c, struct slice filter)
{
    struct device_link *link = link_of(c->session);
    struct device_topic_parts parts;
    struct device_subscription *s;

    if (topic_map_find(link->device, filter, DEVICE_DOWN, &parts) != ST_OK)
        return REASON_NO_SUBSCRIPTION_EXISTED;
    s = find(link, &parts);
    if (s == NULL)
        return REASON_NO_SUBSCRIPTION_EXISTED;
    *s = link->subscriptions[--link->count];
    return REASON_SUCCESS;
}

/* The journal has it: the device may be told. */
static void open_receipt(struct worker *w, const struct letter *l)
{
    struct service_ticket ticket = {
        .session = l->a, .number = l->b, .packet_id = (uint16_t)l->c, .qos = (uint8_t)(l->c >> 16)};

    client_answer(w, &ticket, REASON_SUCCESS, NULL);
}

/* What the device sent on one of its topics, or on none of them. */
static struct service_verdict handle(const struct device_input *given)
{
    struct device_input in = *given;
    struct device_topic_parts parts;
    struct site *site = site_of(in.device->home->worker);
    struct service_verdict refused = {0};

    if (topic_map_find(in.device, in.topic, DEVICE_UP, &parts) != ST_OK) {
        device_record(in.device, MESSAGE_UP, in.topic, MESSAGE_REFUSED,
                      "not a topic that this device may publish");
        return (struct service_verdict){
            .reason = REASON_NOT_AUTHORIZED,
            .why = slice_of("a device publishes on its own uplink topics only")};
    }
    refused.reason = site_check_payload(site, in.payload, &refused.why);
    if (refused.reason != REASON_SUCCESS) {
        device_record(in.device, MESSAGE_UP, in.topic, MESSAGE_REFUSED, site->payload_why);
        return refused;
    }
    in.kind = parts.topic;
    in.stream = parts.stream;
    if (in.client != NULL && !device_admit(in.device))
        return device_report_too_fast(&in);
    return device_topic_handle(&in);
}

static struct service_verdict handle_and_log(const struct device_input *in)
{
    struct logged_message m = {
        .direction = MESSAGE_UP, .qos = in->qos, .topic = in->topic, .payload = in->payload};
    struct service_verdict verdict;

    device_log_begin(in->device->home);
    verdict = handle(in);
    device_log_end(in->device, &m);
    return verdict;
}

/* What was carried out must not be again, also after a crash: the PUBREC waits until that is
 * durable, in one commit with what was carried out. */
static void receive(struct device_link *link, const struct router_receipt *receipt,
                    uint16_t packet_id, struct service_verdict *verdict)
{
    const struct device *d = link->device;

    link_store_received(link, packet_id);
    if (verdict->is_later)
        return;
    router_put_barrier(d->home, d->project->project->project_id, receipt);
    verdict->is_later = true;
}

static void released(struct session *s, uint16_t packet_id)
{
    link_store_released(link_of(s), packet_id);
}

static struct service_verdict publish(struct client *c, const struct packet_publish *p,
                                      const struct service_ticket *ticket)
{
    struct router_receipt receipt = {.open = open_receipt,
                                     .to = client_worker(c)->index,
                                     .a = ticket->session,
                                     .b = ticket->number,
                                     .c = (uint64_t)ticket->packet_id | (uint64_t)p->qos << 16};
    struct device_input in = {.device = link_of(c->session)->device,
                              .client = c,
                              .topic = p->topic,
                              .payload = p->payload,
                              .qos = p->qos,
                              .receipt = p->qos > 0 ? &receipt : NULL};
    struct device_link *link = link_of(c->session);
    struct service_verdict verdict = handle_and_log(&in);

    if (p->qos == 2 && link->is_durable && verdict.reason < REASON_UNSPECIFIED_ERROR &&
        c->session != NULL)
        receive(link, &receipt, p->packet_id, &verdict);
    return verdict;
}

/* What nobody is owed costs the journal nothing that lasts. */
static bool is_congested(const struct worker *w, const struct client *c)
{
    const struct device_link *link;

    if (!site_is_congested(w))
        return false;
    if (c == NULL)
        return true;
    link = link_of(c->session);
    return link->is_durable || open_interest_is_owed(&link->device->project->project->interest);
}

/* --- wills ----------------------------------------------------------------------------------- */

static void keep_will(struct session *s, struct will *w)
{
    struct device *d = link_of(s)->device;
    struct will_author author = author_of(d);

    will_store_keep(s, w, d->project->project, &author);
    device_store_due(d); /* which device it is of */
}

static void forget_will(struct session *s, const struct will *w)
{
    const struct device *d = link_of(s)->device;

    will_store_remove(d->home, d->project->project->project_id, w->number);
}

void device_service_publish_will(struct device *d, const struct will *w)
{
    struct device_input in = {.device = d, .topic = w->topic, .payload = w->payload, .qos = w->qos};

    (void)handle_and_log(&in); /* a topic that may not be was refused at CONNECT */
    will_store_remove(d->home, d->project->project->project_id, w->number);
}

static void publish_will(struct session *s, const struct will *w)
{
    device_service_publish_will(link_of(s)->device, w);
}

/* --- the rest -------------------------------------------------------------------------------- */

static void room(struct session *s)
{
    (void)s; /* downlinks wait in the session or are told as not taken */
}

static void delivered(struct session *s, uint64_t seq)
{
    link_store_over(link_of(s), seq);
}

static bool secure(struct session *s, const struct flow_out_entry *e)
{
    link_store_sent(link_of(s), e);
    return e->delivery.qos == 2;
}

/* An answer that was given must hold after a crash, too. */
static bool secure_subscriptions(struct client *c)
{
    struct device_link *link = link_of(c->session);
    struct router_receipt receipt = secured_receipt_of_answer(c);

    if (link->is_durable)
        link_store_session(link, &receipt);
    return link->is_durable;
}

/* Only commands are traced, by their number; those of sub-devices by one of the link. */
static void traced(struct session *s, uint64_t trace, enum delivery_step step)
{
    struct device *d = sub_link_traced(link_of(s), trace, step, &trace);

    if (d == NULL)
        return;
    switch (step) {
    case DELIVERY_SENT:
        device_command_step(d, trace, COMMAND_SENT);
        break;
    case DELIVERY_ACKNOWLEDGED:
        device_command_step(d, trace, COMMAND_DELIVERED);
        break;
    case DELIVERY_REFUSED:
        device_command_step(d, trace, COMMAND_REJECTED);
        break;
    case DELIVERY_DROPPED:
        device_command_dropped(d, trace);
        break;
    }
}

static void disconnected(struct client *c, uint64_t unsent_from)
{
    struct device_link *link = link_of(c->session);

    (void)unsent_from; /* it keeps what it was given */
    if (link->is_durable)
        link_store_session(link, NULL); /* it has gone, and may stay for so long */
}

static void offline(struct client *c)
{
    struct worker *w = conn_worker(c->conn);
    struct device *d = home_find_device(home_of(w), c->session->scope);
    bool is_timeout = c->end_reason == REASON_KEEP_ALIVE_TIMEOUT;

    if (d != NULL && !c->is_taken_over)
        device_went(d, slice_of(is_timeout ? "keep alive" : "disconnected"));
}

static bool session_closed(struct session *s)
{
    struct device_link *link = link_of(s);
    struct device *d = link->device;
    bool was_stored = link_store_remove(link);

    if (d->link == link)
        d->link = NULL;
    mem_free(link->subscriptions);
    mem_free(link->traces);
    mem_free(link);
    s->owner = NULL;
    device_command_session_ended(d);
    sub_link_session_ended(d);
    return was_stored;
}

const struct mqtt_service device_service = {
    .name = "device",
    .has_one_session = true,
    .home = home,
    .authenticate = authenticate,
    .session_opened = session_opened,
    .connected = connected,
    .subscribe = subscribe,
    .subscribed = subscribed,
    .unsubscribe = unsubscribe,
    .publish = publish,
    .is_congested = is_congested,
    .keep_will = keep_will,
    .publish_will = publish_will,
    .forget_will = forget_will,
    .room = room,
    .delivered = delivered,
    .traced = traced,
    .secure = secure,
    .secure_subscriptions = secure_subscriptions,
    .released = released,
    .disconnected = disconnected,
    .offline = offline,
    .session_closed = session_closed,
};
