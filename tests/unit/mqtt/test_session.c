/*
 * Deliveries of a session: at once, queued for window or room, sent again on a new connection,
 * skipped, dropped; each is told and counted.
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
#include "mqtt/decode.h"
#include "play.h"
#include "wire.h"

#define CLEAN          "10 { <MQTT> 04 02 0000 <me> }"
#define KEPT           "10 { <MQTT> 04 00 0000 <me> }"
#define CONNACK        "20 02 00 00"
#define PRESENT        "20 02 01 00"
#define V5(properties) "10 { <MQTT> 05 02 0000 {" properties "} <me> }"
#define V5_KEPT(more)  "10 { <MQTT> 05 00 0000 { 11 00000064" more "} <me> }"
#define V5_CONNACK     "20 { 00 00 { 21 000A 27 000F4240 } }"
#define V5_PRESENT     "20 { 01 00 { 21 000A 27 000F4240 } }"

/* A counter's growth since this was last asked. */
static int64_t counted(struct counter *c)
{
    static struct {
        struct counter *counter;
        int64_t value;
    } last[8];
    int64_t now = counter_read(c);

    for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++) {
        if (last[i].counter == NULL || last[i].counter == c) {
            int64_t grown = now - last[i].value;

            last[i].counter = c;
            last[i].value = now;
            return grown;
        }
    }
    fail_msg("more counters than places");
    return 0;
}

/* --- at once --------------------------------------------------------------------------------- */

static void deliveries_leave_at_once(void **state)
{
    struct play_client *c = play_connect_as(CLEAN, CONNACK);

    (void)state;
    assert_int_equal(play_deliver("me", 0, 0, "x"), SESSION_SENT);
    assert_int_equal(play_deliver("me", 1, 0, "x"), SESSION_SENT);
    assert_int_equal(play_deliver("me", 2, 0, ""), SESSION_SENT);
    play_expect(c, "30 { <t> 'x' } 32 { <t> 0001 'x' } 34 { <t> 0002 }");
    play_send(c, "40 02 0001 50 02 0002 70 02 0002");
    play_expect(c, "62 02 0002");
    play_expect_story("");
}

/* What the journal numbered is told when it is over, by whichever way. [MQTT-4.3.3-*] */
static void delivered_is_told_at_the_end(void **state)
{
    struct play_client *c = play_connect_as(V5(""), V5_CONNACK);

    (void)state;
    (void)play_deliver("me", 0, 41, "x");
    play_expect(c, "30 { <t> { 26 <seq> <41> } 'x' }");
    play_expect_story("delivered(41)");
    (void)play_deliver("me", 1, 42, "x");
    (void)play_deliver("me", 2, 43, "x");
    (void)play_deliver("me", 2, 44, "x");
    play_expect(c, "32 { <t> 0001 { 26 <seq> <42> } 'x' } 34 { <t> 0002 { 26 <seq> <43> } 'x' }"
                   "34 { <t> 0003 { 26 <seq> <44> } 'x' }");
    play_expect_story("");
    play_send(c, "50 02 0002");
    play_expect_story("");
    play_send(c, "50 03 0003 80"); /* refused: over */
    play_expect_story("delivered(44)");
    play_send(c, "70 02 0002 40 02 0001 40 02 0001");
    play_expect_story("delivered(43) delivered(42)");
    play_expect(c, "62 02 0002");
}

static void what_is_the_receivers_own(void **state)
{
    struct play_client *c = play_connect_as(V5("22 0005"), V5_CONNACK);
    struct delivery d = play_delivery(1, 0, slice_of("x"));
    struct buffer got;
    char want[100];

    (void)state;
    d.retain = true;
    d.subscription_id = 300;
    d.more_ids = mem_new(MEM_TEST, sizeof(uint32_t));
    d.more_ids[0] = 7;
    d.more_id_count = 1;
    d.message->expires_ms = PLAY_START_MS + 5001;
    (void)play_deliver_message("me", &d);
    got = play_take(c);
    assert_true(got.len > 10);
    /* the alias is the server's choice */
    assert_true(got.data[9] == 0 && got.data[10] >= 1 && got.data[10] <= 5);
    snprintf(want, sizeof(want), "33 { <t> 0001 { 23 00%02X 02 00000006 0B AC02 0B 07 } 'x' }",
             got.data[10]);
    wire_expect("with the topic", buffer_slice(&got), want);
    snprintf(want, sizeof(want), "30 { 0000 { 23 00%02X } 'y' }", got.data[10]);
    buffer_deinit(&got);
    (void)play_deliver("me", 0, 0, "y");
    play_expect(c, want);
}

