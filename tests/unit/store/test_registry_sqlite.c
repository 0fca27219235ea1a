/*
 * Opening, migrations, transactions, changes between two connections, settings.
 */
#include "store/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "registry_rows.h"
#include "store/secret.h"
#include "temp_data.h"

/* ---- opening */

static void the_first_start_makes_everything(void **state)
{
    char path[256];
    char error[256];
    struct registry *r = NULL;
    int64_t last = -1;

    (void)snprintf(path, sizeof(path), "%s", temp_data_path(state, "new"));
    assert_int_equal(secret_init(), ST_OK);
    assert_int_equal(registry_open(path, &r, error, sizeof(error)), ST_OK);
    assert_int_equal(temp_data_mode(state, "new"), 0700);
    assert_int_equal(temp_data_mode(state, "new/registry.db"), 0600);
    assert_int_equal(temp_data_mode(state, "new/registry.db-wal"), 0600);
    assert_int_equal(temp_data_mode(state, "new/secret.key"), 0600);
    assert_int_equal(registry_last_change(r, &last), ST_OK);
    assert_int_equal(last, 0);
    registry_close(&r);
    assert_null(r);
    registry_close(&r);
}

static void a_second_start_finds_what_was_there(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_project p;
    int64_t before;
    int64_t after;

    registry_rows_add_project(r, 1);
    assert_int_equal(registry_last_change(r, &before), ST_OK);
    registry_close(&r);

    r = registry_rows_open(state);
    assert_int_equal(registry_project_find(r, 1, &p), ST_OK);
    assert_string_equal(p.secret, registry_rows_project(1).secret);
    assert_int_equal(registry_last_change(r, &after), ST_OK);
    assert_int_equal(before, after);
    registry_close(&r);
}

/* What stands in the directory, what becomes of opening it, and a word of the line that says so. */
static const struct refusal_case {
    const char *name;
    const char *sql;    /* run on a good registry; NULL: none */
    const char *remove; /* a file of it; NULL: none */
    const char *file;   /* written over; NULL: none */
    const char *content;
    enum status want;
    const char *line;
} refusal_cases[] = {
    {"newer schema", "PRAGMA user_version = 999", NULL, NULL, NULL, ST_UNSUPPORTED,
     "schema version 999"},
    {"key lost", NULL, "secret.key", NULL, NULL, ST_CORRUPT, "secret.key: is missing"},
    {"foreign key", NULL, NULL, "secret.key", "0123456789abcdef0123456789abcdef", ST_CORRUPT,
     "not the key of registry.db"},
    {"half a key", NULL, NULL, "secret.key", "0123456789abcdef", ST_CORRUPT, "32 bytes"},
    {"no database", NULL, NULL, "registry.db", "This is a letter, not a database. It is longer.",
     ST_CORRUPT, "registry.db: is no registry"},
    {"key check gone", "DELETE FROM setting", NULL, NULL, NULL, ST_CORRUPT,
     "not the key of registry.db"},
};

static void what_cannot_be_used_is_refused_with_a_line(void **state)
{
    for (size_t i = 0; i < sizeof(refusal_cases) / sizeof(refusal_cases[0]); i++) {
        const struct refusal_case *c = &refusal_cases[i];
        struct registry *r;
        char error[512] = "";
        void *dir = (void *)(uintptr_t)temp_data_path(state, "case");

        /* Each case has a directory of its own, below that of the test. */
        char path[256];
        (void)snprintf(path, sizeof(path), "%s%zu", (char *)dir, i);
        dir = path;
        r = registry_rows_open(&dir);
        registry_close(&r);
        if (c->sql != NULL)
            registry_rows_execute(&dir, c->sql);
        if (c->remove != NULL)
            assert_int_equal(unlink(temp_data_path(&dir, c->remove)), 0);
        if (c->file != NULL)
            temp_data_write(&dir, c->file, c->content, strlen(c->content), 0600);

        if (registry_open(path, &r, error, sizeof(error)) != c->want)
            fail_msg("%s: %s", c->name, error);
        assert_null(r);
        if (strstr(error, c->line) == NULL || strstr(error, path) == NULL ||
            strchr(error, '\n') != NULL)
            fail_msg("%s: %s", c->name, error);
    }
}

