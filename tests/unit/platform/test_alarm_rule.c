/* Alarm rules: what is read from a definition, whom a rule watches, which values meet it. */
#include "platform/alarm_rule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/ident.h"
#include "leftover.h"

#define HEAD "{\"name\": \"Too hot\", \"level\": \"urgent\", "
#define TYPE "\"source\": {\"type\": \"PK_00001\"}, "

static struct alarm_rule *read_rule(const char *text)
{
    char error[ALARM_RULE_ERROR_MAX];
    struct alarm_rule *r;

    assert_int_equal(alarm_rule_parse(3, 5, slice_of(text), &r, error), ST_OK);
    assert_string_equal(error, "");
    return r;
}

static uint64_t device(const char *text)
{
    uint64_t id = ident_parse(IDENT_DEVICE, slice_of(text));

    assert_true(id != 0);
    return id;
}

static void test_all_members(void **state)
{
    struct alarm_rule *r = read_rule(
        HEAD "\"source\": {\"devices\": [\"DU_00000000zz\", \"DU_0000000001\"]}, \"except\": "
             "[\"DU_0000000001\"], \"repeat\": 3, \"duration\": 60, \"enabled\": true, "
             "\"trigger\": {\"any\": [{\"attribute\": \"t\", \"operator\": \">=\", \"value\": "
             "30.5}, {\"attribute\": \"s\", \"operator\": \"!=\", \"value\": \"eco\"}]}}");

    (void)state;
    assert_true(r->rule_id == 3 && r->project_id == 5 && r->type_id == 0);
    assert_true(slice_is(r->name, "Too hot"));
    assert_int_equal(r->level, ALARM_LEVEL_URGENT);
    assert_string_equal(alarm_level_word(r->level), "urgent");
    assert_true(!r->needs_all && !r->is_offline && r->is_enabled);
    assert_int_equal(r->repeat, 3);
    assert_int_equal(r->duration_ms, 60000);
    assert_int_equal(r->condition_count, 2);
    assert_int_equal(r->conditions[0].op, ALARM_NOT_LESS);
    assert_true(r->conditions[0].number == 30.5);
    assert_true(slice_is(r->conditions[1].text, "eco"));
    assert_true(alarm_rule_watches(r, device("DU_00000000zz"), 0));
    assert_false(alarm_rule_watches(r, device("DU_0000000001"), 0)); /* switched off for it */
    assert_false(alarm_rule_watches(r, device("DU_0000000002"), 0));
    alarm_rule_unref(&r);
}

static void test_of_a_type(void **state)
{
    struct alarm_rule *r = read_rule(HEAD TYPE "\"except\": [\"DU_0000000001\"], \"trigger\": "
                                               "{\"offline\": true}}");
    struct alarm_rule *off = read_rule(HEAD TYPE "\"enabled\": false, \"trigger\": "
                                                 "{\"offline\": true}}");
    struct alarm_rule *other = read_rule(HEAD TYPE "\"except\": [\"DU_0000000001\"], \"trigger\": "
                                                   "{\"offline\": true}, \"duration\": 1}");

    (void)state;
    assert_true(r->is_offline && r->repeat == 1 && r->duration_ms == 0);
    assert_true(alarm_rule_watches(r, device("DU_0000000002"), 2));
    assert_false(alarm_rule_watches(r, device("DU_0000000001"), 2));
    assert_false(alarm_rule_watches(r, device("DU_0000000002"), 3));
    assert_false(alarm_rule_watches(r, device("DU_0000000002"), 0));
    assert_false(alarm_rule_watches(off, device("DU_0000000002"), 2));
    assert_true(alarm_rule_is_like(r, off)); /* met by the same, though one is switched off */
    assert_false(alarm_rule_is_like(r, other));
    alarm_rule_unref(&r);
    alarm_rule_unref(&off);
    alarm_rule_unref(&other);
    alarm_rule_unref(&other); /* an empty pointer is accepted */
}

#define CONDITION(rest) HEAD TYPE "\"trigger\": {\"all\": [{\"attribute\": \"a\", " rest "}]}}"

