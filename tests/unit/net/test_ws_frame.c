/*
 * Frames in and out. Each case is fed whole, byte by byte and in random pieces: what comes out must
 * not depend on it.
 */
#include "net/ws_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "leftover.h"

enum { PARTS_MAX = 7, RANDOM_RUNS = 50 };

/* First bytes of frames. */
enum {
    FIN = 0x80,
    CONTINUATION = 0x0,
    TEXT = 0x1,
    BINARY = 0x2,
    CLOSE = 0x8,
    PING = 0x9,
    PONG = 0xa
};

struct part {
    unsigned first; /* of a masked frame */
    const char *bytes;
    size_t len;
    bool is_raw; /* the bytes stand for themselves */
};

#define FRAME(first, text)                       \
    {                                            \
        (first), (text), sizeof(text) - 1, false \
    }
#define RAW(text)                         \
    {                                     \
        0, (text), sizeof(text) - 1, true \
    }
#define BYTES(text)                               \
    {                                             \
        (const uint8_t *)(text), sizeof(text) - 1 \
    }
#define NOTHING \
    {           \
        NULL, 0 \
    }

#define TEN     "0123456789"
#define FIFTY   TEN TEN TEN TEN TEN
#define LEN_123 FIFTY FIFTY TEN TEN "012"
#define LEN_125 LEN_123 "34"
#define KEY     "\x11\x22\x33\x44"

/* Answers. */
#define CLOSE_1000 "\x88\x02\x03\xe8"
#define CLOSE_1002 "\x88\x02\x03\xea"
#define CLOSE_1003 "\x88\x02\x03\xeb"
#define CLOSE_1007 "\x88\x02\x03\xef"
#define CLOSE_1009 "\x88\x02\x03\xf1"

static const uint8_t key[4] = {0x91, 0x00, 0xff, 0x3c};

/* Appends a frame as clients send it. */
static void append_frame(struct buffer *b, unsigned first, struct slice payload)
{
    uint8_t header[WS_FRAME_HEADER_MAX];
    size_t len = ws_frame_header(header, payload.len);

    header[0] = (uint8_t)first;
    header[1] |= 0x80;
    buffer_append(b, header, len);
    buffer_append(b, key, sizeof(key));
    for (size_t i = 0; i < payload.len; i++)
        buffer_append_u8(b, payload.data[i] ^ key[i % 4]);
}

static struct buffer build(const struct part *parts)
{
    struct buffer b = {0};

    for (size_t i = 0; i < PARTS_MAX && parts[i].bytes != NULL; i++) {
        struct slice bytes = slice_make(parts[i].bytes, parts[i].len);

        if (parts[i].is_raw)
            buffer_append_slice(&b, bytes);
        else
            append_frame(&b, parts[i].first, bytes);
    }
    return b;
}

struct result {
    enum status st;
    struct buffer data;
    struct buffer control;
};

static void result_deinit(struct result *r)
{
    buffer_deinit(&r->data);
    buffer_deinit(&r->control);
}

/* Feeds pieces of `piece` bytes, of random lengths when that is 0; each piece in memory of its own
 * length. */
static struct result feed(struct slice in, size_t piece)
{
    struct ws_frame *w = ws_frame_new();
    struct result r = {.st = ST_OK};

    while (in.len > 0) {
        size_t len = piece != 0 ? piece : 1 + (size_t)rand() % 9;
        uint8_t *copy;

        if (len > in.len)
            len = in.len;
        copy = mem_alloc(MEM_TEST, len);
        memcpy(copy, in.data, len);
        r.st = ws_frame_feed(w, slice_make(copy, len), &r.data, &r.control);
        mem_free(copy);
        in = slice_from(in, len);
    }
    ws_frame_free(&w);
    assert_null(w);
    return r;
}

