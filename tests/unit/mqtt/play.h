/*
 * A server with one MQTT service that does what a test tells it to, clients at the other end of
 * transports in memory, and a clock turned by hand.
 *
 * Packets are written and expected in the notation of wire.h. What the service is asked and told is
 * written down as a story: "auth(me) opened(me) connected(new) …". One play at a time, one thread.
 */
#pragma once

#include "mqtt/client.h"

enum { PLAY_WORKERS = 2, PLAY_TICKETS_MAX = 2000, PLAY_START_MS = 1000000 };

/** What the service answers; set by play_open, changed by tests. */
struct play {
    struct worker_group *workers;
    struct worker *home; /* where sessions live, and connections are accepted */
    unsigned home_index; /* what the service says when it is asked for the home */
    struct service_login login;
    enum reason login_reason;
    bool asks_first;                /* authenticate asks somebody first: play_decide */
    uint64_t wait_number;           /* of the last CONNECT that was put off */
    struct service_verdict verdict; /* is_later: play_answer gives it */
    struct service_ticket tickets[PLAY_TICKETS_MAX];
    unsigned ticket_count;
    bool keeps_wills;      /* they are stored, each under a number of its own */
    uint64_t withheld;     /* until the last one that a client waits for is */
    struct client *client; /* borrowed: the last one that was asked about */
    bool is_stored;        /* sessions are, and their ends are secured by session_end_secured */
};

extern struct play play;
extern struct session_limits play_limits; /* set by play_open, changed by tests */
extern struct mqtt_service play_service;  /* likewise */

struct play_client;

/** A setup and a teardown of cmocka; the latter proves that nothing is left. */
int play_open(void **state);
int play_close(void **state);

#define PLAY_TEST(function) cmocka_unit_test_setup_teardown(function, play_open, play_close)

/** From now on a CONNECT may have so many bytes; until play_close. */
void play_limit_connect(uint32_t bytes);

/** A connection; freed by play_close. */
struct play_client *play_connect(void);

/** A connection that has sent a CONNECT and taken its CONNACK; the story so far is forgotten. */
struct play_client *play_connect_as(const char *connect, const char *connack);

/** Sends and turns the workers. */
void play_send(struct play_client *c, const char *packets);
/** Sends bytes as they are. */
void play_send_bytes(struct play_client *c, struct slice bytes);

/** Turns the workers until nothing more happens. */
void play_turn(void);

/** Moves the clock, then turns. */
void play_advance(uint64_t ms);

/** Fails unless this is what came since the last call. */
void play_expect(struct play_client *c, const char *packets);

/** What came since the last call. The caller owns it. */
struct buffer play_take(struct play_client *c);

/** Fails unless the server has closed the connection. */
void play_expect_closed(struct play_client *c);
void play_expect_open(struct play_client *c);

/** The client goes without a word; its end of the stream, or a fault. */
void play_break(struct play_client *c);

/** From now on the server cannot write; it does not notice before it tries. */
void play_fail_writes(struct play_client *c);

/** How much the server may still write: SIZE_MAX at first. */
void play_set_room(struct play_client *c, size_t room);

/** Fails unless this is the story since the last call. */
void play_expect_story(const char *want);
void play_forget_story(void);

/** Answers the publish with this number (from 0). `why` may be NULL. */
void play_answer(unsigned ticket, enum reason reason, const char *why);

/** The session with this client identifier; fails when there is none. */
struct session *play_session(const char *client_id);

/** Gives a session a message with topic "t". */
enum session_result play_deliver(const char *client_id, uint8_t qos, uint64_t seq,
                                 const char *payload);
enum session_result play_deliver_message(const char *client_id, struct delivery *d);
struct delivery play_delivery(uint8_t qos, uint64_t seq, struct slice payload);
