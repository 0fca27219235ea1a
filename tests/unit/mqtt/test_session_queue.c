/*
 * What waits for a client: its bounds, and what happens at them; what may pass it; and the limit on
 * the size of a packet, to the byte.
 */
#include "mqtt/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "mqtt/counters.h"
#include "play.h"
#include "wire.h"

#define V5(properties) "10 { <MQTT> 05 02 0000 {" properties "} <me> }"
#define V5_KEPT(more)  "10 { <MQTT> 05 00 0000 { 11 00000064" more "} <me> }"
#define V5_CONNACK     "20 { 00 00 { 21 000A 27 000F4240 } }"
#define V5_PRESENT     "20 { 01 00 { 21 000A 27 000F4240 } }"
#define WINDOW_1       "21 0001"

enum { ORDER_A = 3, ORDER_B = 5 };

static void expect_grown(struct counter *c, int64_t *last, int64_t want)
{
    int64_t now = counter_read(c);

    assert_int_equal(now - *last, want);
    *last = now;
}

static enum session_result deliver_ordered(uint8_t qos, uint64_t seq, const char *payload,
                                           uint32_t order)
{
    struct delivery d = play_delivery(qos, seq, slice_of(payload));

    d.message->order = order;
    return play_deliver_message("me", &d);
}

/* --- the bound ------------------------------------------------------------------------------- */

/* Delivers and refuses what finds no room, as a service does that has nowhere else to keep it. */
static void overfill(uint8_t qos, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct delivery d = play_delivery(qos, 0, slice_of("x"));

        if (session_deliver(play_session("me"), &d) == SESSION_FULL)
            session_refuse(play_session("me"), &d);
        assert_null(d.message);
    }
}

/* A session that ends with its connection ends, and hears how much it has not got. */
static void a_clean_session_that_is_full_ends(void **state)
{
    int64_t full = counter_read(&CT_deliveries_dropped_full);
    int64_t slow = counter_read(&CT_deliveries_dropped_slow);
    int64_t session = counter_read(&CT_deliveries_dropped_session);
    int64_t ended = counter_read(&CT_sessions_overflowed);
    struct play_client *c;

    (void)state;
    play_limits.queue_messages = 3;
    c = play_connect_as(V5(WINDOW_1), V5_CONNACK);
    overfill(1, 1 + 3 + 2); /* one is sent, three wait, two find no room */
    overfill(0, 4);
    play_turn();
    play_expect(c, "32 { <t> 0001 {} 'x' } E0 { 97 { 1F "
                   "<the queue is full: 5 messages were not sent, and 4 of QoS 0 dropped> } }");
    play_expect_closed(c);
    play_expect_story("disconnected(me,0) closed(me) offline");
    expect_grown(&CT_deliveries_dropped_full, &full, 2);
    expect_grown(&CT_deliveries_dropped_slow, &slow, 4);
    expect_grown(&CT_deliveries_dropped_session, &session, 3);
    expect_grown(&CT_sessions_overflowed, &ended, 1);
}

/* One that is kept is told nothing by its end: whoever delivers has been told. */
static void a_kept_session_that_is_full_stays(void **state)
{
    int64_t full = counter_read(&CT_deliveries_dropped_full);
    struct play_client *c;

    (void)state;
    play_limits.queue_messages = 3;
    c = play_connect_as(V5_KEPT(WINDOW_1), V5_CONNACK);
    overfill(1, 1 + 3 + 2);
    play_turn();
    play_expect_open(c);
    expect_grown(&CT_deliveries_dropped_full, &full, 2);
    play_expect(c, "32 { <t> 0001 {} 'x' }");
    play_send(c, "40 02 0001 40 02 0002");
    play_expect(c, "32 { <t> 0002 {} 'x' } 32 { <t> 0003 {} 'x' }");
    play_expect_story("room(me)"); /* half empty */
}

