/*
 * Deliveries that came through a share group are taken out, of the queue or of the window too, when
 * the group gives them to somebody else.
 */
#include "mqtt/flow_out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "flow_out_steps.h"
#include "leftover.h"

enum { TAKEN_MAX = 16, WIDE = 65535 };

struct taken {
    uint64_t seqs[TAKEN_MAX];
    unsigned count;
};

static void on_taken(struct delivery *d, void *arg)
{
    struct taken *t = arg;

    assert_true(t->count < TAKEN_MAX);
    t->seqs[t->count++] = d->seq;
    delivery_deinit(d);
}

static struct delivery shared(uint8_t qos, uint64_t seq, uint64_t share)
{
    struct delivery d = delivery_of(qos, seq);

    d.share = share;
    return d;
}

static void expect_taken(struct flow_out *f, uint64_t share, bool also_unacknowledged,
                         unsigned count, const uint64_t *seqs)
{
    struct taken t = {.count = 0};

    flow_out_take_share(f, share, also_unacknowledged, on_taken, &t);
    assert_int_equal(t.count, count);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(t.seqs[i], seqs[i]);
}

/* Window, by identifier: 1 to 6; queue behind it: seq 11 to 16. Two shares, 7 and 8, and none. */
static void fill_with_shares(struct flow_out *f)
{
    static const struct {
        uint8_t qos;
        uint64_t share;
    } window[] = {{1, 7}, {2, 7}, {1, 8}, {1, 0}, {2, 7}, {1, 7}},
      queue[] = {{1, 8}, {0, 7}, {1, 0}, {2, 7}, {0, 0}, {1, 7}};

    for (unsigned i = 0; i < 6; i++) {
        struct delivery d = shared(window[i].qos, i + 1, window[i].share);

        assert_int_equal(flow_out_track(f, &d)->packet_id, i + 1);
        flow_out_find(f, (uint16_t)(i + 1))->was_sent = true;
    }
    (void)acknowledge(f, 5, FLOW_OUT_PUBREC, FLOW_OUT_SEND_PUBREL);
    for (unsigned i = 0; i < 6; i++) {
        struct delivery d = shared(queue[i].qos, 11 + i, queue[i].share);

        flow_out_push(f, &d);
    }
}

/* What was sent is finished where it was sent [MQTT-3.10.4-3]. */
static void a_share_leaves_the_queue(void **state)
{
    struct flow_out f = {.window_max = 10};

    (void)state;
    fill_with_shares(&f);
    expect_taken(&f, 9, false, 0, NULL);
    expect_taken(&f, 7, false, 3, (const uint64_t[]){12, 14, 16});
    expect_taken(&f, 7, false, 0, NULL);
    assert_int_equal(f.inflight, 6);
    assert_int_equal(f.quota_used, 6);
    assert_int_equal(f.queue_qos0_count, 1);
    assert_int_equal(puback(&f, 1), 1);
    assert_int_equal(puback(&f, 6), 6);
    pop(&f, 1, 11);
    pop(&f, 1, 13);
    pop(&f, 0, 15);
    assert_int_equal(f.queue_bytes, 0);
    flow_out_deinit(&f);
}

/* QoS 1 that waits for PUBACK goes first; QoS 2 that was sent stays [MQTT-4.8.2-4]. */
static void a_share_leaves_window_and_queue(void **state)
{
    struct flow_out f = {.window_max = 10};

    (void)state;
    fill_with_shares(&f);
    flow_out_restart(&f, 3);
    expect_resend(&f, 1, FLOW_OUT_WAIT_PUBACK);
    expect_taken(&f, 7, true, 5, (const uint64_t[]){1, 6, 12, 14, 16});
    assert_int_equal(f.inflight, 4);
    assert_int_equal(f.quota_used, 0);
    assert_int_equal(f.resend_count, 4);
    (void)acknowledge(&f, 1, FLOW_OUT_PUBACK, FLOW_OUT_ILLEGAL);
    (void)acknowledge(&f, 6, FLOW_OUT_PUBACK, FLOW_OUT_ILLEGAL);
    expect_resend(&f, 2, FLOW_OUT_WAIT_PUBREC);
    expect_resend(&f, 3, FLOW_OUT_WAIT_PUBACK);
    expect_resend(&f, 4, FLOW_OUT_WAIT_PUBACK);
    expect_resend(&f, 5, FLOW_OUT_WAIT_PUBCOMP);
    assert_null(flow_out_resend(&f));
    expect_taken(&f, 8, true, 2, (const uint64_t[]){3, 11});
    assert_int_equal(track(&f, 1, 20), 7);
    assert_int_equal(puback(&f, 4), 4);
    flow_out_deinit(&f);
}

/* A wide window that becomes empty at once gives its memory back. */
static void a_share_leaves_nothing(void **state)
{
    enum { MANY = 1000 };
    struct flow_out f = {.window_max = WIDE};
    unsigned count = 0;

    (void)state;
    for (unsigned i = 1; i <= MANY; i++) {
        struct delivery d = shared(1, i, 7);

        (void)flow_out_track(&f, &d);
    }
    assert_int_equal(puback(&f, 3), 3);
    while (f.inflight > 0) { /* in parts, as on_taken holds few */
        struct taken t = {.count = 0};
        struct flow_out_entry *e;
        uint32_t cursor = 0;

        for (unsigned i = 0; i < TAKEN_MAX && (e = flow_out_next(&f, &cursor)) != NULL; i++)
            e->delivery.share = 8;
        flow_out_take_share(&f, 8, true, on_taken, &t);
        count += t.count;
    }
    assert_int_equal(count, MANY - 1);
    assert_int_equal(f.window_span, 0);
    assert_null(f.window);
    assert_int_equal(track(&f, 1, 5000), MANY + 1);
    flow_out_deinit(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(a_share_leaves_the_queue),
        LEFTOVER_TEST(a_share_leaves_window_and_queue),
        LEFTOVER_TEST(a_share_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
