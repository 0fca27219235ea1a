/* The console's files: which form, which tags, which promises to caches. */
#include "http/static_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "leftover.h"

static const struct static_file files[] = {
    {"/index.html",
     "text/html; charset=utf-8",
     "0123456789abcdef",
     false,
     {(const uint8_t *)"<!doctype html>", 15},
     {(const uint8_t *)"packed page", 11}},
    {"/assets/index-a1b2.js",
     "text/javascript; charset=utf-8",
     "fedcba9876543210",
     true,
     {(const uint8_t *)"let a;", 6},
     {NULL, 0}},
};

struct asked {
    const char *accept, *known;
};

static const char *find_header(const void *arg, const char *name)
{
    const struct asked *asked = arg;

    if (strcmp(name, "Accept-Encoding") == 0)
        return asked->accept;
    return strcmp(name, "If-None-Match") == 0 ? asked->known : NULL;
}

static struct http_response ask(enum http_method method, const char *path, const char *accept,
                                const char *known)
{
    const struct asked asked = {accept, known};
    const struct http_request q = {
        .method = method, .path = slice_of(path), .find_header = find_header, .headers = &asked};
    struct http_response a = {0};

    static_files_use(files, sizeof(files) / sizeof(files[0]));
    static_files_answer(&q, &a);
    return a;
}

static const struct serve_case {
    const char *name, *path, *accept, *known;
    unsigned status;
    const char *body, *tag, *cache;
} serve_cases[] = {
    {"the page", "/", NULL, NULL, 200, "<!doctype html>", "\"0123456789abcdef\"", "no-cache"},
    {"by its name", "/index.html", NULL, NULL, 200, "<!doctype html>", "\"0123456789abcdef\"",
     "no-cache"},
    {"packed", "/", "gzip, br", NULL, 200, "packed page", "\"0123456789abcdef-gz\"", "no-cache"},
    {"not worth packing", "/assets/index-a1b2.js", "gzip", NULL, 200, "let a;",
     "\"fedcba9876543210\"", "public, max-age=31536000, immutable"},
    {"known", "/", NULL, "\"0123456789abcdef\"", 304, "", "\"0123456789abcdef\"", "no-cache"},
    {"known packed", "/", "gzip", "W/\"0123456789abcdef-gz\"", 304, "", "\"0123456789abcdef-gz\"",
     "no-cache"},
    {"known in the other form", "/", "gzip", "\"0123456789abcdef\"", 200, "packed page",
     "\"0123456789abcdef-gz\"", "no-cache"},
    {"nothing there", "/assets/", NULL, NULL, 0, "", NULL, NULL},
    {"a name and more", "/index.html/", NULL, NULL, 0, "", NULL, NULL},
    {"a way out", "/../index.html", NULL, NULL, 0, "", NULL, NULL},
};

static void test_serve(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(serve_cases) / sizeof(serve_cases[0]); i++) {
        const struct serve_case *c = &serve_cases[i];
        struct http_response a = ask(HTTP_METHOD_GET, c->path, c->accept, c->known);
        bool is_packed = c->status == 200 && strncmp(c->body, "packed", 6) == 0;

        print_message("  %s\n", c->name);
        assert_int_equal(a.status, c->status);
        assert_true(slice_is(a.fixed, c->body));
        assert_int_equal(a.body.len, 0);
        if (c->tag == NULL) {
            assert_null(http_response_find_header(&a, "ETag"));
        } else {
            assert_string_equal(http_response_find_header(&a, "ETag"), c->tag);
            assert_string_equal(http_response_find_header(&a, "Cache-Control"), c->cache);
            assert_string_equal(http_response_find_header(&a, "Vary"), "Accept-Encoding");
        }
        assert_int_equal(http_response_find_header(&a, "Content-Encoding") != NULL, is_packed);
        http_response_deinit(&a);
    }
}

static void test_options(void **state)
{
    struct http_response a = ask(HTTP_METHOD_OPTIONS, "/index.html", NULL, NULL);

    (void)state;
    assert_int_equal(a.status, 204);
    assert_string_equal(http_response_find_header(&a, "Allow"), "GET, HEAD, OPTIONS");
    assert_int_equal(a.fixed.len, 0);
    http_response_deinit(&a);
}

/* Scripts from elsewhere, inline ones and foreign frames are what the policy is against. */
static void test_policy(void **state)
{
    struct http_response a = ask(HTTP_METHOD_GET, "/", NULL, NULL);
    const char *policy = http_response_find_header(&a, "Content-Security-Policy");

    (void)state;
    assert_non_null(policy);
    assert_non_null(strstr(policy, "default-src 'none'"));
    assert_non_null(strstr(policy, "script-src 'self';"));
    assert_non_null(strstr(policy, "style-src 'self';"));
    assert_non_null(strstr(policy, "frame-ancestors 'none'"));
    assert_null(strstr(policy, "unsafe"));
    http_response_deinit(&a);
}

static const struct accept_case {
    const char *accept;
    bool takes;
} accept_cases[] = {
    {NULL, false},
    {"", false},
    {"gzip", true},
    {"GZIP", true},
    {"br;q=1.0, gzip;q=0.8", true},
    {" deflate ,\tgzip ", true},
    {"gzip;q=0", false},
    {"gzip; q=0.00", false},
    {"gzip;q=0.01", true},
    {"xgzip", false},
    {"identity", false},
    {",,;;,", false},
};

static void test_accept(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(accept_cases) / sizeof(accept_cases[0]); i++) {
        print_message("  %s\n", accept_cases[i].accept == NULL ? "-" : accept_cases[i].accept);
        assert_int_equal(static_files_takes_gzip(accept_cases[i].accept), accept_cases[i].takes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(test_serve),
        LEFTOVER_TEST(test_options),
        LEFTOVER_TEST(test_policy),
        LEFTOVER_TEST(test_accept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
