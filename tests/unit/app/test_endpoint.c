/*
 * Endpoints as URLs and back.
 */
#include "app/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static void endpoints_are_urls(void **state)
{
    static const struct url_case {
        char *host;
        enum endpoint endpoint;
        const char *name, *want;
    } cases[] = {
        {"localhost", ENDPOINT_device_mqtt, "device_mqtt", "mqtt://localhost:1"},
        {"::1", ENDPOINT_device_ws, "device_ws", "ws://[::1]:5/mqtt"},
        {"localhost", ENDPOINT_device_mqtts, "device_mqtts", "mqtts://localhost:2"},
        {"a.example", ENDPOINT_app_mqtts, "app_mqtts", "mqtts://a.example:4"},
        {"::1", ENDPOINT_app_wss, "app_wss", "wss://[::1]:3/mqtt"},
        {"10.0.0.1", ENDPOINT_https, "https", "https://10.0.0.1:65535"},
    };
    struct config c = {.device_mqtt_port = 1,
                       .device_ws_port = 5,
                       .device_mqtts_port = 2,
                       .app_wss_port = 3,
                       .app_mqtts_port = 4,
                       .https_port = 65535};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char url[ENDPOINT_URL_MAX + 1];
        char host[ENDPOINT_HOST_MAX + 1];
        uint16_t port;

        c.public_host = cases[i].host;
        endpoint_format(&c, cases[i].endpoint, url);
        assert_string_equal(url, cases[i].want);
        assert_string_equal(endpoint_name(cases[i].endpoint), cases[i].name);
        assert_int_equal(endpoint_parse(url, host, &port), ST_OK);
        assert_string_equal(host, cases[i].host);
        assert_int_equal(port, endpoint_port(&c, cases[i].endpoint));
    }
}

static void the_longest_host_fits(void **state)
{
    char host[ENDPOINT_HOST_MAX + 1];
    char parsed[ENDPOINT_HOST_MAX + 1];
    char url[ENDPOINT_URL_MAX + 1];
    struct config c = {.public_host = host, .app_wss_port = 65535};
    uint16_t port;

    (void)state;
    memset(host, 'h', ENDPOINT_HOST_MAX);
    host[100] = ':';
    host[ENDPOINT_HOST_MAX] = '\0';
    endpoint_format(&c, ENDPOINT_app_wss, url);
    assert_int_equal(endpoint_parse(url, parsed, &port), ST_OK);
    assert_string_equal(parsed, host);
}

static void what_is_no_endpoint_is_refused(void **state)
{
    static const char *const urls[] = {
        "",
        "localhost:1",
        "mqtt://",
        "mqtt://:1",
        "mqtt://h",
        "mqtt://h:",
        "mqtt://h:0",
        "mqtt://h:65536",
        "mqtt://h:1x",
        "mqtt://h:-1",
        "mqtt://[::1",
        "mqtt://[::1]",
        "mqtt://[]:1",
        "mqtt://[::1]x:1",
        "mqtt://h: 1",
        "mqtt://h:99999999999999999999",
    };
    char host[ENDPOINT_HOST_MAX + 1];
    uint16_t port;

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        if (endpoint_parse(urls[i], host, &port) != ST_INVALID)
            fail_msg("%s", urls[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints_are_urls),
        cmocka_unit_test(the_longest_host_fits),
        cmocka_unit_test(what_is_no_endpoint_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
