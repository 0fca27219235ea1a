/*
 * From CONNECT to the end of a connection: what is accepted and refused, take-over, keep alive, and
 * what becomes of the session.
 */
#include "mqtt/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mqtt/counters.h"
#include "play.h"
#include "wire.h"

/* 3.1.1 with clean session, with a kept one, and 5.0 with properties. */
#define CLEAN            "10 { <MQTT> 04 02 0000 <me> }"
#define KEPT             "10 { <MQTT> 04 00 0000 <me> }"
#define CONNACK          "20 02 00 00"
#define CONNACK_PRESENT  "20 02 01 00"
#define V5(properties)   "10 { <MQTT> 05 02 0000 {" properties "} <me> }"
#define V5_KEPT          "10 { <MQTT> 05 00 0000 { 11 00000064 } <me> }"
#define LIMITS           "21 000A 27 000F4240"
#define V5_CONNACK(more) "20 { 00 00 {" more "} }"
#define V5_PRESENT       "20 { 01 00 {" LIMITS "} }"

/* --- CONNECT --------------------------------------------------------------------------------- */

static const struct connect_case {
    const char *name, *sent, *answer, *story;
} connect_cases[] = {
    {"3.1.1", CLEAN, CONNACK, "auth(me) opened(me) connected(new)"},
    {"5.0", V5(""), V5_CONNACK(LIMITS), "auth(me) opened(me) connected(new)"},
    {"5.0, expiry within the limit", V5("11 00000064"), V5_CONNACK(LIMITS),
     "auth(me) opened(me) connected(new)"},
    {"5.0, expiry over it", V5("11 FFFFFFFF"), V5_CONNACK("11 000003E8" LIMITS),
     "auth(me) opened(me) connected(new)"},
    {"5.0, an authentication method", V5("15 <x>"),
     "20 { 00 8C { 1F <no authentication method is offered> } }", ""},
    {"3.1.1, no identifier and a kept session", "10 { <MQTT> 04 00 0000 <> }", "20 02 00 02", ""},
    {"unknown version", "10 { <MQTT> 06 02 0000 <me> }", "20 02 00 01", ""},
    {"another protocol", "10 { <MQTX> 04 02 0000 <me> }", "", ""},
    {"5.0, malformed", "10 { <MQTT> 05 03 0000 {} <me> }", "20 { 00 81 {} }", ""},
    {"3.1.1, malformed", "10 { <MQTT> 04 03 0000 <me> }", "", ""},
    {"not CONNECT", "C0 00", "", ""},
    {"a packet of the server", "20 02 00 00", "", ""},
    {"larger than allowed", "10 FF FF FF 7F", "", ""},
    {"an overlong length", "10 FF FF FF FF", "", ""},
};

static void connects(void **state)
{
    for (size_t i = 0; i < sizeof(connect_cases) / sizeof(connect_cases[0]); i++) {
        const struct connect_case *c = &connect_cases[i];
        struct play_client *client;

        print_message("  %s\n", c->name);
        client = play_connect();
        play_send(client, c->sent);
        play_expect(client, c->answer);
        play_expect_story(c->story);
        if (c->story[0] == '\0')
            play_expect_closed(client);
        assert_int_equal(play_close(state), 0);
        play_open(state);
    }
}

/* Whatever the pieces, and with packets right behind it. */
static void byte_by_byte(void **state)
{
    struct slice bytes = wire_new(CLEAN "C0 00 C0 00");
    struct play_client *c = play_connect();

    (void)state;
    for (size_t i = 0; i < bytes.len; i++)
        play_send_bytes(c, slice_make(bytes.data + i, 1));
    play_expect(c, CONNACK "D0 00 D0 00");
    wire_free(bytes);
    play_expect_open(c);
}

static void a_refusal(void **state)
{
    struct play_client *c = play_connect();

    (void)state;
    play.login_reason = REASON_BAD_CREDENTIALS;
    play.login.why = slice_of("go away");
    play_send(c, V5("") "C0 00");
    play_expect(c, "20 { 00 86 { 1F <go away> } }");
    play_expect_closed(c);
    c = play_connect();
    play_send(c, CLEAN);
    play_expect(c, "20 02 00 04");
    play_expect_closed(c);
    play_expect_story("auth(me) auth(me)");
}

