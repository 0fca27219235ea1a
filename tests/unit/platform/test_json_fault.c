/* Why and where a payload is no JSON object, and that it agrees with the parser that refused it. */
#include "platform/json_fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/utf8.h"
#include "leftover.h"

enum { TEXT_MAX = 8192 };

#define DIGITS_50  "12345678901234567890123456789012345678901234567890"
#define DIGITS_400 DIGITS_50 DIGITS_50 DIGITS_50 DIGITS_50 DIGITS_50 DIGITS_50 DIGITS_50 DIGITS_50

static const struct fault_case {
    const char *name, *text, *want;
} fault_cases[] = {
    {"colon missing", "{\"abc\"}", "line 1, column 7: ':' expected near '}'"},
    {"value missing", "{\"a\": }", "line 1, column 7: unexpected token near '}'"},
    {"third line", "{\n  \"a\": 1,\n  \"b\" 2\n}", "line 3, column 7: ':' expected near '2'"},
    {"columns are characters", "{\"\xC3\xA4\xE2\x82\xAC\"}",
     "line 1, column 6: ':' expected near '}'"},
    {"byte order mark does not count", "\xEF\xBB\xBF{\"abc\"}",
     "line 1, column 7: ':' expected near '}'"},
    {"cut off", "{\"a\": 1", "line 1, column 7: '}' expected near end of file"},
    {"cut off behind a line", "{\n", "line 2, column 1: string or '}' expected near end of file"},
    {"something behind it", "{} x", "line 1, column 4: end of file expected near 'x'"},
    {"comma at the end", "{\"a\":1,}", "line 1, column 8: string or '}' expected near '}'"},
    {"no JSON at all", "hello", "line 1, column 5: invalid token near 'hello'"},
    {"empty", "", "line 1, column 1: the payload is empty, a JSON object was expected"},
    {"white space alone", " \r\n\t",
     "line 1, column 1: the payload is empty, a JSON object was expected"},
    {"an array", "[1, 2]", "line 1, column 1: not a JSON object"},
    {"a string", "\n \"on\"", "line 2, column 2: not a JSON object"},
    {"a number", "21.5", "line 1, column 1: not a JSON object"},
    {"null", "null", "line 1, column 1: not a JSON object"},
    {"not UTF-8", "{\"a\": \"\xFF\"}", "line 1, column 7: unable to decode byte 0xff"},
    {"line break in a string", "{\"a\nb\":1}", "line 1, column 3: unexpected newline"},
    {"tab in a string", "{\"a\tb\":1}", "line 1, column 3: control character 0x9"},
    {"half a surrogate pair", "{\"a\":\"\\ud800\"}", "line 1, column 13: invalid Unicode"},
    {"a large integer is none", "{\"a\":123456789012345678901234567890,}",
     "line 1, column 37: string or '}' expected near '}'"},
    {"a large number is none", "{\"a\":[-1e999],\n\"b\":[1e400, \"1e400\"],,}",
     "line 2, column 22: string or '}' expected near ','"},
    {"a number of 400 digits is none", "{\"a\":" DIGITS_400 ",\"b\" 2}",
     "line 1, column 411: ':' expected"},
    {"a large number behind the fault", "{\"a\" 1e400}", "line 1, column 6: ':' expected"},
    {"malformed beside a large one", "{\"a\":1e400, \"b\":01}", "line 1, column 17: invalid token"},
    {"something at a large one", "{\"a\":1e400x}", "line 1, column 10: malformed number"},
    {"a large number at the top", "-1e999", "line 1, column 1: not a JSON object"},
    {"a zero written as \\u0000 is none", "{\"a\":\"\\u0000\",}",
     "line 1, column 15: string or '}' expected near '}'"},
    {"half a character is not repeated", "{\"\\u000\xEF\xBB\xBF\":1}",
     "line 1, column 8: invalid escape near '\"\\u000?'"},
    {"control characters are not repeated", "{\"a\" \x7F\xC2\x85}",
     "line 1, column 6: ':' expected"},
};

static struct json_parser *parser;

static enum status parse(struct slice text)
{
    const struct json_member *members;
    size_t count;

    return json_parse_object_unpadded(parser, text, &members, &count);
}

static void assert_plain(const char *text)
{
    assert_true(utf8_is_text(slice_of(text)));
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        assert_true(*c >= 0x20 && *c != 0x7F);
        assert_false(c[0] == 0xC2 && c[1] < 0xA0);
    }
}

