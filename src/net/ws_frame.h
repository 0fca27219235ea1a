/*
 * WebSocket frames of one connection: in (unmasked, joined, checked) and out (headers).
 *
 * wslay judges the headers and is known here only. Bytes may come split anywhere. Nothing above a
 * frame-size limit is ever buffered: data is passed on as it comes. Belongs to its connection's
 * worker. Source: RFC 6455 section 5, [MQTT-6.0.0-1], [MQTT-6.0.0-2]
 */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

struct ws_frame;

struct ws_frame *ws_frame_new(void);
void ws_frame_free(struct ws_frame **w);

/**
 * Feeds received bytes.
 *
 * @param data     data of binary frames is appended here, unmasked
 * @param control  answers to send are appended here as whole frames: pong, close (also 1002, 1003,
 * 1007, 1009 on the peer's faults)
 * @return ST_OK; ST_CLOSED: a close frame came (its answer is in `control`); ST_PROTOCOL: reserved
 * bits or opcodes, unmasked, bad fragment order, control frame too long or fragmented, a close code
 * that may not be sent; ST_MALFORMED: a close reason that is not UTF-8; ST_INVALID: a text frame;
 * ST_TOO_LARGE: a frame length above 2^31. Once it is not ST_OK, every further call
 * gives the same and ignores its input
 */
enum status ws_frame_feed(struct ws_frame *w, struct slice in, struct buffer *data,
                          struct buffer *control) MUST_CHECK;

enum { WS_FRAME_HEADER_MAX = 10 };

/** Writes the header of an unmasked, final binary frame of `payload_len` bytes; gives its length, 2
 * to 10. */
size_t ws_frame_header(uint8_t out[WS_FRAME_HEADER_MAX], size_t payload_len);

/** Appends a close frame with a code that may be sent: 1000 to 1003, 1007 to 1014, 3000 to 4999. */
void ws_frame_append_close(struct buffer *b, uint16_t code);
