/*
 * Lists of origins: what people write, what browsers say.
 */
#include "platform/web_origin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "leftover.h"

static const struct list_case {
    const char *name, *text, *want; /* NULL: the first entry is none */
} list_cases[] = {
    {"none", "", ""},
    {"nothing but separators", " ,\t\n,, ", ""},
    {"one", "https://example.com", "https://example.com"},
    {"several", "https://a.example,http://b.example:8080\nnull",
     "https://a.example http://b.example:8080 null"},
    {"capital letters", "HTTPS://Shop.Example", "https://shop.example"},
    {"a slash at the end", "https://example.com/", "https://example.com"},
    {"default ports", "https://example.com:443 http://example.com:80/",
     "https://example.com http://example.com"},
    {"the other default ports", "https://example.com:80 http://example.com:443",
     "https://example.com:80 http://example.com:443"},
    {"an address", "http://192.0.2.1:3000 http://[2001:DB8::1]:3000 http://[::1]",
     "http://192.0.2.1:3000 http://[2001:db8::1]:3000 http://[::1]"},
    {"another scheme", "capacitor://localhost my-app://x", "capacitor://localhost my-app://x"},
    {"a host alone", "example.com", NULL},
    {"no host", "https://", NULL},
    {"a path", "https://example.com/page", NULL},
    {"a query", "https://example.com?x", NULL},
    {"a user", "https://me@example.com", NULL},
    {"a wildcard", "https://*.example.com", NULL},
    {"no port", "https://example.com:", NULL},
    {"port 0", "https://example.com:0", NULL},
    {"port 65535", "https://example.com:65535", "https://example.com:65535"},
    {"port 65536", "https://example.com:65536", NULL},
    {"port of six digits", "https://example.com:000443", NULL},
    {"port of letters", "https://example.com:8o", NULL},
    {"an open bracket", "http://[::1", NULL},
    {"empty brackets", "http://[]", NULL},
    {"no scheme", "://example.com", NULL},
    {"a scheme of digits", "1://example.com", NULL},
    {"not ASCII", "https://ex\xc3\xa4mple.com", NULL},
};

static void lists(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof(list_cases) / sizeof(list_cases[0]); i++) {
        const struct list_case *c = &list_cases[i];
        char out[WEB_ORIGIN_LIST_MAX + 1] = "untouched";
        char again[WEB_ORIGIN_LIST_MAX + 1];
        struct slice word;
        enum status st = web_origin_list_make(slice_of(c->text), out, &word);

        print_message("  %s\n", c->name);
        if (c->want == NULL) {
            assert_int_equal(st, ST_INVALID);
            assert_true(slice_is(word, c->text));
            assert_string_equal(out, "untouched");
            continue;
        }
        assert_int_equal(st, ST_OK);
        assert_string_equal(out, c->want);
        assert_int_equal(web_origin_list_make(slice_of(out), again, &word), ST_OK);
        assert_string_equal(again, out);
    }
}

static void the_entry_at_fault_is_named(void **state)
{
    char out[WEB_ORIGIN_LIST_MAX + 1];
    struct slice word;

    (void)state;
    assert_int_equal(
        web_origin_list_make(slice_of("https://a.example b.example https://c.example"), out, &word),
        ST_INVALID);
    assert_true(slice_is(word, "b.example"));
}

static void a_list_has_an_end(void **state)
{
    static const char entry[] = "https://a.example "; /* 18 bytes */
    char out[WEB_ORIGIN_LIST_MAX + 1];
    struct buffer text = {0};
    struct slice word;

    (void)state;
    for (unsigned i = 0; i < 113; i++)
        buffer_append_text(&text, entry);
    buffer_append_text(&text, "https://a.exam");
    assert_int_equal(text.len, WEB_ORIGIN_LIST_MAX);
    assert_int_equal(web_origin_list_make(buffer_slice(&text), out, &word), ST_OK);
    assert_int_equal(strlen(out), WEB_ORIGIN_LIST_MAX);
    buffer_append_u8(&text, 'p');
    assert_int_equal(web_origin_list_make(buffer_slice(&text), out, &word), ST_TOO_LARGE);
    buffer_deinit(&text);
}

static void what_is_in_a_list(void **state)
{
    struct slice list = slice_of("https://a.example http://b.example:8080 null");

    (void)state;
    assert_true(web_origin_list_has(list, slice_of("https://a.example")));
    assert_true(web_origin_list_has(list, slice_of("http://b.example:8080")));
    assert_true(web_origin_list_has(list, slice_of("null")));
    assert_false(web_origin_list_has(list, slice_of("http://a.example")));
    assert_false(web_origin_list_has(list, slice_of("https://a.example:8080")));
    assert_false(web_origin_list_has(list, slice_of("https://a.example.org")));
    assert_false(web_origin_list_has(list, slice_of("http://b.example")));
    assert_false(web_origin_list_has(list, slice_of("a.example")));
    assert_false(web_origin_list_has(list, slice_of("")));
    assert_false(web_origin_list_has(slice_of(""), slice_of("https://a.example")));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(lists),
        LEFTOVER_TEST(the_entry_at_fault_is_named),
        LEFTOVER_TEST(a_list_has_an_end),
        LEFTOVER_TEST(what_is_in_a_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
