/*
 * What device access keeps of a device's session: which of its own topics it has subscribed to.
 * Owned by its session; the device's `link` leads to the newest one. On the device's home worker.
 * Source: open-api.md 4
 */
#pragma once

#include "platform/device.h"
#include "service/site.h"

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

struct device_link {
    struct device *device;                     /* borrowed: closes its sessions before it goes */
    struct session *session;                   /* borrowed: owns this */
    struct device_subscription *subscriptions; /* owned */
    uint32_t count;
    bool awaits_will; /* its connection is gone; it is offline when its will has been published */
};

/** What the device sent on one of its topics. */
struct device_input {
    struct device *device;
    struct client *client; /* NULL: a will */
    struct slice topic;
    struct slice stream;
    struct slice payload;                 /* JSON_PADDING readable bytes stand behind it */
    const struct router_receipt *receipt; /* NULL: nobody waits */
};

/** Its own topic? Errors: ST_NOT_FOUND: another device's, unknown, or a stream that cannot be. */
enum status device_topic_parse(const struct device *d, struct slice topic,
                               struct device_topic_parts *out) MUST_CHECK;

const char *device_topic_word(enum device_topic topic);
enum device_direction device_topic_direction(enum device_topic topic);

/** Runs the handler of an uplink topic. */
struct service_verdict device_topic_handle(enum device_topic topic, const struct device_input *in);

/** A message for the device. */
struct device_downlink {
    enum device_topic topic;
    struct slice stream;
    struct slice payload;
    struct slice properties; /* v5, encoded */
    uint64_t expires_ms;
    uint64_t command; /* its number in the ledger, 0: none */
    bool is_recorded; /* that nobody takes it is logged in any case */
    bool is_mapped;   /* filled in: by what name the device subscribed */
};

/** Delivers to the device's session. NULL: it takes it; else why not: one sentence (static). */
const char *device_link_deliver(struct device *d, const struct device_downlink *m);

/** Puts a message for the device, and what became of it, into its message log. `why` may be NULL.
 */
void device_link_log(struct device *d, const struct device_downlink *m, uint8_t qos,
                     enum message_verdict verdict, const char *why);

/* device_report.c: what devices publish */
struct service_verdict device_report_attributes(const struct device_input *in);
struct service_verdict device_report_event(const struct device_input *in);
struct service_verdict device_report_data(const struct device_input *in);
struct service_verdict device_report_reply(const struct device_input *in);
struct service_verdict device_report_get(const struct device_input *in);
/** More than the type allows in a second: recorded, answered, dropped. */
struct service_verdict device_report_too_fast(enum device_topic topic,
                                              const struct device_input *in);
