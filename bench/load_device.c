/*
 * The publishing side. Belongs to its shard's thread. Packet identifiers are the places of the
 * window, so that an acknowledgement is found without a search, whatever its order. A device that
 * cannot send goes on when an acknowledgement, a delivery (with a lag limit) or room in its socket
 * puts it on the shard's ready list again.
 */
#include "load_device.h"

#include <stdio.h>
#include <stdlib.h>

#include "load_buffer.h"
#include "load_clock.h"
#include "load_plan.h"
#include "load_shard.h"

/* Enough for a window of small messages in one write, too little to hide a server that is slow. */
enum { GATHERED_MAX = 64 * 1024 };

static const struct load_options *device_options(const struct load_device *device)
{
    return &device->shard->plan->options;
}

/* By QoS: what the server has to answer to a PUBLISH. */
static const uint8_t first_answer[] = {0, LOAD_MQTT_PUBACK, LOAD_MQTT_PUBREC};

static void device_on_connected(void *owner)
{
    struct load_device *device = owner;

    load_shard_on_attached(device->shard, &device->client);
}

static void device_on_answer(struct load_device *device, const struct load_mqtt_packet *packet)
{
    uint16_t packet_id;
    uint8_t reason;

    if (!load_mqtt_read_ack(packet, device->client.protocol, &packet_id, &reason) ||
        packet_id == 0 || packet_id > device_options(device)->window ||
        device->slots[packet_id - 1].waits != packet->type) {
        load_client_fail(&device->client, LOAD_FAULT_PROTOCOL, "an answer to no publish");
        return;
    }
    if (reason >= LOAD_MQTT_REFUSED) {
        load_client_fail(&device->client, LOAD_FAULT_REFUSED, "a PUBLISH was refused");
        return;
    }
    if (packet->type == LOAD_MQTT_PUBREC) {
        load_mqtt_put_ack(load_client_out(&device->client), LOAD_MQTT_PUBREL, packet_id);
        device->slots[packet_id - 1].waits = LOAD_MQTT_PUBCOMP;
        return;
    }
    device->slots[packet_id - 1].waits = 0;
    device->free_slots[device->free_count++] = (uint16_t)(packet_id - 1);
    load_shard_on_acknowledged(device->shard, device, device->slots[packet_id - 1].sent_us);
}

static void device_on_packet(void *owner, const struct load_mqtt_packet *packet)
{
    struct load_device *device = owner;

    switch (packet->type) {
    case LOAD_MQTT_PUBACK:
    case LOAD_MQTT_PUBREC:
    case LOAD_MQTT_PUBCOMP:
        device_on_answer(device, packet);
        break;
    default:
        load_client_fail(&device->client, LOAD_FAULT_PROTOCOL, "a packet that no device expects");
    }
}

static void device_on_drained(void *owner)
{
    struct load_device *device = owner;

    if (!device->wants_room)
        return;
    device->wants_room = false;
    load_shard_list_ready(device->shard, device);
}

static void device_on_fault(void *owner, enum load_fault fault, const char *what)
{
    struct load_device *device = owner;

    load_shard_on_fault(device->shard, fault, "device", device->index, what);
}

static const struct load_client_handler client_handler = {
    .on_connected = device_on_connected,
    .on_packet = device_on_packet,
    .on_drained = device_on_drained,
    .on_fault = device_on_fault,
};

void load_device_init(struct load_device *device, struct load_shard *shard, uint32_t index)
{
    const struct load_plan *plan = shard->plan;
    const uint32_t window = plan->options.window;

    *device = (struct load_device){
        .shard = shard,
        .index = index,
        .free_count = window,
        .free_slots = load_buffer_new_objects(window, sizeof(*device->free_slots)),
        .slots = load_buffer_new_objects(window, sizeof(*device->slots)),
    };
    /* The stack gives the lowest identifier first. */
    for (uint32_t i = 0; i < window; i++)
        device->free_slots[i] = (uint16_t)(window - 1 - i);
    load_mqtt_template_init(&device->publish, plan->options.protocol, plan->options.qos,
                            plan->devices[index].publish_topic, plan->payload.size);
    load_payload_copy(&plan->payload, device->publish.bytes + device->publish.payload_at);
    load_payload_stamp_device(device->publish.bytes + device->publish.payload_at, index);
    snprintf(device->client_id, sizeof(device->client_id), "bench-device-%u", index);
}

void load_device_deinit(struct load_device *device)
{
    load_client_close(&device->client);
    load_mqtt_template_deinit(&device->publish);
    free(device->free_slots);
    free(device->slots);
    *device = (struct load_device){0};
}

void load_device_open(struct load_device *device)
{
    const struct load_plan *plan = device->shard->plan;
    const struct load_credentials_device *who = &plan->credentials.devices[device->index];
    const struct load_mqtt_identity identity = {
        .client_id = device->client_id, .username = who->username, .password = who->password};

    load_client_open(&device->client, &device->shard->loop, &plan->device_endpoint,
                     plan->options.protocol, &identity, &client_handler, device);
}

/** How many more publishes lag and total allow. */
static uint32_t device_allowed(const struct load_device *device)
{
    const struct load_plan *plan = device->shard->plan;
    uint32_t left = device->shard->messages_each - device->sent;
    uint64_t undelivered;
    uint64_t undelivered_max;
    uint64_t allowed;

    if (plan->lag == 0)
        return left;
    undelivered_max = (uint64_t)plan->lag * plan->options.subscribers;
    undelivered = (uint64_t)device->sent * plan->options.subscribers -
                  load_shard_delivered_of(device->shard, device->index);
    if (undelivered >= undelivered_max)
        return 0;
    allowed =
        (undelivered_max - undelivered + plan->options.subscribers - 1) / plan->options.subscribers;
    return allowed < left ? (uint32_t)allowed : left;
}

uint32_t load_device_publish(struct load_device *device, uint32_t limit)
{
    const uint32_t qos = device_options(device)->qos;
    struct load_mqtt_template *publish = &device->publish;
    uint8_t *payload = publish->bytes + publish->payload_at;
    uint32_t allowed = device_allowed(device);
    uint32_t count = 0;
    int64_t sent_us;

    if (allowed < limit)
        limit = allowed;
    if (qos > 0 && device->free_count < limit)
        limit = device->free_count;
    if (limit == 0 || !device->client.connected)
        return 0;
    sent_us = load_clock_unix_us();
    load_payload_stamp_sent(payload, sent_us);
    while (count < limit) {
        if (load_conn_pending(&device->client.conn) >= GATHERED_MAX) {
            device->wants_room = true;
            break;
        }
        if (qos > 0) {
            uint16_t slot = device->free_slots[--device->free_count];

            device->slots[slot] = (struct load_device_slot){sent_us, first_answer[qos]};
            load_mqtt_template_set_id(publish, (uint16_t)(slot + 1));
        }
        load_payload_stamp_sequence(payload, device->sent++);
        load_buffer_append(load_client_out(&device->client), publish->bytes, publish->len);
        count++;
    }
    return count;
}

uint32_t load_device_unacknowledged(const struct load_device *device)
{
    return device_options(device)->window - device->free_count;
}
