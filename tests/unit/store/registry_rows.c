/*
 * Rows that can be told apart by their numbers.
 */
#include "registry_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>

#include "store/secret.h"
#include "temp_data.h"

struct registry *registry_rows_open(void **state)
{
    struct registry *r = NULL;
    char error[256] = "";

    assert_int_equal(secret_init(), ST_OK);
    if (registry_open(*state, &r, error, sizeof(error)) != ST_OK)
        fail_msg("%s", error);
    return r;
}

struct registry_project registry_rows_project(uint64_t project_id)
{
    struct registry_project p = {.project_id = project_id,
                                 .enabled = true,
                                 .open_mqtt = project_id % 2 == 1,
                                 .created_ms = 1700000000000 + (int64_t)project_id};

    (void)snprintf(p.name, sizeof(p.name), "project %" PRIu64, project_id);
    (void)snprintf(p.secret, sizeof(p.secret), "secret %033" PRIu64, project_id);
    (void)snprintf(p.token, sizeof(p.token), "token %034" PRIu64, project_id);
    return p;
}

struct registry_device registry_rows_device(uint64_t project_id, uint64_t device_id)
{
    struct registry_device d = {.device_id = device_id,
                                .project_id = project_id,
                                .enabled = true,
                                .created_ms = 1700000000000 + (int64_t)device_id};

    (void)snprintf(d.name, sizeof(d.name), "device %" PRIu64, device_id);
    (void)snprintf(d.password, sizeof(d.password), "password %07" PRIu64, device_id);
    return d;
}

void registry_rows_add_project(struct registry *r, uint64_t project_id)
{
    struct registry_project p = registry_rows_project(project_id);

    assert_int_equal(registry_project_add(r, &p), ST_OK);
}

void registry_rows_add_device(struct registry *r, uint64_t project_id, uint64_t device_id)
{
    struct registry_device d = registry_rows_device(project_id, device_id);

    assert_int_equal(registry_device_add(r, &d), ST_OK);
}

void registry_rows_execute(void **state, const char *sql)
{
    sqlite3 *db = NULL;
    char *error = NULL;

    assert_int_equal(sqlite3_open(temp_data_path(state, "registry.db"), &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s", error);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

int64_t registry_rows_number(void **state, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    int64_t number;

    assert_int_equal(sqlite3_open(temp_data_path(state, "registry.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    number = sqlite3_column_int64(statement, 0);
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return number;
}
