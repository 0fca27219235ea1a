/*
 * Options: bounds, forms, precedence, and what is said about faults.
 */
#include "app/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "temp_data.h"

enum { ARGUMENTS_MAX = 8, ERROR_LEN = 512 };

/* Each test starts with no option in the environment, whatever the shell has. */
static int setup(void **state)
{
    extern char **environ;

    for (size_t i = 0; environ[i] != NULL;) {
        char name[128];
        size_t len = strcspn(environ[i], "=");

        if (strncmp(environ[i], "EZTCLOUD_", 9) != 0 || len >= sizeof(name)) {
            i++;
            continue;
        }
        memcpy(name, environ[i], len);
        name[len] = '\0';
        (void)unsetenv(name);
    }
    return temp_data_setup(state);
}

#define CONFIG_TEST(function) cmocka_unit_test_setup_teardown(function, setup, temp_data_teardown)

/* Loads from arguments that end with NULL. */
static enum status load(struct config *c, char *error, ...)
{
    char *argv[ARGUMENTS_MAX];
    int argc = 0;
    va_list args;
    char *argument;

    va_start(args, error);
    while ((argument = va_arg(args, char *)) != NULL) {
        assert_true(argc < ARGUMENTS_MAX);
        argv[argc++] = argument;
    }
    va_end(args);
    error[0] = '\0';
    return config_load(c, argc, argv, error, ERROR_LEN);
}

static void defaults_are_those_of_the_table(void **state)
{
    char error[ERROR_LEN];
    struct config c;

    (void)state;
    assert_int_equal(load(&c, error, NULL), ST_OK);
    assert_string_equal(c.data, "./data");
    assert_string_equal(c.bind, "::");
    assert_string_equal(c.public_host, "localhost");
    assert_string_equal(c.config, "");
    assert_false(c.demo);
    assert_int_equal(c.device_mqtt_port, 7883);
    assert_int_equal(c.device_ws_port, 0);
    assert_int_equal(c.device_mqtts_port, 7885);
    assert_int_equal(c.app_wss_port, 7886);
    assert_int_equal(c.app_mqtts_port, 7887);
    assert_int_equal(c.https_port, 7888);
    assert_true(c.workers > 0);
    assert_int_equal(c.log_level, LOG_INFO);
    assert_int_equal(c.login_failures, 10);
    assert_int_equal(c.connect_timeout, 10);
    assert_int_equal(c.max_payload, 256 * 1024);
    assert_int_equal(c.session_expiry_max, 7 * 86400);
    assert_int_equal(c.session_expiry_default, 86400);
    assert_int_equal(c.receive_maximum, 64);
    assert_int_equal(c.max_subscriptions, 100);
    assert_int_equal(c.app_connections_max, 1000);
    assert_int_equal(c.keep_alive_max, 3600);
    assert_int_equal(c.offline_delay, 0);
    assert_int_equal(c.restart_grace, 60);
    assert_int_equal(c.command_timeout, 300);
    config_deinit(&c);
    assert_null(c.data);
    config_deinit(&c);
}

static void flags_take_values_in_two_forms(void **state)
{
    char error[ERROR_LEN];
    struct config c;

    (void)state;
    assert_int_equal(load(&c, error, "--data", "/x y", "--workers=3", "--demo", "--log-level",
                          "debug", "--workers", "5", NULL),
                     ST_OK);
    assert_string_equal(c.data, "/x y");
    assert_int_equal(c.workers, 5); /* the last one counts */
    assert_true(c.demo);
    assert_int_equal(c.log_level, LOG_DEBUG);
    config_deinit(&c);
    assert_int_equal(load(&c, error, "--demo=false", "--data=a=b", NULL), ST_OK);
    assert_false(c.demo);
    assert_string_equal(c.data, "a=b");
    config_deinit(&c);
}

static void the_block_of_ports_moves(void **state)
{
    char error[ERROR_LEN];
    struct config c;

    (void)state;
    assert_int_equal(load(&c, error, "--app-wss-port", "443", "--port-base", "20000",
                          "--device-ws-port", "base+1", NULL),
                     ST_OK);
    assert_int_equal(c.device_mqtt_port, 20000);
    assert_int_equal(c.device_ws_port, 20001);
    assert_int_equal(c.device_mqtts_port, 20002);
    assert_int_equal(c.app_wss_port, 443);
    assert_int_equal(c.app_mqtts_port, 20004);
    assert_int_equal(c.https_port, 20005);
    config_deinit(&c);
    assert_int_equal(load(&c, error, "--device-mqtt-port", "0", "--device-ws-port", "0", NULL),
                     ST_OK);
    assert_int_equal(c.device_mqtt_port, 0);
    config_deinit(&c);
}

