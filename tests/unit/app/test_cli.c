/*
 * The command line over the registry: what it does, what it answers, what it says about faults.
 */
#include "app/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/secret.h"
#include "temp_data.h"

enum { WORDS_MAX = 16 };

/* What a command has left. */
struct answer {
    int code;
    char *out; /* owned */
    char *err; /* owned */
};

/* Runs a command line, words separated by one space, on the test's directory. */
static struct answer run(void **state, const char *line)
{
    struct answer a = {0};
    size_t out_len;
    size_t err_len;
    FILE *out = open_memstream(&a.out, &out_len);
    FILE *err = open_memstream(&a.err, &err_len);
    char *words = strdup(line);
    char *rest = words;
    char *argv[WORDS_MAX];
    int argc = 0;

    assert_true(out != NULL && err != NULL && words != NULL);
    while (rest != NULL) {
        assert_true(argc < WORDS_MAX - 2);
        argv[argc++] = strsep(&rest, " ");
    }
    argv[argc++] = "--data";
    argv[argc++] = *state;
    a.code = cli_run(argc, argv, out, err);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(fclose(err), 0);
    free(words);
    return a;
}

static void free_answer(struct answer *a)
{
    free(a->out);
    free(a->err);
}

/* Runs a command that must succeed, and gives its JSON. */
static json_t *run_json(void **state, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static json_t *run_json(void **state, const char *format, ...)
{
    char line[512];
    struct answer a;
    json_t *json;
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    a = run(state, line);
    if (a.code != 0 || a.err[0] != '\0')
        fail_msg("%s: %d %s", line, a.code, a.err);
    json = json_loads(a.out, 0, NULL);
    assert_true(json_is_object(json));
    free_answer(&a);
    return json;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    if (text == NULL)
        fail_msg("no %s", key);
    return text == NULL ? "" : text;
}

/* Runs a command that must fail with a line that has this in it, and answer nothing. */
static void assert_refused(void **state, const char *line, const char *word)
{
    struct answer a = run(state, line);

    if (a.code != 1 || a.out[0] != '\0' || strncmp(a.err, "eztcloud: ", 10) != 0 ||
        strstr(a.err, word) == NULL || strchr(a.err, '\n') != a.err + strlen(a.err) - 1)
        fail_msg("%s: %d '%s' '%s'", line, a.code, a.out, a.err);
    free_answer(&a);
}

/* A new project; its key. */
static const char *add_project(void **state)
{
    static char key[IDENT_TEXT_LEN + 1];
    json_t *project = run_json(state, "project add --json --name Farm");

    (void)snprintf(key, sizeof(key), "%s", text_of(project, "project_key"));
    json_decref(project);
    return key;
}

static void a_project_is_added_shown_and_removed(void **state)
{
    json_t *added = run_json(state, "project add --name Farm --json");
    const char *key = text_of(added, "project_key");
    char line[128];
    json_t *shown = run_json(state, "project show %s --json", key);
    json_t *listed = run_json(state, "project list --json");
    const json_t *projects;
    json_t *removed;

    assert_int_not_equal(ident_parse(IDENT_PROJECT, slice_of(key)), 0);
    assert_int_equal(strlen(text_of(added, "project_secret")), IDENT_SECRET_LEN);
    assert_int_equal(strlen(text_of(added, "project_token")), IDENT_SECRET_LEN);
    assert_string_equal(text_of(added, "name"), "Farm");
    assert_true(json_is_true(json_object_get(added, "enabled")));
    assert_true(json_is_true(json_object_get(added, "open_mqtt")));
    assert_true(json_equal(added, shown));

    projects = json_object_get(listed, "projects");
    assert_int_equal(json_array_size(projects), 1);
    assert_string_equal(text_of(json_array_get(projects, 0), "project_key"), key);
    assert_null(json_object_get(json_array_get(projects, 0), "project_secret"));
    assert_null(json_object_get(json_array_get(projects, 0), "project_token"));

    removed = run_json(state, "project remove %s --json", key);
    assert_string_equal(text_of(removed, "removed"), key);
    (void)snprintf(line, sizeof(line), "project show %s", key);
    assert_refused(state, line, "no such project");
    (void)snprintf(line, sizeof(line), "project remove %s", key);
    assert_refused(state, line, "no such project");
    json_decref(added);
    json_decref(shown);
    json_decref(listed);
    json_decref(removed);
}

static void a_device_is_added_shown_and_removed(void **state)
{
    const char *key = add_project(state);
    json_t *added = run_json(state, "device add --project %s --json", key);
    const char *username = text_of(added, "username");
    json_t *shown = run_json(state, "device show %s --project %s --json", username, key);
    json_t *listed = run_json(state, "device list --json --project=%s", key);
    json_t *removed;
    char line[128];

    assert_int_not_equal(ident_parse(IDENT_DEVICE, slice_of(username)), 0);
    assert_int_equal(strlen(text_of(added, "password")), IDENT_PASSWORD_LEN);
    assert_string_equal(text_of(added, "name"), username);
    assert_string_equal(text_of(added, "project_key"), key);
    assert_true(json_equal(added, shown));
    assert_int_equal(json_array_size(json_object_get(listed, "devices")), 1);
    assert_null(json_object_get(json_array_get(json_object_get(listed, "devices"), 0), "password"));

    removed = run_json(state, "device remove %s --project %s --json", username, key);
    (void)snprintf(line, sizeof(line), "device show %s --project %s", username, key);
    assert_refused(state, line, "no such device");
    json_decref(added);
    json_decref(shown);
    json_decref(listed);
    json_decref(removed);
}

static void a_device_takes_what_it_is_given(void **state)
{
    const char *key = add_project(state);
    json_t *added = run_json(state,
                             "device add --project %s --username DU_abcdeABCDE --password p$w "
                             "--name 水泵 --json",
                             key);
    char line[256];

    assert_string_equal(text_of(added, "username"), "DU_abcdeABCDE");
    assert_string_equal(text_of(added, "password"), "p$w");
    assert_string_equal(text_of(added, "name"), "水泵");
    (void)snprintf(line, sizeof(line), "device add --project %s --username DU_abcdeABCDE", key);
    assert_refused(state, line, "there is such a device already");
    json_decref(added);
}

static void several_devices_are_added_at_once(void **state)
{
    const char *key = add_project(state);
    json_t *added = run_json(state, "device add --project %s --count 250 --name Pump --json", key);
    json_t *devices = json_object_get(added, "devices");
    json_t *listed = run_json(state, "device list --project %s --json", key);

    assert_int_equal(json_array_size(devices), 250);
    assert_string_equal(text_of(json_array_get(devices, 0), "name"), "Pump 1");
    assert_string_equal(text_of(json_array_get(devices, 249), "name"), "Pump 250");
    assert_int_equal(json_array_size(json_object_get(listed, "devices")), 250);
    for (size_t i = 0; i < 250; i++)
        assert_string_equal(
            text_of(json_array_get(devices, i), "username"),
            text_of(json_array_get(json_object_get(listed, "devices"), i), "username"));
    json_decref(added);
    json_decref(listed);

    added = run_json(state, "device add --project %s --count 1 --json", key);
    assert_int_equal(json_array_size(json_object_get(added, "devices")), 1);
    json_decref(added);
}

static void several_devices_are_all_or_none(void **state)
{
    const char *key = add_project(state);
    char name[REGISTRY_NAME_MAX];
    char line[512];
    json_t *listed;

    /* "… 9" still fits, "… 10" does not */
    memset(name, 'n', sizeof(name));
    name[REGISTRY_NAME_MAX - 2] = '\0';
    (void)snprintf(line, sizeof(line), "device add --project %s --count 10 --name %s", key, name);
    assert_refused(state, line, "1 to 128 bytes");
    listed = run_json(state, "device list --project %s --json", key);
    assert_int_equal(json_array_size(json_object_get(listed, "devices")), 0);
    json_decref(listed);
}

static void a_project_sees_its_own_devices_only(void **state)
{
    char first[IDENT_TEXT_LEN + 1];
    const char *second;
    json_t *added;
    json_t *listed;
    char line[128];

    (void)snprintf(first, sizeof(first), "%s", add_project(state));
    added = run_json(state, "device add --project %s --json", first);
    second = add_project(state);
    (void)snprintf(line, sizeof(line), "device show %s --project %s", text_of(added, "username"),
                   second);
    assert_refused(state, line, "no such device in");
    (void)snprintf(line, sizeof(line), "device remove %s --project %s", text_of(added, "username"),
                   second);
    assert_refused(state, line, "no such device in");
    listed = run_json(state, "device list --project %s --json", second);
    assert_int_equal(json_array_size(json_object_get(listed, "devices")), 0);
    json_decref(listed);
    json_decref(added);
}

static void a_project_is_changed(void **state)
{
    const char *key = add_project(state);
    json_t *before = run_json(state, "project show %s --json", key);
    json_t *set = run_json(state, "project set %s --name 农场 --open-mqtt off --json", key);
    json_t *shown;

    assert_string_equal(text_of(set, "name"), "农场");
    assert_true(json_is_false(json_object_get(set, "open_mqtt")));
    assert_true(json_is_true(json_object_get(set, "enabled")));
    assert_null(json_object_get(set, "project_secret"));
    assert_null(json_object_get(set, "project_token"));
    json_decref(set);
    json_decref(run_json(state, "project set %s --enabled=off --json", key));
    json_decref(run_json(state, "project set %s --open-mqtt on --json", key));
    shown = run_json(state, "project show %s --json", key);
    (void)json_object_set_new(before, "name", json_string("农场"));
    (void)json_object_set_new(before, "enabled", json_false());
    assert_true(json_equal(shown, before));
    json_decref(shown);
    json_decref(run_json(state, "project set %s --enabled on --json", key));
    (void)json_object_set_new(before, "enabled", json_true());
    shown = run_json(state, "project show %s --json", key);
    assert_true(json_equal(shown, before));
    json_decref(before);
    json_decref(shown);
}

static void a_device_is_changed(void **state)
{
    const char *key = add_project(state);
    json_t *before = run_json(state, "device add --project %s --json", key);
    const char *username = text_of(before, "username");
    json_t *set = run_json(state, "device set --project %s %s --password new --enabled off --json",
                           key, username);
    json_t *shown;

    assert_true(json_is_false(json_object_get(set, "enabled")));
    assert_null(json_object_get(set, "password"));
    json_decref(set);
    json_decref(run_json(state, "device set %s --project %s --name Pump --json", username, key));
    shown = run_json(state, "device show %s --project %s --json", username, key);
    (void)json_object_set_new(before, "password", json_string("new"));
    (void)json_object_set_new(before, "name", json_string("Pump"));
    (void)json_object_set_new(before, "enabled", json_false());
    assert_true(json_equal(shown, before));
    json_decref(shown);
    json_decref(before);
}

static void a_wrong_change_changes_nothing(void **state)
{
    static const struct change_case {
        const char *flags, *word;
    } cases[] = {
        {"", "nothing to change: give --name"},
        {"--name a --enabled maybe", "--enabled maybe: give on or off"},
        {"--name a --enabled=", "--enabled : give on or off"},
        {"--enabled off --name=", "--name: give 1 to 128 bytes"},
        {"--enabled off --name=\x01", "--name: give 1 to 128 bytes"},
        {"--enabled off --count 2", "--count: unknown here"},
    };
    char key[IDENT_TEXT_LEN + 1];
    json_t *project, *device, *shown;
    char line[256];

    (void)snprintf(key, sizeof(key), "%s", add_project(state));
    project = run_json(state, "project show %s --json", key);
    device = run_json(state, "device add --project %s --json", key);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *space = cases[i].flags[0] == '\0' ? "" : " ";

        (void)snprintf(line, sizeof(line), "project set %s%s%s", key, space, cases[i].flags);
        assert_refused(state, line, cases[i].word);
        (void)snprintf(line, sizeof(line), "device set %s --project %s%s%s",
                       text_of(device, "username"), key, space, cases[i].flags);
        assert_refused(state, line, cases[i].word);
    }
    (void)snprintf(line, sizeof(line), "device set %s --project %s --enabled off --password=\xff",
                   text_of(device, "username"), key);
    assert_refused(state, line, "--password: give 1 to 128 bytes");
    (void)snprintf(line, sizeof(line), "device set %s --project %s --enabled off",
                   text_of(device, "username"), add_project(state));
    assert_refused(state, line, "no such device in");

    shown = run_json(state, "project show %s --json", key);
    assert_true(json_equal(shown, project));
    json_decref(shown);
    shown = run_json(state, "device show %s --project %s --json", text_of(device, "username"), key);
    assert_true(json_equal(shown, device));
    json_decref(shown);
    json_decref(project);
    json_decref(device);
}