static void check_result(struct result *r, enum status st, struct slice data, struct slice control)
{
    assert_string_equal(status_text(r->st), status_text(st));
    assert_int_equal(r->data.len, data.len);
    assert_true(slice_equal(buffer_slice(&r->data), data));
    assert_int_equal(r->control.len, control.len);
    assert_true(slice_equal(buffer_slice(&r->control), control));
    result_deinit(r);
}

static void check_everyhow(struct slice in, enum status st, struct slice data, struct slice control)
{
    struct result r = feed(in, in.len);

    check_result(&r, st, data, control);
    r = feed(in, 1);
    check_result(&r, st, data, control);
    for (unsigned run = 0; run < RANDOM_RUNS; run++) {
        r = feed(in, 0);
        check_result(&r, st, data, control);
    }
}

static const struct frame_case {
    const char *name;
    struct part parts[PARTS_MAX];
    enum status want;
    struct slice data;
    struct slice control;
} frame_cases[] = {
    /* [MQTT-6.0.0-2] */
    {"a binary frame", {FRAME(FIN | BINARY, "hello")}, ST_OK, BYTES("hello"), NOTHING},
    {"an empty one", {FRAME(FIN | BINARY, "")}, ST_OK, NOTHING, NOTHING},
    {"two join",
     {FRAME(FIN | BINARY, "\xc0"), FRAME(FIN | BINARY, "\0")},
     ST_OK,
     BYTES("\xc0\0"),
     NOTHING},
    {"125 bytes", {FRAME(FIN | BINARY, LEN_125)}, ST_OK, BYTES(LEN_125), NOTHING},
    {"126 bytes", {FRAME(FIN | BINARY, LEN_125 "x")}, ST_OK, BYTES(LEN_125 "x"), NOTHING},

    /* X-RFC6455-5.4-fragment */
    {"fragments join",
     {FRAME(BINARY, "ab"), FRAME(CONTINUATION, "cd"), FRAME(FIN | CONTINUATION, "ef")},
     ST_OK,
     BYTES("abcdef"),
     NOTHING},
    {"empty fragments",
     {FRAME(BINARY, ""), FRAME(CONTINUATION, ""), FRAME(CONTINUATION, "a"),
      FRAME(FIN | CONTINUATION, "")},
     ST_OK,
     BYTES("a"),
     NOTHING},
    {"a message behind a fragmented one",
     {FRAME(BINARY, "a"), FRAME(FIN | CONTINUATION, "b"), FRAME(FIN | BINARY, "c")},
     ST_OK,
     BYTES("abc"),
     NOTHING},
    {"ping and pong between fragments",
     {FRAME(BINARY, "ab"), FRAME(FIN | PING, "p"), FRAME(FIN | PONG, "q"),
      FRAME(FIN | CONTINUATION, "cd")},
     ST_OK,
     BYTES("abcd"),
     BYTES("\x8a\x01p")},
    {"close between fragments",
     {FRAME(BINARY, "ab"), FRAME(FIN | CLOSE, "\x03\xe8")},
     ST_CLOSED,
     BYTES("ab"),
     BYTES(CLOSE_1000)},
    {"continuation without start",
     {FRAME(FIN | CONTINUATION, "a")},
     ST_PROTOCOL,
     NOTHING,
     BYTES(CLOSE_1002)},
    {"continuation behind the end",
     {FRAME(BINARY, "a"), FRAME(FIN | CONTINUATION, "b"), FRAME(CONTINUATION, "c")},
     ST_PROTOCOL,
     BYTES("ab"),
     BYTES(CLOSE_1002)},
    {"new message inside one",
     {FRAME(BINARY, "a"), FRAME(FIN | BINARY, "b")},
     ST_PROTOCOL,
     BYTES("a"),
     BYTES(CLOSE_1002)},
    {"text inside a message",
     {FRAME(BINARY, "a"), FRAME(FIN | TEXT, "b")},
     ST_PROTOCOL,
     BYTES("a"),
     BYTES(CLOSE_1002)},

    /* [MQTT-6.0.0-1] */
    {"text", {FRAME(FIN | TEXT, "hello")}, ST_INVALID, NOTHING, BYTES(CLOSE_1003)},
    {"empty text", {FRAME(FIN | TEXT, "")}, ST_INVALID, NOTHING, BYTES(CLOSE_1003)},
    {"fragmented text", {FRAME(TEXT, "a")}, ST_INVALID, NOTHING, BYTES(CLOSE_1003)},
    {"text behind binary",
     {FRAME(FIN | BINARY, "a"), FRAME(FIN | TEXT, "b"), FRAME(FIN | BINARY, "c")},
     ST_INVALID,
     BYTES("a"),
     BYTES(CLOSE_1003)},

    /* X-RFC6455-5.1-mask */
    {"unmasked PINGREQ", {RAW("\x82\x02\xc0\x00")}, ST_PROTOCOL, NOTHING, BYTES(CLOSE_1002)},
    {"unmasked ping", {RAW("\x89\x00")}, ST_PROTOCOL, NOTHING, BYTES(CLOSE_1002)},
    {"unmasked, long", {RAW("\x82\x7f")}, ST_PROTOCOL, NOTHING, BYTES(CLOSE_1002)},

    /* X-RFC6455-5.2-rsv */
    {"RSV1", {FRAME(FIN | 0x40 | BINARY, "a")}, ST_PROTOCOL, NOTHING, BYTES(CLOSE_1002)},
    {"RSV2", {FRAME(FIN | 0x20 | BINARY, "a")}, ST_PROTOCOL, NOTHING, BYTES(CLOSE_1002)},
    {"RSV3", {FRAME(FIN | 0x10 | BINARY, "a")}, ST_PROTOCOL, NOTHING, BYTES(CLOSE_1002)},
    {"RSV1 on ping", {FRAME(FIN | 0x40 | PING, "")}, ST_PROTOCOL, NOTHING, BYTES(CLOSE_1002)},

    /* X-RFC6455-5.2-length */
    {"2^31, header alone", {RAW("\x82\xff\0\0\0\0\x80\0\0\0" KEY)}, ST_OK, NOTHING, NOTHING},
    {"2^31 + 1",
     {RAW("\x82\xff\0\0\0\0\x80\0\0\x01" KEY "abc")},
     ST_TOO_LARGE,
     NOTHING,
     BYTES(CLOSE_1009)},
    {"2^32", {RAW("\x82\xff\0\0\0\x01\0\0\0\0" KEY)}, ST_TOO_LARGE, NOTHING, BYTES(CLOSE_1009)},
    {"2^62", {RAW("\x82\xff\x40\0\0\0\0\0\0\0" KEY)}, ST_TOO_LARGE, NOTHING, BYTES(CLOSE_1009)},
    {"2^63", {RAW("\x82\xff\x80\0\0\0\0\0\0\0" KEY)}, ST_PROTOCOL, NOTHING, BYTES(CLOSE_1002)},
    {"-1",
     {RAW("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff" KEY)},
     ST_PROTOCOL,
     NOTHING,
     BYTES(CLOSE_1002)},
    {"125 in two bytes", {RAW("\x82\xfe\0\x7d" KEY)}, ST_PROTOCOL, NOTHING, BYTES(CLOSE_1002)},
    {"65535 in eight",
     {RAW("\x82\xff\0\0\0\0\0\0\xff\xff" KEY)},
     ST_PROTOCOL,
     NOTHING,
     BYTES(CLOSE_1002)},

    /* X-RFC6455-5.5-control, X-RFC6455-5.5.2-ping */
    {"empty ping", {FRAME(FIN | PING, "")}, ST_OK, NOTHING, BYTES("\x8a\0")},
    {"ping of 125", {FRAME(FIN | PING, LEN_125)}, ST_OK, NOTHING, BYTES("\x8a\x7d" LEN_125)},
    {"binary ping", {FRAME(FIN | PING, "\0\xff\n")}, ST_OK, NOTHING, BYTES("\x8a\x03\0\xff\n")},
    {"pings in order",
     {FRAME(FIN | PING, "1"), FRAME(FIN | PING, "23"), FRAME(FIN | PING, "")},
     ST_OK,
     NOTHING,
     BYTES("\x8a\x01"
           "1\x8a\x02"
           "23\x8a\0")},
    {"unasked pong", {FRAME(FIN | PONG, LEN_125)}, ST_OK, NOTHING, NOTHING},
    {"ping of 126", {FRAME(FIN | PING, LEN_125 "x")}, ST_PROTOCOL, NOTHING, BYTES(CLOSE_1002)},
    {"ping of 65536",
     {RAW("\x89\xff\0\0\0\0\0\x01\0\0" KEY)},
     ST_PROTOCOL,
     NOTHING,
     BYTES(CLOSE_1002)},
    {"fragmented ping", {FRAME(PING, "a")}, ST_PROTOCOL, NOTHING, BYTES(CLOSE_1002)},
    {"fragmented close", {FRAME(CLOSE, "\x03\xe8")}, ST_PROTOCOL, NOTHING, BYTES(CLOSE_1002)},
    {"fragmented pong", {FRAME(PONG, "")}, ST_PROTOCOL, NOTHING, BYTES(CLOSE_1002)},

    /* X-RFC6455-5.5.1-close */
    {"close 1000", {FRAME(FIN | CLOSE, "\x03\xe8")}, ST_CLOSED, NOTHING, BYTES(CLOSE_1000)},
    {"close with a reason",
     {FRAME(FIN | CLOSE, "\x03\xe8going home \xc3\xa9")},
     ST_CLOSED,
     NOTHING,
     BYTES(CLOSE_1000)},
    {"the longest reason",
     {FRAME(FIN | CLOSE, "\x03\xe8" LEN_123)},
     ST_CLOSED,
     NOTHING,
     BYTES(CLOSE_1000)},
    {"a reason with U+0000",
     {FRAME(FIN | CLOSE, "\x03\xe8\0")},
     ST_CLOSED,
     NOTHING,
     BYTES(CLOSE_1000)},
    {"a reason that is not UTF-8",
     {FRAME(FIN | CLOSE, "\x03\xe8going home \xff")},
     ST_MALFORMED,
     NOTHING,
     BYTES(CLOSE_1007)},
    {"a reason cut in a character",
     {FRAME(FIN | CLOSE, "\x03\xe8\xe2\x82")},
     ST_MALFORMED,
     NOTHING,
     BYTES(CLOSE_1007)},
    {"a reason with a surrogate",
     {FRAME(FIN | CLOSE, "\x03\xe8\xed\xa0\x80")},
     ST_MALFORMED,
     NOTHING,
     BYTES(CLOSE_1007)},
    {"an illegal code before its reason",
     {FRAME(FIN | CLOSE, "\x03\xed\xff")},
     ST_PROTOCOL,
     NOTHING,
     BYTES(CLOSE_1002)},
    {"close without code", {FRAME(FIN | CLOSE, "")}, ST_CLOSED, NOTHING, BYTES("\x88\0")},
    {"close 4999", {FRAME(FIN | CLOSE, "\x13\x87")}, ST_CLOSED, NOTHING, BYTES("\x88\x02\x13\x87")},
    {"half a code", {FRAME(FIN | CLOSE, "\x03")}, ST_PROTOCOL, NOTHING, BYTES(CLOSE_1002)},
    {"half a legal code", {FRAME(FIN | CLOSE, "\x0f")}, ST_PROTOCOL, NOTHING, BYTES(CLOSE_1002)},
    {"what follows a close is ignored",
     {FRAME(FIN | BINARY, "a"), FRAME(FIN | CLOSE, "\x03\xe8"), FRAME(FIN | BINARY, "b"),
      FRAME(FIN | PING, "c"), FRAME(FIN | CLOSE, "\x03\xe9")},
     ST_CLOSED,
     BYTES("a"),
     BYTES(CLOSE_1000)},
    {"what follows a fault is ignored",
     {RAW("\x82\x00"), FRAME(FIN | BINARY, "b"), FRAME(FIN | TEXT, "")},
     ST_PROTOCOL,
     NOTHING,
     BYTES(CLOSE_1002)},
};

