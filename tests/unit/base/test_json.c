/*
 * JSON: what is accepted, and the members as slices.
 */
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "leftover.h"

enum { TEXT_MAX = 100000 };

#define DIGITS_30 "123456789012345678901234567890"

static struct json_parser *parser;
static char padded[TEXT_MAX + 64 + JSON_PADDING];

static int setup(void **state)
{
    int result = leftover_setup(state);

    parser = json_parser_new(TEXT_MAX);
    return result;
}

static int teardown(void **state)
{
    json_parser_free(&parser);
    json_parser_free(&parser); /* NULL: accepted */
    return leftover_teardown(state);
}

/* The text with padding that would be wrong to look at. */
static struct slice pad(const char *text, size_t len)
{
    memcpy(padded, text, len);
    memset(padded + len, '"', JSON_PADDING);
    return slice_make(padded, len);
}

static enum status parse(const char *text, const struct json_member **members, size_t *count)
{
    return json_parse_object(parser, pad(text, strlen(text)), members, count);
}

static const struct object_case {
    const char *name, *text;
    enum status want;
} object_cases[] = {
    {"empty object", "{}", ST_OK},
    {"white space around", " \t\r\n{ } \n", ST_OK},
    {"byte order mark", "\xef\xbb\xbf{\"a\":1}", ST_OK},
    {"all types", "{\"a\":1,\"b\":\"x\",\"c\":[1,{}],\"d\":{\"e\":null},\"f\":true}", ST_OK},
    {"numbers", "{\"a\":[0,-0,1.5,-1e5,1E+2,0.1e-3,18446744073709551615]}", ST_OK},
    {"integer beyond 64 bits", "{\"a\":18446744073709551616}", ST_OK},
    {"number beyond a double", "{\"a\":1e400}", ST_OK},
    {"number beyond a double at the top", "-1e999", ST_INVALID},
    {"escapes", "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\\u0000\"}", ST_OK},
    {"UTF-8", "{\"\xe6\xb8\xa9\":\"\xf0\x9f\x98\x80\"}", ST_OK},
    {"doubled keys", "{\"a\":1,\"a\":2}", ST_OK},
    {"empty key", "{\"\":1}", ST_OK},

    {"array", "[1,2]", ST_INVALID},
    {"number", "12", ST_INVALID},
    {"string", "\"{}\"", ST_INVALID},
    {"null", "null", ST_INVALID},

    {"empty", "", ST_MALFORMED},
    {"white space alone", "  ", ST_MALFORMED},
    {"byte order mark alone", "\xef\xbb\xbf", ST_MALFORMED},
    {"two byte order marks", "\xef\xbb\xbf\xef\xbb\xbf{}", ST_MALFORMED},
    {"byte order mark inside", "{\xef\xbb\xbf}", ST_MALFORMED},
    {"open", "{\"a\":1", ST_MALFORMED},
    {"open string", "{\"a\":\"b}", ST_MALFORMED},
    {"wrong bracket", "{\"a\":1]", ST_MALFORMED},
    {"comma at the end", "{\"a\":1,}", ST_MALFORMED},
    {"comma at the front", "{,\"a\":1}", ST_MALFORMED},
    {"comma at the end of an array", "{\"a\":[1,]}", ST_MALFORMED},
    {"no colon", "{\"a\" 1}", ST_MALFORMED},
    {"no value", "{\"a\":}", ST_MALFORMED},
    {"key is a number", "{1:1}", ST_MALFORMED},
    {"key without quotes", "{a:1}", ST_MALFORMED},
    {"single quotes", "{'a':1}", ST_MALFORMED},
    {"comment", "{\"a\":1/*x*/}", ST_MALFORMED},
    {"something behind", "{} x", ST_MALFORMED},
    {"a second object", "{}{}", ST_MALFORMED},
    {"NaN", "{\"a\":NaN}", ST_MALFORMED},
    {"True", "{\"a\":True}", ST_MALFORMED},
    {"trueish", "{\"a\":truee}", ST_MALFORMED},
    {"plus", "{\"a\":+1}", ST_MALFORMED},
    {"zero in front", "{\"a\":01}", ST_MALFORMED},
    {"point at the end", "{\"a\":1.}", ST_MALFORMED},
    {"point in front", "{\"a\":.5}", ST_MALFORMED},
    {"exponent without digits", "{\"a\":1e}", ST_MALFORMED},
    {"hexadecimal", "{\"a\":0x10}", ST_MALFORMED},
    {"unknown escape", "{\"a\":\"\\x\"}", ST_MALFORMED},
    {"escape cut off", "{\"a\":\"\\u12\"}", ST_MALFORMED},
    {"high surrogate alone", "{\"a\":\"\\ud800\"}", ST_MALFORMED},
    {"low surrogate alone", "{\"\\udc00\":1}", ST_MALFORMED},
    {"new line in a string", "{\"a\":\"\n\"}", ST_MALFORMED},
    {"tab in a key", "{\"\t\":1}", ST_MALFORMED},
    {"not UTF-8", "{\"a\":\"\xff\"}", ST_MALFORMED},
    {"overlong", "{\"a\":\"\xc0\xaf\"}", ST_MALFORMED},
    {"surrogate in UTF-8", "{\"a\":\"\xed\xa0\x80\"}", ST_MALFORMED},
    {"character cut off", "{\"a\":\"\xe6\xb8\"}", ST_MALFORMED},
    {"form feed as white space", "{\f}", ST_MALFORMED},
};

