/*
 * WebSocket frames: the same bytes, whole and in pieces, must give the same data, answers and
 * status.
 *
 * The first two bytes of an input choose where it is cut; the rest is what a client sends.
 */
#include "net/ws_frame.h"

#include <stdint.h>

#include "base/invariant.h"
#include "base/mem.h"

enum { CUT_LEN = 2 };

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

/* Feeds pieces of 1 to `piece_max` bytes, each in memory of just its length; all at once for 0. */
static struct result feed(struct slice in, uint32_t seed, size_t piece_max)
{
    struct ws_frame *w = ws_frame_new();
    struct result r = {.st = ST_OK};

    while (in.len > 0) {
        size_t len;
        uint8_t *copy;

        seed = seed * 1664525 + 1013904223;
        len = piece_max == 0 ? in.len : 1 + (seed >> 8) % piece_max;
        if (len > in.len)
            len = in.len;
        copy = mem_alloc(MEM_TEST, len);
        memcpy(copy, in.data, len);
        r.st = ws_frame_feed(w, slice_make(copy, len), &r.data, &r.control);
        mem_free(copy);
        in = slice_from(in, len);
    }
    ws_frame_free(&w);
    return r;
}

static void check_same(struct result *a, struct result *b)
{
    invariant(a->st == b->st);
    invariant(slice_equal(buffer_slice(&a->data), buffer_slice(&b->data)));
    invariant(slice_equal(buffer_slice(&a->control), buffer_slice(&b->control)));
}

/* Answers are whole, final, unmasked control frames; a close frame is the last and says that it
 * ended. */
static void check_answers(struct slice rest, enum status st)
{
    bool has_closed = false;

    while (rest.len > 0) {
        size_t len;

        invariant(!has_closed && rest.len >= 2);
        invariant(rest.data[0] == 0x8a || rest.data[0] == 0x88);
        len = rest.data[1];
        invariant(len <= 125 && rest.len >= 2 + len);
        has_closed = rest.data[0] == 0x88;
        rest = slice_from(rest, 2 + len);
    }
    invariant(has_closed == (st != ST_OK));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    int64_t before = mem_bytes_used_total();
    struct slice in = slice_make(bytes, len);
    struct result whole, single, pieces; /* all at once, byte by byte, in random pieces */
    uint32_t seed;

    if (len < CUT_LEN)
        return 0;
    seed = (uint32_t)bytes[0] << 8 | bytes[1];
    in = slice_from(in, CUT_LEN);
    whole = feed(in, 0, 0);
    single = feed(in, 0, 1);
    pieces = feed(in, seed, 1 + bytes[1] % 64);
    check_same(&whole, &single);
    check_same(&whole, &pieces);
    check_answers(buffer_slice(&whole.control), whole.st);
    invariant(whole.data.len <= in.len && whole.control.len <= in.len + 4);
    result_deinit(&whole);
    result_deinit(&single);
    result_deinit(&pieces);
    invariant(mem_bytes_used_total() == before);
    return 0;
}
