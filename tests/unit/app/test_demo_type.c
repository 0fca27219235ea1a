/* The demo's types and rules are such that the server takes them, and what the simulated devices
 * send passes strictly. */
#include "app/demo_type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "app/sim_device.h"
#include "leftover.h"
#include "platform/alarm_rule.h"
#include "platform/command_form.h"
#include "platform/validate.h"

struct watch {
    struct device_type *type;
    struct json_parser *json;
    size_t reports, events;
};

static struct device_type *make_strict(size_t kind)
{
    char error[DEVICE_TYPE_ERROR_MAX];
    struct buffer definition = {0};
    struct device_type *t;

    buffer_append_text(&definition, "{\"strict\": true, ");
    demo_type_append(kind, &definition);
    memmove(definition.data + 17, definition.data + 18, definition.len - 18); /* its own brace */
    definition.len--;
    if (device_type_parse(1, 1, buffer_slice(&definition), &t, error) != ST_OK)
        fail_msg("%s", error);
    buffer_deinit(&definition);
    return t;
}

static void on_message(const char *topic, const char *stream, struct slice payload, void *arg)
{
    struct watch *w = arg;
    const struct json_member *members;
    struct command_form form;
    struct validation v;
    const char *why;
    size_t count;

    if (stream != NULL) {
        assert_non_null(device_type_find_stream(w->type, slice_of(stream)));
        return;
    }
    assert_int_equal(json_parse_object_unpadded(w->json, payload, &members, &count), ST_OK);
    if (strcmp(topic, "attributes") == 0) {
        validate_attributes(w->type, VALIDATE_REPORT, members, count, &v);
        if (v.dropped > 0)
            fail_msg("%.*s: %s", (int)v.first.len, v.first.data, v.first_why);
        validation_deinit(&v);
        w->reports++;
    } else {
        assert_int_equal(command_form_check(COMMAND_FORM_EVENT, members, count, &form, &why),
                         ST_OK);
        assert_non_null(device_type_find_event(w->type, command_form_method(&form)));
        w->events++;
    }
}

static void test_simulated_devices_keep_to_their_types(void **state)
{
    enum { STEP_MS = 250, DAY_MS = 24 * 3600 * 1000 };

    (void)state;
    for (size_t kind = 0; kind < sim_device_kind_count(); kind++) {
        struct sim_device *d = sim_device_new(sim_device_kind_name(kind), kind + 1);
        struct watch w = {.type = make_strict(kind), .json = json_parser_new(64 * 1024)};

        for (uint64_t now = 1000; now < DAY_MS / 10; now += STEP_MS)
            sim_device_turn(d, now, 1700000000000 + (int64_t)now, on_message, &w);
        assert_true(w.reports > 100 && w.events > 5);
        sim_device_free(&d);
        json_parser_free(&w.json);
        device_type_unref(&w.type);
    }
}

static void test_rules_are_right(void **state)
{
    (void)state;
    assert_true(demo_type_rule_count() > 0);
    for (size_t i = 0; i < demo_type_rule_count(); i++) {
        struct device_type *t = make_strict(demo_type_rule_kind(i));
        char error[ALARM_RULE_ERROR_MAX];
        struct buffer definition = {0};
        struct alarm_rule *r;

        demo_type_append_rule(i, "PK_00001", &definition);
        if (alarm_rule_parse(1, 1, buffer_slice(&definition), &r, error) != ST_OK)
            fail_msg("%s", error);
        assert_non_null(device_type_find_attribute(t, r->conditions[0].attribute));
        alarm_rule_unref(&r);
        device_type_unref(&t);
        buffer_deinit(&definition);
    }
}

static void test_codes_differ(void **state)
{
    (void)state;
    for (size_t i = 0; i < sim_device_kind_count(); i++) {
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(demo_type_code(i), demo_type_code(k));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(test_simulated_devices_keep_to_their_types),
        LEFTOVER_TEST(test_rules_are_right),
        LEFTOVER_TEST(test_codes_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
