/*
 * What a connected client sends: publishes and the order of their answers, subscriptions, faults.
 */
#include "mqtt/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/writer.h"
#include "mqtt/counters.h"
#include "play.h"
#include "wire.h"

#define CLEAN      "10 { <MQTT> 04 02 0000 <me> }"
#define KEPT       "10 { <MQTT> 04 00 0000 <me> }"
#define CONNACK    "20 02 00 00"
#define PRESENT    "20 02 01 00"
#define V5         "10 { <MQTT> 05 02 0000 {} <me> }"
#define V5_KEPT    "10 { <MQTT> 05 00 0000 { 11 00000064 } <me> }"
#define V5_CONNACK "20 { 00 00 { 21 000A 27 000F4240 } }"
#define V5_PRESENT "20 { 01 00 { 21 000A 27 000F4240 } }"

/* Both versions of one behaviour: what is sent, answered, and told to the service. */
struct input_case {
    const char *name;
    bool is_v5;
    struct service_verdict verdict;
    const char *sent, *answer, *story;
};

static void play_cases(void **state, const struct input_case *cases, size_t count, bool ends)
{
    for (size_t i = 0; i < count; i++) {
        const struct input_case *c = &cases[i];
        struct play_client *client;

        print_message("  %s\n", c->name);
        client = play_connect_as(c->is_v5 ? V5 : CLEAN, c->is_v5 ? V5_CONNACK : CONNACK);
        play.verdict = c->verdict;
        play_send(client, c->sent);
        play_expect(client, c->answer);
        play_expect_story(c->story);
        if (ends)
            play_expect_closed(client);
        else
            play_expect_open(client);
        assert_int_equal(play_close(state), 0);
        play_open(state);
    }
}

#define COUNT(cases) (sizeof(cases) / sizeof(cases[0]))

/* --- publishes ------------------------------------------------------------------------------- */

#define NONE                     \
    {                            \
        .reason = REASON_SUCCESS \
    }
#define NOBODY                                   \
    {                                            \
        .reason = REASON_NO_MATCHING_SUBSCRIBERS \
    }
#define REFUSED                                                             \
    {                                                                       \
        .reason = REASON_NOT_AUTHORIZED, .why = {(const uint8_t *)"no", 2 } \
    }

static const struct input_case publish_cases[] = {
    {"QoS 0", false, NONE, "30 { <t> 'x' }", "", "publish(t,0)(x)"},
    {"QoS 0, refused", true, REFUSED, "30 { <t> {} 'x' }", "", "publish(t,0)(x)"},
    {"QoS 1", false, NONE, "32 { <t> 0001 'x' }", "40 02 0001", "publish(t,1)(x)"},
    {"QoS 1, 5.0", true, NONE, "32 { <t> FFFF {} 'x' }", "40 02 FFFF", "publish(t,1)(x)"},
    {"QoS 1, empty", false, NONE, "32 { <t> 0001 }", "40 02 0001", "publish(t,1)()"},
    {"nobody there", false, NOBODY, "32 { <t> 0001 'x' }", "40 02 0001", "publish(t,1)(x)"},
    {"nobody there, 5.0", true, NOBODY, "32 { <t> 0001 {} }", "40 03 0001 10", "publish(t,1)()"},
    {"refused", false, REFUSED, "32 { <t> 0001 'x' }", "40 02 0001", "publish(t,1)(x)"},
    {"refused, 5.0", true, REFUSED, "32 { <t> 0001 {} }", "40 { 0001 87 { 1F <no> } }",
     "publish(t,1)()"},
    {"QoS 1 again is executed again", false, NONE, "32 { <t> 0001 } 3A { <t> 0001 }",
     "40 02 0001 40 02 0001", "publish(t,1)() publish(t,1)()"},
    {"QoS 2", false, NONE, "34 { <t> 0001 'x' } 62 02 0001", "50 02 0001 70 02 0001",
     "publish(t,2)(x)"},
    {"QoS 2 again is not", false, NONE,
     "34 { <t> 0001 'x' } 3C { <t> 0001 'x' } 62 02 0001 62 02 0001",
     "50 02 0001 50 02 0001 70 02 0001 70 02 0001", "publish(t,2)(x)"},
    {"QoS 2, the identifier is free after PUBREL", true, NONE,
     "34 { <t> 0001 {} } 62 02 0001 34 { <t> 0001 {} }", "50 02 0001 70 02 0001 50 02 0001",
     "publish(t,2)() publish(t,2)()"},
    {"QoS 2, an identifier for each", false, NONE,
     "34 { <t> 0001 } 34 { <t> 0002 } 62 02 0001 3C { <t> 0002 }",
     "50 02 0001 50 02 0002 70 02 0001 50 02 0002", "publish(t,2)() publish(t,2)()"},
    {"QoS 2, refused, 5.0: it may come anew", true, REFUSED,
     "34 { <t> 0001 {} } 34 { <t> 0001 {} }",
     "50 { 0001 87 { 1F <no> } } 50 { 0001 87 { 1F <no> } }", "publish(t,2)() publish(t,2)()"},
    {"QoS 2, refused, 3.1.1: it ends as usual", false, REFUSED,
     "34 { <t> 0001 } 3C { <t> 0001 } 62 02 0001", "50 02 0001 50 02 0001 70 02 0001",
     "publish(t,2)()"},
    {"PUBREL of nothing", false, NONE, "62 02 0009", "70 02 0009", ""},
    {"PUBREL of nothing, 5.0", true, NONE, "62 02 0009", "70 03 0009 92", ""},
};

