/*
 * Secrets of projects: add, find, change, remove, walk; how many; where they are sealed; what is a
 * change; the migration of the project's only one.
 */
#include "store/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "registry_rows.h"
#include "temp_data.h"

static struct registry_secret row(uint64_t project_id, const char *name)
{
    struct registry_secret x = {.project_id = project_id,
                                .definition = slice_of("{\"scopes\":[\"push\"]}"),
                                .created_ms = 1700000000000};

    (void)snprintf(x.name, sizeof(x.name), "%s", name);
    (void)snprintf(x.secret, sizeof(x.secret), "text of %.20s", name);
    return x;
}

static void what_was_added_is_found(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_secret x = row(1, "line-2"), found;
    struct buffer text = {0};

    assert_int_equal(registry_secret_add(r, &x), ST_NOT_FOUND); /* no such project */
    registry_rows_add_project(r, 1);
    registry_rows_add_project(r, 2);
    assert_int_equal(registry_secret_add(r, &x), ST_OK);
    assert_int_equal(registry_secret_add(r, &x), ST_EXISTS);
    assert_int_equal(registry_secret_find(r, 2, "line-2", &found, &text), ST_NOT_FOUND);
    assert_int_equal(registry_secret_find(r, 1, "line-2", &found, &text), ST_OK);
    assert_int_equal(found.project_id, 1);
    assert_string_equal(found.name, x.name);
    assert_string_equal(found.secret, x.secret);
    assert_true(slice_equal(found.definition, x.definition));
    assert_true(found.created_ms == x.created_ms && found.used_ms == 0 && found.used_from[0] == 0);

    x.definition = slice_of("{}");
    (void)snprintf(x.secret, sizeof(x.secret), "renewed");
    assert_int_equal(registry_secret_update(r, &x), ST_OK);
    assert_int_equal(registry_secret_find(r, 1, "line-2", &found, &text), ST_OK);
    assert_string_equal(found.secret, "renewed");
    assert_true(slice_is(found.definition, "{}"));
    assert_int_equal(registry_secret_remove(r, 1, "line-2"), ST_OK);
    assert_int_equal(registry_secret_remove(r, 1, "line-2"), ST_NOT_FOUND);
    assert_int_equal(registry_secret_update(r, &x), ST_NOT_FOUND);
    assert_int_equal(registry_secret_find(r, 1, "line-2", &found, &text), ST_NOT_FOUND);
    buffer_deinit(&text);
    registry_close(&r);
}

static void the_main_one_is_the_projects(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_project p;
    struct registry_secret x;
    struct buffer text = {0};

    registry_rows_add_project(r, 1);
    assert_int_equal(registry_secret_find(r, 1, REGISTRY_MAIN_SECRET, &x, &text), ST_OK);
    assert_string_equal(x.secret, registry_rows_project(1).secret);
    assert_true(slice_is(x.definition, "{}"));
    (void)snprintf(x.secret, sizeof(x.secret), "renewed");
    assert_int_equal(registry_secret_update(r, &x), ST_OK);
    assert_int_equal(registry_project_find(r, 1, &p), ST_OK);
    assert_string_equal(p.secret, "renewed");
    assert_int_equal(registry_secret_remove(r, 1, REGISTRY_MAIN_SECRET), ST_OK);
    assert_int_equal(registry_project_find(r, 1, &p), ST_OK);
    assert_string_equal(p.secret, "");
    assert_int_equal(registry_secret_add(r, &x), ST_OK);
    assert_int_equal(registry_project_find(r, 1, &p), ST_OK);
    assert_string_equal(p.secret, "renewed");
    buffer_deinit(&text);
    registry_close(&r);
}

static void bad_rows_are_refused(void **state)
{
    static const char *const names[] = {"", "a.b", "a b", "ü", "a/b"};
    struct registry *r = registry_rows_open(state);
    struct registry_secret x;

    registry_rows_add_project(r, 1);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        x = row(1, names[i]);
        assert_int_equal(registry_secret_add(r, &x), ST_INVALID);
    }
    x = row(1, "a");
    x.secret[0] = '\0';
    assert_int_equal(registry_secret_add(r, &x), ST_INVALID);
    assert_int_equal(registry_secret_update(r, &x), ST_INVALID);
    registry_close(&r);
}