/* A new connection is no room: the service is told of it, and goes on then. */
static void regress_room_before_the_service_is_connected(void **state)
{
    struct play_client *c;

    (void)state;
    play_limits.queue_messages = 2;
    c = play_connect_as(V5_KEPT(WINDOW_1), V5_CONNACK);
    for (uint64_t seq = 1; seq <= 3; seq++)
        (void)play_deliver("me", 1, seq, "x");
    overfill(1, 1);
    play_break(c); /* what is queued goes back to the journal */
    play_forget_story();
    c = play_connect();
    play_send(c, V5_KEPT());
    play_expect_story("auth(me) connected(present)");
}

/* The count is of one connection. */
static void the_count_begins_with_the_connection(void **state)
{
    struct play_client *c;

    (void)state;
    play_limits.queue_messages = 2;
    c = play_connect_as(V5_KEPT(WINDOW_1), V5_CONNACK);
    overfill(1, 10);
    play_break(c);
    c = play_connect_as(V5_KEPT(WINDOW_1), V5_PRESENT "3A { <t> 0001 {} 'x' }");
    overfill(1, 1);
    session_overflow(play_session("me")); /* although it is kept */
    session_overflow(play_session("me"));
    play_turn();
    play_expect(c, "E0 { 97 { 1F "
                   "<the queue is full: 3 messages were not sent, and 0 of QoS 0 dropped> } }");
    play_expect_closed(c);
    assert_true(play_session("me")->is_overflowed);
    c = play_connect_as(V5_KEPT(WINDOW_1), V5_PRESENT "3A { <t> 0001 {} 'x' }");
    assert_false(play_session("me")->is_overflowed);
    play_expect_open(c);
}

/* A session that ended for another reason in the same turn is ended once. */
static void the_end_may_come_first(void **state)
{
    struct play_client *c;

    (void)state;
    play_limits.queue_messages = 1;
    c = play_connect_as(V5(WINDOW_1), V5_CONNACK);
    overfill(1, 3);
    client_disconnect(play.client, REASON_ADMINISTRATIVE_ACTION, slice_make(NULL, 0));
    play_turn();
    play_expect(c, "32 { <t> 0001 {} 'x' } E0 01 98");
    play_expect_closed(c);
}

/* What another session had does not count until the queue is half empty. */
static void what_is_handed_over_leaves_room(void **state)
{
    struct play_client *c;
    struct session *s;

    (void)state;
    play_limits.queue_messages = 4;
    c = play_connect_as(V5(WINDOW_1), V5_CONNACK);
    s = play_session("me");
    for (unsigned i = 0; i < 8; i++) {
        struct delivery d = play_delivery(1, 0, slice_of("h"));

        session_hand_over(s, &d);
        assert_null(d.message);
    }
    assert_int_equal(s->out.queue_count, 7); /* the first one has left */
    overfill(1, 4);
    assert_int_equal(s->refused, 0);
    for (unsigned i = 1; i <= 9; i++) {
        char ack[20];

        (void)snprintf(ack, sizeof(ack), "40 02 %04X", i);
        play_send(c, ack);
    }
    assert_int_equal(s->out.queue_count, 2);
    overfill(1, 2);
    assert_int_equal(s->refused, 0);
    overfill(1, 1);
    assert_int_equal(s->refused, 1);
}

static void more_than_full(void **state)
{
    struct delivery d = play_delivery(1, 0, slice_of("x"));
    struct session *s;

    (void)state;
    play_limits.queue_messages = 1;
    (void)play_connect_as(V5(WINDOW_1), V5_CONNACK);
    s = play_session("me");
    overfill(1, 2);
    session_queue_beyond(s, &d);
    assert_null(d.message);
    assert_int_equal(s->out.queue_count, 2);
}

