/* What applications are told of commands: which steps, in which order, each once. */
#include "platform/device_command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "one_device.h"
#include "platform/command_record.h"

#define STATUS(id, status) \
    "command_status {'id': " id ", 'method': 'open', 'status': '" status "', 'ts': NOW}\n"
#define ENDED(id, status, why)                                                                    \
    "command_status {'id': " id ", 'method': 'open', 'status': '" status "', 'reason': '" why "'" \
    ", 'ts': NOW}\n"

static struct json_member number_of(const char *text)
{
    return (struct json_member){
        .key = slice_of("id"), .value = slice_of(text), .type = JSON_TYPE_NUMBER};
}

/* Enters a command; gives its number. */
static uint64_t enter(struct one_device *o, const char *id, uint64_t lifetime_ms)
{
    struct json_member m = number_of(id);
    struct command_request r = {
        .id = &m,
        .method = slice_of("open"),
        .deadline_ms = o->device->home->worker->now_ms + lifetime_ms,
        .accepted_ms = o->device->home->worker->unix_ms,
    };
    struct command *c;

    assert_int_equal(command_ledger_add(device_command_ledger(o->device), &r, &c), ST_OK);
    return c->number;
}

static uint64_t enter_accepted(struct one_device *o, const char *id, uint64_t lifetime_ms)
{
    uint64_t number = enter(o, id, lifetime_ms);

    device_command_accepted(o->device, number);
    return number;
}

static void reply(struct one_device *o, const char *id, const char *why)
{
    struct json_member m = number_of(id);
    struct command *c = device_command_take(o->device, &m, slice_of("open"));

    assert_non_null(c);
    device_command_replied(o->device, &c, why);
    assert_null(c);
}

static void the_whole_way(void **state)
{
    struct one_device *o = *state;
    uint64_t number = enter_accepted(o, "1", 1000);

    one_device_expect(o, STATUS("1", "accepted"));
    one_device_advance(o, 10);
    device_command_step(o->device, number, COMMAND_SENT);
    one_device_expect(o, STATUS("1", "sent"));
    one_device_advance(o, 10);
    device_command_step(o->device, number, COMMAND_DELIVERED);
    one_device_expect(o, STATUS("1", "delivered"));
    reply(o, "1", NULL);
    one_device_expect(o, STATUS("1", "replied"));
    one_device_advance(o, 2000); /* it does not expire any more */
}

static void each_step_once(void **state)
{
    struct one_device *o = *state;
    uint64_t number = enter_accepted(o, "1", 1000);

    device_command_step(o->device, number, COMMAND_SENT);
    device_command_step(o->device, number, COMMAND_SENT); /* again on the next connection */
    device_command_step(o->device, number, COMMAND_DELIVERED);
    device_command_step(o->device, number, COMMAND_SENT);
    one_device_expect(o, STATUS("1", "accepted") STATUS("1", "sent") STATUS("1", "delivered"));
    reply(o, "1", NULL);
    device_command_step(o->device, number, COMMAND_DELIVERED); /* the PUBACK comes late */
    one_device_expect(o, STATUS("1", "replied"));
}

/* A reply without an acknowledgement (QoS 0, or it came first) proves both. */
static void a_reply_completes_the_chain(void **state)
{
    struct one_device *o = *state;

    (void)enter_accepted(o, "1", 1000);
    one_device_expect(o, STATUS("1", "accepted"));
    reply(o, "1", "what was wrong");
    one_device_expect(o, STATUS("1", "sent") STATUS("1", "delivered")
                             ENDED("1", "replied", "what was wrong"));
}

/* What happens while it is being handed to the session is told behind `accepted`. */
static void nothing_is_told_before_accepted(void **state)
{
    struct one_device *o = *state;
    uint64_t number = enter(o, "1", 1000);

    device_command_step(o->device, number, COMMAND_SENT);
    one_device_expect(o, "");
    device_command_accepted(o->device, number);
    one_device_expect(o, STATUS("1", "accepted") STATUS("1", "sent"));
}

static void nobody_takes_it(void **state)
{
    struct one_device *o = *state;
    uint64_t number = enter(o, "1", 1000);
    struct json_member one = number_of("1");

    device_command_dropped(o->device, number); /* is told by whom it was handed to */
    one_device_expect(o, "");
    device_command_untaken(o->device, number, "the device is offline");
    one_device_expect(o, STATUS("1", "accepted") ENDED("1", "offline", "the device is offline"));
    assert_int_equal(o->device->ledger->count, 0);
    assert_string_equal(device_command_unmatched(o->device, &one, slice_of("open")),
                        "the command was never sent");
    device_command_untaken(o->device, enter(o, "2", 0), "it is over");
    one_device_expect(o, STATUS("2", "accepted")
                             ENDED("2", "expired", "its time was over before it began"));
}

