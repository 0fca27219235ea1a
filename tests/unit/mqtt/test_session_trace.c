/* What a service hears of the deliveries that it traces. */
#include "mqtt/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "play.h"

#define V5(properties) "10 { <MQTT> 05 02 0000 {" properties "} <me> }"
#define V5_KEPT(more)  "10 { <MQTT> 05 00 0000 { 11 00000064" more "} <me> }"
#define V5_CONNACK     "20 { 00 00 { 21 000A 27 000F4240 } }"
#define V5_PRESENT     "20 { 01 00 { 21 000A 27 000F4240 } }"

enum { LARGE = 60000 /* of these a connection has enough after a few */ };

static enum session_result deliver_traced(uint8_t qos, uint64_t trace)
{
    struct delivery d = play_delivery(qos, 0, slice_of("x"));

    d.trace = trace;
    return play_deliver_message("me", &d);
}

/* What becomes of a traced delivery is told: sent once, then how the client acknowledged it. */
static void traces_are_told(void **state)
{
    struct play_client *c = play_connect_as(V5(""), V5_CONNACK);

    (void)state;
    for (uint8_t qos = 0; qos <= 2; qos++)
        assert_int_equal(deliver_traced(qos, 10u + qos), SESSION_SENT);
    play_expect_story("sent(10) sent(11) sent(12)");
    play_send(c, "40 02 0001");
    play_expect_story("acknowledged(11)");
    play_send(c, "50 02 0002");
    play_expect_story(""); /* it has it, and may still forget it */
    play_send(c, "70 03 0002 92");
    play_expect_story("acknowledged(12)");
    (void)deliver_traced(1, 21);
    (void)deliver_traced(2, 22);
    play_forget_story();
    play_send(c, "40 03 0003 83 50 03 0004 97");
    play_expect_story("refused(21) refused(22)");
    play_expect(c, "30 { <t> {} 'x' } 32 { <t> 0001 {} 'x' } 34 { <t> 0002 {} 'x' } 62 02 0002"
                   "32 { <t> 0003 {} 'x' } 34 { <t> 0004 {} 'x' }");
}

static void traces_across_connections(void **state)
{
    struct play_client *c = play_connect_as(V5_KEPT(), V5_CONNACK);
    struct delivery mortal = play_delivery(1, 0, slice_of("x"));

    (void)state;
    assert_int_equal(deliver_traced(1, 1), SESSION_SENT);
    play_break(c);
    play_expect_story("sent(1) disconnected(me,0) offline");
    assert_int_equal(deliver_traced(1, 2), SESSION_QUEUED);
    assert_int_equal(deliver_traced(0, 3), SESSION_DROPPED);
    play_expect_story("dropped(3)");
    mortal.trace = 4;
    mortal.message->expires_ms = PLAY_START_MS + 1000;
    assert_int_equal(play_deliver_message("me", &mortal), SESSION_QUEUED);
    play_advance(2000);
    c = play_connect();
    play_send(c, V5_KEPT());
    play_expect_story("auth(me) sent(2) dropped(4) connected(present)"); /* 1 was sent before */
    play_send(c, "40 02 0001");
    play_expect_story("acknowledged(1)");
    play_expect(c, V5_PRESENT "3A { <t> 0001 {} 'x' } 32 { <t> 0002 {} 'x' }");
}

/* QoS 0 that waited for room is lost with the connection. */
static void traces_of_what_waited_for_room(void **state)
{
    struct play_client *c = play_connect_as(V5_KEPT(), V5_CONNACK);
    static const uint8_t payload[LARGE];
    struct delivery large;

    (void)state;
    play_set_room(c, 0);
    do
        large = play_delivery(0, 0, slice_make(payload, sizeof(payload)));
    while (play_deliver_message("me", &large) == SESSION_SENT);
    assert_int_equal(deliver_traced(0, 1), SESSION_QUEUED);
    play_expect_story("");
    play_break(c);
    play_expect_story("dropped(1) disconnected(me,0) offline");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAY_TEST(traces_are_told),
        PLAY_TEST(traces_across_connections),
        PLAY_TEST(traces_of_what_waited_for_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
