/*
 * QoS 2 receptions of a session, and the order of acknowledgements on a connection.
 */
#include "mqtt/flow_in.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "leftover.h"

/* --- receptions ------------------------------------------------------------------------------ */

static void a_reception_lives_from_publish_to_pubrel(void **state)
{
    struct flow_in f = {0};

    (void)state;
    assert_int_equal(flow_in_find(&f, 1), FLOW_IN_NEW);
    assert_false(flow_in_remove(&f, 1));
    assert_true(flow_in_add(&f, 1, FLOW_IN_PENDING));
    assert_true(flow_in_add(&f, 65535, FLOW_IN_RECEIVED));
    assert_int_equal(flow_in_find(&f, 1), FLOW_IN_PENDING);
    assert_int_equal(flow_in_find(&f, 65535), FLOW_IN_RECEIVED);
    assert_int_equal(flow_in_find(&f, 2), FLOW_IN_NEW);
    assert_int_equal(flow_in_receive(&f, 1), 0);
    assert_int_equal(flow_in_find(&f, 1), FLOW_IN_RECEIVED);
    assert_true(flow_in_remove(&f, 1));
    assert_false(flow_in_remove(&f, 1));
    assert_int_equal(flow_in_find(&f, 1), FLOW_IN_NEW);
    assert_int_equal(flow_in_find(&f, 65535), FLOW_IN_RECEIVED);
    assert_int_equal(f.count, 1);
    flow_in_deinit(&f);
    assert_int_equal(flow_in_find(&f, 65535), FLOW_IN_NEW);
    flow_in_deinit(&f);
}

static void repetitions_are_counted_until_it_is_decided(void **state)
{
    struct flow_in f = {0};

    (void)state;
    flow_in_repeat(&f, 9); /* unknown */
    assert_int_equal(flow_in_receive(&f, 9), 0);
    assert_int_equal(flow_in_find(&f, 9), FLOW_IN_NEW);
    assert_true(flow_in_add(&f, 9, FLOW_IN_PENDING));
    assert_true(flow_in_add(&f, 10, FLOW_IN_PENDING));
    flow_in_repeat(&f, 9);
    flow_in_repeat(&f, 9);
    assert_int_equal(flow_in_receive(&f, 10), 0);
    assert_int_equal(flow_in_receive(&f, 9), 2);
    assert_int_equal(flow_in_receive(&f, 9), 0);
    for (unsigned i = 0; i < 1000; i++)
        flow_in_repeat(&f, 10);
    assert_int_equal(flow_in_receive(&f, 10), 255); /* a flood counts no further */
    flow_in_deinit(&f);
}

static void one_that_is_released_early_goes_when_it_is_decided(void **state)
{
    struct flow_in f = {0};

    (void)state;
    flow_in_release(&f, 9); /* unknown */
    assert_true(flow_in_add(&f, 9, FLOW_IN_PENDING));
    assert_true(flow_in_add(&f, 10, FLOW_IN_PENDING));
    flow_in_repeat(&f, 9);
    flow_in_release(&f, 9);
    assert_int_equal(flow_in_find(&f, 9), FLOW_IN_PENDING);
    assert_int_equal(flow_in_receive(&f, 9), 2);
    assert_int_equal(flow_in_find(&f, 9), FLOW_IN_NEW);
    assert_int_equal(flow_in_receive(&f, 10), 0);
    assert_int_equal(flow_in_find(&f, 10), FLOW_IN_RECEIVED);
    flow_in_deinit(&f);
}

static void there_are_not_too_many(void **state)
{
    struct flow_in f = {0};

    (void)state;
    for (unsigned id = 1; id <= FLOW_IN_RECEPTIONS_MAX; id++)
        assert_true(flow_in_add(&f, (uint16_t)id, FLOW_IN_RECEIVED));
    assert_false(flow_in_add(&f, FLOW_IN_RECEPTIONS_MAX + 1, FLOW_IN_RECEIVED));
    assert_int_equal(f.count, FLOW_IN_RECEPTIONS_MAX);
    assert_int_equal(flow_in_find(&f, FLOW_IN_RECEPTIONS_MAX + 1), FLOW_IN_NEW);
    for (unsigned id = 1; id <= FLOW_IN_RECEPTIONS_MAX; id += 2)
        assert_true(flow_in_remove(&f, (uint16_t)id));
    for (unsigned id = 1; id <= FLOW_IN_RECEPTIONS_MAX; id++)
        assert_int_equal(flow_in_find(&f, (uint16_t)id),
                         id % 2 == 0 ? FLOW_IN_RECEIVED : FLOW_IN_NEW);
    assert_true(flow_in_add(&f, 1, FLOW_IN_PENDING));
    flow_in_deinit(&f);
}