/* A client that reads and never acknowledges keeps no more than that either. */
static void the_window_is_bounded_in_bytes(void **state)
{
    static const uint8_t payload[1000];
    struct play_client *c;
    struct buffer got;
    unsigned sent = 0;

    (void)state;
    play_limits.queue_bytes = 50000;
    c = play_connect_as(V5(""), V5_CONNACK);
    for (;;) {
        struct delivery d = play_delivery(1, 0, slice_make(payload, sizeof(payload)));

        if (play_deliver_message("me", &d) != SESSION_SENT)
            break;
        assert_true(++sent < 1000);
    }
    assert_true(sent >= 40 && sent <= 50);
    assert_true(play_session("me")->out.window_bytes < 52000);
    got = play_take(c);
    buffer_deinit(&got);
    play_send(c, "40 02 0001");
    got = play_take(c);
    assert_int_equal(got.len, 3 + 3 + 2 + 1 + 1000); /* the one that waited */
    buffer_deinit(&got);
}

/* All that a message keeps from being freed counts, its properties too. */
static void properties_count_as_bytes(void **state)
{
    static uint8_t properties[30000];
    unsigned queued = 0;

    (void)state;
    play_limits.queue_bytes = 100000;
    (void)play_connect_as(V5(WINDOW_1), V5_CONNACK);
    (void)play_deliver("me", 1, 0, "first");
    for (;;) {
        struct delivery d = {.qos = 1,
                             .message = message_new(sizeof(struct message), slice_of("t"),
                                                    slice_make(properties, sizeof(properties)),
                                                    slice_make(NULL, 0))};

        if (play_deliver_message("me", &d) == SESSION_FULL) {
            delivery_deinit(&d);
            break;
        }
        assert_true(++queued < 10);
    }
    assert_int_equal(queued, 4);
}

/* What has expired gives its place away, and is not counted as refused. */
static void what_has_expired_makes_room(void **state)
{
    int64_t expired = counter_read(&CT_deliveries_dropped_expired);
    struct play_client *c;

    (void)state;
    play_limits.queue_messages = 4;
    c = play_connect_as(V5_KEPT(WINDOW_1), V5_CONNACK);
    (void)play_deliver("me", 1, 0, "w");
    for (unsigned i = 0; i < 4; i++) {
        struct delivery d = play_delivery(1, i == 1 ? 0 : 10 + i, slice_of("e"));

        d.message->expires_ms = i == 1 ? 0 : PLAY_START_MS + 5000;
        assert_int_equal(play_deliver_message("me", &d), SESSION_QUEUED);
    }
    for (unsigned i = 0; i < 2; i++) {
        struct delivery d = play_delivery(1, 0, slice_of("x"));

        assert_int_equal(play_deliver_message("me", &d), SESSION_FULL);
        delivery_deinit(&d);
    }
    play_advance(5000);
    play_forget_story();
    assert_int_equal(play_deliver("me", 1, 0, "y"), SESSION_QUEUED);
    play_expect_story("delivered(10) delivered(12) delivered(13)");
    expect_grown(&CT_deliveries_dropped_expired, &expired, 3);
    play_expect(c, "32 { <t> 0001 {} 'w' }");
    play_send(c, "40 02 0001 40 02 0002");
    play_expect(c, "32 { <t> 0002 { } 'e' } 32 { <t> 0003 {} 'y' }");
}

/* --- what passes it -------------------------------------------------------------------------- */

