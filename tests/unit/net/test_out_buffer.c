/*
 * What goes in comes out, in order, in chunks of a TLS record, whatever is sent in between; with
 * WebSocket, each packet is one frame.
 */
#include "net/out_buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "leftover.h"

enum { IOV = 4, RECORD = 16384 };

/* The pool of spare chunks goes before the memory is counted. */
static int end(void **state)
{
    out_buffer_pool_drain();
    return leftover_teardown(state);
}

/* Appends a packet of `len` bytes that go on where the last ones ended. */
static void append_run(struct out_buffer *o, uint8_t *next, size_t len)
{
    uint8_t *bytes = mem_alloc(MEM_TEST, len);

    for (size_t i = 0; i < len; i++)
        bytes[i] = (*next)++;
    out_buffer_append_packet(o, bytes, len);
    mem_free(bytes);
}

/* Sends up to `len` bytes, which go behind `wire`; gives how many there were. */
static size_t send_some(struct out_buffer *o, size_t len, struct buffer *wire)
{
    struct iovec iov[IOV];
    int count = out_buffer_gather(o, iov, IOV);
    size_t sent = 0;

    for (int i = 0; i < count && sent < len; i++) {
        size_t part = iov[i].iov_len < len - sent ? iov[i].iov_len : len - sent;

        assert_true(iov[i].iov_len > 0 && iov[i].iov_len <= RECORD);
        buffer_append(wire, iov[i].iov_base, part);
        sent += part;
    }
    out_buffer_sent(o, sent);
    return sent;
}

static void send_all(struct out_buffer *o, struct buffer *wire)
{
    while (send_some(o, SIZE_MAX, wire) > 0) {}
    assert_int_equal(o->len, 0);
    assert_null(o->head);
    assert_null(o->tail);
}

/* `len` bytes of the run that begins with `first`. */
static void expect_run(struct slice got, uint8_t first, size_t len)
{
    assert_int_equal(got.len, len);
    for (size_t i = 0; i < len; i++) {
        if (got.data[i] != (uint8_t)(first + i))
            fail_msg("byte %zu is %u", i, got.data[i]);
    }
}

/* Takes the frames apart: their data, and the length of each. */
static struct buffer unframe(struct slice wire, size_t *lens, size_t max, size_t *count)
{
    struct buffer data = {0};

    *count = 0;
    while (wire.len > 0) {
        size_t more, len = 0;

        assert_true(wire.len >= 2 && wire.data[0] == 0x82 && wire.data[1] < 128);
        more = wire.data[1] == 127 ? 8 : wire.data[1] == 126 ? 2 : 0;
        assert_true(wire.len >= 2 + more);
        for (size_t i = 0; i < more; i++)
            len = len << 8 | wire.data[2 + i];
        if (more == 0)
            len = wire.data[1];
        assert_true(more == 0 || len >= (more == 2 ? 126 : 65536));
        wire = slice_from(wire, 2 + more);
        assert_true(wire.len >= len);
        buffer_append(&data, wire.data, len);
        wire = slice_from(wire, len);
        assert_true(*count < max);
        lens[(*count)++] = len;
    }
    return data;
}

static void an_empty_one_has_nothing(void **state)
{
    struct out_buffer o = {0};
    struct iovec iov[IOV];

    (void)state;
    assert_int_equal(out_buffer_gather(&o, iov, IOV), 0);
    out_buffer_append_packet(&o, "", 0);
    out_buffer_append_raw(&o, slice_of(""));
    assert_int_equal(out_buffer_gather(&o, iov, IOV), 0);
    assert_int_equal(o.len, 0);
    out_buffer_sent(&o, 0);
    out_buffer_deinit(&o);
    out_buffer_deinit(&o);
}

static void small_ones_leave_together(void **state)
{
    struct out_buffer o = {0};
    struct iovec iov[IOV];
    struct buffer wire = {0};
    uint8_t next = 0;

    (void)state;
    for (unsigned i = 0; i < 100; i++)
        append_run(&o, &next, 10);
    assert_int_equal(o.len, 1000);
    assert_int_equal(out_buffer_gather(&o, iov, IOV), 1);
    assert_int_equal(iov[0].iov_len, 1000);
    send_all(&o, &wire);
    expect_run(buffer_slice(&wire), 0, 1000);
    buffer_deinit(&wire);
}

static void a_chunk_is_one_record(void **state)
{
    static const struct {
        size_t len;
        int chunks;
        size_t last;
    } cases[] = {
        {RECORD - 1, 1, RECORD - 1}, {RECORD, 1, RECORD},    {RECORD + 1, 2, 1},
        {3 * RECORD, 3, RECORD},     {3 * RECORD + 7, 4, 7},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t piece = 1; piece <= cases[i].len; piece = piece * 11 + 1) {
            struct out_buffer o = {0};
            struct iovec iov[IOV];
            struct buffer wire = {0};
            uint8_t next = 0;

            for (size_t done = 0; done < cases[i].len; done += piece)
                append_run(&o, &next, piece < cases[i].len - done ? piece : cases[i].len - done);
            assert_int_equal(o.len, cases[i].len);
            assert_int_equal(out_buffer_gather(&o, iov, IOV), cases[i].chunks);
            for (int k = 0; k < cases[i].chunks - 1; k++)
                assert_int_equal(iov[k].iov_len, RECORD);
            assert_int_equal(iov[cases[i].chunks - 1].iov_len, cases[i].last);
            send_all(&o, &wire);
            expect_run(buffer_slice(&wire), 0, cases[i].len);
            buffer_deinit(&wire);
        }
    }
}

