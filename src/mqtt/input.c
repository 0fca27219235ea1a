/*
 * Packets of a connected client, by table: decode, check against the connection's state, act. One
 * function a packet type.
 */
#include "mqtt/input_priv.h"

#include "base/invariant.h"
#include "base/writer.h"
#include "mqtt/counters.h"

enum {
    INPUT_ACKS_HELD_MAX = 1024 /* publishes, undecided or behind such, from which the connection is
                                  not read */
};

static const struct mqtt_service *service_of(const struct client *c)
{
    return c->settings->service;
}

/* --- PUBLISH and its flows ------------------------------------------------------------------- */

/* An empty topic with an alias gets its topic, a topic with one is remembered. */
static enum reason resolve_alias(struct client *c, struct packet_publish *p)
{
    uint16_t alias = p->properties.topic_alias;

    if (!property_has(&p->properties, PROPERTY_TOPIC_ALIAS))
        return REASON_SUCCESS;
    if (alias > ALIAS_IN_MAX)
        return REASON_TOPIC_ALIAS_INVALID;
    if (p->topic.len > 0) {
        alias_in_set(&c->aliases_in, alias, p->topic);
        return REASON_SUCCESS;
    }
    return alias_in_get(&c->aliases_in, alias, &p->topic) ? REASON_SUCCESS : REASON_PROTOCOL_ERROR;
}

/* A QoS 2 identifier that is known already: answered again, not executed again [MQTT-4.3.3-10]. */
static void repeat_reception(struct client *c, uint16_t packet_id, enum flow_in_state state)
{
    struct service_verdict received = {.reason = REASON_SUCCESS};

    if (state == FLOW_IN_PENDING) {
        struct flow_in_ack ack = {.packet_id = packet_id, .qos = 2, .is_repetition = true};

        flow_in_repeat(&c->session->in, packet_id);
        flow_in_acks_push(&c->acks, &ack); /* PUBRECs leave in order [MQTT-4.6.0-3] */
    } else {
        client_settle(c, packet_id, 2, &received);
    }
}

/* One more would be too many on this connection. [MQTT-3.3.4-7] */
static bool is_receive_maximum_used(const struct client *c)
{
    return c->target.version == MQTT_5 &&
           c->unacknowledged + c->session->in.quota_used >= c->receive_maximum;
}

static void publish_with_qos(struct client *c, const struct packet_publish *p)
{
    struct session *s = c->session;
    struct service_ticket ticket = {
        .session = s->handle,
        .number = c->number << 32 | flow_in_acks_next(&c->acks),
        .packet_id = p->packet_id,
        .qos = p->qos,
    };
    struct service_verdict verdict;
    enum flow_in_state state = FLOW_IN_NEW;
    bool is_counted;

    if (p->qos == 2) {
        if (!p->dup)
            flow_in_drop_restored(&s->in, p->packet_id);
        state = flow_in_find(&s->in, p->packet_id);
    }
    is_counted = state != FLOW_IN_NEW && flow_in_holds_quota(&s->in, p->packet_id);

    if ((!is_counted && is_receive_maximum_used(c)) ||
        (p->qos == 2 && state == FLOW_IN_NEW &&
         !flow_in_add(&s->in, p->packet_id, FLOW_IN_PENDING))) {
        client_fault(c, REASON_RECEIVE_MAXIMUM_EXCEEDED, "PUBLISH");
        return;
    }
    if (state != FLOW_IN_NEW) {
        flow_in_charge(&s->in, p->packet_id);
        repeat_reception(c, p->packet_id, state);
        return;
    }
    verdict = service_of(c)->publish(c, p, &ticket);
    if (c->state != CLIENT_CONNECTED)
        return;
    if (verdict.is_later) {
        struct flow_in_ack ack = {.packet_id = p->packet_id, .qos = p->qos};

        c->unacknowledged += p->qos == 1;
        flow_in_acks_push(&c->acks, &ack);
        return;
    }
    client_settle(c, p->packet_id, p->qos, &verdict);
    if (verdict.then_disconnect != REASON_SUCCESS)
        client_disconnect(c, verdict.then_disconnect, verdict.then_why);
}

