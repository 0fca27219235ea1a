/* Forms of connection information: what may stand in them, and what becomes of it. */
#include "platform/connection_template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "leftover.h"

static const char values_text[] =
    "{\"mqtt\": {\"host\": \"h\", \"port\": 7883, \"username\": \"u\", \"password\": \"p$\"},"
    " \"mqtts\": null, \"topic\": {\"attributes\": \"attributes/u\"}, \"sn\": \"ä\"}";

static const struct fill_case {
    const char *form, *want;
} fill_cases[] = {
    {"{}", "{}"},
    {"{\"a\": 1, \"b\": [true, null, 1.5, {}]}", "{\"a\": 1, \"b\": [true, null, 1.5, {}]}"},
    {"{\"a\": \"${mqtt.host}\"}", "{\"a\": \"h\"}"},
    {"{\"a\": \"${mqtt.port}\"}", "{\"a\": 7883}"},
    {"{\"a\": \"${mqtt.host}:${mqtt.port}\"}", "{\"a\": \"h:7883\"}"},
    {"{\"a\": \"<${sn}>\"}", "{\"a\": \"<ä>\"}"},
    {"{\"a\": \"${mqtts.host}\"}", "{\"a\": null}"},
    {"{\"a\": \"x${mqtts.host}\"}", "{\"a\": \"x\"}"},
    {"{\"a\": \"${mqtts}\"}", "{\"a\": null}"},
    {"{\"a\": \"${topic}\"}", "{\"a\": {\"attributes\": \"attributes/u\"}}"},
    {"{\"a\": \"x${topic}\"}", "{\"a\": \"x\"}"},
    {"{\"a\": [{\"b\": \"${topic.attributes}\"}]}", "{\"a\": [{\"b\": \"attributes/u\"}]}"},
    {"{\"${sn}\": \"$ { } $sn {sn} $\"}", "{\"${sn}\": \"$ { } $sn {sn} $\"}"},
    {"{\"a\": \"${mqtt.password}${sn}\"}", "{\"a\": \"p$ä\"}"},
    {"{\"a\": \"$${sn}\"}", "{\"a\": \"$ä\"}"},
    {"{\"a\": \"\"}", "{\"a\": \"\"}"},
    {"{\"a\": \"x\\u0000${sn}\"}", "{\"a\": \"x\\u0000ä\"}"},
};

static json_t *load(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

    assert_non_null(value);
    return value;
}

static void forms_are_filled(void **state)
{
    json_t *values = load(values_text);

    (void)state;
    for (size_t i = 0; i < sizeof(fill_cases) / sizeof(fill_cases[0]); i++) {
        json_t *form = load(fill_cases[i].form), *want = load(fill_cases[i].want), *made;

        assert_null(connection_template_check(form));
        made = connection_template_fill(form, values);
        if (!json_equal(made, want))
            fail_msg("%s", fill_cases[i].form);
        json_decref(made);
        json_decref(want);
        json_decref(form);
    }
    json_decref(values);
}

static const struct check_case {
    const char *form, *word;
} check_cases[] = {
    {"[]", "object"},
    {"\"${sn}\"", "object"},
    {"null", "object"},
    {"{\"a\": \"${\"}", "closed"},
    {"{\"a\": \"x${sn\"}", "closed"},
    {"{\"a\": \"${}\"}", "name"},
    {"{\"a\": \"${sn}${ sn}\"}", "name"},
    {"{\"a\": [\"${mqtt.}\"]}", "name"},
    {"{\"a\": {\"b\": \"${mqtt.host.x}\"}}", "name"},
    {"{\"a\": \"${topic.nothing}\"}", "name"},
    {"{\"a\": \"${password}\"}", "name"},
    {"{\"a\": [[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}", "deep"},
};

static void forms_that_are_none_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(check_cases) / sizeof(check_cases[0]); i++) {
        json_t *form = load(check_cases[i].form);
        const char *why = connection_template_check(form);

        if (why == NULL || strstr(why, check_cases[i].word) == NULL)
            fail_msg("%s: %s", check_cases[i].form, why == NULL ? "accepted" : why);
        json_decref(form);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(forms_are_filled),
        LEFTOVER_TEST(forms_that_are_none_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
