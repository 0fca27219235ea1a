/*
 * CONNECTs that are refused before they cost anything, that disturb nobody, and that have to wait:
 * the limit of their own, the CONNACK that does not fit, take-overs without end.
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

#define CLEAN           "10 { <MQTT> 04 02 0000 <me> }"
#define KEPT            "10 { <MQTT> 04 00 0000 <me> }"
#define CONNACK         "20 02 00 00"
#define CONNACK_PRESENT "20 02 01 00"
#define LIMITS          "21 000A 27 000F4240"
#define V5_KEPT         "10 { <MQTT> 05 00 0000 { 11 00000064 } <me> }"
#define V5_CONNACK      "20 { 00 00 {" LIMITS "} }"
#define V5_SMALL(size)  "10 { <MQTT> 05 02 0000 { 11 00000064 27 " size " } <me> }"
#define PING            "C0 00"
#define PONG            "D0 00"

enum { FREE_TAKE_OVERS = 5, FIRST_WAIT_MS = 1000 };

/* --- the limit of a CONNECT ------------------------------------------------------------------ */

static const struct large_case {
    const char *name, *sent, *answer;
    bool is_closed;
} large_cases[] = {
    {"3.1.1", "10 E9 07 0004 'MQTT' 04", "", true},
    {"5.0", "10 E9 07 0004 'MQTT' 05", "20 { 00 95 {} }", true},
    {"of a version that nobody knows", "10 E9 07 0004 'MQTT' 09", "", true},
    {"another protocol", "10 E9 07 0004 'MQTX' 05", "", true},
    {"before it tells its version", "10 E9 07 0004 'MQTT'", "", false},
    {"as large as allowed", "10 E5 07 0004 'MQTT' 05", "", false},
    {"larger than any packet", "10 FF FF FF 7F", "", true},
    {"a PUBLISH, at its length", "30 C0 04", "", true},
    {"a SUBSCRIBE, at its length", "82 80 10", "", true},
};

static void large_ones(void **state)
{
    for (size_t i = 0; i < sizeof(large_cases) / sizeof(large_cases[0]); i++) {
        const struct large_case *l = &large_cases[i];
        struct play_client *c;

        print_message("  %s\n", l->name);
        play_limit_connect(1000);
        c = play_connect();
        play_send(c, l->sent);
        play_expect(c, l->answer);
        if (l->is_closed)
            play_expect_closed(c);
        else
            play_expect_open(c);
        play_expect_story("");
        assert_int_equal(play_close(state), 0);
        play_open(state);
    }
}

/* The limit is for strangers. */
static void a_client_may_send_more(void **state)
{
    struct play_client *c;
    struct buffer publish = {0};

    (void)state;
    play_limit_connect(1000);
    c = play_connect_as(CLEAN, CONNACK);
    buffer_append(&publish, "\x30\xd3\x0f\0\1t", 6);
    memset(buffer_reserve(&publish, 2000), 'x', 2000);
    publish.len += 2000;
    play_send_bytes(c, buffer_slice(&publish));
    buffer_deinit(&publish);
    play_send(c, PING);
    play_expect(c, PONG);
}

/* --- a CONNACK that does not fit ------------------------------------------------------------- */

/* The one of the tests above has 13 bytes. */
static void it_is_closed_and_leaves_no_session(void **state)
{
    int64_t refused = counter_read(&CT_mqtt_connects_refused);
    struct play_client *c = play_connect();

    (void)state;
    play_send(c, V5_SMALL("0000000C"));
    play_expect(c, "");
    play_expect_closed(c);
    play_expect_story("auth(me)");
    assert_int_equal(counter_read(&CT_mqtt_sessions), 0);
    assert_int_equal(counter_read(&CT_mqtt_connects_refused), refused + 1);
    (void)play_connect_as(V5_SMALL("0000000D"), V5_CONNACK);
}

static void it_takes_nothing_over(void **state)
{
    struct play_client *c = play_connect_as(V5_KEPT, V5_CONNACK);
    struct play_client *small = play_connect();

    (void)state;
    play_send(small, V5_SMALL("0000000C"));
    play_expect_closed(small);
    play_send(c, PING);
    play_expect(c, PONG);
    play_expect_story("auth(me)");
}

/* --- take-overs without end ------------------------------------------------------------------ */

/* The first connection and as many take-overs as are free; gives the one that holds the session. */
static struct play_client *fight(const char *connect, const char *connack, const char *again)
{
    struct play_client *c = play_connect_as(connect, connack);

    for (unsigned i = 0; i < FREE_TAKE_OVERS; i++)
        c = play_connect_as(connect, again);
    return c;
}

static void play_expect_alive(struct play_client *c)
{
    play_send(c, PING);
    play_expect(c, PONG);
}