static void places_go_before_each_other(void **state)
{
    static const char yaml[] = "workers: 2\nreceive_maximum: 20\ndata: /from/file\n";
    char error[ERROR_LEN];
    char path[256];
    struct config c;

    temp_data_write(state, "ezt.yaml", yaml, sizeof(yaml) - 1, 0644);
    (void)snprintf(path, sizeof(path), "%s", temp_data_path(state, "ezt.yaml"));
    assert_int_equal(setenv("EZTCLOUD_WORKERS", "3", 1), 0);
    assert_int_equal(setenv("EZTCLOUD_RECEIVE_MAXIMUM", "30", 1), 0);
    assert_int_equal(setenv("EZTCLOUD_CONFIG", "/nowhere", 1), 0);
    assert_int_equal(load(&c, error, "--config", path, "--workers", "4", NULL), ST_OK);
    assert_int_equal(c.workers, 4);
    assert_int_equal(c.receive_maximum, 30);
    assert_string_equal(c.data, "/from/file");
    assert_int_equal(c.max_subscriptions, 100);
    config_deinit(&c);

    /* A fault in a place that does not count does not matter; the file may come from the
     * environment. */
    assert_int_equal(setenv("EZTCLOUD_WORKERS", "nonsense", 1), 0);
    assert_int_equal(setenv("EZTCLOUD_CONFIG", path, 1), 0);
    assert_int_equal(load(&c, error, "--workers", "4", NULL), ST_OK);
    assert_string_equal(c.data, "/from/file");
    config_deinit(&c);
}

static void the_default_expiry_stays_below_the_longest(void **state)
{
    char error[ERROR_LEN];
    struct config c;

    (void)state;
    assert_int_equal(load(&c, error, "--session-expiry-max", "3600", NULL), ST_OK);
    assert_int_equal(c.session_expiry_default, 3600);
    config_deinit(&c);
}

static void bounds_are_kept(void **state)
{
    static const struct bound_case {
        const char *flag, *value;
        enum status want;
    } cases[] = {
        {"--port-base", "1", ST_OK},
        {"--port-base", "65530", ST_OK},
        {"--port-base", "65531", ST_INVALID},
        {"--port-base", "0", ST_INVALID},
        {"--receive-maximum", "1024", ST_OK},
        {"--receive-maximum", "1025", ST_INVALID},
        {"--receive-maximum", "0", ST_INVALID},
        {"--session-expiry-max", "4294967295", ST_OK},
        {"--session-expiry-max", "4294967296", ST_INVALID},
        {"--session-expiry-max", "99999999999999999999", ST_INVALID},
        {"--max-payload", "", ST_INVALID},
        {"--max-payload", "1k", ST_INVALID},
        {"--max-payload", "-1", ST_INVALID},
        {"--max-payload", " 1", ST_INVALID},
        {"--max-payload", "0x10", ST_INVALID},
        {"--https-port", "0", ST_INVALID},
        {"--https-port", "base+0", ST_INVALID}, /* the device port is there */
        {"--https-port", "base+9", ST_OK},
        {"--https-port", "base+60000", ST_INVALID},
        {"--https-port", "base-1", ST_INVALID},
        {"--https-port", "base+", ST_INVALID},
        {"--https-port", "65536", ST_INVALID},
        {"--log-level", "loud", ST_INVALID},
        {"--log-level", "", ST_INVALID},
        {"--demo=maybe", NULL, ST_INVALID},
        {"--demo=", NULL, ST_INVALID},
        {"--demo=yes", NULL, ST_OK},
        {"--demo=1", NULL, ST_OK},
        {"--demo=off", NULL, ST_OK},
        {"--public-host", "iot.example.com", ST_OK},
        {"--public-host", "::1", ST_OK},
        {"--public-host", "", ST_INVALID},
        {"--public-host", "a b", ST_INVALID},
        {"--public-host", "a/b", ST_INVALID},
        {"--public-host", "a'b", ST_INVALID},
        {"--data", "", ST_INVALID},
        {"--data", "a\nb", ST_INVALID},
        {"--config", "", ST_OK},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char error[ERROR_LEN];
        struct config c;

        if (load(&c, error, cases[i].flag, cases[i].value, NULL) != cases[i].want)
            fail_msg("%s %s: %s", cases[i].flag, cases[i].value, error);
        if (cases[i].want != ST_OK && (error[0] == '\0' || strchr(error, '\t') != NULL))
            fail_msg("%s %s: no line", cases[i].flag, cases[i].value);
        config_deinit(&c);
    }
}

