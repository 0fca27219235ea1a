/*
 * The reader: numbers, bounds, the first failure stays.
 */
#include "base/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "leftover.h"

static void numbers_and_bytes(void **state)
{
    static const uint8_t data[] = {0x01, 0x02, 0x03, 0xfe, 0xdc, 0xba, 0x98, 'a',
                                   'b',  0x00, 0x02, 'h',  'i',  0x00, 0x00, 0xff};
    struct reader r = reader_of(slice_make(data, sizeof(data)));

    (void)state;
    assert_int_equal(reader_left(&r), sizeof(data));
    assert_int_equal(reader_u8(&r), 0x01);
    assert_int_equal(reader_u16(&r), 0x0203);
    assert_int_equal(reader_u32(&r), 0xfedcba98);
    assert_true(slice_is(reader_bytes(&r, 2), "ab"));
    assert_true(slice_is(reader_text(&r), "hi"));
    assert_int_equal(reader_prefixed(&r).len, 0);
    assert_int_equal(reader_left(&r), 1);
    assert_int_equal(reader_u8(&r), 0xff);
    assert_int_equal(reader_left(&r), 0);
    assert_int_equal(r.status, ST_OK);
}

static void variable_byte_integers(void **state)
{
    static const struct {
        const char *name;
        uint8_t data[5];
        size_t len;
        enum status want;
        uint32_t value;
    } cases[] = {
        {"zero", {0x00}, 1, ST_OK, 0},
        {"one byte, largest", {0x7f}, 1, ST_OK, 127},
        {"two bytes, smallest", {0x80, 0x01}, 2, ST_OK, 128},
        {"two bytes, largest", {0xff, 0x7f}, 2, ST_OK, 16383},
        {"three bytes, smallest", {0x80, 0x80, 0x01}, 3, ST_OK, 16384},
        {"three bytes, largest", {0xff, 0xff, 0x7f}, 3, ST_OK, 2097151},
        {"four bytes, smallest", {0x80, 0x80, 0x80, 0x01}, 4, ST_OK, 2097152},
        {"four bytes, largest", {0xff, 0xff, 0xff, 0x7f}, 4, ST_OK, 268435455},
        {"none", {0}, 0, ST_MALFORMED, 0},
        {"cut off after one", {0x80}, 1, ST_MALFORMED, 0},
        {"cut off after three", {0xff, 0xff, 0xff}, 3, ST_MALFORMED, 0},
        {"five bytes", {0x80, 0x80, 0x80, 0x80, 0x01}, 5, ST_MALFORMED, 0},
        {"longer than needed: zero", {0x80, 0x00}, 2, ST_MALFORMED, 0},
        {"longer than needed: one", {0x81, 0x00}, 2, ST_MALFORMED, 0},
        {"longer than needed: four", {0x80, 0x80, 0x80, 0x00}, 4, ST_MALFORMED, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct reader r = reader_of(slice_make(cases[i].data, cases[i].len));

        print_message("  %s\n", cases[i].name);
        assert_int_equal(reader_varint(&r), cases[i].value);
        assert_int_equal(r.status, cases[i].want);
        assert_int_equal(reader_left(&r), 0);
    }
}

enum what { U8, U16, U32, VARINT, BYTES3, PREFIXED, TEXT };

static void read_one(struct reader *r, enum what what)
{
    switch (what) {
    case U8:
        assert_int_equal(reader_u8(r), 0);
        break;
    case U16:
        assert_int_equal(reader_u16(r), 0);
        break;
    case U32:
        assert_int_equal(reader_u32(r), 0);
        break;
    case VARINT:
        assert_int_equal(reader_varint(r), 0);
        break;
    case BYTES3:
        assert_int_equal(reader_bytes(r, 3).len, 0);
        break;
    case PREFIXED:
        assert_int_equal(reader_prefixed(r).len, 0);
        break;
    case TEXT:
        assert_int_equal(reader_text(r).len, 0);
        break;
    }
}

static void what_is_cut_off_or_no_text_fails(void **state)
{
    static const struct {
        const char *name;
        enum what what;
        const char *data;
        size_t len;
    } cases[] = {
        {"u8 of nothing", U8, "", 0},
        {"u16 of one byte", U16, "x", 1},
        {"u32 of three bytes", U32, "xxx", 3},
        {"varint of nothing", VARINT, "", 0},
        {"three bytes of two", BYTES3, "xx", 2},
        {"length cut off", PREFIXED, "\0", 1},
        {"longer than what is left", PREFIXED, "\0\3ab", 4},
        {"length of 65,535", PREFIXED, "\xff\xff", 2},
        {"text longer than what is left", TEXT, "\0\2a", 3},
        {"text with U+0000", TEXT, "\0\1\0", 3},
        {"text that is not UTF-8", TEXT, "\0\1\x80", 3},
        {"text with a surrogate", TEXT, "\0\3\xed\xa0\x80", 5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct reader r = reader_of(slice_make(cases[i].data, cases[i].len));

        print_message("  %s\n", cases[i].name);
        read_one(&r, cases[i].what);
        assert_int_equal(r.status, ST_MALFORMED);
        assert_int_equal(reader_left(&r), 0);
        /* and everything that follows */
        for (int what = U8; what <= TEXT; what++)
            read_one(&r, (enum what)what);
        assert_int_equal(r.status, ST_MALFORMED);
    }
}

static void the_first_failure_stays(void **state)
{
    struct reader r = reader_of(slice_of("abc"));

    (void)state;
    assert_int_equal(reader_fail(&r, ST_PROTOCOL), 0);
    assert_int_equal(reader_fail(&r, ST_TOO_LARGE), 0);
    assert_int_equal(reader_u8(&r), 0);
    assert_int_equal(reader_bytes(&r, 0).len, 0);
    assert_int_equal(r.status, ST_PROTOCOL);
}

static void an_empty_slice(void **state)
{
    struct reader r = reader_of((struct slice){NULL, 0});

    (void)state;
    assert_int_equal(reader_left(&r), 0);
    assert_int_equal(reader_bytes(&r, 0).len, 0);
    assert_int_equal(r.status, ST_OK);
    (void)reader_u8(&r);
    assert_int_equal(r.status, ST_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(numbers_and_bytes),
        LEFTOVER_TEST(variable_byte_integers),
        LEFTOVER_TEST(what_is_cut_off_or_no_text_fails),
        LEFTOVER_TEST(the_first_failure_stays),
        LEFTOVER_TEST(an_empty_slice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
