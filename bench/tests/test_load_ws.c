/*
 * WebSocket: frames of every length form, cut anywhere, with control frames between them; what a
 * server may not send; the answer to the upgrade; and that our own frames are masked.
 */
#include "load_ws.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/** Appends a frame as a server sends it. */
static void put_server_frame(struct load_buffer *out, unsigned first, const uint8_t *bytes,
                             size_t len)
{
    uint8_t header[10] = {(uint8_t)first};
    size_t header_len = 2;

    if (len < 126) {
        header[1] = (uint8_t)len;
    } else if (len <= UINT16_MAX) {
        header[1] = 126;
        header_len = 4;
    } else {
        header[1] = 127;
        header_len = 10;
    }
    for (size_t i = header_len - 1, rest = len; i > 1; i--, rest >>= 8)
        header[i] = (uint8_t)rest;
    load_buffer_append(out, header, header_len);
    load_buffer_append(out, bytes, len);
}

static void fill(uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 256);
}

/* A stream of frames, fed in pieces of each of several sizes, gives the data and nothing else. */
static void test_pieces(void **state)
{
    static const size_t lengths[] = {0, 1, 125, 126, 300, 65535, 65536};
    static const size_t pieces[] = {1, 2, 3, 7, 4096, 1 << 20};
    static uint8_t data[131072 + 4096];

    (void)state;
    fill(data, sizeof(data));
    for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++) {
        struct load_buffer stream = {0};
        struct load_buffer got = {0};
        struct load_ws ws = {0};
        size_t total = 0;

        for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
            put_server_frame(&stream, 0x80 | LOAD_WS_BINARY, data + total, lengths[i]);
            put_server_frame(&stream, 0x80 | LOAD_WS_PING, (const uint8_t *)"ping", 4);
            total += lengths[i];
        }
        for (size_t at = 0; at < stream.end; at += pieces[p]) {
            size_t len = stream.end - at < pieces[p] ? stream.end - at : pieces[p];
            ptrdiff_t data_len = load_ws_unframe(&ws, stream.bytes + at, len);

            assert_true(data_len >= 0);
            load_buffer_append(&got, stream.bytes + at, (size_t)data_len);
        }
        assert_int_equal(load_buffer_len(&got), total);
        assert_memory_equal(got.bytes, data, total);
        assert_true(ws.pong_due);
        assert_int_equal(ws.control_len, 4);
        assert_memory_equal(ws.control, "ping", 4);
        assert_false(ws.ended);
        load_buffer_deinit(&stream);
        load_buffer_deinit(&got);
    }
}

static void test_fragments(void **state)
{
    struct load_buffer stream = {0};
    struct load_ws ws = {0};

    (void)state;
    put_server_frame(&stream, LOAD_WS_BINARY, (const uint8_t *)"ab", 2);
    put_server_frame(&stream, LOAD_WS_CONTINUATION, (const uint8_t *)"cd", 2);
    put_server_frame(&stream, 0x80 | LOAD_WS_CONTINUATION, (const uint8_t *)"e", 1);
    assert_int_equal(load_ws_unframe(&ws, stream.bytes, stream.end), 5);
    assert_memory_equal(stream.bytes, "abcde", 5);
    load_buffer_deinit(&stream);
}

static void test_close(void **state)
{
    uint8_t frame[] = {0x88, 0x00};
    struct load_ws ws = {0};

    (void)state;
    assert_int_equal(load_ws_unframe(&ws, frame, sizeof(frame)), 0);
    assert_true(ws.ended);
}

static void test_malformed(void **state)
{
    static const struct {
        const char *name;
        uint8_t bytes[4];
        size_t len;
    } cases[] = {
        {"masked", {0x82, 0x81}, 2},
        {"text", {0x81, 0x01}, 2},
        {"reserved bit", {0xC2, 0x01}, 2},
        {"unknown opcode", {0x83, 0x01}, 2},
        {"unknown control opcode", {0x8B, 0x00}, 2},
        {"control frame in parts", {0x09, 0x00}, 2},
        {"control frame too long", {0x89, 126, 0, 126}, 4},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t bytes[4];
        struct load_ws ws = {0};

        memcpy(bytes, cases[i].bytes, sizeof(bytes));
        if (load_ws_unframe(&ws, bytes, cases[i].len) != -1)
            fail_msg("%s is taken", cases[i].name);
    }
}

static void test_response(void **state)
{
    static const struct {
        const char *name;
        const char *text;
        ptrdiff_t want; /* beyond the text's own length: that */
    } cases[] = {
        {"nothing yet", "", 0},
        {"cut off", "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Acc", 0},
        {"good",
         "HTTP/1.1 101 Switching Protocols\r\n"
         "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
         PTRDIFF_MAX},
        {"other status", "HTTP/1.1 400 Bad Request\r\n\r\n", -1},
        {"wrong answer to the nonce",
         "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: AAAA\r\n\r\n", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t len = strlen(cases[i].text);
        ptrdiff_t want = cases[i].want == PTRDIFF_MAX ? (ptrdiff_t)len : cases[i].want;

        if (load_ws_read_response((const uint8_t *)cases[i].text, len) != want)
            fail_msg("%s", cases[i].name);
    }
}

/* Unmasked again, our frames hold what was put in, and no two have the same mask. */
static void test_own_frames(void **state)
{
    static const size_t lengths[] = {0, 5, 125, 126, 65535, 65536};
    static uint8_t data[65536];
    struct load_ws ws = {0};
    uint8_t last_mask[4] = {0};

    (void)state;
    fill(data, sizeof(data));
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct load_buffer out = {0};
        size_t at = lengths[i] < 126 ? 2 : lengths[i] <= UINT16_MAX ? 4 : 10;
        size_t announced = 0;

        load_ws_put_frame(&out, &ws, LOAD_WS_BINARY, data, lengths[i]);
        assert_int_equal(load_buffer_len(&out), at + 4 + lengths[i]);
        assert_int_equal(out.bytes[0], 0x82);
        assert_true((out.bytes[1] & 0x80) != 0);
        for (size_t j = 2; j < at; j++)
            announced = announced << 8 | out.bytes[j];
        assert_int_equal(at == 2 ? out.bytes[1] & 0x7Fu : announced, lengths[i]);
        assert_memory_not_equal(out.bytes + at, last_mask, 4);
        memcpy(last_mask, out.bytes + at, 4);
        for (size_t j = 0; j < lengths[i]; j++)
            assert_int_equal(out.bytes[at + 4 + j] ^ last_mask[j % 4], data[j]);
        load_buffer_deinit(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),   cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_close),    cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_response), cmocka_unit_test(test_own_frames),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
