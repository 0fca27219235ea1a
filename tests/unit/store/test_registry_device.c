/*
 * Devices come back as they were added, go with their project, and can be many.
 */
#include "store/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "registry_rows.h"
#include "temp_data.h"

static void assert_same(const struct registry_device *a, const struct registry_device *b)
{
    assert_int_equal(a->device_id, b->device_id);
    assert_int_equal(a->project_id, b->project_id);
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->password, b->password);
    assert_int_equal(a->enabled, b->enabled);
    assert_int_equal(a->log, b->log);
    assert_int_equal(a->created_ms, b->created_ms);
}

static void a_device_comes_back(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_device d = registry_rows_device(1, ident_random(IDENT_DEVICE));
    struct registry_device found;

    registry_rows_add_project(r, 1);
    (void)snprintf(d.name, sizeof(d.name), "水泵 \"2\"");
    memset(d.password, 'p', REGISTRY_NAME_MAX);
    d.password[REGISTRY_NAME_MAX] = '\0';
    for (int enabled = 0; enabled < 2; enabled++) {
        d.enabled = enabled == 1;
        d.log = !d.enabled;
        assert_int_equal(registry_device_add(r, &d), ST_OK);
        assert_int_equal(registry_device_find(r, d.device_id, &found), ST_OK);
        assert_same(&found, &d);
        assert_int_equal(registry_device_remove(r, d.device_id), ST_OK);
        assert_int_equal(registry_device_find(r, d.device_id, &found), ST_NOT_FOUND);
    }
    assert_int_equal(registry_device_remove(r, d.device_id), ST_NOT_FOUND);
    registry_close(&r);
}

static void a_device_is_changed(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_device d = registry_rows_device(1, 10);
    struct registry_device found, wrong;

    registry_rows_add_project(r, 1);
    registry_rows_add_device(r, 1, 10);
    registry_rows_add_device(r, 1, 11);
    for (int enabled = 0; enabled < 2; enabled++) {
        struct registry_device changed;

        d.enabled = enabled == 1;
        d.log = !d.enabled;
        (void)snprintf(d.name, sizeof(d.name), "水泵 %d", enabled);
        (void)snprintf(d.password, sizeof(d.password), "pässword %d", enabled);
        changed = d;
        changed.project_id = 7; /* neither is changed */
        changed.created_ms = 1;
        assert_int_equal(registry_device_update(r, &changed), ST_OK);
        assert_int_equal(registry_device_find(r, 10, &found), ST_OK);
        assert_same(&found, &d);
    }
    wrong = d;
    wrong.name[0] = '\0';
    assert_int_equal(registry_device_update(r, &wrong), ST_INVALID);
    wrong = d;
    wrong.password[0] = '\x7f';
    assert_int_equal(registry_device_update(r, &wrong), ST_INVALID);
    wrong = registry_rows_device(1, 12);
    assert_int_equal(registry_device_update(r, &wrong), ST_NOT_FOUND);
    assert_int_equal(registry_device_find(r, 10, &found), ST_OK);
    assert_same(&found, &d);
    assert_int_equal(registry_device_find(r, 11, &found), ST_OK);
    d = registry_rows_device(1, 11);
    assert_same(&found, &d);
    registry_close(&r);
}

static void a_user_name_is_one_device_in_all_projects(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_device d = registry_rows_device(1, 10);

    registry_rows_add_project(r, 1);
    registry_rows_add_project(r, 2);
    assert_int_equal(registry_device_add(r, &d), ST_OK);
    assert_int_equal(registry_device_add(r, &d), ST_EXISTS);
    d.project_id = 2;
    assert_int_equal(registry_device_add(r, &d), ST_EXISTS);
    registry_close(&r);
}

static void bad_rows_are_refused(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_device d = registry_rows_device(7, 10);

    registry_rows_add_project(r, 1);
    assert_int_equal(registry_device_add(r, &d), ST_NOT_FOUND); /* no such project */
    d = registry_rows_device(1, 0);
    assert_int_equal(registry_device_add(r, &d), ST_INVALID);
    d = registry_rows_device(1, 10);
    d.name[0] = '\0';
    assert_int_equal(registry_device_add(r, &d), ST_INVALID);
    d = registry_rows_device(1, 10);
    d.password[0] = '\0';
    assert_int_equal(registry_device_add(r, &d), ST_INVALID);
    d.password[0] = '\xc0';
    assert_int_equal(registry_device_add(r, &d), ST_INVALID);
    d.password[0] = '\t';
    assert_int_equal(registry_device_add(r, &d), ST_INVALID);
    assert_int_equal(registry_device_find(r, 10, &d), ST_NOT_FOUND);
    registry_close(&r);
}