/* [MQTT-4.3.1-*], [MQTT-4.3.2-*], [MQTT-4.3.3-*] */
static void publishes(void **state)
{
    play_cases(state, publish_cases, COUNT(publish_cases), false);
}

/* [MQTT-4.6.0-2], [MQTT-4.6.0-3]: late answers leave in the order of the publishes. */
static void answers_keep_the_order_of_the_publishes(void **state)
{
    struct play_client *c = play_connect_as(V5, V5_CONNACK);

    (void)state;
    play.verdict.is_later = true;
    play_send(c, "32 { <t> 0001 {} } 34 { <t> 0002 {} } 32 { <t> 0003 {} } 30 { <t> {} }");
    play.verdict = (struct service_verdict)REFUSED;
    play_send(c, "32 { <t> 0004 {} } C0 00");
    play_expect(c, "D0 00"); /* which waits for none of them */
    play_answer(2, REASON_NO_MATCHING_SUBSCRIBERS, NULL);
    play_expect(c, "");
    play_answer(0, REASON_SUCCESS, NULL);
    play_expect(c, "40 02 0001");
    play_answer(1, REASON_QUOTA_EXCEEDED, "full");
    play_expect(c, "50 { 0002 97 { 1F <full> } } 40 03 0003 10 40 { 0004 87 { 1F <no> } }");
    play_send(c, "32 { <t> 0005 {} }"); /* nothing waits any more */
    play_expect(c, "40 { 0005 87 { 1F <no> } }");
}

/* A PUBREL that comes before its PUBREC has left: the message is carried out once all the same, and
 * PUBCOMP follows PUBREC. [MQTT-4.3.3-10], [MQTT-4.3.3-11] */
static void regress_pubrel_before_the_decision(void **state)
{
    struct play_client *c = play_connect_as(V5_KEPT, V5_CONNACK);

    (void)state;
    play.verdict.is_later = true;
    play_send(c, "34 { <t> 0001 {} 'x' } 62 02 0001 3C { <t> 0001 {} 'x' } 62 02 0001");
    play_expect(c, "");
    play_expect_story("publish(t,2)(x)");
    play_answer(0, REASON_SUCCESS, NULL);
    play_expect(c, "50 02 0001 70 02 0001 50 02 0001 70 02 0001");
    play_send(c, "34 { <t> 0001 {} 'y' }"); /* the identifier is free now */
    play_expect_story("publish(t,2)(y)");
    play_send(c, "62 02 0001");
    play_answer(1, REASON_QUOTA_EXCEEDED, NULL);
    play_expect(c, "50 03 0001 97 70 03 0001 92");
    play_expect_story("");
    assert_int_equal(play_session("me")->in.count, 0);
}

