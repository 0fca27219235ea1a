/*
 * All that is settled before a run starts and does not change in it: options, who connects, where
 * to, topics, payload.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "load_credentials.h"
#include "load_endpoint.h"
#include "load_options.h"
#include "load_payload.h"

/** What belongs to one device. */
struct load_plan_device {
    char *publish_topic; /* owned */
    char *receive_topic; /* owned */
    size_t receive_topic_len;
};

/** Immutable once made; shared by all threads. */
struct load_plan {
    struct load_options options;
    struct load_credentials credentials;
    struct load_endpoint device_endpoint;
    struct load_endpoint subscriber_endpoint;
    struct load_payload payload;
    struct load_plan_device *devices; /* owned; options.devices of them */
    char *filter;                     /* owned */
    uint32_t messages_each;           /* publishes of one device; before subscribers come back */
    uint32_t sequence_end;            /* above the number of any publish */
    uint32_t receiving;               /* subscribers that are there for the messages: the first */
    uint32_t lag;                     /* undelivered publishes of a device at most; 0: no limit */
};

/** Makes the plan; what does not fit together ends the process with one line. */
void load_plan_init(struct load_plan *plan, const struct load_options *options);

/** Whether messages are published in this run, and their delivery is checked. */
static inline bool load_plan_publishes(const struct load_plan *plan)
{
    return plan->options.mode == LOAD_MODE_DELIVER || plan->options.mode == LOAD_MODE_AWAY;
}

/** Frees what the plan holds. */
void load_plan_deinit(struct load_plan *plan);
