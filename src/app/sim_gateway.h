/*
 * How a simulated gateway speaks for the devices below it: the `sub_…` topics and what is around
 * the inner message. Pure functions, any thread. Source: device-protocol.md "Sub-devices"
 */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

/**
 * Puts a sub-device's own message (`attributes`, `event_report`, `command_reply`) into one of its
 * gateway.
 *
 * @param path  of the sub-device, a JSON list
 * @return the word of the topic (static); NULL: it has no such message
 */
const char *sim_gateway_wrap(const char *topic, const char *path, struct slice payload,
                             struct buffer *out);

/** Appends the message of `sub_connect`. */
void sim_gateway_append_connect(const char *path, struct buffer *out);

/**
 * Takes a message for a sub-device apart.
 *
 * @param path   whose it is is appended, a JSON list
 * @param inner  what is inside is appended: attributes or a command
 * Errors: ST_MALFORMED
 */
enum status sim_gateway_unwrap(struct slice payload, struct buffer *path,
                               struct buffer *inner) MUST_CHECK;
