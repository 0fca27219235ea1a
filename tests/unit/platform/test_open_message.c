/* Open messages: topic, properties byte for byte, what is taken over. */
#include "platform/open_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "leftover.h"

#define P "PR_0123456789"
#define D "DU_abcdeVWXYZ"

/* Text with zero bytes in it, as a slice. */
#define BYTES(literal)                                  \
    {                                                   \
        (const uint8_t *)(literal), sizeof(literal) - 1 \
    }

#define JSON_TYPE     "\003\000\020application/json"
#define TS(len, text) "\046\000\002ts\000" len text

static struct open_message_parts parts_of(enum open_kind kind)
{
    struct open_message_parts parts = {
        .project_text = slice_of(P),
        .device_text = slice_of(D),
        .kind = kind,
        .payload = slice_of("{\"temperature\": 21.5}"),
        .accepted_ms = 1700000000123,
        .qos = 1,
    };

    parts.project_id = ident_parse(IDENT_PROJECT, parts.project_text);
    parts.device_id = ident_parse(IDENT_DEVICE, parts.device_text);
    return parts;
}

static const struct property_case {
    const char *name;
    enum open_kind kind;
    enum open_source source;
    const char *reason;
    int64_t accepted_ms;
    struct slice want;
} property_cases[] = {
    {"report", OPEN_KIND_ATTRIBUTES, OPEN_SOURCE_REPORT, "", 1700000000123,
     BYTES(JSON_TYPE TS("\015", "1700000000123") "\046\000\006source\000\006report")},
    {"push", OPEN_KIND_ATTRIBUTES, OPEN_SOURCE_PUSH, "", 1700000000123,
     BYTES(JSON_TYPE TS("\015", "1700000000123") "\046\000\006source\000\004push")},
    {"cloud", OPEN_KIND_ATTRIBUTES, OPEN_SOURCE_CLOUD, "", 1700000000123,
     BYTES(JSON_TYPE TS("\015", "1700000000123") "\046\000\006source\000\005cloud")},
    {"data: no content type", OPEN_KIND_DATA, OPEN_SOURCE_REPORT, "", 1700000000123,
     BYTES(TS("\015", "1700000000123") "\046\000\006source\000\006report")},
    {"online with a reason", OPEN_KIND_ONLINE, OPEN_SOURCE_NONE, "keep_alive", 1700000000123,
     BYTES(JSON_TYPE TS("\015", "1700000000123") "\046\000\006reason\000\012keep_alive")},
    {"all of them", OPEN_KIND_ONLINE, OPEN_SOURCE_CLOUD, "x", 9999999999999,
     BYTES(JSON_TYPE TS("\015", "9999999999999") "\046\000\006source\000\005cloud"
                                                 "\046\000\006reason\000\001x")},
    {"no source", OPEN_KIND_COMMAND_STATUS, OPEN_SOURCE_NONE, "", 1700000000123,
     BYTES(JSON_TYPE TS("\015", "1700000000123"))},
    {"no device", OPEN_KIND_NOTICE, OPEN_SOURCE_NONE, "", 1700000000123,
     BYTES(JSON_TYPE TS("\015", "1700000000123"))},
    {"time 0", OPEN_KIND_ALARM, OPEN_SOURCE_NONE, "", 0, BYTES(JSON_TYPE TS("\001", "0"))},
    {"time 9", OPEN_KIND_ALARM, OPEN_SOURCE_NONE, "", 9, BYTES(JSON_TYPE TS("\001", "9"))},
    {"time 10", OPEN_KIND_ALARM, OPEN_SOURCE_NONE, "", 10, BYTES(JSON_TYPE TS("\002", "10"))},
    {"time 99", OPEN_KIND_ALARM, OPEN_SOURCE_NONE, "", 99, BYTES(JSON_TYPE TS("\002", "99"))},
    {"time 100", OPEN_KIND_ALARM, OPEN_SOURCE_NONE, "", 100, BYTES(JSON_TYPE TS("\003", "100"))},
    {"the last time", OPEN_KIND_ALARM, OPEN_SOURCE_NONE, "", INT64_MAX,
     BYTES(JSON_TYPE TS("\023", "9223372036854775807"))},
    {"published by an application, not forwarded", OPEN_KIND_COMMAND_SEND, OPEN_SOURCE_PUSH, "x",
     1700000000123, BYTES("")},
};