/* [MQTT-3.1.3-6]: the identifier that is made can be come back with. */
static void a_made_up_identifier(void **state)
{
    struct play_client *c = play_connect();
    struct buffer got;

    (void)state;
    play_send(c, "10 { <MQTT> 05 02 0000 {} <> }");
    got = play_take(c);
    assert_int_equal(got.len, 16 + 22);
    wire_expect("CONNACK", slice_make(got.data, 16), "20 24 00 00 21" LIMITS "12 0016");
    buffer_append_u8(&got, 0);
    (void)play_session((const char *)got.data + 16);
    buffer_deinit(&got);
}

/* Its unread bytes go with it. */
static void a_connection_moves_to_its_home(void **state)
{
    struct play_client *c = play_connect();

    (void)state;
    play.home_index = 1;
    play.home = worker_group_get(play.workers, 1);
    play_send(c, CLEAN "C0 00 32 { <t> 0001 'hello' }");
    play_expect(c, CONNACK "D0 00 40 02 0001");
    play_expect_story("auth(me) opened(me) connected(new) publish(t,1)(hello)");
    assert_ptr_equal(play_session("me")->worker, play.home);
    play_send(c, "C0 00");
    play_expect(c, "D0 00");
}

/* --- a CONNECT that is put off --------------------------------------------------------------- */

static void a_connect_that_is_put_off(void **state)
{
    struct play_client *c = play_connect();

    (void)state;
    play.asks_first = true;
    play_send(c, CLEAN "C0 00");
    play_send(c, "C0 00");
    play_expect(c, "");
    play_expect_story("auth(me)");
    client_decide(play.home, play.wait_number + 1, true); /* somebody else's */
    play_turn();
    play_expect(c, "");
    client_decide(play.home, play.wait_number, true);
    client_decide(play.home, play.wait_number, false); /* too late */
    play_turn();
    play_expect(c, CONNACK "D0 00 D0 00");
    play_expect_story("auth(me) opened(me) connected(new)");

    c = play_connect();
    play_send(c, CLEAN);
    client_decide(play.home, play.wait_number, false);
    play_turn();
    play_expect(c, "20 02 00 03");
    play_expect_closed(c);
}

static void one_that_has_gone_before_it_is_decided(void **state)
{
    struct play_client *c = play_connect();

    (void)state;
    play.asks_first = true;
    play_send(c, CLEAN);
    play_break(c);
    client_decide(play.home, play.wait_number, true);
    play_turn();
    play_expect_story("auth(me)");
}

/* --- take-over ------------------------------------------------------------------------------- */

static const struct take_over_case {
    const char *name, *first, *first_connack, *second, *second_connack, *bye, *story;
} take_over_cases[] = {
    {"kept, 3.1.1", KEPT, CONNACK, KEPT, CONNACK_PRESENT, "",
     "auth(me) disconnected(me,0) offline connected(present)"},
    {"kept, 5.0", V5_KEPT, V5_CONNACK(LIMITS), V5_KEPT, V5_PRESENT, "E0 01 8E",
     "auth(me) disconnected(me,0) offline connected(present)"},
    {"kept, then clean", KEPT, CONNACK, CLEAN, CONNACK, "",
     "auth(me) disconnected(me,0) offline closed(me) opened(me) connected(new)"},
    {"clean, then kept", CLEAN, CONNACK, KEPT, CONNACK, "",
     "auth(me) disconnected(me,0) closed(me) offline opened(me) connected(new)"},
    {"from 5.0 to 3.1.1", V5_KEPT, V5_CONNACK(LIMITS), KEPT, CONNACK_PRESENT, "E0 01 8E",
     "auth(me) disconnected(me,0) offline connected(present)"},
    {"with a will", "10 { <MQTT> 04 04 0000 <me> <w> <gone> }", CONNACK, KEPT, CONNACK_PRESENT, "",
     "auth(me) disconnected(me,0) will(gone,0) offline connected(present)"},
    {"with a will that waits",
     "10 { <MQTT> 05 04 0000 { 11 00000064 } <me> { 18 0000000A } <w> <gone> }", V5_CONNACK(LIMITS),
     V5_KEPT, V5_PRESENT, "E0 01 8E", "auth(me) disconnected(me,0) offline connected(present)"},
};

