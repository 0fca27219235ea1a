/*
 * What an application asks of the platform for itself: the state of devices (snapshot) and what has
 * been (replay). By a publish to `$open/<projectKey>/ctl`, or by user properties of a SUBSCRIBE. On
 * the session's home worker. Source: open-api.md 3.4
 */
#pragma once

#include "service/app_session.h"

/** A request that can be carried out. */
struct app_request {
    struct slice filter; /* as the client wrote it; borrowed */
    struct open_filter compiled;
    uint8_t qos;         /* of the subscription that it lies in */
    uint32_t identifier; /* likewise; */
    uint64_t from_seq;   /* and the number above which it counts */
    struct app_from from;
};

/** A publish to `ctl`. What cannot be done is told by a notice; the verdict is about its form. */
struct service_verdict app_request_publish(struct app_session *a, const struct packet_publish *p);

/** Reads the user properties of a SUBSCRIBE into one of its subscriptions; they are carried out by
 * app_request_subscribed. */
void app_request_read(struct app_subscription *sub, const struct property_set *properties);

/** The SUBACK is written. */
void app_request_subscribed(struct app_subscription *sub);