static void a_newer_schema_is_left_as_it_is(void **state)
{
    struct registry *r = registry_rows_open(state);
    int64_t version = registry_rows_number(state, "PRAGMA user_version");
    char error[256], back[64];

    registry_rows_add_project(r, 1);
    registry_close(&r);
    registry_rows_execute(state, "ALTER TABLE project ADD COLUMN colour TEXT;"
                                 "PRAGMA user_version = 99");
    assert_int_equal(registry_open(*state, &r, error, sizeof(error)), ST_UNSUPPORTED);
    registry_rows_execute(state, "SELECT colour FROM project");
    (void)snprintf(back, sizeof(back), "PRAGMA user_version = %" PRId64, version);
    registry_rows_execute(state, back);
    r = registry_rows_open(state);
    registry_close(&r);
}

static void places_that_cannot_hold_data_are_told(void **state)
{
    struct registry *r = NULL;
    char error[256];

    assert_int_equal(registry_open(temp_data_path(state, "not/there"), &r, error, sizeof(error)),
                     ST_NOT_FOUND);
    assert_non_null(strstr(error, "make the directory above it first"));
    temp_data_write(state, "file", "", 0, 0600);
    assert_int_equal(registry_open(temp_data_path(state, "file"), &r, error, sizeof(error)), ST_IO);
    assert_non_null(strstr(error, "is no directory"));
    assert_null(r);
}

static void first_starts_at_once_agree(void **state)
{
    enum { STARTS = 6 };
    struct registry *r;
    pid_t children[STARTS];
    size_t count = 0;
    struct registry_project p;

    (void)fflush(NULL);
    for (uint64_t i = 0; i < STARTS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            char error[256];
            struct registry_project own = registry_rows_project(i + 1);

            if (registry_open(*state, &r, error, sizeof(error)) != ST_OK ||
                registry_project_add(r, &own) != ST_OK)
                _exit(1);
            registry_close(&r);
            _exit(0);
        }
    }
    for (size_t i = 0; i < STARTS; i++) {
        int result;

        assert_int_equal(waitpid(children[i], &result, 0), children[i]);
        count += WIFEXITED(result) && WEXITSTATUS(result) == 0;
    }
    assert_int_equal(count, STARTS);
    r = registry_rows_open(state);
    for (uint64_t i = 0; i < STARTS; i++)
        assert_int_equal(registry_project_find(r, i + 1, &p), ST_OK);
    registry_close(&r);
}

/* ---- transactions */

static void a_transaction_is_all_or_nothing(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry *other = registry_rows_open(state);
    struct registry_device d;
    int64_t last;

    assert_int_equal(registry_begin(r), ST_OK);
    registry_rows_add_project(r, 1);
    registry_rows_add_device(r, 1, 10);
    assert_int_equal(registry_device_find(other, 10, &d), ST_NOT_FOUND);
    registry_rollback(r);
    assert_int_equal(registry_device_find(r, 10, &d), ST_NOT_FOUND);
    assert_int_equal(registry_last_change(r, &last), ST_OK);
    assert_int_equal(last, 0);

    assert_int_equal(registry_begin(r), ST_OK);
    registry_rows_add_project(r, 1);
    registry_rows_add_device(r, 1, 10);
    assert_int_equal(registry_commit(r), ST_OK);
    assert_int_equal(registry_device_find(other, 10, &d), ST_OK);
    registry_close(&other);
    registry_close(&r);
}

static void a_refused_row_does_not_end_its_transaction(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_device d = registry_rows_device(1, 10);

    assert_int_equal(registry_begin(r), ST_OK);
    registry_rows_add_project(r, 1);
    registry_rows_add_device(r, 1, 10);
    assert_int_equal(registry_device_add(r, &d), ST_EXISTS);
    registry_rows_add_device(r, 1, 11);
    assert_int_equal(registry_commit(r), ST_OK);
    assert_int_equal(registry_device_find(r, 11, &d), ST_OK);
    registry_close(&r);
}

/* ---- changes */

struct seen {
    struct registry_change changes[16];
    size_t count;
    size_t stop_at;
};

static bool on_change(const struct registry_change *c, void *arg)
{
    struct seen *seen = arg;

    assert_true(seen->count < 16);
    seen->changes[seen->count++] = *c;
    return seen->count != seen->stop_at;
}

static void assert_change(const struct registry_change *c, enum registry_entity entity, uint64_t id,
                          bool removed, bool was_removed)
{
    assert_int_equal(c->entity, entity);
    assert_int_equal(c->id, id);
    assert_int_equal(c->removed, removed);
    assert_int_equal(c->was_removed, was_removed);
}

