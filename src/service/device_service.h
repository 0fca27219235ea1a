/* Device access as an MQTT service. Source: open-api.md 4 */
#pragma once

#include "mqtt/service.h"

extern const struct mqtt_service device_service;
