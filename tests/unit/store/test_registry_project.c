/*
 * Projects come back as they were added; their secrets are not in the file and stay in their rows.
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

static void assert_same(const struct registry_project *a, const struct registry_project *b)
{
    assert_int_equal(a->project_id, b->project_id);
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->secret, b->secret);
    assert_string_equal(a->token, b->token);
    assert_int_equal(a->enabled, b->enabled);
    assert_int_equal(a->open_mqtt, b->open_mqtt);
    assert_int_equal(a->log, b->log);
    assert_string_equal(a->origins, b->origins);
    assert_int_equal(a->created_ms, b->created_ms);
}

static void a_project_comes_back(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_project p = registry_rows_project(ident_random(IDENT_PROJECT));
    struct registry_project found;

    (void)snprintf(p.name, sizeof(p.name), "温室 'one'");
    (void)snprintf(p.origins, sizeof(p.origins), "https://a.example http://b.example:8080");
    for (int bits = 0; bits < 8; bits++) {
        p.enabled = (bits & 1) != 0;
        p.open_mqtt = (bits & 2) != 0;
        p.log = (bits & 4) != 0;
        assert_int_equal(registry_project_add(r, &p), ST_OK);
        assert_int_equal(registry_project_find(r, p.project_id, &found), ST_OK);
        assert_same(&found, &p);
        assert_int_equal(registry_project_remove(r, p.project_id), ST_OK);
        assert_int_equal(registry_project_find(r, p.project_id, &found), ST_NOT_FOUND);
    }
    assert_int_equal(registry_project_remove(r, p.project_id), ST_NOT_FOUND);
    registry_close(&r);
}

static void a_project_is_changed(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_project p = registry_rows_project(1);
    struct registry_project found, wrong;

    registry_rows_add_project(r, 1);
    registry_rows_add_project(r, 2);
    (void)snprintf(p.name, sizeof(p.name), "温室");
    for (int bits = 0; bits < 8; bits++) {
        struct registry_project changed = p;

        p.enabled = changed.enabled = (bits & 1) != 0;
        p.open_mqtt = changed.open_mqtt = (bits & 2) != 0;
        p.log = changed.log = (bits & 4) != 0;
        p.origins[0] = changed.origins[0] = bits == 0 ? '\0' : 'o'; /* not looked at here */
        changed.secret[0] = changed.token[0] = '\0'; /* its credentials are not looked at */
        changed.created_ms = 1;
        assert_int_equal(registry_project_update(r, &changed), ST_OK);
        assert_int_equal(registry_project_find(r, 1, &found), ST_OK);
        assert_same(&found, &p);
    }
    wrong = p;
    wrong.name[0] = '\n';
    assert_int_equal(registry_project_update(r, &wrong), ST_INVALID);
    wrong = registry_rows_project(3);
    assert_int_equal(registry_project_update(r, &wrong), ST_NOT_FOUND);
    assert_int_equal(registry_project_find(r, 1, &found), ST_OK);
    assert_same(&found, &p);
    assert_int_equal(registry_project_find(r, 2, &found), ST_OK);
    p = registry_rows_project(2);
    assert_same(&found, &p);
    registry_close(&r);
}

static void a_new_one_gets_what_identifies_it(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_project p = registry_rows_project(1), q = p, found;

    assert_int_equal(registry_project_make(r, &p), ST_OK);
    assert_int_equal(registry_project_make(r, &q), ST_OK);
    assert_true(p.project_id != q.project_id && ident_is_valid(IDENT_PROJECT, p.project_id));
    assert_string_not_equal(p.secret, q.secret);
    assert_string_not_equal(p.token, q.token);
    assert_string_not_equal(p.secret, p.token);
    assert_int_equal(registry_project_find(r, p.project_id, &found), ST_OK);
    assert_same(&found, &p);
    p.name[0] = '\n';
    assert_int_equal(registry_project_make(r, &p), ST_INVALID);
    registry_close(&r);
}

static void the_same_key_twice_is_refused(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_project p = registry_rows_project(1);

    assert_int_equal(registry_project_add(r, &p), ST_OK);
    (void)snprintf(p.name, sizeof(p.name), "another");
    assert_int_equal(registry_project_add(r, &p), ST_EXISTS);
    assert_int_equal(registry_project_find(r, 1, &p), ST_OK);
    assert_string_equal(p.name, "project 1");
    registry_close(&r);
}

static void bad_rows_are_refused(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_project p;

    for (int i = 0; i < 8; i++) {
        p = registry_rows_project(1);
        switch (i) {
        case 0:
            p.name[0] = '\0';
            break;
        case 1:
            p.name[0] = '\n';
            break;
        case 2:
            p.name[0] = '\x7f';
            break;
        case 3:
            p.name[0] = '\xff';
            break;
        case 4:
            p.secret[0] = '\0';
            break;
        case 5:
            p.token[0] = '\0';
            break;
        case 6:
            p.project_id = 0;
            break;
        default:
            p.project_id = UINT64_MAX;
        }
        assert_int_equal(registry_project_add(r, &p), ST_INVALID);
    }
    p = registry_rows_project(1);
    memset(p.name, 'n', REGISTRY_NAME_MAX);
    p.name[REGISTRY_NAME_MAX] = '\0';
    assert_int_equal(registry_project_add(r, &p), ST_OK);
    registry_close(&r);
}