/* --- acknowledgements ------------------------------------------------------------------------ */

/* Pushes one; gives its number. */
static uint32_t push(struct flow_in_acks *a, uint16_t packet_id)
{
    struct flow_in_ack ack = {.packet_id = packet_id, .qos = 1};
    uint32_t number = flow_in_acks_next(a);

    flow_in_acks_push(a, &ack);
    return number;
}

static void expect_pop(struct flow_in_acks *a, uint16_t packet_id, enum reason reason,
                       const char *why)
{
    struct flow_in_ack ack;

    assert_true(flow_in_acks_pop(a, &ack));
    assert_int_equal(ack.packet_id, packet_id);
    assert_int_equal(ack.reason, reason);
    assert_true(slice_is(shared_bytes_slice(ack.why), why));
    shared_bytes_unref(&ack.why);
}

static void expect_nothing(struct flow_in_acks *a)
{
    struct flow_in_ack ack;

    assert_false(flow_in_acks_pop(a, &ack));
}

/* [MQTT-4.6.0-2], [MQTT-4.6.0-3] */
static void they_leave_in_the_order_of_the_publishes(void **state)
{
    struct flow_in_acks a = {0};
    uint32_t first, second, third;

    (void)state;
    expect_nothing(&a);
    first = push(&a, 10);
    second = push(&a, 11);
    third = push(&a, 12);
    assert_int_equal(second, first + 1);
    assert_int_equal(third, first + 2);
    assert_true(flow_in_acks_decide(&a, third, REASON_NOT_AUTHORIZED,
                                    shared_bytes_new(MEM_TEST, slice_of("because"))));
    expect_nothing(&a);
    assert_true(flow_in_acks_decide(&a, first, REASON_SUCCESS, NULL));
    expect_pop(&a, 10, REASON_SUCCESS, "");
    expect_nothing(&a);
    assert_true(flow_in_acks_decide(&a, second, REASON_SUCCESS, NULL));
    expect_pop(&a, 11, REASON_SUCCESS, "");
    expect_pop(&a, 12, REASON_NOT_AUTHORIZED, "because");
    expect_nothing(&a);
    assert_int_equal(flow_in_acks_next(&a), third + 1); /* numbers do not come again */
    flow_in_acks_deinit(&a);
}

/* A QoS 2 PUBLISH that came again takes its place in the row, and goes with the first one's
 * verdict: [MQTT-4.6.0-3]. Another PUBLISH with its identifier is none of its business. */
static void regress_repetitions_leave_in_order(void **state)
{
    const struct flow_in_ack repetition = {.packet_id = 10, .qos = 2, .is_repetition = true};
    struct shared_bytes *why = shared_bytes_new(MEM_TEST, slice_of("because"));
    struct flow_in_acks a = {0};
    uint32_t before, same;

    (void)state;
    before = push(&a, 9);
    flow_in_acks_push(&a, &repetition);
    same = push(&a, 10);
    flow_in_acks_push(&a, &repetition);
    flow_in_acks_decide_repetitions(&a, 10, REASON_NOT_AUTHORIZED, why);
    shared_bytes_unref(&why);
    expect_nothing(&a);
    assert_true(flow_in_acks_decide(&a, before, REASON_SUCCESS, NULL));
    expect_pop(&a, 9, REASON_SUCCESS, "");
    expect_pop(&a, 10, REASON_NOT_AUTHORIZED, "because");
    expect_nothing(&a);
    assert_true(flow_in_acks_decide(&a, same, REASON_SUCCESS, NULL));
    expect_pop(&a, 10, REASON_SUCCESS, "");
    expect_pop(&a, 10, REASON_NOT_AUTHORIZED, "because");
    flow_in_acks_deinit(&a);
}

