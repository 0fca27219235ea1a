/*
 * Deliveries of a session: the table of states, packet identifiers over many rounds, the order of
 * sending again, quota, the queue.
 */
#include "mqtt/flow_out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "flow_out_steps.h"
#include "leftover.h"

enum { IDS = 65535, WIDE = 65535 };

/* --- states ---------------------------------------------------------------------------------- */

/* Brings a new delivery into a state. */
static uint16_t in_state(struct flow_out *f, enum flow_out_state state)
{
    uint16_t id = track(f, state == FLOW_OUT_WAIT_PUBACK ? 1 : 2, 77);

    if (state == FLOW_OUT_WAIT_PUBCOMP)
        (void)acknowledge(f, id, FLOW_OUT_PUBREC, FLOW_OUT_SEND_PUBREL);
    if (state == FLOW_OUT_FREE) {
        (void)acknowledge(f, id, FLOW_OUT_PUBREC, FLOW_OUT_SEND_PUBREL);
        (void)acknowledge(f, id, FLOW_OUT_PUBCOMP, FLOW_OUT_RELEASE);
    }
    return id;
}

/* Every state, every event: [MQTT-4.3.2-*], [MQTT-4.3.3-*] */
static void the_table(void **state)
{
    static const enum flow_out_action want[FLOW_OUT_STATE_COUNT][FLOW_OUT_EVENT_COUNT] = {
        [FLOW_OUT_WAIT_PUBACK][FLOW_OUT_PUBACK] = FLOW_OUT_RELEASE,
        [FLOW_OUT_WAIT_PUBREC][FLOW_OUT_PUBREC] = FLOW_OUT_SEND_PUBREL,
        [FLOW_OUT_WAIT_PUBREC][FLOW_OUT_PUBREC_REFUSED] = FLOW_OUT_RELEASE,
        [FLOW_OUT_WAIT_PUBCOMP][FLOW_OUT_PUBREC] = FLOW_OUT_SEND_PUBREL,
        [FLOW_OUT_WAIT_PUBCOMP][FLOW_OUT_PUBCOMP] = FLOW_OUT_RELEASE,
    };

    (void)state;
    for (unsigned s = 0; s < FLOW_OUT_STATE_COUNT; s++) {
        for (unsigned event = 0; event < FLOW_OUT_EVENT_COUNT; event++) {
            struct flow_out f = {.window_max = 10};
            uint16_t before = track(&f, 1, 5); /* makes what is released a hole */
            uint16_t id = in_state(&f, (enum flow_out_state)s);
            uint64_t seq = acknowledge(&f, id, (enum flow_out_event)event, want[s][event]);
            bool is_over = want[s][event] == FLOW_OUT_RELEASE || s == FLOW_OUT_FREE;

            assert_int_equal(seq, want[s][event] == FLOW_OUT_RELEASE ? 77 : 0);
            assert_int_equal(f.inflight, is_over ? 1 : 2);
            assert_int_equal(f.quota_used, f.inflight);
            if (want[s][event] == FLOW_OUT_SEND_PUBREL)
                (void)acknowledge(&f, id, FLOW_OUT_PUBCOMP, FLOW_OUT_RELEASE);
            assert_int_equal(puback(&f, before), 5);
            flow_out_deinit(&f);
        }
    }
}

static void identifiers_not_in_use_are_illegal(void **state)
{
    struct flow_out f = {.window_max = 10};

    (void)state;
    for (unsigned event = 0; event < FLOW_OUT_EVENT_COUNT; event++) {
        for (unsigned id = 0; id <= IDS; id += 13)
            (void)acknowledge(&f, (uint16_t)id, (enum flow_out_event)event, FLOW_OUT_ILLEGAL);
    }
    assert_int_equal(track(&f, 1, 1), 1);
    assert_int_equal(track(&f, 1, 2), 2);
    (void)acknowledge(&f, 0, FLOW_OUT_PUBACK, FLOW_OUT_ILLEGAL);
    (void)acknowledge(&f, 3, FLOW_OUT_PUBACK, FLOW_OUT_ILLEGAL);
    (void)acknowledge(&f, IDS, FLOW_OUT_PUBACK, FLOW_OUT_ILLEGAL);
    (void)puback(&f, 2);
    (void)acknowledge(&f, 2, FLOW_OUT_PUBACK, FLOW_OUT_ILLEGAL);
    flow_out_deinit(&f);
}

