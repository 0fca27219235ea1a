/*
 * Deliveries of one session: the queue of those not sent yet, and the window of those sent and not
 * acknowledged, each with its state.
 *
 * Part of its session. Order: the window is in order of sending, the queue in order of arrival.
 * Packet identifiers are given in turn and never to two unacknowledged deliveries. Source: MQTT 5.0
 * sections 2.2.1, 4.3, 4.4, 4.6
 */
#pragma once

#include "mqtt/delivery.h"
#include "mqtt/packet.h"

enum flow_out_state {
    FLOW_OUT_FREE,
    FLOW_OUT_WAIT_PUBACK,
    FLOW_OUT_WAIT_PUBREC,
    FLOW_OUT_WAIT_PUBCOMP,
    FLOW_OUT_STATE_COUNT
};
enum flow_out_event {
    FLOW_OUT_PUBACK,
    FLOW_OUT_PUBREC,
    FLOW_OUT_PUBREC_REFUSED,
    FLOW_OUT_PUBCOMP,
    FLOW_OUT_EVENT_COUNT
};

/** Half of the identifiers: so one that is free is never far from the last one given, whatever is
 * stuck. */
enum { FLOW_OUT_INFLIGHT_MAX = 32768 };

/** What an acknowledgement asks for. */
enum flow_out_action {
    FLOW_OUT_ILLEGAL, /* no such step: unknown identifier, or the wrong kind of acknowledgement */
    FLOW_OUT_RELEASE, /* the delivery is over, its place in the window is free */
    FLOW_OUT_SEND_PUBREL
};

struct flow_out_entry {
    struct delivery delivery; /* kept to the end for its seq; after PUBREC it is not sent again */
    uint64_t issue;           /* the how many-th identifier; grows along the window */
    uint16_t packet_id;
    uint8_t state;     /* enum flow_out_state; FREE: a hole, acknowledged out of order */
    bool holds_quota;  /* its PUBLISH was sent on this connection */
    bool needs_resend; /* it was sent on an earlier connection and not yet on this one */
    bool is_held;      /* its next packet waits until its state is durable */
    bool was_sent;     /* its PUBLISH may have been sent before */
};

/** A zeroed one is empty; window_max must be set. */
struct flow_out {
    struct flow_out_entry *window; /* owned ring */
    uint32_t window_capacity, window_head;
    uint32_t window_span;  /* from the oldest to the newest, holes included */
    uint32_t inflight;     /* entries that are not holes */
    uint32_t quota_used;   /* PUBLISHes of this connection that are not acknowledged */
    uint32_t resend_count; /* entries that need to be sent again */
    uint32_t held_count;   /* entries that are held */
    uint32_t window_max;   /* the client's Receive Maximum */
    uint64_t window_bytes; /* what the deliveries in the window take */
    uint64_t issued; /* identifiers given or skipped so far: 1 to 65,535 in turn, again and again */
    uint64_t resent_issue;  /* of the last one sent again on this connection */
    struct delivery *queue; /* owned ring */
    uint32_t queue_capacity, queue_head, queue_count, queue_qos0_count;
    uint32_t queue_mortal_count; /* of messages that expire */
    uint64_t queue_bytes;
    uint8_t *reserved; /* owned: a bit for each identifier that is given to none but the delivery
                          that had it; NULL: none is */
    uint32_t reserved_count; /* how many bits are set */
    uint32_t *lanes; /* owned, with the queue: how many queued deliveries fall to each lane */
};

void flow_out_deinit(struct flow_out *f);

/** True when another QoS 1 or 2 PUBLISH may be sent. Source: [MQTT-4.9.0-2] */
static inline bool flow_out_has_window(const struct flow_out *f)
{
    return f->quota_used < f->window_max && f->inflight < FLOW_OUT_INFLIGHT_MAX;
}

/** Puts a delivery (QoS 1 or 2; ownership passes) into the window; gives its entry with a packet
 * identifier (the one that it had, if it is resumed), valid until the next change. */
struct flow_out_entry *flow_out_track(struct flow_out *f, struct delivery *d);

/** An identifier that a delivery had before the server started: kept for that one (resumed_id),
 * since the client may remember it. */
void flow_out_reserve(struct flow_out *f, uint16_t packet_id);