/* The same over a reconnect: the answer comes on the connection that asked last. */
static void regress_pubrel_before_the_decision_on_another_connection(void **state)
{
    struct play_client *c = play_connect_as(V5_KEPT, V5_CONNACK);

    (void)state;
    play.verdict.is_later = true;
    play_send(c, "34 { <t> 0001 {} 'x' }");
    play_break(c);
    c = play_connect_as(V5_KEPT, V5_PRESENT);
    play_send(c, "62 02 0001");
    play_expect(c, "");
    play_answer(0, REASON_SUCCESS, NULL);
    play_expect(c, "70 02 0001");
    play_expect_story("");
    assert_int_equal(play_session("me")->in.count, 0);
}

/* Answers that nobody can be sent yet are bounded, of PUBRELs too. */
static void undecided_pubrels_are_not_read_for_ever(void **state)
{
    struct play_client *c = play_connect_as(V5, V5_CONNACK);

    (void)state;
    play.verdict.is_later = true;
    play_send(c, "34 { <t> 0001 {} 'x' }");
    for (unsigned i = 0; i < 2000 && !conn_is_paused(play.client->conn); i++)
        play_send(c, "62 02 0001");
    assert_true(conn_is_paused(play.client->conn));
    play_answer(0, REASON_SUCCESS, NULL);
    assert_false(conn_is_paused(play.client->conn));
}

/* The memory of a large answer is not kept for as long as the connection lasts. */
static void what_a_large_answer_took_is_given_back(void **state)
{
    enum { FILTERS = 5000 };
    struct play_client *c = play_connect_as(V5, V5_CONNACK);
    struct buffer body = {0}, packet = {0};
    struct buffer got;
    uint8_t header[5];
    struct writer w = writer_of(header, sizeof(header));

    (void)state;
    buffer_append(&body, "\0\1\0", 3);
    for (unsigned i = 0; i < FILTERS; i++)
        buffer_append(&body, "\0\1f\0", 4);
    writer_u8(&w, 0x82);
    writer_varint(&w, (uint32_t)body.len);
    buffer_append(&packet, header, writer_len(&w));
    buffer_append_slice(&packet, buffer_slice(&body));
    play_send_bytes(c, buffer_slice(&packet));
    got = play_take(c);
    assert_int_equal(got.len, 3 + 3 + FILTERS); /* a SUBACK of this many codes */
    assert_true(play.client->scratch.capacity <= 1024);
    buffer_deinit(&body);
    buffer_deinit(&packet);
    buffer_deinit(&got);
}

static void an_answer_to_one_that_has_gone(void **state)
{
    struct play_client *c = play_connect_as(KEPT, CONNACK);

    (void)state;
    play.verdict.is_later = true;
    play_send(c, "32 { <t> 0001 } 32 { <t> 0002 } 34 { <t> 0003 }");
    play_break(c);
    play_answer(0, REASON_QUOTA_EXCEEDED, "why");
    c = play_connect_as(KEPT, PRESENT);
    play_send(c, "3A { <t> 0002 }"); /* the same identifier, another publish */
    play_answer(1, REASON_SUCCESS, NULL);
    play_expect(c, "");
    play_answer(3, REASON_SUCCESS, NULL);
    play_expect(c, "40 02 0002");
    play_break(c);
    play_advance(501000);
    play_forget_story();
    play_answer(2, REASON_QUOTA_EXCEEDED, "why"); /* the session has gone, too */
    play_expect_story("");
}

/* A QoS 2 publish that is repeated on a new connection while it is undecided is not executed
 * again, and hears of the one verdict. */
