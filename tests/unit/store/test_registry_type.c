/*
 * Device types: add, find, change, remove, walk; what becomes of the devices; changes as told.
 */
#include "store/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "registry_rows.h"
#include "temp_data.h"

static struct registry_type row(uint64_t project_id, uint64_t type_id, const char *code)
{
    struct registry_type t = {.type_id = type_id,
                              .project_id = project_id,
                              .definition = slice_of("{\"strict\": true}"),
                              .created_ms = 1700000000000};

    (void)snprintf(t.name, sizeof(t.name), "type %d", (int)type_id);
    (void)snprintf(t.code, sizeof(t.code), "%s", code);
    return t;
}

static void assert_same(const struct registry_type *a, const struct registry_type *b)
{
    assert_true(a->type_id == b->type_id && a->project_id == b->project_id);
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->code, b->code);
    assert_true(slice_equal(a->definition, b->definition));
    assert_true(a->created_ms == b->created_ms);
}

static void what_was_added_is_found(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_type t = row(1, 7, "thermo-1"), found;
    struct buffer text = {0};

    registry_rows_add_project(r, 1);
    assert_int_equal(registry_type_add(r, &t), ST_OK);
    assert_int_equal(registry_type_find(r, 7, &found, &text), ST_OK);
    assert_same(&found, &t);
    assert_int_equal(registry_type_find_code(r, 1, "thermo-1", &found, &text), ST_OK);
    assert_same(&found, &t);
    assert_int_equal(registry_type_find(r, 8, &found, &text), ST_NOT_FOUND);
    assert_int_equal(registry_type_find_code(r, 2, "thermo-1", &found, &text), ST_NOT_FOUND);
    assert_int_equal(registry_type_find_code(r, 1, "", &found, &text), ST_NOT_FOUND);

    (void)snprintf(t.name, sizeof(t.name), "温度计");
    t.code[0] = '\0';
    t.definition = slice_of("{}");
    assert_int_equal(registry_type_update(r, &t), ST_OK);
    assert_int_equal(registry_type_find(r, 7, &found, &text), ST_OK);
    assert_same(&found, &t);
    assert_int_equal(registry_type_remove(r, 7), ST_OK);
    assert_int_equal(registry_type_remove(r, 7), ST_NOT_FOUND);
    assert_int_equal(registry_type_update(r, &t), ST_NOT_FOUND);
    buffer_deinit(&text);
    registry_close(&r);
}

static void bad_rows_are_refused(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_type t = row(1, 7, "a");

    assert_int_equal(registry_type_add(r, &t), ST_NOT_FOUND); /* no such project */
    registry_rows_add_project(r, 1);
    registry_rows_add_project(r, 2);
    assert_int_equal(registry_type_add(r, &t), ST_OK);
    assert_int_equal(registry_type_add(r, &t), ST_EXISTS);
    t = row(1, 8, "a"); /* a code is one of its project */
    assert_int_equal(registry_type_add(r, &t), ST_EXISTS);
    t.project_id = 2;
    assert_int_equal(registry_type_add(r, &t), ST_OK);
    t = row(1, 9, ""); /* and any number have none */
    assert_int_equal(registry_type_add(r, &t), ST_OK);
    t = row(1, 10, "");
    assert_int_equal(registry_type_add(r, &t), ST_OK);
    t = row(1, 11, "a/b");
    assert_int_equal(registry_type_add(r, &t), ST_INVALID);
    t = row(1, 11, "");
    t.name[0] = '\0';
    assert_int_equal(registry_type_add(r, &t), ST_INVALID);
    t = row(1, UINT64_C(916132833), "");
    assert_int_equal(registry_type_add(r, &t), ST_INVALID);
    registry_close(&r);
}

static uint64_t type_of(struct registry *r, uint64_t device_id)
{
    struct registry_device d;

    assert_int_equal(registry_device_find(r, device_id, &d), ST_OK);
    return d.type_id;
}

static void a_device_has_a_type_of_its_project(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_type t = row(1, 7, "");
    struct registry_device d = registry_rows_device(1, 10);

    registry_rows_add_project(r, 1);
    registry_rows_add_project(r, 2);
    assert_int_equal(registry_type_add(r, &t), ST_OK);
    t = row(2, 8, "");
    assert_int_equal(registry_type_add(r, &t), ST_OK);
    assert_int_equal(registry_device_add(r, &d), ST_OK);
    assert_true(type_of(r, 10) == 0);
    d.type_id = 7;
    assert_int_equal(registry_device_update(r, &d), ST_OK);
    assert_true(type_of(r, 10) == 7);
    d.type_id = 8;
    assert_int_equal(registry_device_update(r, &d), ST_NOT_FOUND); /* of another project */
    d.type_id = 9;
    assert_int_equal(registry_device_update(r, &d), ST_NOT_FOUND); /* of none */
    assert_true(type_of(r, 10) == 7);
    d = registry_rows_device(1, 11);
    d.type_id = 8;
    assert_int_equal(registry_device_add(r, &d), ST_NOT_FOUND);
    d.type_id = 7;
    assert_int_equal(registry_device_add(r, &d), ST_OK);
    assert_int_equal(registry_type_remove(r, 7), ST_OK);
    assert_true(type_of(r, 10) == 0 && type_of(r, 11) == 0);
    registry_close(&r);
}

