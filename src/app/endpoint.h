/*
 * The endpoints of a server as URLs: made from its options, and taken apart by a client.
 *
 * Pure functions, any thread. Source: open-api.md 2
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "app/config.h"
#include "base/status.h"

/* X(name, scheme, option with its port, path) */
#define ENDPOINT_LIST(X)                            \
    X(device_mqtt, "mqtt", device_mqtt_port, "")    \
    X(device_ws, "ws", device_ws_port, "/mqtt")     \
    X(device_mqtts, "mqtts", device_mqtts_port, "") \
    X(app_mqtts, "mqtts", app_mqtts_port, "")       \
    X(app_wss, "wss", app_wss_port, "/mqtt")        \
    X(https, "https", https_port, "")

enum endpoint {
#define X(name, scheme, option, path) ENDPOINT_##name,
    ENDPOINT_LIST(X)
#undef X
        ENDPOINT_COUNT
};

enum { ENDPOINT_URL_MAX = 300, ENDPOINT_HOST_MAX = 253 };

/** The endpoint's name: `device_mqtt`. */
const char *endpoint_name(enum endpoint e);

/** The port that the server listens on, 0: it is off. */
uint16_t endpoint_port(const struct config *c, enum endpoint e);

/** Writes `mqtts://host:port`. */
void endpoint_format(const struct config *c, enum endpoint e, char out[ENDPOINT_URL_MAX + 1]);

/** Takes host and port from a URL of that form. Errors: ST_INVALID. */
enum status endpoint_parse(const char *url, char host[ENDPOINT_HOST_MAX + 1],
                           uint16_t *port) MUST_CHECK;
