/* The application API as an MQTT service. Source: open-api.md 3 */
#pragma once

#include "mqtt/service.h"

extern const struct mqtt_service app_service;