static void what_is_a_json_object(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(object_cases) / sizeof(object_cases[0]); i++) {
        const struct object_case *c = &object_cases[i];
        const struct json_member *members;
        size_t count;

        print_message("  %s\n", c->name);
        assert_int_equal(parse(c->text, &members, &count), c->want);
        if (c->want != ST_OK)
            assert_int_equal(count, 0);
        assert_int_equal(json_parse_object_unpadded(parser, slice_of(c->text), &members, &count),
                         c->want);
    }
}

static void malformed_is_refused_beside_large_numbers(void **state)
{
    static const struct {
        const char *name, *text;
    } cases[] = {
        {"malformed beside a large number", "{\"a\":1e400,\"b\":01}"},
        {"malformed before a large number", "{\"a\":1.,\"b\":1e400}"},
        {"large number with a tail", "{\"a\":1e400x}"},
        {"large number without exponent", "{\"a\":" DIGITS_30 "e}"},
        {"large number with two points", "{\"a\":1e400.5.5}"},
        {"large number with two signs", "{\"a\":--1e400}"},
        {"large exponent with two signs", "{\"a\":1e--400}"},
        {"large number with a plus", "{\"a\":+1e400}"},
        {"large number behind a zero", "{\"a\":0" DIGITS_30 "}"},
        {"large number before a string", "{\"a\":1e400\"x\"}"},
        {"large number before an escaped quote", "{\"a\":1e400\\\"}"},
        {"two large numbers", "{\"a\":1e400 1e400}"},
        {"large number as a key", "{1e400:1}"},
        {"large number in an open object", "{\"a\":1e400"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct json_member *members;
        size_t count;

        print_message("  %s\n", cases[i].name);
        assert_int_equal(parse(cases[i].text, &members, &count), ST_MALFORMED);
        assert_int_equal(count, 0);
    }
}

static void zero_bytes_are_no_white_space(void **state)
{
    static const struct {
        const char *name, *text;
        size_t len;
    } cases[] = {
        {"behind", "{}\0", 3},
        {"in front", "\0{}", 3},
        {"inside", "{\0}", 3},
        {"in a string", "{\"a\":\"\0\"}", 9},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct json_member *members;
        size_t count;

        print_message("  %s\n", cases[i].name);
        assert_int_equal(
            json_parse_object(parser, pad(cases[i].text, cases[i].len), &members, &count),
            ST_MALFORMED);
    }
}

static void members_are_slices_of_the_text(void **state)
{
    static const char text[] =
        "\xef\xbb\xbf {\"t\" : 23.50 ,\"s\":\"a,b}\" , \"o\": {\"x\":[1, 2]} "
        ",\"l\":[ ] ,\"y\":true,\"n\":null\n,\"z\":-1e5 ,\"\":false }";
    static const struct {
        const char *key, *value;
        enum json_type type;
    } want[] = {
        {"t", "23.50", JSON_TYPE_NUMBER},
        {"s", "\"a,b}\"", JSON_TYPE_STRING},
        {"o", "{\"x\":[1, 2]}", JSON_TYPE_OBJECT},
        {"l", "[ ]", JSON_TYPE_ARRAY},
        {"y", "true", JSON_TYPE_BOOL},
        {"n", "null", JSON_TYPE_NULL},
        {"z", "-1e5", JSON_TYPE_NUMBER},
        {"", "false", JSON_TYPE_BOOL},
    };
    const struct json_member *m;
    size_t count;

    (void)state;
    for (int unpadded = 0; unpadded < 2; unpadded++) {
        const uint8_t *start = (const uint8_t *)(unpadded ? text : padded);

        if (unpadded)
            assert_int_equal(json_parse_object_unpadded(parser, slice_of(text), &m, &count), ST_OK);
        else
            assert_int_equal(parse(text, &m, &count), ST_OK);
        assert_int_equal(count, sizeof(want) / sizeof(want[0]));
        for (size_t i = 0; i < count; i++) {
            assert_true(slice_is(m[i].key, want[i].key));
            assert_true(slice_is(m[i].value, want[i].value));
            assert_int_equal(m[i].type, want[i].type);
            assert_true(m[i].key.data > start && m[i].key.data < start + sizeof(text));
            assert_true(m[i].value.data > start && m[i].value.data < start + sizeof(text));
        }
    }
}

/* Parsed, in order and at depth, with and without padding: what comes are slices of the text. */
static void numbers_of_any_size_stay_as_sent(void **state)
{
    static const char text[] =
        "\xef\xbb\xbf{\"i\" : -" DIGITS_30 " ,\"1e400\":\"-1e999 " DIGITS_30 " \\\" 1e400\", "
        "\"o\": {\"x\":[1e400,\t-1E+999\r\n, [" DIGITS_30 ".5e-" DIGITS_30 "]]},"
        "\"\\u0061\":0.1e-999,\"z\":1e400\n}";
    static const struct {
        const char *key, *value;
        enum json_type type;
    } want[] = {
        {"i", "-" DIGITS_30, JSON_TYPE_NUMBER},
        {"1e400", "\"-1e999 " DIGITS_30 " \\\" 1e400\"", JSON_TYPE_STRING},
        {"o", "{\"x\":[1e400,\t-1E+999\r\n, [" DIGITS_30 ".5e-" DIGITS_30 "]]}", JSON_TYPE_OBJECT},
        {"a", "0.1e-999", JSON_TYPE_NUMBER},
        {"z", "1e400", JSON_TYPE_NUMBER},
    };
    const struct json_member *m;
    size_t count;

    (void)state;
    for (int unpadded = 0; unpadded < 2; unpadded++) {
        const uint8_t *start = (const uint8_t *)(unpadded ? text : padded);

        if (unpadded)
            assert_int_equal(json_parse_object_unpadded(parser, slice_of(text), &m, &count), ST_OK);
        else
            assert_int_equal(parse(text, &m, &count), ST_OK);
        assert_memory_equal(start, text, sizeof(text) - 1);
        assert_int_equal(count, sizeof(want) / sizeof(want[0]));
        for (size_t i = 0; i < count; i++) {
            assert_true(slice_is(m[i].key, want[i].key));
            assert_true(slice_is(m[i].value, want[i].value));
            assert_int_equal(m[i].type, want[i].type);
            assert_true(m[i].value.data > start && m[i].value.data < start + sizeof(text));
        }
    }
}

static void numbers_are_blanked(void **state)
{
    static const struct {
        const char *name, *text, *want;
    } cases[] = {
        {"empty", "", ""},
        {"alone", "-1.5e+3", "0      "},
        {"each kind", "[0,-0,12,0.1,1e5,1E-5,1.25e+10]", "[0,0 ,0 ,0  ,0  ,0   ,0       ]"},
        {"between white space", " 12\t12\r12\n12 ", " 0 \t0 \r0 \n0  "},
        {"as a value", "{\"12\":12}", "{\"12\":0 }"},
        {"in strings", "[\"12\",\"\\\"12\",\"\\\\\",12]", "[\"12\",\"\\\"12\",\"\\\\\",0 ]"},
        {"in an open string", "[12,\"12", "[0 ,\"12"},
        {"behind a last backslash", "\"12\\", "\"12\\"},
        {"malformed", "[012,12.,.12,12e,12e+,+12,--12,-,12-12,1e--12]",
         "[012,12.,.12,12e,12e+,+12,--12,-,12-12,1e--12]"},
        {"in words", "[x12,12x,12\\u,0x12]", "[x12,12x,12\\u,0x12]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t len = strlen(cases[i].text);
        uint8_t *text = mem_alloc(MEM_TEST, len + 1);

        print_message("  %s\n", cases[i].name);
        assert_int_equal(strlen(cases[i].want), len);
        memcpy(text, cases[i].text, len);
        json_blank_numbers(text, len);
        assert_memory_equal(text, cases[i].want, len);
        mem_free(text);
    }
}

static void elements_of_an_array(void **state)
{
    static const struct {
        const char *name, *text;
        enum status status;
        const char *values[4];
    } cases[] = {
        {"empty", "[]", ST_OK, {NULL}},
        {"empty with space", " [ ] ", ST_OK, {NULL}},
        {"some", "[1, {\"a\":[2,3]} ,\"x\"]", ST_OK, {"1", "{\"a\":[2,3]}", "\"x\""}},
        {"nested", "[[[]],[]]", ST_OK, {"[[]]", "[]"}},
        {"object", "{}", ST_INVALID, {NULL}},
        {"open", "[1", ST_MALFORMED, {NULL}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct json_member *m;
        size_t count, n;

        print_message("  %s\n", cases[i].name);
        assert_int_equal(
            json_parse_array(parser, pad(cases[i].text, strlen(cases[i].text)), &m, &count),
            cases[i].status);
        for (n = 0; cases[i].values[n] != NULL; n++) {
            assert_true(n < count);
            assert_true(slice_is(m[n].value, cases[i].values[n]));
            assert_int_equal(m[n].key.len, 0);
        }
        assert_int_equal(count, n);
    }
}

static void keys_with_escapes_are_unescaped(void **state)
{
    const struct json_member *m;
    size_t count;

    (void)state;
    assert_int_equal(parse("{\"plain\":1,\"a\\\"b\":2,\"\\u00e9\\n\":3,\"\\ud83d\\ude00\":4,"
                           "\"\\u0000\":5,\"\\\\\":6,\"\\u6e29\":7}",
                           &m, &count),
                     ST_OK);
    assert_int_equal(count, 7);
    assert_true(slice_is(m[0].key, "plain"));
    assert_true(slice_is(m[1].key, "a\"b"));
    assert_true(slice_is(m[2].key, "\xc3\xa9\n"));
    assert_true(slice_is(m[3].key, "\xf0\x9f\x98\x80"));
    assert_true(slice_equal(m[4].key, slice_make("\0", 1)));
    assert_true(slice_is(m[5].key, "\\"));
    assert_true(slice_is(m[6].key, "\xe6\xb8\xa9"));
    assert_true(slice_is(m[6].value, "7"));
}

static void many_escaped_keys_stay_where_they_are(void **state)
{
    struct buffer text = {NULL, 0, 0};
    const struct json_member *m;
    size_t count;

    (void)state;
    buffer_append_u8(&text, '{');
    for (unsigned i = 0; i < 5000; i++)
        buffer_printf(&text, "%s\"\\u%04x\\n\":%u", i == 0 ? "" : ",", 0x4e00 + i, i);
    buffer_append_u8(&text, '}');
    assert_int_equal(json_parse_object_unpadded(parser, buffer_slice(&text), &m, &count), ST_OK);
    assert_int_equal(count, 5000);
    for (unsigned i = 0; i < 5000; i++) {
        unsigned code = 0x4e00 + i;
        const uint8_t key[] = {(uint8_t)(0xe0 | code >> 12), (uint8_t)(0x80 | (code >> 6 & 0x3f)),
                               (uint8_t)(0x80 | (code & 0x3f)), '\n'};
        int64_t value;

        assert_true(slice_equal(m[i].key, slice_make(key, 4)));
        assert_int_equal(json_member_int64(&m[i], &value), ST_OK);
        assert_int_equal(value, i);
    }
    buffer_deinit(&text);
}

static void depth_is_at_most_32(void **state)
{
    (void)state;
    for (int depth = 30; depth <= 35; depth++) {
        for (int filled = 0; filled < 2; filled++) {
            struct buffer text = {NULL, 0, 0};
            const struct json_member *m;
            size_t count;

            buffer_append_text(&text, "{\"a\":");
            for (int i = 1; i < depth; i++)
                buffer_append_u8(&text, '[');
            buffer_append_text(&text, filled ? "1" : "");
            for (int i = 1; i < depth; i++)
                buffer_append_u8(&text, ']');
            buffer_append_u8(&text, '}');
            assert_int_equal(json_parse_object_unpadded(parser, buffer_slice(&text), &m, &count),
                             depth <= JSON_DEPTH_MAX ? ST_OK : ST_MALFORMED);
            buffer_deinit(&text);
        }
    }
}

static void texts_up_to_the_longest(void **state)
{
    static char text[TEXT_MAX + 2];
    const struct json_member *m;
    size_t count;

    (void)state;
    for (size_t len = 10; len <= TEXT_MAX;
         len = len < TEXT_MAX && len * 3 > TEXT_MAX ? TEXT_MAX : len * 3) {
        memset(text, 'x', sizeof(text));
        memcpy(text, "{\"a\":\"", 6);
        memcpy(text + len - 2, "\"}", 2);
        assert_int_equal(json_parse_object(parser, pad(text, len), &m, &count), ST_OK);
        assert_int_equal(m[0].value.len, len - 6);
    }
    assert_int_equal(json_parse_object(parser, pad(text, TEXT_MAX + 1), &m, &count), ST_TOO_LARGE);
    assert_int_equal(json_parse_object_unpadded(parser, slice_make(text, TEXT_MAX + 1), &m, &count),
                     ST_TOO_LARGE);
    /* what is densest: a member for every two bytes */
    text[0] = '[';
    for (size_t i = 1; i < TEXT_MAX - 1; i += 2)
        memcpy(text + i, "1,", 2);
    memcpy(text + TEXT_MAX - 3, "1 ]", 3);
    assert_int_equal(json_parse_array(parser, pad(text, TEXT_MAX), &m, &count), ST_OK);
    assert_int_equal(count, TEXT_MAX / 2 - 1);
}

static void a_warm_parser_asks_for_no_memory(void **state)
{
    const struct json_member *m;
    int64_t before;
    size_t count;

    (void)state;
    assert_int_equal(parse("{\"a\":1e400,\"b\\n\":2}", &m, &count), ST_OK);
    before = mem_bytes_used_total();
    for (int i = 0; i < 100; i++) {
        assert_int_equal(parse("{\"a\":1,\"c\\t\":2}", &m, &count), ST_OK);
        assert_int_equal(parse("{\"a\":", &m, &count), ST_MALFORMED);
        assert_int_equal(parse("{\"a\":1e400}", &m, &count), ST_OK);
    }
    assert_int_equal(mem_bytes_used_total(), before);
}

static void the_last_of_doubled_keys_is_found(void **state)
{
    const struct json_member *m;
    size_t count;

    (void)state;
    assert_int_equal(parse("{\"a\":1,\"b\":2,\"a\":3,\"\\u0062\":4}", &m, &count), ST_OK);
    assert_ptr_equal(json_find(m, count, "a"), &m[2]);
    assert_ptr_equal(json_find(m, count, "b"), &m[3]);
    assert_null(json_find(m, count, "c"));
    assert_null(json_find(m, count, ""));
    assert_null(json_find(NULL, 0, "a"));
}

#define JSON_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        JSON_TEST(what_is_a_json_object),
        JSON_TEST(malformed_is_refused_beside_large_numbers),
        JSON_TEST(zero_bytes_are_no_white_space),
        JSON_TEST(members_are_slices_of_the_text),
        JSON_TEST(numbers_of_any_size_stay_as_sent),
        JSON_TEST(numbers_are_blanked),
        JSON_TEST(elements_of_an_array),
        JSON_TEST(keys_with_escapes_are_unescaped),
        JSON_TEST(many_escaped_keys_stay_where_they_are),
        JSON_TEST(depth_is_at_most_32),
        JSON_TEST(texts_up_to_the_longest),
        JSON_TEST(a_warm_parser_asks_for_no_memory),
        JSON_TEST(the_last_of_doubled_keys_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
