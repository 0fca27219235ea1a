/* Reports and downlinks against a device type: what passes, what is dropped, which bytes remain. */
#include "platform/validate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "leftover.h"

#define ATTRIBUTE(id, direction, rest) \
    "{\"id\": \"" id "\", \"direction\": \"" direction "\", \"type\": " rest "}"

static const char definition[] =
    "\"attributes\": [" ATTRIBUTE("n", "both", "\"number\", \"minimum\": -5, \"maximum\": 10.5") "," ATTRIBUTE("free", "both", "\"number\"") "," ATTRIBUTE("t", "both", "\"text\"") "," ATTRIBUTE(
        "s", "both",
        "\"switch\"") "," ATTRIBUTE("o", "both",
                                    "\"object\"") "," ATTRIBUTE("l", "both",
                                                                "\"list\"") "," ATTRIBUTE("e",
                                                                                          "both",
                                                                                          "\"enum\""
                                                                                          ", "
                                                                                          "\"values"
                                                                                          "\": "
                                                                                          "[\"eco\""
                                                                                          ", 7]") "," ATTRIBUTE("up",
                                                                                                                "report",
                                                                                                                "\"number\"") "," ATTRIBUTE("down",
                                                                                                                                            "push",
                                                                                                                                            "\"number\"") "," ATTRIBUTE("own",
                                                                                                                                                                        "private",
                                                                                                                                                                        "\"number\"") "],"
                                                                                                                                                                                      "\"streams\": [{\"id\": \"bin\", \"format\": \"binary\"}, {\"id\": \"bus\", \"format\": "
                                                                                                                                                                                      "\"modbus_rtu\"}, {\"id\": \"js\", \"format\": \"json\"}, {\"id\": \"tx\", \"format\": "
                                                                                                                                                                                      "\"text\"}]}";

enum { PAYLOAD_MAX = 4096 };

struct stage {
    struct device_type *lenient, *strict;
    struct json_parser *json;
    char text[PAYLOAD_MAX + JSON_PADDING];
};

static struct device_type *make(const char *is_strict)
{
    char error[DEVICE_TYPE_ERROR_MAX];
    struct device_type *t;
    struct buffer text = {0};

    buffer_printf(&text, "{\"strict\": %s, %s", is_strict, definition);
    assert_int_equal(device_type_parse(1, 1, buffer_slice(&text), &t, error), ST_OK);
    buffer_deinit(&text);
    return t;
}

static void stage_init(struct stage *s)
{
    s->lenient = make("false");
    s->strict = make("true");
    s->json = json_parser_new(PAYLOAD_MAX);
}

static void stage_deinit(struct stage *s)
{
    device_type_unref(&s->lenient);
    device_type_unref(&s->strict);
    json_parser_free(&s->json);
}

static void check(struct stage *s, const struct device_type *t, enum validate_way way,
                  const char *payload, struct validation *out)
{
    const struct json_member *members;
    size_t len = strlen(payload), count;

    assert_true(len < PAYLOAD_MAX);
    memcpy(s->text, payload, len + 1);
    assert_int_equal(json_parse_object(s->json, slice_make(s->text, len), &members, &count), ST_OK);
    validate_attributes(t, way, members, count, out);
}