static void faults_name_place_option_value_and_cure(void **state)
{
    char error[ERROR_LEN];
    struct config c;

    (void)state;
    assert_int_equal(load(&c, error, "--port-base", "99999", NULL), ST_INVALID);
    assert_string_equal(error, "--port-base 99999: give a number from 1 to 65530");
    assert_int_equal(load(&c, error, "--log-level", "loud", NULL), ST_INVALID);
    assert_string_equal(error, "--log-level loud: give one of error, warn, info, debug");
    assert_int_equal(load(&c, error, "--prot-base", "1", NULL), ST_INVALID);
    assert_string_equal(error, "--prot-base: unknown option: `eztcloud serve --help` lists them");
    assert_int_equal(load(&c, error, "--port_base", "1", NULL), ST_INVALID);
    assert_int_equal(load(&c, error, "serve", NULL), ST_INVALID);
    assert_int_equal(load(&c, error, "--", NULL), ST_INVALID);
    assert_int_equal(load(&c, error, "--data", NULL), ST_INVALID);
    assert_string_equal(error, "--data: the value is missing: give one behind it");
    assert_int_equal(load(&c, error, "--https-port", "7885", NULL), ST_INVALID);
    assert_string_equal(error,
                        "--https-port 7885: device_mqtts_port has port 7885 already: give another "
                        "one");
    assert_int_equal(load(&c, error, "--device-ws-port", "7888", NULL), ST_INVALID);
    assert_non_null(strstr(error, "device_ws_port has port 7888 already"));
    assert_int_equal(setenv("EZTCLOUD_KEEP_ALIVE_MAX", "0", 1), 0);
    assert_int_equal(load(&c, error, NULL), ST_INVALID);
    assert_string_equal(error, "EZTCLOUD_KEEP_ALIVE_MAX=0: give a number from 1 to 65535");
}

static void files_are_read_or_told(void **state)
{
    static const struct file_case {
        const char *name, *yaml;
        enum status want;
        const char *line; /* a part of it */
    } cases[] = {
        {"empty", "", ST_OK, ""},
        {"comment", "# nothing\n", ST_OK, ""},
        {"marked", "---\ndemo: on\n", ST_OK, ""},
        {"quoted", "data: \"/a b\"\nworkers: '2'\n", ST_OK, ""},
        {"no value", "data:\n", ST_OK, ""},
        {"bad value", "workers: many\n", ST_INVALID, "workers: many: give a number from 0 to 64"},
        {"unknown", "workers: 2\nworker: 2\n", ST_INVALID, "unknown option worker:"},
        {"with dashes", "port-base: 2\n", ST_INVALID, "unknown option port-base:"},
        {"list", "workers: [1, 2]\n", ST_INVALID, "'workers' (line: 1"},
        {"mapping", "serve:\n  workers: 1\n", ST_INVALID, "unknown option serve:"},
        {"twice", "workers: 1\nworkers: 2\n", ST_INVALID, "already seen: workers"},
        {"no mapping", "workers\n", ST_INVALID, "Expecting MAPPING"},
        {"open quote", "data: \"x\nworkers: 1\n", ST_INVALID, "unexpected end of stream"},
        {"tab", "\tworkers: 1\n", ST_INVALID, "cannot start any token"},
        {"not UTF-8", "data: \xff\n", ST_INVALID, "UTF-8"},
        {"names a file", "config: other.yaml\n", ST_INVALID, "a file cannot name another"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char error[ERROR_LEN];
        char path[256];
        struct config c;

        temp_data_write(state, "ezt.yaml", cases[i].yaml, strlen(cases[i].yaml), 0644);
        (void)snprintf(path, sizeof(path), "%s", temp_data_path(state, "ezt.yaml"));
        if (load(&c, error, "--config", path, NULL) != cases[i].want)
            fail_msg("%s: %s", cases[i].name, error);
        if (strstr(error, cases[i].line) == NULL || strchr(error, '\n') != NULL)
            fail_msg("%s: %s", cases[i].name, error);
        if (cases[i].want != ST_OK && strncmp(error, path, strlen(path)) != 0)
            fail_msg("%s: %s", cases[i].name, error);
        config_deinit(&c);
    }
}

static void a_missing_file_is_told(void **state)
{
    char error[ERROR_LEN];
    char path[256];
    struct config c;

    (void)snprintf(path, sizeof(path), "%s", temp_data_path(state, "none.yaml"));
    assert_int_equal(load(&c, error, "--config", path, NULL), ST_INVALID);
    assert_non_null(strstr(error, "none.yaml: the file cannot be read"));
    assert_int_equal(load(&c, error, "--config", *state, NULL), ST_INVALID); /* a directory */
}

static void help_names_every_option(void **state)
{
    static const char *const names[] = {
#define OPTION(name, ...) #name,
#include "app/options.def"
#undef OPTION
    };
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    (void)state;
    assert_non_null(out);
    config_print_help(out);
    assert_int_equal(fclose(out), 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char flag[80];

        (void)snprintf(flag, sizeof(flag), "\n  --%s", names[i]);
        for (char *c = flag; *c != '\0'; c++)
            *c = *c == '_' ? '-' : *c;
        if (strstr(text, flag) == NULL)
            fail_msg("%s", names[i]);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONFIG_TEST(defaults_are_those_of_the_table),
        CONFIG_TEST(flags_take_values_in_two_forms),
        CONFIG_TEST(the_block_of_ports_moves),
        CONFIG_TEST(places_go_before_each_other),
        CONFIG_TEST(the_default_expiry_stays_below_the_longest),
        CONFIG_TEST(bounds_are_kept),
        CONFIG_TEST(faults_name_place_option_value_and_cure),
        CONFIG_TEST(files_are_read_or_told),
        CONFIG_TEST(a_missing_file_is_told),
        CONFIG_TEST(help_names_every_option),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
