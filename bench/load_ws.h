/*
 * WebSocket (RFC 6455) as a client speaks it: the upgrade, one binary frame for each batch of
 * bytes going out, and frames of any shape coming in.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "load_buffer.h"

enum load_ws_opcode {
    LOAD_WS_CONTINUATION = 0x0,
    LOAD_WS_BINARY = 0x2,
    LOAD_WS_CLOSE = 0x8,
    LOAD_WS_PING = 0x9,
    LOAD_WS_PONG = 0xA,
};

enum { LOAD_WS_HEADER_MAX = 14, LOAD_WS_CONTROL_MAX = 125 };

/** Both directions of one connection; zeroed is a fresh one. */
struct load_ws {
    uint8_t header[LOAD_WS_HEADER_MAX]; /* of the next frame, as far as it has come */
    size_t header_len;
    uint64_t remaining; /* payload bytes of the frame that are still to come */
    enum load_ws_opcode opcode;
    uint8_t control[LOAD_WS_CONTROL_MAX]; /* payload of the last control frame */
    size_t control_len;
    bool pong_due; /* a PING came: its payload in `control` wants to be sent back */
    bool ended;    /* a CLOSE came */
    uint32_t mask;
};

/** Writes the HTTP request that asks for an upgrade, subprotocol `mqtt`. */
void load_ws_put_request(struct load_buffer *out, const char *host, uint16_t port,
                         const char *path);

/**
 * Reads the answer to the request.
 *
 * @return its length, 0 when it is not complete yet, -1 when it is no upgrade to MQTT
 */
ptrdiff_t load_ws_read_response(const uint8_t *bytes, size_t len);

/** Writes one whole masked frame with a copy of `len` bytes. */
void load_ws_put_frame(struct load_buffer *out, struct load_ws *ws, enum load_ws_opcode opcode,
                       const uint8_t *bytes, size_t len);

/**
 * Takes frames apart, in place: moves what data frames carry to the front of `bytes`. Headers and
 * payloads may be cut anywhere between two calls.
 *
 * @return how many bytes of data there are now, -1 when a frame is malformed
 */
ptrdiff_t load_ws_unframe(struct load_ws *ws, uint8_t *bytes, size_t len);
