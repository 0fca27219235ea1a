/*
 * Devices report, applications come and go: whatever the network does, each session gets what it is
 * owed, in order, as often as its QoS says, and nothing is left at the end.
 *
 * Many seeds in a row; EZTCLOUD_SIM_SEEDS=n plays more, EZTCLOUD_SIM_SEED=n one of
 * them, EZTCLOUD_SIM_TRACE=1 tells what happens.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "mqtt/counters.h"
#include "service/counters.h"
#include "stage.h"

static struct stage stage;

/* `counter` must go up, or the runs did not show what they are for. */
static void play_all(const struct stage_plan *plan, uint64_t count, const struct counter *counter)
{
    struct stage_seeds seeds = stage_choose_seeds(count);
    int64_t before = counter_read(counter);
    uint64_t received = 0, restarts = 0, again = 0;

    for (uint64_t i = 0; i < seeds.count; i++) {
        stage_play(&stage, seeds.first + i, plan);
        received += stage.scene.received;
        restarts += stage.restarts;
        again += stage.scene.again;
    }
    print_message("%llu seeds, %llu deliveries, %s: %lld, restarts: %llu, given again: %llu\n",
                  (unsigned long long)seeds.count, (unsigned long long)received, counter->name,
                  (long long)(counter_read(counter) - before), (unsigned long long)restarts,
                  (unsigned long long)again);
    assert_true(received > 0);
    if (seeds.count >= count)
        assert_true(counter_read(counter) > before && (plan->restarts == 0 || again > 0));
}

static void each_session_gets_what_it_is_owed(void **state)
{
    static const struct stage_plan plan = {.steps = 1500};

    (void)state;
    play_all(&plan, 1500, &CT_publishes_resent);
}

static void slow_sessions_catch_up_from_the_journal(void **state)
{
    static const struct stage_plan plan = {.steps = 1500, .watchers = 2, .is_heavy = true};

    (void)state;
    play_all(&plan, 60, &CT_feed_catch_ups);
}

/* The same over LMDB, whose snapshots are what sessions read. */
static void they_catch_up_from_the_journal_on_disk(void **state)
{
    static const struct stage_plan plan = {.steps = 1500, .watchers = 2, .is_heavy = true};
    struct data_place place;

    (void)state;
    data_place_open(&place);
    world_keep_journals(&place);
    play_all(&plan, 20, &CT_feed_catch_ups);
    world_keep_journals(NULL);
    data_place_close(&place);
}

static void they_get_it_over_restarts(void **state)
{
    static const struct stage_plan plan = {.steps = 1500, .restarts = 3};
    struct data_place place;

    (void)state;
    data_place_open(&place);
    world_keep_journals(&place);
    play_all(&plan, 100, &CT_publishes_resent);
    world_keep_journals(NULL);
    data_place_close(&place);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_session_gets_what_it_is_owed),
        cmocka_unit_test(slow_sessions_catch_up_from_the_journal),
        cmocka_unit_test(they_catch_up_from_the_journal_on_disk),
        cmocka_unit_test(they_get_it_over_restarts),
    };

    world_prepare();
    world_tell_crashes();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
