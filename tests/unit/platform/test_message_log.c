/* A device's message log: bounds, numbers, what an entry looks like. */
#include "platform/message_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "leftover.h"

static const struct message_log_limits limits = {3, 10000, 20};

static void add(struct message_log *l, const struct message_log_limits *max,
                const struct logged_message *m)
{
    message_log_add(l, max, message_log_entry_new(m, 1000, max));
}

static void add_text(struct message_log *l, const struct message_log_limits *max,
                     const char *payload)
{
    struct logged_message m = {.topic = slice_of("t"), .payload = slice_of(payload)};

    add(l, max, &m);
}

/* The payloads from the newest to the oldest, a space behind each. */
static void assert_log(const struct message_log *l, const char *want)
{
    const struct message_log_entry *e = NULL;
    struct buffer text = {0};
    uint64_t number = UINT64_MAX;

    while ((e = message_log_before(l, number)) != NULL) {
        buffer_append_slice(&text, e->message.payload);
        buffer_append_u8(&text, ' ');
        number = e->number;
    }
    assert_true(slice_is(buffer_slice(&text), want));
    buffer_deinit(&text);
}

static void the_newest_stay(void **state)
{
    struct message_log l = {0};

    (void)state;
    assert_log(&l, "");
    assert_null(message_log_after(&l, 0));
    for (char c[] = "a"; c[0] <= 'e'; c[0]++)
        add_text(&l, &limits, c);
    assert_log(&l, "e d c ");
    assert_int_equal(message_log_after(&l, 0)->number, 3);
    assert_int_equal(message_log_after(&l, 3)->number, 4);
    assert_null(message_log_after(&l, 5));
    assert_int_equal(message_log_before(&l, 4)->number, 3);
    assert_null(message_log_before(&l, 3));
    message_log_deinit(&l);
    assert_log(&l, "");
}

static void bytes_are_bounded(void **state)
{
    struct message_log_limits narrow = {100, 3 * (sizeof(struct message_log_entry) + 10), 1000};
    struct message_log l = {0};

    (void)state;
    for (char c[] = "a23456789"; c[0] <= 'e'; c[0]++)
        add_text(&l, &narrow, c);
    assert_log(&l, "e23456789 d23456789 c23456789 ");
    assert_true(l.bytes <= narrow.bytes);
    add_text(&l, &narrow, "1234567890"); /* a byte more: two make room */
    assert_log(&l, "1234567890 e23456789 ");
    narrow.bytes = 1;
    add_text(&l, &narrow, "x"); /* the newest one stays in any case */
    assert_log(&l, "x ");
    message_log_trim(&l, &narrow);
    assert_log(&l, "");
    assert_int_equal(l.bytes, 0);
    add_text(&l, &limits, "y");
    assert_int_equal(message_log_after(&l, 0)->number, 8); /* no number comes again */
    message_log_deinit(&l);
}

static void trimming(void **state)
{
    struct message_log_limits two = {2, 10000, 20};
    struct message_log l = {0};

    (void)state;
    message_log_trim(&l, &two);
    for (char c[] = "a"; c[0] <= 'c'; c[0]++)
        add_text(&l, &limits, c);
    message_log_trim(&l, &limits);
    assert_log(&l, "c b a ");
    message_log_trim(&l, &two);
    assert_log(&l, "c b ");
    message_log_deinit(&l);
}

#define HEAD                                                                              \
    "{\"number\": 1, \"ts\": 1000, \"direction\": \"up\", \"topic\": \"t\", \"qos\": 1, " \
    "\"verdict\": \"accepted\", \"reason\": null, "

static const struct form_case {
    const char *name;
    struct slice payload;
    const char *want;
} form_cases[] = {
    {"object",
     {(const uint8_t *)"{\"a\":1}", 7},
     "\"format\": \"json\", \"payload\": \"{\\\"a\\\":1}\", \"length\": 7}"},
    {"array",
     {(const uint8_t *)"[1, 2]", 6},
     "\"format\": \"json\", \"payload\": \"[1, 2]\", \"length\": 6}"},
    {"a single value",
     {(const uint8_t *)"5", 1},
     "\"format\": \"text\", \"payload\": \"5\", \"length\": 1}"},
    {"text",
     {(const uint8_t *)"on\n", 3},
     "\"format\": \"text\", \"payload\": \"on\\n\", \"length\": 3}"},
    {"empty", {(const uint8_t *)"", 0}, "\"format\": \"text\", \"payload\": \"\", \"length\": 0}"},
    {"bytes",
     {(const uint8_t *)"\x01\x7f\xff", 3},
     "\"format\": \"hex\", \"payload\": \"017fff\", \"length\": 3}"},
    {"a zero",
     {(const uint8_t *)"a\0b", 3},
     "\"format\": \"hex\", \"payload\": \"610062\", \"length\": 3}"},
    {"cut, so it is no JSON",
     {(const uint8_t *)"{\"a\":\"1234567890123\"}", 21},
     "\"format\": \"text\", \"payload\": \"{\\\"a\\\":\\\"1234567890123\\\"\", \"length\": 21}"},
    {"not cut within a character",
     {(const uint8_t *)"1234567890123456789\xE5\xBC\x80", 22},
     "\"format\": \"text\", \"payload\": \"1234567890123456789\", \"length\": 22}"},
};

static void what_an_entry_looks_like(void **state)
{
    struct json_parser *json = json_parser_new(1000);

    (void)state;
    for (size_t i = 0; i < sizeof(form_cases) / sizeof(form_cases[0]); i++) {
        const struct form_case *c = &form_cases[i];
        struct logged_message m = {.qos = 1, .topic = slice_of("t"), .payload = c->payload};
        struct message_log l = {0};
        struct buffer text = {0};

        print_message("%s\n", c->name);
        add(&l, &limits, &m);
        message_log_append_json(message_log_after(&l, 0), json, &text);
        assert_true(slice_starts_with(buffer_slice(&text), slice_of(HEAD)));
        assert_true(slice_is(slice_from(buffer_slice(&text), strlen(HEAD)), c->want));
        buffer_deinit(&text);
        message_log_deinit(&l);
    }
    json_parser_free(&json);
}

static void verdicts(void **state)
{
    static const char *const words[] = {"accepted", "refused", "recorded", "dropped"};
    struct json_parser *json = json_parser_new(1000);

    (void)state;
    for (unsigned v = 0; v < MESSAGE_VERDICT_COUNT; v++) {
        struct logged_message m = {.direction = MESSAGE_DOWN,
                                   .verdict = (enum message_verdict)v,
                                   .topic = slice_of("a/\""),
                                   .why = slice_of("it is \"so\"")};
        struct message_log l = {0};
        struct buffer text = {0}, want = {0};

        buffer_printf(&want,
                      "{\"number\": 1, \"ts\": 1000, \"direction\": \"down\", \"topic\": "
                      "\"a/\\\"\", \"qos\": 0, \"verdict\": \"%s\", \"reason\": \"it is "
                      "\\\"so\\\"\", \"format\": \"text\", \"payload\": \"\", \"length\": 0}",
                      words[v]);
        add(&l, &limits, &m);
        message_log_append_json(message_log_after(&l, 0), json, &text);
        assert_true(slice_equal(buffer_slice(&text), buffer_slice(&want)));
        buffer_deinit(&text);
        buffer_deinit(&want);
        message_log_deinit(&l);
    }
    json_parser_free(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(the_newest_stay), LEFTOVER_TEST(bytes_are_bounded),
        LEFTOVER_TEST(trimming),        LEFTOVER_TEST(what_an_entry_looks_like),
        LEFTOVER_TEST(verdicts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
