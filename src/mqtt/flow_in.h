/*
 * Publishes of a client: QoS 2 receptions of a session, and the order of acknowledgements on one
 * connection.
 *
 * A QoS 2 identifier is remembered from its PUBLISH until its PUBREL, so that a repetition is
 * answered and not executed again. It counts against the receive maximum of the connection on which
 * its PUBLISH came, so one that a former connection has left does not. Acknowledgements leave in
 * the order of the publishes, even when a later one was decided earlier; so does the PUBCOMP of a
 * PUBREL that came before its decision. Source: MQTT 5.0 sections 4.3, 4.9, [MQTT-4.6.0-2],
 * [MQTT-4.6.0-3]
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/shared_bytes.h"
#include "mqtt/packet.h"

enum {
    FLOW_IN_RECEPTIONS_MAX =
        1024 /* QoS 2 publishes without PUBREL, of all connections of a session together; 3.1.1 has
                no receive maximum of its own, and that of options.def is never above this */
};

enum flow_in_state { FLOW_IN_NEW, FLOW_IN_PENDING /* not decided yet */, FLOW_IN_RECEIVED };

struct flow_in_reception {
    uint16_t packet_id;
    uint8_t state;
    uint8_t repetitions; /* PUBLISHes and PUBRELs that came while it was undecided: each wants its
                            answer */
    bool is_released;    /* PUBREL came while it was undecided */
    bool holds_quota;    /* its PUBLISH came on this connection */
    bool is_restored;    /* of before the start of the server, which may have missed its PUBREL */
};

/** QoS 2 receptions; part of a session. A zeroed one is empty. */
struct flow_in {
    struct flow_in_reception *receptions; /* owned */
    uint32_t count, capacity;
    uint32_t quota_used; /* how many hold quota */
};

void flow_in_deinit(struct flow_in *f);
enum flow_in_state flow_in_find(const struct flow_in *f, uint16_t packet_id);
/** A new connection: nothing has come on it. */
void flow_in_restart(struct flow_in *f);
/** True when its PUBLISH came on this connection already. */
bool flow_in_holds_quota(const struct flow_in *f, uint16_t packet_id);
/** Enters an identifier that is new; it holds quota. False: too many. */
bool flow_in_add(struct flow_in *f, uint16_t packet_id, enum flow_in_state state);
/** At start: one that was received before. False: too many. */
bool flow_in_restore(struct flow_in *f, uint16_t packet_id);
/** Its PUBLISH came, and not again (DUP 0): a restored one of this identifier was over. */
void flow_in_drop_restored(struct flow_in *f, uint16_t packet_id);
/** An undecided one is received now, or forgotten if its PUBREL came already (an unknown one is
 * accepted: its session was cleaned); gives how many answers wait for that, and forgets them. */
unsigned flow_in_receive(struct flow_in *f, uint16_t packet_id);
/** The PUBLISH of one that is known came again: it holds quota. */
void flow_in_charge(struct flow_in *f, uint16_t packet_id);
/** One more answer is owed when an undecided one has been decided. */
void flow_in_repeat(struct flow_in *f, uint16_t packet_id);
/** The PUBREL of an undecided one came. */
void flow_in_release(struct flow_in *f, uint16_t packet_id);
/** Forgets an identifier; false: it was unknown. */
bool flow_in_remove(struct flow_in *f, uint16_t packet_id);

/** One acknowledgement that waits for its verdict, or for those before it. */
struct flow_in_ack {
    uint16_t packet_id;
    uint8_t qos;
    bool is_decided;
    bool is_repetition; /* of a QoS 2 PUBLISH that was undecided: decided together with that one */
    bool is_pubcomp;    /* such a one, for its PUBREL */
    enum reason reason;
    struct shared_bytes *why; /* owned reference; NULL: none */
};

/** The acknowledgements of one connection in order; a zeroed one is empty. Numbers grow by one a
 * publish. */
struct flow_in_acks {
    struct flow_in_ack *ring; /* owned */
    uint32_t capacity, head, count;
    uint32_t first_number; /* of the one at the head */
};

void flow_in_acks_deinit(struct flow_in_acks *a);
/** The number that the next pushed one will have. */
static inline uint32_t flow_in_acks_next(const struct flow_in_acks *a)
{
    return a->first_number + a->count;
}
void flow_in_acks_push(struct flow_in_acks *a, const struct flow_in_ack *ack);
/** Decides one; false: there is none with this number any more. */
bool flow_in_acks_decide(struct flow_in_acks *a, uint32_t number, enum reason reason,
                         struct shared_bytes *why);
/** Decides the repetitions of a QoS 2 PUBLISH. `why` is borrowed; may be NULL. */
void flow_in_acks_decide_repetitions(struct flow_in_acks *a, uint16_t packet_id, enum reason reason,
                                     struct shared_bytes *why);
/** Takes the first one out if it is decided; the caller owns its `why`. */
bool flow_in_acks_pop(struct flow_in_acks *a, struct flow_in_ack *out);
