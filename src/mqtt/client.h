/*
 * One MQTT connection: from CONNECT to its end. Holds what ends with the connection: aliases,
 * limits, acknowledgement order, keep alive. Belongs to its connection's worker; freed at the end
 * of the turn in which its connection closed.
 */
#pragma once

#include "mqtt/alias.h"
#include "mqtt/encode.h"
#include "mqtt/flow_in.h"
#include "mqtt/session.h"

enum { CLIENT_MAGIC = 0x434C4945 };

/** What was decided about a CONNECT that was put off. */
enum client_decision { CLIENT_UNDECIDED, CLIENT_ALLOWED, CLIENT_REFUSED };

enum client_state { CLIENT_WAIT_CONNECT, CLIENT_CONNECTED, CLIENT_CLOSED };

/** What all clients of a service have in common. */
struct client_settings {
    const struct mqtt_service *service;
    uint32_t maximum_packet_size; /* towards us */
    uint32_t connect_max;         /* of a CONNECT; 0: no less */
};

struct client {
    uint32_t magic;
    enum client_state state;
    struct conn *conn; /* borrowed: until on_closed */
    const struct client_settings *settings;
    struct session *session; /* borrowed; NULL before CONNECT and after its end */
    struct encode_target target;
    uint16_t receive_maximum;
    uint16_t keep_alive_s;
    bool will_is_dropped; /* DISCONNECT 0x00 came */
    bool is_taken_over;
    bool has_session_expiry; /* CONNECT asked for more than 0 */
    enum reason end_reason;  /* why we ended it */
    uint64_t number;         /* of this connection in its session */
    uint64_t last_packet_ms;
    uint32_t unacknowledged; /* QoS 1 and 2 publishes towards us that we owe an answer */
    struct timer keep_alive;
    struct flow_in_acks acks;
    struct alias_in aliases_in;
    struct alias_out aliases_out;
    struct buffer scratch; /* owned: acknowledgements are encoded here */
    struct buffer held;    /* owned: answers to SUBSCRIBE and UNSUBSCRIBE that wait until what they
                              say is durable; each behind its length */
    uint32_t held_count;
    uint64_t wait_number; /* names it while its CONNECT is put off; 0: it is not */
    enum client_decision decision;
    struct session *waits_for; /* borrowed: that it will take over, or whose end is not secured
                                  yet; NULL: none */
    bool has_awaited_end; /* no session was there then: one that is there is of a newer client */
    struct take_over_pace pace; /* of the session before it, which has ended */
    struct timer wait_timer;
    struct list free_node;
    void *owner; /* the service's object for this connection; set in authenticate */
};

/** The handler of connections that speak MQTT; conn_origin.service indexes `settings`. */
extern const struct conn_handler client_conn_handler;

/** Registers the settings of a service number (conn_origin.service); before any connection. */
void client_set_settings(unsigned service, const struct client_settings *settings);

struct worker *client_worker(const struct client *c);

/** Ends the connection: v5 DISCONNECT with the reason (and reason string) first. The session goes
 * on as the standard says. */
void client_disconnect(struct client *c, enum reason reason, struct slice why);

/** Another connection takes this one's place: 0x8E, then its end. */
void client_take_over(struct client *c);

/** Answers a publish that the service had put off; a ticket of a connection that is gone is
 * accepted. `why`: reference passes; may be NULL. */
void client_answer(struct worker *w, const struct service_ticket *ticket, enum reason reason,
                   struct shared_bytes *why);

/** For `authenticate`, which asks somebody and sets login.is_later: a number by which the answer
 * finds the client. */
uint64_t client_wait_number(struct client *c);

/** The answer: authenticate is called once more, with client.decision set. A client that has gone
 * is accepted. */
void client_decide(struct worker *w, uint64_t wait_number, bool is_allowed);

/** Keeps the answer in `scratch` until client_secured. */
void client_hold_scratch(struct client *c);

/** After `secure_subscriptions`: the next answer that is held may leave. A connection that is gone,
 * or another one (`number`), is accepted. */
void client_secured(struct worker *w, uint64_t session, uint64_t number);

/** For the table of clients by wait number. */
bool client_has_wait_number(const void *item, const void *number);

/** Sends an acknowledgement of a delivery's flow. */
void client_send_ack(struct client *c, enum packet_type type, uint16_t packet_id,
                     enum reason reason);

/** Writes a PUBLISH; false: too large for the client, nothing was written. */
bool client_send_publish(struct client *c, const struct delivery *d, uint16_t packet_id, bool dup);

/** Frees clients whose connections are closed; a hook at the end of the turn. */
void client_free_closed(struct worker *w);