/* Describes the fault; what is said and the numbers agree. */
static void describe(struct slice text, char out[JSON_FAULT_LEN_MAX])
{
    char place[64];
    unsigned line, column;

    json_fault_describe(text, out, JSON_FAULT_LEN_MAX, &line, &column);
    (void)snprintf(place, sizeof(place), "line %u, column %u: ", line, column);
    assert_true(slice_starts_with(slice_of(out), slice_of(place)));
    assert_true(line >= 1 && column >= 1);
    assert_plain(out);
}

static void test_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(fault_cases) / sizeof(*fault_cases); i++) {
        const struct fault_case *c = &fault_cases[i];
        char out[JSON_FAULT_LEN_MAX];

        print_message("%s\n", c->name);
        assert_int_not_equal(parse(slice_of(c->text)), ST_OK);
        describe(slice_of(c->text), out);
        if (!slice_starts_with(slice_of(out), slice_of(c->want)))
            fail_msg("it says: %s", out);
    }
}

/* `depth` objects in each other. */
static struct slice nested(char text[TEXT_MAX], unsigned depth)
{
    size_t len = 0;

    for (unsigned i = 1; i < depth; i++)
        len += (size_t)snprintf(text + len, TEXT_MAX - len, "{\"a\":");
    len += (size_t)snprintf(text + len, TEXT_MAX - len, "{}");
    for (unsigned i = 1; i < depth; i++)
        len += (size_t)snprintf(text + len, TEXT_MAX - len, "}");
    return slice_make(text, len);
}

static void test_depth(void **state)
{
    char text[TEXT_MAX], out[JSON_FAULT_LEN_MAX];
    struct slice s = nested(text, JSON_DEPTH_MAX);

    (void)state;
    assert_int_equal(parse(s), ST_OK);
    text[s.len - 1] = ']'; /* the fault is told, and not the depth */
    describe(s, out);
    assert_null(strstr(out, "nested"));

    s = nested(text, JSON_DEPTH_MAX + 1);
    assert_int_equal(parse(s), ST_MALFORMED);
    describe(s, out);
    assert_string_equal(out, "line 1, column 161: nested deeper than 32 levels");
    text[s.len - 1] = ']'; /* a later fault does not hide it */
    describe(s, out);
    assert_string_equal(out, "line 1, column 161: nested deeper than 32 levels");

    memset(text, '[', TEXT_MAX); /* deeper than jansson goes too */
    describe(slice_make(text, TEXT_MAX), out);
    assert_string_equal(out, "line 1, column 33: nested deeper than 32 levels");
}

static void test_short_room(void **state)
{
    static const char want[] = "line 1, column 7: ':' expected near '}'";
    char out[sizeof(want)];
    unsigned line, column;

    (void)state;
    for (size_t len = 1; len <= sizeof(want); len++) {
        json_fault_describe(slice_of("{\"abc\"}"), out, len, &line, &column);
        assert_int_equal(strlen(out), len - 1);
        assert_memory_equal(out, want, len - 1);
        assert_int_equal(column, 7);
    }
}

static void test_zero_bytes(void **state)
{
    char out[JSON_FAULT_LEN_MAX];

    (void)state;
    describe(slice_make("\0", 1), out);
    describe(slice_make("{\"a\0b\":1}", 9), out);
    describe(slice_make("{\"a\":1}\0", 8), out);
    describe(slice_make("{\"a\":1\0}", 8), out);
    assert_string_equal(out, "line 1, column 7: a zero byte");
    describe(slice_make("{\"a\":1e400\0}", 12), out);
    assert_string_equal(out, "line 1, column 10: malformed number");
}

/* Whatever is changed in a good text: it is refused with a reason, or accepted. */
static void test_every_single_change(void **state)
{
    static const char good[] = "{\"a\": -1.5e3, \"\xC3\xA4\": [true, null], \"c\\u0041\": \"x\"}";
    char text[sizeof(good)], out[JSON_FAULT_LEN_MAX];
    size_t refused = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(good) - 1; i++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            struct slice s = {(const uint8_t *)text, sizeof(good) - 1};

            memcpy(text, good, sizeof(good));
            text[i] = (char)byte;
            if (parse(s) == ST_OK)
                continue;
            describe(s, out);
            if (strstr(out, "not accepted") != NULL)
                fail_msg("refused without a reason: byte %zu as %02x", i, byte);
            refused++;
        }
    }
    assert_true(refused > 5000);
}

static int setup(void **state)
{
    (void)leftover_setup(state);
    parser = json_parser_new(TEXT_MAX);
    return 0;
}

static int teardown(void **state)
{
    json_parser_free(&parser);
    return leftover_teardown(state);
}

#define FAULT_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAULT_TEST(test_faults),
        FAULT_TEST(test_depth),
        FAULT_TEST(test_short_room),
        FAULT_TEST(test_zero_bytes),
        FAULT_TEST(test_every_single_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