static void a_verdict_that_comes_on_a_later_connection(void **state)
{
    struct play_client *c = play_connect_as(V5_KEPT, V5_CONNACK);

    (void)state;
    play.verdict.is_later = true;
    play_send(c, "34 { <t> 0001 {} }");
    play_break(c);
    c = play_connect_as(V5_KEPT, V5_PRESENT);
    play_send(c, "3C { <t> 0001 {} }");
    play_expect(c, "");
    play_answer(0, REASON_NO_MATCHING_SUBSCRIBERS, NULL);
    play_expect(c, "50 03 0001 10");
    play_send(c, "3C { <t> 0001 {} } 62 02 0001");
    play_expect(c, "50 02 0001 70 02 0001");
    play_expect_story("");

    /* Decided while nobody was there. */
    play_send(c, "34 { <t> 0002 {} }");
    play_break(c);
    play_answer(1, REASON_SUCCESS, NULL);
    c = play_connect_as(V5_KEPT, V5_PRESENT);
    play_send(c, "3C { <t> 0002 {} } 62 02 0002");
    play_expect(c, "50 02 0002 70 02 0002");
    play_expect_story("");
}

/* [MQTT-3.3.4-9] */
static void the_receive_maximum(void **state)
{
    struct play_client *c = play_connect_as(V5, V5_CONNACK);

    (void)state;
    play.verdict.is_later = true;
    for (unsigned i = 0; i < 5; i++)
        play_send(c, "32 { <t> 0001 {} }");
    play.verdict.is_later = false;
    play_send(c, "34 { <t> 0002 {} } 34 { <t> 0003 {} } 34 { <t> 0004 {} } 34 { <t> 0005 {} }");
    play_send(c, "34 { <t> 0006 {} } 3C { <t> 0006 {} }"); /* a repetition is not one more */
    play_expect(c, "");
    for (unsigned i = 0; i < 5; i++)
        play_answer(i, REASON_SUCCESS, NULL);
    play_expect(c, "40 02 0001 40 02 0001 40 02 0001 40 02 0001 40 02 0001"
                   "50 02 0002 50 02 0003 50 02 0004 50 02 0005 50 02 0006 50 02 0006");
    play.verdict.is_later = true;
    for (unsigned i = 0; i < 5; i++)
        play_send(c, "32 { <t> 0001 {} }");
    play_expect_open(c);
    play_send(c, "32 { <t> 0001 {} }");
    play_expect(c, "E0 01 93");
    play_expect_closed(c);
}

/* What a former connection left without PUBREL is not this one's: its quota is whole. What comes
 * again counts, once. MQTT 5.0 section 4.9, [MQTT-3.3.4-7] */
static void regress_the_receive_maximum_of_a_new_connection(void **state)
{
    struct play_client *c = play_connect_as(V5_KEPT, V5_CONNACK);
    struct buffer got;

    (void)state;
    for (unsigned i = 1; i <= 10; i++) {
        uint8_t packet[] = {0x34, 6, 0, 1, 't', 0, (uint8_t)i, 0};

        play_send_bytes(c, slice_make(packet, sizeof(packet)));
    }
    got = play_take(c);
    assert_int_equal(got.len, 10 * 4);
    buffer_deinit(&got);
    play_break(c);
    c = play_connect_as(V5_KEPT, V5_PRESENT);
    play_send(c, "32 { <t> 0014 {} }");
    play_expect(c, "40 02 0014");
    play_send(c, "3C { <t> 0001 {} } 3C { <t> 0001 {} } 3C { <t> 0002 {} }");
    play_expect(c, "50 02 0001 50 02 0001 50 02 0002");
    play.verdict.is_later = true;
    for (unsigned i = 0; i < 8; i++)
        play_send(c, "32 { <t> 0014 {} }");
    play_expect_open(c);
    play_send(c, "3C { <t> 0001 {} }"); /* counted already */
    play_send(c, "62 02 0003");         /* holds nothing, so it gives nothing back */
    play_expect(c, "70 02 0003");
    play_send(c, "62 02 0001");
    play_expect(c, "70 02 0001");
    play_send(c, "32 { <t> 0014 {} }");
    play_expect_open(c);
    play_send(c, "3C { <t> 0004 {} }"); /* one of before, one too many now */
    play_expect(c, "E0 01 93");
    play_expect_closed(c);
}