/* One member by itself: why it is dropped, in both ways and strictness; NULL: it passes. */
static const struct member_case {
    const char *member;
    const char *reported, *pushed, *strictly;
} member_cases[] = {
    {"\"n\": 1", NULL, NULL, NULL},
    {"\"n\": -5", NULL, NULL, NULL},
    {"\"n\": 10.5", NULL, NULL, NULL},
    {"\"n\": 1.05e1", NULL, NULL, NULL},
    {"\"n\": 10.500001", "it is above the maximum", "it is above the maximum",
     "it is above the maximum"},
    {"\"n\": -5.1", "it is below the minimum", "it is below the minimum",
     "it is below the minimum"},
    {"\"n\": 1e400", "it is above the maximum", "it is above the maximum",
     "it is above the maximum"},
    {"\"n\": -1e400", "it is below the minimum", "it is below the minimum",
     "it is below the minimum"},
    {"\"n\": 1e-400", NULL, NULL, NULL},
    {"\"n\": \"1\"", "it must be a number", "it must be a number", "it must be a number"},
    {"\"n\": null", "it must be a number", "it must be a number", "it must be a number"},
    {"\"free\": 123456789012345678901234567890", NULL, NULL, NULL},
    {"\"t\": \"\"", NULL, NULL, NULL},
    {"\"t\": 1", "it must be a text", "it must be a text", "it must be a text"},
    {"\"s\": true", NULL, NULL, NULL},
    {"\"s\": 0", NULL, NULL, NULL},
    {"\"s\": \"ON\"", NULL, NULL, NULL},
    {"\"s\": \"O\\u0046F\"", NULL, NULL, NULL},
    {"\"s\": \"on\"", "it must be true, false, 1, 0, \"ON\" or \"OFF\"",
     "it must be true, false, 1, 0, \"ON\" or \"OFF\"",
     "it must be true, false, 1, 0, \"ON\" or \"OFF\""},
    {"\"s\": 2", "it must be true, false, 1, 0, \"ON\" or \"OFF\"",
     "it must be true, false, 1, 0, \"ON\" or \"OFF\"",
     "it must be true, false, 1, 0, \"ON\" or \"OFF\""},
    {"\"o\": {\"deep\": [1]}", NULL, NULL, NULL},
    {"\"o\": []", "it must be an object", "it must be an object", "it must be an object"},
    {"\"l\": []", NULL, NULL, NULL},
    {"\"l\": {}", "it must be a list", "it must be a list", "it must be a list"},
    {"\"e\": \"eco\"", NULL, NULL, NULL},
    {"\"e\": 7", NULL, NULL, NULL},
    {"\"e\": \"7\"", "it is none of the values of the enum", "it is none of the values of the enum",
     "it is none of the values of the enum"},
    {"\"e\": 7.0", "it is none of the values of the enum", "it is none of the values of the enum",
     "it is none of the values of the enum"},
    {"\"up\": 1", NULL, "an application may not set it", NULL},
    {"\"down\": 1", "a device may not report it", NULL, "a device may not report it"},
    {"\"own\": 1", "a device may not report it", "an application may not set it",
     "a device may not report it"},
    {"\"other\": 1", NULL, NULL, "it is not defined"},
};

static void assert_why(const struct validation *v, const char *why)
{
    assert_int_equal(v->dropped, why != NULL);
    if (why != NULL)
        assert_string_equal(v->first_why, why);
}

static void test_members(void **state)
{
    struct stage s;

    (void)state;
    stage_init(&s);
    for (size_t i = 0; i < sizeof(member_cases) / sizeof(member_cases[0]); i++) {
        const struct member_case *c = &member_cases[i];
        struct buffer text = {0};
        struct validation v;

        buffer_printf(&text, "{%s}%c", c->member, '\0');
        check(&s, s.lenient, VALIDATE_REPORT, (const char *)text.data, &v);
        assert_why(&v, c->reported);
        validation_deinit(&v);
        check(&s, s.lenient, VALIDATE_PUSH, (const char *)text.data, &v);
        assert_why(&v, c->pushed);
        validation_deinit(&v);
        check(&s, s.strict, VALIDATE_REPORT, (const char *)text.data, &v);
        assert_why(&v, c->strictly);
        validation_deinit(&v);
        buffer_deinit(&text);
    }
    stage_deinit(&s);
}

/* open-api 4, 5: what the cloud keeps to itself is set without the device, and nothing else. */
static const struct written_case {
    const char *member, *why, *strictly;
} written_cases[] = {
    {"\"own\": 1", NULL, NULL},
    {"\"own\": \"x\"", "it must be a number", "it must be a number"},
    {"\"n\": 1", "only private attributes are set without the device",
     "only private attributes are set without the device"},
    {"\"up\": 1", "only private attributes are set without the device",
     "only private attributes are set without the device"},
    {"\"down\": 1", "only private attributes are set without the device",
     "only private attributes are set without the device"},
    {"\"other\": 1", NULL, "it is not defined"},
};

static void test_written_members(void **state)
{
    struct stage s;

    (void)state;
    stage_init(&s);
    for (size_t i = 0; i < sizeof(written_cases) / sizeof(written_cases[0]); i++) {
        const struct written_case *c = &written_cases[i];
        struct buffer text = {0};
        struct validation v;

        buffer_printf(&text, "{%s}%c", c->member, '\0');
        check(&s, s.lenient, VALIDATE_WRITE, (const char *)text.data, &v);
        assert_why(&v, c->why);
        validation_deinit(&v);
        check(&s, s.strict, VALIDATE_WRITE, (const char *)text.data, &v);
        assert_why(&v, c->strictly);
        validation_deinit(&v);
        buffer_deinit(&text);
    }
    stage_deinit(&s);
}

static const struct rest_case {
    const char *payload, *rest, *described;
    size_t kept, dropped;
} rest_cases[] = {
    {"{}", "", NULL, 0, 0},
    {"{ \"n\" : 1 , \"x\":2}", "", NULL, 2, 0},
    {"{\"n\": 99}", "{}", "attribute \"n\": it is above the maximum", 0, 1},
    {"{\"a\" : 1.50, \"n\": 99, \"b\": [ 1 ]}", "{\"a\": 1.50, \"b\": [ 1 ]}",
     "attribute \"n\": it is above the maximum", 2, 1},
    {"{\"n\": 99, \"q\\\"\": \"x\", \"t\": 1, \"s\": 1}", "{\"q\\\"\": \"x\", \"s\": 1}",
     "attribute \"n\": it is above the maximum (and 1 more)", 2, 2},
    {"{\"x\": 1, \"t\": 5, \"n\": 99, \"s\": 3}", "{\"x\": 1}",
     "attribute \"t\": it must be a text (and 2 more)", 1, 3},
};

