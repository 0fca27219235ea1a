/* The form of commands, replies and events; a command with an identifier added. */
#include "platform/command_form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "leftover.h"

enum { TEXT_MAX = 4096 };

#define A64  "0123456789012345678901234567890123456789012345678901234567890123"
#define A256 A64 A64 A64 A64

enum { C = 1 << COMMAND_FORM_COMMAND, R = 1 << COMMAND_FORM_REPLY, E = 1 << COMMAND_FORM_EVENT };

static const struct form_case {
    const char *name, *text;
    unsigned good;                    /* the kinds for which it is right */
    const char *method, *id, *params; /* NULL: none; `id` for commands and replies */
} form_cases[] = {
    {"all members", "{\"method\":\"open\",\"params\":{\"a\":1},\"id\":7}", C | R | E, "open", "7",
     "{\"a\":1}"},
    {"no id", "{\"method\":\"open\",\"params\":{}}", C | R | E, "open", NULL, "{}"},
    {"no params", "{\"method\":\"open\",\"id\":\"x\"}", C | R | E, "open", "\"x\"", NULL},
    {"method alone", "{\"method\":\"open\"}", C | R | E, "open", NULL, NULL},
    {"params of any type", "{\"method\":\"open\",\"params\":[1]}", C | R | E, "open", NULL, "[1]"},
    {"params null", "{\"method\":\"open\",\"params\":null}", C | R | E, "open", NULL, "null"},
    {"other order, other members", "{\"x\":0,\"id\":1,\"params\":2,\"method\":\"m\",\"y\":0}",
     C | R | E, "m", "1", "2"},
    {"doubled keys: the last", "{\"method\":1,\"params\":1,\"method\":\"m\",\"params\":2}",
     C | R | E, "m", NULL, "2"},
    {"method with escapes", "{\"method\":\"\\u006fpen\",\"params\":1}", C | R | E, "open", NULL,
     "1"},
    {"the longest method", "{\"method\":\"" A256 "\",\"params\":1}", C | R | E, A256, NULL, "1"},
    {"method too long", "{\"method\":\"" A256 "x\",\"params\":1}", 0, NULL, NULL, NULL},
    {"empty method", "{\"method\":\"\",\"params\":1}", 0, NULL, NULL, NULL},
    {"method a number", "{\"method\":1,\"params\":1}", 0, NULL, NULL, NULL},
    {"no method", "{\"params\":1,\"id\":1}", 0, NULL, NULL, NULL},
    {"nothing", "{}", 0, NULL, NULL, NULL},
    {"id negative", "{\"method\":\"m\",\"params\":1,\"id\":-5}", C | R | E, "m", "-5", "1"},
    {"id of 64 bytes", "{\"method\":\"m\",\"params\":1,\"id\":\"" A64 "\"}", C | R | E, "m",
     "\"" A64 "\"", "1"},
    {"id of 65 bytes", "{\"method\":\"m\",\"params\":1,\"id\":\"" A64 "x\"}", E, "m", NULL, "1"},
    {"id empty", "{\"method\":\"m\",\"params\":1,\"id\":\"\"}", E, "m", NULL, "1"},
    {"id a fraction", "{\"method\":\"m\",\"params\":1,\"id\":1.5}", E, "m", NULL, "1"},
    {"id beyond 64 bits", "{\"method\":\"m\",\"params\":1,\"id\":9223372036854775808}", E, "m",
     NULL, "1"},
    {"id null", "{\"method\":\"m\",\"params\":1,\"id\":null}", E, "m", NULL, "1"},
    {"id an object", "{\"method\":\"m\",\"params\":1,\"id\":{}}", E, "m", NULL, "1"},
};

static void assert_member(const struct json_member *m, const char *want)
{
    if (want == NULL) {
        assert_null(m);
    } else {
        assert_non_null(m);
        assert_true(slice_is(m->value, want));
    }
}

static void check(const struct form_case *c, enum command_form_kind kind,
                  const struct json_member *members, size_t count)
{
    struct command_form form;
    const char *why = "unset";
    bool good = (c->good & 1u << kind) != 0;

    assert_int_equal(command_form_check(kind, members, count, &form, &why),
                     good ? ST_OK : ST_INVALID);
    assert_int_equal(why == NULL, good);
    if (!good)
        return;
    assert_true(slice_is(command_form_method(&form), c->method));
    assert_member(form.params, c->params);
    assert_member(form.id, kind == COMMAND_FORM_EVENT ? NULL : c->id);
}