static void the_next_one_waits(void **state)
{
    struct play_client *c = fight(KEPT, CONNACK, CONNACK_PRESENT), *next;
    int64_t slowed = counter_read(&CT_mqtt_take_overs_slowed);

    (void)state;
    next = play_connect();
    play_send(next, KEPT PING);
    play_expect_alive(c);
    play_expect(next, "");
    assert_int_equal(counter_read(&CT_mqtt_take_overs_slowed), slowed + 1);
    play_advance(FIRST_WAIT_MS - 1);
    play_expect_alive(c);
    play_forget_story();
    play_advance(1 + TIMER_TICK_MS);
    play_expect_closed(c);
    play_expect(next, CONNACK_PRESENT PONG);
    play_expect_story("auth(me) disconnected(me,0) offline connected(present)");
    play_expect_alive(next);
}

/* A clean session ends with each take-over, and is remembered all the same. */
static void of_clean_sessions_too(void **state)
{
    struct play_client *c = fight(CLEAN, CONNACK, CONNACK), *next = play_connect();

    (void)state;
    play_send(next, CLEAN);
    play_expect(next, "");
    play_expect_alive(c);
    play_advance(FIRST_WAIT_MS + TIMER_TICK_MS);
    play_expect(next, CONNACK);
    play_expect_closed(c);
}

static void one_waits_at_a_time(void **state)
{
    struct play_client *c = fight(KEPT, CONNACK, CONNACK_PRESENT), *next, *third;

    (void)state;
    next = play_connect();
    play_send(next, V5_KEPT);
    play_advance(FIRST_WAIT_MS / 2);
    third = play_connect();
    play_send(third, KEPT);
    play_expect(next,
                "20 { 00 9F { 1F <another client with this identifier has come meanwhile> } }");
    play_expect_closed(next);
    play_expect(third, "");
    play_expect_alive(c);
    play_advance(FIRST_WAIT_MS / 2 + TIMER_TICK_MS); /* the waiting time is the session's */
    play_expect(third, CONNACK_PRESENT);
    play_expect_closed(c);
}

static void one_that_goes_while_it_waits(void **state)
{
    struct play_client *c = fight(KEPT, CONNACK, CONNACK_PRESENT), *next;

    (void)state;
    next = play_connect();
    play_send(next, KEPT);
    play_break(next);
    play_advance(10 * FIRST_WAIT_MS);
    play_expect_alive(c);
}

static void when_the_other_goes_it_comes_in(void **state)
{
    struct play_client *c = fight(KEPT, CONNACK, CONNACK_PRESENT), *next;

    (void)state;
    next = play_connect();
    play_send(next, KEPT);
    play_forget_story();
    play_send(c, "E0 00");
    play_expect(next, CONNACK_PRESENT);
    play_expect_story("disconnected(me,0) offline auth(me) connected(present)");
}

/* With a session that ends there is nothing left to wait for. */
static void when_the_session_ends_it_comes_in(void **state)
{
    struct play_client *c = fight(CLEAN, CONNACK, CONNACK), *next = play_connect();

    (void)state;
    play_send(next, CLEAN);
    play_forget_story();
    play_break(c);
    play_expect(next, CONNACK);
    play_expect_story("disconnected(me,0) closed(me) offline auth(me) opened(me) connected(new)");
}

/* Who may not connect any more hears it at the end of the wait. */
static void it_is_asked_again(void **state)
{
    struct play_client *c = fight(KEPT, CONNACK, CONNACK_PRESENT), *next;

    (void)state;
    next = play_connect();
    play_send(next, KEPT);
    play.login_reason = REASON_NOT_AUTHORIZED;
    play_advance(FIRST_WAIT_MS + TIMER_TICK_MS);
    play_expect(next, "20 02 00 05");
    play_expect_closed(next);
    play_expect_alive(c);
}

static void the_server_stops_while_one_waits(void **state)
{
    struct play_client *c = fight(KEPT, CONNACK, CONNACK_PRESENT), *next;

    (void)state;
    next = play_connect();
    play_send(next, KEPT);
    conn_abort_strangers(play.home);
    play_turn();
    play_expect_closed(next);
    play_expect_alive(c);
}

/* A device has one session, whatever its identifiers are. */
static void a_rival_is_replaced(void **state)
{
    struct play_client *c, *next;

    (void)state;
    play_service.has_one_session = true;
    c = play_connect_as(KEPT, CONNACK);
    next = play_connect();
    play_send(next, "10 { <MQTT> 04 02 0000 <you> }");
    play_expect(next, CONNACK);
    play_expect_closed(c);
    play_expect_story("auth(you) disconnected(me,0) offline closed(me) opened(you) connected(new)");
}

