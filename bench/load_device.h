/*
 * A publishing device: keeps its window full, follows the QoS flows of its publishes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "load_client.h"

struct load_shard;

/** A place of the window: a publish that waits for its acknowledgement. */
struct load_device_slot {
    int64_t sent_us; /* Unix time */
    uint8_t waits;   /* packet type that it waits for, 0 when free */
};

/** Lives as long as its shard. */
struct load_device {
    struct load_client client;
    struct load_shard *shard; /* borrowed; holds it */
    uint32_t index;           /* among all devices */
    uint32_t sent;            /* publishes so far; the next one's sequence number */
    uint32_t free_count;
    uint16_t *free_slots;           /* owned; slot i has packet identifier i + 1 */
    struct load_device_slot *slots; /* owned */
    struct load_mqtt_template publish;
    struct load_device *next_ready; /* of the shard's list */
    bool ready_listed;
    bool wants_room; /* stopped because its socket takes no more for now */
    char client_id[24];
};

/** Makes device `index` ready to be opened. */
void load_device_init(struct load_device *device, struct load_shard *shard, uint32_t index);

/** Frees what the device holds; its connection is closed. */
void load_device_deinit(struct load_device *device);

/** Begins to connect. */
void load_device_open(struct load_device *device);

/**
 * Gathers as many publishes as are left and as window, lag and socket allow, at most `limit`.
 *
 * @return how many
 */
uint32_t load_device_publish(struct load_device *device, uint32_t limit);

/** How many of its publishes wait for an acknowledgement. */
uint32_t load_device_unacknowledged(const struct load_device *device);