/* A client that floods is not read further, and loses nothing. */
static void too_many_undecided(void **state)
{
    struct play_client *c = play_connect_as(CLEAN, CONNACK);
    unsigned answered = 0;

    (void)state;
    play.verdict.is_later = true;
    for (unsigned i = 1; i <= 1500; i++) {
        uint8_t packet[] = {0x32, 5, 0, 1, 't', (uint8_t)(i >> 8), (uint8_t)i};

        play_send_bytes(c, slice_make(packet, sizeof(packet)));
    }
    assert_int_equal(play.ticket_count, 1024);
    while (answered < play.ticket_count) {
        struct buffer got;

        play_answer(answered++, REASON_SUCCESS, NULL);
        got = play_take(c);
        assert_int_equal(got.len, 4);
        assert_int_equal(got.data[2] << 8 | got.data[3], answered);
        buffer_deinit(&got);
    }
    assert_int_equal(answered, 1500);
    play_send(c, "C0 00");
    play_expect(c, "D0 00");
}

/* --- topic aliases --------------------------------------------------------------------------- */

static const struct input_case alias_cases[] = {
    {"set and used", true, NONE, "30 { <t> { 23 0001 } 'x' } 30 { 0000 { 23 0001 } 'y' }", "",
     "publish(t,0)(x) publish(t,0)(y)"},
    {"set anew", true, NONE,
     "30 { <t> { 23 0020 } 'x' } 30 { <u> { 23 0020 } 'y' } 30 { 0000 { 23 0020 } 'z' }", "",
     "publish(t,0)(x) publish(u,0)(y) publish(u,0)(z)"},
};

static const struct input_case alias_faults[] = {
    {"never set", true, NONE, "30 { 0000 { 23 0001 } 'x' }", "E0 01 82",
     "disconnected(me,0) closed(me) offline"},
    {"over the maximum", true, NONE, "30 { <t> { 23 0021 } 'x' }", "E0 01 94",
     "disconnected(me,0) closed(me) offline"},
    {"0", true, NONE, "30 { <t> { 23 0000 } 'x' }", "E0 01 94",
     "disconnected(me,0) closed(me) offline"},
};

/* [MQTT-3.3.2-8 to -12] */
static void aliases(void **state)
{
    struct play_client *c;

    play_cases(state, alias_cases, COUNT(alias_cases), false);
    play_cases(state, alias_faults, COUNT(alias_faults), true);
    c = play_connect_as(V5_KEPT, V5_CONNACK);
    play_send(c, "30 { <t> { 23 0001 } 'x' }");
    play_break(c);
    c = play_connect_as(V5_KEPT, V5_PRESENT);
    play_send(c, "30 { 0000 { 23 0001 } 'x' }"); /* it went with its connection */
    play_expect(c, "E0 01 82");
}

/* --- subscriptions --------------------------------------------------------------------------- */

static const struct input_case subscribe_cases[] = {
    {"SUBSCRIBE", false, NONE, "82 { 0001 <a> 01 }", "90 { 0001 01 }",
     "subscribe(a,1) subscribed()"},
    {"several, one refused", false, NONE, "82 { 0001 <a> 02 <no> 00 <b> 00 }",
     "90 { 0001 02 80 00 }", "subscribe(a,2) subscribe(no,0) subscribe(b,0) subscribed()"},
    {"5.0, with an identifier", true, NONE, "82 { 0001 { 0B 07 } <a> 01 <no> 02 <no> 01 }",
     "90 { 0001 { 1F <no> } 01 87 87 }",
     "subscribe(a,71) subscribe(no,72) subscribe(no,71) subscribed()"},
    {"5.0, without", true, NONE, "82 { 0001 {} <a> 2D }", "90 { 0001 {} 01 }",
     "subscribe(a,1) subscribed()"},
    {"UNSUBSCRIBE", false, NONE, "A2 { 0002 <a> <no> }", "B0 02 0002",
     "unsubscribe(a) unsubscribe(no)"},
    {"UNSUBSCRIBE, 5.0", true, NONE, "A2 { 0002 {} <a> <no> }", "B0 { 0002 {} 00 11 }",
     "unsubscribe(a) unsubscribe(no)"},
    {"PINGREQ", true, NONE, "C0 00", "D0 00", ""},
};