/* As many identifiers as a delivery can have, each as long as can be. */
static void regress_many_subscription_identifiers(void **state)
{
    struct play_client *c = play_connect_as(V5(""), V5_CONNACK);
    struct delivery d = play_delivery(1, UINT64_MAX, slice_of("x"));
    struct buffer got;

    (void)state;
    d.subscription_id = 268435455;
    d.more_ids = mem_new(MEM_TEST, UINT8_MAX * sizeof(uint32_t));
    d.more_id_count = UINT8_MAX;
    for (unsigned i = 0; i < UINT8_MAX; i++)
        d.more_ids[i] = 268435455;
    (void)play_deliver_message("me", &d);
    got = play_take(c);
    assert_int_equal(got.len, 3 + 3 + 2 + 2 + 256 * 5 + 1 + 5 + 22 + 1);
    assert_int_equal(got.data[got.len - 1], 'x');
    buffer_deinit(&got);
}

/* --- the window ------------------------------------------------------------------------------ */

/* [MQTT-4.9.0-1], [MQTT-4.9.0-2]; what needs no window keeps its place all the same. */
static void the_window_holds_back(void **state)
{
    struct play_client *c = play_connect_as(V5("21 0002"), V5_CONNACK);

    (void)state;
    assert_int_equal(play_deliver("me", 1, 0, "a"), SESSION_SENT);
    assert_int_equal(play_deliver("me", 2, 0, "b"), SESSION_SENT);
    assert_int_equal(play_deliver("me", 0, 0, "c"), SESSION_SENT);
    assert_int_equal(play_deliver("me", 1, 0, "d"), SESSION_QUEUED);
    assert_int_equal(play_deliver("me", 0, 0, "e"), SESSION_QUEUED);
    assert_int_equal(play_deliver("me", 1, 0, "f"), SESSION_QUEUED);
    play_expect(c, "32 { <t> 0001 {} 'a' } 34 { <t> 0002 {} 'b' } 30 { <t> {} 'c' }");
    play_send(c, "50 02 0002");
    play_expect(c, "62 02 0002"); /* frees none yet */
    play_send(c, "70 02 0002");
    play_expect(c, "32 { <t> 0003 {} 'd' } 30 { <t> {} 'e' }");
    play_send(c, "40 02 0001 40 02 0003");
    play_expect(c, "32 { <t> 0004 {} 'f' }");
    assert_int_equal(play_deliver("me", 1, 0, "g"), SESSION_SENT);
    play_expect(c, "32 { <t> 0005 {} 'g' }");
}

/* --- offline and back ------------------------------------------------------------------------ */

/* [MQTT-4.4.0-1], [MQTT-3.3.1-1], [MQTT-4.6.0-*] */
static void what_is_unacknowledged_is_sent_again(void **state)
{
    struct play_client *c = play_connect_as(KEPT, CONNACK);

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        (void)play_deliver("me", i % 2 == 0 ? 1 : 2, 0, "x");
    play_expect(c,
                "32 { <t> 0001 'x' } 34 { <t> 0002 'x' } 32 { <t> 0003 'x' } 34 { <t> 0004 'x' }");
    play_send(c, "50 02 0002 40 02 0003");
    play_break(c);
    (void)counted(&CT_publishes_resent);

    assert_int_equal(play_deliver("me", 1, 0, "y"), SESSION_QUEUED);
    c = play_connect();
    play_send(c, KEPT);
    play_expect(c,
                PRESENT "3A { <t> 0001 'x' } 62 02 0002 3C { <t> 0004 'x' } 32 { <t> 0005 'y' }");
    assert_int_equal(counted(&CT_publishes_resent), 2);
    play_send(c, "40 02 0001 70 02 0002 50 02 0004 70 02 0004 40 02 0005");
    play_expect(c, "62 02 0004");
    play_break(c);
    (void)play_connect_as(KEPT, PRESENT); /* nothing is owed any more */
}

