/*
 * What payloads about sub-devices say: who, with which values, in which order; what is skipped and
 * on whom that is told; paths as they are read and written.
 */
#include "service/sub_payload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "sub_tree.h"

enum { TEXT_MAX = 4096 };

static struct world world;
static struct device *gateway;
static struct json_parser *parser;
static char room[TEXT_MAX + JSON_PADDING];

static int open_all(void **state)
{
    (void)state;
    world_prepare();
    gateway = sub_tree_open(&world);
    parser = json_parser_new_deep(TEXT_MAX, SUB_PAYLOAD_DEPTH_MAX);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    json_parser_free(&parser);
    world_close(&world);
    return 0;
}

static struct slice check(const char *text)
{
    struct slice value;

    (void)snprintf(room, TEXT_MAX, "%s", text);
    assert_int_equal(json_check(parser, slice_make(room, strlen(room)), &value), ST_OK);
    return value;
}

/* `!` and on whom. */
static void on_fault(struct device *d, const char *why, void *arg)
{
    struct buffer *out = arg;

    assert_true(why[0] != '\0');
    buffer_append_u8(out, '!');
    sub_tree_append_path(d, out);
    buffer_append_u8(out, ' ');
}

/* Faults, then reports: path, values, @ts. */
static void describe(enum sub_dialect dialect, const char *text, struct buffer *out)
{
    struct buffer entries = {0};

    sub_payload_gather(dialect, gateway, parser, check(text), &entries, on_fault, out);
    for (size_t at = 0; at < entries.len; at += sizeof(struct sub_report_entry)) {
        struct sub_report_entry e;

        memcpy(&e, entries.data + at, sizeof(e));
        sub_tree_append_path(e.device, out);
        buffer_append_slice(out, e.attributes);
        if (e.ts_ms != 0)
            buffer_printf(out, "@%lld", (long long)e.ts_ms);
        buffer_append_u8(out, ' ');
        assert_true(e.device->sub->dialect == dialect);
    }
    buffer_append_u8(out, 0);
    buffer_deinit(&entries);
}

#define TREE SUB_DIALECT_SUB
#define OLD  SUB_DIALECT_GATEWAY

static const struct gather_case {
    const char *name;
    enum sub_dialect dialect;
    const char *text, *want;
} gather_cases[] = {
    {"nobody", TREE, "{}", ""},
    {"nobody, list", TREE, "[]", ""},
    {"one", TREE, "{\"1\":{\"attributes\":{\"a\":1}}}", "1{\"a\":1} "},
    {"one with ts", TREE, "{\"1\":{\"ts\":5,\"attributes\":{}}}", "1{}@5 "},
    {"order of the payload", TREE,
     "{\"2\":{\"attributes\":{}},\"1\":{\"sub\":{\"2\":{\"attributes\":{}},\"1\":{\"attributes\":"
     "{}}},\"attributes\":{}}}",
     "2{} 1.2{} 1.1{} 1{} "},
    {"attributes first", TREE,
     "{\"1\":{\"attributes\":{},\"sub\":{\"1\":{\"sub\":{\"1\":{\"attributes\":{}}}}}}}",
     "1{} 1.1.1{} "},
    {"escapes", TREE, "{\"\\u00e9\":{\"\\u0061ttributes\":{}}}", "\xc3\xa9{} "},
    {"unknown", TREE,
     "{\"9\":{\"attributes\":{},\"sub\":{\"1\":{\"attributes\":{}}}},"
     "\"1\":{\"sub\":{\"9\":{}}},\"2\":{\"attributes\":{}}}",
     "! !1 2{} "},
    {"no node", TREE, "{\"1\":7,\"2\":{\"attributes\":[]},\"\\u00e9\":{\"sub\":1}}",
     "!1 !2 !\xc3\xa9 "},
    {"doubled address", TREE,
     "{\"1\":{\"attributes\":{\"a\":1}},\"2\":{\"attributes\":{}},"
     "\"1\":{\"attributes\":{\"a\":2}}}",
     "2{} 1{\"a\":2} "},
    {"doubled members", TREE,
     "{\"1\":{\"ts\":1,\"attributes\":{},\"attributes\":{\"b\":1},\"ts\":2}}", "1{\"b\":1}@2 "},
    {"no time", TREE,
     "{\"1\":{\"ts\":\"x\",\"attributes\":{}},\"2\":{\"ts\":1.5,\"attributes\":{}}}",
     "!1 !2 1{} 2{} "},
    {"list", TREE,
     "[{\"device\":[\"1\",\"2\"],\"attributes\":{}},{\"attributes\":{\"x\":1},\"device\":\"2\"},"
     "{\"device\":[\"2\"],\"attributes\":{},\"ts\":9}]",
     "1.2{} 2{\"x\":1} 2{}@9 "},
    {"list with faults", TREE,
     "[7,{},{\"device\":[\"1\"]},{\"device\":[],\"attributes\":{}},{\"device\":[\"1\",\"9\"],"
     "\"attributes\":{}},{\"device\":[\"1\"],\"attributes\":1}]",
     "! ! ! ! !1 !1 "},
    {"old", OLD, "{\"1\":{\"a\":1},\"2\":{}}", "1{\"a\":1} 2{} "},
    {"old, doubled", OLD, "{\"1\":{\"a\":1},\"1\":{\"a\":2}}", "1{\"a\":2} "},
    {"old, unknown", OLD, "{\"9\":{},\"1\":7,\"2\":{}}", "! !1 2{} "},
};

