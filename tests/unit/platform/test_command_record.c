/* Commands as bytes: what comes back, deadlines across a stop, damage. */
#include "platform/command_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "leftover.h"

enum { STOPPED_MS = 5000, STOPPED_UNIX_MS = 1000000, STARTED_MS = 70 };

static const uint8_t correlation[] = {0, 1, 255};

/* Enters a command with this id as JSON text. */
static struct command *add(struct command_ledger *l, const char *id, const char *method,
                           uint64_t deadline_ms, bool wants_reply)
{
    struct json_member m = {.key = slice_of("id"),
                            .value = slice_of(id),
                            .type = id[0] == '"' ? JSON_TYPE_STRING : JSON_TYPE_NUMBER};
    struct command_request r = {
        .id = &m,
        .method = slice_of(method),
        .deadline_ms = deadline_ms,
        .accepted_ms = STOPPED_UNIX_MS - 1000,
        .has_response_topic = wants_reply,
        .has_correlation_data = wants_reply,
        .response_topic = slice_of("open/p/d/command_reply"),
        .correlation_data = slice_make(correlation, sizeof(correlation)),
    };
    struct command *c;

    assert_int_equal(command_ledger_add(l, &r, &c), ST_OK);
    return c;
}

/* A ledger with an outstanding command of each sort, and one that has ended. */
static void fill(struct command_ledger *l)
{
    struct command *c;

    command_ledger_init(l, 1);
    c = add(l, "0", "ended", STOPPED_MS + 1, true);
    command_ledger_take_out(l, c);
    c->status = COMMAND_REPLIED;
    command_ledger_keep(l, &c);
    add(l, "1", "open", STOPPED_MS + 400, false)->status = COMMAND_DELIVERED;
    add(l, "\"1\"", "\xE5\xBC\x80", STOPPED_MS + 100, true)->changed_ms = STOPPED_UNIX_MS - 7;
}

static struct command *at(const struct command_ledger *l, unsigned index)
{
    struct list *n = l->outstanding.next;

    while (index-- > 0)
        n = n->next;
    return list_entry(n, struct command, node);
}

static void test_what_comes_back(void **state)
{
    struct command_ledger before, after;
    struct buffer bytes = {0};
    const struct command *c;

    (void)state;
    fill(&before);
    command_record_write(&before, STOPPED_MS, STOPPED_UNIX_MS, &bytes);
    command_ledger_init(&after, 1);
    assert_int_equal(
        command_record_read(&after, buffer_slice(&bytes), STARTED_MS, STOPPED_UNIX_MS + 300),
        ST_OK);
    assert_int_equal(after.count, 2);
    c = at(&after, 0);
    assert_string_equal(c->id.text, "1");
    assert_false(c->id.is_string);
    assert_int_equal(c->status, COMMAND_DELIVERED);
    assert_true(c->is_told && slice_is(c->method, "open") && !c->has_response_topic);
    assert_int_equal(c->accepted_ms, STOPPED_UNIX_MS - 1000);
    assert_int_equal(c->deadline_ms, STARTED_MS + 100); /* 400, of which 300 have passed */
    c = at(&after, 1);
    assert_true(c->id.is_string && slice_is(c->method, "\xE5\xBC\x80"));
    assert_int_equal(c->status, COMMAND_ACCEPTED);
    assert_int_equal(c->changed_ms, STOPPED_UNIX_MS - 7);
    assert_int_equal(c->deadline_ms, STARTED_MS); /* it passed meanwhile */
    assert_true(c->has_response_topic && slice_is(c->response_topic, "open/p/d/command_reply"));
    assert_true(c->has_correlation_data &&
                slice_equal(c->correlation_data, slice_make(correlation, sizeof(correlation))));
    c = command_ledger_find_ended(&after, NULL, slice_of("ended"));
    assert_int_equal(c->status, COMMAND_REPLIED);
    assert_int_equal(after.last_number, before.last_number); /* numbers go on */
    command_ledger_deinit(&before);
    command_ledger_deinit(&after);
    buffer_deinit(&bytes);
}

static void test_nothing_is_nothing(void **state)
{
    struct command_ledger l;
    struct buffer bytes = {0};

    (void)state;
    command_ledger_init(&l, 1);
    command_record_write(&l, STOPPED_MS, STOPPED_UNIX_MS, &bytes);
    assert_int_equal(bytes.len, 0);
    command_ledger_deinit(&l);
}

/* Cut off or changed anywhere: never more than was there, and nothing is read outside. */
static void test_damage(void **state)
{
    struct command_ledger before, after;
    struct buffer bytes = {0};

    (void)state;
    fill(&before);
    command_record_write(&before, STOPPED_MS, STOPPED_UNIX_MS, &bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        uint8_t *cut = mem_alloc(MEM_TEST, len);

        memcpy(cut, bytes.data, len);
        command_ledger_init(&after, 1);
        (void)!command_record_read(&after, slice_make(cut, len), STARTED_MS, STOPPED_UNIX_MS);
        assert_true(after.count + after.ended_count < 3);
        command_ledger_deinit(&after);
        mem_free(cut);
    }
    for (size_t i = 0; i < bytes.len; i++) {
        bytes.data[i] ^= 0xFF;
        command_ledger_init(&after, 1);
        (void)!command_record_read(&after, buffer_slice(&bytes), STARTED_MS, STOPPED_UNIX_MS);
        command_ledger_deinit(&after);
        bytes.data[i] ^= 0xFF;
    }
    command_ledger_deinit(&before);
    buffer_deinit(&bytes);
}

static void test_what_is_wrong_is_told(void **state)
{
    struct command_ledger l;
    struct buffer bytes = {0};

    (void)state;
    fill(&l);
    command_record_write(&l, STOPPED_MS, STOPPED_UNIX_MS, &bytes);
    /* the same again: its ids are outstanding */
    assert_int_equal(command_record_read(&l, buffer_slice(&bytes), STOPPED_MS, STOPPED_UNIX_MS),
                     ST_CORRUPT);
    assert_int_equal(l.count, 2);
    bytes.data[0]++; /* a later version */
    assert_int_equal(command_record_read(&l, buffer_slice(&bytes), STOPPED_MS, STOPPED_UNIX_MS),
                     ST_CORRUPT);
    assert_int_equal(command_record_read(&l, slice_of(""), STOPPED_MS, STOPPED_UNIX_MS),
                     ST_CORRUPT);
    command_ledger_deinit(&l);
    buffer_deinit(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(test_what_comes_back),
        LEFTOVER_TEST(test_nothing_is_nothing),
        LEFTOVER_TEST(test_damage),
        LEFTOVER_TEST(test_what_is_wrong_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
