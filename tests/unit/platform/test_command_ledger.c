/* The ledger: identifiers, which reply belongs to which command, deadlines. */
#include "platform/command_ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "leftover.h"

#define A64 "0123456789012345678901234567890123456789012345678901234567890123"

/* A member with this JSON text. */
static struct json_member member_of(const char *json)
{
    struct json_member m = {
        .key = slice_of("id"), .value = slice_of(json), .type = JSON_TYPE_NUMBER};

    if (json[0] == '"')
        m.type = JSON_TYPE_STRING;
    else if (json[0] == '{')
        m.type = JSON_TYPE_OBJECT;
    else if (json[0] == 'n')
        m.type = JSON_TYPE_NULL;
    else if (json[0] == 't')
        m.type = JSON_TYPE_BOOL;
    return m;
}

/* `id` NULL: the ledger gives one. */
static enum status add(struct command_ledger *l, const char *id, const char *method,
                       uint64_t deadline_ms)
{
    struct json_member m = member_of(id == NULL ? "0" : id);
    struct command_request r = {
        .id = id == NULL ? NULL : &m,
        .method = slice_of(method),
        .deadline_ms = deadline_ms,
    };
    struct command *entered;
    enum status st = command_ledger_add(l, &r, &entered);

    assert_true((st == ST_OK) == (entered != NULL));
    return st;
}

/* The method of the command that a reply takes, or "". */
static const char *take(struct command_ledger *l, const char *id, const char *method)
{
    static char taken[100];
    struct json_member m = member_of(id == NULL ? "0" : id);
    struct command *c = command_ledger_take(l, id == NULL ? NULL : &m, slice_of(method));

    taken[0] = '\0';
    if (c != NULL)
        (void)snprintf(taken, sizeof(taken), "%.*s", (int)c->method.len, c->method.data);
    command_free(&c);
    assert_null(c);
    return taken;
}

static const struct id_case {
    const char *name, *first, *second;
    enum status want_first, want_second; /* of adding both */
    bool takes;                          /* a reply with the second takes the first */
} id_cases[] = {
    {"the same number", "1", "1", ST_OK, ST_EXISTS, true},
    {"another number", "1", "2", ST_OK, ST_OK, false},
    {"number and string", "1", "\"1\"", ST_OK, ST_OK, false},
    {"string and number", "\"1\"", "1", ST_OK, ST_OK, false},
    {"the same string", "\"abc\"", "\"abc\"", ST_OK, ST_EXISTS, true},
    {"the same string, escaped", "\"abc\"", "\"\\u0061bc\"", ST_OK, ST_EXISTS, true},
    {"a longer string", "\"abc\"", "\"abcd\"", ST_OK, ST_OK, false},
    {"a zero byte in it", "\"a\\u0000b\"", "\"a\\u0000c\"", ST_OK, ST_OK, false},
    {"zero and minus zero", "0", "-0", ST_OK, ST_EXISTS, true},
    {"the largest", "9223372036854775807", "9223372036854775807", ST_OK, ST_EXISTS, true},
    {"the smallest", "-9223372036854775808", "-9223372036854775808", ST_OK, ST_EXISTS, true},
    {"too large", "1", "9223372036854775808", ST_OK, ST_INVALID, false},
    {"a fraction", "1", "1.0", ST_OK, ST_INVALID, false},
    {"an exponent", "1", "1e0", ST_OK, ST_INVALID, false},
    {"an object", "1", "{}", ST_OK, ST_INVALID, false},
    {"null", "1", "null", ST_OK, ST_INVALID, false},
    {"true", "1", "true", ST_OK, ST_INVALID, false},
    {"an empty string", "1", "\"\"", ST_OK, ST_INVALID, false},
    {"64 bytes", "\"" A64 "\"", "\"" A64 "\"", ST_OK, ST_EXISTS, true},
    {"65 bytes", "1", "\"" A64 "x\"", ST_OK, ST_INVALID, false},
    {"64 bytes that were more with escapes", "1", "\"\\u0030" A64 "\"", ST_OK, ST_INVALID, false},
};

