/* When a will is published, and when not; how it is stored, and what waits for that. */
#include "mqtt/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "play.h"

#define CLEAN                  "10 { <MQTT> 04 02 0000 <me> }"
#define CONNACK                "20 02 00 00"
#define V5_KEPT                "10 { <MQTT> 05 00 0000 { 11 00000064 } <me> }"
#define LIMITS                 "21 000A 27 000F4240"
#define V5_CONNACK(more)       "20 { 00 00 {" more "} }"
#define V5_PRESENT             "20 { 01 00 {" LIMITS "} }"
#define WILL_CLEAN             "10 { <MQTT> 04 0E 0000 <me> <w> <gone> }"
#define WILL_V5(session, will) "10 { <MQTT> 05 06 0000 {" session "} <me> {" will "} <w> <gone> }"
#define AFTER_100              "11 00000064"

static const struct will_case {
    const char *name, *connect, *connack, *last, *story;
    uint64_t after_ms; /* then the will comes, and not before */
    const char *later;
} will_cases[] = {
    {"3.1.1, broken", WILL_CLEAN, CONNACK, NULL,
     "disconnected(me,0) will(gone,1) closed(me) offline", 0, ""},
    {"3.1.1, orderly", WILL_CLEAN, CONNACK, "E0 00", "disconnected(me,0) closed(me) offline", 0,
     ""},
    {"3.1.1, fault", WILL_CLEAN, CONNACK, "10 00",
     "disconnected(me,0) will(gone,1) closed(me) offline", 0, ""},
    {"5.0, orderly", WILL_V5("", ""), V5_CONNACK(LIMITS), "E0 00",
     "disconnected(me,0) closed(me) offline", 0, ""},
    {"5.0, orderly, with will", WILL_V5("", ""), V5_CONNACK(LIMITS), "E0 01 04",
     "disconnected(me,0) will(gone,0) closed(me) offline", 0, ""},
    {"5.0, an error of the client's", WILL_V5("", ""), V5_CONNACK(LIMITS), "E0 01 80",
     "disconnected(me,0) will(gone,0) closed(me) offline", 0, ""},
    {"at once, the session lives on", WILL_V5(AFTER_100, ""), V5_CONNACK(LIMITS), NULL,
     "disconnected(me,0) will(gone,0) offline", 100000, "closed(me)"},
    {"delayed", WILL_V5(AFTER_100, "18 0000000A"), V5_CONNACK(LIMITS), NULL,
     "disconnected(me,0) offline", 10000, "will(gone,0)"},
    {"delayed beyond the session", WILL_V5(AFTER_100, "18 000000C8"), V5_CONNACK(LIMITS), NULL,
     "disconnected(me,0) offline", 100000, "will(gone,0) closed(me)"},
    {"delayed without a session", WILL_V5("", "18 0000000A"), V5_CONNACK(LIMITS), NULL,
     "disconnected(me,0) will(gone,0) closed(me) offline", 0, ""},
    {"delayed, the session cut short", WILL_V5(AFTER_100, "18 0000000A"), V5_CONNACK(LIMITS),
     "E0 { 04 { 11 00000000 } }", "disconnected(me,0) will(gone,0) closed(me) offline", 0, ""},
    {"delayed, orderly", WILL_V5(AFTER_100, "18 0000000A"), V5_CONNACK(LIMITS), "E0 00",
     "disconnected(me,0) offline", 100000, "closed(me)"},
};

/* [MQTT-3.1.2-8], [MQTT-3.1.2-10], [MQTT-3.1.3-9] */
static void wills(void **state)
{
    for (size_t i = 0; i < sizeof(will_cases) / sizeof(will_cases[0]); i++) {
        const struct will_case *w = &will_cases[i];
        struct play_client *c;

        print_message("  %s\n", w->name);
        c = play_connect_as(w->connect, w->connack);
        if (w->last == NULL)
            play_break(c);
        else
            play_send(c, w->last);
        play_expect_closed(c);
        play_expect_story(w->story);
        if (w->after_ms != 0) {
            play_advance(w->after_ms - 1);
            play_expect_story("");
            play_advance(1 + TIMER_TICK_MS);
            play_expect_story(w->later);
        }
        assert_int_equal(play_close(state), 0);
        play_open(state);
    }
}

