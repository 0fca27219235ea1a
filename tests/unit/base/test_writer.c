/*
 * The writer: bytes as they go out, and never past the end.
 */
#include "base/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "base/reader.h"
#include "leftover.h"

static void numbers_and_bytes(void **state)
{
    static const uint8_t want[] = {0x01, 0x02, 0x03, 0xfe, 0xdc, 0xba, 0x98, 'a',
                                   'b',  0x00, 0x02, 'h',  'i',  0x00, 0x00};
    uint8_t out[sizeof(want)];
    struct writer w = writer_of(out, sizeof(out));

    (void)state;
    writer_u8(&w, 0x01);
    writer_u16(&w, 0x0203);
    writer_u32(&w, 0xfedcba98);
    writer_bytes(&w, slice_of("ab"));
    writer_bytes(&w, (struct slice){NULL, 0});
    writer_prefixed(&w, slice_of("hi"));
    writer_prefixed(&w, (struct slice){NULL, 0});
    assert_int_equal(w.status, ST_OK);
    assert_int_equal(writer_len(&w), sizeof(want));
    assert_memory_equal(out, want, sizeof(want));
}

static void variable_byte_integers_are_read_again(void **state)
{
    static const struct {
        uint32_t value;
        unsigned len;
    } cases[] = {
        {0, 1},     {1, 1},       {127, 1},     {128, 2},       {16383, 2},
        {16384, 3}, {2097151, 3}, {2097152, 4}, {123456789, 4}, {WRITER_VARINT_MAX, 4},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t out[4];
        struct writer w = writer_of(out, sizeof(out));
        struct reader r;

        writer_varint(&w, cases[i].value);
        assert_int_equal(w.status, ST_OK);
        assert_int_equal(writer_len(&w), cases[i].len);
        assert_int_equal(writer_varint_len(cases[i].value), cases[i].len);
        r = reader_of(slice_make(out, writer_len(&w)));
        assert_int_equal(reader_varint(&r), cases[i].value);
        assert_int_equal(r.status, ST_OK);
    }
}

enum what { U8, U16, U32, VARINT, BYTES, PREFIXED };

static void write_one(struct writer *w, enum what what)
{
    switch (what) {
    case U8:
        writer_u8(w, 1);
        break;
    case U16:
        writer_u16(w, 1);
        break;
    case U32:
        writer_u32(w, 1);
        break;
    case VARINT:
        writer_varint(w, 2097152);
        break;
    case BYTES:
        writer_bytes(w, slice_of("abc"));
        break;
    case PREFIXED:
        writer_prefixed(w, slice_of("abc"));
        break;
    }
}

static void what_does_not_fit_is_not_written(void **state)
{
    static const struct {
        const char *name;
        enum what what;
        size_t len;
    } cases[] = {
        {"u8", U8, 1},         {"u16", U16, 2},     {"u32", U32, 4},
        {"varint", VARINT, 4}, {"bytes", BYTES, 3}, {"prefixed", PREFIXED, 5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("  %s\n", cases[i].name);
        for (size_t room = 0; room <= cases[i].len; room++) {
            /* of exactly this size, so that a sanitizer sees one byte too many */
            uint8_t *out = mem_new(MEM_TEST, room);
            struct writer w = writer_of(out, room);

            write_one(&w, cases[i].what);
            if (room == cases[i].len) {
                assert_int_equal(w.status, ST_OK);
                assert_int_equal(writer_len(&w), room);
            } else {
                assert_int_equal(w.status, ST_FULL);
                assert_int_equal(writer_len(&w), 0);
                for (int what = U8; what <= PREFIXED; what++)
                    write_one(&w, (enum what)what);
                assert_int_equal(writer_len(&w), 0);
                for (size_t at = 0; at < room; at++)
                    assert_int_equal(out[at], 0);
            }
            mem_free(out);
        }
    }
}

static void what_has_no_form_is_too_large(void **state)
{
    static uint8_t out[70000];
    static const uint8_t data[65536];
    struct writer w = writer_of(out, sizeof(out));

    (void)state;
    writer_prefixed(&w, slice_make(data, 65535));
    assert_int_equal(w.status, ST_OK);
    assert_int_equal(writer_len(&w), 65537);

    w = writer_of(out, sizeof(out));
    writer_prefixed(&w, slice_make(data, 65536));
    assert_int_equal(w.status, ST_TOO_LARGE);

    w = writer_of(out, sizeof(out));
    writer_varint(&w, WRITER_VARINT_MAX + 1u);
    assert_int_equal(w.status, ST_TOO_LARGE);
    writer_u8(&w, 1);
    assert_int_equal(writer_len(&w), 0);
    assert_int_equal(w.status, ST_TOO_LARGE);
}

static void no_memory_at_all(void **state)
{
    struct writer w = writer_of(NULL, 0);

    (void)state;
    writer_bytes(&w, (struct slice){NULL, 0});
    assert_int_equal(w.status, ST_OK);
    writer_u8(&w, 1);
    assert_int_equal(w.status, ST_FULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(numbers_and_bytes),
        LEFTOVER_TEST(variable_byte_integers_are_read_again),
        LEFTOVER_TEST(what_does_not_fit_is_not_written),
        LEFTOVER_TEST(what_has_no_form_is_too_large),
        LEFTOVER_TEST(no_memory_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
