/*
 * UTF-8: every code point, every malformed form, cuts.
 */
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "leftover.h"

/* The shortest form of a code point by the rule of the standard, not by our table. */
static size_t encode(uint32_t code, uint8_t out[4])
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (uint8_t)(0xc0 | code >> 6);
        out[1] = (uint8_t)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (uint8_t)(0xe0 | code >> 12);
        out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | code >> 18);
    out[1] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (code & 0x3f));
    return 4;
}

static void every_code_point(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 0x120000; code++) {
        uint8_t bytes[4];
        size_t len = encode(code, bytes);
        bool character = (code < 0xd800 || code > 0xdfff) && code <= 0x10ffff;

        assert_int_equal(utf8_char_len(slice_make(bytes, len)), character ? len : 0);
        assert_int_equal(utf8_is_text(slice_make(bytes, len)), character && code != 0);
        assert_int_equal(utf8_char_len(slice_make(bytes, len - 1)), 0);
    }
}

static void texts(void **state)
{
    static const struct {
        const char *name, *text;
        size_t len;
        bool want;
    } cases[] = {
        {"empty", "", 0, true},
        {"ASCII", "hello, world: 0123456789", 24, true},
        {"control characters", "\x01\x1f\x7f", 3, true},
        {"mixed",
         "temp \xc2\xb0"
         "C \xe6\xb8\xa9\xe5\xba\xa6 \xf0\x9f\x98\x80",
         20, true},
        {"byte order mark", "\xef\xbb\xbf", 3, true},
        {"non-character", "\xef\xbf\xbf", 3, true},
        {"zero byte", "a\0b", 3, false},
        {"zero byte in eight", "abc\0defg", 8, false},
        {"zero byte alone in the second eight", "abcdefgh\0abcdefg", 16, false},
        {"0x80 in eight", "abcdefg\x80", 8, false},
        {"continuation alone", "\x80", 1, false},
        {"overlong in two", "\xc0\x80", 2, false},
        {"overlong slash", "\xc1\xaf", 2, false},
        {"overlong in three", "\xe0\x9f\xbf", 3, false},
        {"overlong in four", "\xf0\x8f\xbf\xbf", 4, false},
        {"high surrogate", "\xed\xa0\x80", 3, false},
        {"low surrogate", "\xed\xbf\xbf", 3, false},
        {"above U+10FFFF", "\xf4\x90\x80\x80", 4, false},
        {"first byte 0xf5", "\xf5\x80\x80\x80", 4, false},
        {"five bytes", "\xf8\x88\x80\x80\x80", 5, false},
        {"0xfe", "\xfe", 1, false},
        {"0xff", "\xff", 1, false},
        {"cut in two", "\xc3", 1, false},
        {"cut in three", "\xe6\xb8", 2, false},
        {"cut in four", "\xf0\x9f\x98", 3, false},
        {"ASCII where a continuation should be",
         "\xe6\xb8"
         "a",
         3, false},
        {"first byte where a continuation should be", "\xc3\xc3\xa9", 3, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("  %s\n", cases[i].name);
        assert_int_equal(utf8_is_text(slice_make(cases[i].text, cases[i].len)), cases[i].want);
        /* behind every number of plain bytes: the fast path must not hide it */
        for (size_t before = 1; before < 20; before++) {
            uint8_t text[64];

            memset(text, 'x', sizeof(text));
            memcpy(text + before, cases[i].text, cases[i].len);
            assert_int_equal(utf8_is_text(slice_make(text, before + cases[i].len + 9)),
                             cases[i].want);
        }
    }
}

static void it_reads_no_byte_behind_the_end(void **state)
{
    (void)state;
    for (size_t len = 0; len < 40; len++) {
        uint8_t *text = mem_alloc(MEM_TEST, len); /* a sanitizer watches its end */

        memset(text, 'x', len);
        assert_true(utf8_is_text(slice_make(text, len)));
        if (len > 0) {
            text[len - 1] = 0xf0;
            assert_false(utf8_is_text(slice_make(text, len)));
            assert_int_equal(utf8_char_len(slice_make(text + len - 1, 1)), 0);
        }
        mem_free(text);
    }
    assert_true(utf8_is_text((struct slice){NULL, 0}));
    assert_int_equal(utf8_char_len((struct slice){NULL, 0}), 0);
}

static void cuts(void **state)
{
    static const struct {
        const char *name, *text;
        size_t max, want;
    } cases[] = {
        {"shorter", "abc", 5, 3},
        {"just so", "abc", 3, 3},
        {"ASCII", "abc", 2, 2},
        {"nothing", "abc", 0, 0},
        {"before a character of two", "a\xc3\xa9z", 2, 1},
        {"behind it", "a\xc3\xa9z", 3, 3},
        {"in a character of four", "ab\xf0\x9f\x98\x80", 5, 2},
        {"in its middle", "ab\xf0\x9f\x98\x80", 3, 2},
        {"in the first character", "\xf0\x9f\x98\x80", 3, 0},
        {"no UTF-8: at most three back", "\x80\x80\x80\x80\x80\x80", 5, 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice s = slice_of(cases[i].text);

        print_message("  %s\n", cases[i].name);
        assert_int_equal(utf8_truncate(s, cases[i].max).len, cases[i].want);
        assert_ptr_equal(utf8_truncate(s, cases[i].max).data, s.data);
    }
    assert_int_equal(utf8_truncate((struct slice){NULL, 0}, 10).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(every_code_point),
        LEFTOVER_TEST(texts),
        LEFTOVER_TEST(it_reads_no_byte_behind_the_end),
        LEFTOVER_TEST(cuts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