static void a_client_that_comes_back_with_less_room(void **state)
{
    struct play_client *c = play_connect_as(V5_KEPT(), V5_CONNACK);

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        (void)play_deliver("me", 1, 0, "x");
    play_break(c);
    c = play_connect();
    play_send(c, V5_KEPT("21 0001"));
    play_expect(c, V5_PRESENT "3A { <t> 0001 {} 'x' }");
    assert_int_equal(play_deliver("me", 1, 0, "y"), SESSION_QUEUED);
    play_send(c, "40 02 0003"); /* late, of the former connection: not sent again */
    play_expect(c, "");
    play_send(c, "40 02 0001");
    play_expect(c, "3A { <t> 0002 {} 'x' }");
    play_send(c, "40 02 0002");
    play_expect(c, "3A { <t> 0004 {} 'x' }");
    play_send(c, "40 02 0004");
    play_expect(c, "32 { <t> 0005 {} 'y' }");
}

static void a_session_changes_its_version(void **state)
{
    struct play_client *c = play_connect_as(KEPT, CONNACK);

    (void)state;
    (void)play_deliver("me", 1, 9, "x");
    play_expect(c, "32 { <t> 0001 'x' }");
    play_break(c);
    c = play_connect();
    play_send(c, V5_KEPT());
    play_expect(c, V5_PRESENT "3A { <t> 0001 { 26 <seq> <9> } 'x' }");
}

static void without_a_client_qos_0_is_dropped(void **state)
{
    struct play_client *c = play_connect_as(KEPT, CONNACK);

    (void)state;
    play_break(c);
    (void)counted(&CT_deliveries_dropped_slow);
    play_forget_story();
    assert_int_equal(play_deliver("me", 0, 0, "x"), SESSION_DROPPED);
    assert_int_equal(play_deliver("me", 0, 5, "x"), SESSION_DROPPED);
    assert_int_equal(play_deliver("me", 1, 6, "y"), SESSION_QUEUED);
    play_expect_story("delivered(5)");
    assert_int_equal(counted(&CT_deliveries_dropped_slow), 2);
    c = play_connect();
    play_send(c, KEPT);
    play_expect(c, PRESENT "32 { <t> 0001 'y' }");
}

/* What waits only for the window is read from the journal again; the rest waits here. */
static void what_the_journal_has_is_given_back(void **state)
{
    struct play_client *c = play_connect_as(V5_KEPT("21 0001"), V5_CONNACK);

    (void)state;
    (void)play_deliver("me", 1, 10, "a");
    (void)play_deliver("me", 1, 11, "b");
    (void)play_deliver("me", 1, 0, "c");
    (void)play_deliver("me", 1, 12, "d");
    (void)play_deliver("me", 0, 0, "e");
    play_expect(c, "32 { <t> 0001 { 26 <seq> <10> } 'a' }");
    (void)counted(&CT_deliveries_dropped_session);
    play_break(c);
    assert_int_equal(counted(&CT_deliveries_dropped_session), 1); /* that of QoS 0 */
    play_expect_story("disconnected(me,11) offline");
    c = play_connect();
    play_send(c, V5_KEPT());
    play_expect(c, V5_PRESENT "3A { <t> 0001 { 26 <seq> <10> } 'a' } 32 { <t> 0002 {} 'c' }");
}

static void what_a_session_takes_with_it_is_counted(void **state)
{
    struct play_client *c = play_connect_as(V5("21 0001"), V5_CONNACK);

    (void)state;
    (void)counted(&CT_deliveries_dropped_session);
    for (unsigned i = 0; i < 5; i++)
        (void)play_deliver("me", 1, 0, "x"); /* the first one is under way */
    play_break(c);
    assert_int_equal(counted(&CT_deliveries_dropped_session), 4);
}

/* --- skipped --------------------------------------------------------------------------------- */

