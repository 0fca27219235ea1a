/* Bodies against schemas of the table: what passes, and which member is named when it does not. */
#include "http/http_schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "leftover.h"

static const struct check_case {
    const char *schema, *text;
    const char *field; /* NULL: it passes */
    const char *why;   /* part of it */
} check_cases[] = {
    {"ProjectNew", "{\"name\": \"x\"}", NULL, NULL},
    {"ProjectNew", "{\"name\": \"\\u00e4\\u4eac\", \"enabled\": false}", NULL, NULL},
    {"ProjectNew", "{}", "name", "missing"},
    {"ProjectNew", "[]", "", "an object"},
    {"ProjectNew", "{\"name\": 5}", "name", "a text"},
    {"ProjectNew", "{\"name\": \"a\\nb\"}", "name", "1 to 128 bytes"},
    {"ProjectNew", "{\"name\": \"a\\u0000b\"}", "name", "1 to 128 bytes"},
    {"ProjectNew", "{\"name\": \"x\", \"enabled\": 1}", "enabled", "true or false"},
    {"ProjectNew", "{\"name\": \"x\", \"nmae\": 1}", "nmae", "not known"},
    {"ProjectNew", "{\"name\": \"x\", \"own_endpoints\": {\"https\": [1]}}",
     "own_endpoints.https[0]", "a text"},
    {"ProjectNew", "{\"name\": \"x\", \"own_endpoints\": {\"https\": null}}", NULL, NULL},
    {"ProjectNew", "{\"name\": \"x\", \"own_endpoints\": {\"https\": [\"https://a\"]}}", NULL,
     NULL},
    {"ProjectNew", "{\"name\": \"x\", \"own_endpoints\": {\"https\": [\"x\"]}}",
     "own_endpoints.https[0]", "8 characters or more"},
    {"ProjectChange", "{\"project_key\": 17, \"created_ms\": null}", NULL, NULL}, /* read-only */
    {"OperatorNew", "{\"username\": \"a\", \"password\": \"12345678\", \"role\": \"admin\"}", NULL,
     NULL},
    {"OperatorNew", "{\"username\": \"a\", \"password\": \"1234567\", \"role\": \"admin\"}",
     "password", "8 to 128"},
    {"OperatorNew", "{\"username\": \"a\", \"password\": \"12345678\", \"role\": \"root\"}", "role",
     "admin, viewer"},
    {"DeviceCount", "{\"count\": 0}", "count", "at least 1"},
    {"DeviceCount", "{\"count\": 10001}", "count", "at most 10000"},
    {"DeviceCount", "{\"count\": 1.5}", "count", "a whole number"},
    {"DeviceBatch", "{\"count\": 3}", NULL, NULL},
    {"DeviceBatch", "{\"devices\": [{\"name\": \"x\"}]}", NULL, NULL},
    {"DeviceNew", "{\"parent\": null, \"username\": \"DU_0123456789\"}", NULL, NULL},
    {"DeviceNew", "{\"parent\": \"DU_1\"}", "parent", "a device user name"},
    {"DeviceNew", "{\"sn\": \"\"}", "sn", "1 characters or more"},
};

static void bodies_are_checked(void **state)
{
    (void)state;
    http_schema_init();
    for (size_t i = 0; i < sizeof(check_cases) / sizeof(check_cases[0]); i++) {
        const struct check_case *c = &check_cases[i];
        json_t *value = json_loads(c->text, JSON_ALLOW_NUL, NULL);
        struct http_schema_fault fault;
        bool passes;

        assert_non_null(value);
        passes = http_schema_check(c->schema, value, &fault);
        if (passes != (c->field == NULL) ||
            (!passes && (strcmp(fault.field, c->field) != 0 || strstr(fault.why, c->why) == NULL)))
            fail_msg("%s %s: %s: %s", c->schema, c->text, fault.field, fault.why);
        json_decref(value);
    }
    http_schema_deinit();
}

/* A member name as long as a body allows; the fault's field is cut, and nothing overflows. */
static void long_names_are_cut(void **state)
{
    char name[1000];
    json_t *value = json_object();
    struct http_schema_fault fault;

    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    (void)json_object_set_new(value, name, json_true());
    http_schema_init();
    assert_false(http_schema_check("ProjectNew", value, &fault));
    assert_int_equal(strlen(fault.field), HTTP_SCHEMA_FIELD_MAX);
    http_schema_deinit();
    json_decref(value);
}

/* Every reference leads to a schema, so a check cannot stop in the middle. */
static void check_references(const json_t *value)
{
    const char *name;
    size_t i;
    json_t *one;

    if (json_is_array(value)) {
        json_array_foreach ((json_t *)(uintptr_t)value, i, one)
            check_references(one);
        return;
    }
    json_object_foreach ((json_t *)(uintptr_t)value, name, one) {
        if (strcmp(name, "$ref") == 0)
            assert_non_null(
                json_object_get(http_schema_all(), strrchr(json_string_value(one), '/') + 1));
        check_references(one);
    }
}

static void references_lead_somewhere(void **state)
{
    (void)state;
    http_schema_init();
    check_references(http_schema_all());
    http_schema_deinit();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(bodies_are_checked),
        LEFTOVER_TEST(long_names_are_cut),
        LEFTOVER_TEST(references_lead_somewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
