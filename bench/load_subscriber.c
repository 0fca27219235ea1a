/*
 * The receiving side. Belongs to its shard's thread. Acknowledgements are gathered over a turn.
 * At QoS 2 a message counts when its PUBLISH comes; a server that sends it again after that is
 * found by the sequence, not by the packet identifier.
 */
#include "load_subscriber.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load_buffer.h"
#include "load_plan.h"
#include "load_shard.h"

static const uint16_t subscribe_id = 1;

static void subscriber_fault(struct load_subscriber *subscriber, enum load_fault fault,
                             const char *what)
{
    load_shard_on_fault(subscriber->shard, fault, "subscriber", subscriber->index, what);
}

static void subscriber_on_connected(void *owner)
{
    struct load_subscriber *subscriber = owner;
    const struct load_plan *plan = subscriber->shard->plan;

    if (subscriber->returns && !subscriber->client.session_present)
        load_client_fail(&subscriber->client, LOAD_FAULT_REFUSED, "the session is not there");
    else if (subscriber->returns || plan->options.mode == LOAD_MODE_CONNECTS)
        load_shard_on_attached(subscriber->shard, &subscriber->client);
    else
        load_mqtt_put_subscribe(load_client_out(&subscriber->client), plan->options.protocol,
                                subscribe_id, plan->filter, plan->options.subscribe_qos);
}

static void subscriber_on_suback(struct load_subscriber *subscriber,
                                 const struct load_mqtt_packet *packet)
{
    uint16_t packet_id;
    uint8_t reason;

    if (!load_mqtt_read_ack(packet, subscriber->client.protocol, &packet_id, &reason) ||
        packet_id != subscribe_id)
        load_client_fail(&subscriber->client, LOAD_FAULT_PROTOCOL, "SUBACK is malformed");
    else if (reason != subscriber->shard->plan->options.subscribe_qos)
        load_client_fail(&subscriber->client, LOAD_FAULT_REFUSED,
                         "SUBSCRIBE was not granted as asked");
    else
        load_shard_on_attached(subscriber->shard, &subscriber->client);
}

/** Whether the message is one that a device of this run sends, and on its topic. */
static bool subscriber_recognizes(const struct load_plan *plan,
                                  const struct load_mqtt_publish *publish,
                                  struct load_payload_stamp *stamp)
{
    const struct load_plan_device *device;

    if (!load_payload_read(&plan->payload, publish->payload, publish->payload_len, stamp) ||
        stamp->device >= plan->options.devices || stamp->sequence >= plan->sequence_end)
        return false;
    device = &plan->devices[stamp->device];
    return publish->topic_len == device->receive_topic_len &&
           memcmp(publish->topic, device->receive_topic, publish->topic_len) == 0;
}

static void subscriber_check(struct load_subscriber *subscriber,
                             const struct load_mqtt_publish *publish)
{
    struct load_payload_stamp stamp;

    if (!subscriber_recognizes(subscriber->shard->plan, publish, &stamp)) {
        subscriber_fault(subscriber, LOAD_FAULT_FOREIGN, "a message that no device sent");
        return;
    }
    switch (load_sequence_accept(&subscriber->sequences[stamp.device], stamp.sequence)) {
    case LOAD_SEQUENCE_DUPLICATE:
        subscriber_fault(subscriber, LOAD_FAULT_DUPLICATE, "a message came twice");
        return;
    case LOAD_SEQUENCE_DISORDER:
        subscriber_fault(subscriber, LOAD_FAULT_DISORDER, "a message came behind a later one");
        break;
    case LOAD_SEQUENCE_IN_ORDER:
        break;
    }
    load_shard_on_delivered(subscriber->shard, stamp.device, stamp.sent_us);
}