static void frames(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(frame_cases) / sizeof(frame_cases[0]); i++) {
        const struct frame_case *c = &frame_cases[i];
        struct buffer in = build(c->parts);

        print_message("  %s\n", c->name);
        check_everyhow(buffer_slice(&in), c->want, c->data, c->control);
        buffer_deinit(&in);
    }
}

/* X-RFC6455-5.2-rsv */
static void opcodes_without_a_meaning_close(void **state)
{
    (void)state;
    for (unsigned opcode = 0; opcode < 16; opcode++) {
        struct buffer in = {0};

        if (opcode <= BINARY || (opcode >= CLOSE && opcode <= PONG))
            continue;
        append_frame(&in, FIN | opcode, slice_of("a"));
        check_everyhow(buffer_slice(&in), ST_PROTOCOL, (struct slice)NOTHING,
                       (struct slice)BYTES(CLOSE_1002));
        buffer_deinit(&in);
    }
}

/* X-RFC6455-5.5.1-close */
static void close_codes(void **state)
{
    static const struct {
        unsigned first, last;
        bool legal;
    } ranges[] = {
        {0, 999, false},     {1000, 1003, true}, {1004, 1006, false},  {1007, 1014, true},
        {1015, 2999, false}, {3000, 4999, true}, {5000, 65535, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        for (unsigned code = ranges[i].first; code <= ranges[i].last; code++) {
            const uint8_t payload[] = {(uint8_t)(code >> 8), (uint8_t)code};
            const uint8_t echo[] = {0x88, 2, payload[0], payload[1]};
            struct buffer in = {0};
            struct result r;

            append_frame(&in, FIN | CLOSE, slice_make(payload, 2));
            r = feed(buffer_slice(&in), in.len);
            check_result(&r, ranges[i].legal ? ST_CLOSED : ST_PROTOCOL, (struct slice)NOTHING,
                         ranges[i].legal ? slice_make(echo, 4) : (struct slice)BYTES(CLOSE_1002));
            buffer_deinit(&in);
        }
    }
}

/* [MQTT-6.0.0-2]: one packet in frames of one size, whatever the size */
static void a_packet_in_frames_of_any_size(void **state)
{
    uint8_t packet[300];

    (void)state;
    for (size_t i = 0; i < sizeof(packet); i++)
        packet[i] = (uint8_t)(i * 7);
    for (size_t size = 1; size <= sizeof(packet); size++) {
        struct slice rest = slice_make(packet, sizeof(packet));
        struct buffer in = {0};
        struct result r;

        while (rest.len > 0) {
            size_t len = size < rest.len ? size : rest.len;

            append_frame(&in, FIN | BINARY, slice_make(rest.data, len));
            rest = slice_from(rest, len);
        }
        r = feed(buffer_slice(&in), in.len);
        check_result(&r, ST_OK, slice_make(packet, sizeof(packet)), (struct slice)NOTHING);
        r = feed(buffer_slice(&in), 0);
        check_result(&r, ST_OK, slice_make(packet, sizeof(packet)), (struct slice)NOTHING);
        buffer_deinit(&in);
    }
}

static void large_frames_pass_whatever_their_pieces(void **state)
{
    static const size_t lens[] = {127, 4095, 16384, 65535, 65536, 300000};
    static const size_t pieces[] = {1, 2, 3, 5, 7, 8, 4093, 16384, 65536, 1000000};

    (void)state;
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        uint8_t *payload = mem_alloc(MEM_TEST, lens[i]);
        struct buffer in = {0};

        for (size_t k = 0; k < lens[i]; k++)
            payload[k] = (uint8_t)rand();
        append_frame(&in, FIN | BINARY, slice_make(payload, lens[i]));
        for (size_t k = 0; k < sizeof(pieces) / sizeof(pieces[0]); k++) {
            struct result r = feed(buffer_slice(&in), pieces[k]);

            check_result(&r, ST_OK, slice_make(payload, lens[i]), (struct slice)NOTHING);
        }
        buffer_deinit(&in);
        mem_free(payload);
    }
}

