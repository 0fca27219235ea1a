/*
 * JSON: strings and numbers of members are read, compared, and written.
 */
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/mem.h"
#include "leftover.h"

enum { TEXT_MAX = 100 };

static struct json_parser *parser;
static char text[TEXT_MAX];

static int setup(void **state)
{
    int result = leftover_setup(state);

    parser = json_parser_new(TEXT_MAX);
    return result;
}

static int teardown(void **state)
{
    json_parser_free(&parser);
    return leftover_teardown(state);
}

/* The literal as the value of a member. */
static const struct json_member *value_of(const char *literal)
{
    const struct json_member *m;
    size_t count;

    (void)snprintf(text, sizeof(text), "{\"k\": %s }", literal);
    assert_int_equal(json_parse_object_unpadded(parser, slice_of(text), &m, &count), ST_OK);
    assert_int_equal(count, 1);
    return &m[0];
}

static void strings(void **state)
{
    static const struct {
        const char *name, *literal;
        size_t max;
        enum status status;
        const char *want;
        size_t len;
    } cases[] = {
        {"empty", "\"\"", 0, ST_OK, "", 0},
        {"plain", "\"abc\"", 10, ST_OK, "abc", 3},
        {"just so", "\"abc\"", 3, ST_OK, "abc", 3},
        {"one too long", "\"abcd\"", 3, ST_TOO_LARGE, "", 0},
        {"short escapes", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", 10, ST_OK, "\"\\/\b\f\n\r\t", 8},
        {"one byte", "\"\\u0041\\u007f\"", 10, ST_OK, "A\x7f", 2},
        {"two bytes", "\"\\u0080\\u07FF\"", 10, ST_OK, "\xc2\x80\xdf\xbf", 4},
        {"three bytes", "\"\\u0800\\uffff\"", 10, ST_OK, "\xe0\xa0\x80\xef\xbf\xbf", 6},
        {"four bytes", "\"\\ud800\\udc00\\uDBFF\\uDFFF\"", 10, ST_OK,
         "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8},
        {"zero byte", "\"a\\u0000b\"", 10, ST_OK, "a\0b", 3},
        {"escape does not fit", "\"ab\\u00e9\"", 3, ST_TOO_LARGE, "", 0},
        {"number", "12", 10, ST_INVALID, "", 0},
        {"null", "null", 10, ST_INVALID, "", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t len = 99;
        char *out = mem_alloc(MEM_TEST, cases[i].max + 1);

        print_message("  %s\n", cases[i].name);
        assert_int_equal(json_text(value_of(cases[i].literal), out, cases[i].max, &len),
                         cases[i].status);
        assert_int_equal(len, cases[i].len);
        assert_memory_equal(out, cases[i].want, len + 1);
        mem_free(out);
    }
}

static void texts_are_compared_without_a_copy(void **state)
{
    static const struct {
        const char *literal, *text;
        int want;
    } cases[] = {
        {"\"\"", "", 0},
        {"\"a\"", "", 1},
        {"\"\"", "a", -1},
        {"\"ab\"", "ab", 0},
        {"\"ab\"", "abc", -1},
        {"\"abc\"", "ab", 1},
        {"\"B\"", "a", -1},
        {"\"a\\u0062\"", "ab", 0},
        {"\"\\u6c34\"", "水", 0},
        {"\"\\u6c34\"", "火", -1},
        {"\"\\ud83d\\ude00\"", "\xef\xbf\xbd", 1}, /* U+1F600 is behind U+FFFD */
        {"\"\\\"\\n\"", "\"\n", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int order = json_text_compare(value_of(cases[i].literal), slice_of(cases[i].text));

        print_message("  %s %s\n", cases[i].literal, cases[i].text);
        assert_int_equal((order > 0) - (order < 0), cases[i].want);
    }
}

static void integers(void **state)
{
    static const struct {
        const char *literal;
        enum status status;
        int64_t want;
    } cases[] = {
        {"0", ST_OK, 0},
        {"-0", ST_OK, 0},
        {"-1", ST_OK, -1},
        {"9223372036854775807", ST_OK, INT64_MAX},
        {"-9223372036854775808", ST_OK, INT64_MIN},
        {"9223372036854775808", ST_INVALID, 0},
        {"123456789012345678901234567890", ST_INVALID, 0},
        {"1.0", ST_INVALID, 0},
        {"1e3", ST_INVALID, 0},
        {"\"1\"", ST_INVALID, 0},
        {"true", ST_INVALID, 0},
        {"[1]", ST_INVALID, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t value = 77;

        print_message("  %s\n", cases[i].literal);
        assert_int_equal(json_member_int64(value_of(cases[i].literal), &value), cases[i].status);
        assert_int_equal(value, cases[i].want);
    }
}

static void literals_are_appended(void **state)
{
    static const struct {
        const char *name, *text;
        size_t len;
        const char *want;
    } cases[] = {
        {"empty", "", 0, "\"\""},
        {"plain", "abc/", 4, "\"abc/\""},
        {"quote, backslash", "a\"b\\", 4, "\"a\\\"b\\\\\""},
        {"short escapes", "\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\""},
        {"other controls", "\0\x01\x1f\x7f", 4, "\"\\u0000\\u0001\\u001f\x7f\""},
        {"UTF-8", "\xc3\xa9\xf0\x9f\x98\x80", 6, "\"\xc3\xa9\xf0\x9f\x98\x80\""},
        {"one bad byte",
         "a\xff"
         "b",
         3,
         "\"a\xef\xbf\xbd"
         "b\""},
        {"cut at the end", "a\xe6\xb8", 3, "\"a\xef\xbf\xbd\xef\xbf\xbd\""},
        {"surrogate", "\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buffer b = {NULL, 0, 0};

        print_message("  %s\n", cases[i].name);
        json_append_string(&b, slice_make(cases[i].text, cases[i].len));
        assert_true(slice_equal(buffer_slice(&b), slice_of(cases[i].want)));
        buffer_append_u8(&b, '\0');
        assert_true(slice_is(value_of((const char *)b.data)->value, cases[i].want));
        buffer_deinit(&b);
    }
}

#define VALUE_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        VALUE_TEST(strings),
        VALUE_TEST(texts_are_compared_without_a_copy),
        VALUE_TEST(integers),
        VALUE_TEST(literals_are_appended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