static void a_project_has_so_many(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_secret x;
    char name[16];

    registry_rows_add_project(r, 1);
    registry_rows_add_project(r, 2);
    for (int i = 1; i <= REGISTRY_SECRETS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "s%d", i);
        x = row(1, name);
        assert_int_equal(registry_secret_add(r, &x), i < REGISTRY_SECRETS_MAX ? ST_OK : ST_FULL);
    }
    x = row(2, name);
    assert_int_equal(registry_secret_add(r, &x), ST_OK);
    assert_int_equal(registry_secret_remove(r, 1, "s5"), ST_OK);
    x = row(1, name);
    assert_int_equal(registry_secret_add(r, &x), ST_OK);
    registry_close(&r);
}

struct walk {
    char names[256]; /* "<project><name> " */
    size_t stop_after;
};

static bool on_secret(const struct registry_secret *x, void *arg)
{
    struct walk *w = arg;
    size_t len = strlen(w->names);

    (void)snprintf(w->names + len, sizeof(w->names) - len, "%d%s ", (int)x->project_id, x->name);
    return --w->stop_after > 0;
}

static void assert_walk(struct registry *r, uint64_t project_id, size_t stop_after,
                        const char *names)
{
    struct walk w = {.stop_after = stop_after};

    assert_int_equal(registry_secret_each(r, project_id, on_secret, &w), ST_OK);
    assert_string_equal(w.names, names);
}

static void a_walk_goes_by_projects(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_secret b = row(1, "b"), a = row(1, "a"), c = row(2, "c");

    registry_rows_add_project(r, 1);
    assert_int_equal(registry_secret_add(r, &b), ST_OK);
    registry_rows_add_project(r, 2);
    assert_int_equal(registry_secret_add(r, &c), ST_OK);
    assert_int_equal(registry_secret_add(r, &a), ST_OK);
    assert_walk(r, 0, 99, "1main 1b 1a 2main 2c ");
    assert_walk(r, 1, 99, "1main 1b 1a ");
    assert_walk(r, 2, 1, "2main ");
    assert_walk(r, 7, 99, "");
    registry_close(&r);
}

static void one_that_stands_elsewhere_does_not_unseal(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_secret a = row(1, "a"), token = row(1, "token"), found;
    struct registry_project p;
    struct buffer text = {0};

    registry_rows_add_project(r, 1);
    registry_rows_add_project(r, 2);
    assert_int_equal(registry_secret_add(r, &a), ST_OK);
    assert_int_equal(registry_secret_add(r, &token), ST_OK);
    /* One of the same project, the other's main, and the project's token in its place. */
    registry_rows_execute(state,
                          "UPDATE secret SET secret = (SELECT secret FROM secret WHERE name = 'a')"
                          " WHERE project_id = 1 AND name = 'main';"
                          "UPDATE secret SET secret = (SELECT token FROM project WHERE project_id ="
                          " 1) WHERE name = 'token'");
    assert_int_equal(registry_secret_find(r, 1, "main", &found, &text), ST_CORRUPT);
    assert_int_equal(registry_secret_find(r, 1, "token", &found, &text), ST_CORRUPT);
    assert_int_equal(registry_secret_find(r, 1, "a", &found, &text), ST_OK);
    assert_walk(r, 0, 99, "1a 2main ");
    assert_int_equal(registry_project_find(r, 1, &p), ST_OK); /* it can do without */
    assert_string_equal(p.secret, "");
    buffer_deinit(&text);
    registry_close(&r);
}

static bool count_change(const struct registry_change *c, void *arg)
{
    assert_true(c->entity == REGISTRY_SECRETS && c->id == 1 && !c->removed && !c->was_removed);
    ++*(int *)arg;
    return true;
}

/* How often the secrets of project 1 have changed since, which is told once: 0 or 1. */
static int changes(struct registry *r, int64_t *since)
{
    int count = 0;

    assert_int_equal(registry_change_each(r, *since, count_change, &count), ST_OK);
    assert_int_equal(registry_last_change(r, since), ST_OK);
    return count;
}