static void payloads_are_gathered(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(gather_cases) / sizeof(gather_cases[0]); i++) {
        const struct gather_case *c = &gather_cases[i];
        struct buffer out = {0};

        describe(c->dialect, c->text, &out);
        if (strcmp((const char *)out.data, c->want) != 0)
            fail_msg("%s: %s", c->name, (const char *)out.data);
        buffer_deinit(&out);
    }
}

static const struct message_case {
    const char *name;
    enum sub_dialect dialect;
    const char *text;
    const char *path; /* steps joined by dots; NULL: it has not the form */
    const char *inner;
} message_cases[] = {
    {"path", TREE, "{\"device\":[\"1\",\"x\"],\"event\":{}}", "1.x", "{}"},
    {"text", TREE, "{\"event\":{\"a\":1},\"device\":\"1\"}", "1", "{\"a\":1}"},
    {"inner missing", TREE, "{\"device\":\"1\"}", "1", ""},
    {"doubled", TREE, "{\"device\":\"1\",\"device\":\"2\",\"event\":1,\"event\":{}}", "2", "{}"},
    {"no device", TREE, "{\"event\":{}}", NULL, NULL},
    {"number", TREE, "{\"device\":1}", NULL, NULL},
    {"number inside", TREE, "{\"device\":[1]}", NULL, NULL},
    {"empty path", TREE, "{\"device\":[]}", NULL, NULL},
    {"empty step", TREE, "{\"device\":[\"\"]}", NULL, NULL},
    {"nested", TREE, "{\"device\":[[\"1\"]]}", NULL, NULL},
    {"old", OLD, "{\"device\":\"1\",\"event\":{}}", "1", "{}"},
    {"old path", OLD, "{\"device\":[\"1\"],\"event\":{}}", NULL, NULL},
};

static void append_steps(const struct sub_path *path, struct buffer *out)
{
    for (unsigned i = 0; i < path->count; i++) {
        buffer_append_text(out, i == 0 ? "" : ".");
        buffer_append_slice(out, path->steps[i]);
    }
    buffer_append_u8(out, 0);
}

static void messages_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(message_cases) / sizeof(message_cases[0]); i++) {
        const struct message_case *c = &message_cases[i];
        struct sub_message m;
        struct buffer out = {0};
        const char *why = sub_payload_read(c->dialect, parser, check(c->text), "event", &m);

        if ((why == NULL) != (c->path != NULL))
            fail_msg("%s: %s", c->name, why == NULL ? "accepted" : why);
        if (c->path == NULL)
            continue;
        append_steps(&m.path, &out);
        if (strcmp((const char *)out.data, c->path) != 0 || !slice_is(m.inner.value, c->inner))
            fail_msg("%s: %s", c->name, (const char *)out.data);
        buffer_deinit(&out);
    }
}

