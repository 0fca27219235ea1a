/*
 * demo.json: both ways, private, and refused when it is not ours.
 */
#include "app/demo_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "temp_data.h"

static struct demo_file make_demo(size_t device_count)
{
    struct demo_file d = {.project_key = "PR_0123456789",
                          .project_secret = "secret",
                          .project_token = "token",
                          .ca = "/data with \"quotes\"/tls/ca.pem",
                          .device_count = device_count,
                          .pid = 4711};

    (void)snprintf(d.endpoints[ENDPOINT_app_wss], sizeof(d.endpoints[0]), "wss://h:1/mqtt");
    d.devices = mem_new(MEM_TEST, device_count * sizeof(*d.devices));
    for (size_t i = 0; i < device_count; i++) {
        (void)snprintf(d.devices[i].username, sizeof(d.devices[i].username), "DU_%010u",
                       (unsigned)i % 1000);
        (void)snprintf(d.devices[i].password, sizeof(d.devices[i].password), "pass %zu", i);
        (void)snprintf(d.devices[i].name, sizeof(d.devices[i].name), "水泵 %zu", i);
        if (i == 1) {
            (void)snprintf(d.devices[i].parent, sizeof(d.devices[i].parent), "DU_0000000000");
            (void)snprintf(d.devices[i].address, sizeof(d.devices[i].address), "1/\"ä\"");
        }
    }
    return d;
}

static void what_is_written_is_read(void **state)
{
    for (size_t devices = 0; devices < 3; devices++) {
        struct demo_file d = make_demo(devices);
        struct demo_file r;

        assert_int_equal(demo_file_write(*state, &d), ST_OK);
        assert_int_equal(temp_data_mode(state, "demo.json"), 0600);
        assert_int_equal(demo_file_read(*state, &r), ST_OK);
        assert_string_equal(r.project_key, d.project_key);
        assert_string_equal(r.project_secret, d.project_secret);
        assert_string_equal(r.project_token, d.project_token);
        assert_string_equal(r.ca, d.ca);
        assert_int_equal(r.pid, d.pid);
        for (size_t i = 0; i < ENDPOINT_COUNT; i++)
            assert_string_equal(r.endpoints[i], d.endpoints[i]);
        assert_int_equal(r.device_count, devices);
        for (size_t i = 0; i < devices; i++) {
            assert_string_equal(r.devices[i].username, d.devices[i].username);
            assert_string_equal(r.devices[i].password, d.devices[i].password);
            assert_string_equal(r.devices[i].name, d.devices[i].name);
            assert_string_equal(r.devices[i].parent, d.devices[i].parent);
            assert_string_equal(r.devices[i].address, d.devices[i].address);
        }
        demo_file_deinit(&d);
        demo_file_deinit(&r);
        assert_null(r.devices);
        demo_file_deinit(&r);
    }
}

static void removing_removes(void **state)
{
    struct demo_file d = make_demo(1);
    struct demo_file r;

    assert_int_equal(demo_file_write(*state, &d), ST_OK);
    demo_file_remove(*state);
    assert_int_equal(demo_file_read(*state, &r), ST_NOT_FOUND);
    demo_file_remove(*state);
    demo_file_deinit(&d);
}

static void other_files_are_refused(void **state)
{
#define HEAD                                                                                    \
    "{\"project_key\": \"PR_0123456789\", \"project_secret\": \"s\", \"project_token\": \"t\"," \
    " \"ca\": \"c\", "
    static const struct text_case {
        const char *name, *text;
        enum status want;
    } cases[] = {
        {"good", HEAD "\"endpoints\": {}, \"devices\": [], \"pid\": 1}", ST_OK},
        {"more members", HEAD "\"devices\": [], \"x\": 1}", ST_OK},
        {"empty", "", ST_MALFORMED},
        {"half", HEAD "\"devices\": [", ST_MALFORMED},
        {"list", "[]", ST_MALFORMED},
        {"no devices", HEAD "\"pid\": 1}", ST_MALFORMED},
        {"devices no list", HEAD "\"devices\": {}}", ST_MALFORMED},
        {"device without password",
         HEAD "\"devices\": [{\"username\": \"DU_0123456789\", \"name\": \"n\"}]}", ST_MALFORMED},
        {"user name too long",
         HEAD "\"devices\": [{\"username\": \"DU_01234567890\", \"password\": \"p\", \"name\": "
              "\"n\"}]}",
         ST_MALFORMED},
        {"endpoint no text", HEAD "\"devices\": [], \"endpoints\": {\"https\": 7}}", ST_MALFORMED},
        {"number as key", "{\"project_key\": 7, \"devices\": []}", ST_MALFORMED},
    };
#undef HEAD

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct demo_file d;

        temp_data_write(state, "demo.json", cases[i].text, strlen(cases[i].text), 0600);
        if (demo_file_read(*state, &d) != cases[i].want)
            fail_msg("%s", cases[i].name);
        demo_file_deinit(&d);
    }
}

static void one_that_others_can_read_is_not_trusted(void **state)
{
    struct demo_file d;

    temp_data_write(state, "demo.json", "{}", 2, 0644);
    assert_int_equal(demo_file_read(*state, &d), ST_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_DATA_TEST(what_is_written_is_read),
        TEMP_DATA_TEST(removing_removes),
        TEMP_DATA_TEST(other_files_are_refused),
        TEMP_DATA_TEST(one_that_others_can_read_is_not_trusted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
