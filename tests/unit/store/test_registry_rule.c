/*
 * Alarm rules: add, find, change, remove, walk; changes as told.
 */
#include "store/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "registry_rows.h"
#include "temp_data.h"

static struct registry_rule row(uint64_t project_id, uint64_t rule_id)
{
    return (struct registry_rule){.rule_id = rule_id,
                                  .project_id = project_id,
                                  .definition = slice_of("{\"name\": \"过热\"}"),
                                  .created_ms = 1700000000000};
}

static void what_was_added_is_found(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_rule x = row(1, 7), found;
    struct buffer text = {0};

    assert_int_equal(registry_rule_add(r, &x), ST_NOT_FOUND); /* no such project */
    registry_rows_add_project(r, 1);
    assert_int_equal(registry_rule_add(r, &x), ST_OK);
    assert_int_equal(registry_rule_add(r, &x), ST_EXISTS);
    assert_int_equal(registry_rule_find(r, 7, &found, &text), ST_OK);
    assert_true(found.rule_id == 7 && found.project_id == 1 && found.created_ms == x.created_ms);
    assert_true(slice_equal(found.definition, x.definition));
    x.definition = slice_of("{}");
    assert_int_equal(registry_rule_update(r, &x), ST_OK);
    assert_int_equal(registry_rule_find(r, 7, &found, &text), ST_OK);
    assert_true(slice_is(found.definition, "{}"));
    assert_int_equal(registry_rule_remove(r, 7), ST_OK);
    assert_int_equal(registry_rule_remove(r, 7), ST_NOT_FOUND);
    assert_int_equal(registry_rule_update(r, &x), ST_NOT_FOUND);
    assert_int_equal(registry_rule_find(r, 7, &found, &text), ST_NOT_FOUND);
    x.rule_id = 0;
    assert_int_equal(registry_rule_add(r, &x), ST_INVALID);
    buffer_deinit(&text);
    registry_close(&r);
}

static bool on_change(const struct registry_change *c, void *arg)
{
    struct registry_change *last = arg;

    *last = *c;
    return true;
}

static void changes_are_told(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_rule x = row(1, 7);
    struct registry_change last = {0};
    int64_t since;

    registry_rows_add_project(r, 1);
    assert_int_equal(registry_last_change(r, &since), ST_OK);
    assert_int_equal(registry_rule_add(r, &x), ST_OK);
    assert_int_equal(registry_change_each(r, since, on_change, &last), ST_OK);
    assert_true(last.entity == REGISTRY_RULE && last.id == 7 && !last.removed);
    assert_int_equal(registry_project_remove(r, 1), ST_OK); /* it goes with its project */
    assert_int_equal(registry_last_change(r, &since), ST_OK);
    assert_int_equal(registry_change_each(r, last.number, on_change, &last), ST_OK);
    assert_true(last.number == since);
    registry_close(&r);
}

static bool count_rule(const struct registry_rule *x, void *arg)
{
    size_t *count = arg;

    assert_true(slice_is(x->definition, "{\"name\": \"过热\"}"));
    ++*count;
    return true;
}

static void rules_are_walked(void **state)
{
    struct registry *r = registry_rows_open(state);
    size_t count = 0;

    for (uint64_t project = 1; project <= 2; project++) {
        registry_rows_add_project(r, project);
        for (uint64_t i = 0; i < 3; i++) {
            struct registry_rule x = row(project, project * 10 + i);

            assert_int_equal(registry_rule_add(r, &x), ST_OK);
        }
    }
    registry_rows_execute(state, "UPDATE alarm_rule SET rule_id = -1 WHERE rule_id = 11");
    assert_int_equal(registry_rule_each(r, 1, count_rule, &count), ST_OK);
    assert_int_equal(count, 2); /* the damaged one is left out */
    count = 0;
    assert_int_equal(registry_rule_each(r, 0, count_rule, &count), ST_OK);
    assert_int_equal(count, 5);
    registry_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_DATA_TEST(what_was_added_is_found),
        TEMP_DATA_TEST(changes_are_told),
        TEMP_DATA_TEST(rules_are_walked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