/* --- identifiers ----------------------------------------------------------------------------- */

static void identifiers_go_round(void **state)
{
    struct flow_out f = {.window_max = 10};

    (void)state;
    for (uint64_t i = 0; i < 3 * (uint64_t)IDS; i++) {
        uint16_t id = track(&f, 1, i + 1);

        assert_int_equal(id, i % IDS + 1);
        assert_int_equal(puback(&f, id), i + 1);
    }
    flow_out_deinit(&f);
}

/* [MQTT-2.2.1-3]: the identifiers of the stuck ones are passed over, round after round. */
static void stuck_ones_keep_their_identifiers(void **state)
{
    struct flow_out f = {.window_max = 10};
    uint64_t skipped = 0;
    uint16_t before = 0;

    (void)state;
    for (uint64_t seq = 1; seq <= 5; seq++)
        assert_int_equal(track(&f, 1, seq), seq);
    (void)puback(&f, 4); /* a hole among them */
    for (uint64_t i = 0; i < 3 * (uint64_t)IDS; i++) {
        uint16_t id = track(&f, 2, 1000 + i);

        assert_true(id == 4 || id > 5);
        skipped += id != before % IDS + 1 && i > 0;
        before = id;
        (void)acknowledge(&f, id, FLOW_OUT_PUBREC, FLOW_OUT_SEND_PUBREL);
        assert_int_equal(acknowledge(&f, id, FLOW_OUT_PUBCOMP, FLOW_OUT_RELEASE), 1000 + i);
    }
    assert_int_equal(skipped, 6); /* 1 to 3, and 5, in each of three rounds */
    for (uint64_t seq = 1; seq <= 5; seq++) {
        if (seq != 4)
            assert_int_equal(puback(&f, (uint16_t)seq), seq);
    }
    flow_out_deinit(&f);
}

/* The window was wide, one is stuck at its beginning, and all that came behind it are holes. */
static void regress_one_stuck_in_a_wide_window(void **state)
{
    struct flow_out f = {.window_max = WIDE};
    uint64_t seq = 0;

    (void)state;
    while (flow_out_has_window(&f)) {
        seq++;
        assert_int_equal(track(&f, 1, seq), seq);
    }
    assert_int_equal(f.inflight, FLOW_OUT_INFLIGHT_MAX);
    for (unsigned id = 2; id <= FLOW_OUT_INFLIGHT_MAX; id++)
        assert_int_equal(puback(&f, (uint16_t)id), id);
    for (unsigned i = 0; i < 3 * IDS; i++) {
        uint16_t id = track(&f, 1, ++seq);

        assert_true(id != 1);
        assert_int_equal(puback(&f, id), seq);
    }
    assert_int_equal(puback(&f, 1), 1);
    assert_int_equal(f.inflight, 0);
    assert_true(mem_bytes_used(MEM_SESSION) < 100000); /* a wide window does not stay */
    flow_out_deinit(&f);
}

/* Half of all identifiers are stuck; the rest serve on, and no search takes long. */
static void half_of_them_stuck(void **state)
{
    struct flow_out f = {.window_max = WIDE};

    (void)state;
    for (unsigned i = 1; i < FLOW_OUT_INFLIGHT_MAX; i++) {
        assert_int_equal(track(&f, 1, i), i * 2 - 1);
        assert_int_equal(track(&f, 1, 99), i * 2);
        (void)puback(&f, (uint16_t)(i * 2));
    }
    for (unsigned i = 0; i < 2 * IDS; i++) {
        uint16_t id = track(&f, 1, 1000000 + i);

        assert_true(id % 2 == 0 || id == IDS);
        assert_int_equal(puback(&f, id), 1000000 + i);
        (void)acknowledge(&f, id, FLOW_OUT_PUBACK, FLOW_OUT_ILLEGAL);
    }
    for (unsigned i = 1; i < FLOW_OUT_INFLIGHT_MAX; i++)
        assert_int_equal(puback(&f, (uint16_t)(i * 2 - 1)), i);
    flow_out_deinit(&f);
}

