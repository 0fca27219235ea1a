/*
 * Where to connect and how: an address, TLS or not, WebSocket or not.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct ssl_ctx_st; /* of OpenSSL */
struct ssl_st;

enum { LOAD_ENDPOINT_HOST_MAX = 253, LOAD_ENDPOINT_PATH_MAX = 255 };

/** Immutable once made; shared by all threads. */
struct load_endpoint {
    struct sockaddr_in address;
    char host[LOAD_ENDPOINT_HOST_MAX + 1];
    char path[LOAD_ENDPOINT_PATH_MAX + 1]; /* of a WebSocket */
    uint16_t port;
    bool websocket;
    struct ssl_ctx_st *tls; /* owned; NULL for plain TCP */
};

/**
 * Makes an endpoint from `mqtt://host:port`, `mqtts://host:port`, `ws://host:port/path` or
 * `wss://host:port/path`. What cannot be made out, found or loaded ends the process with one line.
 *
 * @param ca  PEM file of the CA that the certificate must come from; needed for mqtts and wss
 */
void load_endpoint_init(struct load_endpoint *endpoint, const char *url, const char *ca);

/** Frees what the endpoint holds; accepts a zeroed one. */
void load_endpoint_deinit(struct load_endpoint *endpoint);

/** Makes the TLS state of one connection on socket `fd`, which wants the host's certificate. */
struct ssl_st *load_endpoint_new_tls(const struct load_endpoint *endpoint, int fd);
