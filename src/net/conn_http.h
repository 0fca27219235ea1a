/*
 * A connection that is handed to the HTTP server: its bytes, decrypted, through a socket pair.
 *
 * The connection stays where it was accepted; both directions have bounded buffers and hold their
 * sender back when these are full. The HTTP server ends the connection by closing its end. What it
 * does not see is minded here: how long a request may take to come, how long a connection may be
 * idle, and how many of one address there are. Source: architecture.md "HTTP"
 */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

struct lobby;

/** Where connections are handed to; does not change while workers run. */
struct conn_http_door {
    /** Takes the other end of the socket pair (owned in any case), non-blocking. Any worker's
     * thread. False: the HTTP server takes nobody now. */
    bool (*take)(void *arg, int fd, const struct sockaddr_storage *peer, socklen_t peer_len);
    void *arg;
    struct lobby *lobby;         /* bounds the connections, idle ones give way; borrowed */
    unsigned request_timeout_ms; /* from the first byte of a request to the first of its answer */
    unsigned idle_timeout_ms;    /* from the last byte of an answer to the next request */
};