struct walk {
    uint64_t project_id; /* 0: any */
    uint64_t next_id;    /* as long as they grow */
    size_t count;
    size_t stop_at;
};

static bool on_device(const struct registry_device *d, void *arg)
{
    struct registry_device want = registry_rows_device(d->project_id, d->device_id);
    struct walk *w = arg;

    assert_same(d, &want);
    assert_true(w->project_id == 0 || d->project_id == w->project_id);
    assert_true(d->device_id >= w->next_id);
    w->next_id = d->device_id + 1;
    w->count++;
    return w->count != w->stop_at;
}

static void a_project_goes_with_its_devices(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_device d;
    struct walk w = {0};

    for (uint64_t project = 1; project <= 3; project++) {
        registry_rows_add_project(r, project);
        for (uint64_t i = 0; i < 5; i++)
            registry_rows_add_device(r, project, project * 10 + i);
    }
    assert_int_equal(registry_project_remove(r, 2), ST_OK);
    assert_int_equal(registry_device_find(r, 20, &d), ST_NOT_FOUND);
    assert_int_equal(registry_device_each(r, 0, on_device, &w), ST_OK);
    assert_int_equal(w.count, 10);
    w = (struct walk){.project_id = 2};
    assert_int_equal(registry_device_each(r, 2, on_device, &w), ST_OK);
    assert_int_equal(w.count, 0);
    w = (struct walk){.project_id = 3};
    assert_int_equal(registry_device_each(r, 3, on_device, &w), ST_OK);
    assert_int_equal(w.count, 5);
    w = (struct walk){.project_id = 3, .stop_at = 2};
    assert_int_equal(registry_device_each(r, 3, on_device, &w), ST_OK);
    assert_int_equal(w.count, 2);
    registry_close(&r);
}

static void damaged_rows_are_left_out_of_a_walk(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_device d;
    struct walk w = {0};

    registry_rows_add_project(r, 1);
    for (uint64_t id = 1; id <= 5; id++)
        registry_rows_add_device(r, 1, id);
    registry_rows_execute(state, "UPDATE device SET password = "
                                 "(SELECT password FROM device WHERE device_id = 1) "
                                 "WHERE device_id = 2;"
                                 "UPDATE device SET password = x'00' WHERE device_id = 3;"
                                 "UPDATE device SET device_id = -4 WHERE device_id = 4");
    assert_int_equal(registry_device_find(r, 2, &d), ST_CORRUPT);
    assert_int_equal(registry_device_find(r, 3, &d), ST_CORRUPT);
    assert_int_equal(registry_device_each(r, 0, on_device, &w), ST_OK);
    assert_int_equal(w.count, 2); /* 1 and 5 */
    registry_close(&r);
}

static void a_hundred_thousand_devices_are_added_and_walked(void **state)
{
    enum { DEVICES = 100000 };
    struct registry *r = registry_rows_open(state);
    struct walk w = {0};

    registry_rows_add_project(r, 1);
    assert_int_equal(registry_begin(r), ST_OK);
    for (uint64_t id = 1; id <= DEVICES; id++)
        registry_rows_add_device(r, 1, id);
    assert_int_equal(registry_commit(r), ST_OK);
    assert_int_equal(registry_device_each(r, 0, on_device, &w), ST_OK);
    assert_int_equal(w.count, DEVICES);
    w = (struct walk){.project_id = 1};
    assert_int_equal(registry_device_each(r, 1, on_device, &w), ST_OK);
    assert_int_equal(w.count, DEVICES);
    registry_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_DATA_TEST(a_device_comes_back),
        TEMP_DATA_TEST(a_device_is_changed),
        TEMP_DATA_TEST(a_user_name_is_one_device_in_all_projects),
        TEMP_DATA_TEST(bad_rows_are_refused),
        TEMP_DATA_TEST(a_project_goes_with_its_devices),
        TEMP_DATA_TEST(damaged_rows_are_left_out_of_a_walk),
        TEMP_DATA_TEST(a_hundred_thousand_devices_are_added_and_walked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
