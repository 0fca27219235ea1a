/* The application API as an MQTT service. Source: open-api.md 3 */
#pragma once

#include "mqtt/service.h"

extern const struct mqtt_service app_service;

/** The worker that is home to a session of this project and client identifier. */
unsigned app_service_home_of(struct worker_group *g, uint64_t project_id, struct slice client_id);