static void holes_cost_nothing(void **state)
{
    struct flow_out f = {.window_max = 20};
    uint16_t ids[10];

    (void)state;
    for (unsigned i = 0; i < 10; i++)
        ids[i] = track(&f, 1, i + 1);
    for (unsigned round = 0; round < 10000; round++) {
        unsigned at = round * 7 % 10;

        assert_true(puback(&f, ids[at]) > 0); /* always out of order */
        ids[at] = track(&f, 1, 100 + round);
        assert_int_equal(f.inflight, 10);
        assert_int_equal(f.quota_used, 10);
    }
    assert_true(f.window_capacity <= 64);
    flow_out_deinit(&f);
}

/* --- sending again --------------------------------------------------------------------------- */

/* [MQTT-4.4.0-1], [MQTT-4.6.0-1]: in the order of first sending, what was acknowledged left out,
 * PUBREL instead of PUBLISH behind a PUBREC. */
static void a_new_connection_sends_again_in_order(void **state)
{
    struct flow_out f = {.window_max = 10};

    (void)state;
    assert_null(flow_out_resend(&f));
    for (unsigned id = 1; id <= 6; id++)
        assert_int_equal(track(&f, id % 2 == 0 ? 2 : 1, id), id);
    (void)puback(&f, 3);
    (void)acknowledge(&f, 4, FLOW_OUT_PUBREC, FLOW_OUT_SEND_PUBREL);
    assert_null(flow_out_resend(&f)); /* nothing, on the same connection */

    for (unsigned connection = 0; connection < 3; connection++) {
        flow_out_restart(&f, 10);
        assert_int_equal(f.resend_count, 5);
        assert_int_equal(f.quota_used, 0);
        expect_resend(&f, 1, FLOW_OUT_WAIT_PUBACK);
        expect_resend(&f, 2, FLOW_OUT_WAIT_PUBREC);
        expect_resend(&f, 4, FLOW_OUT_WAIT_PUBCOMP);
        expect_resend(&f, 5, FLOW_OUT_WAIT_PUBACK);
        assert_int_equal(f.quota_used, 3); /* PUBREL needs none */
        if (connection < 2)
            continue; /* it breaks before the last one */
        expect_resend(&f, 6, FLOW_OUT_WAIT_PUBREC);
        assert_null(flow_out_resend(&f));
    }
    assert_int_equal(f.resend_count, 0);
    assert_int_equal(f.quota_used, 4);
    (void)puback(&f, 1);
    (void)acknowledge(&f, 4, FLOW_OUT_PUBCOMP, FLOW_OUT_RELEASE);
    assert_int_equal(f.quota_used, 3);
    assert_int_equal(track(&f, 1, 7), 7);
    flow_out_deinit(&f);
}

/* [MQTT-4.9.0-2]: the new connection's Receive Maximum counts, however many are unacknowledged. */
static void regress_a_smaller_receive_maximum(void **state)
{
    struct flow_out f = {.window_max = 5};

    (void)state;
    for (unsigned id = 1; id <= 5; id++)
        (void)track(&f, 1, id);
    assert_false(flow_out_has_window(&f));
    flow_out_restart(&f, 2);
    expect_resend(&f, 1, FLOW_OUT_WAIT_PUBACK);
    expect_resend(&f, 2, FLOW_OUT_WAIT_PUBACK);
    assert_null(flow_out_resend(&f));
    assert_false(flow_out_has_window(&f));
    (void)puback(&f, 2);
    expect_resend(&f, 3, FLOW_OUT_WAIT_PUBACK);
    assert_null(flow_out_resend(&f));
    (void)puback(&f, 4); /* of the former connection: frees no quota, and is not sent again */
    assert_null(flow_out_resend(&f));
    assert_int_equal(f.resend_count, 1);
    (void)puback(&f, 1);
    expect_resend(&f, 5, FLOW_OUT_WAIT_PUBACK);
    assert_int_equal(f.resend_count, 0);
    assert_false(flow_out_has_window(&f));
    (void)puback(&f, 3);
    assert_true(flow_out_has_window(&f));
    (void)puback(&f, 5);
    assert_int_equal(f.quota_used, 0);
    flow_out_deinit(&f);
}

