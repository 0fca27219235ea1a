/*
 * Single steps of a flow of deliveries, checked as they are done.
 */
#pragma once

#include "mqtt/flow_out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static inline struct delivery delivery_of(uint8_t qos, uint64_t seq)
{
    return (struct delivery){
        .message = message_new(sizeof(struct message), slice_of("t"), slice_of(""), slice_of("p")),
        .seq = seq,
        .qos = qos,
    };
}

/* Sends one; gives its identifier. */
static inline uint16_t track(struct flow_out *f, uint8_t qos, uint64_t seq)
{
    struct delivery d = delivery_of(qos, seq);
    struct flow_out_entry *e;

    assert_true(flow_out_has_window(f));
    e = flow_out_track(f, &d);
    assert_null(d.message); /* it was taken over */
    assert_int_equal(e->state, qos == 1 ? FLOW_OUT_WAIT_PUBACK : FLOW_OUT_WAIT_PUBREC);
    assert_int_equal(e->delivery.seq, seq);
    return e->packet_id;
}

/* Acknowledges; gives the seq of what was released, 0: nothing. */
static inline uint64_t acknowledge(struct flow_out *f, uint16_t packet_id,
                                   enum flow_out_event event, enum flow_out_action want)
{
    struct delivery released;
    uint64_t seq;

    assert_int_equal(flow_out_acknowledge(f, packet_id, event, &released), want);
    assert_int_equal(released.message != NULL, want == FLOW_OUT_RELEASE);
    seq = released.seq;
    delivery_deinit(&released);
    return seq;
}

static inline uint64_t puback(struct flow_out *f, uint16_t packet_id)
{
    return acknowledge(f, packet_id, FLOW_OUT_PUBACK, FLOW_OUT_RELEASE);
}

static inline void expect_resend(struct flow_out *f, uint16_t packet_id, enum flow_out_state want)
{
    struct flow_out_entry *e = flow_out_resend(f);

    assert_non_null(e);
    assert_int_equal(e->packet_id, packet_id);
    assert_int_equal(e->state, want);
}

/* Puts one into the queue. */
static inline void push(struct flow_out *f, uint64_t qos, uint64_t seq)
{
    struct delivery d = delivery_of((uint8_t)qos, seq);

    flow_out_push(f, &d);
    assert_null(d.message);
}

/* Takes out the next one. */
static inline void pop(struct flow_out *f, uint64_t qos, uint64_t seq)
{
    struct delivery d;

    assert_int_equal(flow_out_peek(f)->seq, seq);
    d = flow_out_pop(f);
    assert_int_equal(d.qos, qos);
    assert_int_equal(d.seq, seq);
    delivery_deinit(&d);
}
