/*
 * The HTTP server: libmicrohttpd on its own threads, over connections that `net` hands to it.
 *
 * It neither listens nor knows TLS (net/conn_http.h). libmicrohttpd is known here only. Started and
 * stopped on the main thread; the threads that serve requests may block.
 */
#pragma once

#include <sys/socket.h>

#include "http/http_site.h"

struct http_server;

/** Errors: ST_IO. */
enum status http_server_start(struct http_site *site, struct http_server **out) MUST_CHECK;

/** Takes nobody any more, lets running requests end, and closes all connections. While it does, the
 * workers still run. NULL is accepted. */
void http_server_stop_serving(struct http_server *s);

/** Frees one that does not serve, when nobody calls http_server_take any more; NULL inside is
 * accepted. */
void http_server_free(struct http_server **s);

/** Takes a connection (conn_http_door.take; `arg` is the server). Any thread. */
bool http_server_take(void *arg, int fd, const struct sockaddr_storage *peer, socklen_t peer_len);