static void test_properties(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(property_cases) / sizeof(*property_cases); i++) {
        const struct property_case *c = &property_cases[i];
        struct open_message_parts parts = parts_of(c->kind);
        struct open_message *m;

        print_message("%s\n", c->name);
        parts.source = c->source;
        parts.reason = slice_of(c->reason);
        parts.accepted_ms = c->accepted_ms;
        if (open_kinds[c->kind].has_stream)
            parts.stream = slice_of("temp");
        m = open_message_new(&parts);
        assert_int_equal(message_properties(&m->message).len, c->want.len);
        assert_true(slice_equal(message_properties(&m->message), c->want));
        assert_true(slice_equal(message_payload(&m->message), parts.payload));
        assert_int_equal(m->accepted_ms, c->accepted_ms);
        open_message_unref(&m);
    }
}

static void test_the_longest_reason_has_room(void **state)
{
    struct open_message_parts parts = parts_of(OPEN_KIND_ONLINE);
    char reason[OPEN_REASON_LEN_MAX];
    struct open_message *m;
    struct slice properties;

    (void)state;
    memset(reason, 'r', sizeof(reason));
    parts.reason = slice_make(reason, sizeof(reason));
    parts.source = OPEN_SOURCE_REPORT;
    parts.accepted_ms = INT64_MAX;
    m = open_message_new(&parts);
    properties = message_properties(&m->message);
    assert_memory_equal(properties.data + properties.len - sizeof(reason), reason, sizeof(reason));
    open_message_unref(&m);
}

static void test_topics(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < OPEN_KIND_COUNT; kind++) {
        struct open_message_parts parts = parts_of((enum open_kind)kind);
        struct open_message *m;
        struct open_topic t;

        if (open_kinds[kind].has_stream)
            parts.stream = slice_of("temp");
        if (!open_kinds[kind].has_device) {
            parts.device_id = 0;
            parts.device_text = slice_of("");
        }
        m = open_message_new(&parts);
        assert_int_equal(open_topic_parse(message_topic(&m->message), &t), ST_OK);
        assert_int_equal(t.kind, kind);
        assert_int_equal(t.project_id, m->project_id);
        assert_int_equal(t.device_id, m->device_id);
        assert_int_equal(m->kind, kind);
        assert_true(slice_equal(t.stream, m->stream));
        if (m->stream.len > 0) /* not the caller's */
            assert_ptr_equal(m->stream.data, t.stream.data);
        open_message_unref(&m);
    }
}

static void test_forwarded(void **state)
{
    static const struct slice publishers = BYTES("\046\000\001k\000\001v");
    struct open_message_parts parts = parts_of(OPEN_KIND_COMMAND_SEND);
    struct open_message *m;

    (void)state;
    parts.forwarded = true;
    parts.properties = publishers;
    parts.publisher = 77;
    parts.retain = true;
    parts.expires_ms = 123456;
    m = open_message_new(&parts);
    assert_true(slice_equal(message_properties(&m->message), publishers));
    assert_int_equal(m->publisher, 77);
    assert_int_equal(m->message.qos, 1);
    assert_true(m->message.retain);
    assert_int_equal(m->message.expires_ms, 123456);
    open_message_unref(&m);

    parts.properties = slice_of("");
    m = open_message_new(&parts);
    assert_int_equal(message_properties(&m->message).len, 0);
    open_message_unref(&m);
}

static void test_what_the_platform_makes_has_qos_2(void **state)
{
    struct open_message_parts parts = parts_of(OPEN_KIND_ATTRIBUTES);
    struct open_message *m = open_message_new(&parts);

    (void)state;
    assert_int_equal(m->message.qos, 2);
    open_message_unref(&m);
}

static void test_one_allocation_and_references(void **state)
{
    struct open_message_parts parts = parts_of(OPEN_KIND_ATTRIBUTES);
    int64_t before = mem_bytes_used_total();
    struct open_message *m = open_message_new(&parts), *second;

    (void)state;
    assert_int_equal(mem_bytes_used(MEM_MESSAGE), sizeof(*m) + 2 + message_topic(&m->message).len +
                                                      message_properties(&m->message).len +
                                                      parts.payload.len);
    assert_int_equal(mem_bytes_used_total() - before, mem_bytes_used(MEM_MESSAGE));
    second = open_message_ref(m);
    open_message_unref(&m);
    assert_null(m);
    assert_int_equal(second->kind, OPEN_KIND_ATTRIBUTES);
    open_message_unref(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(test_properties),
        LEFTOVER_TEST(test_the_longest_reason_has_room),
        LEFTOVER_TEST(test_topics),
        LEFTOVER_TEST(test_forwarded),
        LEFTOVER_TEST(test_what_the_platform_makes_has_qos_2),
        LEFTOVER_TEST(test_one_allocation_and_references),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
