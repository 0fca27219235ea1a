/*
 * What device access keeps of a device's session: which of its own topics it has subscribed to.
 * Owned by its session; the device's `link` leads to the newest one. On the device's home worker.
 * Source: open-api.md 4
 */
#pragma once

#include "platform/device.h"
#include "service/site.h"

struct sub_path;

/* X(NAME, word in the topic, direction, has a stream, handler of what the device publishes) */
enum device_direction { DEVICE_UP, DEVICE_DOWN };

enum device_topic {
#define DEVICE_TOPIC(name, word, direction, stream, handler) DEVICE_TOPIC_##name,
#include "service/device_topic.def"
#undef DEVICE_TOPIC
    DEVICE_TOPIC_COUNT
};

/** A topic name of a device taken apart. */
struct device_topic_parts {
    enum device_topic topic;
    struct slice stream; /* empty unless it has one */
    bool is_mapped;      /* named as the device's type maps it */
};

struct device_subscription {
    enum device_topic topic;
    char stream[IDENT_MEMBER_MAX + 1];
    bool is_mapped;
    uint8_t qos;
    uint32_t identifier;
};

/** A command of a sub-device that the session has. */
struct device_trace {
    uint64_t device_id; /* 0: the place is free */
    uint64_t number;
    bool ends_when_sent;
};

struct device_link {
    struct device *device;                     /* borrowed: closes its sessions before it goes */
    struct session *session;                   /* borrowed: owns this */
    struct device_subscription *subscriptions; /* owned */
    uint32_t count;
    uint32_t trace_count;
    struct device_trace *traces; /* owned; see sub_link.h */
    bool is_durable;      /* it is in the journal (link_store.h): fixed by its first client */
    uint64_t last_number; /* of its deliveries there */
};

/** By whom a device is connected, and how its messages speak of it. */
struct sub_route {
    struct device *root;
    struct slice topic; /* on which it came */
    uint8_t dialect;
    const struct sub_path *path;
};

/** What the device sent on one of its topics. */
struct device_input {
    struct device *device;
    struct client *client; /* NULL: a will, or one that has waited */
    enum device_topic kind;
    uint8_t qos;
    struct slice topic;
    struct slice stream;
    struct slice payload;                 /* JSON_PADDING readable bytes stand behind it */
    const struct router_receipt *receipt; /* NULL: nobody waits */
    int64_t ts_ms;                        /* Unix, when it was true; 0: now */
    const struct sub_route *sub;          /* NULL: the device has sent it itself */
    const enum status *made; /* what became of the sub-device that a held message waited for; NULL:
                                the message has just come */
};

/** Its own topic? Errors: ST_NOT_FOUND: another device's, unknown, or a stream that cannot be. */
enum status device_topic_parse(const struct device *d, struct slice topic,
                               struct device_topic_parts *out) MUST_CHECK;

const char *device_topic_word(enum device_topic topic);
enum device_direction device_topic_direction(enum device_topic topic);

/** Runs the handler of an uplink topic: that of in->kind. */
struct service_verdict device_topic_handle(const struct device_input *in);

/** A message for the device. */
struct device_downlink {
    enum device_topic topic;
    struct slice stream;
    struct slice payload;
    struct slice properties; /* v5, encoded */
    uint64_t expires_ms;
    uint64_t command;        /* its number in the ledger, 0: none */
    const struct device *of; /* whose command that is; NULL: the receiver's own */
    bool is_recorded;        /* that nobody takes it is logged in any case */
    bool is_mapped;          /* filled in: by what name the device subscribed */
};

/** Delivers to the device's session; that of a sub-device is its root's. NULL: it takes it; else
 * why not: one sentence (static). */
const char *device_link_deliver(struct device *d, const struct device_downlink *m);

/** Puts a message for the device, and what became of it, into its message log. `why` may be NULL.
 */
void device_link_log(struct device *d, const struct device_downlink *m, uint8_t qos,
                     enum message_verdict verdict, const char *why);
/** Adds a subscription to a session. */
void device_link_add(struct device_link *link, const struct device_subscription *s);
/** Whether the session that takes this device's messages is in the journal, and with it what it has
 * been given. */
bool device_link_is_durable(struct device *d);
/** Whether its session has subscribed to this topic (one without a stream). */
bool device_link_has(const struct device *d, enum device_topic topic);

/** Answers a publish of a device whose handler has put it off. `why`: a reason string. */
void device_link_answer(struct worker *w, const struct router_receipt *receipt, enum reason reason,
                        struct slice why);

/* device_report.c: what devices publish */
struct service_verdict device_report_attributes(const struct device_input *in);
struct service_verdict device_report_event(const struct device_input *in);
struct service_verdict device_report_data(const struct device_input *in);
struct service_verdict device_report_reply(const struct device_input *in);
struct service_verdict device_report_get(const struct device_input *in);
/** More than the type allows in a second: recorded, answered, dropped. */
struct service_verdict device_report_too_fast(const struct device_input *in);

/* sub_report.c: what they publish for their sub-devices */
struct service_verdict sub_report(const struct device_input *in);
/** Answers a message that is not handled, if it is of those that are answered. */
void sub_report_answer_error(const struct device_input *in, const char *why);
