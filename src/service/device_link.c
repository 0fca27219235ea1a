/* Downlinks into a device's session. */
#include "service/device_link.h"

#include <stdio.h>

#include "service/counters.h"

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

static bool is_kept(const struct device_link *link, const struct device_subscription *s)
{
    return link->session->client != NULL || s->qos > 0;
}

static size_t write_topic(char *out, size_t room, const struct device *d,
                          const struct device_downlink *m)
{
    int len = snprintf(out, room, "%s/%s%s%.*s", device_topic_word(m->topic), d->text,
                       m->stream.len > 0 ? "/" : "", (int)m->stream.len,
                       m->stream.len > 0 ? (const char *)m->stream.data : "");

    return (size_t)len;
}

bool device_link_deliver(struct device *d, const struct device_downlink *m)
{
    const struct device_subscription *s = find(d, m->topic, m->stream);
    struct device_link *link = d->link;
    char topic[32 + IDENT_TEXT_LEN + 1 + IDENT_MEMBER_MAX];
    struct delivery delivery;

    if (s == NULL || !is_kept(link, s))
        return false;
    delivery = (struct delivery){.qos = s->qos, .subscription_id = s->identifier};
    delivery.message = message_new(sizeof(struct message),
                                   slice_make(topic, write_topic(topic, sizeof(topic), d, m)),
                                   m->properties, m->payload);
    delivery.message->expires_ms = m->expires_ms;
    switch (session_deliver(link->session, &delivery)) {
    case SESSION_SENT:
    case SESSION_QUEUED:
        return true;
    case SESSION_FULL:
        session_refuse(link->session, &delivery);
        break;
    case SESSION_DROPPED:
        break;
    }
    return false;
}
