/*
 * What handlers of devices' topics share: faults, answers. See device_report.c.
 *
 * An input with a route (device_input.sub) is answered by the way by which it came. On the device's
 * home worker. Source: open-api.md 4, device-protocol.md
 */
#pragma once

#include "service/device_link.h"

/** The payload is no JSON object: recorded, acknowledged, and then the device is disconnected. */
struct service_verdict device_report_no_json(const struct device_input *in);

/** It is one, but not of the form that its topic asks for: recorded. */
struct service_verdict device_report_form(const struct device_input *in, const char *why);

/** `{"error_code": 0, "error_msg": "OK", "ts": ms}` on a response topic (of the device's own), when
 * the type of the connected device wants answers. `error`: NULL, or what is wrong. */
void device_report_answer(const struct device_input *in, enum device_topic topic,
                          const char *error);

/** The answer to a request for values that cannot be given. */
void device_report_respond_error(const struct device_input *in, const char *error);