/* [MQTT-3.1.4-3] */
static void take_overs(void **state)
{
    for (size_t i = 0; i < sizeof(take_over_cases) / sizeof(take_over_cases[0]); i++) {
        const struct take_over_case *t = &take_over_cases[i];
        int64_t count = counter_read(&CT_mqtt_take_overs);
        struct play_client *first, *second;

        print_message("  %s\n", t->name);
        first = play_connect_as(t->first, t->first_connack);
        second = play_connect();
        play_send(second, t->second);
        play_expect(first, t->bye);
        play_expect_closed(first);
        play_expect(second, t->second_connack);
        play_expect_story(t->story);
        assert_int_equal(counter_read(&CT_mqtt_take_overs), count + 1);
        play_send(second, "C0 00");
        play_expect(second, "D0 00");
        assert_int_equal(play_close(state), 0);
        play_open(state);
    }
}

/* Whoever asks in vain takes nothing over. */
static void a_refused_one_takes_nothing_over(void **state)
{
    struct play_client *c = play_connect_as(KEPT, CONNACK);
    struct play_client *other = play_connect();

    (void)state;
    play.login_reason = REASON_BAD_CREDENTIALS;
    play_send(other, KEPT);
    play_expect_closed(other);
    play_send(c, "C0 00");
    play_expect(c, "D0 00");
}

/* Identifiers are unique within a scope, and belong to nobody outside it. */
static void another_scope_is_another_session(void **state)
{
    struct play_client *c = play_connect_as(KEPT, CONNACK);

    (void)state;
    play.login.scope = 7;
    (void)play_connect_as(KEPT, CONNACK);
    play_expect_open(c);
}

/* --- the end of a session -------------------------------------------------------------------- */

static const struct expiry_case {
    const char *name, *connect, *connack, *last;
    uint64_t lives_ms; /* from the disconnect on, 0: it ends with its connection */
} expiry_cases[] = {
    {"3.1.1, clean", CLEAN, CONNACK, "E0 00", 0},
    {"3.1.1, kept", KEPT, CONNACK, "E0 00", 500000},
    {"5.0, none asked for", V5(""), V5_CONNACK(LIMITS), "E0 00", 0},
    {"5.0, 100 s", V5_KEPT, V5_CONNACK(LIMITS), "E0 00", 100000},
    {"5.0, broken", V5_KEPT, V5_CONNACK(LIMITS), NULL, 100000},
    {"5.0, over the limit", V5("11 FFFFFFFE"), V5_CONNACK("11 000003E8" LIMITS), "E0 00", 1000000},
    {"5.0, less at the end", V5_KEPT, V5_CONNACK(LIMITS), "E0 { 00 { 11 0000000A } }", 10000},
    {"5.0, none at the end", V5_KEPT, V5_CONNACK(LIMITS), "E0 { 00 { 11 00000000 } }", 0},
    {"5.0, more at the end", V5_KEPT, V5_CONNACK(LIMITS), "E0 { 00 { 11 FFFFFFFF } }", 1000000},
};

static void a_session_lives_as_long_as_agreed(void **state)
{
    for (size_t i = 0; i < sizeof(expiry_cases) / sizeof(expiry_cases[0]); i++) {
        const struct expiry_case *e = &expiry_cases[i];
        struct play_client *c;

        print_message("  %s\n", e->name);
        c = play_connect_as(e->connect, e->connack);
        if (e->last == NULL)
            play_break(c);
        else
            play_send(c, e->last);
        play_expect(c, "");
        play_expect_closed(c);
        if (e->lives_ms == 0) {
            play_expect_story("disconnected(me,0) closed(me) offline");
        } else {
            play_expect_story("disconnected(me,0) offline");
            play_advance(e->lives_ms - 1);
            play_expect_story("");
            play_advance(1 + TIMER_TICK_MS);
            play_expect_story("closed(me)");
        }
        assert_int_equal(play_close(state), 0);
        play_open(state);
    }
}

static void a_session_may_never_expire(void **state)
{
    struct play_client *c;

    (void)state;
    play.login.session_expiry_max_s = UINT32_MAX;
    c = play_connect_as(V5("11 FFFFFFFF"), V5_CONNACK(LIMITS));
    play_send(c, "E0 00");
    play_advance(UINT64_C(1000) * 365 * 86400 * 1000);
    play_expect_story("disconnected(me,0) offline");
    (void)play_session("me");
}

static void coming_back_stops_the_clock(void **state)
{
    struct play_client *c = play_connect_as(KEPT, CONNACK);

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        play_break(c);
        play_advance(499000);
        c = play_connect_as(KEPT, CONNACK_PRESENT);
        play_advance(1000000);
    }
    play_expect_story("");
}