static void test_check(void **state)
{
    struct json_parser *p = json_parser_new(TEXT_MAX);

    (void)state;
    for (size_t i = 0; i < sizeof(form_cases) / sizeof(*form_cases); i++) {
        const struct json_member *members;
        size_t count;

        print_message("%s\n", form_cases[i].name);
        assert_int_equal(
            json_parse_object_unpadded(p, slice_of(form_cases[i].text), &members, &count), ST_OK);
        check(&form_cases[i], COMMAND_FORM_COMMAND, members, count);
        check(&form_cases[i], COMMAND_FORM_REPLY, members, count);
        check(&form_cases[i], COMMAND_FORM_EVENT, members, count);
    }
    json_parser_free(&p);
}

static void test_reasons_name_the_member(void **state)
{
    static const struct {
        const char *text, *member;
    } cases[] = {
        {"{}", "\"method\""},
        {"{\"method\":5}", "\"method\""},
        {"{\"method\":\"m\",\"params\":1,\"id\":[]}", "\"id\""},
    };
    struct json_parser *p = json_parser_new(TEXT_MAX);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct json_member *members;
        struct command_form form;
        const char *why;
        size_t count;

        assert_int_equal(json_parse_object_unpadded(p, slice_of(cases[i].text), &members, &count),
                         ST_OK);
        assert_int_equal(command_form_check(COMMAND_FORM_REPLY, members, count, &form, &why),
                         ST_INVALID);
        assert_non_null(strstr(why, cases[i].member));
    }
    json_parser_free(&p);
}

static const struct append_case {
    const char *name, *payload;
    int64_t id;
    const char *want;
} append_cases[] = {
    {"plain", "{\"method\": \"open\"}", 5, "{\"method\": \"open\", \"id\": 5}"},
    {"dense", "{\"method\":\"open\",\"params\":{}}", 5,
     "{\"method\":\"open\",\"params\":{}, \"id\": 5}"},
    {"white space before the brace", "{\n  \"method\": \"open\"\n}", 5,
     "{\n  \"method\": \"open\", \"id\": 5\n}"},
    {"white space at the ends", " \t{\"method\":\"open\" } \r\n", 5,
     " \t{\"method\":\"open\", \"id\": 5 } \r\n"},
    {"byte order mark", "\xEF\xBB\xBF{\"method\":\"open\"}", 5,
     "\xEF\xBB\xBF{\"method\":\"open\", \"id\": 5}"},
    {"braces in strings", "{\"method\":\"}\",\"params\":\"{\"}", 5,
     "{\"method\":\"}\",\"params\":\"{\", \"id\": 5}"},
    {"empty object", "{}", 5, "{\"id\": 5}"},
    {"empty object with white space", "{ \n}", 5, "{\"id\": 5 \n}"},
    {"largest", "{\"a\":1}", INT64_MAX, "{\"a\":1, \"id\": 9223372036854775807}"},
    {"smallest", "{\"a\":1}", INT64_MIN, "{\"a\":1, \"id\": -9223372036854775808}"},
};

static void test_append_id(void **state)
{
    struct json_parser *p = json_parser_new(TEXT_MAX);

    (void)state;
    for (size_t i = 0; i < sizeof(append_cases) / sizeof(*append_cases); i++) {
        const struct append_case *c = &append_cases[i];
        const struct json_member *members;
        struct command_id given = {0};
        struct buffer b = {0};
        int64_t id;
        size_t count;

        print_message("%s\n", c->name);
        given.len = (uint8_t)snprintf(given.text, sizeof(given.text), "%lld", (long long)c->id);
        buffer_append_text(&b, "before");
        command_form_append_id(slice_of(c->payload), &given, &b);
        buffer_consume(&b, strlen("before"));
        assert_true(slice_is(buffer_slice(&b), c->want));
        assert_int_equal(json_parse_object_unpadded(p, buffer_slice(&b), &members, &count), ST_OK);
        assert_true(slice_is(members[count - 1].key, "id"));
        assert_int_equal(json_member_int64(&members[count - 1], &id), ST_OK);
        assert_true(id == c->id);
        buffer_deinit(&b);
    }
    json_parser_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(test_check),
        LEFTOVER_TEST(test_reasons_name_the_member),
        LEFTOVER_TEST(test_append_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
