/* What of a device's messages is logged: the switches, what is recorded, the order. */
#include "platform/device_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "one_device.h"

#define ENTRY(number, direction, topic, verdict, reason)                                   \
    "log {'number': " number ", 'ts': NOW, 'direction': '" direction "', 'topic': '" topic \
    "', 'qos': 0, 'verdict': '" verdict "', 'reason': " reason                             \
    ", 'format': 'text', 'payload': '', 'length': 0}\n"

static void add(struct one_device *o, enum message_direction direction, const char *topic)
{
    struct logged_message m = {.direction = direction, .topic = slice_of(topic)};

    device_log_add(o->device, &m);
}

/* A message of the device that is handled; `why` NULL: there is nothing to say about it. */
static void handle(struct one_device *o, const char *topic, const char *why, bool is_answered)
{
    struct logged_message m = {.direction = MESSAGE_UP, .topic = slice_of(topic)};

    device_log_begin(o->device->home);
    if (why != NULL)
        device_record(o->device, MESSAGE_UP, m.topic, MESSAGE_REFUSED, why);
    if (is_answered)
        add(o, MESSAGE_DOWN, "answer");
    device_log_end(o->device, &m);
}

static void off_keeps_what_is_recorded(void **state)
{
    struct one_device *o = *state;

    handle(o, "good", NULL, false);
    assert_null(o->device->log); /* it has cost nothing */
    handle(o, "bad", "it is wrong", false);
    one_device_expect(o, ENTRY("1", "up", "bad", "refused", "'it is wrong'"));
    handle(o, "good", NULL, false); /* the note was for the one before */
    one_device_expect(o, "");
}

static void on_keeps_all(void **state)
{
    struct one_device *o = *state;

    device_log_switch(o->device, true);
    handle(o, "good", NULL, false);
    handle(o, "bad", "it is wrong", false);
    add(o, MESSAGE_DOWN, "push");
    one_device_expect(o, ENTRY("1", "up", "good", "accepted", "null")
                             ENTRY("2", "up", "bad", "refused", "'it is wrong'")
                                 ENTRY("3", "down", "push", "accepted", "null"));
    device_log_switch(o->device, false);
    handle(o, "good", NULL, false);
    one_device_expect(o, "");
}

static void an_answer_stands_behind_its_cause(void **state)
{
    struct one_device *o = *state;

    device_log_switch(o->device, true);
    handle(o, "get", NULL, true);
    one_device_expect(o, ENTRY("1", "up", "get", "accepted", "null")
                             ENTRY("2", "down", "answer", "accepted", "null"));
    device_log_switch(o->device, false);
    handle(o, "get", NULL, true); /* what was logged in any case, though its cause is not */
    one_device_expect(o, ENTRY("3", "down", "answer", "accepted", "null"));
}

static void the_projects_switch(void **state)
{
    struct one_device *o = *state;
    struct project *p = project_new(o->device->project->project->project_id, true, true);

    p->log = true;
    home_put_project(o->device->home, p);
    assert_true(o->device->is_logged);
    device_log_switch(o->device, true);
    p->log = false;
    home_put_project(o->device->home, p);
    assert_true(o->device->is_logged); /* its own is still on */
    device_log_switch(o->device, false);
    assert_false(o->device->is_logged);
    project_unref(&p);
}

static void a_device_that_comes_later(void **state)
{
    struct one_device *o = *state;
    struct secret_digest none = {0};
    struct home *h = o->device->home;

    o->device->project->project->log = true;
    assert_true(
        home_add_device(h, o->device->project->project->project_id, 77, &none, true)->is_logged);
}

static void off_is_narrow(void **state)
{
    struct one_device *o = *state;
    static char payload[1000];
    struct logged_message m = {.payload = slice_make(payload, sizeof(payload))};

    o->device->project->project->interest.live[OPEN_KIND_LOG] = 0;
    device_log_switch(o->device, true);
    for (unsigned i = 0; i < 50; i++)
        device_log_add(o->device, &m);
    assert_int_equal(o->device->log->count, 50);
    device_log_switch(o->device, false);
    assert_true(o->device->log->bytes <= DEVICE_LOG_OFF_BYTES);
    for (unsigned i = 0; i < 50; i++)
        device_log_add(o->device, &m);
    assert_true(o->device->log->count <= DEVICE_LOG_OFF_ENTRIES);
    assert_true(o->device->log->bytes <= DEVICE_LOG_OFF_BYTES);
    assert_int_equal(message_log_before(o->device->log, UINT64_MAX)->message.payload.len,
                     DEVICE_LOG_OFF_PAYLOAD);
}

static void pages(void **state)
{
    struct one_device *o = *state;
    struct buffer page = {0};
    uint64_t last = 0;

    assert_int_equal(device_log_page(o->device, UINT64_MAX, 10, &page, &last), 0);
    o->device->project->project->interest.live[OPEN_KIND_LOG] = 0;
    add(o, MESSAGE_UP, "a");
    add(o, MESSAGE_UP, "b");
    add(o, MESSAGE_UP, "c");
    assert_int_equal(device_log_page(o->device, UINT64_MAX, 2, &page, &last), 2);
    assert_int_equal(last, 2);
    buffer_append_u8(&page, '\0');
    assert_non_null(strstr((const char *)page.data, "\"topic\": \"c\""));
    assert_non_null(strstr((const char *)page.data, "}, {\"number\": 2"));
    page.len = 0;
    assert_int_equal(device_log_page(o->device, last, 2, &page, &last), 1);
    assert_int_equal(last, 1);
    assert_int_equal(device_log_page(o->device, last, 2, &page, &last), 0);
    buffer_deinit(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE_DEVICE_TEST(off_keeps_what_is_recorded),
        ONE_DEVICE_TEST(on_keeps_all),
        ONE_DEVICE_TEST(an_answer_stands_behind_its_cause),
        ONE_DEVICE_TEST(the_projects_switch),
        ONE_DEVICE_TEST(a_device_that_comes_later),
        ONE_DEVICE_TEST(off_is_narrow),
        ONE_DEVICE_TEST(pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
