/*
 * What only a device's home knows: asked of the worker, and waited for.
 *
 * Called on the HTTP server's threads. A device that is moving to another home at the very moment
 * is told as unknown.
 */
#pragma once

#include "http/http_call.h"

/** Of one device, asked for by its number. */
struct device_state {
    uint64_t device_id;
    unsigned home; /* the worker; filled in by device_ask_states */
    bool is_known; /* otherwise the rest is false */
    bool is_online, is_alerting;
};

/** The worker that is home to a device: that of the device which holds its connection. Errors:
 * ST_NOT_FOUND, ST_CORRUPT, ST_IO. */
enum status device_ask_home(struct http_call *call, uint64_t device_id, unsigned *home) MUST_CHECK;

/** Fills in the states of `count` devices, with one question a worker. Errors: ST_CORRUPT, ST_IO.
 */
enum status device_ask_states(struct http_call *call, struct device_state *states,
                              size_t count) MUST_CHECK;

/** What an ETag of cloud values is made of: `"name":{"value":…,"ts":…}` of all, appended. On the
 * device's home. False: it is not known there. */
bool device_ask_all_values(struct worker *w, uint64_t device_id, struct buffer *out);

/**
 * Appends the cloud values: `"name":{"value":…,"ts":…}` with commas between.
 *
 * @param names  the ones that are wanted; `count` 0: all
 * Errors: ST_NOT_FOUND (not known to its home), ST_CORRUPT, ST_IO
 */
enum status device_ask_values(struct http_call *call, uint64_t device_id, const struct slice *names,
                              size_t count, struct buffer *out) MUST_CHECK;
