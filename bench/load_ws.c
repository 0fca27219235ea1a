/*
 * WebSocket framing. Belongs to the thread of its connection. The nonce of the upgrade is the
 * one of RFC 6455 section 1.3, whose answer is known, because nobody is to be kept out here; the
 * mask changes with every frame, so that a server has to unmask.
 */
#include "load_ws.h"

#include <stdio.h>
#include <string.h>

#define NONCE          "dGhlIHNhbXBsZSBub25jZQ=="
#define NONCE_ACCEPTED "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

enum {
    FIN = 0x80,
    RESERVED = 0x70,
    MASKED = 0x80,
    OPCODE = 0x0F,
    LENGTH = 0x7F,
    LENGTH_16 = 126,
    LENGTH_64 = 127,
    REQUEST_MAX = 1024,
    RESPONSE_MAX = 8192,
};

void load_ws_put_request(struct load_buffer *out, const char *host, uint16_t port, const char *path)
{
    char request[REQUEST_MAX];
    int len = snprintf(request, sizeof(request),
                       "GET %s HTTP/1.1\r\nHost: %s:%u\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\nSec-WebSocket-Key: " NONCE "\r\n"
                       "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n",
                       path, host, port);

    load_buffer_append(out, request, len < REQUEST_MAX ? (size_t)len : REQUEST_MAX - 1);
}

ptrdiff_t load_ws_read_response(const uint8_t *bytes, size_t len)
{
    static const char status[] = "HTTP/1.1 101 ";
    const uint8_t *end = memmem(bytes, len, "\r\n\r\n", 4);
    size_t head_len;

    if (end == NULL)
        return len > RESPONSE_MAX ? -1 : 0;
    head_len = (size_t)(end - bytes) + 4;
    if (head_len < sizeof(status) || memcmp(bytes, status, sizeof(status) - 1) != 0 ||
        memmem(bytes, head_len, NONCE_ACCEPTED, sizeof(NONCE_ACCEPTED) - 1) == NULL)
        return -1;
    return (ptrdiff_t)head_len;
}

/** The next mask: xorshift, never 0 again once it is not. */
static uint32_t ws_next_mask(struct load_ws *ws)
{
    uint32_t mask = ws->mask != 0 ? ws->mask : 0x9E3779B9u;

    mask ^= mask << 13;
    mask ^= mask >> 17;
    mask ^= mask << 5;
    ws->mask = mask;
    return mask;
}

void load_ws_put_frame(struct load_buffer *out, struct load_ws *ws, enum load_ws_opcode opcode,
                       const uint8_t *bytes, size_t len)
{
    size_t extended_len = len < LENGTH_16 ? 0 : len <= UINT16_MAX ? 2 : 8;
    uint8_t *place = load_buffer_extend(out, 2 + extended_len + 4 + len);
    uint32_t mask = ws_next_mask(ws);
    uint8_t key[4];

    memcpy(key, &mask, sizeof(key));
    *place++ = (uint8_t)(FIN | opcode);
    *place++ = (uint8_t)(MASKED | (extended_len == 0   ? len
                                   : extended_len == 2 ? LENGTH_16
                                                       : LENGTH_64));
    for (size_t i = extended_len; i > 0; i--)
        *place++ = (uint8_t)(len >> (8 * (i - 1)));
    memcpy(place, key, sizeof(key));
    place += sizeof(key);
    for (size_t i = 0; i < len; i++)
        place[i] = bytes[i] ^ key[i & 3];
}

/** How long the header is, as far as its first bytes tell. */
static size_t ws_header_wanted(const struct load_ws *ws)
{
    uint8_t length;

    if (ws->header_len < 2)
        return 2;
    length = ws->header[1] & LENGTH;
    return length == LENGTH_64 ? 10 : length == LENGTH_16 ? 4 : 2;
}

/** Reads a whole header; false when a server may not send it. */
static bool ws_begin_frame(struct load_ws *ws)
{
    uint8_t length = ws->header[1] & LENGTH;
    bool control;

    ws->opcode = (enum load_ws_opcode)(ws->header[0] & OPCODE);
    control = ws->opcode >= LOAD_WS_CLOSE;
    ws->remaining = length < LENGTH_16 ? length : 0;
    for (size_t i = 2; i < ws->header_len; i++)
        ws->remaining = ws->remaining << 8 | ws->header[i];
    ws->header_len = 0;
    if (control)
        ws->control_len = 0;

    if ((ws->header[0] & RESERVED) != 0 || (ws->header[1] & MASKED) != 0)
        return false;
    if (control)
        return ws->opcode <= LOAD_WS_PONG && ws->remaining <= LOAD_WS_CONTROL_MAX &&
               (ws->header[0] & FIN) != 0;
    return ws->opcode == LOAD_WS_BINARY || ws->opcode == LOAD_WS_CONTINUATION;
}

static void ws_end_frame(struct load_ws *ws)
{
    if (ws->opcode == LOAD_WS_PING)
        ws->pong_due = true;
    else if (ws->opcode == LOAD_WS_CLOSE)
        ws->ended = true;
}

ptrdiff_t load_ws_unframe(struct load_ws *ws, uint8_t *bytes, size_t len)
{
    size_t at = 0;
    size_t data_len = 0;

    while (at < len) {
        size_t part;

        if (ws->remaining == 0) {
            ws->header[ws->header_len++] = bytes[at++];
            if (ws->header_len < ws_header_wanted(ws))
                continue;
            if (!ws_begin_frame(ws))
                return -1;
            if (ws->remaining == 0)
                ws_end_frame(ws);
            continue;
        }
        part = ws->remaining < len - at ? (size_t)ws->remaining : len - at;
        if (ws->opcode >= LOAD_WS_CLOSE) {
            memcpy(ws->control + ws->control_len, bytes + at, part);
            ws->control_len += part;
        } else {
            memmove(bytes + data_len, bytes + at, part);
            data_len += part;
        }
        at += part;
        ws->remaining -= part;
        if (ws->remaining == 0)
            ws_end_frame(ws);
    }
    return (ptrdiff_t)data_len;
}
