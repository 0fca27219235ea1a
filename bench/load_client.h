/*
 * An MQTT client on a connection: connects, cuts the bytes into packets, hands them on.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "load_conn.h"
#include "load_faults.h"
#include "load_mqtt.h"

/** What a client tells its owner. */
struct load_client_handler {
    /** The server has accepted the CONNECT. */
    void (*on_connected)(void *owner);
    /** A packet came that is no CONNACK. */
    void (*on_packet)(void *owner, const struct load_mqtt_packet *packet);
    /** All that was gathered has been written. */
    void (*on_drained)(void *owner);
    /** Something went wrong, and the connection is closed. */
    void (*on_fault)(void *owner, enum load_fault fault, const char *what);
};

/** Zeroed is one that was never opened. */
struct load_client {
    struct load_conn conn;
    const struct load_client_handler *handler; /* borrowed, static */
    void *owner;                               /* borrowed; holds it */
    struct load_mqtt_identity identity;        /* texts borrowed; outlive it */
    uint32_t protocol;
    bool connected;
    bool session_present; /* in the last CONNACK */
    int64_t opened_us;    /* Unix time at which the TCP connect began */
};

/** Begins to connect as `identity`. */
void load_client_open(struct load_client *client, struct load_loop *loop,
                      const struct load_endpoint *endpoint, uint32_t protocol,
                      const struct load_mqtt_identity *identity,
                      const struct load_client_handler *handler, void *owner);

/** The bytes that leave at the end of the turn: append packets. Only while connected. */
struct load_buffer *load_client_out(struct load_client *client);

/** Closes the connection, with a DISCONNECT if it stands; tells nobody. */
void load_client_close(struct load_client *client);

/** Closes the connection and tells the owner why. */
void load_client_fail(struct load_client *client, enum load_fault fault, const char *what);