/* What has been offered and not taken stays where it is, and what comes goes behind it. */
static void what_is_not_sent_stays_as_it_is(void **state)
{
    struct out_buffer o = {0};
    struct iovec first[IOV], again[IOV];
    uint8_t next = 0;

    (void)state;
    append_run(&o, &next, 100);
    assert_int_equal(out_buffer_gather(&o, first, IOV), 1);
    append_run(&o, &next, 50);
    assert_int_equal(out_buffer_gather(&o, again, IOV), 1);
    assert_ptr_equal(again[0].iov_base, first[0].iov_base);
    assert_int_equal(again[0].iov_len, 150);
    out_buffer_sent(&o, 30);
    append_run(&o, &next, RECORD);
    assert_int_equal(o.len, 120 + RECORD);
    assert_int_equal(out_buffer_gather(&o, again, IOV), 2);
    assert_int_equal(again[0].iov_len, RECORD - 30);
    expect_run(slice_make(again[0].iov_base, again[0].iov_len), 30, RECORD - 30);
    out_buffer_sent(&o, RECORD - 29); /* into the next chunk */
    assert_int_equal(out_buffer_gather(&o, again, IOV), 1);
    expect_run(slice_make(again[0].iov_base, again[0].iov_len), (uint8_t)(RECORD + 1), 149);
    out_buffer_deinit(&o);
    assert_int_equal(o.len, 0);
    assert_int_equal(out_buffer_gather(&o, again, IOV), 0);
}

/* --- WebSocket ------------------------------------------------------------------------------- */

static void a_frame_has_the_shortest_header(void **state)
{
    static const struct {
        size_t len, header_len;
    } cases[] = {
        {1, 2},      {125, 2},   {126, 4},    {127, 4},        {4000, 4},
        {RECORD, 4}, {65535, 4}, {65536, 10}, {3 * RECORD, 4}, {20 * RECORD, 10},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct out_buffer o = {.is_websocket = true};
        struct buffer wire = {0};
        struct buffer data;
        uint8_t next = 5;
        size_t got, count;

        append_run(&o, &next, cases[i].len);
        assert_int_equal(o.len, cases[i].len + cases[i].header_len);
        send_all(&o, &wire);
        assert_int_equal(wire.len, cases[i].len + cases[i].header_len);
        data = unframe(buffer_slice(&wire), &got, 1, &count);
        assert_int_equal(count, 1);
        expect_run(buffer_slice(&data), 5, cases[i].len);
        buffer_deinit(&data);
        buffer_deinit(&wire);
    }
}

/* Paho C 1.3 handles the first packet of a frame and waits with the others for the next frame. */
static void regress_a_frame_is_one_packet(void **state)
{
    struct out_buffer o = {.is_websocket = true};
    struct buffer wire = {0};
    struct iovec iov[IOV];

    (void)state;
    out_buffer_append_packet(&o, "ab", 2);
    out_buffer_begin_packet(&o, 3);
    out_buffer_append(&o, "c", 1);
    out_buffer_append(&o, "de", 2);
    out_buffer_append_packet(&o, "f", 1);
    assert_int_equal(out_buffer_gather(&o, iov, IOV), 1); /* one system call all the same */
    send_all(&o, &wire);
    assert_true(slice_is(buffer_slice(&wire), "\x82\x02"
                                              "ab\x82\x03"
                                              "cde\x82\x01"
                                              "f"));
    buffer_deinit(&wire);
}

static void frames_fill_records(void **state)
{
    static const size_t packets[] = {10, 3 * RECORD, 200, RECORD, 5};
    struct out_buffer o = {.is_websocket = true};
    struct iovec iov[8];
    struct buffer wire = {0};
    struct buffer data;
    size_t lens[5], count, sum = 0;
    uint8_t next = 0;

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        append_run(&o, &next, packets[i]);
        sum += packets[i];
    }
    assert_int_equal(out_buffer_gather(&o, iov, 8), 5);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(iov[i].iov_len, RECORD);
    send_all(&o, &wire);
    data = unframe(buffer_slice(&wire), lens, 5, &count);
    assert_int_equal(count, 5);
    assert_memory_equal(lens, packets, sizeof(packets));
    expect_run(buffer_slice(&data), 0, sum);
    buffer_deinit(&data);
    buffer_deinit(&wire);
}