static void people_get_aligned_text(void **state)
{
    const char *key = add_project(state);
    struct answer a = run(state, "project list");
    char want[256];

    assert_int_equal(a.code, 0);
    assert_int_equal(strncmp(a.out, "project_key           enabled               open_mqtt", 53),
                     0);
    (void)snprintf(want, sizeof(want), "\n%s         yes                   yes  ", key);
    assert_non_null(strstr(a.out, want));
    assert_non_null(strstr(a.out, "Z  Farm\n"));
    free_answer(&a);

    (void)snprintf(want, sizeof(want), "project show %s", key);
    a = run(state, want);
    assert_int_equal(a.code, 0);
    (void)snprintf(want, sizeof(want), "project_key     %s\nproject_secret  ", key);
    assert_int_equal(strncmp(a.out, want, strlen(want)), 0);
    assert_non_null(strstr(a.out, "\nname            Farm\nenabled         yes\n"));
    free_answer(&a);
}

static void faults_are_one_line(void **state)
{
    static const struct fault_case {
        const char *line, *word;
    } cases[] = {
        {"project frob", "project frob: unknown command"},
        {"project add", "--name is missing: give --name NAME"},
        {"project add --name=", "give 1 to 128 bytes"},
        {"project add --name a --count 2", "--count: unknown here"},
        {"project add --json=yes --name a", "it takes no value"},
        {"project show", "which one? Give its PR_..."},
        {"project show PR_1", "no project key"},
        {"project show PR_0000000000", "no such project"},
        {"project show PR_0000000000 PR_1", "one word too many"},
        {"project remove DU_0000000000", "no project key"},
        {"project list x", "one word too many"},
        {"project set --enabled on", "which one? Give its PR_..."},
        {"project set PR_0000000000 --enabled on", "no such project"},
        {"project set PR_0000000000 --open_mqtt on", "--open_mqtt: unknown here"},
        {"device set DU_0000000000 --enabled on", "--project is missing"},
        {"device set DU_0000000000 --project PR_0000000000 --enabled on", "no such device"},
        {"device list", "--project is missing"},
        {"device list --project PR_0000000000", "no such project"},
        {"device list --project x", "no project key"},
        {"device add --project PR_0000000000", "no such project"},
        {"device show --project PR_0000000000", "which one?"},
        {"device show x --project PR_0000000000", "no user name"},
        {"device show DU_0000000000 --project PR_0000000000", "no such device"},
    };

    (void)add_project(state);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused(state, cases[i].line, cases[i].word);
}