static void nothing_is_buffered(void **state)
{
    struct ws_frame *w = ws_frame_new();
    int64_t held = mem_bytes_used(MEM_CONN);
    struct buffer data = {0};
    struct buffer control = {0};
    struct buffer in = {0};

    (void)state;
    assert_true(held < 256);
    buffer_append(&in, "\x02\xff\0\0\0\0\x80\0\0\0" KEY, 14);
    for (unsigned i = 0; i < 1000; i++)
        buffer_append_text(&in, "0123456789");
    assert_int_equal(ws_frame_feed(w, buffer_slice(&in), &data, &control), ST_OK);
    assert_int_equal(data.len, 10000);
    assert_int_equal(control.len, 0);
    assert_int_equal(mem_bytes_used(MEM_CONN), held);
    ws_frame_free(&w);
    ws_frame_free(&w);
    buffer_deinit(&in);
    buffer_deinit(&data);
}

static void an_ended_one_stays_so(void **state)
{
    struct ws_frame *w = ws_frame_new();
    struct buffer data = {0};
    struct buffer control = {0};
    struct buffer in = {0};

    (void)state;
    append_frame(&in, FIN | TEXT, slice_of("a"));
    assert_int_equal(ws_frame_feed(w, buffer_slice(&in), &data, &control), ST_INVALID);
    assert_true(slice_is(buffer_slice(&control), CLOSE_1003));
    assert_int_equal(ws_frame_feed(w, buffer_slice(&in), &data, &control), ST_INVALID);
    assert_int_equal(ws_frame_feed(w, slice_of(""), &data, &control), ST_INVALID);
    assert_true(slice_is(buffer_slice(&control), CLOSE_1003));
    assert_int_equal(data.len, 0);
    ws_frame_free(&w);
    buffer_deinit(&in);
    buffer_deinit(&control);
}

