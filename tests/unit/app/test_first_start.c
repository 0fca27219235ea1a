/*
 * The demo project is made once, found again, and told to programs and to people.
 */
#include "app/first_start.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/demo_file.h"
#include "app/sim_device.h"
#include "base/mem.h"
#include "store/secret.h"
#include "temp_data.h"

enum { ERROR_LEN = 256 };

static struct config make_config(void **state, bool demo)
{
    char *const argv[] = {"--data",
                          *state,
                          demo ? "--demo=true" : "--demo=false",
                          "--public-host",
                          "ezt.example",
                          "--port-base=20000",
                          "--device-ws-port=20001"};
    char error[ERROR_LEN];
    struct config c;

    assert_int_equal(config_load(&c, 7, argv, error, sizeof(error)), ST_OK);
    return c;
}

static struct registry *open_registry(const struct config *c)
{
    struct registry *r = NULL;
    char error[ERROR_LEN];

    assert_int_equal(registry_open(c->data, &r, error, sizeof(error)), ST_OK);
    return r;
}

/* A start and its demo.json. */
static struct demo_file start(const struct config *c)
{
    struct registry *r = open_registry(c);
    struct demo_file d;
    char error[ERROR_LEN];

    assert_int_equal(first_start_prepare(c, r, error, sizeof(error)), ST_OK);
    assert_int_equal(first_start_write_demo(c, r, error, sizeof(error)), ST_OK);
    assert_int_equal(demo_file_read(c->data, &d), ST_OK);
    registry_close(&r);
    return d;
}

static bool count_project(const struct registry_project *p, void *arg)
{
    (void)p;
    (*(unsigned *)arg)++;
    return true;
}

static void without_demo_nothing_is_made(void **state)
{
    struct config c = make_config(state, false);
    struct registry *r = open_registry(&c);
    struct demo_file d;
    char error[ERROR_LEN];
    unsigned projects = 0;

    assert_int_equal(first_start_prepare(&c, r, error, sizeof(error)), ST_OK);
    assert_int_equal(first_start_write_demo(&c, r, error, sizeof(error)), ST_OK);
    assert_int_equal(registry_project_each(r, count_project, &projects), ST_OK);
    assert_int_equal(projects, 0);
    assert_int_equal(demo_file_read(c.data, &d), ST_NOT_FOUND);
    registry_close(&r);
    config_deinit(&c);
}

static void the_demo_project_has_a_device_of_each_kind(void **state)
{
    struct config c = make_config(state, true);
    struct demo_file d = start(&c);
    char *data = realpath(c.data, NULL);
    char ca[PATH_MAX + 16];

    assert_non_null(data);
    (void)snprintf(ca, sizeof(ca), "%s/tls/ca.pem", data);
    free(data);
    assert_string_equal(d.ca, ca);
    assert_int_equal(d.pid, getpid());
    assert_string_equal(d.endpoints[ENDPOINT_device_mqtt], "mqtt://ezt.example:20000");
    assert_string_equal(d.endpoints[ENDPOINT_device_ws], "ws://ezt.example:20001/mqtt");
    assert_string_equal(d.endpoints[ENDPOINT_device_mqtts], "mqtts://ezt.example:20002");
    assert_string_equal(d.endpoints[ENDPOINT_app_wss], "wss://ezt.example:20003/mqtt");
    assert_string_equal(d.endpoints[ENDPOINT_app_mqtts], "mqtts://ezt.example:20004");
    assert_string_equal(d.endpoints[ENDPOINT_https], "https://ezt.example:20005");
    assert_int_equal(strlen(d.project_secret), IDENT_SECRET_LEN);
    assert_int_equal(strlen(d.project_token), IDENT_SECRET_LEN);
    assert_true(d.device_count >= 5);
    assert_int_equal(d.device_count, sim_device_kind_count());
    for (size_t i = 0; i < d.device_count; i++) {
        size_t gateway;
        const char *address = sim_device_kind_address(i, &gateway);

        assert_string_equal(d.devices[i].address, address == NULL ? "" : address);
        assert_string_equal(d.devices[i].parent,
                            address == NULL ? "" : d.devices[gateway].username);
        assert_string_equal(d.devices[i].name, sim_device_kind_name(i));
        assert_int_not_equal(ident_parse(IDENT_DEVICE, slice_of(d.devices[i].username)), 0);
        assert_int_equal(strlen(d.devices[i].password), IDENT_PASSWORD_LEN);
    }
    demo_file_deinit(&d);
    first_start_remove_demo(&c);
    assert_int_equal(demo_file_read(c.data, &d), ST_NOT_FOUND);
    config_deinit(&c);
}

static void a_second_start_finds_the_same(void **state)
{
    struct config c = make_config(state, true);
    struct demo_file first = start(&c);
    struct demo_file second;
    struct registry *r = open_registry(&c);
    struct registry_project other = {
        .project_id = 1, .name = "Demo", .secret = "s", .token = "t", .enabled = true};

    assert_int_equal(registry_project_add(r, &other), ST_OK); /* of the same name */
    registry_close(&r);
    second = start(&c);
    assert_string_equal(first.project_key, second.project_key);
    assert_string_equal(first.project_secret, second.project_secret);
    assert_int_equal(first.device_count, second.device_count);
    for (size_t i = 0; i < first.device_count; i++) {
        assert_string_equal(first.devices[i].username, second.devices[i].username);
        assert_string_equal(first.devices[i].password, second.devices[i].password);
    }
    demo_file_deinit(&first);
    demo_file_deinit(&second);
    config_deinit(&c);
}