/* A late PUBREC of the former connection's PUBLISH is proof enough. [MQTT-4.3.3-6] */
static void a_pubrec_before_the_publish_is_sent_again(void **state)
{
    struct flow_out f = {.window_max = 5};

    (void)state;
    (void)track(&f, 2, 1);
    (void)track(&f, 2, 2);
    flow_out_restart(&f, 5);
    (void)acknowledge(&f, 1, FLOW_OUT_PUBREC, FLOW_OUT_SEND_PUBREL);
    (void)acknowledge(&f, 2, FLOW_OUT_PUBREC_REFUSED, FLOW_OUT_RELEASE);
    assert_int_equal(f.resend_count, 0);
    assert_null(flow_out_resend(&f));
    assert_int_equal(acknowledge(&f, 1, FLOW_OUT_PUBCOMP, FLOW_OUT_RELEASE), 1);
    assert_int_equal(f.quota_used, 0);
    flow_out_deinit(&f);
}

/* A full window is sent again in one go, so it must not be walked for each. */
static void a_wide_window_is_sent_again(void **state)
{
    struct flow_out f = {.window_max = WIDE};

    (void)state;
    while (flow_out_has_window(&f))
        (void)track(&f, 1, 1);
    for (unsigned id = 2; id < FLOW_OUT_INFLIGHT_MAX; id += 2)
        (void)puback(&f, (uint16_t)id);
    flow_out_restart(&f, WIDE);
    for (unsigned id = 1; id < FLOW_OUT_INFLIGHT_MAX; id += 2) {
        expect_resend(&f, (uint16_t)id, FLOW_OUT_WAIT_PUBACK);
        if (id % 100 == 1)
            (void)puback(&f, (uint16_t)id); /* they come in between */
    }
    expect_resend(&f, FLOW_OUT_INFLIGHT_MAX, FLOW_OUT_WAIT_PUBACK);
    assert_null(flow_out_resend(&f));
    flow_out_deinit(&f);
}

static void walking_the_window(void **state)
{
    struct flow_out f = {.window_max = 10};
    struct flow_out_entry *e;
    uint32_t cursor = 0;
    unsigned want = 1;

    (void)state;
    assert_null(flow_out_next(&f, &cursor));
    for (unsigned id = 1; id <= 6; id++)
        (void)track(&f, 2, id);
    (void)acknowledge(&f, 4, FLOW_OUT_PUBREC_REFUSED, FLOW_OUT_RELEASE);
    (void)acknowledge(&f, 2, FLOW_OUT_PUBREC, FLOW_OUT_SEND_PUBREL);
    while ((e = flow_out_next(&f, &cursor)) != NULL) {
        assert_int_equal(e->packet_id, want);
        assert_int_equal(e->delivery.seq, want); /* behind a PUBREC, too: not delivered yet */
        want += want == 3 ? 2 : 1;
    }
    assert_int_equal(want, 7);
    flow_out_deinit(&f);
}

/* --- the queue ------------------------------------------------------------------------------- */

static void the_queue_keeps_its_order(void **state)
{
    struct flow_out f = {.window_max = 10};
    uint64_t in = 0, out = 0;

    (void)state;
    assert_null(flow_out_peek(&f));
    for (unsigned step = 0; step < 3000; step++) {
        if (step % 1000 < 600 || step % 3 == 0) {
            in++;
            push(&f, in % 3, in);
        } else if (out < in) {
            out++;
            pop(&f, out % 3, out);
        }
        assert_int_equal(f.queue_count, in - out);
        assert_int_equal(f.queue_bytes == 0, in == out);
    }
    while (out < in) {
        out++;
        pop(&f, out % 3, out);
    }
    assert_null(flow_out_peek(&f));
    assert_int_equal(f.queue_bytes, 0);
    assert_int_equal(f.queue_qos0_count, 0);
    assert_null(f.queue);
    push(&f, 1, 1);
    flow_out_deinit(&f);
}