static void changes_come_in_order_and_once_a_row(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct seen seen = {0};
    int64_t last;

    registry_rows_add_project(r, 1);
    registry_rows_add_device(r, 1, 10);
    registry_rows_add_device(r, 1, 11);
    assert_int_equal(registry_device_remove(r, 10), ST_OK);
    registry_rows_add_device(r, 1, 10);
    assert_int_equal(registry_device_remove(r, 11), ST_OK);

    assert_int_equal(registry_change_each(r, 0, on_change, &seen), ST_OK);
    assert_int_equal(seen.count, 4);
    assert_change(&seen.changes[0], REGISTRY_PROJECT, 1, false, false);
    assert_change(&seen.changes[1], REGISTRY_SECRETS, 1, false, false);
    assert_change(&seen.changes[2], REGISTRY_DEVICE, 10, false, true); /* removed, added */
    assert_change(&seen.changes[3], REGISTRY_DEVICE, 11, true, true);
    for (size_t i = 0; i < 3; i++)
        assert_true(seen.changes[i].number < seen.changes[i + 1].number);
    assert_int_equal(registry_last_change(r, &last), ST_OK);
    assert_int_equal(last, seen.changes[3].number);

    seen.count = 0;
    assert_int_equal(registry_change_each(r, seen.changes[2].number, on_change, &seen), ST_OK);
    assert_int_equal(seen.count, 1);
    assert_change(&seen.changes[0], REGISTRY_DEVICE, 11, true, true);

    seen.count = 0;
    seen.stop_at = 2;
    assert_int_equal(registry_change_each(r, 0, on_change, &seen), ST_OK);
    assert_int_equal(seen.count, 2);

    seen.count = 0;
    assert_int_equal(registry_change_each(r, last, on_change, &seen), ST_OK);
    assert_int_equal(seen.count, 0);
    registry_close(&r);
}

static void changed_rows_are_changes(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_project p = registry_rows_project(1);
    struct registry_device d = registry_rows_device(1, 10);
    struct seen seen = {0};
    int64_t last;

    registry_rows_add_project(r, 1);
    registry_rows_add_project(r, 2);
    registry_rows_add_device(r, 1, 10);
    assert_int_equal(registry_last_change(r, &last), ST_OK);
    assert_int_equal(registry_device_update(r, &d), ST_OK);
    assert_int_equal(registry_project_update(r, &p), ST_OK);
    assert_int_equal(registry_change_each(r, last, on_change, &seen), ST_OK);
    assert_int_equal(seen.count, 2);
    assert_change(&seen.changes[0], REGISTRY_DEVICE, 10, false, false);
    assert_change(&seen.changes[1], REGISTRY_PROJECT, 1, false, false);
    registry_close(&r);
}

static void a_removed_project_tells_of_its_devices(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct seen seen = {0};
    int64_t last;
    bool removed[3] = {false};
    size_t secrets = 0;

    registry_rows_add_project(r, 1);
    registry_rows_add_device(r, 1, 10);
    registry_rows_add_device(r, 1, 11);
    assert_int_equal(registry_last_change(r, &last), ST_OK);
    assert_int_equal(registry_project_remove(r, 1), ST_OK);
    assert_int_equal(registry_change_each(r, last, on_change, &seen), ST_OK);
    assert_int_equal(seen.count, 4);
    for (size_t i = 0; i < 4; i++) {
        if (seen.changes[i].entity == REGISTRY_SECRETS) {
            assert_change(&seen.changes[i], REGISTRY_SECRETS, 1, false, false);
            secrets++;
            continue;
        }
        assert_true(seen.changes[i].removed);
        removed[seen.changes[i].entity == REGISTRY_PROJECT ? 0 : seen.changes[i].id - 9] = true;
    }
    assert_true(removed[0] && removed[1] && removed[2] && secrets == 1);
    registry_close(&r);
}

static void connections_see_each_others_changes(void **state)
{
    struct registry *server = registry_rows_open(state);
    struct registry *cli = registry_rows_open(state);
    struct registry_project p;

    assert_false(registry_has_changed(server));
    registry_rows_add_project(cli, 1);
    assert_true(registry_has_changed(server));
    assert_false(registry_has_changed(server));
    assert_false(registry_has_changed(cli)); /* its own */
    assert_int_equal(registry_project_find(server, 1, &p), ST_OK);

    assert_int_equal(registry_begin(cli), ST_OK);
    registry_rows_add_device(cli, 1, 10);
    assert_false(registry_has_changed(server));
    assert_int_equal(registry_commit(cli), ST_OK);
    assert_true(registry_has_changed(server));

    registry_rows_add_project(server, 2);
    assert_false(registry_has_changed(server));
    assert_true(registry_has_changed(cli));
    registry_close(&cli);
    assert_false(registry_has_changed(server));
    registry_close(&server);
}