static void rejected(void **state)
{
    struct one_device *o = *state;
    struct json_member one = number_of("1"), fraction = number_of("1.5");
    uint64_t number;

    device_command_rejected(o->device, &one, slice_of("open"), "not defined");
    one_device_expect(o, ENDED("1", "rejected", "not defined"));
    device_command_rejected(o->device, &fraction, slice_of("open"), "bad id");
    device_command_rejected(o->device, NULL, slice_of("open"), "not defined");
    one_device_expect(o,
                      ENDED("null", "rejected", "bad id") ENDED("null", "rejected", "not defined"));
    number = enter_accepted(o, "1", 1000);
    device_command_rejected(o->device, &one, slice_of("open"), "not defined"); /* not that one */
    one_device_expect(o, STATUS("1", "accepted"));
    device_command_step(o->device, number, COMMAND_SENT);
    device_command_step(o->device, number, COMMAND_REJECTED);
    one_device_expect(o, STATUS("1", "sent") ENDED("1", "rejected", "the device refused it"));
    assert_int_equal(o->device->ledger->count, 0);
}

static void expiry(void **state)
{
    struct one_device *o = *state;
    struct json_member late = number_of("2");

    (void)enter_accepted(o, "1", 3000);
    (void)enter_accepted(o, "2", 1000);
    one_device_expect(o, STATUS("1", "accepted") STATUS("2", "accepted"));
    one_device_advance(o, 999);
    one_device_expect(o, "");
    one_device_advance(o, 2 * TIMER_TICK_MS);
    one_device_expect(o, ENDED("2", "expired", "no reply came in time"));
    assert_null(device_command_take(o->device, &late, slice_of("open")));
    assert_string_equal(device_command_unmatched(o->device, &late, slice_of("open")),
                        "the reply came too late: the command had expired");
    one_device_advance(o, 2000);
    one_device_expect(o, ENDED("1", "expired", "no reply came in time"));
}

static void what_the_session_never_sent(void **state)
{
    struct one_device *o = *state;
    uint64_t first = enter_accepted(o, "1", 1000), second = enter_accepted(o, "2", 1000),
             third = enter_accepted(o, "3", 1000);

    one_device_expect(o, STATUS("1", "accepted") STATUS("2", "accepted") STATUS("3", "accepted"));
    device_command_step(o->device, second, COMMAND_SENT);
    one_device_expect(o, STATUS("2", "sent"));
    device_command_dropped(o->device, second); /* it was sent before: a reply may still come */
    device_command_dropped(o->device, third);
    one_device_expect(o, ENDED("3", "offline", "it could not be sent to the device"));
    device_command_session_ended(o->device);
    one_device_expect(o, ENDED("1", "offline", "the session that kept it for the device ended"));
    assert_null(command_ledger_find(o->device->ledger, first));
    reply(o, "2", NULL);
    one_device_expect(o, STATUS("2", "delivered") STATUS("2", "replied"));
}

static void nobody_listens(void **state)
{
    struct one_device *o = *state;
    struct project *p = o->device->project->project;

    p->interest.live[OPEN_KIND_COMMAND_STATUS] = 0;
    device_command_step(o->device, enter_accepted(o, "1", 1000), COMMAND_SENT);
    one_device_expect(o, "");
    p->interest.durable[OPEN_KIND_COMMAND_STATUS] = 0;
    p->interest.live[OPEN_KIND_COMMAND_STATUS] = 1;
    reply(o, "1", NULL); /* what was not heard is not told again */
    one_device_expect(o, STATUS("1", "delivered") STATUS("1", "replied"));
}

/* open-api 3.3: outstanding until its time has passed, the server's absence included. */
static void a_restart(void **state)
{
    struct one_device *o = *state;
    struct buffer record = {0};
    struct worker *w;

    device_command_step(o->device, enter_accepted(o, "1", 60000), COMMAND_SENT);
    (void)enter_accepted(o, "2", 5000);
    one_device_expect(o, STATUS("1", "accepted") STATUS("1", "sent") STATUS("2", "accepted"));
    w = o->device->home->worker;
    command_record_write(o->device->ledger, w->now_ms, w->unix_ms, &record);
    one_device_restart(o, 20000);
    device_command_restore(o->device, buffer_slice(&record));
    one_device_expect(o, "");
    one_device_advance(o, 2 * TIMER_TICK_MS);
    one_device_expect(o, ENDED("2", "expired", "no reply came in time"));
    one_device_advance(o, 30000);
    one_device_expect(o, "");
    reply(o, "1", NULL);
    one_device_expect(o, STATUS("1", "delivered") STATUS("1", "replied"));
    buffer_deinit(&record);
}

static void a_stop_tells_nothing(void **state)
{
    struct one_device *o = *state;

    (void)enter_accepted(o, "1", 1000);
    one_device_expect(o, STATUS("1", "accepted"));
    o->shared.is_stopping = true;
    device_command_session_ended(o->device);
    one_device_advance(o, 2000);
    one_device_expect(o, "");
    assert_int_equal(o->device->ledger->count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE_DEVICE_TEST(the_whole_way),
        ONE_DEVICE_TEST(each_step_once),
        ONE_DEVICE_TEST(a_reply_completes_the_chain),
        ONE_DEVICE_TEST(nothing_is_told_before_accepted),
        ONE_DEVICE_TEST(nobody_takes_it),
        ONE_DEVICE_TEST(rejected),
        ONE_DEVICE_TEST(expiry),
        ONE_DEVICE_TEST(what_the_session_never_sent),
        ONE_DEVICE_TEST(nobody_listens),
        ONE_DEVICE_TEST(a_restart),
        ONE_DEVICE_TEST(a_stop_tells_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
