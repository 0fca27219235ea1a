/*
 * The MQTT sessions of a project's applications as JSON, gathered from all workers: for the HTTPS
 * API and for the command line. Blocks while workers answer; any thread but a worker's.
 */
#pragma once

#include <jansson.h>

#include "base/bytes.h"
#include "net/worker.h"

/** A list of them, by client identifier (schema AppSession); the caller's. `client_id`: this one
 * only; data NULL: all. */
json_t *session_list_new(struct worker_group *g, uint64_t project_id, struct slice client_id);

/** Ends one and its connection. False: there is none. */
bool session_list_end(struct worker_group *g, uint64_t project_id, struct slice client_id);
