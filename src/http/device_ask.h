/*
 * What only a device's home knows: asked of the worker, and waited for.
 *
 * Called on the HTTP server's threads. A device that is moving to another home at the very moment
 * is told as unknown.
 */
#pragma once

#include "http/http_call.h"
#include "platform/home.h"

/** Of one device, asked for by its number. */
struct device_state {
    uint64_t device_id;
    bool is_known; /* otherwise the rest is false */
    bool is_online, is_alerting;
    bool is_answered; /* while they are asked for: by the worker, */
    unsigned home;    /* this one */
};

/** Fills in the states of `count` devices. */
void device_ask_states(struct http_call *call, struct device_state *states, size_t count);

/** What an ETag of cloud values is made of: `"name":{"value":…,"ts":…}` of all, appended. On the
 * device's home. False: it is not known there. */
bool device_ask_all_values(struct worker *w, uint64_t device_id, struct buffer *out);

/**
 * Appends the cloud values: `"name":{"value":…,"ts":…}` with commas between.
 *
 * @param names  the ones that are wanted; `count` 0: all
 * @return false: it is not known to its home
 */
bool device_ask_values(struct http_call *call, uint64_t device_id, const struct slice *names,
                       size_t count, struct buffer *out) MUST_CHECK;