static bool is_congested(const struct client *c)
{
    const struct mqtt_service *service = service_of(c);

    return service->is_congested != NULL && service->is_congested(client_worker(c), c);
}

/* What is undecided will be decided, and then it is read on. */
static void hold_back(struct client *c)
{
    if (c->state == CLIENT_CONNECTED && c->acks.count > 0 &&
        (c->acks.count >= INPUT_ACKS_HELD_MAX || is_congested(c)))
        conn_pause(c->conn);
}

static enum reason on_publish(struct client *c, const struct decode_header *h, struct slice body)
{
    struct packet_publish p;
    enum reason reason = decode_publish(c->target.version, h->flags, body, &p);

    if (reason == REASON_SUCCESS && c->target.version == MQTT_5)
        reason = resolve_alias(c, &p);
    if (reason != REASON_SUCCESS)
        return reason;
    counter_inc(publishes_received);
    if (p.qos > 0) {
        publish_with_qos(c, &p);
        hold_back(c);
    } else if (is_congested(c)) {
        counter_inc(publishes_dropped_congested);
    } else {
        struct service_ticket none = {.session = c->session->handle};
        struct service_verdict verdict = service_of(c)->publish(c, &p, &none);

        if (verdict.then_disconnect != REASON_SUCCESS && c->state == CLIENT_CONNECTED)
            client_disconnect(c, verdict.then_disconnect, verdict.then_why);
    }
    return REASON_SUCCESS;
}

static enum reason on_pubrel(struct client *c, const struct decode_header *h, struct slice body)
{
    struct packet_ack ack;
    enum reason reason = decode_ack(c->target.version, h->type, body, &ack);
    bool was_known;

    if (reason != REASON_SUCCESS)
        return reason;
    if (flow_in_find(&c->session->in, ack.packet_id) == FLOW_IN_PENDING) {
        struct flow_in_ack pubcomp = {
            .packet_id = ack.packet_id, .qos = 2, .is_repetition = true, .is_pubcomp = true};

        flow_in_release(&c->session->in, ack.packet_id); /* too early: PUBREC was not sent yet */
        flow_in_acks_push(&c->acks, &pubcomp);
        hold_back(c);
        return REASON_SUCCESS;
    }
    was_known = flow_in_remove(&c->session->in, ack.packet_id);
    if (was_known && service_of(c)->released != NULL)
        service_of(c)->released(c->session, ack.packet_id);
    client_send_ack(c, PACKET_PUBCOMP, ack.packet_id,
                    was_known ? REASON_SUCCESS : REASON_PACKET_ID_NOT_FOUND);
    return REASON_SUCCESS;
}

/* --- acknowledgements of our deliveries ------------------------------------------------------ */

static enum flow_out_event event_of(const struct packet_ack *ack, enum packet_type type)
{
    switch (type) {
    case PACKET_PUBACK:
        return FLOW_OUT_PUBACK;
    case PACKET_PUBREC:
        return ack->reason >= REASON_UNSPECIFIED_ERROR ? FLOW_OUT_PUBREC_REFUSED : FLOW_OUT_PUBREC;
    default:
        return FLOW_OUT_PUBCOMP;
    }
}

/* A PUBCOMP comes when the client has the message, whatever it says. */
static enum delivery_step step_of(const struct packet_ack *ack, enum packet_type type)
{
    return type != PACKET_PUBCOMP && ack->reason >= REASON_UNSPECIFIED_ERROR
               ? DELIVERY_REFUSED
               : DELIVERY_ACKNOWLEDGED;
}

static enum reason on_ack(struct client *c, const struct decode_header *h, struct slice body)
{
    struct session *s = c->session;
    struct packet_ack ack;
    struct delivery released;
    enum flow_out_action action;
    enum reason reason = decode_ack(c->target.version, h->type, body, &ack);

