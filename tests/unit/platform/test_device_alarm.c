/*
 * An alarm that is due is told before whatever ends it, though its timer has not come yet: timers
 * are coarse, and time stands still here between two of their ticks.
 */
#include "platform/device_alarm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "one_device.h"

enum { PROJECT = 1 };

#define HOT "\"all\": [{\"attribute\": \"t\", \"operator\": \">\", \"value\": 30}]"
#define DETAIL(is_alerting, values)                                           \
    "alarm_detail {'rule': 'AL_0000000007', 'name': 'r', 'level': 'urgent', " \
    "'alerting': " is_alerting ", 'values': " values ", 'ts': NOW}\n"
#define BEGINS(values) "alarm {'alerting': true}\n" DETAIL("true", values)
#define ENDS(values)   "alarm {'alerting': false}\n" DETAIL("false", values)

static void put_rule(struct one_device *o, const char *trigger)
{
    char text[300], error[ALARM_RULE_ERROR_MAX];
    struct alarm_rule *r;

    (void)snprintf(text, sizeof(text),
                   "{\"name\": \"r\", \"level\": \"urgent\", \"source\": {\"devices\": [\"%s\"]}, "
                   "\"trigger\": {%s}, \"duration\": 1}",
                   o->device->text, trigger);
    assert_int_equal(alarm_rule_parse(ident_parse(IDENT_RULE, slice_of("AL_0000000007")), PROJECT,
                                      slice_of(text), &r, error),
                     ST_OK);
    home_put_rule(o->device->home, r);
    alarm_rule_unref(&r);
}

static void report(struct one_device *o, const char *value)
{
    struct json_member m = {.key = slice_of("t"), .value = slice_of(value)};

    device_store_values(o->device, &m, 1, clock_unix_ms());
    device_alarm_report(o->device, &m, 1);
}

/* Met behind a tick, and then due behind another one. */
static void wait_until_due(struct one_device *o)
{
    one_device_advance(o, 1005);
    one_device_expect(o, "");
}

static void begin_hot(struct one_device *o)
{
    put_rule(o, HOT);
    one_device_advance(o, 10);
    report(o, "31");
    wait_until_due(o);
}

static void a_report_comes_behind_it(void **state)
{
    struct one_device *o = *state;

    begin_hot(o);
    report(o, "29");
    one_device_expect(o, BEGINS("{'t':31}") ENDS("{'t':29}"));
}

static void a_late_report_too(void **state)
{
    struct one_device *o = *state;
    struct json_member m = {.key = slice_of("t"), .value = slice_of("29")};
    struct buffer stored = {0};

    begin_hot(o);
    device_store_late(o->device, &m, 1, clock_unix_ms() - 1, &stored);
    one_device_expect(o, BEGINS("{'t':31}"));
    device_alarm_report(o->device, (const struct json_member *)(const void *)stored.data, 1);
    one_device_expect(o, ENDS("{'t':29}"));
    buffer_deinit(&stored);
}

static void who_comes_back_was_away(void **state)
{
    struct one_device *o = *state;

    put_rule(o, "\"offline\": true");
    device_came(o->device);
    one_device_advance(o, 10);
    device_went(o->device, slice_of("disconnected"));
    one_device_expect(o, "online {'online': true}\nonline {'online': false}\n");
    wait_until_due(o);
    device_came(o->device);
    one_device_expect(o, BEGINS("{}") "online {'online': true}\n" ENDS("{}"));
}

static void so_does_the_end_of_its_rule(void **state)
{
    struct one_device *o = *state;

    begin_hot(o);
    home_remove_rule(o->device->home, ident_parse(IDENT_RULE, slice_of("AL_0000000007")));
    one_device_expect(o, BEGINS("{'t':31}") ENDS("{'t':31}"));
}

static void and_that_of_the_device(void **state)
{
    struct one_device *o = *state;

    begin_hot(o);
    device_retire(o->device);
    one_device_expect(o, BEGINS("{'t':31}") ENDS("{'t':31}"));
}

/* What is not due yet was nothing, as ever. */
static void what_is_not_due_is_not_told(void **state)
{
    struct one_device *o = *state;

    put_rule(o, HOT);
    report(o, "31");
    one_device_advance(o, 999);
    report(o, "29");
    report(o, "31");
    one_device_advance(o, 999);
    report(o, "32");
    one_device_expect(o, "");
    one_device_advance(o, 51); /* the timer */
    one_device_expect(o, BEGINS("{'t':32}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE_DEVICE_TEST(a_report_comes_behind_it), ONE_DEVICE_TEST(a_late_report_too),
        ONE_DEVICE_TEST(who_comes_back_was_away),  ONE_DEVICE_TEST(so_does_the_end_of_its_rule),
        ONE_DEVICE_TEST(and_that_of_the_device),   ONE_DEVICE_TEST(what_is_not_due_is_not_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
