/*
 * A share group. Members that stay: each device belongs to one of them, with all it sends, in
 * order, and the devices are spread evenly. Members that come and go, are taken over, vanish,
 * unsubscribe, stop reading, accept little: what each gets is in order, and nothing is lost on its
 * way from one to another.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "mqtt/counters.h"
#include "stage.h"

static struct stage stage;

/* The member that has a device, by what it took; each transmission was taken once (stage_rest). */
static unsigned member_of(unsigned device)
{
    const struct watch_taking *takings = stage.scene.group.takings[device];
    unsigned member = 0;

    for (uint32_t t = 1; t <= stage.reporters[device].transmission_count; t++) {
        if (takings[t].member == 0)
            continue;
        if (member != 0 && takings[t].member != member)
            world_fail(&stage.world, "device %u went from member %u to member %u", device, member,
                       takings[t].member);
        member = takings[t].member;
    }
    if (member == 0)
        world_fail(&stage.world, "device %u belongs to nobody", device);
    return member - 1;
}

static void check_spread(void)
{
    unsigned devices[STAGE_WATCHERS_MAX] = {0};
    unsigned least = UINT32_MAX, most = 0;

    for (unsigned i = 0; i < stage.world.device_count; i++)
        devices[member_of(i)]++;
    for (unsigned i = 0; i < stage.watcher_count; i++) {
        least = devices[i] < least ? devices[i] : least;
        most = devices[i] > most ? devices[i] : most;
    }
    if (most - least > 1)
        world_fail(&stage.world, "one member has %u devices, another %u", most, least);
}

static void devices_stay_with_their_member(void **state)
{
    struct stage_plan plan = {.steps = 600, .only_shared = true, .is_stable = true};
    struct stage_seeds seeds = stage_choose_seeds(200);

    (void)state;
    for (uint64_t i = 0; i < seeds.count; i++) {
        plan.devices = 2 + (unsigned)(i % (WORLD_DEVICES_MAX - 1));
        stage_open(&stage, seeds.first + i, &plan);
        stage_gather(&stage);
        for (unsigned n = 0; n < plan.steps; n++)
            stage_step(&stage);
        stage_rest(&stage);
        check_spread();
        stage_close(&stage);
    }
}

static void devices_go_over_to_other_members(void **state)
{
    static const struct stage_plan plan = {.steps = 1500, .only_shared = true};
    struct stage_seeds seeds = stage_choose_seeds(1500);

    (void)state;
    for (uint64_t i = 0; i < seeds.count; i++)
        stage_play(&stage, seeds.first + i, &plan);
}

/* Short queues: members that do not read are ended, and what they had goes to the others. What
 * nobody gets was counted. */
static void what_is_full_goes_over_too(void **state)
{
    static const struct stage_plan plan = {.steps = 1500, .only_shared = true, .is_narrow = true};
    struct stage_seeds seeds = stage_choose_seeds(1000);
    int64_t ended = counter_read(&CT_sessions_overflowed);
    int64_t too_large = counter_read(&CT_deliveries_dropped_too_large);
    int64_t missing = 0;

    (void)state;
    for (uint64_t i = 0; i < seeds.count; i++) {
        stage_play(&stage, seeds.first + i, &plan);
        missing += stage.scene.group.missing;
    }
    ended = counter_read(&CT_sessions_overflowed) - ended;
    too_large = counter_read(&CT_deliveries_dropped_too_large) - too_large;
    print_message("%llu seeds, %lld ended, %lld too large, %lld got by nobody\n",
                  (unsigned long long)seeds.count, (long long)ended, (long long)too_large,
                  (long long)missing);
    if (seeds.count >= 1000)
        assert_true(ended > 0 && too_large > 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_stay_with_their_member),
        cmocka_unit_test(devices_go_over_to_other_members),
        cmocka_unit_test(what_is_full_goes_over_too),
    };

    world_prepare();
    world_tell_crashes();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
