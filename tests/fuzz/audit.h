/*
 * A client's view of one connection: what it sent, and whether what the server sends back may be.
 *
 * Whatever the client does, each packet from the server must be well-formed for the version,
 * within the limits that CONNECT set (Maximum Packet Size, Receive Maximum, Topic Alias Maximum,
 * Request Problem Information), in its place (CONNACK first and once, nothing behind DISCONNECT or
 * a refusal), and an answer to something that was asked, in order. At rest nothing may be left
 * unanswered, and a client that broke the protocol must have been closed. Each failure ends the
 * process.
 *
 * What the client sent is understood by the server's own decoders, which have their own targets.
 */
#pragma once

#include "mqtt/packet.h"

/** Hears of each PUBLISH that is in order; the topic may be empty (an alias). */
typedef void (*audit_publish_fn)(void *arg, struct slice topic, struct slice payload);

struct audit {
    /* what was sent */
    struct buffer sent;  /* owned: the packet that is not whole yet */
    uint32_t packet_max; /* of the server */
    bool has_connect;    /* a whole first packet was sent */
    bool is_broken;      /* what follows is not looked at any more */
    bool version_known;  /* it was a CONNECT of 3.1.1 or 5.0 */
    bool may_connect;    /* and one without a fault */
    enum mqtt_version version;
    bool clean_start, has_client_id, wants_problems;
    uint32_t maximum_packet_size; /* 0: none */
    uint16_t receive_maximum, topic_alias_maximum;

    /* what came */
    struct buffer in;  /* owned: the packet that is not whole yet */
    bool is_connected; /* CONNACK of success */
    bool is_refused, is_disconnected;
    enum reason disconnect_reason;
    uint64_t known_aliases[1024]; /* bits */

    struct buffer asked;  /* owned: struct audit_question, oldest first */
    struct buffer flows;  /* owned: struct audit_flow, oldest first */
    struct buffer doubts; /* owned: uint16_t; acknowledged before they came */

    bool acknowledges;           /* deliveries, by itself */
    struct buffer answers;       /* owned: what is to be sent for that */
    audit_publish_fn on_publish; /* may be NULL */
    void *arg;
};

void audit_init(struct audit *a, uint32_t packet_max);
void audit_deinit(struct audit *a);

/** The client sends these bytes (MQTT, without WebSocket frames). */
void audit_sent(struct audit *a, struct slice bytes);

/** The server sent these. */
void audit_received(struct audit *a, struct slice bytes);

/** The packet identifier of the oldest delivery that is not acknowledged yet, or 0. */
uint16_t audit_oldest_delivery(const struct audit *a);

/** True while the server has neither accepted nor refused a CONNECT that was sent. */
bool audit_waits(const struct audit *a);

/** All that was sent arrived, and all that the server sent was received. */
void audit_rest(const struct audit *a, bool is_closed);