static void bad_values_of_a_device_are_told(void **state)
{
    static const struct value_case {
        const char *flags, *word;
    } cases[] = {
        {"--username x", "--username x: give DU_"},
        {"--username PR_0000000000", "give DU_"},
        {"--count 0", "--count 0: give a number from 1 to 100000"},
        {"--count 100001", "--count 100001"},
        {"--count -1", "--count -1"},
        {"--count 1x", "--count 1x"},
        {"--count=", "--count : give"},
        {"--count 99999999999999999999", "give a number"},
        {"--count 2 --username DU_0000000000", "cannot have one user name"},
        {"--password=", "1 to 128 bytes"},
        {"--name=", "1 to 128 bytes"},
        {"--name=\x01", "1 to 128 bytes"},
        {"--password=\xff", "1 to 128 bytes"},
    };
    const char *key = add_project(state);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char line[256];

        (void)snprintf(line, sizeof(line), "device add --project %s %s", key, cases[i].flags);
        assert_refused(state, line, cases[i].word);
    }
}

static void reading_makes_no_directory(void **state)
{
    char path[256];
    void *directory = path;

    (void)snprintf(path, sizeof(path), "%s", temp_data_path(state, "typing-error"));
    assert_refused(&directory, "project list", "there is no registry here");
    assert_int_equal(access(path, F_OK), -1);
    json_decref(run_json(&directory, "project add --name first --json"));
    json_decref(run_json(&directory, "project list --json"));
}