struct changes {
    size_t count;
    struct registry_change last[8];
};

static bool on_change(const struct registry_change *c, void *arg)
{
    struct changes *all = arg;

    assert_true(all->count < 8);
    all->last[all->count++] = *c;
    return true;
}

static void changes_are_told(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_type t = row(1, 7, "");
    struct registry_device d = registry_rows_device(1, 10);
    struct changes c = {0};
    int64_t since;

    registry_rows_add_project(r, 1);
    assert_int_equal(registry_type_add(r, &t), ST_OK);
    d.type_id = 7;
    assert_int_equal(registry_device_add(r, &d), ST_OK);
    assert_int_equal(registry_last_change(r, &since), ST_OK);
    assert_int_equal(registry_type_update(r, &t), ST_OK);
    assert_int_equal(registry_change_each(r, since, on_change, &c), ST_OK);
    assert_int_equal(c.count, 1);
    assert_int_equal(c.last[0].entity, REGISTRY_TYPE);
    assert_true(c.last[0].id == 7 && !c.last[0].removed);

    assert_int_equal(registry_last_change(r, &since), ST_OK);
    assert_int_equal(registry_type_remove(r, 7), ST_OK);
    c.count = 0;
    assert_int_equal(registry_change_each(r, since, on_change, &c), ST_OK);
    assert_int_equal(c.count, 2); /* the type, and the device that had it */
    for (size_t i = 0; i < 2; i++)
        assert_true(c.last[i].entity == REGISTRY_TYPE ? c.last[i].removed : !c.last[i].removed);
    registry_close(&r);
}

static bool count_type(const struct registry_type *t, void *arg)
{
    size_t *count = arg;

    assert_true(slice_is(t->definition, "{\"strict\": true}"));
    return ++*count != 3;
}

static void types_are_walked(void **state)
{
    struct registry *r = registry_rows_open(state);
    size_t count = 0;

    for (uint64_t project = 1; project <= 2; project++) {
        registry_rows_add_project(r, project);
        for (uint64_t i = 0; i < 4; i++) {
            struct registry_type t = row(project, project * 10 + i, "");

            assert_int_equal(registry_type_add(r, &t), ST_OK);
        }
    }
    registry_rows_execute(state, "UPDATE device_type SET type_id = 4000000000 WHERE type_id = 10");
    assert_int_equal(registry_type_each(r, 1, count_type, &count), ST_OK);
    assert_int_equal(count, 3); /* the damaged one is left out */
    count = 0;
    assert_int_equal(registry_type_each(r, 0, count_type, &count), ST_OK);
    assert_int_equal(count, 3); /* as far as it was wanted */
    assert_int_equal(registry_project_remove(r, 1), ST_OK);
    count = 0;
    assert_int_equal(registry_type_each(r, 1, count_type, &count), ST_OK);
    assert_int_equal(count, 0);
    registry_close(&r);
}

static void a_code_of_all_projects(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_type one = row(1, 7, "c"), other = row(2, 8, "c");
    uint64_t type_id = 0;

    registry_rows_add_project(r, 1);
    registry_rows_add_project(r, 2);
    assert_int_equal(registry_type_find_only(r, "c", &type_id), ST_NOT_FOUND);
    assert_int_equal(registry_type_add(r, &one), ST_OK);
    assert_int_equal(registry_type_find_only(r, "c", &type_id), ST_OK);
    assert_int_equal(type_id, 7);
    assert_int_equal(registry_type_find_only(r, "C", &type_id), ST_NOT_FOUND);
    assert_int_equal(registry_type_add(r, &other), ST_OK); /* now there are two */
    assert_int_equal(registry_type_find_only(r, "c", &type_id), ST_NOT_FOUND);
    assert_true(registry_type_new_id(r) != 0);
    registry_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_DATA_TEST(what_was_added_is_found),
        TEMP_DATA_TEST(bad_rows_are_refused),
        TEMP_DATA_TEST(a_device_has_a_type_of_its_project),
        TEMP_DATA_TEST(changes_are_told),
        TEMP_DATA_TEST(types_are_walked),
        TEMP_DATA_TEST(a_code_of_all_projects),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
