/*
 * An open message: what applications receive, made once at the device's home. Immutable after it is
 * made; any thread. Source: open-api.md 3.2
 */
#pragma once

#include "mqtt/message.h"
#include "platform/open_topic.h"

enum { OPEN_REASON_LEN_MAX = 64 };

enum open_source { OPEN_SOURCE_NONE, OPEN_SOURCE_REPORT, OPEN_SOURCE_PUSH, OPEN_SOURCE_CLOUD };

struct open_message {
    struct message message; /* first: a pointer to one is a pointer to the other */
    uint64_t project_id;
    uint64_t device_id;
    uint64_t type_id;   /* of the device, when it was made; 0: none */
    uint64_t publisher; /* the client that published it (kinds that applications publish), 0: none;
                           for No Local */
    int64_t accepted_ms;
    uint64_t record_number; /* the how many-th record of its home; 0: it is not recorded */
    uint8_t home;           /* the worker that has published it */
    enum open_kind kind;
    struct slice stream; /* inside the topic; empty unless the kind has one */
};

struct open_message_parts {
    uint64_t project_id, device_id, type_id;
    struct slice project_text, device_text; /* the same as text */
    enum open_kind kind;
    struct slice stream;
    struct slice payload;
    int64_t accepted_ms;
    enum open_source source; /* user property `source`; NONE leaves it out */
    struct slice reason;     /* user property `reason` (online), at most OPEN_REASON_LEN_MAX; empty
                                leaves it out */
    uint64_t publisher;
    uint8_t qos; /* as published, for kinds that applications publish; otherwise 2 */
    bool retain;
    bool forwarded;          /* the publisher's properties go on instead of ours (which kinds that
                                applications publish never get) */
    struct slice properties; /* those, encoded */
    uint64_t expires_ms;
};

/** Makes it with one reference, which the caller owns. Platform-made kinds get the user properties
 * `ts`, `source`, `reason` and Content Type application/json (not for data), in this order: content
 * type, ts, source, reason. */
struct open_message *open_message_new(const struct open_message_parts *parts);

static inline struct open_message *open_message_ref(struct open_message *m)
{
    message_ref(&m->message);
    return m;
}

static inline void open_message_unref(struct open_message **mp)
{
    struct message *m = &(*mp)->message;

    *mp = NULL;
    message_unref(&m);
}