/* [MQTT-3.3.4-10], open-api 3.1: QoS 0 of one device passes what waits of another one. */
static void qos_0_does_not_wait_for_a_window(void **state)
{
    struct play_client *c = play_connect_as(V5(WINDOW_1), V5_CONNACK);

    (void)state;
    assert_int_equal(deliver_ordered(1, 0, "a1", ORDER_A), SESSION_SENT);
    assert_int_equal(deliver_ordered(1, 0, "a2", ORDER_A), SESSION_QUEUED);
    assert_int_equal(deliver_ordered(0, 0, "b1", ORDER_B), SESSION_SENT);
    assert_int_equal(deliver_ordered(0, 0, "a3", ORDER_A), SESSION_QUEUED);
    assert_int_equal(deliver_ordered(1, 0, "b2", ORDER_B), SESSION_QUEUED);
    assert_int_equal(deliver_ordered(0, 0, "b3", ORDER_B), SESSION_QUEUED);
    play_expect(c, "32 { <t> 0001 {} 'a1' } 30 { <t> {} 'b1' }");
    play_send(c, "40 02 0001");
    play_expect(c, "32 { <t> 0002 {} 'a2' } 30 { <t> {} 'a3' }");
    assert_int_equal(deliver_ordered(0, 0, "a4", ORDER_A), SESSION_SENT);
    assert_int_equal(deliver_ordered(0, 0, "?", 0), SESSION_QUEUED); /* in order with all */
    play_send(c, "40 02 0002");
    play_expect(c,
                "30 { <t> {} 'a4' } 32 { <t> 0003 {} 'b2' } 30 { <t> {} 'b3' } 30 { <t> {} '?' }");
}

/* Numbers of the journal grow towards a client, so these do wait. */
static void what_has_a_number_does_not_pass(void **state)
{
    struct play_client *c = play_connect_as(V5(WINDOW_1), V5_CONNACK);

    (void)state;
    (void)deliver_ordered(1, 1, "a", ORDER_A);
    (void)deliver_ordered(1, 2, "a", ORDER_A);
    assert_int_equal(deliver_ordered(0, 3, "b", ORDER_B), SESSION_QUEUED);
    play_expect(c, "32 { <t> 0001 { 26 <seq> <1> } 'a' }");
}

/* Nor does it pass what is to be sent again, nor fill a connection that is full already. */
static void qos_0_waits_for_what_is_sent_again(void **state)
{
    struct play_client *c = play_connect_as(V5_KEPT(), V5_CONNACK);

    (void)state;
    (void)deliver_ordered(1, 0, "a1", ORDER_A);
    (void)deliver_ordered(1, 0, "a2", ORDER_A);
    play_break(c);
    c = play_connect();
    play_send(c, V5_KEPT(WINDOW_1));
    play_expect(c, V5_PRESENT "3A { <t> 0001 {} 'a1' }");
    assert_int_equal(deliver_ordered(0, 0, "b1", ORDER_B), SESSION_QUEUED);
    play_send(c, "40 02 0001");
    play_expect(c, "3A { <t> 0002 {} 'a2' } 30 { <t> {} 'b1' }");
}

/* --- the size of a packet -------------------------------------------------------------------- */

struct size_case {
    const char *name;
    uint8_t qos;
    size_t payload_len;
    uint64_t seq;
    uint32_t lifetime_ms;
    uint32_t subscription_id;
    bool has_more_ids;
};

static const struct size_case size_cases[] = {
    {"plain", 0, 15, 0, 0, 0, false},
    {"QoS 1", 1, 15, 0, 0, 0, false},
    {"QoS 2", 2, 15, 0, 0, 0, false},
    {"remaining length of 127", 1, 127 - 6, 0, 0, 0, false},
    {"remaining length of 128", 1, 128 - 6, 0, 0, 0, false},
    {"remaining length of 16,383", 0, 16383 - 4, 0, 0, 0, false},
    {"remaining length of 16,384", 0, 16384 - 4, 0, 0, 0, false},
    {"a number", 1, 15, 99, 0, 0, false},
    {"remaining expiry", 1, 15, 0, 5000, 0, false},
    {"a subscription identifier", 1, 15, 0, 0, 127, false},
    {"a longer one", 1, 15, 0, 0, 128, false},
    {"several", 2, 15, 0, 0, 1, true},
    {"all of it", 2, 15, UINT64_MAX, 5000, 268435455, true},
};