static void the_directory_may_come_from_the_environment(void **state)
{
    char *argv[] = {"project", "list", "--json"};
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(out);
    (void)add_project(state);
    assert_int_equal(setenv("EZTCLOUD_DATA", *state, 1), 0);
    assert_int_equal(cli_run(3, argv, out, out), 0);
    assert_int_equal(unsetenv("EZTCLOUD_DATA"), 0);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "\"name\": \"Farm\""));
    free(text);
}

static void a_damaged_device_can_be_removed(void **state)
{
    const char *key = add_project(state);
    json_t *added = run_json(state, "device add --project %s --json", key);
    const char *username = text_of(added, "username");
    sqlite3 *db = NULL;
    char line[128];

    assert_int_equal(sqlite3_open(temp_data_path(state, "registry.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE device SET password = x'00'", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    (void)snprintf(line, sizeof(line), "device show %s --project %s", username, key);
    assert_refused(state, line, "stored data is damaged");
    json_decref(run_json(state, "device remove %s --project %s --json", username, key));
    assert_refused(state, line, "no such device");
    json_decref(added);
}

static void help_comes_from_the_table(void **state)
{
    struct answer a = run(state, "device --help");

    assert_int_equal(a.code, 0);
    assert_non_null(strstr(a.out, "  eztcloud device add --project PR_..."));
    assert_non_null(strstr(a.out, "  --count N "));
    assert_null(strstr(a.out, "eztcloud project"));
    free_answer(&a);
    a = run(state, "project add --help");
    assert_int_equal(a.code, 0);
    assert_non_null(strstr(a.out, "  eztcloud project add --name NAME"));
    assert_null(strstr(a.out, "--open-mqtt")); /* of another verb */
    assert_null(strstr(a.out, "project set"));
    free_answer(&a);
    a = run(state, "device set DU_0000000001 --help");
    assert_int_equal(a.code, 0);
    assert_non_null(strstr(a.out, "  --log on|off "));
    assert_non_null(strstr(a.out, "  --data DIR "));
    assert_null(strstr(a.out, "--count"));
    free_answer(&a);
    assert_true(cli_is_noun("project"));
    assert_true(cli_is_noun("device"));
    assert_false(cli_is_noun("serve"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_DATA_TEST(a_project_is_added_shown_and_removed),
        TEMP_DATA_TEST(a_device_is_added_shown_and_removed),
        TEMP_DATA_TEST(a_device_takes_what_it_is_given),
        TEMP_DATA_TEST(several_devices_are_added_at_once),
        TEMP_DATA_TEST(several_devices_are_all_or_none),
        TEMP_DATA_TEST(a_project_sees_its_own_devices_only),
        TEMP_DATA_TEST(a_project_is_changed),
        TEMP_DATA_TEST(a_device_is_changed),
        TEMP_DATA_TEST(a_wrong_change_changes_nothing),
        TEMP_DATA_TEST(people_get_aligned_text),
        TEMP_DATA_TEST(faults_are_one_line),
        TEMP_DATA_TEST(bad_values_of_a_device_are_told),
        TEMP_DATA_TEST(reading_makes_no_directory),
        TEMP_DATA_TEST(the_directory_may_come_from_the_environment),
        TEMP_DATA_TEST(a_damaged_device_can_be_removed),
        TEMP_DATA_TEST(help_comes_from_the_table),
    };

    return secret_init() == ST_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
