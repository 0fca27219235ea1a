/*
 * A plausible device without a network: values that change, events now and then, answers to
 * commands.
 *
 * The kinds stand in sim_kind.def. Time is a parameter, randomness comes from a seed. It knows
 * payloads and the names of topics, not MQTT. One thread at a time. Source: open-api.md 4
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

struct sim_device;

/**
 * Called with a message of the device; everything borrowed.
 *
 * @param topic   `attributes`, `event_report`, `command_reply` or `data`
 * @param stream  for `data`, else NULL
 */
typedef void (*sim_device_send_fn)(const char *topic, const char *stream, struct slice payload,
                                   void *arg);

/** How many kinds there are, and the name of a demo device of each; any `kind` below the count. */
size_t sim_device_kind_count(void);
const char *sim_device_kind_name(size_t kind);

/** The address of a kind's demo device below that of the kind `gateway`; NULL: it connects itself.
 */
const char *sim_device_kind_address(size_t kind, size_t *gateway);

/** Whether `name` begins like that of a kind: other devices of the project are somebody's own. */
bool sim_device_is_simulated(const char *name);

/** A device of the kind that `name`, which is simulated, begins with. The caller owns it. */
struct sim_device *sim_device_new(const char *name, uint64_t seed);
void sim_device_free(struct sim_device **d);

/** Sends what is due; called several times a second while it is connected. */
void sim_device_turn(struct sim_device *d, uint64_t now_ms, int64_t unix_ms,
                     sim_device_send_fn send, void *arg);

/** Takes pushed attributes over and reports them back. Errors: ST_MALFORMED: no JSON object. */
enum status sim_device_on_push(struct sim_device *d, struct slice payload, sim_device_send_fn send,
                               void *arg) MUST_CHECK;

/** Does what a command says and replies. Errors: ST_MALFORMED: no command. */
enum status sim_device_on_command(struct sim_device *d, struct slice payload,
                                  sim_device_send_fn send, void *arg) MUST_CHECK;