static const struct fault_case {
    const char *text, *error;
} fault_cases[] = {
    {"[]", "a definition is a JSON object"},
    {"{\"nam\": 1}", "the definition: \"nam\" is no member of a definition"},
    {"{}", "the definition: \"name\" must be a text of 1 to 128 bytes"},
    {"{\"name\": \"x\"}", "the definition: \"level\" is missing or unknown"},
    {HEAD "\"x\": 1}", "the definition: \"x\" is no member of a definition"},
    {HEAD "\"trigger\": {\"offline\": true}}", "the definition: \"source\" must be an object"},
    {HEAD "\"source\": {}}", "source: give \"type\" or \"devices\""},
    {HEAD "\"source\": {\"type\": \"PK_1\"}}", "source: \"type\" must be a product key (PK_...)"},
    {HEAD "\"source\": {\"devices\": [\"DU_1\"]}}",
     "source: \"devices\" must be a list of user names (DU_...)"},
    {HEAD "\"source\": {\"type\": \"PK_00001\", \"devices\": [\"DU_0000000001\"]}}",
     "source: give \"type\" or \"devices\""},
    {HEAD TYPE "\"level\": \"urgent\"}",
     "line 1, column 78: duplicate object key near '\"level\"'"},
    {HEAD TYPE "\"repeat\": 1}",
     "the definition: \"trigger\" must be an object with \"all\", \"any\" or \"offline\""},
    {HEAD TYPE "\"trigger\": {\"offline\": false}}", "trigger: \"offline\" must be true"},
    {HEAD TYPE "\"trigger\": {\"all\": []}}", "trigger: \"all\" must be a list of conditions"},
    {HEAD TYPE "\"trigger\": {\"some\": []}}", "trigger: \"some\" is no member of a definition"},
    {HEAD TYPE "\"trigger\": {\"any\": [5]}}", "condition 1: an object was expected"},
    {CONDITION("\"operator\": \"=\", \"value\": 1"),
     "condition 1: \"operator\" is missing or unknown"},
    {CONDITION("\"operator\": \"==\""),
     "condition 1: \"value\" must be a number, true, false, or a text of at most 64 bytes"},
};

static void test_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(fault_cases) / sizeof(fault_cases[0]); i++) {
        const struct fault_case *c = &fault_cases[i];
        char error[ALARM_RULE_ERROR_MAX];
        struct alarm_rule *r = NULL;

        assert_int_not_equal(alarm_rule_parse(1, 1, slice_of(c->text), &r, error), ST_OK);
        assert_string_equal(error, c->error);
        assert_null(r);
    }
}

/* A condition, the value of its attribute (NULL: none), and whether it is met. */
static const struct met_case {
    const char *condition, *value;
    bool is_met;
} met_cases[] = {
    {"\"operator\": \">\", \"value\": 30", "30.1", true},
    {"\"operator\": \">\", \"value\": 30", "30", false},
    {"\"operator\": \">=\", \"value\": 30", "3e1", true},
    {"\"operator\": \"<\", \"value\": 30", "-1e400", true},
    {"\"operator\": \">\", \"value\": 30", "1e400", true},
    {"\"operator\": \"<=\", \"value\": 30", "30.0", true},
    {"\"operator\": \"==\", \"value\": 30", "30.0", true},
    {"\"operator\": \"!=\", \"value\": 30", "31", true},
    {"\"operator\": \"!=\", \"value\": 30", "30", false},
    {"\"operator\": \">\", \"value\": 30", "\"31\"", false}, /* another type meets nothing */
    {"\"operator\": \"!=\", \"value\": 30", "\"31\"", false},
    {"\"operator\": \"!=\", \"value\": 30", "null", false},
    {"\"operator\": \"!=\", \"value\": 30", NULL, false},
    {"\"operator\": \"==\", \"value\": \"eco\"", "\"eco\"", true},
    {"\"operator\": \"==\", \"value\": \"eco\"", "\"e\\u0063o\"", true},
    {"\"operator\": \"==\", \"value\": \"eco\"", "\"ECO\"", false},
    {"\"operator\": \"!=\", \"value\": \"eco\"", "\"ECO\"", true},
    {"\"operator\": \"!=\", \"value\": \"eco\"", "7", false},
    {"\"operator\": \">\", \"value\": \"eco\"", "\"ecp\"", true},
    {"\"operator\": \">\", \"value\": \"eco\"", "\"ec\u6f22\"", true},
    {"\"operator\": \">\", \"value\": \"eco\"", "\"eco\"", false},
    {"\"operator\": \">=\", \"value\": \"eco\"", "\"eco\"", true},
    {"\"operator\": \"<\", \"value\": \"eco\"", "\"ECO\"", true},
    {"\"operator\": \"<=\", \"value\": \"eco\"", "\"eco1\"", false},
    {"\"operator\": \"<\", \"value\": \"eco\"", "7", false},
    {"\"operator\": \">\", \"value\": false", "\"ON\"", true}, /* off is before on */
    {"\"operator\": \"<\", \"value\": \"ON\"", "0", true},
    {"\"operator\": \"<\", \"value\": \"ON\"", "1", false},
    {"\"operator\": \"==\", \"value\": true", "true", true},
    {"\"operator\": \"==\", \"value\": true", "1", true}, /* a switch by its meaning */
    {"\"operator\": \"==\", \"value\": true", "\"ON\"", true},
    {"\"operator\": \"==\", \"value\": true", "\"OFF\"", false},
    {"\"operator\": \"!=\", \"value\": true", "\"OFF\"", true},
    {"\"operator\": \"==\", \"value\": \"ON\"", "true", true},
    {"\"operator\": \"==\", \"value\": \"ON\"", "\"ON\"", true},
    {"\"operator\": \"==\", \"value\": \"ON\"", "\"on\"", false},
    {"\"operator\": \"==\", \"value\": 1", "\"ON\"", true},
    {"\"operator\": \"==\", \"value\": 0", "false", true},
    {"\"operator\": \"==\", \"value\": 2", "true", false},
    {"\"operator\": \"==\", \"value\": true", "[]", false},
};