static void a_token_is_renewed(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_project p;

    registry_rows_add_project(r, 1);
    registry_rows_add_project(r, 2);
    assert_int_equal(registry_project_set_token(r, 1, "another"), ST_OK);
    assert_int_equal(registry_project_set_token(r, 1, ""), ST_INVALID);
    assert_int_equal(registry_project_set_token(r, 7, "another"), ST_NOT_FOUND);
    assert_int_equal(registry_project_find(r, 1, &p), ST_OK);
    assert_string_equal(p.token, "another");
    assert_string_equal(p.secret, registry_rows_project(1).secret);
    assert_int_equal(registry_project_find(r, 2, &p), ST_OK);
    assert_string_equal(p.token, registry_rows_project(2).token);
    registry_close(&r);
}

struct walk {
    uint64_t ids[8];
    size_t count;
    size_t stop_at;
};

static bool on_project(const struct registry_project *p, void *arg)
{
    struct registry_project want = registry_rows_project(p->project_id);
    struct walk *w = arg;

    assert_same(p, &want);
    w->ids[w->count++] = p->project_id;
    return w->count != w->stop_at;
}

static void a_walk_goes_from_the_oldest(void **state)
{
    static const uint64_t order[] = {5, 1, 9, 3};
    struct registry *r = registry_rows_open(state);
    struct walk w = {0};

    for (size_t i = 0; i < 4; i++)
        registry_rows_add_project(r, order[i]);
    assert_int_equal(registry_project_each(r, on_project, &w), ST_OK);
    assert_int_equal(w.count, 4);
    assert_memory_equal(w.ids, order, sizeof(order));

    w = (struct walk){.stop_at = 2};
    assert_int_equal(registry_project_each(r, on_project, &w), ST_OK);
    assert_int_equal(w.count, 2);
    registry_close(&r);
}

static void swapped_secrets_do_not_unseal(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_project p;
    struct walk w = {0};

    for (uint64_t id = 1; id <= 4; id++)
        registry_rows_add_project(r, id);
    /* 1 has the token of 2; 3 has its own secret as its token */
    registry_rows_execute(state, "UPDATE project SET token = "
                                 "(SELECT token FROM project WHERE project_id = 2) "
                                 "WHERE project_id = 1;"
                                 "UPDATE project SET token = "
                                 "(SELECT secret FROM secret WHERE project_id = 3) "
                                 "WHERE project_id = 3");
    assert_int_equal(registry_project_find(r, 1, &p), ST_CORRUPT);
    assert_int_equal(registry_project_find(r, 2, &p), ST_OK);
    assert_int_equal(registry_project_find(r, 3, &p), ST_CORRUPT);
    assert_int_equal(registry_project_each(r, on_project, &w), ST_OK);
    assert_int_equal(w.count, 2);
    assert_int_equal(w.ids[0], 2);
    assert_int_equal(w.ids[1], 4);
    registry_close(&r);
}

/* Looks for a text in a file of the directory. */
static bool file_has(void **state, const char *name, const char *text)
{
    FILE *file = fopen(temp_data_path(state, name), "rb");
    static char content[1024 * 1024];
    size_t len;

    assert_non_null(file);
    len = fread(content, 1, sizeof(content), file);
    assert_true(len < sizeof(content));
    assert_int_equal(fclose(file), 0);
    return memmem(content, len, text, strlen(text)) != NULL;
}

static void secrets_are_not_in_the_files(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_project p = registry_rows_project(1);

    assert_int_equal(registry_project_add(r, &p), ST_OK);
    assert_true(file_has(state, "registry.db-wal", p.name));
    assert_false(file_has(state, "registry.db-wal", p.secret));
    assert_false(file_has(state, "registry.db-wal", p.token));
    registry_close(&r);
    assert_true(file_has(state, "registry.db", p.name));
    assert_false(file_has(state, "registry.db", p.secret));
    assert_false(file_has(state, "registry.db", p.token));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_DATA_TEST(a_project_comes_back),
        TEMP_DATA_TEST(a_project_is_changed),
        TEMP_DATA_TEST(a_new_one_gets_what_identifies_it),
        TEMP_DATA_TEST(the_same_key_twice_is_refused),
        TEMP_DATA_TEST(bad_rows_are_refused),
        TEMP_DATA_TEST(a_token_is_renewed),
        TEMP_DATA_TEST(a_walk_goes_from_the_oldest),
        TEMP_DATA_TEST(swapped_secrets_do_not_unseal),
        TEMP_DATA_TEST(secrets_are_not_in_the_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
