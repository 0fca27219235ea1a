/*
 * Wills in the journal: a will that a CONNACK has accepted outlives the program.
 *
 * Each has a row of its own, named by a number, from its CONNECT until it is published or dropped.
 * Written on the home worker of its session, removed in one commit with what it has caused, read
 * back at start (will_owed). Source: MQTT 5.0 section 3.1.2.5, architecture.md "The journal"
 */
#pragma once

#include "mqtt/session.h"
#include "platform/project_secret.h"
#include "platform/router.h"

/** Whose a will is. */
struct will_author {
    uint64_t project_id;
    uint64_t device_id;        /* 0: an application's: */
    struct slice client_id;    /* its identifier, */
    struct project_secret *by; /* and what it has logged in with; both borrowed */
};

/** Writes the will as it is now: with its client there, which is told when that is durable (unless
 * answers of the project do not wait); or put off, since the client has gone. */
void will_store_keep(struct session *s, struct will *w, const struct project *p,
                     const struct will_author *a);

/** It was published, or is not: its row goes, in order with what this worker has done for it. 0: it
 * has none. */
void will_store_remove(struct home *h, uint64_t project_id, uint64_t number);

/**
 * At start, while no worker runs and all devices, projects and sessions are known: what is not
 * anybody's any more, or of somebody who may not connect, goes; the others are owed (will_owed).
 *
 * @param grace_ms  how long clients have to come back, at least
 * Errors: ST_IO, ST_CORRUPT
 */
enum status will_store_load(struct worker_group *g, struct journal *j,
                            uint64_t grace_ms) MUST_CHECK;

/** Whether a row has its form. Pure. */
bool will_store_row_is_sound(struct slice key, struct slice value);