/* [MQTT-3.1.2-24], [MQTT-3.1.2-25] */
static void what_is_too_large_is_skipped(void **state)
{
    struct play_client *c = play_connect_as(V5("27 00000014"), V5_CONNACK); /* 20 bytes */

    (void)state;
    (void)counted(&CT_deliveries_dropped_too_large);
    assert_int_equal(play_deliver("me", 0, 6, "12345678901234567"), SESSION_DROPPED);
    assert_int_equal(play_deliver("me", 1, 7, "12345678901234567"), SESSION_DROPPED);
    assert_int_equal(play_deliver("me", 2, 8, "12345678901234567"), SESSION_DROPPED);
    play_expect(c, "");
    play_expect_story("delivered(6) delivered(7) delivered(8)");
    assert_int_equal(counted(&CT_deliveries_dropped_too_large), 3);
    assert_int_equal(play_session("me")->out.inflight, 0);
    (void)play_deliver("me", 1, 0, "123456789012"); /* just fits */
    play_expect(c, "32 { <t> 0003 {} '123456789012' }");
}

static void what_is_too_large_for_the_new_client_is_skipped(void **state)
{
    struct play_client *c = play_connect_as(V5_KEPT(), V5_CONNACK);

    (void)state;
    (void)play_deliver("me", 1, 7, "1234567890 1234567890");
    (void)play_deliver("me", 1, 0, "x");
    play_break(c);
    play_forget_story();
    c = play_connect();
    play_send(c, V5_KEPT("27 00000020"));
    play_expect(c, V5_PRESENT "3A { <t> 0002 {} 'x' }");
    play_expect_story("auth(me) delivered(7) connected(present)");
    assert_int_equal(play_session("me")->out.inflight, 1);
}

/* The client may have it, and remember its identifier until PUBREL: were that one given to another
 * message, the client would take it for a repetition. [MQTT-3.1.2-25] "as if it had completed" */
static void regress_qos_2_that_is_too_large_later_is_released(void **state)
{
    struct play_client *c = play_connect_as(V5_KEPT(), V5_CONNACK);

    (void)state;
    (void)counted(&CT_deliveries_dropped_too_large);
    (void)play_deliver("me", 2, 7, "1234567890 1234567890");
    (void)play_deliver("me", 1, 0, "x");
    play_break(c);
    play_forget_story();
    c = play_connect();
    play_send(c, V5_KEPT("27 00000020"));
    play_expect(c, V5_PRESENT "62 02 0001 3A { <t> 0002 {} 'x' }");
    play_expect_story("auth(me) connected(present)");
    assert_int_equal(counted(&CT_deliveries_dropped_too_large), 1);
    play_break(c);
    c = play_connect_as(V5_KEPT(), V5_PRESENT "62 02 0001 3A { <t> 0002 {} 'x' }");
    play_send(c, "70 03 0001 92");
    play_expect_story("delivered(7)");
    assert_int_equal(play_session("me")->out.inflight, 1);
}

/* [MQTT-3.3.2-5], [MQTT-3.3.2-6] */
static void what_has_expired_is_skipped(void **state)
{
    struct play_client *c = play_connect_as(V5("21 0001"), V5_CONNACK);
    struct delivery d;

    (void)state;
    (void)counted(&CT_deliveries_dropped_expired);
    (void)play_deliver("me", 1, 0, "x");
    for (uint64_t seq = 1; seq <= 3; seq++) {
        d = play_delivery(1, seq, slice_of("y"));
        d.message->expires_ms = PLAY_START_MS + seq * 1000;
        (void)play_deliver_message("me", &d);
    }
    play_expect(c, "32 { <t> 0001 {} 'x' }");
    play_advance(2000);
    play_send(c, "40 02 0001");
    play_expect(c, "32 { <t> 0002 { 02 00000001 26 <seq> <3> } 'y' }");
    play_expect_story("delivered(1) delivered(2)");
    d = play_delivery(0, 0, slice_of("z"));
    d.message->expires_ms = PLAY_START_MS + 2000;
    (void)play_deliver_message("me", &d);
    play_expect(c, "");
    assert_int_equal(counted(&CT_deliveries_dropped_expired), 3);
}

/* --- a slow reader --------------------------------------------------------------------------- */

enum { LARGE = 60000, FULL_AFTER = 5 /* of these a connection has enough */ };

