/*
 * The receiving side of a session by the book: which packet identifiers it has seen, what it owes
 * an acknowledgement for, and whether what the server sends is allowed.
 *
 * In the world identifiers never come round, so each stands for one delivery of its session for
 * good. Source: MQTT 5.0 sections 4.3, 4.4, 4.6, 4.9
 */
#pragma once

#include "player.h"

enum receiver_state {
    RECEIVER_UNSEEN,
    RECEIVER_RECEIVED, /* PUBLISH came; PUBACK or PUBREC has not left */
    RECEIVER_RECORDED, /* QoS 2: PUBREC has left */
    RECEIVER_RELEASED, /* QoS 2: PUBREL came; PUBCOMP has not left */
    RECEIVER_DONE,
    RECEIVER_STALE /* done, and the server has been started anew: a new one may have its identifier
                    */
};

/** One delivery. */
struct receipt {
    uint64_t content; /* what was in it; must be the same when it comes again */
    uint64_t link;    /* the last one on which its PUBLISH came */
    uint8_t state;
    uint8_t qos;
};

struct receiver_ack {
    enum peer_type type;
    uint16_t packet_id;
};

struct receiver {
    struct player *player;    /* borrowed */
    struct receipt *receipts; /* owned, by packet identifier */
    uint32_t capacity;
    struct receiver_ack *acks; /* owned; not sent yet, oldest first */
    uint32_t ack_count, ack_capacity;
    bool is_resumed;    /* this connection continues a session */
    bool is_restarted;  /* so has the server been, since the session began */
    bool new_came;      /* on this connection: a QoS 1 or 2 PUBLISH without DUP */
    uint16_t last_id;   /* of this connection's PUBLISHes */
    uint32_t in_flight; /* PUBLISHes of this connection that are not acknowledged to the end */
};

void receiver_deinit(struct receiver *r);

/** A new connection; `goes_on` false: everything is forgotten. */
void receiver_connected(struct receiver *r, bool goes_on);

/** The server has been started anew: identifiers of QoS 1, and those that are over, may stand for
 * other deliveries from now on. */
void receiver_restarted(struct receiver *r);

/** Acknowledgements that have not left never will. */
void receiver_lost(struct receiver *r);

/** A PUBLISH of QoS 1 or 2. True: it is new; false: it is known and came again rightly. */
bool receiver_publish(struct receiver *r, const struct peer_packet *k, uint64_t content);

void receiver_pubrel(struct receiver *r, const struct peer_packet *k);

/** Sends the acknowledgement at this place of the queue. */
void receiver_acknowledge(struct receiver *r, uint32_t index);

/** Everything that came was acknowledged to its end. `takes_back`: the server may have given QoS 1
 * of an earlier connection to somebody else. What was too large to be sent again may stay open. */
void receiver_check_done(const struct receiver *r, bool takes_back);