static void a_removed_demo_project_is_made_anew(void **state)
{
    struct config c = make_config(state, true);
    struct demo_file first = start(&c);
    struct demo_file second;
    struct registry *r = open_registry(&c);
    uint64_t id = ident_parse(IDENT_PROJECT, slice_of(first.project_key));

    assert_int_equal(registry_project_remove(r, id), ST_OK);
    registry_close(&r);
    second = start(&c);
    assert_string_not_equal(first.project_key, second.project_key);
    assert_int_equal(second.device_count, sim_device_kind_count());
    demo_file_deinit(&first);
    demo_file_deinit(&second);
    config_deinit(&c);
}

static void many_devices_are_not_all_told(void **state)
{
    struct config c = make_config(state, true);
    struct demo_file d = start(&c);
    struct registry *r = open_registry(&c);
    uint64_t project_id = ident_parse(IDENT_PROJECT, slice_of(d.project_key));

    demo_file_deinit(&d);
    for (uint64_t id = 1; id <= 150; id++) {
        struct registry_device device = {
            .device_id = id, .project_id = project_id, .name = "n", .password = "p"};

        assert_int_equal(registry_device_add(r, &device), ST_OK);
    }
    registry_close(&r);
    d = start(&c);
    assert_int_equal(d.device_count, 100);
    assert_string_equal(d.devices[0].name, sim_device_kind_name(0));
    demo_file_deinit(&d);
    config_deinit(&c);
}

/* What first_start_print writes to stdout. */
static char *printed(void **state, const struct config *c, struct registry *r,
                     const char *setup_url)
{
    struct buffer text = {0};
    char chunk[4096];
    size_t len;
    FILE *file = fopen(temp_data_path(state, "printed"), "w+");
    int out = dup(STDOUT_FILENO);
    char *result;

    assert_non_null(file);
    assert_true(out >= 0);
    (void)fflush(stdout);
    assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
    first_start_print(c, r, setup_url);
    assert_true(dup2(out, STDOUT_FILENO) >= 0);
    assert_int_equal(close(out), 0);
    rewind(file);
    while ((len = fread(chunk, 1, sizeof(chunk), file)) > 0)
        buffer_append(&text, chunk, len);
    assert_int_equal(fclose(file), 0);
    result = slice_to_string(buffer_slice(&text));
    buffer_deinit(&text);
    return result;
}

static void people_get_lines_to_paste(void **state)
{
    struct config c = make_config(state, true);
    struct demo_file d = start(&c);
    struct registry *r = open_registry(&c);
    char *text = printed(state, &c, r, "https://ezt.example:20005/#/setup?token=x");
    char line[PATH_MAX + 1024];

    assert_non_null(strstr(text, "\n  https://ezt.example:20005/#/setup?token=x\n"));

    (void)snprintf(line, sizeof(line),
                   "\n  mosquitto_sub -h ezt.example -p 20004 --cafile %s -u %s -P %s -t "
                   "'open/%s/+/+' -v\n",
                   d.ca, d.project_key, d.project_secret, d.project_key);
    assert_non_null(strstr(text, line));
    (void)snprintf(line, sizeof(line),
                   "mqtt.connect(\"wss://ezt.example:20003/mqtt\", {username: \"%s\", password: "
                   "\"%s\"}).subscribe(\"open/%s/+/+\")",
                   d.project_key, d.project_secret, d.project_key);
    assert_non_null(strstr(text, line));
    for (size_t i = 0; i < ENDPOINT_COUNT; i++)
        assert_non_null(strstr(text, d.endpoints[i]));
    mem_free(text);

    c.demo = false;
    text = printed(state, &c, r, NULL);
    assert_non_null(strstr(text, d.endpoints[ENDPOINT_app_wss]));
    assert_null(strstr(text, "/setup"));
    assert_null(strstr(text, d.project_secret));
    mem_free(text);
    demo_file_deinit(&d);
    registry_close(&r);
    config_deinit(&c);
}

static void paths_are_quoted_for_the_shell(void **state)
{
    char path[PATH_MAX];
    void *directory = path;
    struct config c;
    struct registry *r;
    struct demo_file d;
    char *text;

    (void)snprintf(path, sizeof(path), "%s", temp_data_path(state, "it's here"));
    c = make_config(&directory, true);
    d = start(&c);
    r = open_registry(&c);
    text = printed(state, &c, r, NULL);
    assert_non_null(strstr(text, "it'\\''s here/tls/ca.pem' -u "));
    mem_free(text);
    demo_file_deinit(&d);
    registry_close(&r);
    config_deinit(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_DATA_TEST(without_demo_nothing_is_made),
        TEMP_DATA_TEST(the_demo_project_has_a_device_of_each_kind),
        TEMP_DATA_TEST(a_second_start_finds_the_same),
        TEMP_DATA_TEST(a_removed_demo_project_is_made_anew),
        TEMP_DATA_TEST(many_devices_are_not_all_told),
        TEMP_DATA_TEST(people_get_lines_to_paste),
        TEMP_DATA_TEST(paths_are_quoted_for_the_shell),
    };

    return secret_init() == ST_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
