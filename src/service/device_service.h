/* Device access as an MQTT service. Source: open-api.md 4 */
#pragma once

#include "mqtt/service.h"

struct device;

extern const struct mqtt_service device_service;

/** A will of the device is due, and goes with its row in the journal. */
void device_service_publish_will(struct device *d, const struct will *w);