static void test_what_remains(void **state)
{
    struct stage s;

    (void)state;
    stage_init(&s);
    for (size_t i = 0; i < sizeof(rest_cases) / sizeof(rest_cases[0]); i++) {
        const struct rest_case *c = &rest_cases[i];
        char why[VALIDATE_WHY_MAX];
        struct validation v;

        check(&s, s.lenient, VALIDATE_REPORT, c->payload, &v);
        assert_int_equal(v.kept, c->kept);
        assert_int_equal(v.dropped, c->dropped);
        assert_true(slice_is(buffer_slice(&v.rewritten), c->rest));
        if (c->described != NULL) {
            validation_describe(&v, "attribute", why);
            assert_string_equal(why, c->described);
        }
        validation_deinit(&v);
    }
    stage_deinit(&s);
}

static void test_params(void **state)
{
    static const char text[] = "{\"commands\": [{\"id\": \"c\", \"params\": [{\"id\": \"x\", "
                               "\"type\": \"number\"}]}]}";
    char error[DEVICE_TYPE_ERROR_MAX];
    const struct json_member *members;
    struct validation v;
    struct device_type *t;
    struct stage s;
    size_t count;

    (void)state;
    stage_init(&s);
    assert_int_equal(device_type_parse(1, 1, slice_of(text), &t, error), ST_OK);
    memcpy(s.text, "{\"x\":\"1\",\"y\":2}", sizeof("{\"x\":\"1\",\"y\":2}"));
    assert_int_equal(
        json_parse_object(s.json, slice_make(s.text, strlen(s.text)), &members, &count), ST_OK);
    validate_params(&t->commands.items[0].params, false, members, count, &v);
    assert_true(slice_is(buffer_slice(&v.rewritten), "{\"y\": 2}"));
    validation_deinit(&v);
    validate_params(&t->commands.items[0].params, true, members, count, &v);
    assert_int_equal(v.dropped, 2);
    validation_deinit(&v);
    device_type_unref(&t);
    stage_deinit(&s);
}

/* Frames and their CRC: read holding registers, example of the Modbus specification over serial
 * line, and the same with one bit turned. */
static const struct data_case {
    const char *stream, *bytes;
    size_t len;
    const char *lenient, *strictly;
} data_cases[] = {
    {"bin", "\xFF\x00", 2, NULL, NULL},
    {"bus", "\x01\x03\x00\x00\x00\x01\x84\x0A", 8, NULL, NULL},
    {"bus", "\x01\x03\x00\x00\x00\x01\x84\x0B", 8, "the CRC of the Modbus RTU frame is wrong",
     "the CRC of the Modbus RTU frame is wrong"},
    {"bus", "\x01\x03\x00", 3, "too short for a Modbus RTU frame",
     "too short for a Modbus RTU frame"},
    {"js", "[1, 2]", 6, NULL, NULL},
    {"js", "{\"a\":1}", 7, NULL, NULL},
    {"js", "{\"a\":}", 6, "the payload is not JSON", "the payload is not JSON"},
    {"tx", "\xC3\xA4", 2, NULL, NULL},
    {"tx", "\xC3", 1, "the payload is not UTF-8", "the payload is not UTF-8"},
    {"other", "\xC3", 1, NULL, "the stream is not defined"},
};

static void assert_text(const char *found, const char *wanted)
{
    if (wanted == NULL)
        assert_null(found);
    else
        assert_string_equal(found, wanted);
}

static void test_data(void **state)
{
    struct stage s;

    (void)state;
    stage_init(&s);
    for (size_t i = 0; i < sizeof(data_cases) / sizeof(data_cases[0]); i++) {
        const struct data_case *c = &data_cases[i];
        struct slice payload = slice_make(s.text, c->len);

        memset(s.text, 0, sizeof(s.text));
        memcpy(s.text, c->bytes, c->len);
        assert_text(validate_data(s.lenient, slice_of(c->stream), payload, s.json), c->lenient);
        assert_text(validate_data(s.strict, slice_of(c->stream), payload, s.json), c->strictly);
    }
    stage_deinit(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(test_members),      LEFTOVER_TEST(test_written_members),
        LEFTOVER_TEST(test_what_remains), LEFTOVER_TEST(test_params),
        LEFTOVER_TEST(test_data),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
