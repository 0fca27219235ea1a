/*
 * From options to a plan. Main thread. Every subscriber is taken to receive the messages of every
 * device: that is what the expected number of deliveries and the sequence check rest on.
 */
#include "load_plan.h"

#include <stdlib.h>
#include <string.h>

#include "load_buffer.h"
#include "load_fatal.h"

static void plan_check(const struct load_plan *plan)
{
    const struct load_options *options = &plan->options;

    if (options->devices + options->subscribers == 0)
        load_fatal("--devices and --subscribers are both 0");
    if (options->devices > plan->credentials.device_count)
        load_fatal("%s has %zu devices, not %u", options->credentials,
                   plan->credentials.device_count, options->devices);
    if (options->size < load_payload_smallest())
        load_fatal("--size is %u; %zu is the least", options->size, load_payload_smallest());
    if (load_plan_publishes(plan) && options->devices == 0)
        load_fatal("nobody publishes with --devices 0");
    if (load_plan_publishes(plan) && options->messages == 0)
        load_fatal("nothing is published with --messages 0");
    if (options->mode != LOAD_MODE_AWAY)
        return;
    if (options->returning > options->subscribers)
        load_fatal("--returning is %u, but there are %u subscribers", options->returning,
                   options->subscribers);
    if (!options->persistent || options->qos == 0 || options->subscribe_qos == 0 ||
        options->lag > 0)
        load_fatal("away needs --persistent, QoS 1 or 2 on both sides, and no --lag");
}

void load_plan_init(struct load_plan *plan, const struct load_options *options)
{
    *plan = (struct load_plan){.options = *options};
    load_credentials_init(&plan->credentials, options->credentials, options->project_key,
                          options->project_secret);
    plan_check(plan);
    load_endpoint_init(&plan->device_endpoint, options->device_url, options->ca);
    load_endpoint_init(&plan->subscriber_endpoint, options->subscriber_url, options->ca);
    load_payload_init(&plan->payload, options->size);

    plan->filter = load_credentials_expand(&plan->credentials, options->filter, NULL);
    plan->devices = load_buffer_new_objects(options->devices, sizeof(*plan->devices));
    for (uint32_t i = 0; i < options->devices; i++) {
        const char *username = plan->credentials.devices[i].username;
        struct load_plan_device *device = &plan->devices[i];

        device->publish_topic =
            load_credentials_expand(&plan->credentials, options->publish_topic, username);
        device->receive_topic =
            load_credentials_expand(&plan->credentials, options->receive_topic, username);
        device->receive_topic_len = strlen(device->receive_topic);
    }
    if (options->devices > 0)
        plan->messages_each = (options->messages + options->devices - 1) / options->devices;
    plan->lag = options->lag > 0 || options->qos > 0 ? options->lag : options->window;
    plan->sequence_end = plan->messages_each;
    plan->receiving = options->subscribers;
    if (options->mode == LOAD_MODE_AWAY) {
        plan->receiving = options->returning;
        if (options->live_rate > 0)
            plan->sequence_end = UINT32_MAX;
    }
    if (options->subscribers == 0)
        plan->lag = 0;
}

void load_plan_deinit(struct load_plan *plan)
{
    for (uint32_t i = 0; i < plan->options.devices; i++) {
        free(plan->devices[i].publish_topic);
        free(plan->devices[i].receive_topic);
    }
    free(plan->devices);
    free(plan->filter);
    load_payload_deinit(&plan->payload);
    load_endpoint_deinit(&plan->subscriber_endpoint);
    load_endpoint_deinit(&plan->device_endpoint);
    load_credentials_deinit(&plan->credentials);
    *plan = (struct load_plan){0};
}