static void what_is_decided_when_pushed_waits_for_its_turn(void **state)
{
    struct flow_in_acks a = {0};
    struct flow_in_ack decided = {
        .packet_id = 2, .qos = 2, .is_decided = true, .reason = REASON_NO_MATCHING_SUBSCRIBERS};
    uint32_t first = push(&a, 1);

    (void)state;
    flow_in_acks_push(&a, &decided);
    expect_nothing(&a);
    assert_true(flow_in_acks_decide(&a, first, REASON_SUCCESS, NULL));
    expect_pop(&a, 1, REASON_SUCCESS, "");
    expect_pop(&a, 2, REASON_NO_MATCHING_SUBSCRIBERS, "");
    flow_in_acks_deinit(&a);
}

static void numbers_that_are_not_there_are_refused(void **state)
{
    struct flow_in_acks a = {0};
    uint32_t first;

    (void)state;
    assert_false(flow_in_acks_decide(&a, 0, REASON_SUCCESS, NULL));
    first = push(&a, 1);
    assert_false(flow_in_acks_decide(&a, first + 1, REASON_SUCCESS, NULL));
    assert_false(flow_in_acks_decide(&a, first - 1, REASON_SUCCESS, NULL));
    assert_true(flow_in_acks_decide(&a, first, REASON_SUCCESS, NULL));
    expect_pop(&a, 1, REASON_SUCCESS, "");
    assert_false(flow_in_acks_decide(&a, first, REASON_SUCCESS, NULL)); /* popped */
    flow_in_acks_deinit(&a);
}

static void the_end_gives_back_the_reasons(void **state)
{
    struct flow_in_acks a = {0};
    uint32_t first = push(&a, 1);
    uint32_t second = push(&a, 2);

    (void)state;
    assert_true(flow_in_acks_decide(&a, second, REASON_NOT_AUTHORIZED,
                                    shared_bytes_new(MEM_TEST, slice_of("because"))));
    assert_int_equal(second, first + 1);
    flow_in_acks_deinit(&a);
    assert_int_equal(a.count, 0);
    flow_in_acks_deinit(&a);
}

enum { WAITING_MAX = 2000, STEPS = 200000 };

/* Many wait, decided in any order, over the wrap of the ring and of the numbers. */
static void at_random(void **state)
{
    static uint32_t undecided[WAITING_MAX];
    struct flow_in_acks a = {.first_number = UINT32_MAX - 1000};
    unsigned undecided_count = 0;
    uint32_t pushed = 0, popped = 0;

    (void)state;
    srand(1);
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned what = (unsigned)rand() % 100;
        struct flow_in_ack ack;

        if (what < (step / 5000 % 2 == 0 ? 60u : 30u) && undecided_count < WAITING_MAX) {
            undecided[undecided_count++] = push(&a, (uint16_t)++pushed);
        } else if (undecided_count > 0) {
            unsigned at = (unsigned)rand() % undecided_count;

            assert_true(flow_in_acks_decide(&a, undecided[at], REASON_SUCCESS, NULL));
            undecided[at] = undecided[--undecided_count];
        }
        while (flow_in_acks_pop(&a, &ack)) {
            popped++;
            assert_int_equal(ack.packet_id, (uint16_t)popped);
        }
        assert_int_equal(a.count, pushed - popped);
    }
    assert_true(popped > STEPS / 4);
    flow_in_acks_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(a_reception_lives_from_publish_to_pubrel),
        LEFTOVER_TEST(repetitions_are_counted_until_it_is_decided),
        LEFTOVER_TEST(one_that_is_released_early_goes_when_it_is_decided),
        LEFTOVER_TEST(there_are_not_too_many),
        LEFTOVER_TEST(they_leave_in_the_order_of_the_publishes),
        LEFTOVER_TEST(regress_repetitions_leave_in_order),
        LEFTOVER_TEST(what_is_decided_when_pushed_waits_for_its_turn),
        LEFTOVER_TEST(numbers_that_are_not_there_are_refused),
        LEFTOVER_TEST(the_end_gives_back_the_reasons),
        LEFTOVER_TEST(at_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