    if (reason != REASON_SUCCESS)
        return reason;
    action = flow_out_acknowledge(&s->out, ack.packet_id, event_of(&ack, h->type), &released);
    switch (action) {
    case FLOW_OUT_SEND_PUBREL:
        session_acknowledged(s, ack.packet_id);
        break;
    case FLOW_OUT_RELEASE:
        counter_inc(deliveries_acknowledged);
        if (released.seq != 0)
            service_of(c)->delivered(s, released.seq);
        if (released.share_seq != 0)
            service_of(c)->share_over(s, released.share, released.share_seq);
        if (released.trace != 0)
            service_of(c)->traced(s, released.trace, step_of(&ack, h->type));
        delivery_deinit(&released);
        session_drain(s);
        break;
    case FLOW_OUT_ILLEGAL:
        counter_inc(acks_unknown);
        if (h->type == PACKET_PUBREC && ack.reason < REASON_UNSPECIFIED_ERROR)
            client_send_ack(c, PACKET_PUBREL, ack.packet_id, REASON_PACKET_ID_NOT_FOUND);
        break;
    }
    return REASON_SUCCESS;
}

/* --- subscriptions --------------------------------------------------------------------------- */

static bool breaks_no_local(const struct subscribe_filter *f)
{
    struct topic_filter parts;

    return f->no_local && topic_parse_filter(f->filter, &parts) == ST_OK &&
           parts.share_group.len > 0; /* [MQTT-3.8.3-4] */
}

/* Could a SUBACK or UNSUBACK with so many codes not be sent, the client would wait for ever.
 * [MQTT-3.1.2-24] */
static bool takes_codes(const struct client *c, uint32_t count)
{
    uint32_t limit = c->target.maximum_packet_size;
    size_t remaining = 3 + (size_t)count; /* packet identifier, no properties */

    return limit == 0 || 1 + writer_varint_len((uint32_t)remaining) + remaining <= limit;
}

/* False: the answer in `scratch` waits until the session's subscriptions are durable. */
static bool answer_now(struct client *c)
{
    bool waits =
        service_of(c)->secure_subscriptions != NULL && service_of(c)->secure_subscriptions(c);

    if (waits)
        client_hold_scratch(c);
    else
        client_send_scratch(c);
    return !waits;
}

static enum reason on_subscribe(struct client *c, const struct decode_header *h, struct slice body)
{
    struct packet_subscribe p;
    struct subscribe_filter f;
    struct buffer codes = {0};
    struct slice first_why = {0};
    enum reason reason = decode_subscribe(c->target.version, body, &p);
    uint32_t identifier = 0;

    (void)h;
    if (reason == REASON_SUCCESS && !takes_codes(c, p.filter_count))
        reason = REASON_PACKET_TOO_LARGE;
    if (reason != REASON_SUCCESS)
        return reason;
    if (property_has(&p.properties, PROPERTY_SUBSCRIPTION_ID))
        identifier = p.properties.subscription_id;
    for (struct reader r = reader_of(p.filters);
         decode_subscribe_next(&r, c->target.version, &f);) {
        struct slice why = {0};

        f.properties = c->target.version == MQTT_5 ? &p.properties : NULL;
        if (breaks_no_local(&f)) {
            buffer_deinit(&codes);
            return REASON_PROTOCOL_ERROR;
        }
        buffer_append_u8(&codes, (uint8_t)service_of(c)->subscribe(c, &f, identifier, &why));
        if (first_why.len == 0)
            first_why = why;
    }
    c->scratch.len = 0;
    encode_suback(&c->scratch, &c->target, p.packet_id, codes.data, codes.len, first_why);
    buffer_deinit(&codes);
    if (answer_now(c))
        service_of(c)->subscribed(c);
    return REASON_SUCCESS;
}

