/* What a simulated gateway puts around messages, and takes off. */
#include "app/sim_gateway.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "leftover.h"

static const struct wrap_case {
    const char *topic, *payload, *wrapped, *message;
} wrap_cases[] = {
    {"attributes", "{\"t\":1}", "sub_attributes",
     "[{\"device\":[\"1\",\"2\"],\"attributes\":{\"t\":1}}]"},
    {"event_report", "{\"method\":\"m\"}", "sub_event_report",
     "{\"device\":[\"1\",\"2\"],\"event\":{\"method\":\"m\"}}"},
    {"command_reply", "{}", "sub_command_reply", "{\"device\":[\"1\",\"2\"],\"command\":{}}"},
    {"data", "x", NULL, ""},
};

static void messages_are_wrapped(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrap_cases) / sizeof(wrap_cases[0]); i++) {
        const struct wrap_case *c = &wrap_cases[i];
        struct buffer out = {0};
        const char *topic = sim_gateway_wrap(c->topic, "[\"1\",\"2\"]", slice_of(c->payload), &out);

        assert_true(c->wrapped == NULL ? topic == NULL : slice_is(slice_of(topic), c->wrapped));
        assert_true(slice_is(buffer_slice(&out), c->message));
        buffer_deinit(&out);
    }
}

static void a_connect_names_the_path(void **state)
{
    struct buffer out = {0};

    (void)state;
    sim_gateway_append_connect("[\"1\"]", &out);
    assert_true(slice_is(buffer_slice(&out), "{\"device\":[\"1\"]}"));
    buffer_deinit(&out);
}

static const struct unwrap_case {
    const char *message, *path, *inner; /* path NULL: malformed */
} unwrap_cases[] = {
    {"{\"device\": \"1\", \"command\": {\"method\": \"m\"}}", "[\"1\"]", "{\"method\":\"m\"}"},
    {"{\"device\": [\"1\", \"ä\"], \"attributes\": {}}", "[\"1\",\"ä\"]", "{}"},
    {"{\"device\": 1, \"attributes\": {}}", NULL, NULL},
    {"{\"device\": \"1\"}", NULL, NULL},
    {"{\"device\": \"1\", \"command\": []}", NULL, NULL},
    {"{\"attributes\": {}}", NULL, NULL},
    {"[]", NULL, NULL},
    {"x", NULL, NULL},
};

static void messages_are_unwrapped(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(unwrap_cases) / sizeof(unwrap_cases[0]); i++) {
        const struct unwrap_case *c = &unwrap_cases[i];
        struct buffer path = {0}, inner = {0};
        enum status st = sim_gateway_unwrap(slice_of(c->message), &path, &inner);

        assert_int_equal(st, c->path == NULL ? ST_MALFORMED : ST_OK);
        assert_true(slice_is(buffer_slice(&path), c->path == NULL ? "" : c->path));
        assert_true(slice_is(buffer_slice(&inner), c->path == NULL ? "" : c->inner));
        buffer_deinit(&path);
        buffer_deinit(&inner);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(messages_are_wrapped),
        LEFTOVER_TEST(a_connect_names_the_path),
        LEFTOVER_TEST(messages_are_unwrapped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