static void test_identifiers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(id_cases) / sizeof(*id_cases); i++) {
        const struct id_case *c = &id_cases[i];
        struct command_ledger l;

        print_message("%s\n", c->name);
        command_ledger_init(&l, 1);
        assert_int_equal(add(&l, c->first, "first", 10), c->want_first);
        assert_int_equal(add(&l, c->second, "second", 10), c->want_second);
        assert_int_equal(l.count, c->want_second == ST_OK ? 2 : 1);
        command_ledger_deinit(&l);

        command_ledger_init(&l, 1);
        assert_int_equal(add(&l, c->first, "first", 10), ST_OK);
        assert_string_equal(take(&l, c->second, "other"), c->takes ? "first" : "");
        assert_int_equal(l.count, c->takes ? 0 : 1);
        command_ledger_deinit(&l);
    }
}

static void test_replies_without_id(void **state)
{
    struct command_ledger l;

    (void)state;
    command_ledger_init(&l, 100);
    assert_int_equal(add(&l, "1", "open", 10), ST_OK);
    assert_int_equal(add(&l, "2", "close", 10), ST_OK);
    assert_int_equal(add(&l, "3", "open", 10), ST_OK);
    assert_string_equal(take(&l, NULL, "lock"), "");
    assert_string_equal(take(&l, NULL, "open"), "open");
    assert_string_equal(take(&l, "1", "open"), ""); /* the oldest was taken */
    assert_string_equal(take(&l, "3", "open"), "open");
    assert_string_equal(take(&l, NULL, "open"), ""); /* one command takes one reply */
    assert_string_equal(take(&l, NULL, "close"), "close");
    assert_int_equal(l.count, 0);
    assert_int_equal(add(&l, "1", "open", 10), ST_OK); /* free again */
    command_ledger_deinit(&l);
}

static void test_given_identifiers(void **state)
{
    struct command_request r = {.method = slice_of("open"), .deadline_ms = 10};
    struct command_ledger l;
    struct command *c;

    (void)state;
    command_ledger_init(&l, 1000);
    assert_int_equal(add(&l, "1001", "theirs", 10), ST_OK);
    assert_int_equal(command_ledger_add(&l, &r, &c), ST_OK);
    assert_string_equal(c->id.text, "1000");
    assert_int_equal(command_ledger_add(&l, &r, &c), ST_OK);
    assert_string_equal(c->id.text, "1002"); /* 1001 is outstanding */
    c = command_ledger_take(&l, NULL, slice_of("open"));
    assert_string_equal(c->id.text, "1000");
    assert_false(c->id.is_string);
    command_free(&c);
    assert_int_equal(command_ledger_add(&l, &r, &c), ST_OK);
    assert_string_equal(c->id.text, "1003"); /* never one that was */
    command_ledger_deinit(&l);
}

static void test_full(void **state)
{
    struct command_ledger l;

    (void)state;
    command_ledger_init(&l, 1);
    for (unsigned i = 0; i < COMMAND_OUTSTANDING_MAX; i++)
        assert_int_equal(add(&l, NULL, "open", 10), ST_OK);
    assert_int_equal(add(&l, NULL, "open", 10), ST_FULL);
    assert_int_equal(add(&l, "\"x\"", "open", 10), ST_FULL);
    assert_int_equal(add(&l, "1", "open", 10), ST_EXISTS);
    assert_string_equal(take(&l, NULL, "open"), "open");
    assert_int_equal(add(&l, "\"x\"", "open", 10), ST_OK);
    command_ledger_deinit(&l);
}

