/*
 * Notifiers: add, find, change, remove, walk; their number; numbers are never used again.
 */
#include "store/registry_notifier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "registry_rows.h"
#include "temp_data.h"

static struct registry_notifier row(uint64_t project_id, const char *name)
{
    struct registry_notifier x = {.project_id = project_id,
                                  .definition = slice_of("{\"url\": \"https://a/\"}"),
                                  .created_ms = 1700000000000};

    (void)snprintf(x.name, sizeof(x.name), "%s", name);
    ident_random_text(x.secret, REGISTRY_NOTIFIER_SECRET_LEN);
    return x;
}

static void what_was_added_is_found(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_notifier x = row(1, "hook"), found;
    struct buffer text = {0};

    assert_int_equal(registry_notifier_add(r, &x), ST_NOT_FOUND); /* no such project */
    registry_rows_add_project(r, 1);
    assert_int_equal(registry_notifier_add(r, &x), ST_OK);
    assert_int_equal(registry_notifier_add(r, &x), ST_EXISTS);
    assert_int_equal(registry_notifier_find(r, 1, "hook", &found, &text), ST_OK);
    assert_true(found.notifier_id > 0 && found.project_id == 1);
    assert_true(found.created_ms == x.created_ms && slice_equal(found.definition, x.definition));
    assert_string_equal(found.name, "hook");
    assert_string_equal(found.secret, x.secret);
    ident_random_text(x.secret, REGISTRY_NOTIFIER_SECRET_LEN);
    x.definition = slice_of("{}");
    assert_int_equal(registry_notifier_update(r, &x), ST_OK);
    assert_int_equal(registry_notifier_find(r, 1, "hook", &found, &text), ST_OK);
    assert_true(slice_is(found.definition, "{}"));
    assert_string_equal(found.secret, x.secret);
    assert_int_equal(registry_notifier_find(r, 2, "hook", &found, &text), ST_NOT_FOUND);
    assert_int_equal(registry_notifier_remove(r, 1, "hook"), ST_OK);
    assert_int_equal(registry_notifier_remove(r, 1, "hook"), ST_NOT_FOUND);
    assert_int_equal(registry_notifier_update(r, &x), ST_NOT_FOUND);
    x = row(1, "a b");
    assert_int_equal(registry_notifier_add(r, &x), ST_INVALID);
    buffer_deinit(&text);
    registry_close(&r);
}

static void numbers_are_not_used_again(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_notifier x = row(1, "hook"), first, second;
    struct buffer text = {0};

    registry_rows_add_project(r, 1);
    assert_int_equal(registry_notifier_add(r, &x), ST_OK);
    assert_int_equal(registry_notifier_find(r, 1, "hook", &first, &text), ST_OK);
    assert_int_equal(registry_notifier_remove(r, 1, "hook"), ST_OK);
    assert_int_equal(registry_notifier_add(r, &x), ST_OK);
    assert_int_equal(registry_notifier_find(r, 1, "hook", &second, &text), ST_OK);
    assert_true(second.notifier_id > first.notifier_id);
    buffer_deinit(&text);
    registry_close(&r);
}

static bool on_change(const struct registry_change *c, void *arg)
{
    *(struct registry_change *)arg = *c;
    return true;
}

static void changes_are_told(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_notifier x = row(1, "hook");
    struct registry_change last = {0};
    int64_t since;

    registry_rows_add_project(r, 1);
    assert_int_equal(registry_last_change(r, &since), ST_OK);
    assert_int_equal(registry_notifier_add(r, &x), ST_OK);
    assert_int_equal(registry_change_each(r, since, on_change, &last), ST_OK);
    assert_true(last.entity == REGISTRY_NOTIFIER && !last.removed);
    since = last.number;
    assert_int_equal(registry_notifier_update(r, &x), ST_OK);
    assert_int_equal(registry_change_each(r, since, on_change, &last), ST_OK);
    assert_true(last.entity == REGISTRY_NOTIFIER && last.number > since && !last.removed);
    since = last.number;
    assert_int_equal(registry_notifier_remove(r, 1, "hook"), ST_OK);
    assert_int_equal(registry_change_each(r, since, on_change, &last), ST_OK);
    assert_true(last.entity == REGISTRY_NOTIFIER && last.number > since && last.removed);
    registry_close(&r);
}

static bool count_notifier(const struct registry_notifier *x, void *arg)
{
    assert_true(slice_is(x->definition, "{\"url\": \"https://a/\"}"));
    ++*(size_t *)arg;
    return true;
}

static void they_are_walked_and_so_many(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_notifier x;
    char name[16];
    size_t count = 0;

    for (uint64_t project = 1; project <= 2; project++) {
        registry_rows_add_project(r, project);
        for (unsigned i = 0; i < REGISTRY_NOTIFIERS_MAX; i++) {
            (void)snprintf(name, sizeof(name), "n%u", i);
            x = row(project, name);
            assert_int_equal(registry_notifier_add(r, &x), ST_OK);
        }
    }
    x = row(1, "more");
    assert_int_equal(registry_notifier_add(r, &x), ST_FULL);
    /* a secret that stands in another row does not open there */
    registry_rows_execute(state, "UPDATE notifier SET secret = (SELECT secret FROM notifier WHERE "
                                 "name = 'n1' AND project_id = 1) WHERE name = 'n0' AND "
                                 "project_id = 1");
    assert_int_equal(registry_notifier_each(r, 1, count_notifier, &count), ST_OK);
    assert_int_equal(count, REGISTRY_NOTIFIERS_MAX - 1);
    count = 0;
    assert_int_equal(registry_notifier_each(r, 0, count_notifier, &count), ST_OK);
    assert_int_equal(count, 2 * REGISTRY_NOTIFIERS_MAX - 1);
    assert_int_equal(registry_project_remove(r, 1), ST_OK);
    count = 0;
    assert_int_equal(registry_notifier_each(r, 0, count_notifier, &count), ST_OK);
    assert_int_equal(count, REGISTRY_NOTIFIERS_MAX);
    registry_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_DATA_TEST(what_was_added_is_found),
        TEMP_DATA_TEST(numbers_are_not_used_again),
        TEMP_DATA_TEST(changes_are_told),
        TEMP_DATA_TEST(they_are_walked_and_so_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
