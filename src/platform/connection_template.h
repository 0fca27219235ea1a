/*
 * The form in which a product's devices want their connection information: a JSON object of the
 * product's own, with placeholders in its texts.
 *
 *     {"server": "${mqtt.host}:${mqtt.port}", "port": "${mqtt.port}", "up": "${topic.attributes}"}
 *
 * A text that is one placeholder becomes the value itself, a number a number; in a longer text it
 * becomes the value's text. What there is none of is null, or empty. Pure functions, any thread.
 * Source: device-protocol.md "Quick connection"
 */
#pragma once

#include <jansson.h>

enum { CONNECTION_TEMPLATE_DEPTH_MAX = 16 };

/** NULL, or what is wrong with a template: one sentence (static). */
const char *connection_template_check(const json_t *t);

/** A template that was checked with its placeholders filled in; the caller's. `values`: an object,
 * `mqtt.host` being the member `host` of its member `mqtt`. */
json_t *connection_template_fill(const json_t *t, const json_t *values);