static enum session_result deliver_case(const struct size_case *x)
{
    static const uint8_t zeros[20000];
    struct delivery d = play_delivery(x->qos, x->seq, slice_make(zeros, x->payload_len));

    if (x->lifetime_ms != 0)
        d.message->expires_ms = PLAY_START_MS + x->lifetime_ms;
    d.subscription_id = x->subscription_id;
    if (x->has_more_ids) {
        d.more_id_count = 40;
        d.more_ids = mem_new(MEM_TEST, d.more_id_count * sizeof(uint32_t));
        for (unsigned i = 0; i < d.more_id_count; i++)
            d.more_ids[i] = i * 1000 + 1;
    }
    return play_deliver_message("me", &d);
}

static struct play_client *connect_with_limit(size_t limit, const char *more)
{
    char connect[100];

    (void)snprintf(connect, sizeof(connect), "10 { <MQTT> 05 02 0000 { %s 27 %08zX } <me> }", more,
                   limit);
    return play_connect_as(connect, V5_CONNACK);
}

/* [MQTT-3.1.2-24]: at the limit it is sent, one byte above it is not, whatever the last byte is. */
static void sizes_to_the_byte(void **state)
{
    for (size_t i = 0; i < sizeof(size_cases) / sizeof(size_cases[0]); i++) {
        const struct size_case *x = &size_cases[i];
        int64_t skipped = counter_read(&CT_deliveries_dropped_too_large);
        struct buffer whole, got;
        struct play_client *c;

        print_message("  %s\n", x->name);
        c = play_connect_as(V5(""), V5_CONNACK);
        assert_int_equal(deliver_case(x), SESSION_SENT);
        whole = play_take(c);
        c = connect_with_limit(whole.len, "");
        assert_int_equal(deliver_case(x), SESSION_SENT);
        got = play_take(c);
        assert_true(slice_equal(buffer_slice(&got), buffer_slice(&whole)));
        buffer_deinit(&got);
        c = connect_with_limit(whole.len - 1, "");
        assert_int_equal(deliver_case(x), SESSION_DROPPED);
        play_expect(c, "");
        expect_grown(&CT_deliveries_dropped_too_large, &skipped, 1);
        buffer_deinit(&whole);
        assert_int_equal(play_close(state), 0);
        play_open(state);
    }
}

/* An alias is ours to leave out. */
static void regress_an_alias_made_it_too_large(void **state)
{
    struct play_client *c = connect_with_limit(20, "22 0005");
    struct buffer got;

    (void)state;
    for (unsigned i = 1; i <= 3; i++) {
        char want[60];

        assert_int_equal(play_deliver("me", 1, 0, "123456789012"), SESSION_SENT);
        (void)snprintf(want, sizeof(want), "32 { <t> %04X {} '123456789012' }", i);
        play_expect(c, want);
    }
    assert_int_equal(play_deliver("me", 1, 0, "1234567890123"), SESSION_DROPPED);
    play_expect(c, "");
    /* one that the client knows is left out as well */
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(play_deliver("me", 0, 0, "12345"), SESSION_SENT);
    got = play_take(c);
    buffer_deinit(&got);
    assert_int_equal(play_deliver("me", 1, 0, "123456789012"), SESSION_SENT);
    play_expect(c, "32 { <t> 0005 {} '123456789012' }");
}

/* [MQTT-3.1.2-25]: what is skipped holds up nothing, in the queue and when it is sent again. */
static void what_is_skipped_frees_its_place(void **state)
{
    struct play_client *c = play_connect_as(V5_KEPT(WINDOW_1), V5_CONNACK);

    (void)state;
    for (uint64_t seq = 1; seq <= 4; seq++)
        (void)play_deliver("me", (uint8_t)(1 + seq % 2), 0, "12345678901234567890");
    (void)play_deliver("me", 1, 0, "x");
    play_break(c);
    c = play_connect();
    play_send(c, V5_KEPT(WINDOW_1 "27 00000019")); /* 25 bytes */
    play_expect(c, V5_PRESENT "62 02 0001 32 { <t> 0005 {} 'x' }");
    play_send(c, "40 02 0005 70 02 0001");
    assert_int_equal(play_session("me")->out.inflight, 0);
    assert_int_equal(play_session("me")->out.window_bytes, 0);
}