static void expect_oldest(struct flow_out *f, uint64_t seq, uint64_t issue)
{
    uint64_t got_issue = 0;

    assert_int_equal(flow_out_oldest_seq(f, &got_issue), seq);
    assert_int_equal(got_issue, issue);
}

/* A delivery that is not of the journal hides none that is: the log is kept from that one on. */
static void regress_the_oldest_seq_behind_others(void **state)
{
    struct flow_out f = {.window_max = WIDE};
    uint16_t other, journalled;

    (void)state;
    expect_oldest(&f, 0, 1);
    push(&f, 1, 0);
    expect_oldest(&f, 0, 1);
    push(&f, 0, 8);
    push(&f, 1, 9);
    expect_oldest(&f, 8, 1);
    other = track(&f, 1, 0);
    expect_oldest(&f, 8, 2);
    journalled = track(&f, 2, 7);
    expect_oldest(&f, 7, 2);
    (void)puback(&f, other);
    (void)acknowledge(&f, journalled, FLOW_OUT_PUBREC_REFUSED, FLOW_OUT_RELEASE);
    expect_oldest(&f, 8, 3);
    flow_out_deinit(&f);
}

/* What the journal has is read from there again; what only the queue has stays; QoS 0 goes. */
static void drop(struct delivery *d, void *arg)
{
    (void)arg;
    delivery_deinit(d);
}

static void unqueueing(void **state)
{
    static const struct unqueue_case {
        const char *name;
        unsigned count;
        struct {
            uint8_t qos;
            uint64_t seq;
        } in[6];
        unsigned left; /* those with QoS and no seq, in order */
        uint64_t want;
    } cases[] = {
        {"nothing", 0, {{0, 0}}, 0, 0},
        {"of the journal", 3, {{1, 7}, {2, 8}, {1, 9}}, 0, 7},
        {"not of it", 2, {{1, 0}, {2, 0}}, 2, 0},
        {"QoS 0", 2, {{0, 0}, {0, 4}}, 0, 4},
        {"mixed", 6, {{1, 0}, {1, 9}, {0, 0}, {2, 0}, {1, 5}, {1, 0}}, 3, 5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct unqueue_case *c = &cases[i];
        struct flow_out f = {.window_max = 10};
        unsigned left = 0;

        print_message("  %s\n", c->name);
        for (unsigned k = 0; k < c->count; k++)
            push(&f, c->in[k].qos, c->in[k].seq);
        assert_int_equal(flow_out_unqueue(&f, true, drop, NULL), c->want);
        assert_int_equal(f.queue_count, c->left);
        assert_int_equal(f.queue_qos0_count, 0);
        for (unsigned k = 0; k < c->count; k++) {
            if (c->in[k].qos == 0 || c->in[k].seq != 0)
                continue;
            pop(&f, c->in[k].qos, 0);
            left++;
        }
        assert_int_equal(left, c->left);
        assert_int_equal(f.queue_bytes, 0);
        flow_out_deinit(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(the_table),
        LEFTOVER_TEST(identifiers_not_in_use_are_illegal),
        LEFTOVER_TEST(identifiers_go_round),
        LEFTOVER_TEST(stuck_ones_keep_their_identifiers),
        LEFTOVER_TEST(regress_one_stuck_in_a_wide_window),
        LEFTOVER_TEST(half_of_them_stuck),
        LEFTOVER_TEST(holes_cost_nothing),
        LEFTOVER_TEST(a_new_connection_sends_again_in_order),
        LEFTOVER_TEST(regress_a_smaller_receive_maximum),
        LEFTOVER_TEST(a_pubrec_before_the_publish_is_sent_again),
        LEFTOVER_TEST(a_wide_window_is_sent_again),
        LEFTOVER_TEST(walking_the_window),
        LEFTOVER_TEST(the_queue_keeps_its_order),
        LEFTOVER_TEST(regress_the_oldest_seq_behind_others),
        LEFTOVER_TEST(unqueueing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