/* [MQTT-3.8.4-*], [MQTT-3.10.4-*], [MQTT-3.12.4-1] */
static void subscriptions(void **state)
{
    play_cases(state, subscribe_cases, COUNT(subscribe_cases), false);
}

/* --- acknowledgements for nothing ------------------------------------------------------------ */

static const struct input_case ack_cases[] = {
    {"PUBACK", false, NONE, "40 02 0001", "", ""},
    {"PUBCOMP", true, NONE, "70 02 0001", "", ""},
    {"PUBREC", false, NONE, "50 02 0001", "62 02 0001", ""},
    {"PUBREC, 5.0", true, NONE, "50 02 0001", "62 03 0001 92", ""},
    {"PUBREC of a refusal", true, NONE, "50 03 0001 80", "", ""},
};

static void acknowledgements_for_nothing(void **state)
{
    int64_t count = counter_read(&CT_acks_unknown);

    play_cases(state, ack_cases, COUNT(ack_cases), false);
    assert_int_equal(counter_read(&CT_acks_unknown), count + 5);
}

/* --- faults ---------------------------------------------------------------------------------- */

#define GONE "disconnected(me,0) closed(me) offline"

static const struct input_case faults[] = {
    {"a second CONNECT", false, NONE, CLEAN, "", GONE},
    {"a second CONNECT, 5.0", true, NONE, V5, "E0 01 82", GONE},
    {"a packet of the server", true, NONE, "90 { 0001 {} 00 }", "E0 01 82", GONE},
    {"type 0", true, NONE, "00 00", "E0 01 81", GONE},
    {"wrong flags", true, NONE, "80 { 0001 {} <a> 01 }", "E0 01 81", GONE},
    {"PINGREQ with a body", true, NONE, "C0 01 00", "E0 01 81", GONE},
    {"AUTH", true, NONE, "F0 00", "E0 01 82", GONE},
    {"AUTH, 3.1.1", false, NONE, "F0 00", "", GONE},
    {"QoS 3", true, NONE, "36 { <t> 0001 {} }", "E0 01 81", GONE},
    {"a packet too large", true, NONE, "30 C1 84 3D", "E0 01 95", GONE},
    {"identifier 0", true, NONE, "32 { <t> 0000 {} }", "E0 01 82", GONE},
    {"no filter", true, NONE, "82 { 0001 {} }", "E0 01 82", GONE},
    {"no local and shared", true, NONE, "82 { 0001 {} <$share/g/a> 05 }", "E0 01 82", GONE},
    {"a fault, then a publish", false, NONE, "00 00 32 { <t> 0001 }", "", GONE},
    {"a publish, then a fault", false, NONE, "32 { <t> 0001 } 00 00", "40 02 0001",
     "publish(t,1)() " GONE},
    {"DISCONNECT, then a publish", false, NONE, "E0 00 32 { <t> 0001 }", "", GONE},
    {"DISCONNECT with a code of the server's", true, NONE, "E0 01 8E", "E0 01 82", GONE},
};

static void faults_end_the_connection(void **state)
{
    int64_t count = counter_read(&CT_mqtt_faults);

    play_cases(state, faults, COUNT(faults), true);
    assert_int_equal(counter_read(&CT_mqtt_faults), count + (int64_t)COUNT(faults) - 1);
}

/* Decided publishes wait behind one that is not; they were taken in without end. */
static void regress_answers_behind_an_undecided_one(void **state)
{
    int64_t before = counter_read(&CT_publishes_received);
    struct play_client *c = play_connect_as(CLEAN, CONNACK);
    struct buffer answers;

    (void)state;
    play.verdict.is_later = true;
    play_send(c, "32 { <t> 0001 }");
    play.verdict.is_later = false;
    for (unsigned i = 0; i < 3000; i++)
        play_send(c, "32 { <t> 0002 }");
    assert_int_equal(counter_read(&CT_publishes_received) - before, 1024); /* then it is not read */
    play_expect(c, "");
    play_answer(0, REASON_SUCCESS, NULL);
    answers = play_take(c);
    assert_int_equal(answers.len, 3001 * 4);
    buffer_deinit(&answers);
    play_forget_story();
}