static void rivals_are_slowed(void **state)
{
    static const char *const connects[] = {KEPT, "10 { <MQTT> 04 00 0000 <you> }"};
    struct play_client *c, *next;

    (void)state;
    play_service.has_one_session = true;
    c = play_connect_as(KEPT, CONNACK);
    for (unsigned i = 0; i < FREE_TAKE_OVERS; i++)
        c = play_connect_as(connects[(i + 1) % 2], CONNACK);
    next = play_connect();
    play_send(next, connects[(FREE_TAKE_OVERS + 1) % 2]);
    play_expect(next, "");
    play_expect_alive(c);
    play_advance(FIRST_WAIT_MS + TIMER_TICK_MS);
    play_expect(next, CONNACK);
    play_expect_closed(c);
}

/* --- the end of the session before, which has to be secured ----------------------------------- */

/* A stored session that has ended for a client, which waits; gives the session's handle. */
static uint64_t end_for(struct play_client **first)
{
    uint64_t handle;

    play.is_stored = true;
    play_break(play_connect_as(KEPT, CONNACK));
    handle = play_session("me")->handle;
    *first = play_connect();
    play_send(*first, CLEAN);
    play_expect(*first, "");
    play_forget_story();
    return handle;
}

static void secure_end(uint64_t handle)
{
    session_end_secured(play.home, handle);
    play_turn();
}

static void an_end_is_secured_before_its_client_comes_in(void **state)
{
    struct play_client *c;
    uint64_t handle = end_for(&c);

    (void)state;
    secure_end(handle);
    play_expect(c, CONNACK);
    play_expect_story("auth(me) opened(me) connected(new)");
    play.is_stored = false;
}

/* Whoever comes meanwhile, asking for a new session or for the one before. */
static void regress_all_who_come_wait_for_the_end(void **state)
{
    static const char *const connects[] = {CLEAN, KEPT};

    for (unsigned i = 0; i < 2; i++) {
        struct play_client *first, *second, *third;
        uint64_t handle = end_for(&first);

        second = play_connect();
        play_send(second, connects[i]);
        play_expect(second, "");
        play_expect(first, "20 02 00 03"); /* the newest waits */
        play_expect_closed(first);
        play_break(second);
        third = play_connect();
        play_send(third, connects[i]);
        play_expect(third, "");
        secure_end(handle);
        play_expect(third, CONNACK);
        play.is_stored = false;
        play_close(state);
        play_open(state);
    }
}

/* Who is let in is offered in the turn after; a newer client may be there by then. */
static void the_newest_comes_in_first(void **state)
{
    struct play_client *first, *second = play_connect();
    uint64_t handle = end_for(&first);

    (void)state;
    session_end_secured(play.home, handle);
    play_send(second, KEPT);
    play_expect(second, CONNACK);
    play_expect(first, "20 02 00 03");
    play_expect_closed(first);
    play.is_stored = false;
}

/* A session that its client has ended itself, too. */
static void after_a_session_that_has_ended(void **state)
{
    struct play_client *c = play_connect_as("10 { <MQTT> 05 02 0000 { } <me> }", V5_CONNACK);
    uint64_t handle = play_session("me")->handle;

    (void)state;
    play.is_stored = true;
    play_send(c, "E0 00");
    play_expect_closed(c);
    c = play_connect();
    play_send(c, KEPT);
    play_expect(c, "");
    secure_end(handle);
    play_expect(c, CONNACK);
    play.is_stored = false;
}

static void another_identifier_waits_for_a_scopes_end(void **state)
{
    struct play_client *c, *next;
    uint64_t handle;

    (void)state;
    play_service.has_one_session = true;
    handle = end_for(&c);
    next = play_connect();
    play_send(next, "10 { <MQTT> 04 00 0000 <you> }");
    play_expect(next, "");
    secure_end(handle);
    play_expect(next, CONNACK);
    play.is_stored = false;
}

static void an_end_without_anybody(void **state)
{
    struct play_client *c;
    uint64_t handle = end_for(&c);

    (void)state;
    play_break(c);
    secure_end(handle);
    play.is_stored = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAY_TEST(large_ones),
        PLAY_TEST(a_client_may_send_more),
        PLAY_TEST(it_is_closed_and_leaves_no_session),
        PLAY_TEST(it_takes_nothing_over),
        PLAY_TEST(the_next_one_waits),
        PLAY_TEST(of_clean_sessions_too),
        PLAY_TEST(one_waits_at_a_time),
        PLAY_TEST(one_that_goes_while_it_waits),
        PLAY_TEST(when_the_other_goes_it_comes_in),
        PLAY_TEST(when_the_session_ends_it_comes_in),
        PLAY_TEST(it_is_asked_again),
        PLAY_TEST(the_server_stops_while_one_waits),
        PLAY_TEST(a_rival_is_replaced),
        PLAY_TEST(rivals_are_slowed),
        PLAY_TEST(an_end_is_secured_before_its_client_comes_in),
        PLAY_TEST(regress_all_who_come_wait_for_the_end),
        PLAY_TEST(the_newest_comes_in_first),
        PLAY_TEST(after_a_session_that_has_ended),
        PLAY_TEST(another_identifier_waits_for_a_scopes_end),
        PLAY_TEST(an_end_without_anybody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