static void raw_bytes_stand_between_frames(void **state)
{
    struct out_buffer o = {0};
    struct buffer wire = {0};

    (void)state;
    out_buffer_append_raw(&o, slice_of("HTTP"));
    o.is_websocket = true;
    out_buffer_append_packet(&o, "ab", 2);
    out_buffer_append_raw(&o, slice_of("pong"));
    out_buffer_append_raw(&o, slice_of("pong"));
    out_buffer_append_packet(&o, "d", 1);
    send_all(&o, &wire);
    assert_true(slice_is(buffer_slice(&wire), "HTTP\x82\x02"
                                              "abpongpong\x82\x01"
                                              "d"));
    buffer_deinit(&wire);
}

/* What has begun to leave is not touched any more, and takes nothing away from what comes. */
static void frames_go_on_while_they_leave(void **state)
{
    struct out_buffer o = {.is_websocket = true};
    struct buffer wire = {0};

    (void)state;
    out_buffer_append_packet(&o, "abcd", 4);
    assert_int_equal(send_some(&o, 1, &wire), 1);
    out_buffer_append_packet(&o, "ef", 2);
    assert_int_equal(send_some(&o, 6, &wire), 6);
    out_buffer_append_packet(&o, "gh", 2);
    send_all(&o, &wire);
    assert_true(slice_is(buffer_slice(&wire), "\x82\x04"
                                              "abcd\x82\x02"
                                              "ef\x82\x02"
                                              "gh"));
    buffer_deinit(&wire);
}

/* A peer that does not read was owed a chunk for every turn in which something came for it. */
static void regress_what_waits_fills_its_chunks(void **state)
{
    static const bool faces[] = {false, true};

    (void)state;
    for (size_t i = 0; i < sizeof(faces) / sizeof(faces[0]); i++) {
        struct out_buffer o = {.is_websocket = faces[i]};
        struct iovec iov[IOV];

        for (unsigned turn = 0; turn < 4000; turn++) {
            out_buffer_append_packet(&o, "PINGRESP", 8);
            (void)out_buffer_gather(&o, iov, IOV);
            if (turn == 0)
                out_buffer_sent(&o, 1);
        }
        assert_int_equal(o.chunk_count, faces[i] ? 3 : 2);
        for (unsigned turn = 0; turn < 4000; turn++) {
            out_buffer_append_raw(&o, slice_of("pong"));
            (void)out_buffer_gather(&o, iov, IOV);
        }
        assert_int_equal(o.chunk_count, faces[i] ? 4 : 3);
        out_buffer_deinit(&o);
        assert_int_equal(o.chunk_count, 0);
    }
}

/* --- at random ------------------------------------------------------------------------------- */

static size_t random_len(size_t max)
{
    size_t len = (size_t)rand();

    return rand() % 4 == 0 ? len % max + 1 : len % 100 + 1;
}

static void appending_and_sending_at_random(void **state)
{
    (void)state;
    srand(1);
    for (unsigned round = 0; round < 200; round++) {
        bool is_websocket = round % 2 == 1;
        struct out_buffer o = {.is_websocket = is_websocket};
        struct buffer wire = {0};
        size_t appended = 0;
        uint8_t next = 0;

        for (unsigned step = 0; step < 60; step++) {
            size_t len = random_len(50000);

            if (rand() % 2 == 0) {
                append_run(&o, &next, len);
                appended += len;
            } else {
                size_t had = o.len, sent = send_some(&o, len, &wire);

                assert_int_equal(o.len + sent, had);
            }
        }
        send_all(&o, &wire);
        if (is_websocket) {
            static size_t lens[1000];
            size_t count;
            struct buffer data = unframe(buffer_slice(&wire), lens, 1000, &count);

            expect_run(buffer_slice(&data), 0, appended);
            buffer_deinit(&data);
        } else {
            expect_run(buffer_slice(&wire), 0, appended);
        }
        buffer_deinit(&wire);
    }
}

/* Spare chunks are kept for the next turn, but not without end. */
static void spare_chunks_are_bounded(void **state)
{
    int64_t before = mem_bytes_used(MEM_CONN);
    uint8_t next = 0;

    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        struct out_buffer o = {0};

        append_run(&o, &next, 200 * RECORD);
        assert_true(mem_bytes_used(MEM_CONN) - before >= 200 * RECORD);
        out_buffer_deinit(&o);
        assert_true(mem_bytes_used(MEM_CONN) - before < 70 * (RECORD + 100));
    }
    out_buffer_pool_drain();
    assert_int_equal(mem_bytes_used(MEM_CONN), before);
}

#define OUT_TEST(function) cmocka_unit_test_setup_teardown(function, leftover_setup, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OUT_TEST(an_empty_one_has_nothing),        OUT_TEST(small_ones_leave_together),
        OUT_TEST(a_chunk_is_one_record),           OUT_TEST(what_is_not_sent_stays_as_it_is),
        OUT_TEST(a_frame_has_the_shortest_header), OUT_TEST(frames_fill_records),
        OUT_TEST(raw_bytes_stand_between_frames),  OUT_TEST(regress_a_frame_is_one_packet),
        OUT_TEST(frames_go_on_while_they_leave),   OUT_TEST(regress_what_waits_fills_its_chunks),
        OUT_TEST(appending_and_sending_at_random), OUT_TEST(spare_chunks_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
