/*
 * The thread of a shard. Everything in it belongs to that thread, but for `command` and `starved`
 * (written by others) and `progress` (read by others). Shards meet in one more way: a device with
 * a lag limit waits for deliveries that other shards may have; who has them wakes who is starved.
 */
#include "load_shard.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "load_buffer.h"
#include "load_clock.h"
#include "load_fatal.h"

/** For counters with one writer: cheaper than an atomic addition. */
#define BUMP(counter, by)                                                                          \
    atomic_store_explicit((counter), atomic_load_explicit((counter), memory_order_relaxed) + (by), \
                          memory_order_relaxed)

/* A rate that windows hold back is tried again on the next event, and at the latest after this. */
static const int64_t held_back_wait_ns = LOAD_CLOCK_NS_PER_MS;

static uint32_t share_begin(uint32_t total, uint32_t index, uint32_t count)
{
    return (uint32_t)((uint64_t)total * index / count);
}

void load_shard_init(struct load_shard *shard, const struct load_plan *plan,
                     struct load_shard *shards, uint32_t index, uint32_t count)
{
    const struct load_options *options = &plan->options;
    uint32_t first_subscriber = share_begin(options->subscribers, index, count);

    *shard = (struct load_shard){
        .plan = plan,
        .peers = shards,
        .peer_count = count,
        .first_device = share_begin(options->devices, index, count),
        .messages_each = plan->messages_each,
        .rate = options->mode == LOAD_MODE_AWAY ? 0 : (double)options->rate / count,
    };
    shard->device_count = share_begin(options->devices, index + 1, count) - shard->first_device;
    shard->subscriber_count =
        share_begin(options->subscribers, index + 1, count) - first_subscriber;
    if (plan->receiving > first_subscriber)
        shard->receiving = plan->receiving - first_subscriber < shard->subscriber_count
                               ? plan->receiving - first_subscriber
                               : shard->subscriber_count;
    load_loop_init(&shard->loop);
    if (plan->lag > 0)
        shard->progress.of_device =
            load_buffer_new_objects(options->devices, sizeof(*shard->progress.of_device));

    shard->devices = load_buffer_new_objects(shard->device_count, sizeof(*shard->devices));
    for (uint32_t i = 0; i < shard->device_count; i++)
        load_device_init(&shard->devices[i], shard, shard->first_device + i);
    shard->subscribers =
        load_buffer_new_objects(shard->subscriber_count, sizeof(*shard->subscribers));
    for (uint32_t i = 0; i < shard->subscriber_count; i++)
        load_subscriber_init(&shard->subscribers[i], shard, first_subscriber + i);
}

void load_shard_deinit(struct load_shard *shard)
{
    for (uint32_t i = 0; i < shard->device_count; i++)
        load_device_deinit(&shard->devices[i]);
    for (uint32_t i = 0; i < shard->subscriber_count; i++)
        load_subscriber_deinit(&shard->subscribers[i]);
    free(shard->devices);
    free(shard->subscribers);
    free(shard->progress.of_device);
    load_loop_deinit(&shard->loop);
}

uint32_t load_shard_connections(const struct load_shard *shard)
{
    return shard->device_count + shard->subscriber_count;
}

/** Opens connections until all are open or as many as allowed are on their way. */
static void shard_attach(struct load_shard *shard)
{
    const uint32_t total = load_shard_connections(shard);
    const uint32_t at_once =
        (shard->plan->options.concurrency + shard->peer_count - 1) / shard->peer_count;
    uint32_t attached = atomic_load_explicit(&shard->progress.attached, memory_order_relaxed);

    while (shard->opened < total && shard->opened - attached < at_once) {
        uint32_t next = shard->opened++;

        if (next < shard->subscriber_count)
            load_subscriber_open(&shard->subscribers[next]);
        else
            load_device_open(&shard->devices[next - shard->subscriber_count]);
    }
}

void load_shard_on_attached(struct load_shard *shard, struct load_client *client)
{
    const enum load_mode mode = shard->plan->options.mode;
    const struct ssl_st *tls = client->conn.tls;

    if (tls != NULL && shard->tls[0] == '\0')
        snprintf(shard->tls, sizeof(shard->tls), "%s %s", SSL_get_version(tls),
                 SSL_CIPHER_get_name(SSL_get_current_cipher(tls)));
    if (!load_plan_publishes(shard->plan))
        load_histogram_add(&shard->latency, load_clock_unix_us() - client->opened_us);
    if (mode == LOAD_MODE_CONNECTS)
        load_client_close(client);
    shard->last_progress_ns = load_clock_now_ns();
    BUMP(&shard->progress.attached, 1);
}