static enum session_result deliver_large(uint8_t qos, uint64_t seq, uint8_t mark)
{
    static uint8_t payload[LARGE];
    struct delivery d;
    enum session_result result;

    memset(payload, mark, sizeof(payload));
    d = play_delivery(qos, seq, slice_make(payload, sizeof(payload)));
    result = play_deliver_message("me", &d);
    assert_int_equal(d.message != NULL, result == SESSION_FULL);
    delivery_deinit(&d);
    return result;
}

/* Reads what came: 3.1.1 publishes of deliver_large; their marks, in order. */
static struct buffer marks_of(struct play_client *c)
{
    struct buffer got = play_take(c);
    struct buffer marks = {0};
    struct slice rest = buffer_slice(&got);

    while (rest.len > 0) {
        struct decode_header h;

        assert_int_equal(decode_header(rest, 1000000, &h), REASON_SUCCESS);
        assert_true(rest.len >= h.header_len + h.remaining_len);
        buffer_append_u8(&marks, rest.data[h.header_len + h.remaining_len - 1]);
        rest = slice_from(rest, h.header_len + h.remaining_len);
    }
    buffer_deinit(&got);
    return marks;
}

static void expect_marks(struct play_client *c, uint8_t first, unsigned count)
{
    struct buffer marks = marks_of(c);

    assert_int_equal(marks.len, count);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(marks.data[i], first + i);
    buffer_deinit(&marks);
}

static void what_finds_no_room_waits_in_order(void **state)
{
    struct play_client *c = play_connect_as(CLEAN, CONNACK);
    unsigned sent = 0;

    (void)state;
    play_set_room(c, 0);
    while (deliver_large(sent % 3 == 0 ? 1 : 0, 0, (uint8_t)(sent + 1)) == SESSION_SENT)
        sent++;
    assert_true(sent >= FULL_AFTER - 1 && sent <= FULL_AFTER + 1);
    for (unsigned i = sent + 1; i < 30; i++)
        assert_int_equal(deliver_large(i % 3 == 0 ? 1 : 0, 0, (uint8_t)(i + 1)), SESSION_QUEUED);
    assert_true(conn_unsent(play.client->conn) < 7 * LARGE);
    play_set_room(c, SIZE_MAX);
    expect_marks(c, 1, 30);
    assert_int_equal(deliver_large(0, 0, 1), SESSION_SENT);
}

/* Within one turn a connection is emptied when it can be. */
static void room_is_made_within_a_turn(void **state)
{
    struct play_client *c = play_connect_as(CLEAN, CONNACK);
    static uint8_t payload[LARGE];

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        struct delivery d;

        memset(payload, (int)i + 1, sizeof(payload));
        d = play_delivery(1, 0, slice_make(payload, sizeof(payload)));
        assert_int_equal(session_deliver(play_session("me"), &d), SESSION_SENT);
        assert_true(conn_unsent(play.client->conn) < 7 * LARGE);
    }
    play_turn();
    expect_marks(c, 1, 100);
}

/* The queue is bounded: QoS 0 is dropped, the rest refused, and told when there is room again. */
static void a_queue_that_is_full(void **state)
{
    struct play_client *c = play_connect_as(CLEAN, CONNACK);
    unsigned taken = 0;
    struct buffer marks;

    (void)state;
    play_limits.queue_messages = 100;
    play_set_room(c, 0);
    (void)counted(&CT_deliveries_dropped_slow);
    while (deliver_large(1, 0, 1) != SESSION_FULL) {
        taken++;
        assert_true(taken < 2000);
    }
    assert_true(taken > 100);
    assert_int_equal(deliver_large(0, 5, 1), SESSION_DROPPED);
    assert_int_equal(counted(&CT_deliveries_dropped_slow), 1);
    play_expect_story("delivered(5)");
    play_set_room(c, 100000);
    play_expect_story("");
    play_set_room(c, SIZE_MAX);
    play_expect_story("room(me)");
    marks = marks_of(c);
    assert_int_equal(marks.len, taken);
    buffer_deinit(&marks);
}

