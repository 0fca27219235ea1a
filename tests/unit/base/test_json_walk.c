/*
 * Walks through checked texts: every member at every level, keys without escapes, several walks at
 * once, depths beyond the usual one.
 */
#include "base/json_walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { TEXT_MAX = 4096, DEPTH_MAX = 64 };

static struct json_parser *parser;
static char room[TEXT_MAX + JSON_PADDING];

static int open_parser(void **state)
{
    (void)state;
    parser = json_parser_new_deep(TEXT_MAX, DEPTH_MAX);
    return 0;
}

static int close_parser(void **state)
{
    (void)state;
    json_parser_free(&parser);
    return 0;
}

static struct slice check(const char *text)
{
    struct slice value;

    (void)snprintf(room, TEXT_MAX, "%s", text);
    assert_int_equal(json_check(parser, slice_make(room, strlen(room)), &value), ST_OK);
    return value;
}

/* Writes what is in a value in a form of its own: keys behind their values' types. */
static void describe(struct slice value, struct buffer *out)
{
    struct json_walk w;
    struct json_member m;

    json_walk_start(&w, parser, value);
    while (json_walk_next(&w, &m)) {
        buffer_printf(out, "%.*s:", (int)m.key.len, (const char *)m.key.data);
        if (m.type == JSON_TYPE_OBJECT || m.type == JSON_TYPE_ARRAY) {
            buffer_append_text(out, "<");
            describe(m.value, out);
            buffer_append_text(out, ">");
        } else {
            buffer_append_slice(out, m.value);
        }
        buffer_append_text(out, " ");
    }
}

static const struct walk_case {
    const char *name, *text, *want;
} walk_cases[] = {
    {"empty object", "{}", ""},
    {"empty array", " [ ] ", ""},
    {"no container", "12", ""},
    {"text", "\"a\"", ""},
    {"members", "{\"a\":1,\"b\" : \"x\" }", "a:1 b:\"x\" "},
    {"doubled", "{\"a\":1,\"a\":2}", "a:1 a:2 "},
    {"elements", "[1, true ,null]", ":1 :true :null "},
    {"levels", "{\"a\":{\"b\":[{},[],{\"c\":1}]},\"d\":2}", "a:<b:<:<> :<> :<c:1 > > > d:2 "},
    {"escapes", "{\"\\u0061\\n\":{\"\\u00e9\":1}}", "a\n:<\xc3\xa9:1 > "},
    {"mark", "\xef\xbb\xbf{\"a\":1}", "a:1 "},
    {"large numbers", "{\"a\":123456789012345678901234567890,\"b\":{\"c\":1e999}}",
     "a:123456789012345678901234567890 b:<c:1e999 > "},
};

static void texts_are_walked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(walk_cases) / sizeof(walk_cases[0]); i++) {
        const struct walk_case *c = &walk_cases[i];
        struct buffer out = {0};

        describe(check(c->text), &out);
        buffer_append_u8(&out, 0);
        if (strcmp((const char *)out.data, c->want) != 0)
            fail_msg("%s: %s", c->name, (const char *)out.data);
        buffer_deinit(&out);
    }
}

static void a_long_key_with_escapes_keeps_them(void **state)
{
    char text[TEXT_MAX];
    struct json_walk w;
    struct json_member m;

    (void)state;
    memset(text, 'k', sizeof(text));
    memcpy(text, "{\"\\n", 4);
    memcpy(text + 400, "\":1}", 5);
    json_walk_start(&w, parser, check(text));
    assert_true(json_walk_next(&w, &m));
    assert_int_equal(m.key.len, 398);
    assert_memory_equal(m.key.data, "\\nk", 3);
    assert_false(json_walk_next(&w, &m));
    assert_false(json_walk_next(&w, &m));
}

static void deep_texts_are_walked_to_their_end(void **state)
{
    char text[TEXT_MAX] = "";
    struct slice value, found;
    struct json_walk w;
    struct json_member m;

    (void)state;
    for (unsigned i = 0; i < DEPTH_MAX; i++)
        strcat(text, "[");
    for (unsigned i = 0; i < DEPTH_MAX; i++)
        strcat(text, "]");
    found = check(text);
    for (unsigned i = 1; i < DEPTH_MAX; i++) {
        json_walk_start(&w, parser, found);
        assert_true(json_walk_next(&w, &m));
        found = m.value;
    }
    assert_int_equal(found.len, 2);
    memset(room, '[', 2 * DEPTH_MAX);
    memset(room + 2 * DEPTH_MAX, ']', 2 * DEPTH_MAX);
    assert_int_equal(json_check(parser, slice_make(room, 4 * DEPTH_MAX), &value), ST_MALFORMED);
}

static void what_is_no_json_is_refused(void **state)
{
    static const char *const bad[] = {"", "{", "{\"a\":}", "[1,]", "\xff", "{}{}"};
    struct slice value;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(room, TEXT_MAX, "%s", bad[i]);
        assert_int_equal(json_check(parser, slice_make(room, strlen(room)), &value), ST_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_walked),
        cmocka_unit_test(a_long_key_with_escapes_keeps_them),
        cmocka_unit_test(deep_texts_are_walked_to_their_end),
        cmocka_unit_test(what_is_no_json_is_refused),
    };

    return cmocka_run_group_tests(tests, open_parser, close_parser);
}
