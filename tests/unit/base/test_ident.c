/*
 * Identifiers: text to number and back, random ones, members.
 */
#include "base/ident.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <string.h>

#include "capture.h"
#include "leftover.h"

#define LAST      UINT64_C(839299365868340224) /* 62^10 */
#define LAST_TYPE UINT64_C(916132832)          /* 62^5 */

static void text_and_number(void **state)
{
    static const struct {
        enum ident_kind kind;
        const char *text;
        uint64_t id;
    } cases[] = {
        {IDENT_PROJECT, "PR_0000000000", 1},        {IDENT_PROJECT, "PR_0000000001", 2},
        {IDENT_PROJECT, "PR_000000000A", 11},       {IDENT_PROJECT, "PR_000000000a", 37},
        {IDENT_PROJECT, "PR_0000000010", 63},       {IDENT_PROJECT, "PR_zzzzzzzzzz", LAST},
        {IDENT_DEVICE, "DU_0000000000", 1},         {IDENT_DEVICE, "DU_zzzzzzzzzz", LAST},
        {IDENT_DEVICE, "DU_00000Zz9aA", 531746607}, {IDENT_TYPE, "PK_00000", 1},
        {IDENT_TYPE, "PK_Zz9aA", 531746607},        {IDENT_TYPE, "PK_zzzzz", LAST_TYPE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[IDENT_TEXT_LEN + 1];

        print_message("  %s\n", cases[i].text);
        assert_true(ident_parse(cases[i].kind, slice_of(cases[i].text)) == cases[i].id);
        ident_format(cases[i].kind, cases[i].id, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void other_texts_are_none(void **state)
{
    static const struct {
        const char *name;
        enum ident_kind kind;
        const char *text;
        size_t len;
    } cases[] = {
        {"empty", IDENT_PROJECT, "", 0},
        {"prefix alone", IDENT_PROJECT, "PR_", 3},
        {"one short", IDENT_PROJECT, "PR_012345678", 12},
        {"one long", IDENT_PROJECT, "PR_01234567890", 14},
        {"a device is no project", IDENT_PROJECT, "DU_0123456789", 13},
        {"a project is no device", IDENT_DEVICE, "PR_0123456789", 13},
        {"small prefix", IDENT_PROJECT, "pr_0123456789", 13},
        {"no underscore", IDENT_PROJECT, "PR-0123456789", 13},
        {"wildcard first", IDENT_DEVICE, "DU_+123456789", 13},
        {"wildcard last", IDENT_DEVICE, "DU_012345678#", 13},
        {"slash", IDENT_DEVICE, "DU_01234/6789", 13},
        {"underscore", IDENT_DEVICE, "DU_01234_6789", 13},
        {"zero byte", IDENT_DEVICE,
         "DU_01234\0"
         "6789",
         13},
        {"beyond ASCII", IDENT_DEVICE, "DU_01234567\xc3\xa9", 13},
        {"high byte", IDENT_DEVICE, "DU_012345678\xff", 13},
        {"a device type is shorter", IDENT_TYPE, "PK_0123456789", 13},
        {"and not shorter than this", IDENT_TYPE, "PK_0123", 7},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("  %s\n", cases[i].name);
        assert_true(ident_parse(cases[i].kind, slice_make(cases[i].text, cases[i].len)) == 0);
    }
}

static void each_byte_is_a_digit_or_not(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        char text[] = "DU_000000000?";
        bool digit = c < 128 && isalnum((int)c);

        text[12] = (char)c;
        assert_int_equal(ident_parse(IDENT_DEVICE, slice_make(text, 13)) != 0, digit);
        assert_int_equal(ident_is_member(slice_make(text + 12, 1)), digit || c == '_' || c == '-');
    }
}

static void random_ones_are_well_formed_and_differ(void **state)
{
    uint64_t last = 0;

    (void)state;
    for (int i = 0; i < 2000; i++) {
        uint64_t id = ident_random(IDENT_DEVICE);
        char text[IDENT_TEXT_LEN + 1];

        assert_true(id != 0 && id <= LAST && id != last);
        ident_format(IDENT_DEVICE, id, text);
        assert_true(ident_parse(IDENT_DEVICE, slice_of(text)) == id);
        last = id;
        id = ident_random(IDENT_TYPE);
        assert_true(ident_is_valid(IDENT_TYPE, id) && id <= LAST_TYPE);
        ident_format(IDENT_TYPE, id, text);
        assert_true(ident_parse(IDENT_TYPE, slice_of(text)) == id);
    }
    assert_false(ident_is_valid(IDENT_TYPE, LAST_TYPE + 1));
    assert_false(ident_is_valid(IDENT_DEVICE, 0));
}

static void random_text_uses_the_whole_alphabet_evenly(void **state)
{
    enum { LEN = 62000 };
    static char text[LEN + 2];
    unsigned seen[256] = {0};

    (void)state;
    text[LEN + 1] = 'x';
    ident_random_text(text, LEN);
    assert_int_equal(strlen(text), LEN);
    assert_int_equal(text[LEN + 1], 'x');
    for (size_t i = 0; i < LEN; i++)
        seen[(uint8_t)text[i]]++;
    for (unsigned c = 0; c < 256; c++) {
        if (c < 128 && isalnum((int)c))
            assert_in_range(seen[c], 700, 1300); /* 1000 on average, deviation 31 */
        else
            assert_int_equal(seen[c], 0);
    }
    ident_random_text(text, 0);
    assert_string_equal(text, "");
}

static void members(void **state)
{
    static const char long_text[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-x";
    static const struct {
        const char *name, *text;
        size_t len;
        bool want;
    } cases[] = {
        {"one character", "a", 1, true},
        {"all kinds", "Temp_1-x", 8, true},
        {"longest", long_text, 64, true},
        {"one too long", long_text, 65, false},
        {"empty", "", 0, false},
        {"space", "a b", 3, false},
        {"dot", "a.b", 3, false},
        {"slash", "a/b", 3, false},
        {"wildcard", "+", 1, false},
        {"zero byte", "a\0b", 3, false},
        {"beyond ASCII", "\xc3\xa9", 2, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("  %s\n", cases[i].name);
        assert_int_equal(ident_is_member(slice_make(cases[i].text, cases[i].len)), cases[i].want);
    }
}

static void format_none(void)
{
    char text[IDENT_TEXT_LEN + 1];

    ident_format(IDENT_DEVICE, 0, text);
}

static void format_beyond_the_last(void)
{
    char text[IDENT_TEXT_LEN + 1];

    ident_format(IDENT_DEVICE, LAST + 1, text);
}

static void formatting_what_is_none_is_our_bug(void **state)
{
    const char *text;

    (void)state;
    assert_true(capture_abort(format_none, &text));
    assert_true(capture_abort(format_beyond_the_last, &text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(text_and_number),
        LEFTOVER_TEST(other_texts_are_none),
        LEFTOVER_TEST(each_byte_is_a_digit_or_not),
        LEFTOVER_TEST(random_ones_are_well_formed_and_differ),
        LEFTOVER_TEST(random_text_uses_the_whole_alphabet_evenly),
        LEFTOVER_TEST(members),
        LEFTOVER_TEST(formatting_what_is_none_is_our_bug),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