/* --- lifetimes ------------------------------------------------------------------------------- */

/* [MQTT-3.3.2-6]: what is left is told again, when it is sent again too, though it be nothing; one
 * that has been sent once is not dropped any more [MQTT-4.4.0-1]. */
static void what_is_left_is_told_again(void **state)
{
    struct play_client *c = play_connect_as(V5_KEPT(), V5_CONNACK);

    (void)state;
    for (uint8_t qos = 1; qos <= 2; qos++) {
        struct delivery d = play_delivery(qos, 0, slice_of("x"));

        d.message->expires_ms = PLAY_START_MS + 10000;
        assert_int_equal(play_deliver_message("me", &d), SESSION_SENT);
    }
    play_expect(c, "32 { <t> 0001 { 02 0000000A } 'x' } 34 { <t> 0002 { 02 0000000A } 'x' }");
    play_break(c);
    play_advance(3001);
    c = play_connect();
    play_send(c, V5_KEPT());
    play_expect(c, V5_PRESENT
                "3A { <t> 0001 { 02 00000007 } 'x' } 3C { <t> 0002 { 02 00000007 } 'x' }");
    play_break(c);
    play_advance(20000);
    c = play_connect();
    play_send(c, V5_KEPT());
    play_expect(c, V5_PRESENT
                "3A { <t> 0001 { 02 00000000 } 'x' } 3C { <t> 0002 { 02 00000000 } 'x' }");
    play_send(c, "40 02 0001 50 02 0002 70 02 0002");
    play_expect(c, "62 02 0002");
}

/* A lifetime of 0 is over at once: whoever delivers hears that it was not taken. */
static void a_lifetime_of_nothing(void **state)
{
    int64_t expired = counter_read(&CT_deliveries_dropped_expired);
    struct play_client *c = play_connect_as(V5_KEPT(), V5_CONNACK);

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        for (uint8_t qos = 0; qos <= 2; qos++) {
            struct delivery d = play_delivery(qos, 0, slice_of("x"));

            d.message->expires_ms = PLAY_START_MS;
            assert_int_equal(play_deliver_message("me", &d), SESSION_DROPPED);
        }
        expect_grown(&CT_deliveries_dropped_expired, &expired, 3);
        if (i == 0) {
            play_expect(c, "");
            play_break(c); /* the same offline */
        }
    }
    assert_int_equal(play_session("me")->out.queue_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAY_TEST(a_clean_session_that_is_full_ends),
        PLAY_TEST(a_kept_session_that_is_full_stays),
        PLAY_TEST(regress_room_before_the_service_is_connected),
        PLAY_TEST(the_count_begins_with_the_connection),
        PLAY_TEST(the_end_may_come_first),
        PLAY_TEST(what_is_handed_over_leaves_room),
        PLAY_TEST(more_than_full),
        PLAY_TEST(the_window_is_bounded_in_bytes),
        PLAY_TEST(properties_count_as_bytes),
        PLAY_TEST(what_has_expired_makes_room),
        PLAY_TEST(qos_0_does_not_wait_for_a_window),
        PLAY_TEST(what_has_a_number_does_not_pass),
        PLAY_TEST(qos_0_waits_for_what_is_sent_again),
        PLAY_TEST(sizes_to_the_byte),
        PLAY_TEST(regress_an_alias_made_it_too_large),
        PLAY_TEST(what_is_skipped_frees_its_place),
        PLAY_TEST(what_is_left_is_told_again),
        PLAY_TEST(a_lifetime_of_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