/* What would be answered by a packet larger than the client takes was done and never answered. */
static void regress_more_codes_than_the_client_takes(void **state)
{
    static const struct {
        const char *sent, *answer;
    } cases[] = {
        {"82 { 0001 {} <a> 00 <b> 00 <c> 00 <d> 00 <e> 00 <f> 00 <g> 00 <h> 00 <i> 00 <j> 00"
         " <k> 00 <l> 00 <m> 00 <n> 00 <o> 00 }",
         "90 { 0001 {} 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 }"},
        {"82 { 0001 {} <a> 00 <b> 00 <c> 00 <d> 00 <e> 00 <f> 00 <g> 00 <h> 00 <i> 00 <j> 00"
         " <k> 00 <l> 00 <m> 00 <n> 00 <o> 00 <p> 00 }",
         "E0 01 95"},
        {"A2 { 0001 {} <a> <b> <c> <d> <e> <f> <g> <h> <i> <j> <k> <l> <m> <n> <o> <p> }",
         "E0 01 95"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct play_client *c =
            play_connect_as("10 { <MQTT> 05 02 0000 { 27 00000014 } <me> }", V5_CONNACK);

        play_send(c, cases[i].sent); /* the first is answered by 20 bytes */
        play_expect(c, cases[i].answer);
        if (i > 0)
            play_expect_story(GONE); /* and nothing was done */
        play_forget_story();
    }
}

/* Answers are owed to a peer that asks on and on and does not read, but not without end. */
static void regress_questions_of_one_that_does_not_read(void **state)
{
    enum { QUESTIONS = 6 * 1024 * 1024, LIMIT = 5 * 1024 * 1024 };
    struct play_client *c = play_connect_as(CLEAN, CONNACK);
    int64_t before = mem_bytes_used(MEM_CONN);
    struct buffer pings = {0}, answers;

    (void)state;
    for (unsigned i = 0; i < QUESTIONS / 2; i++)
        buffer_append(&pings, "\xC0\x00", 2);
    play_set_room(c, 0);
    play_send_bytes(c, buffer_slice(&pings));
    assert_true(mem_bytes_used(MEM_CONN) - before < LIMIT);
    play_set_room(c, SIZE_MAX);
    play_send(c, "C0 00"); /* it is read again, from where it was left */
    answers = play_take(c);
    assert_int_equal(answers.len, QUESTIONS + 2);
    buffer_deinit(&answers);
    buffer_deinit(&pings);
}

/* One peer's fault never touches another. */
static void nobody_else_notices(void **state)
{
    struct play_client *c = play_connect_as(CLEAN, CONNACK);
    struct play_client *other = play_connect_as("10 { <MQTT> 04 02 0000 <other> }", CONNACK);

    (void)state;
    play_send(c, "32 05 00"); /* in the middle of a packet */
    play_send(other, "00 00");
    play_expect_closed(other);
    play_expect_open(c);
    play_send(c, "01 't' 0001");
    play_expect(c, "40 02 0001");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAY_TEST(publishes),
        PLAY_TEST(answers_keep_the_order_of_the_publishes),
        PLAY_TEST(regress_pubrel_before_the_decision),
        PLAY_TEST(regress_pubrel_before_the_decision_on_another_connection),
        PLAY_TEST(undecided_pubrels_are_not_read_for_ever),
        PLAY_TEST(what_a_large_answer_took_is_given_back),
        PLAY_TEST(an_answer_to_one_that_has_gone),
        PLAY_TEST(a_verdict_that_comes_on_a_later_connection),
        PLAY_TEST(the_receive_maximum),
        PLAY_TEST(regress_the_receive_maximum_of_a_new_connection),
        PLAY_TEST(too_many_undecided),
        PLAY_TEST(aliases),
        PLAY_TEST(subscriptions),
        PLAY_TEST(acknowledgements_for_nothing),
        PLAY_TEST(faults_end_the_connection),
        PLAY_TEST(regress_answers_behind_an_undecided_one),
        PLAY_TEST(regress_more_codes_than_the_client_takes),
        PLAY_TEST(regress_questions_of_one_that_does_not_read),
        PLAY_TEST(nobody_else_notices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