static enum reason on_unsubscribe(struct client *c, const struct decode_header *h,
                                  struct slice body)
{
    struct packet_unsubscribe p;
    struct buffer codes = {0};
    struct slice filter;
    enum reason reason = decode_unsubscribe(c->target.version, body, &p);

    (void)h;
    if (reason == REASON_SUCCESS && !takes_codes(c, p.filter_count))
        reason = REASON_PACKET_TOO_LARGE;
    if (reason != REASON_SUCCESS)
        return reason;
    for (struct reader r = reader_of(p.filters); decode_unsubscribe_next(&r, &filter);)
        buffer_append_u8(&codes, (uint8_t)service_of(c)->unsubscribe(c, filter));
    c->scratch.len = 0;
    encode_unsuback(&c->scratch, &c->target, p.packet_id, codes.data, codes.len);
    buffer_deinit(&codes);
    (void)answer_now(c);
    return REASON_SUCCESS;
}

/* --- the rest -------------------------------------------------------------------------------- */

static enum reason on_pingreq(struct client *c, const struct decode_header *h, struct slice body)
{
    (void)h;
    if (body.len != 0)
        return REASON_MALFORMED_PACKET;
    c->scratch.len = 0;
    encode_pingresp(&c->scratch);
    client_send_scratch(c);
    return REASON_SUCCESS;
}

static enum reason on_disconnect(struct client *c, const struct decode_header *h, struct slice body)
{
    struct packet_disconnect p;
    struct session *s = c->session;
    enum reason reason = decode_disconnect(c->target.version, body, &p);

    (void)h;
    if (reason != REASON_SUCCESS)
        return reason;
    if (c->target.version == MQTT_5 && property_has(&p.properties, PROPERTY_SESSION_EXPIRY)) {
        uint32_t expiry_s = p.properties.session_expiry_s;

        if (!c->has_session_expiry && expiry_s != 0)
            return REASON_PROTOCOL_ERROR;
        s->expiry_s = expiry_s < s->expiry_max_s ? expiry_s : s->expiry_max_s;
    }
    c->will_is_dropped = p.reason == REASON_SUCCESS;
    conn_end(c->conn);
    return REASON_SUCCESS;
}

static enum reason on_auth(struct client *c, const struct decode_header *h, struct slice body)
{
    (void)c;
    (void)h;
    return decode_auth(body);
}

static enum reason on_second_connect(struct client *c, const struct decode_header *h,
                                     struct slice body)
{
    (void)c;
    (void)h;
    (void)body;
    return REASON_PROTOCOL_ERROR; /* [MQTT-3.1.0-2] */
}

static enum reason (*const handlers[16])(struct client *c, const struct decode_header *h,
                                         struct slice body) = {
    [PACKET_CONNECT] = on_second_connect,
    [PACKET_PUBLISH] = on_publish,
    [PACKET_PUBACK] = on_ack,
    [PACKET_PUBREC] = on_ack,
    [PACKET_PUBREL] = on_pubrel,
    [PACKET_PUBCOMP] = on_ack,
    [PACKET_SUBSCRIBE] = on_subscribe,
    [PACKET_UNSUBSCRIBE] = on_unsubscribe,
    [PACKET_PINGREQ] = on_pingreq,
    [PACKET_DISCONNECT] = on_disconnect,
    [PACKET_AUTH] = on_auth,
};

void input_packet(struct client *c, const struct decode_header *h, struct slice body)
{
    enum reason reason;

    invariant(c->state == CLIENT_CONNECTED && handlers[h->type] != NULL);
    if (h->type == PACKET_AUTH && c->target.version == MQTT_3_1_1)
        reason = REASON_MALFORMED_PACKET; /* type 15 is reserved there */
    else
        reason = handlers[h->type](c, h, body);
    if (reason != REASON_SUCCESS && c->state == CLIENT_CONNECTED)
        client_fault(c, reason, packet_name(h->type));
}