void load_shard_on_fault(struct load_shard *shard, enum load_fault fault, const char *who,
                         uint32_t index, const char *what)
{
    load_faults_add(&shard->faults, fault, who, index, what);
    if (load_faults_ends_run(fault))
        atomic_store_explicit(&shard->progress.broken, true, memory_order_relaxed);
}

void load_shard_on_acknowledged(struct load_shard *shard, struct load_device *device,
                                int64_t sent_us)
{
    load_histogram_add(&shard->acknowledgement, shard->loop.read_us - sent_us);
    BUMP(&shard->progress.acknowledged, 1);
    load_shard_list_ready(shard, device);
}

void load_shard_on_delivered(struct load_shard *shard, uint32_t device, int64_t sent_us)
{
    load_histogram_add(&shard->latency, shard->loop.read_us - sent_us);
    BUMP(&shard->progress.delivered, 1);
    if (shard->plan->lag == 0)
        return;
    BUMP(&shard->progress.of_device[device], 1);
    if (device - shard->first_device < shard->device_count)
        load_shard_list_ready(shard, &shard->devices[device - shard->first_device]);
}

void load_shard_list_ready(struct load_shard *shard, struct load_device *device)
{
    if (device->ready_listed || !shard->going || shard->rate > 0)
        return;
    device->ready_listed = true;
    device->next_ready = shard->ready;
    shard->ready = device;
}

uint64_t load_shard_delivered_of(struct load_shard *shard, uint32_t device)
{
    uint64_t delivered = 0;

    for (uint32_t i = 0; i < shard->peer_count; i++)
        delivered +=
            atomic_load_explicit(&shard->peers[i].progress.of_device[device], memory_order_relaxed);
    return delivered;
}

static uint32_t shard_publish(struct load_shard *shard, struct load_device *device, uint32_t limit)
{
    uint32_t count = load_device_publish(device, limit);

    BUMP(&shard->progress.published, count);
    return count;
}

/** As fast as it goes: each device that something happened to fills its window again. */
static void shard_publish_ready(struct load_shard *shard)
{
    struct load_device *device = shard->ready;

    shard->ready = NULL;
    while (device != NULL) {
        struct load_device *next = device->next_ready;

        device->ready_listed = false;
        shard_publish(shard, device, UINT32_MAX);
        device = next;
    }
}

static uint64_t shard_published_since_start(const struct load_shard *shard)
{
    return atomic_load_explicit(&shard->progress.published, memory_order_relaxed) -
           shard->started_published;
}

/** At a rate: the devices take turns in publishing what is due by now. */
static void shard_publish_due(struct load_shard *shard)
{
    int64_t passed_ns = load_clock_now_ns() - shard->started_ns;
    double due = (double)passed_ns * shard->rate / (double)LOAD_CLOCK_NS_PER_S;
    uint64_t published = shard_published_since_start(shard);
    uint32_t refused = 0;

    while ((double)published < due && refused < shard->device_count) {
        struct load_device *device = &shard->devices[shard->next_turn];

        shard->next_turn = (shard->next_turn + 1) % shard->device_count;
        if (shard_publish(shard, device, 1) == 1) {
            published++;
            refused = 0;
        } else {
            refused++;
        }
    }
    shard->held_back = (double)published < due;
}

/** How long the loop may wait, in nanoseconds; -1 for ever. */
static int64_t shard_timeout_ns(const struct load_shard *shard)
{
    uint64_t published;
    double due_ns;
    int64_t wait_ns;

    if (shard->ready != NULL)
        return 0;
    published = shard_published_since_start(shard);
    if (!shard->going || shard->rate <= 0 ||
        published + shard->started_published >=
            (uint64_t)shard->messages_each * shard->device_count)
        return -1;
    if (shard->held_back)
        return held_back_wait_ns;
    due_ns = (double)(published + 1) * (double)LOAD_CLOCK_NS_PER_S / shard->rate;
    wait_ns = shard->started_ns + (int64_t)due_ns - load_clock_now_ns();
    return wait_ns > 0 ? wait_ns : 0;
}

static void shard_list_all(struct load_shard *shard)
{
    for (uint32_t i = 0; i < shard->device_count; i++)
        load_shard_list_ready(shard, &shard->devices[i]);
}

/** Takes note of progress, and wakes the shards that wait for deliveries when there were some. */
static void shard_note_progress(struct load_shard *shard)
{
    uint64_t delivered = atomic_load_explicit(&shard->progress.delivered, memory_order_relaxed);
    uint64_t acknowledged =
        atomic_load_explicit(&shard->progress.acknowledged, memory_order_relaxed);
    bool more_delivered = delivered != shard->seen_delivered;

    if (more_delivered || acknowledged != shard->seen_acknowledged)
        shard->last_progress_ns = load_clock_now_ns();
    shard->seen_delivered = delivered;
    shard->seen_acknowledged = acknowledged;
    if (!more_delivered)
        return;
    if (shard->plan->lag == 0 || shard->peer_count == 1)
        return;
    for (uint32_t i = 0; i < shard->peer_count; i++) {
        struct load_shard *peer = &shard->peers[i];

        if (peer != shard && atomic_exchange_explicit(&peer->starved, false, memory_order_acq_rel))
            load_loop_wake(&peer->loop);
    }
}