static bool is_met(const char *definition, const char *const *values)
{
    struct alarm_rule *r = read_rule(definition);
    struct cloud_values v = {0};
    bool result;

    for (size_t i = 0; values[i] != NULL; i += 2)
        assert_true(cloud_values_set(&v, slice_of(values[i]), slice_of(values[i + 1]), 1));
    result = alarm_rule_is_met(r, &v);
    cloud_values_deinit(&v);
    alarm_rule_unref(&r);
    return result;
}

static void test_conditions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(met_cases) / sizeof(met_cases[0]); i++) {
        const struct met_case *c = &met_cases[i];
        const char *values[] = {c->value == NULL ? "b" : "a", c->value == NULL ? "1" : c->value,
                                NULL};
        struct buffer text = {0};

        buffer_printf(&text, CONDITION("%s") "%c", c->condition, '\0');
        print_message("  %s: %s\n", c->condition, c->value == NULL ? "none" : c->value);
        assert_int_equal(is_met((const char *)text.data, values), c->is_met);
        buffer_deinit(&text);
    }
}

#define TWO                                                        \
    "[{\"attribute\": \"a\", \"operator\": \">\", \"value\": 1}, " \
    "{\"attribute\": \"b\", \"operator\": \">\", \"value\": 1}]"

static void test_all_and_any(void **state)
{
    static const char all[] = HEAD TYPE "\"trigger\": {\"all\": " TWO "}}";
    static const char any[] = HEAD TYPE "\"trigger\": {\"any\": " TWO "}}";
    static const char *const both[] = {"a", "2", "b", "2", NULL};
    static const char *const one[] = {"a", "2", "b", "0", NULL};
    static const char *const none[] = {"a", "0", "b", "0", NULL};

    (void)state;
    assert_true(is_met(all, both) && is_met(any, both));
    assert_true(!is_met(all, one) && is_met(any, one));
    assert_true(!is_met(all, none) && !is_met(any, none));
}

static void test_concerned(void **state)
{
    struct alarm_rule *r = read_rule(HEAD TYPE "\"trigger\": {\"any\": " TWO "}}");
    struct json_member members[] = {{.key = slice_of("x")}, {.key = slice_of("b")}};

    (void)state;
    assert_true(alarm_rule_concerns(r, members, 2));
    assert_false(alarm_rule_concerns(r, members, 1));
    assert_false(alarm_rule_concerns(r, NULL, 0));
    alarm_rule_unref(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(test_all_members), LEFTOVER_TEST(test_of_a_type),
        LEFTOVER_TEST(test_faults),      LEFTOVER_TEST(test_conditions),
        LEFTOVER_TEST(test_all_and_any), LEFTOVER_TEST(test_concerned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