static void changes_are_told_and_uses_are_not(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_secret x = row(1, "a"), found;
    struct buffer text = {0};
    int64_t since;

    registry_rows_add_project(r, 1);
    assert_int_equal(registry_last_change(r, &since), ST_OK);
    assert_int_equal(registry_secret_add(r, &x), ST_OK);
    assert_int_equal(changes(r, &since), 1);
    assert_int_equal(registry_secret_update(r, &x), ST_OK);
    assert_int_equal(changes(r, &since), 1);
    assert_int_equal(registry_secret_set_use(r, 1, "a", 2000, "192.0.2.1"), ST_OK);
    assert_int_equal(registry_secret_set_use(r, 1, "a", 1000, "192.0.2.2"), ST_OK);
    assert_int_equal(registry_secret_set_use(r, 1, "gone", 1000, "192.0.2.2"), ST_OK);
    assert_int_equal(changes(r, &since), 0);
    assert_int_equal(registry_secret_find(r, 1, "a", &found, &text), ST_OK);
    assert_int_equal(found.used_ms, 2000);
    assert_string_equal(found.used_from, "192.0.2.1");
    assert_int_equal(registry_secret_remove(r, 1, "a"), ST_OK);
    assert_int_equal(changes(r, &since), 1);
    buffer_deinit(&text);
    registry_close(&r);
}

/* The schema when the secret stood in the project's row. */
static const char *const old_schema[] = {
#define MIGRATION(number, subject, ...) #__VA_ARGS__,
#include "store/schema/0001_projects_devices.def"
#include "store/schema/0002_device_types.def"
#include "store/schema/0003_alarm_rules.def"
#include "store/schema/0004_sub_devices.def"
#undef MIGRATION
};

enum { OLD_VERSION = sizeof(old_schema) / sizeof(old_schema[0]) };

/* Writes a registry of that time: what is sealed comes from one of today. */
static void write_old_registry(void **state)
{
    char present[512], sql[1024];

    (void)snprintf(present, sizeof(present), "%s", temp_data_path(state, "present.db"));
    assert_int_equal(rename(temp_data_path(state, "registry.db"), present), 0);
    for (size_t i = 0; i < OLD_VERSION; i++)
        registry_rows_execute(state, old_schema[i]);
    (void)snprintf(sql, sizeof(sql),
                   "ATTACH '%s' AS present; INSERT INTO setting SELECT * FROM present.setting;"
                   "INSERT INTO project (project_id, name, secret, token, enabled, open_mqtt, "
                   "created_ms) SELECT project_id, p.name, secret, token, enabled, open_mqtt, "
                   "p.created_ms FROM present.project AS p JOIN present.secret USING (project_id);"
                   "PRAGMA user_version = %d",
                   present, (int)OLD_VERSION);
    registry_rows_execute(state, sql);
    assert_int_equal(unlink(present), 0);
}

static void the_only_one_becomes_the_main_one(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_project p;

    registry_rows_add_project(r, 1);
    registry_rows_add_project(r, 2);
    registry_close(&r);
    write_old_registry(state);
    r = registry_rows_open(state);
    for (uint64_t id = 1; id <= 2; id++) {
        assert_int_equal(registry_project_find(r, id, &p), ST_OK);
        assert_string_equal(p.secret, registry_rows_project(id).secret);
        assert_int_equal(p.created_ms, registry_rows_project(id).created_ms);
    }
    assert_walk(r, 0, 99, "1main 2main ");
    registry_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_DATA_TEST(what_was_added_is_found),
        TEMP_DATA_TEST(the_main_one_is_the_projects),
        TEMP_DATA_TEST(bad_rows_are_refused),
        TEMP_DATA_TEST(a_project_has_so_many),
        TEMP_DATA_TEST(a_walk_goes_by_projects),
        TEMP_DATA_TEST(one_that_stands_elsewhere_does_not_unseal),
        TEMP_DATA_TEST(changes_are_told_and_uses_are_not),
        TEMP_DATA_TEST(the_only_one_becomes_the_main_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