static void subscriber_on_publish(struct load_subscriber *subscriber,
                                  const struct load_mqtt_packet *packet)
{
    struct load_mqtt_publish publish;

    if (!load_mqtt_read_publish(packet, subscriber->client.protocol, &publish)) {
        load_client_fail(&subscriber->client, LOAD_FAULT_PROTOCOL, "PUBLISH is malformed");
        return;
    }
    subscriber_check(subscriber, &publish);
    if (publish.qos > 0)
        load_mqtt_put_ack(load_client_out(&subscriber->client),
                          publish.qos == 1 ? LOAD_MQTT_PUBACK : LOAD_MQTT_PUBREC,
                          publish.packet_id);
}

static void subscriber_on_pubrel(struct load_subscriber *subscriber,
                                 const struct load_mqtt_packet *packet)
{
    uint16_t packet_id;
    uint8_t reason;

    if (!load_mqtt_read_ack(packet, subscriber->client.protocol, &packet_id, &reason))
        load_client_fail(&subscriber->client, LOAD_FAULT_PROTOCOL, "PUBREL is malformed");
    else
        load_mqtt_put_ack(load_client_out(&subscriber->client), LOAD_MQTT_PUBCOMP, packet_id);
}

static void subscriber_on_packet(void *owner, const struct load_mqtt_packet *packet)
{
    struct load_subscriber *subscriber = owner;

    switch (packet->type) {
    case LOAD_MQTT_PUBLISH:
        subscriber_on_publish(subscriber, packet);
        break;
    case LOAD_MQTT_PUBREL:
        subscriber_on_pubrel(subscriber, packet);
        break;
    case LOAD_MQTT_SUBACK:
        subscriber_on_suback(subscriber, packet);
        break;
    default:
        load_client_fail(&subscriber->client, LOAD_FAULT_PROTOCOL,
                         "a packet that no subscriber expects");
    }
}

static void subscriber_on_drained(void *owner)
{
    (void)owner; /* it only answers, so it never waits for room */
}

static void subscriber_on_fault(void *owner, enum load_fault fault, const char *what)
{
    subscriber_fault(owner, fault, what);
}

static const struct load_client_handler client_handler = {
    .on_connected = subscriber_on_connected,
    .on_packet = subscriber_on_packet,
    .on_drained = subscriber_on_drained,
    .on_fault = subscriber_on_fault,
};

void load_subscriber_init(struct load_subscriber *subscriber, struct load_shard *shard,
                          uint32_t index)
{
    *subscriber = (struct load_subscriber){
        .shard = shard,
        .index = index,
        .sequences =
            load_buffer_new_objects(shard->plan->options.devices, sizeof(*subscriber->sequences)),
    };
    snprintf(subscriber->client_id, sizeof(subscriber->client_id), "bench-subscriber-%u", index);
}

void load_subscriber_deinit(struct load_subscriber *subscriber)
{
    load_client_close(&subscriber->client);
    for (uint32_t i = 0; i < subscriber->shard->plan->options.devices; i++)
        load_sequence_deinit(&subscriber->sequences[i]);
    free(subscriber->sequences);
    *subscriber = (struct load_subscriber){0};
}

void load_subscriber_open(struct load_subscriber *subscriber)
{
    const struct load_plan *plan = subscriber->shard->plan;
    const struct load_mqtt_identity identity = {
        .client_id = subscriber->client_id,
        .username = plan->credentials.project_key,
        .password = plan->credentials.project_secret,
        .is_persistent = plan->options.persistent,
    };

    load_client_open(&subscriber->client, &subscriber->shard->loop, &plan->subscriber_endpoint,
                     plan->options.protocol, &identity, &client_handler, subscriber);
}

void load_subscriber_return(struct load_subscriber *subscriber)
{
    subscriber->returns = true;
    load_subscriber_open(subscriber);
}

void load_subscriber_leave(struct load_subscriber *subscriber)
{
    load_client_close(&subscriber->client);
}

uint64_t load_subscriber_missing(const struct load_subscriber *subscriber, const uint32_t *sent)
{
    uint64_t missing = 0;

    for (uint32_t i = 0; i < subscriber->shard->plan->options.devices; i++)
        missing += load_sequence_missing(&subscriber->sequences[i], sent[i]);
    return missing;
}