/* The backlog of a window is sent again no faster than it is read. */
static void regress_sending_again_waits_for_room(void **state)
{
    struct play_client *c = play_connect_as(KEPT, CONNACK);
    struct buffer got;

    (void)state;
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(deliver_large(1, 0, (uint8_t)(i + 1)), SESSION_SENT);
    expect_marks(c, 1, 100);
    play_break(c);
    c = play_connect();
    play_set_room(c, 0);
    play_send(c, KEPT);
    assert_true(conn_unsent(play.client->conn) < 7 * LARGE);
    play_set_room(c, 4 + 10 * LARGE);
    assert_true(conn_unsent(play.client->conn) < 7 * LARGE);
    play_set_room(c, SIZE_MAX);
    got = play_take(c);
    assert_true(got.len > 100 * LARGE);
    wire_expect("CONNACK", slice_make(got.data, 4), PRESENT);
    buffer_deinit(&got);
    assert_int_equal(play_session("me")->out.resend_count, 0);
}

/* A connection that turns out to be dead while room is made on it. */
static void a_connection_that_dies_under_a_delivery(void **state)
{
    static const char *const connects[] = {CLEAN, KEPT};

    for (unsigned i = 0; i < 2; i++) {
        struct play_client *c = play_connect_as(connects[i], CONNACK);
        struct session *s = play_session("me");
        struct delivery d = play_delivery(1, 0, slice_of("x"));

        play_set_room(c, 0);
        while (!conn_is_full(play.client->conn))
            assert_int_equal(deliver_large(1, 0, 1), SESSION_SENT);
        play_forget_story();
        play_fail_writes(c);
        assert_int_equal(session_deliver(s, &d), SESSION_QUEUED);
        play_expect_story(""); /* whoever delivers is in the middle of something */
        play_turn();
        play_expect_closed(c);
        play_expect_story(i == 0 ? "disconnected(me,0) closed(me) offline"
                                 : "disconnected(me,0) offline");
        assert_int_equal(play_close(state), 0);
        play_open(state);
    }
}

/* --- the table ------------------------------------------------------------------------------- */

static void sessions_are_found(void **state)
{
    struct session *s;
    size_t cursor = 0;
    unsigned count = 0;
    uint64_t handle;

    (void)state;
    (void)play_connect_as(KEPT, CONNACK);
    (void)play_connect_as("10 { <MQTT> 04 00 0000 <you> }", CONNACK);
    s = play_session("you");
    handle = s->handle;
    assert_ptr_equal(session_find_handle(play.home, handle), s);
    assert_ptr_not_equal(play_session("me"), s);
    while (session_next(play.home, &cursor) != NULL)
        count++;
    assert_int_equal(count, 2);
    client_disconnect(s->client, REASON_ADMINISTRATIVE_ACTION, slice_of("bye"));
    session_close(s);
    session_close(s); /* accepted until the end of the turn */
    assert_null(session_find_handle(play.home, handle));
    play_turn();
    assert_null(session_find_handle(play.home, handle));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAY_TEST(deliveries_leave_at_once),
        PLAY_TEST(delivered_is_told_at_the_end),
        PLAY_TEST(what_is_the_receivers_own),
        PLAY_TEST(regress_many_subscription_identifiers),
        PLAY_TEST(the_window_holds_back),
        PLAY_TEST(what_is_unacknowledged_is_sent_again),
        PLAY_TEST(a_client_that_comes_back_with_less_room),
        PLAY_TEST(a_session_changes_its_version),
        PLAY_TEST(without_a_client_qos_0_is_dropped),
        PLAY_TEST(what_the_journal_has_is_given_back),
        PLAY_TEST(what_a_session_takes_with_it_is_counted),
        PLAY_TEST(what_is_too_large_is_skipped),
        PLAY_TEST(what_is_too_large_for_the_new_client_is_skipped),
        PLAY_TEST(regress_qos_2_that_is_too_large_later_is_released),
        PLAY_TEST(what_has_expired_is_skipped),
        PLAY_TEST(what_finds_no_room_waits_in_order),
        PLAY_TEST(room_is_made_within_a_turn),
        PLAY_TEST(a_queue_that_is_full),
        PLAY_TEST(regress_sending_again_waits_for_room),
        PLAY_TEST(a_connection_that_dies_under_a_delivery),
        PLAY_TEST(sessions_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
