/* Downlinks into a device's session. */
#include "service/device_link.h"

#include <stdio.h>

#include "platform/device_log.h"
#include "platform/sub_device.h"
#include "service/link_store.h"
#include "service/sub_link.h"
#include "service/topic_map.h"

static const struct device_subscription *find(const struct device *d, enum device_topic topic,
                                              struct slice stream)
{
    const struct device_link *link = d->link;

    for (uint32_t i = 0; link != NULL && i < link->count; i++) {
        const struct device_subscription *s = &link->subscriptions[i];

        if (s->topic == topic && slice_is(stream, s->stream))
            return s;
    }
    return NULL;
}

/* Why a downlink cannot go to the session at all; NULL: it can. */
static const char *obstacle(const struct device_link *link, const struct device_subscription *s)
{
    if (link == NULL)
        return "the device is offline";
    if (s == NULL)
        return "the device has not subscribed to this topic";
    if (link->session->client == NULL && s->qos == 0)
        return "the device is offline, and its session keeps nothing of QoS 0";
    return NULL;
}

static struct slice write_topic(char out[TOPIC_MAP_NAME_MAX], const struct device *d,
                                const struct device_downlink *m)
{
    struct device_topic_parts parts = {
        .topic = m->topic, .stream = m->stream, .is_mapped = m->is_mapped};

    return slice_make(out, topic_map_write(d, &parts, out));
}

bool device_link_has(const struct device *d, enum device_topic topic)
{
    return find(d, topic, slice_make(NULL, 0)) != NULL;
}

void device_link_add(struct device_link *link, const struct device_subscription *s)
{
    link->subscriptions =
        mem_resize(MEM_SUBSCRIPTION, link->subscriptions, (link->count + 1) * sizeof(*s));
    link->subscriptions[link->count++] = *s;
}

bool device_link_is_durable(struct device *d)
{
    const struct device_link *link = d->sub != NULL ? sub_device_root(d)->link : d->link;

    return link != NULL && link->is_durable;
}

static uint64_t trace_of(struct device_link *link, const struct device_downlink *m, uint8_t qos)
{
    return m->command == 0 || m->of == NULL ? m->command
                                            : sub_link_trace(link, m->of, m->command, qos == 0);
}

/* What is sent at once is stored by `secure`. */
static enum session_result give(const struct device *d, struct device_link *link,
                                struct delivery *delivery)
{
    struct delivery kept = *delivery;
    enum session_result result;

    kept.message = message_ref(delivery->message);
    result = session_deliver(link->session, delivery);
    if (result == SESSION_QUEUED && d->link == link)
        link_store_queued(link, &kept);
    message_unref(&kept.message);
    return result;
}

static const char *deliver(struct device *d, const struct device_downlink *m,
                           const struct device_subscription *s)
{
    struct device_link *link = d->link;
    const char *why = d->sub != NULL ? sub_link_deliver(d, m) : obstacle(link, s);
    char room[TOPIC_MAP_NAME_MAX];
    struct delivery delivery;
    struct slice topic;

    if (why != NULL || d->sub != NULL)
        return why;
    topic = write_topic(room, d, m);
    if (topic.len == 0)
        return "the device's type does not map the stream to the topic any more";
    delivery = (struct delivery){.qos = s->qos,
                                 .seq = link_store_number(link, s->qos),
                                 .subscription_id = s->identifier,
                                 .trace = trace_of(link, m, s->qos)};
    delivery.message = message_new(sizeof(struct message), topic, m->properties, m->payload);
    delivery.message->expires_ms = m->expires_ms;
    switch (give(d, link, &delivery)) {
    case SESSION_SENT:
        return NULL;
    case SESSION_QUEUED: /* making room for it may have ended the session */
        return d->link == link ? NULL : "the device's connection broke";
    case SESSION_FULL:
        if (m->of != NULL)
            sub_link_untrace(link, delivery.trace);
        session_refuse(link->session, &delivery);
        return "the queue of the device's session is full";
    case SESSION_DROPPED:
        break;
    }
    return "it is over already, or larger than the device accepts";
}

void device_link_log(struct device *d, const struct device_downlink *m, uint8_t qos,
                     enum message_verdict verdict, const char *why)
{
    char topic[TOPIC_MAP_NAME_MAX];
    struct logged_message logged = {
        .direction = MESSAGE_DOWN,
        .verdict = verdict,
        .qos = qos,
        .topic = write_topic(topic, d, m),
        .payload = m->payload,
        .why = slice_of(why),
    };

    device_log_add(d, &logged);
}

const char *device_link_deliver(struct device *d, const struct device_downlink *m)
{
    const struct device_subscription *s = find(d, m->topic, m->stream);
    struct device_downlink named = *m;
    uint8_t qos = s == NULL ? 0 : s->qos; /* the delivery may end the session */
    const char *why;

    named.is_mapped = s != NULL && s->is_mapped;
    why = deliver(d, &named, s);
    if (d->is_logged || (why != NULL && m->is_recorded))
        device_link_log(d, &named, qos, why == NULL ? MESSAGE_ACCEPTED : MESSAGE_DROPPED, why);
    return why;
}

void device_link_answer(struct worker *w, const struct router_receipt *receipt, enum reason reason,
                        struct slice why)
{
    struct service_ticket ticket = {.session = receipt->a,
                                    .number = receipt->b,
                                    .packet_id = (uint16_t)receipt->c,
                                    .qos = (uint8_t)(receipt->c >> 16)};

    client_answer(w, &ticket, reason, why.len == 0 ? NULL : shared_bytes_new(MEM_SESSION, why));
}
