/*
 * What is told to one client alone: on the topics of the system that belong to no device. On the
 * session's home worker. Source: open-api.md 3.2
 */
#pragma once

#include "service/app_session.h"

/** Sends a message of this kind (ERRORS, NOTICE) to the client, if its session has subscribed to
 * it, in order with what it is sent otherwise. `seq`: the record in whose place it stands: the
 * cursor does not pass that before the client has it; 0: none. */
void app_own_send(struct app_session *a, enum open_kind kind, struct slice payload, uint64_t seq);

/** For whom a message is that one session gets with RETAIN: retained, or of a snapshot. */
struct app_receiver {
    uint64_t session; /* handle */
    unsigned worker;  /* its home */
    uint8_t qos;      /* of the subscription */
    uint32_t identifier;
};

/** At any worker: sends it on its way there, where what is published here next comes behind it. Its
 * reference passes. */
void app_own_give(struct home *h, const struct app_receiver *to, struct open_message *m);

/** At the session's home: delivers it. Its reference passes. */
void app_own_deliver(struct worker *w, const struct app_receiver *to, struct open_message *m);