/**
 * Before waiting: says that deliveries elsewhere matter, and looks for them once more. Of the two
 * exchanges, here and in shard_note_progress(), the later one sees the earlier one: either the
 * deliveries are seen here, or the flag is seen there.
 */
static void shard_starve(struct load_shard *shard)
{
    if (shard->plan->lag == 0 || shard->peer_count == 1 || !shard->going)
        return;
    atomic_exchange_explicit(&shard->starved, true, memory_order_acq_rel);
    shard_list_all(shard);
    shard_publish_ready(shard);
}

/** Lets what the server sends pile up for a while, instead of being woken by each packet. */
static void shard_gather(const struct load_shard *shard)
{
    const struct timespec pause = {.tv_nsec = shard->plan->options.gather * LOAD_CLOCK_NS_PER_US};

    if (shard->going && shard->rate <= 0 && pause.tv_nsec > 0)
        nanosleep(&pause, NULL);
}

static void shard_leave(struct load_shard *shard)
{
    for (uint32_t i = 0; i < shard->subscriber_count; i++)
        load_subscriber_leave(&shard->subscribers[i]);
    BUMP(&shard->progress.left, shard->subscriber_count);
}

static void shard_go(struct load_shard *shard)
{
    shard->going = true;
    shard->started_ns = load_clock_now_ns();
    shard->started_published =
        atomic_load_explicit(&shard->progress.published, memory_order_relaxed);
    shard_list_all(shard);
}

/** The histogram is of what happens from here on. */
static void shard_return(struct load_shard *shard)
{
    shard->acknowledgement = (struct load_histogram){0};
    for (uint32_t i = 0; i < shard->receiving; i++)
        load_subscriber_return(&shard->subscribers[i]);
    if (shard->plan->options.live_rate == 0)
        return;
    shard->rate = (double)shard->plan->options.live_rate / shard->peer_count;
    shard->messages_each = shard->plan->sequence_end;
    shard_go(shard);
}

static void shard_drain(struct load_shard *shard)
{
    shard->going = false;
    while (shard->ready != NULL) {
        shard->ready->ready_listed = false;
        shard->ready = shard->ready->next_ready;
    }
    atomic_store_explicit(&shard->progress.drained, true, memory_order_release);
}

/** Does what the main thread wants, if it is something new. */
static void shard_obey(struct load_shard *shard, int command)
{
    if (command == shard->obeyed)
        return;
    shard->obeyed = command;
    switch (command) {
    case LOAD_SHARD_LEAVE:
        shard_leave(shard);
        break;
    case LOAD_SHARD_GO:
        shard_go(shard);
        break;
    case LOAD_SHARD_RETURN:
        shard_return(shard);
        break;
    case LOAD_SHARD_DRAIN:
        shard_drain(shard);
        break;
    default:
        break;
    }
}

static void *shard_main(void *argument)
{
    struct load_shard *shard = argument;
    int command;

    /* Timers to the microsecond: the default slack of 50 µs would show in a rate's schedule. */
    prctl(PR_SET_TIMERSLACK, 1000UL);
    for (;;) {
        command = atomic_load_explicit(&shard->command, memory_order_acquire);
        if (command == LOAD_SHARD_STOP)
            break;
        shard_obey(shard, command);
        shard_attach(shard);
        if (shard->going && shard->rate > 0)
            shard_publish_due(shard);
        shard_publish_ready(shard);
        shard_starve(shard);
        load_loop_end_turn(&shard->loop);
        shard_note_progress(shard);
        shard_gather(shard);
        load_loop_wait(&shard->loop, shard_timeout_ns(shard));
    }
    for (uint32_t i = 0; i < shard->device_count; i++)
        load_client_close(&shard->devices[i].client);
    for (uint32_t i = 0; i < shard->subscriber_count; i++)
        load_client_close(&shard->subscribers[i].client);
    return NULL;
}

void load_shard_start(struct load_shard *shard)
{
    if (pthread_create(&shard->thread, NULL, shard_main, shard) != 0)
        load_fatal("no thread can be started");
}

void load_shard_command(struct load_shard *shard, enum load_shard_command command)
{
    atomic_store_explicit(&shard->command, command, memory_order_release);
    load_loop_wake(&shard->loop);
}

void load_shard_join(struct load_shard *shard)
{
    pthread_join(shard->thread, NULL);
}
