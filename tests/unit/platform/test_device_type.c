/* Definitions of device types: what is read from them, and what is refused with which words. */
#include "platform/device_type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "leftover.h"

static const char whole[] =
    "{\"strict\": true, \"cloud_response\": true, \"max_rate\": 20,"
    " \"offline_delay\": 30, \"attributes\": ["
    "  {\"id\": \"temperature\", \"name\": \"Temperature\", \"direction\": \"report\","
    "   \"type\": \"number\", \"unit\": \"C\", \"precision\": 1, \"minimum\": -40, \"maximum\": "
    "125.5},"
    "  {\"id\": \"mode\", \"direction\": \"both\", \"type\": \"enum\", \"values\": [\"eco\", 7]},"
    "  {\"id\": \"secret\", \"direction\": \"private\", \"type\": \"text\"}],"
    " \"events\": [{\"id\": \"overheat\", \"params\": [{\"id\": \"by\", \"type\": \"number\"}]}],"
    " \"commands\": [{\"id\": \"reboot\", \"params\": [{\"id\": \"after\", \"type\": \"number\"}],"
    "                 \"reply\": [{\"id\": \"done\", \"type\": \"switch\"}]}],"
    " \"streams\": [{\"id\": \"bus\", \"format\": \"modbus_rtu\", \"publish_topic\": \"m/{sn}/up\","
    " \"subscribe_topic\": \"{sn}/down\"}]}";

static struct device_type *read_type(const char *text)
{
    char error[DEVICE_TYPE_ERROR_MAX];
    struct device_type *t;

    assert_int_equal(device_type_parse(3, 5, slice_of(text), &t, error), ST_OK);
    assert_string_equal(error, "");
    return t;
}

static void test_all_members(void **state)
{
    struct device_type *t = read_type(whole);
    const struct type_attribute *a = device_type_find_attribute(t, slice_of("temperature"));
    const struct type_method *m;

    (void)state;
    assert_true(t->type_id == 3 && t->project_id == 5);
    assert_true(t->strict && t->cloud_response && t->has_offline_delay);
    assert_int_equal(t->max_rate, 20);
    assert_int_equal(t->offline_delay_ms, 30000);
    assert_int_equal(t->attribute_count, 3);
    assert_non_null(a);
    assert_int_equal(a->direction, ATTRIBUTE_REPORT);
    assert_int_equal(a->field.type, FIELD_NUMBER);
    assert_true(a->field.has_minimum && a->field.minimum == -40.0);
    assert_true(a->field.has_maximum && a->field.maximum == 125.5);
    a = device_type_find_attribute(t, slice_of("mode"));
    assert_int_equal(a->field.choice_count, 2);
    assert_true(a->field.choices[0].is_text && slice_is(a->field.choices[0].text, "eco"));
    assert_true(!a->field.choices[1].is_text && a->field.choices[1].number == 7);
    assert_null(device_type_find_attribute(t, slice_of("mod")));
    assert_non_null(device_type_find_event(t, slice_of("overheat")));
    assert_null(device_type_find_event(t, slice_of("reboot")));
    m = device_type_find_command(t, slice_of("reboot"));
    assert_non_null(type_fields_find(&m->params, slice_of("after")));
    assert_non_null(type_fields_find(&m->reply, slice_of("done")));
    assert_null(type_fields_find(&m->reply, slice_of("after")));
    assert_int_equal(device_type_find_stream(t, slice_of("bus"))->format, STREAM_MODBUS_RTU);
    assert_true(topic_template_matches(&device_type_find_stream(t, slice_of("bus"))->publish_topic,
                                       slice_of("7"), slice_of("m/7/up")));
    assert_true(
        topic_template_matches(&device_type_find_stream(t, slice_of("bus"))->subscribe_topic,
                               slice_of("7"), slice_of("7/down")));
    device_type_unref(&t);
}

static void test_nothing_is_needed(void **state)
{
    struct device_type *t = read_type("{}");

    (void)state;
    assert_true(!t->strict && !t->cloud_response && !t->has_offline_delay && t->max_rate == 0);
    assert_null(device_type_find_attribute(t, slice_of("")));
    assert_null(device_type_find_stream(t, slice_of("s")));
    device_type_unref(&t);
}

static void test_references(void **state)
{
    struct device_type *t = read_type(whole), *second = device_type_ref(t);

    (void)state;
    device_type_unref(&t);
    assert_null(t);
    assert_non_null(device_type_find_attribute(second, slice_of("mode")));
    device_type_unref(&second);
    device_type_unref(&second); /* an empty pointer is accepted */
}

#define ATTRIBUTE(rest) "{\"attributes\": [{\"id\": \"a\", \"direction\": \"both\", " rest "}]}"
#define A65             "01234567890123456789012345678901234567890123456789012345678901234"