static void bounds_of_paths(void **state)
{
    char text[TEXT_MAX] = "{\"device\":[";
    struct sub_message m;

    (void)state;
    for (unsigned i = 0; i < SUB_LEVELS_MAX; i++)
        strcat(text, i == 0 ? "\"x\"" : ",\"x\"");
    strcat(text, "]}");
    assert_null(sub_payload_read(TREE, parser, check(text), NULL, &m));
    assert_int_equal(m.path.count, SUB_LEVELS_MAX);
    strcpy(strchr(text, ']'), ",\"x\"]}");
    assert_non_null(sub_payload_read(TREE, parser, check(text), NULL, &m));

    memset(text, 'x', sizeof(text));
    memcpy(text, "{\"device\":\"", 11);
    strcpy(text + 11 + SUB_ADDRESS_MAX, "\"}");
    assert_null(sub_payload_read(TREE, parser, check(text), NULL, &m));
    assert_int_equal(m.path.steps[0].len, SUB_ADDRESS_MAX);
    strcpy(text + 11 + SUB_ADDRESS_MAX, "x\"}");
    text[11 + SUB_ADDRESS_MAX] = 'x';
    assert_non_null(sub_payload_read(TREE, parser, check(text), NULL, &m));
}

static void paths_are_found(void **state)
{
    struct sub_path path = {.count = 3, .steps = {slice_of("1"), slice_of("2"), slice_of("1")}};
    struct device *d, *nearest;
    struct buffer out = {0};
    unsigned depth;

    (void)state;
    d = sub_path_find(gateway, &path, &nearest, &depth);
    assert_non_null(d);
    assert_true(nearest == d && depth == 3 && sub_device_root(d) == gateway);
    sub_tree_append_path(d, &out);
    assert_true(slice_is(buffer_slice(&out), "1.2.1"));
    buffer_deinit(&out);
    path.steps[1] = slice_of("9");
    assert_null(sub_path_find(gateway, &path, &nearest, &depth));
    assert_int_equal(depth, 1);
    assert_true(nearest == sub_device_find(gateway, slice_of("1")));
    assert_int_equal(gateway->below_count, 7);
}

static const struct append_case {
    enum sub_dialect dialect;
    enum device_topic topic;
    unsigned count;
    const char *want;
} append_cases[] = {
    {TREE, DEVICE_TOPIC_SUB_COMMAND_SEND, 1, "\"device\": \"a\\\"\", "},
    {TREE, DEVICE_TOPIC_SUB_EVENT_RESPONSE, 1, "\"device\": \"a\\\"\", "},
    {TREE, DEVICE_TOPIC_SUB_ATTRIBUTES_PUSH, 1, "\"device\": [\"a\\\"\"], "},
    {TREE, DEVICE_TOPIC_SUB_ATTRIBUTES_GET_RESPONSE, 1, "\"device\": [\"a\\\"\"], "},
    {TREE, DEVICE_TOPIC_SUB_COMMAND_SEND, 2, "\"device\": [\"a\\\"\", \"b\"], "},
    {OLD, DEVICE_TOPIC_SUB_COMMAND_SEND, 1, "\"device\": \"a\\\"\", "},
    {OLD, DEVICE_TOPIC_SUB_ATTRIBUTES_PUSH, 1, "\"device\": \"a\\\"\", "},
};

static void paths_are_written(void **state)
{
    struct sub_path path = {.steps = {slice_of("a\""), slice_of("b")}};

    (void)state;
    for (size_t i = 0; i < sizeof(append_cases) / sizeof(append_cases[0]); i++) {
        const struct append_case *c = &append_cases[i];
        struct buffer out = {0};

        path.count = c->count;
        sub_path_append(c->dialect, c->topic, &path, &out);
        assert_true(slice_is(buffer_slice(&out), c->want));
        buffer_deinit(&out);
    }
}

static void what_is_unknown_is_named_if_it_can_be(void **state)
{
    char why[SUB_PATH_WHY_MAX];

    (void)state;
    sub_path_tell_unknown(slice_of("pump \xc3\xa9"), why);
    assert_non_null(strstr(why, "pump \xc3\xa9"));
    sub_path_tell_unknown(slice_of("a\nb"), why);
    assert_null(strstr(why, "\n"));
    sub_path_tell_unknown(slice_make("a\0b", 3), why);
    assert_null(strstr(why, "address a"));
    sub_path_tell_unknown(slice_make(room, 128), why);
    assert_true(strlen(why) < 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payloads_are_gathered),
        cmocka_unit_test(messages_are_read),
        cmocka_unit_test(bounds_of_paths),
        cmocka_unit_test(paths_are_found),
        cmocka_unit_test(paths_are_written),
        cmocka_unit_test(what_is_unknown_is_named_if_it_can_be),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