static void test_deadlines(void **state)
{
    struct command_ledger l;
    struct command *c;

    (void)state;
    command_ledger_init(&l, 1);
    assert_true(command_ledger_next_deadline(&l) == UINT64_MAX);
    assert_null(command_ledger_take_expired(&l, UINT64_MAX));
    assert_int_equal(add(&l, "1", "a", 300), ST_OK);
    assert_int_equal(add(&l, "2", "b", 100), ST_OK);
    assert_int_equal(add(&l, "3", "c", 200), ST_OK);
    assert_int_equal(command_ledger_next_deadline(&l), 100);
    assert_null(command_ledger_take_expired(&l, 99));
    c = command_ledger_take_expired(&l, 250);
    assert_true(slice_is(c->method, "b"));
    command_free(&c);
    c = command_ledger_take_expired(&l, 250);
    assert_true(slice_is(c->method, "c"));
    command_free(&c);
    assert_null(command_ledger_take_expired(&l, 250));
    assert_int_equal(command_ledger_next_deadline(&l), 300);
    assert_string_equal(take(&l, "2", ""), "");
    command_ledger_deinit(&l);
}

static void test_what_a_publisher_wants_back(void **state)
{
    static const uint8_t data[] = {0, 1, 2, 255};
    struct command_request r = {
        .method = slice_of("open"),
        .has_response_topic = true,
        .has_correlation_data = true,
        .response_topic = slice_of("open/x/y/command_reply"),
        .correlation_data = {data, sizeof(data)},
    };
    struct command_ledger l;
    struct command *c;

    (void)state;
    command_ledger_init(&l, 1);
    assert_int_equal(command_ledger_add(&l, &r, &c), ST_OK);
    r.has_response_topic = false; /* what is said not to be there is not kept */
    r.correlation_data = slice_of("");
    assert_int_equal(command_ledger_add(&l, &r, &c), ST_OK);

    c = command_ledger_take(&l, NULL, slice_of("open"));
    assert_true(c->has_response_topic && c->has_correlation_data);
    assert_true(slice_equal(c->response_topic, slice_of("open/x/y/command_reply")));
    assert_true(slice_equal(c->correlation_data, slice_make(data, sizeof(data))));
    command_free(&c);
    c = command_ledger_take(&l, NULL, slice_of("open"));
    assert_false(c->has_response_topic);
    assert_int_equal(c->response_topic.len, 0);
    assert_true(c->has_correlation_data); /* empty, and there */
    assert_int_equal(c->correlation_data.len, 0);
    command_free(&c);
    command_ledger_deinit(&l);
}

static void test_numbers(void **state)
{
    struct command_ledger l;
    struct command *c;

    (void)state;
    command_ledger_init(&l, 1);
    assert_null(command_ledger_find(&l, 1));
    assert_int_equal(add(&l, "7", "a", 10), ST_OK);
    assert_int_equal(add(&l, "\"7\"", "b", 10), ST_OK);
    c = command_ledger_find(&l, 1);
    assert_true(slice_is(c->method, "a"));
    assert_true(slice_is(command_ledger_find(&l, 2)->method, "b"));
    command_ledger_take_out(&l, c);
    command_free(&c);
    assert_null(command_ledger_find(&l, 1));
    assert_int_equal(add(&l, "7", "c", 10), ST_OK);
    assert_true(slice_is(command_ledger_find(&l, 3)->method, "c")); /* never one that was */
    command_ledger_deinit(&l);
}

static void test_has(void **state)
{
    struct json_member seven = member_of("7"), text = member_of("\"7\""), null = member_of("null");
    struct command_ledger l;

    (void)state;
    command_ledger_init(&l, 1);
    assert_false(command_ledger_has(&l, &seven));
    assert_int_equal(add(&l, "7", "a", 10), ST_OK);
    assert_true(command_ledger_has(&l, &seven));
    assert_false(command_ledger_has(&l, &text));
    assert_false(command_ledger_has(&l, &null));
    assert_false(command_ledger_has(&l, NULL));
    command_ledger_deinit(&l);
}

