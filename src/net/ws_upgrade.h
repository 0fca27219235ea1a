/*
 * The HTTP request that opens a WebSocket: parsed, checked, answered.
 *
 * Works on bytes alone. A request that is no upgrade is told apart, so that the connection can be
 * handed to the HTTP server with what was read. Pure functions, any thread. Source: RFC 6455
 * section 4, [MQTT-6.0.0-3], [MQTT-6.0.0-4]
 */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

enum { WS_UPGRADE_HEAD_MAX = 8192 /* bytes of request line and headers */ };

struct ws_upgrade {
    size_t head_len;     /* bytes up to and with the empty line */
    bool is_upgrade;     /* asks for websocket at all */
    struct slice method; /* borrowed from the request, as all slices here */
    struct slice path;   /* without query */
    struct slice origin; /* empty: none given */
    struct slice key;    /* Sec-WebSocket-Key */
    int refusal; /* 0: may be accepted; otherwise the HTTP status to answer with (400, 404, 405,
                    426) */
    const char *refusal_text; /* what is wrong, for a person */
};

/**
 * Reads the head of a request.
 *
 * @param path_wanted  the one path that is served ("/mqtt"); another one of an upgrade is refused
 * with 404
 * @return ST_OK: head complete, `out` filled; ST_AGAIN: more bytes needed; ST_MALFORMED: not HTTP;
 * ST_TOO_LARGE: head above WS_UPGRADE_HEAD_MAX
 */
enum status ws_upgrade_parse(struct slice request, const char *path_wanted,
                             struct ws_upgrade *out) MUST_CHECK;

/** Appends the 101 answer with the accept value and the subprotocol mqtt. */
void ws_upgrade_accept(struct buffer *b, const struct ws_upgrade *u);

/** Appends a refusal (status line, short text body, Connection: close; 426 names version 13). The
 * status is one of 400, 403, 404, 405, 408, 426, 429, 431, 503. */
void ws_upgrade_refuse(struct buffer *b, int http_status, const char *text);
