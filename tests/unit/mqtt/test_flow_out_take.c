/* What a client may not have any more is taken out before a new connection sends anything. */
#include "mqtt/flow_out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "flow_out_steps.h"
#include "leftover.h"

struct taken {
    uint64_t seqs[8];
    unsigned count;
};

static bool is_odd(const struct delivery *d, void *arg)
{
    (void)arg;
    return d->seq % 2 == 1;
}

static void on_taken(struct delivery *d, void *arg)
{
    struct taken *t = arg;

    assert_true(t->count < 8);
    t->seqs[t->count++] = d->seq;
    delivery_deinit(d);
}

static void the_odd_ones_are_taken(void **state)
{
    static const uint64_t want[] = {1, 9, 11, 13};
    struct flow_out f = {.window_max = 10};
    struct taken t = {0};
    struct flow_out_entry *e;
    unsigned resent = 0;

    (void)state;
    /* In the window: QoS 1, 1, 2, 2, 2 (acknowledged once), 1. */
    for (unsigned i = 1; i <= 6; i++)
        (void)track(&f, i == 3 || i == 4 || i == 5 ? 2 : 1, i == 6 ? 9 : i);
    for (uint16_t id = 1; id <= 6; id++)
        flow_out_find(&f, id)->was_sent = true;
    (void)acknowledge(&f, 5, FLOW_OUT_PUBREC, FLOW_OUT_SEND_PUBREL);
    for (unsigned seq = 10; seq <= 13; seq++) {
        struct delivery d = delivery_of(1, seq);

        flow_out_push(&f, &d);
    }

    flow_out_take_if(&f, is_odd, on_taken, &t);
    assert_int_equal(t.count, 4);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(t.seqs[i], want[i]);
    assert_int_equal(f.queue_count, 2);
    assert_int_equal(f.inflight, 4);

    flow_out_restart(&f, 10);
    while ((e = flow_out_resend(&f)) != NULL) {
        static const enum flow_out_state states[] = {FLOW_OUT_WAIT_PUBACK, FLOW_OUT_WAIT_PUBCOMP,
                                                     FLOW_OUT_WAIT_PUBREC, FLOW_OUT_WAIT_PUBCOMP};

        assert_int_equal(e->packet_id, resent + 2);
        assert_int_equal(e->state, states[resent]);
        resent++;
    }
    assert_int_equal(resent, 4);
    (void)acknowledge(&f, 3, FLOW_OUT_PUBCOMP, FLOW_OUT_RELEASE); /* it knows of none, or of it */
    flow_out_deinit(&f);
}

/* Of a share: what was not sent goes, of QoS 2 as well; what was sent before the server started
 * stays, though it waits in the queue. */
static void what_was_not_sent_leaves_with_its_share(void **state)
{
    struct flow_out f = {.window_max = 10};
    struct taken t = {0};

    (void)state;
    for (unsigned seq = 1; seq <= 4; seq++) {
        struct delivery d = delivery_of(2, seq);

        d.share = 7;
        d.resumed_id = seq == 4 ? 40 : 0;
        if (seq < 3)
            flow_out_track(&f, &d)->was_sent = seq == 1;
        else
            flow_out_push(&f, &d);
    }
    flow_out_take_share(&f, 7, false, on_taken, &t);
    assert_int_equal(t.count, 2);
    assert_int_equal(t.seqs[0], 2);
    assert_int_equal(t.seqs[1], 3);
    assert_non_null(flow_out_find(&f, 1));
    assert_int_equal(flow_out_peek(&f)->resumed_id, 40);
    flow_out_deinit(&f);
}

/* Identifiers that a client may remember are for the deliveries that had them. */
static void reserved_identifiers_are_given_to_nobody_else(void **state)
{
    struct flow_out f = {.window_max = 10};
    struct delivery d = delivery_of(2, 3);

    (void)state;
    flow_out_reserve(&f, 2);
    flow_out_reserve(&f, 3);
    assert_int_equal(track(&f, 1, 1), 1);
    assert_int_equal(track(&f, 1, 2), 4);
    d.resumed_id = 3;
    assert_int_equal(flow_out_track(&f, &d)->packet_id, 3);
    assert_int_equal(track(&f, 1, 4), 5);
    flow_out_deinit(&f);
}

static void nothing_is_there(void **state)
{
    struct flow_out f = {.window_max = 10};
    struct taken t = {0};

    (void)state;
    flow_out_take_if(&f, is_odd, on_taken, &t);
    assert_int_equal(t.count, 0);
    (void)track(&f, 1, 1);
    flow_out_take_if(&f, is_odd, on_taken, &t);
    assert_int_equal(t.count, 1);
    (void)track(&f, 2, 3); /* held: it was not sent */
    flow_out_take_if(&f, is_odd, on_taken, &t);
    assert_int_equal(t.count, 2);
    assert_int_equal(f.window_span, 0);
    flow_out_deinit(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(the_odd_ones_are_taken),
        LEFTOVER_TEST(what_was_not_sent_leaves_with_its_share),
        LEFTOVER_TEST(reserved_identifiers_are_given_to_nobody_else),
        LEFTOVER_TEST(nothing_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