/* Takes the oldest outstanding one out and keeps it as one that ended so. */
static void end_oldest(struct command_ledger *l, enum command_status status)
{
    struct command *c = list_entry(l->outstanding.next, struct command, node);

    command_ledger_take_out(l, c);
    c->status = (uint8_t)status;
    command_ledger_keep(l, &c);
    assert_null(c);
}

static void test_those_that_have_ended(void **state)
{
    struct json_member one = member_of("1"), two = member_of("2");
    struct command_request r = {
        .id = &two,
        .method = slice_of("open"),
        .has_response_topic = true,
        .has_correlation_data = true,
        .response_topic = slice_of("topic"),
        .correlation_data = slice_of("data"),
    };
    struct command_ledger l;
    struct command *entered;
    const struct command *c;

    (void)state;
    command_ledger_init(&l, 1);
    assert_null(command_ledger_find_ended(&l, &one, slice_of("open")));
    assert_int_equal(add(&l, "1", "open", 10), ST_OK);
    end_oldest(&l, COMMAND_EXPIRED);
    assert_int_equal(l.count, 0);
    assert_int_equal(command_ledger_add(&l, &r, &entered), ST_OK);
    end_oldest(&l, COMMAND_REPLIED);
    assert_int_equal(l.ended_count, 2);
    c = command_ledger_find_ended(&l, &one, slice_of(""));
    assert_int_equal(c->status, COMMAND_EXPIRED);
    c = command_ledger_find_ended(&l, &two, slice_of(""));
    assert_int_equal(c->status, COMMAND_REPLIED);
    assert_true(slice_is(c->method, "open"));
    assert_false(c->has_response_topic || c->has_correlation_data); /* only a reply needs them */
    c = command_ledger_find_ended(&l, NULL, slice_of("open"));
    assert_string_equal(c->id.text, "2"); /* the newest */
    assert_null(command_ledger_find_ended(&l, NULL, slice_of("close")));
    command_ledger_deinit(&l);
}

static void test_ended_ones_are_bounded(void **state)
{
    struct json_member first = member_of("1000"), second = member_of("1001");
    struct command_ledger l;

    (void)state;
    command_ledger_init(&l, 1000);
    for (unsigned i = 0; i < COMMAND_ENDED_MAX + 1; i++) {
        assert_int_equal(add(&l, NULL, "open", 10), ST_OK);
        end_oldest(&l, COMMAND_OFFLINE);
    }
    assert_int_equal(l.ended_count, COMMAND_ENDED_MAX);
    assert_null(command_ledger_find_ended(&l, &first, slice_of("open")));
    assert_non_null(command_ledger_find_ended(&l, &second, slice_of("open")));
    command_ledger_deinit(&l);
}

static void test_status_words(void **state)
{
    (void)state;
    assert_string_equal(command_status_word(COMMAND_ACCEPTED), "accepted");
    assert_string_equal(command_status_word(COMMAND_REJECTED), "rejected");
    assert_false(command_status_is_end(COMMAND_DELIVERED));
    assert_true(command_status_is_end(COMMAND_REPLIED));
}

static void test_zeroed_ledger_is_accepted(void **state)
{
    struct command_ledger l = {0};

    (void)state;
    command_ledger_deinit(&l);
    command_ledger_init(&l, 1);
    command_ledger_deinit(&l);
    command_ledger_deinit(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(test_identifiers),
        LEFTOVER_TEST(test_replies_without_id),
        LEFTOVER_TEST(test_given_identifiers),
        LEFTOVER_TEST(test_full),
        LEFTOVER_TEST(test_deadlines),
        LEFTOVER_TEST(test_what_a_publisher_wants_back),
        LEFTOVER_TEST(test_numbers),
        LEFTOVER_TEST(test_has),
        LEFTOVER_TEST(test_those_that_have_ended),
        LEFTOVER_TEST(test_ended_ones_are_bounded),
        LEFTOVER_TEST(test_status_words),
        LEFTOVER_TEST(test_zeroed_ledger_is_accepted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