/* [MQTT-3.14.2-2] */
static void expiry_cannot_be_made_from_nothing(void **state)
{
    struct play_client *c = play_connect_as(V5(""), V5_CONNACK(LIMITS));

    (void)state;
    play_send(c, "E0 { 00 { 11 00000001 } }");
    play_expect(c, "E0 01 82");
    play_expect_closed(c);
    play_expect_story("disconnected(me,0) closed(me) offline");
}

/* --- keep alive ------------------------------------------------------------------------------ */

#define TEN_SECONDS    "10 { <MQTT> 04 02 000A <me> }"
#define V5_TEN_SECONDS "10 { <MQTT> 05 02 000A {} <me> }"

/* [MQTT-3.1.2-22] */
static void silence_ends_a_connection(void **state)
{
    struct play_client *c = play_connect_as(V5_TEN_SECONDS, V5_CONNACK(LIMITS));
    int64_t count = counter_read(&CT_mqtt_keep_alive_timeouts);

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        play_advance(14999);
        play_send(c, "C0 00");
        play_expect(c, "D0 00");
    }
    play_advance(14999);
    play_expect(c, "");
    play_send(c, "C0"); /* half a packet is silence */
    play_advance(1 + TIMER_TICK_MS);
    play_expect(c, "E0 01 8D");
    play_expect_closed(c);
    play_expect_story("disconnected(me,0) closed(me) offline");
    assert_int_equal(counter_read(&CT_mqtt_keep_alive_timeouts), count + 1);
}

static void without_keep_alive_silence_is_allowed(void **state)
{
    struct play_client *c = play_connect_as(CLEAN, CONNACK);

    (void)state;
    play_advance(1000000000);
    play_send(c, "C0 00");
    play_expect(c, "D0 00");
}

/* [MQTT-3.1.2-21], [MQTT-3.2.2-21] */
static void the_server_may_want_a_shorter_one(void **state)
{
    struct play_client *c;

    (void)state;
    play.login.keep_alive_max_s = 20;
    c = play_connect_as("10 { <MQTT> 05 02 000A {} <a> }", V5_CONNACK(LIMITS));
    c = play_connect_as("10 { <MQTT> 05 02 0015 {} <b> }", V5_CONNACK(LIMITS "13 0014"));
    c = play_connect_as("10 { <MQTT> 05 02 0000 {} <c> }", V5_CONNACK(LIMITS "13 0014"));
    play_advance(29999);
    play_expect_open(c);
    play_advance(1 + TIMER_TICK_MS);
    play_expect_closed(c);
}

/* Who may not speak cannot be silent. */
static void what_is_not_read_is_not_silent(void **state)
{
    struct play_client *c;

    (void)state;
    play.login.receive_maximum = 65535;
    play.verdict.is_later = true;
    c = play_connect_as(TEN_SECONDS, CONNACK);
    for (unsigned i = 0; i < 1100; i++)
        play_send(c, "32 { <t> 0001 }");
    assert_true(play.ticket_count >= 1000 && play.ticket_count < 1100); /* it is not read now */
    play_advance(60000);
    play_expect_open(c);
    for (unsigned i = 0; i < play.ticket_count; i++)
        play_answer(i, REASON_SUCCESS, NULL);
    play_expect_open(c);
    play_advance(15000 + TIMER_TICK_MS);
    play_expect_closed(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAY_TEST(connects),
        PLAY_TEST(byte_by_byte),
        PLAY_TEST(a_refusal),
        PLAY_TEST(a_made_up_identifier),
        PLAY_TEST(a_connection_moves_to_its_home),
        PLAY_TEST(a_connect_that_is_put_off),
        PLAY_TEST(one_that_has_gone_before_it_is_decided),
        PLAY_TEST(take_overs),
        PLAY_TEST(a_refused_one_takes_nothing_over),
        PLAY_TEST(another_scope_is_another_session),
        PLAY_TEST(a_session_lives_as_long_as_agreed),
        PLAY_TEST(a_session_may_never_expire),
        PLAY_TEST(coming_back_stops_the_clock),
        PLAY_TEST(expiry_cannot_be_made_from_nothing),
        PLAY_TEST(silence_ends_a_connection),
        PLAY_TEST(without_keep_alive_silence_is_allowed),
        PLAY_TEST(the_server_may_want_a_shorter_one),
        PLAY_TEST(what_is_not_read_is_not_silent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
