/* Downlinks into a device's session. */
#include "service/device_link.h"

#include <stdio.h>

#include "platform/device_log.h"

enum { DEVICE_TOPIC_NAME_MAX = 32 + IDENT_TEXT_LEN + 1 + IDENT_MEMBER_MAX };

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

static size_t write_topic(char *out, size_t room, const struct device *d,
                          const struct device_downlink *m)
{
    int len = snprintf(out, room, "%s/%s%s%.*s", device_topic_word(m->topic), d->text,
                       m->stream.len > 0 ? "/" : "", (int)m->stream.len,
                       m->stream.len > 0 ? (const char *)m->stream.data : "");

    return (size_t)len;
}

static const char *deliver(struct device *d, const struct device_downlink *m,
                           const struct device_subscription *s)
{
    struct device_link *link = d->link;
    const char *why = obstacle(link, s);
    char topic[DEVICE_TOPIC_NAME_MAX];
    struct delivery delivery;

    if (why != NULL)
        return why;
    delivery =
        (struct delivery){.qos = s->qos, .subscription_id = s->identifier, .trace = m->command};
    delivery.message = message_new(sizeof(struct message),
                                   slice_make(topic, write_topic(topic, sizeof(topic), d, m)),
                                   m->properties, m->payload);
    delivery.message->expires_ms = m->expires_ms;
    switch (session_deliver(link->session, &delivery)) {
    case SESSION_SENT:
        return NULL;
    case SESSION_QUEUED: /* making room for it may have ended the session */
        return d->link == link ? NULL : "the device's connection broke";
    case SESSION_FULL:
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
    char topic[DEVICE_TOPIC_NAME_MAX];
    struct logged_message logged = {
        .direction = MESSAGE_DOWN,
        .verdict = verdict,
        .qos = qos,
        .topic = slice_make(topic, write_topic(topic, sizeof(topic), d, m)),
        .payload = m->payload,
        .why = slice_of(why),
    };

    device_log_add(d, &logged);
}

const char *device_link_deliver(struct device *d, const struct device_downlink *m)
{
    const struct device_subscription *s = find(d, m->topic, m->stream);
    uint8_t qos = s == NULL ? 0 : s->qos; /* the delivery may end the session */
    const char *why = deliver(d, m, s);

    if (d->is_logged || (why != NULL && m->is_recorded))
        device_link_log(d, m, qos, why == NULL ? MESSAGE_ACCEPTED : MESSAGE_DROPPED, why);
    return why;
}
