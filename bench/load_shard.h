/*
 * A shard: one thread with its share of the devices and subscribers. It attaches them, waits for
 * the word to go, publishes and receives, and closes them at the end.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "load_client.h"
#include "load_device.h"
#include "load_faults.h"
#include "load_histogram.h"
#include "load_loop.h"
#include "load_plan.h"
#include "load_subscriber.h"

/** What the main thread wants of a shard. */
enum load_shard_command {
    LOAD_SHARD_ATTACH,
    LOAD_SHARD_LEAVE,  /* subscribers end their connections */
    LOAD_SHARD_GO,     /* publish */
    LOAD_SHARD_RETURN, /* some subscribers come back, and more is published meanwhile */
    LOAD_SHARD_DRAIN,  /* publish no more, receive what is on its way */
    LOAD_SHARD_STOP,
};

/** What the main thread and other shards may read while a shard runs; it alone writes. */
struct load_shard_progress {
    _Atomic uint32_t attached; /* also those that came back */
    _Atomic uint32_t left;
    _Atomic uint64_t published;
    _Atomic uint64_t acknowledged;
    _Atomic uint64_t delivered;
    _Atomic bool drained;        /* publishes no more */
    _Atomic bool broken;         /* a fault came that ends the run */
    _Atomic uint64_t *of_device; /* owned; deliveries by device, in a run with a lag limit */
};

struct load_shard {
    pthread_t thread;
    const struct load_plan *plan; /* borrowed; outlives it */
    struct load_shard *peers;     /* borrowed: all shards of the run, this one among them */
    uint32_t peer_count;
    struct load_loop loop;

    struct load_device *devices; /* owned */
    uint32_t device_count;
    uint32_t first_device;
    struct load_subscriber *subscribers; /* owned */
    uint32_t subscriber_count;
    uint32_t opened;    /* of subscribers, then devices */
    uint32_t receiving; /* subscribers that are there for the messages: the first */

    struct load_device *ready; /* borrowed; devices that may be able to send */
    bool going;
    uint32_t messages_each;     /* publishes that a device is to make for now */
    double rate;                /* publishes a second of this shard; 0: as fast as it goes */
    uint32_t next_turn;         /* of the devices, in a run with a rate */
    bool held_back;             /* more is due than the windows allow */
    int64_t started_ns;         /* of the rate's schedule */
    uint64_t started_published; /* publishes before it */
    uint64_t seen_delivered;
    uint64_t seen_acknowledged;
    _Atomic bool starved; /* a device waits for deliveries, maybe those of other shards */

    struct load_histogram latency;         /* of deliveries, or else of connecting */
    struct load_histogram acknowledgement; /* from a publish to its acknowledgement */
    struct load_faults faults;
    int64_t last_progress_ns; /* steady time of the last delivery, acknowledgement or attachment */
    char tls[64];             /* what was negotiated, "" without TLS */

    int obeyed;          /* the last command that was */
    _Atomic int command; /* enum load_shard_command */
    struct load_shard_progress progress;
};

/** Makes shard `index` of `count`; does not start it. */
void load_shard_init(struct load_shard *shard, const struct load_plan *plan,
                     struct load_shard *shards, uint32_t index, uint32_t count);

/** Frees what the shard holds; its thread has ended. */
void load_shard_deinit(struct load_shard *shard);

/** Starts the thread, which attaches its connections. */
void load_shard_start(struct load_shard *shard);

/** Tells the thread what to do next; from the main thread. */
void load_shard_command(struct load_shard *shard, enum load_shard_command command);

/** Waits for the end of the thread, after LOAD_SHARD_STOP. */
void load_shard_join(struct load_shard *shard);

/** How many connections the shard has to attach. */
uint32_t load_shard_connections(const struct load_shard *shard);

/* Called by its devices and subscribers, in its thread. */

/** A connection stands and, if it is a subscriber's, has subscribed. */
void load_shard_on_attached(struct load_shard *shard, struct load_client *client);

/** Something went wrong with `who` number `index`. */
void load_shard_on_fault(struct load_shard *shard, enum load_fault fault, const char *who,
                         uint32_t index, const char *what);

/** A publish of the device, sent at Unix time `sent_us`, was acknowledged for good. */
void load_shard_on_acknowledged(struct load_shard *shard, struct load_device *device,
                                int64_t sent_us);

/** A message of device `device`, sent at Unix time `sent_us`, came for the first time. */
void load_shard_on_delivered(struct load_shard *shard, uint32_t device, int64_t sent_us);

/** Puts the device on the list of those that are tried before the turn ends. */
void load_shard_list_ready(struct load_shard *shard, struct load_device *device);

/** How many deliveries of device `device` all shards have had, in a run with a lag limit. */
uint64_t load_shard_delivered_of(struct load_shard *shard, uint32_t device);
