/*
 * Devices come and go, take themselves over, speak through gateways, report; rules are added,
 * changed, switched off for one device and removed; types change; the server stops or is killed and
 * starts again. Whatever happens, `online`, `alarm` and `alarm_detail` say what the contract asks
 * for (alarm_oracle), each when it is due, and nothing else.
 *
 * Many seeds in a row; EZTCLOUD_SIM_SEEDS=n plays more, EZTCLOUD_SIM_SEED=n one of them,
 * EZTCLOUD_SIM_TRACE=1 tells what happens.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "alarm_scene.h"
#include "alarm_script.h"
#include "base/invariant.h"
#include "peer_packet.h"
#include "platform/alarm_rule.h"
#include "platform/device_store.h"
#include "stage.h"

enum {
    STEPS = 400,
    SEEDS = 100,
    DISK_SHARE = 5, /* of so many seeds, one is played over the journal on disk, too */
    GRACE_MS = 5000,
    STORED_MS = DEVICE_STORE_BEHIND_MS + 2 * ALARM_SLACK_MS, /* by then all is on disk */
    SPAN_MAX_MS = 4000,
    DUE_MAX_MS = 10000,
    PEACE_MS = 13000, /* more often they would be taken for two that fight for the device */
    TOPIC_MAX = 64
};

static struct alarm_scene scene;
static bool is_v5[ALARM_DEVICES];
static int64_t taken_ms[ALARM_DEVICES]; /* when it connected last */

static uint64_t runs_alarms, runs_online, runs_by_time, runs_late, runs_restarts, runs_steps,
    runs_take_overs;

static struct chance *chance(void)
{
    return &scene.world.chance;
}

/* --- devices ---------------------------------------------------------------------------------- */

static unsigned choose_root(void)
{
    unsigned device;

    do {
        device = chance_below(chance(), ALARM_DEVICES);
    } while (alarm_seats[device].parent >= 0);
    return device;
}

/* One that can speak: its root is connected. ALARM_DEVICES: none was found. */
static unsigned choose_speaker(bool is_sub)
{
    unsigned device = chance_below(chance(), ALARM_DEVICES);

    return (alarm_seats[device].parent >= 0) == is_sub &&
                   scene.links[alarm_scene_root(device)] != NULL
               ? device
               : ALARM_DEVICES;
}

static void come(void)
{
    unsigned device = choose_root();
    struct peer_connect c = {.is_v5 = chance_percent(chance(), 50),
                             .is_clean = true,
                             .client_id = chance_percent(chance(), 50) ? "a" : "b",
                             .username = scene.world.devices[device],
                             .password = WORLD_PASSWORD};
    struct link *old = scene.links[device];

    if (old != NULL && scene.oracle.now_ms < taken_ms[device] + PEACE_MS)
        return;
    taken_ms[device] = scene.oracle.now_ms;
    scene.links[device] = world_connect(&scene.world, SITE_DEVICE_SERVICE,
                                        chance_below(chance(), scene.world.worker_count));
    invariant(scene.links[device] != NULL);
    is_v5[device] = c.is_v5;
    peer_write_connect(&scene.links[device]->pipe->to_server, &c);
    world_trace(&scene.world, "device %u %s", device, old == NULL ? "connects" : "takes over");
    runs_take_overs += old != NULL;
    oracle_come(&scene.oracle, device);
    if (old != NULL && chance_percent(chance(), 50)) { /* its end may be noticed before or behind */
        alarm_scene_settle(&scene);
        world_let_go(&scene.world, &old, MEMORY_END);
    }
    alarm_scene_settle(&scene);
    if (old != NULL)
        world_let_go(&scene.world, &old, MEMORY_END);
}

static void go(void)
{
    unsigned device = choose_root();

    if (scene.links[device] == NULL)
        return;
    world_trace(&scene.world, "device %u goes", device);
    if (chance_percent(chance(), 50))
        peer_write_disconnect(&scene.links[device]->pipe->to_server);
    oracle_go(&scene.oracle, device);
    world_let_go(&scene.world, &scene.links[device],
                 chance_percent(chance(), 50) ? MEMORY_END : MEMORY_RESET);
    alarm_scene_settle(&scene);
}

static void say(unsigned device, const char *word, struct slice payload)
{
    struct link *l = scene.links[device];
    char topic[TOPIC_MAX];

    (void)snprintf(topic, sizeof(topic), "%s/%s", word, scene.world.devices[device]);
    peer_write_publish(&l->pipe->to_server, is_v5[device], slice_of(topic), payload, 0, false, 0);
}

