/*
 * A subscriber: receives, checks every message, acknowledges.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "load_client.h"
#include "load_sequence.h"

struct load_shard;

/** Lives as long as its shard. */
struct load_subscriber {
    struct load_client client;
    struct load_shard *shard;        /* borrowed; holds it */
    uint32_t index;                  /* among all subscribers */
    struct load_sequence *sequences; /* owned; one for each device of the run */
    bool returns;                    /* comes back to a session that has its subscription */
    char client_id[24];
};

/** Makes subscriber `index` ready to be opened. */
void load_subscriber_init(struct load_subscriber *subscriber, struct load_shard *shard,
                          uint32_t index);

/** Frees what the subscriber holds; its connection is closed. */
void load_subscriber_deinit(struct load_subscriber *subscriber);

/** Begins to connect and, once connected, to subscribe. */
void load_subscriber_open(struct load_subscriber *subscriber);

/** Begins to connect again, after load_subscriber_leave(). */
void load_subscriber_return(struct load_subscriber *subscriber);

/** Closes the connection of one that has subscribed; its session stays at the server. */
void load_subscriber_leave(struct load_subscriber *subscriber);

/** How many deliveries have not come, when device i has sent `sent[i]` messages. */
uint64_t load_subscriber_missing(const struct load_subscriber *subscriber, const uint32_t *sent);