/** The unacknowledged entry with this identifier, or NULL. */
struct flow_out_entry *flow_out_find(struct flow_out *f, uint16_t packet_id);

/** The next packet of an entry waits (flow_out_release). */
void flow_out_hold(struct flow_out *f, struct flow_out_entry *e);

/** The entry with this issue, which is held no longer; NULL: there is none that was. */
struct flow_out_entry *flow_out_release(struct flow_out *f, uint64_t issue);

/** What an entry has to send waits for a better moment: flow_out_resend gives it then. */
void flow_out_defer(struct flow_out *f, struct flow_out_entry *e);

/**
 * An acknowledgement came.
 *
 * @param released  receives the delivery that is over (the caller frees it); empty otherwise
 */
enum flow_out_action flow_out_acknowledge(struct flow_out *f, uint16_t packet_id,
                                          enum flow_out_event event, struct delivery *released);

/** A QoS 2 delivery whose PUBLISH was sent on an earlier connection and cannot be on this one: goes
 * on as if PUBREC had come, and holds no quota. */
void flow_out_pass_over(struct flow_out *f, uint16_t packet_id);

/** A new connection: its quota is whole, and what is unacknowledged must be sent again. Source:
 * [MQTT-4.4.0-1] */
void flow_out_restart(struct flow_out *f, uint32_t window_max);

/** The next entry to send again, in order of first sending, or NULL: none, or the quota is used up,
 * or it is held. It counts as sent. */
struct flow_out_entry *flow_out_resend(struct flow_out *f);

/** Walks the window in order of sending: start with *cursor = 0; NULL at the end. */
struct flow_out_entry *flow_out_next(struct flow_out *f, uint32_t *cursor);

/**
 * The lowest seq (not 0) of what is unacknowledged or queued, 0: none is of the journal.
 *
 * @param issue  set to the how many-th identifier it has, or will have
 */
uint64_t flow_out_oldest_seq(struct flow_out *f, uint64_t *issue);

/** Walks the queue in order of arrival: start with *cursor = 0; NULL at the end. */
const struct delivery *flow_out_next_queued(const struct flow_out *f, uint32_t *cursor);

/** The queue. */
void flow_out_push(struct flow_out *f, struct delivery *d);
struct delivery *flow_out_peek(struct flow_out *f);
/** Takes the first out; the caller owns what it holds. */
struct delivery flow_out_pop(struct flow_out *f);

/**
 * True when a delivery may leave before what is queued: of QoS 0, without a number of the journal,
 * and no other message of its order waits (as far as lanes tell: one too many is believed to).
 * Source: [MQTT-3.3.4-10], [MQTT-4.9.0-3]
 */
bool flow_out_may_overtake(const struct flow_out *f, const struct delivery *d);

/** Receives a delivery that was taken out, and owns what it holds. It leaves the flow alone. */
typedef void (*flow_out_take_fn)(struct delivery *d, void *arg);

/**
 * Takes out all deliveries of one membership of a share group that were not sent, in order; those
 * of QoS 0 too.
 *
 * @param also_unacknowledged  before these, the ones in the window that wait for PUBACK; only when
 *                             there is no connection on which a PUBACK could still come. QoS 2
 *                             deliveries that were sent stay, and those that were before the server
 *                             started. Source: [MQTT-4.8.2-4]
 */
void flow_out_take_share(struct flow_out *f, uint64_t share, bool also_unacknowledged,
                         flow_out_take_fn take, void *arg);

/** Takes out all queued deliveries whose message has expired, in order. */
void flow_out_take_expired(struct flow_out *f, uint64_t now_ms, flow_out_take_fn take, void *arg);

/**
 * Takes out what the client may not have any more, before anything is sent on a new connection:
 * what is queued, what waits for PUBACK, and what was not sent yet. What waits for PUBREC goes on
 * as if that had come, so that the client hears of its identifier again, without the message.
 */
void flow_out_take_if(struct flow_out *f, bool (*should)(const struct delivery *d, void *arg),
                      flow_out_take_fn take, void *arg);

/** Takes QoS 0 out of the queue, and `with_seq` what has a seq; gives the lowest seq taken out, or
 * 0.
 */
uint64_t flow_out_unqueue(struct flow_out *f, bool with_seq, flow_out_take_fn take, void *arg);