/* The path of a sub-device: `["1", "2"]`. */
static void append_path(unsigned device, struct buffer *out)
{
    const char *steps[ALARM_DEVICES];
    unsigned count = 0;

    for (int i = (int)device; alarm_seats[i].parent >= 0; i = alarm_seats[i].parent)
        steps[count++] = alarm_seats[i].address;
    buffer_append_u8(out, '[');
    while (count > 0) {
        buffer_printf(out, "\"%s\"%s", steps[count - 1], count > 1 ? ", " : "");
        count--;
    }
    buffer_append_u8(out, ']');
}

static void sub_presence(void)
{
    unsigned device = choose_speaker(true);
    bool comes = chance_percent(chance(), 55);
    struct buffer payload = {0};

    if (device == ALARM_DEVICES)
        return;
    buffer_append_text(&payload, "{\"device\": ");
    append_path(device, &payload);
    buffer_append_u8(&payload, '}');
    world_trace(&scene.world, "device %u %s", device, comes ? "is connected" : "is disconnected");
    say(alarm_scene_root(device), comes ? "sub_connect" : "sub_disconnect", buffer_slice(&payload));
    if (comes)
        oracle_come(&scene.oracle, device);
    else
        oracle_go(&scene.oracle, device);
    buffer_deinit(&payload);
    alarm_scene_settle(&scene);
}

/* --- reports ---------------------------------------------------------------------------------- */

static void report(void)
{
    unsigned device = choose_speaker(chance_percent(chance(), 40));
    struct oracle_value values[ALARM_ATTRIBUTES];
    struct buffer payload = {0};
    uint32_t attributes;
    bool is_sub;

    if (device == ALARM_DEVICES)
        return;
    is_sub = alarm_seats[device].parent >= 0;
    if (is_sub) {
        buffer_append_text(&payload, "[{\"device\": ");
        append_path(device, &payload);
        buffer_append_text(&payload, ", \"attributes\": ");
    }
    attributes = alarm_script_report(chance(), values, &payload);
    if (is_sub)
        buffer_append_text(&payload, "}]");
    world_trace(&scene.world, "device %u reports %.*s", device, (int)payload.len,
                (const char *)payload.data);
    say(alarm_scene_root(device), is_sub ? "sub_attributes" : "attributes", buffer_slice(&payload));
    oracle_report(&scene.oracle, device, attributes, values);
    buffer_deinit(&payload);
    alarm_scene_settle(&scene);
}

/* --- rules ------------------------------------------------------------------------------------ */

/* Gives a rule to all workers, as it is now. */
static void put_rule(unsigned rule)
{
    const struct oracle_rule *r = &scene.oracle.rules[rule];
    char error[ALARM_RULE_ERROR_MAX];
    struct buffer text = {0};
    struct alarm_rule *made;

    alarm_script_definition(&scene.world, r, &text);
    world_trace(&scene.world, "rule %u: %.*s", rule, (int)text.len, (const char *)text.data);
    if (alarm_rule_parse(alarm_scene_rule_id(rule), alarm_scene_project_id(), buffer_slice(&text),
                         &made, error) != ST_OK)
        world_fail(&scene.world, "%.*s: %s", (int)text.len, (const char *)text.data, error);
    for (unsigned i = 0; i < scene.world.worker_count; i++)
        home_put_rule(home_of(worker_group_get(scene.world.workers, i)), made);
    alarm_rule_unref(&made);
    buffer_deinit(&text);
}

static void set_rule(void)
{
    unsigned rule = chance_below(chance(), ALARM_RULES);
    struct oracle_rule r = scene.oracle.rules[rule];

    if (r.exists && chance_percent(chance(), 15)) {
        r = (struct oracle_rule){0};
        world_trace(&scene.world, "rule %u goes", rule);
    } else if (r.exists && chance_percent(chance(), 60)) {
        alarm_script_change(chance(), &r);
    } else {
        r = alarm_script_rule(chance());
    }
    oracle_set_rule(&scene.oracle, rule, &r);
    if (r.exists) {
        put_rule(rule);
    } else {
        for (unsigned i = 0; i < scene.world.worker_count; i++)
            home_remove_rule(home_of(worker_group_get(scene.world.workers, i)),
                             alarm_scene_rule_id(rule));
    }
    alarm_scene_settle(&scene);
}

static void set_type(void)
{
    unsigned device = chance_below(chance(), ALARM_DEVICES);
    int type = (int)chance_below(chance(), ALARM_TYPES + 1) - 1;

    world_trace(&scene.world, "device %u is of type %d", device, type);
    oracle_set_type(&scene.oracle, device, type);
    device_set_type(alarm_scene_device(&scene, device), alarm_script_type_id(type));
    alarm_scene_settle(&scene);
}

/* --- restarts --------------------------------------------------------------------------------- */

/* A crash loses what is younger: until nothing has happened for so long. */
static void wait_until_stored(void)
{
    uint64_t told;

    do {
        told = scene.oracle.told_online + scene.oracle.told_alarms;
        alarm_scene_advance(&scene, STORED_MS);
    } while (scene.oracle.told_online + scene.oracle.told_alarms != told);
}