/* ---- settings */

static void settings_are_kept_under_their_names(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct buffer value = {0};

    assert_int_equal(registry_setting_find(r, "a", &value), ST_NOT_FOUND);
    assert_int_equal(registry_setting_put(r, "a", slice_of("1")), ST_OK);
    assert_int_equal(registry_setting_put(r, "b", slice_of("")), ST_OK);
    assert_int_equal(registry_setting_put(r, "a", slice_make("2\0", 2)), ST_OK);
    registry_close(&r);

    r = registry_rows_open(state);
    assert_int_equal(registry_setting_find(r, "a", &value), ST_OK);
    assert_true(slice_equal(buffer_slice(&value), slice_make("2\0", 2)));
    value.len = 0;
    assert_int_equal(registry_setting_find(r, "b", &value), ST_OK);
    assert_int_equal(value.len, 0);
    buffer_deinit(&value);
    registry_close(&r);
}

/* Another process: adds a project, over a connection that it opens and closes, each time it is
 * told to. Forked before there is a connection here, as SQLite wants it. */
static pid_t fork_writer(void **state, const int there[2], const int back[2])
{
    pid_t child = fork();
    char byte, error[256];

    assert_true(child >= 0);
    if (child != 0)
        return child;
    (void)close(there[1]); /* so that the end of it comes */
    for (uint64_t id = 1; read(there[0], &byte, 1) == 1; id++) {
        struct registry_project own = registry_rows_project(id);
        struct registry *r;

        if (registry_open(*state, &r, error, sizeof(error)) != ST_OK ||
            registry_project_add(r, &own) != ST_OK)
            _exit(1);
        registry_close(&r);
        if (write(back[1], &byte, 1) != 1)
            _exit(1);
    }
    _exit(0);
}

/* Opening a second one closed a descriptor of registry.db, and with it all of the process' locks:
 * the other process took the log away when it ended, and its next commits were never seen. */
static void regress_a_second_connection_leaves_the_first_its_locks(void **state)
{
    int there[2], back[2], result;
    struct registry *first, *second;
    char byte = 0;
    pid_t writer;

    assert_int_equal(secret_init(), ST_OK);
    assert_int_equal(pipe(there), 0);
    assert_int_equal(pipe(back), 0);
    (void)fflush(NULL);
    writer = fork_writer(state, there, back);
    (void)close(there[0]);
    first = registry_rows_open(state);
    second = registry_rows_open(state);
    (void)registry_has_changed(first);
    for (uint64_t id = 1; id <= 3; id++) {
        struct registry_project p;

        assert_int_equal(write(there[1], &byte, 1), 1);
        assert_int_equal(read(back[0], &byte, 1), 1);
        assert_true(registry_has_changed(first));
        assert_int_equal(registry_project_find(first, id, &p), ST_OK);
    }
    (void)close(there[1]);
    assert_int_equal(waitpid(writer, &result, 0), writer);
    assert_int_equal(result, 0);
    (void)close(back[0]);
    (void)close(back[1]);
    registry_close(&second);
    registry_close(&first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_DATA_TEST(the_first_start_makes_everything),
        TEMP_DATA_TEST(a_second_start_finds_what_was_there),
        TEMP_DATA_TEST(what_cannot_be_used_is_refused_with_a_line),
        TEMP_DATA_TEST(a_newer_schema_is_left_as_it_is),
        TEMP_DATA_TEST(places_that_cannot_hold_data_are_told),
        TEMP_DATA_TEST(first_starts_at_once_agree),
        TEMP_DATA_TEST(a_transaction_is_all_or_nothing),
        TEMP_DATA_TEST(a_refused_row_does_not_end_its_transaction),
        TEMP_DATA_TEST(changes_come_in_order_and_once_a_row),
        TEMP_DATA_TEST(changed_rows_are_changes),
        TEMP_DATA_TEST(a_removed_project_tells_of_its_devices),
        TEMP_DATA_TEST(connections_see_each_others_changes),
        TEMP_DATA_TEST(regress_a_second_connection_leaves_the_first_its_locks),
        TEMP_DATA_TEST(settings_are_kept_under_their_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
