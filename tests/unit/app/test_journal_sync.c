/*
 * What an older program kept of devices beside the journal is taken in, once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <endian.h>
#include <string.h>
#include <unistd.h>

#include "app/server_priv.h"
#include "store/lmdb_env.h"
#include "store/secret.h"
#include "temp_data.h"

static const int64_t created_ms = 1700000000000;

static uint64_t project_id, device_id, gone_id;

/* As that program had them. */
enum { VALUE, ONLINE, ALARM, COMMAND, RETAINED, TABLES };

static const char *const tables[TABLES] = {"value", "online", "alarm", "command", "retained"};

struct stage {
    struct config config;
    struct server server;
};

static void put(struct lmdb_env_txn *t, size_t table, uint64_t id, const char *name,
                struct slice value)
{
    struct buffer key = {0};

    buffer_append_u64(&key, id);
    buffer_append_text(&key, name);
    lmdb_env_put(t, table, buffer_slice(&key), value);
    buffer_deinit(&key);
}

static void put_value(struct lmdb_env_txn *t, uint64_t id, const char *json)
{
    struct buffer value = {0};

    buffer_append_u64(&value, 1234);
    buffer_append_text(&value, json);
    put(t, VALUE, id, "t", buffer_slice(&value));
    buffer_deinit(&value);
}

static void write_all(struct lmdb_env_txn *t, void *arg)
{
    uint8_t presence[9] = {1, 0, 0, 0, 0, 0, 0, 0, 9};

    (void)arg;
    put_value(t, device_id, "21.5");
    put_value(t, gone_id, "1");
    put(t, ONLINE, device_id, "", slice_make(presence, sizeof(presence)));
    put(t, ALARM, device_id, "", slice_of("alarms"));
}

static void write_old(void **state)
{
    struct lmdb_env *e = NULL;
    char error[256] = "";

    assert_int_equal(lmdb_env_open(temp_data_path(state, "values"), tables, TABLES, 1 << 20, &e,
                                   error, sizeof(error)),
                     ST_OK);
    assert_int_equal(lmdb_env_write(e, write_all, NULL), ST_OK);
    lmdb_env_close(&e);
}

static void open_stage(struct stage *g, void **state)
{
    struct journal_limits limits = {0};
    struct registry_project project = {.project_id = project_id, .name = "p", .enabled = true};
    struct registry_device device = {.device_id = device_id,
                                     .project_id = project_id,
                                     .name = "d",
                                     .password = "password",
                                     .created_ms = created_ms};
    char error[SERVER_ERROR_LEN] = "";

    ident_random_text(project.secret, IDENT_SECRET_LEN);
    ident_random_text(project.token, IDENT_SECRET_LEN);
    *g = (struct stage){0};
    g->config.data = *state;
    g->server.config = &g->config;
    assert_int_equal(registry_open(*state, &g->server.registry, error, sizeof(error)), ST_OK);
    assert_int_equal(registry_project_add(g->server.registry, &project), ST_OK);
    assert_int_equal(registry_device_add(g->server.registry, &device), ST_OK);
    assert_int_equal(journal_lmdb_open(*state, &limits, &g->server.journal, error, sizeof(error)),
                     ST_OK);
}

static void close_stage(struct stage *g)
{
    journal_close(&g->server.journal);
    registry_close(&g->server.registry);
}

static void list_row(uint64_t id, struct slice key, struct slice value, void *arg)
{
    buffer_append_u64(arg, id);
    buffer_append_slice(arg, key);
    buffer_append_slice(arg, value);
}

static void assert_rows(struct journal *j, enum journal_table table, const struct buffer *want)
{
    struct buffer rows = {0};

    assert_int_equal(journal_each(j, table, list_row, &rows), ST_OK);
    assert_int_equal(rows.len, want->len);
    if (rows.len > 0)
        assert_memory_equal(rows.data, want->data, rows.len);
    buffer_deinit(&rows);
}

static void assert_taken(struct journal *j)
{
    struct buffer want = {0};

    buffer_append_u64(&want, project_id);
    buffer_append_u64(&want, device_id);
    buffer_append_text(&want, "t");
    buffer_append_u64(&want, 1234);
    buffer_append_text(&want, "21.5");
    assert_rows(j, JOURNAL_TABLE_VALUE, &want);
    want.len = 0;
    buffer_append_u64(&want, project_id);
    buffer_append_u64(&want, device_id);
    buffer_append_u8(&want, 1); /* the form, */
    buffer_append_u8(&want, 1); /* online */
    buffer_append_u64(&want, 9);
    buffer_append_u64(&want, (uint64_t)created_ms);
    assert_rows(j, JOURNAL_TABLE_DEVICE, &want);
    want.len = 0;
    buffer_append_u64(&want, project_id);
    buffer_append_u64(&want, device_id);
    buffer_append_text(&want, "alarms");
    assert_rows(j, JOURNAL_TABLE_ALARM, &want);
    buffer_deinit(&want);
}

static void old_values_are_taken_in_once(void **state)
{
    char error[SERVER_ERROR_LEN] = "";
    struct stage g;

    write_old(state);
    open_stage(&g, state);
    assert_int_equal(journal_sync_open(&g.server, error), ST_OK);
    assert_taken(g.server.journal);
    assert_int_not_equal(access(temp_data_path(state, "values"), F_OK), 0);
    assert_int_equal(access(temp_data_path(state, "values.old"), F_OK), 0);
    assert_int_equal(journal_sync_open(&g.server, error), ST_OK);
    assert_taken(g.server.journal);
    close_stage(&g);
}

static void what_cannot_be_read_is_refused(void **state)
{
    char error[SERVER_ERROR_LEN] = "";
    struct stage g;

    temp_data_write(state, "values", "no folder", 9, 0600);
    open_stage(&g, state);
    assert_int_not_equal(journal_sync_open(&g.server, error), ST_OK);
    assert_non_null(strstr(error, "values"));
    close_stage(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_DATA_TEST(old_values_are_taken_in_once),
        TEMP_DATA_TEST(what_cannot_be_read_is_refused),
    };

    project_id = ident_random(IDENT_PROJECT);
    device_id = ident_random(IDENT_DEVICE);
    do {
        gone_id = ident_random(IDENT_DEVICE);
    } while (gone_id == device_id);
    return secret_init() == ST_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