static void restart(void)
{
    static const uint64_t pauses_ms[] = {0, 100, 1500, 10000};
    bool saves = chance_percent(chance(), 50);
    uint64_t pause_ms = pauses_ms[chance_below(chance(), 4)];

    if (!saves)
        wait_until_stored();
    world_trace(&scene.world, "%s, for %llu ms",
                saves ? "the server stops" : "the server is killed", (unsigned long long)pause_ms);
    world_restart(&scene.world, saves, pause_ms);
    alarm_scene_read_all(&scene);
    scene.oracle.now_ms += (int64_t)pause_ms;
    oracle_restart(&scene.oracle, GRACE_MS);
    alarm_scene_furnish(&scene);
    for (unsigned rule = 0; rule < ALARM_RULES; rule++) {
        if (scene.oracle.rules[rule].exists)
            put_rule(rule);
    }
    invariant(device_store_load(scene.world.workers, scene.world.journal, GRACE_MS) == ST_OK);
    runs_restarts++;
    alarm_scene_settle(&scene);
}

/* --- time ------------------------------------------------------------------------------------- */

/* To the moment at which an alarm is due. The timer comes a little later, and before it what
 * happens next. */
static void wait_until_due(void)
{
    int64_t due_ms = oracle_next_due(&scene.oracle);

    if (due_ms <= scene.oracle.now_ms + DUE_MAX_MS)
        alarm_scene_advance(&scene, due_ms - scene.oracle.now_ms);
}

/* --- a run ------------------------------------------------------------------------------------ */

/* X: what happens, how often */
static const struct happening {
    void (*happens)(void);
    unsigned weight;
} happenings[] = {
    {report, 40},   {come, 14},    {go, 8},      {sub_presence, 14},
    {set_rule, 12}, {set_type, 2}, {restart, 1},
};

static void step(void)
{
    enum { COUNT = sizeof(happenings) / sizeof(happenings[0]) };

    unsigned all = 0, at, drawn;

    for (at = 0; at < COUNT; at++)
        all += happenings[at].weight;
    drawn = chance_below(chance(), all);
    for (at = 0; drawn >= happenings[at].weight; at++)
        drawn -= happenings[at].weight;
    happenings[at].happens();
    scene.world.step++;
    if (chance_percent(chance(), 40))
        alarm_scene_advance(
            &scene,
            (int64_t)chance_below(chance(), chance_percent(chance(), 80) ? 400 : SPAN_MAX_MS));
    else if (chance_percent(chance(), 20))
        wait_until_due();
}

static void play(uint64_t seed)
{
    memset(taken_ms, 0, sizeof(taken_ms));
    alarm_scene_open(&scene, seed);
    for (unsigned i = 0; i < STEPS; i++)
        step();
    alarm_scene_advance(&scene,
                        GRACE_MS + 2 * SPAN_MAX_MS); /* whatever waits for time is over then */
    runs_online += scene.oracle.told_online;
    runs_alarms += scene.oracle.told_alarms;
    runs_by_time += scene.oracle.ended_by_time;
    runs_late += scene.oracle.ended_late;
    runs_steps += scene.world.step;
    alarm_scene_close(&scene);
}

static void they_say_what_the_contract_asks_for(void **state)
{
    struct stage_seeds seeds = stage_choose_seeds(SEEDS);

    (void)state;
    for (uint64_t i = 0; i < seeds.count; i++)
        play(seeds.first + i);
    print_message(
        "%llu seeds, %llu steps: %llu restarts, %llu take-overs, %llu online, %llu alarms "
        "(%llu when time had passed, %llu at their end)\n",
        (unsigned long long)seeds.count, (unsigned long long)runs_steps,
        (unsigned long long)runs_restarts, (unsigned long long)runs_take_overs,
        (unsigned long long)runs_online, (unsigned long long)runs_alarms,
        (unsigned long long)runs_by_time, (unsigned long long)runs_late);
    assert_true(runs_online > 0 && runs_alarms > 0);
    if (seeds.count >= SEEDS)
        assert_true(runs_by_time > 0 && runs_late > 0 && runs_restarts > 0 && runs_take_overs > 0);
}

/* What is loaded at a restart has been read from LMDB. */
static void they_say_the_same_over_a_journal_on_disk(void **state)
{
    struct stage_seeds seeds = stage_choose_seeds(SEEDS);
    struct data_place place;

    (void)state;
    data_place_open(&place);
    world_keep_journals(&place);
    for (uint64_t i = 0; i < seeds.count; i += DISK_SHARE)
        play(seeds.first + i);
    world_keep_journals(NULL);
    data_place_close(&place);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_say_what_the_contract_asks_for),
        cmocka_unit_test(they_say_the_same_over_a_journal_on_disk),
    };

    world_prepare();
    world_tell_crashes();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