/* [MQTT-3.1.3-9] */
static void a_will_that_waits_ends_when_the_client_is_back(void **state)
{
    struct play_client *c = play_connect_as(WILL_V5(AFTER_100, "18 0000000A"), V5_CONNACK(LIMITS));

    (void)state;
    play_break(c);
    play_advance(9000);
    c = play_connect_as(V5_KEPT, V5_PRESENT);
    play_advance(1000000);
    play_break(c); /* which has no will of its own */
    play_advance(99000);
    play_expect_story("disconnected(me,0) offline");
}

/* Its session ends there, and with it the delay. */
static void a_will_that_waits_is_due_at_a_clean_start(void **state)
{
    struct play_client *c = play_connect_as(WILL_V5(AFTER_100, "18 0000000A"), V5_CONNACK(LIMITS));

    (void)state;
    play_break(c);
    play_forget_story();
    c = play_connect();
    play_send(c, CLEAN);
    play_expect(c, CONNACK);
    play_expect_story("auth(me) will(gone,0) closed(me) opened(me) connected(new)");
}

static void a_stop_of_the_server_publishes_no_will(void **state)
{
    struct play_client *c = play_connect_as(WILL_V5(AFTER_100, "18 0000000A"), V5_CONNACK(LIMITS));

    (void)state;
    play_break(c);
    play_forget_story();
    session_table_close_all(play.home);
    play_expect_story("closed(me)");
}

static void release(void)
{
    conn_release(play.home, play.withheld);
    play_turn();
}

/* Connects one whose will is stored. */
static struct play_client *connect_kept(const char *connect, const char *connack)
{
    struct play_client *c = play_connect();

    play.keeps_wills = true;
    play_send(c, connect);
    play_expect(c, "");
    release();
    play_expect(c, connack);
    return c;
}

/* Whoever hears that a will was accepted may rely on it. [MQTT-3.1.2-8] */
static void the_connack_waits_until_a_will_is_stored(void **state)
{
    struct play_client *c = connect_kept(WILL_CLEAN, CONNACK);

    (void)state;
    play_expect_story("auth(me) opened(me) keep(gone) connected(new)");
    play_break(c);
    play_expect_story("disconnected(me,0) will(gone,1) closed(me) offline");
}

static void so_does_what_follows_it(void **state)
{
    struct play_client *c = play_connect();

    (void)state;
    play.keeps_wills = true;
    play_send(c, WILL_CLEAN);
    play_send(c, "C0 00");
    play_send(c, "E0 00");
    play_expect(c, "");
    play_expect_story("auth(me) opened(me) keep(gone) connected(new) "
                      "forget(gone) disconnected(me,0) closed(me) offline");
    release();
    play_expect(c, CONNACK " D0 00");
    play_expect_closed(c);
}

/* Who waits for a CONNACK says nothing. */
static void silence_counts_from_then_on(void **state)
{
    struct play_client *c = play_connect();

    (void)state;
    play.keeps_wills = true;
    play_send(c, "10 { <MQTT> 04 0E 000A <me> <w> <gone> }");
    play_advance(100000);
    play_expect_open(c);
    release();
    play_expect(c, CONNACK);
    play_advance(10000);
    play_expect_open(c);
    play_advance(5000 + TIMER_TICK_MS);
    play_expect_closed(c);
}

static void a_stored_will_that_waits(void **state)
{
    struct play_client *c = connect_kept(WILL_V5(AFTER_100, "18 0000000A"), V5_CONNACK(LIMITS));

    (void)state;
    play_forget_story();
    play_break(c);
    play_expect_story("disconnected(me,0) put off(gone) offline");
    c = play_connect_as(V5_KEPT, V5_PRESENT);
    play_send(c, "E0 00");
    play_expect_story("disconnected(me,0) offline");
}

/* It is due after the next start. */
static void a_stop_of_the_server_leaves_it_stored(void **state)
{
    struct play_client *c = connect_kept(WILL_V5(AFTER_100, "18 0000000A"), V5_CONNACK(LIMITS));

    (void)state;
    play_break(c);
    play_forget_story();
    session_table_close_all(play.home);
    play_expect_story("closed(me)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAY_TEST(wills),
        PLAY_TEST(a_will_that_waits_ends_when_the_client_is_back),
        PLAY_TEST(a_will_that_waits_is_due_at_a_clean_start),
        PLAY_TEST(a_stop_of_the_server_publishes_no_will),
        PLAY_TEST(the_connack_waits_until_a_will_is_stored),
        PLAY_TEST(so_does_what_follows_it),
        PLAY_TEST(silence_counts_from_then_on),
        PLAY_TEST(a_stored_will_that_waits),
        PLAY_TEST(a_stop_of_the_server_leaves_it_stored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