static const struct fault_case {
    const char *text;
    enum status st;
    const char *error;
} fault_cases[] = {
    {"", ST_MALFORMED, "line 1, column 0: '[' or '{' expected near end of file"},
    {"[]", ST_INVALID, "a definition is a JSON object"},
    {"{\"strikt\": true}", ST_INVALID, "the definition: \"strikt\" is no member of a definition"},
    {"{\"strict\": 1}", ST_INVALID, "the definition: \"strict\" must be true or false"},
    {"{\"max_rate\": -1}", ST_INVALID,
     "the definition: \"max_rate\" must be an integer from 0 to 1000000"},
    {"{\"attributes\": {}}", ST_INVALID,
     "the definition: \"attributes\" must be a list of at most 1024"},
    {"{\"attributes\": [1]}", ST_INVALID, "attribute 1: an object was expected"},
    {"{\"attributes\": [{}]}", ST_INVALID,
     "attribute 1: \"id\" must be 1 to 64 of A-Z a-z 0-9 _ -"},
    {"{\"attributes\": [{\"id\": \"" A65 "\"}]}", ST_INVALID,
     "attribute 1: \"id\" must be 1 to 64 of A-Z a-z 0-9 _ -"},
    {"{\"attributes\": [{\"id\": \"a\", \"type\": \"text\"}]}", ST_INVALID,
     "attribute \"a\": \"direction\" is missing or unknown"},
    {ATTRIBUTE("\"type\": \"float\""), ST_INVALID,
     "attribute \"a\": \"type\" is missing or unknown"},
    {ATTRIBUTE("\"type\": \"text\", \"unit\": 5"), ST_INVALID,
     "attribute \"a\": \"unit\" must be a text"},
    {ATTRIBUTE("\"type\": \"text\", \"minimum\": 5"), ST_INVALID,
     "attribute \"a\": only a number has bounds"},
    {ATTRIBUTE("\"type\": \"number\", \"minimum\": \"5\""), ST_INVALID,
     "attribute \"a\": \"minimum\" must be a number"},
    {ATTRIBUTE("\"type\": \"number\", \"minimum\": 5, \"maximum\": 4"), ST_INVALID,
     "attribute \"a\": \"minimum\" is above \"maximum\""},
    {ATTRIBUTE("\"type\": \"enum\""), ST_INVALID,
     "attribute \"a\": \"values\" must be a list of the enum's values"},
    {ATTRIBUTE("\"type\": \"enum\", \"values\": []"), ST_INVALID,
     "attribute \"a\": \"values\" must be a list of the enum's values"},
    {ATTRIBUTE("\"type\": \"enum\", \"values\": [1.5]"), ST_INVALID,
     "attribute \"a\": values are integers, or texts of at most 64 bytes"},
    {ATTRIBUTE("\"type\": \"text\", \"values\": [1]"), ST_INVALID,
     "attribute \"a\": only an enum has \"values\""},
    {"{\"attributes\": [{\"id\": \"a\", \"direction\": \"both\", \"type\": \"text\"},"
     " {\"id\": \"a\"}]}",
     ST_INVALID, "attribute \"a\" is there twice"},
    {"{\"events\": [{\"id\": \"e\", \"reply\": []}]}", ST_INVALID,
     "event \"e\": \"reply\" is no member of a definition"},
    {"{\"commands\": [{\"id\": \"c\", \"params\": [{\"id\": \"x\"}]}]}", ST_INVALID,
     "command \"c\", params \"x\": \"type\" is missing or unknown"},
    {"{\"commands\": [{\"id\": \"c\"}, {\"id\": \"c\"}]}", ST_INVALID,
     "command \"c\" is there twice"},
    {"{\"streams\": [{\"id\": \"s\", \"format\": \"xml\"}]}", ST_INVALID,
     "stream \"s\": \"format\" is missing or unknown"},
    {"{\"streams\": [{\"id\": \"s\", \"format\": \"text\", \"publish_topic\": 5}]}", ST_INVALID,
     "stream \"s\": \"publish_topic\" must be a text"},
    {"{\"streams\": [{\"id\": \"s\", \"format\": \"text\", \"publish_topic\": \"a/b\"}]}",
     ST_INVALID, "stream \"s\": \"publish_topic\": it must have {sn} once"},
    {"{\"streams\": [{\"id\": \"s\", \"format\": \"text\", \"subscribe_topic\": \"{sn}/+\"}]}",
     ST_INVALID, "stream \"s\": \"subscribe_topic\": it must not have wildcards"},
    {"{\"streams\": [{\"id\": \"s\", \"format\": \"text\", \"publish_topic\": \"a/{sn}\"},"
     " {\"id\": \"t\", \"format\": \"text\", \"publish_topic\": \"a/{sn}\"}]}",
     ST_INVALID, "stream \"t\": its topic is that of another stream"},
};

static void test_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(fault_cases) / sizeof(fault_cases[0]); i++) {
        const struct fault_case *c = &fault_cases[i];
        char error[DEVICE_TYPE_ERROR_MAX];
        struct device_type *t = NULL;

        assert_int_equal(device_type_parse(1, 1, slice_of(c->text), &t, error), c->st);
        assert_string_equal(error, c->error);
        assert_null(t);
    }
}

static void test_too_large(void **state)
{
    char error[DEVICE_TYPE_ERROR_MAX];
    struct buffer text = {0};
    struct device_type *t;

    (void)state;
    buffer_append_text(&text, "{}");
    memset(buffer_reserve(&text, DEVICE_TYPE_TEXT_MAX), ' ', DEVICE_TYPE_TEXT_MAX);
    text.len = DEVICE_TYPE_TEXT_MAX;
    assert_int_equal(device_type_parse(1, 1, buffer_slice(&text), &t, error), ST_OK);
    device_type_unref(&t);
    text.data[text.len++] = ' ';
    assert_int_equal(device_type_parse(1, 1, buffer_slice(&text), &t, error), ST_TOO_LARGE);
    assert_string_equal(error, "a definition has at most 1048576 bytes");
    buffer_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(test_all_members), LEFTOVER_TEST(test_nothing_is_needed),
        LEFTOVER_TEST(test_references),  LEFTOVER_TEST(test_faults),
        LEFTOVER_TEST(test_too_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
