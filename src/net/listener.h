/*
 * Listening sockets: one socket a port, accepted by all workers, with back-off when descriptors run
 * out.
 *
 * A socket is opened once (so that a port in use is noticed) and watched by every worker's loop;
 * whoever is free accepts. Opened and closed on the main thread while no worker runs.
 */
#pragma once

#include "net/conn.h"
#include "net/lobby.h"
#include "net/tls_context.h"

struct listener;

struct listener_options {
    const char *address;     /* numeric, IPv4 or IPv6 */
    uint16_t port;           /* 0: the kernel chooses */
    struct tls_context *tls; /* NULL: plain TCP; borrowed, outlives the listener */
    const struct conn_handler *handler;
    struct conn_origin origin;
    struct lobby *lobby; /* where connections wait to be let in; borrowed, outlives them */
    int fd_max;          /* descriptors from this one on are not for connections */
    const char *name;    /* for logs and errors: "device MQTT" */
};

/**
 * Binds and listens.
 *
 * @param error  on failure one line: port, cause, what to do
 * Errors: ST_BUSY (port in use), ST_REFUSED (a low port without the right), ST_INVALID (address),
 * ST_IO
 */
enum status listener_open(const struct listener_options *options, struct listener **out,
                          char *error, size_t error_len) MUST_CHECK;

/** Lets all workers of a group accept from it. */
void listener_attach(struct listener *l, struct worker_group *g);

/** Stops accepting and closes the socket; connections stay. The workers' threads do not run. */
void listener_close(struct listener **l);

uint16_t listener_port(const struct listener *l);
