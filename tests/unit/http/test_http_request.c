/* What strangers write into targets and headers: tables of texts and what they mean. */
#include "http/http_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <strings.h>

#include "leftover.h"

/* Headers as pairs of name and value, ended by NULL. */
static const char *find_header(const void *arg, const char *name)
{
    for (const char *const *h = arg; h != NULL && h[0] != NULL; h += 2) {
        if (strcasecmp(h[0], name) == 0)
            return h[1];
    }
    return NULL;
}

static struct http_request request(const char *query, const char *const *headers)
{
    return (struct http_request){.method = HTTP_METHOD_GET,
                                 .query = slice_of(query),
                                 .find_header = find_header,
                                 .headers = headers};
}

static void methods_have_names(void **state)
{
    (void)state;
    for (unsigned m = 0; m < HTTP_METHOD_COUNT; m++)
        assert_int_equal(http_method_parse(http_method_name((enum http_method)m)), m);
    assert_int_equal(http_method_parse("get"), HTTP_METHOD_COUNT);
    assert_int_equal(http_method_parse(""), HTTP_METHOD_COUNT);
    assert_true(http_method_is_safe(HTTP_METHOD_GET));
    assert_false(http_method_is_safe(HTTP_METHOD_PATCH));
}

static const struct decode_case {
    const char *text;
    bool plus_is_space;
    enum status want;
    const char *decoded;
} decode_cases[] = {
    {"", false, ST_OK, ""},
    {"abc", false, ST_OK, "abc"},
    {"a+b", false, ST_OK, "a+b"},
    {"a+b", true, ST_OK, "a b"},
    {"a%2Bb%2f", true, ST_OK, "a+b/"},
    {"%E4%BA%AC", false, ST_OK, "\xE4\xBA\xAC"},
    {"%", false, ST_MALFORMED, ""},
    {"%4", false, ST_MALFORMED, ""},
    {"%4g", false, ST_MALFORMED, ""},
    {"%00", false, ST_MALFORMED, ""},
    {"%0a", false, ST_MALFORMED, ""},
    {"%7F", false, ST_MALFORMED, ""},
    {"%C3", false, ST_MALFORMED, ""},
    {"%ED%A0%80", false, ST_MALFORMED, ""},
    {"12345678", false, ST_OK, "12345678"},
    {"123456789", false, ST_TOO_LARGE, ""},
};

static void percent_encoding_is_undone(void **state)
{
    enum { ROOM = 8 };
    char out[ROOM + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(decode_cases) / sizeof(decode_cases[0]); i++) {
        const struct decode_case *c = &decode_cases[i];

        if (http_request_decode(slice_of(c->text), c->plus_is_space, out, ROOM) != c->want)
            fail_msg("%s", c->text);
        if (c->want == ST_OK)
            assert_string_equal(out, c->decoded);
    }
}

static void queries_are_looked_up_by_name(void **state)
{
    struct http_request q = request("a=1&b=x%20y&&=z&c&a=2&d%65=3&bad=%zz", NULL);
    struct slice rest = q.query;
    char out[16];

    (void)state;
    assert_int_equal(http_request_query(&q, "a", out, 15), ST_OK);
    assert_string_equal(out, "2"); /* of doubled ones the last */
    assert_int_equal(http_request_query(&q, "b", out, 15), ST_OK);
    assert_string_equal(out, "x y");
    assert_int_equal(http_request_query(&q, "c", out, 15), ST_OK);
    assert_string_equal(out, "");
    assert_int_equal(http_request_query(&q, "de", out, 15), ST_OK);
    assert_int_equal(http_request_query(&q, "none", out, 15), ST_NOT_FOUND);
    assert_int_equal(http_request_query(&q, "bad", out, 15), ST_MALFORMED);
    for (const char *const *want = (const char *const[]){"a", "b", "c", "a", "de", "bad", NULL};
         *want != NULL; want++) {
        assert_true(http_request_next_name(&rest, out, 15));
        assert_string_equal(out, *want);
    }
    assert_false(http_request_next_name(&rest, out, 15));
    rest = slice_of("%zz=1");
    assert_true(http_request_next_name(&rest, out, 15));
    assert_string_equal(out, "?");
}

static const struct cookie_case {
    const char *header, *value;
} cookie_cases[] = {
    {"id=1", "1"},
    {"a=2; id=1; b=3", "1"},
    {"id=\"1\"", "1"},
    {"id = 1 ;x", "1"},
    {"xid=1", ""},
    {"id", ""},
    {"", ""},
    {";;;", ""},
    {"other=id=1; id=2", "2"},
    {"id=", ""},
    {"ID=1", ""},
    {"id=\"", "\""},
};

static void cookies_are_looked_up_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cookie_cases) / sizeof(cookie_cases[0]); i++) {
        const char *headers[] = {"cookie", cookie_cases[i].header, NULL};
        struct http_request q = request("", headers);

        if (!slice_is(http_request_cookie(&q, "id"), cookie_cases[i].value))
            fail_msg("%s", cookie_cases[i].header);
    }
}

static const struct bearer_case {
    const char *header, *token;
} bearer_cases[] = {
    {"Bearer x.y", "x.y"}, {"bearer  x ", "x"}, {"Bearer", ""},
    {"Bearer ", ""},       {"Basic x", ""},     {"", ""},
};

static void bearer_tokens_are_taken_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bearer_cases) / sizeof(bearer_cases[0]); i++) {
        const char *headers[] = {"Authorization", bearer_cases[i].header, NULL};
        struct http_request q = request("", headers);

        if (!slice_is(http_request_bearer(&q), bearer_cases[i].token))
            fail_msg("%s", bearer_cases[i].header);
    }
}

static void media_types_are_compared_without_parameters(void **state)
{
    const char *with[] = {"Content-Type", "Application/JSON ; charset=utf-8", NULL};
    const char *other[] = {"Content-Type", "application/jsonp", NULL};
    struct http_request q = request("", with);

    (void)state;
    assert_true(http_request_has_type(&q, "application/json"));
    q.headers = other;
    assert_false(http_request_has_type(&q, "application/json"));
    q.headers = NULL;
    assert_false(http_request_has_type(&q, "application/json"));
}

static void lists_of_entity_tags_are_searched(void **state)
{
    (void)state;
    assert_true(http_request_etag_matches("\"a\"", "\"a\""));
    assert_true(http_request_etag_matches("\"b\" , W/\"a\"", "\"a\""));
    assert_true(http_request_etag_matches("*", "\"a\""));
    assert_false(http_request_etag_matches("\"b\"", "\"a\""));
    assert_false(http_request_etag_matches("", "\"a\""));
    assert_false(http_request_etag_matches("a", "\"a\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(methods_have_names),
        LEFTOVER_TEST(percent_encoding_is_undone),
        LEFTOVER_TEST(queries_are_looked_up_by_name),
        LEFTOVER_TEST(cookies_are_looked_up_by_name),
        LEFTOVER_TEST(bearer_tokens_are_taken_out),
        LEFTOVER_TEST(media_types_are_compared_without_parameters),
        LEFTOVER_TEST(lists_of_entity_tags_are_searched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
