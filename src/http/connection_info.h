/*
 * How a device connects: hosts, ports, credentials, topics.
 *
 * Source: device-protocol.md "Quick connection"
 */
#pragma once

#include "http/http_call.h"

/** As the hosted platform gives it: `mqtt`, `mqtts`, `topic` (a new reference). Errors: ST_IO,
 * ST_CORRUPT. */
enum status connection_info_new(struct http_call *call, const struct registry_device *d,
                                json_t **out) MUST_CHECK;