/* X-RFC6455-5.1-mask: frames of the server are not masked */
static void headers(void **state)
{
    static const struct {
        size_t len;
        struct slice want;
    } cases[] = {
        {0, BYTES("\x82\0")},
        {1, BYTES("\x82\x01")},
        {125, BYTES("\x82\x7d")},
        {126, BYTES("\x82\x7e\0\x7e")},
        {65535, BYTES("\x82\x7e\xff\xff")},
        {65536, BYTES("\x82\x7f\0\0\0\0\0\x01\0\0")},
        {0x123456789a, BYTES("\x82\x7f\0\0\0\x12\x34\x56\x78\x9a")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t out[WS_FRAME_HEADER_MAX];
        size_t len = ws_frame_header(out, cases[i].len);

        assert_true(slice_equal(slice_make(out, len), cases[i].want));
    }
}

static void closing(void **state)
{
    struct buffer b = {0};

    (void)state;
    ws_frame_append_close(&b, 1000);
    ws_frame_append_close(&b, 1009);
    assert_true(slice_equal(buffer_slice(&b), (struct slice)BYTES(CLOSE_1000 CLOSE_1009)));
    buffer_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(frames),
        LEFTOVER_TEST(opcodes_without_a_meaning_close),
        LEFTOVER_TEST(close_codes),
        LEFTOVER_TEST(a_packet_in_frames_of_any_size),
        LEFTOVER_TEST(large_frames_pass_whatever_their_pieces),
        LEFTOVER_TEST(nothing_is_buffered),
        LEFTOVER_TEST(an_ended_one_stays_so),
        LEFTOVER_TEST(headers),
        LEFTOVER_TEST(closing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
