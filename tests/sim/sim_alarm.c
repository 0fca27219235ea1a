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

#include "alarm_oracle.h"
#include "alarm_script.h"
#include "base/clock.h"
#include "base/invariant.h"
#include "peer_packet.h"
#include "platform/alarm_rule.h"
#include "platform/device_store.h"
#include "platform/sub_device.h"
#include "stage.h"

enum {
    STEPS = 400,
    SEEDS = 100,
    GRACE_MS = 5000,
    TYPE_DELAY_MS = 2000,
    DEFAULT_DELAY_MS = 0,
    STORED_MS = DEVICE_STORE_BEHIND_MS + 2 * ALARM_SLACK_MS, /* by then all is on disk */
    SPAN_MAX_MS = 4000,
    DUE_MAX_MS = 10000,
    SETTLE_ROUNDS_MAX = 1000,
    PEACE_MS = 13000, /* more often they would be taken for two that fight for the device */
    TOPIC_MAX = 64
};

/* Who stands below whom, and at which address. */
static const struct seat {
    int parent; /* -1: it connects itself */
    const char *address;
} seats[ALARM_DEVICES] = {{-1, ""}, {-1, ""}, {-1, ""}, {-1, ""},
                          {0, "1"}, {4, "2"}, {0, "7"}, {1, "1"}};

static struct scene {
    struct world world;
    struct oracle oracle;
    struct link *links[ALARM_DEVICES]; /* of those that connect themselves */
    bool is_v5[ALARM_DEVICES];
    int64_t taken_ms[ALARM_DEVICES]; /* when it connected last */
    struct home_sink sink;           /* the server's, but that we hear what is published */
    unsigned restarts, take_overs;
} scene;

static uint64_t runs_alarms, runs_online, runs_by_time, runs_late, runs_restarts, runs_steps,
    runs_take_overs;

static struct chance *chance(void)
{
    return &scene.world.chance;
}

/* --- names ------------------------------------------------------------------------------------ */

static uint64_t device_id(unsigned device)
{
    return ident_parse(IDENT_DEVICE, slice_of(scene.world.devices[device]));
}

static uint64_t rule_id(unsigned rule)
{
    char text[] = "AL_SIM0000000";

    text[sizeof(text) - 2] = (char)('0' + rule);
    return ident_parse(IDENT_RULE, slice_of(text));
}

static uint64_t project_id(void)
{
    return ident_parse(IDENT_PROJECT, slice_of(WORLD_PROJECT));
}

static unsigned root_of(unsigned device)
{
    while (seats[device].parent >= 0)
        device = (unsigned)seats[device].parent;
    return device;
}

static struct home *home_at(unsigned device)
{
    unsigned worker = worker_home(hash_u64(device_id(root_of(device))), scene.world.worker_count);

    return home_of(worker_group_get(scene.world.workers, worker));
}

static struct device *device_at(unsigned device)
{
    struct device *d = home_find_device(home_at(device), device_id(device));

    invariant(d != NULL);
    return d;
}

/* --- what the server says --------------------------------------------------------------------- */

static unsigned find_device(const struct open_message *m)
{
    unsigned device = 0;

    while (device < ALARM_DEVICES && device_id(device) != m->device_id)
        device++;
    invariant(device < ALARM_DEVICES);
    return device;
}

static bool has_text(struct slice payload, const char *text)
{
    return memmem(payload.data, payload.len, text, strlen(text)) != NULL;
}

static unsigned find_rule(struct slice payload)
{
    char text[IDENT_TEXT_LEN + 1];
    unsigned rule = 0;

    for (; rule < ALARM_RULES; rule++) {
        ident_format(IDENT_RULE, rule_id(rule), text);
        if (has_text(payload, text))
            break;
    }
    invariant(rule < ALARM_RULES);
    return rule;
}

static void on_deliver(struct home *h, struct open_message *m, uint64_t seq)
{
    struct slice payload = message_payload(&m->message);
    bool is_true = has_text(payload, "\"online\": true") || has_text(payload, "\"alerting\": true");
    unsigned device = find_device(m);
    const char *fault = NULL;

    (void)h;
    (void)seq;
    if (m->kind == OPEN_KIND_ONLINE || m->kind == OPEN_KIND_ALARM ||
        m->kind == OPEN_KIND_ALARM_DETAIL)
        world_trace(&scene.world, "device %u: %s %.*s", device, open_kinds[m->kind].word,
                    (int)payload.len, (const char *)payload.data);
    if (m->kind == OPEN_KIND_ONLINE)
        fault = oracle_online(&scene.oracle, device, is_true);
    else if (m->kind == OPEN_KIND_ALARM)
        fault = oracle_alarm(&scene.oracle, device, is_true);
    else if (m->kind == OPEN_KIND_ALARM_DETAIL)
        fault = oracle_detail(&scene.oracle, device, find_rule(payload), is_true);
    if (fault != NULL)
        world_fail(&scene.world, "device %u: %s", device, fault);
}

static void check(void)
{
    unsigned device;
    const char *fault = oracle_check(&scene.oracle, &device);

    if (fault != NULL)
        world_fail(&scene.world, "device %u: %s", device, fault);
}

/* --- the world -------------------------------------------------------------------------------- */

/* What clients are sent means nothing here. */
static void read_all(void)
{
    for (unsigned i = 0; i < ALARM_DEVICES; i++) {
        struct link *l = scene.links[i];

        if (l != NULL)
            l->pipe->to_client.len = 0;
        if (l != NULL && l->conn == NULL) /* the server has closed it */
            world_let_go(&scene.world, &scene.links[i], MEMORY_END);
    }
}

/* Until nothing is under way: then all that must be said has been said. */
static void settle(void)
{
    struct world *w = &scene.world;
    bool any = true;

    for (unsigned round = 0; any || !world_is_quiet(w); round++) {
        invariant(round < SETTLE_ROUNDS_MAX);
        any = false;
        for (unsigned i = 0; i < WORLD_LINKS_MAX; i++) {
            if (w->links[i].is_used)
                any |= world_arrive(w, &w->links[i], SIZE_MAX);
        }
        for (unsigned i = 0; i < w->worker_count; i++)
            world_turn(w, i);
        any |= world_commit(w);
        read_all();
    }
    for (unsigned i = 0; i < w->worker_count; i++)
        world_turn(w, i);
    check();
}

/* Step by step, so that what a timer says is heard when it is due. */
static void advance(int64_t ms)
{
    enum { STEP_MS = 50 };

    for (; ms > 0; ms -= STEP_MS) {
        int64_t step_ms = ms < STEP_MS ? ms : STEP_MS;

        world_advance(&scene.world, (uint64_t)step_ms);
        scene.oracle.now_ms += step_ms;
        settle();
    }
}

static void place_sub_devices(void)
{
    struct secret_digest secret = secret_digest_of(slice_of(WORLD_PASSWORD));
    struct root_map_change changes[ALARM_DEVICES];
    struct root_map *none = root_map_new(), *roots;
    size_t count = 0;

    for (unsigned i = 0; i < ALARM_DEVICES; i++) {
        unsigned plain = worker_home(hash_u64(device_id(i)), scene.world.worker_count);

        if (seats[i].parent < 0)
            continue;
        changes[count++] = (struct root_map_change){device_id(i), device_id(root_of(i))};
        home_remove_device(home_of(worker_group_get(scene.world.workers, plain)), device_id(i));
        (void)home_add_device(home_at(i), project_id(), device_id(i), &secret, true);
    }
    roots = root_map_with(none, changes, count);
    for (unsigned i = 0; i < scene.world.worker_count; i++)
        home_put_roots(home_of(worker_group_get(scene.world.workers, i)), roots);
    for (unsigned i = 0; i < ALARM_DEVICES; i++) {
        if (seats[i].parent >= 0)
            sub_device_place(device_at(i), device_at((unsigned)seats[i].parent),
                             slice_of(seats[i].address));
    }
    root_map_unref(&none);
    root_map_unref(&roots);
}

static void put_types(void)
{
    char text[64], error[DEVICE_TYPE_ERROR_MAX];

    for (int type = 0; type < ALARM_TYPES; type++) {
        struct device_type *t;

        (void)snprintf(text, sizeof(text), "{\"offline_delay\": %lld}",
                       (long long)(scene.oracle.delay_ms[type] / 1000));
        invariant(device_type_parse(alarm_script_type_id(type), project_id(), slice_of(text), &t,
                                    error) == ST_OK);
        for (unsigned i = 0; i < scene.world.worker_count; i++)
            home_put_type(home_of(worker_group_get(scene.world.workers, i)), t);
        device_type_unref(&t);
    }
}

/* Everything that is not on disk, as the registry would give it. */
static void furnish(void)
{
    struct world *w = &scene.world;
    struct project *p = home_find_project(home_at(0), project_id())->project;

    w->shared.sink = &scene.sink;
    atomic_store(&p->alarm_per_rule, scene.oracle.tells_each);
    for (unsigned kind = 0; kind < OPEN_KIND_COUNT; kind++)
        atomic_store(&p->interest.live[kind], 1);
    place_sub_devices();
    put_types();
    for (unsigned i = 0; i < ALARM_DEVICES; i++)
        device_set_type(device_at(i), alarm_script_type_id(scene.oracle.devices[i].type));
}

static void open_scene(uint64_t seed)
{
    scene = (struct scene){0};
    world_open(&scene.world, seed, 1 + (unsigned)(seed % 3), ALARM_DEVICES, 10);
    oracle_init(&scene.oracle, ALARM_DEVICES);
    scene.oracle.now_ms = clock_unix_ms();
    scene.oracle.tells_each = chance_percent(chance(), 30);
    scene.oracle.delay_ms[1] = TYPE_DELAY_MS;
    scene.oracle.delay_ms[ALARM_TYPES] = DEFAULT_DELAY_MS;
    for (unsigned i = 0; i < ALARM_DEVICES; i++) {
        scene.oracle.devices[i].parent = seats[i].parent;
        scene.oracle.devices[i].type = (int)chance_below(chance(), ALARM_TYPES + 1) - 1;
    }
    scene.sink = site_sink;
    scene.sink.deliver = on_deliver;
    furnish();
    settle();
}

static void close_scene(void)
{
    for (unsigned i = 0; i < ALARM_DEVICES; i++) {
        if (scene.links[i] != NULL)
            world_let_go(&scene.world, &scene.links[i], MEMORY_END);
    }
    scene.world.shared.sink = &site_sink; /* what the stop causes is nobody's business */
    world_close(&scene.world);
}

/* --- devices ---------------------------------------------------------------------------------- */

static unsigned choose_root(void)
{
    unsigned device;

    do {
        device = chance_below(chance(), ALARM_DEVICES);
    } while (seats[device].parent >= 0);
    return device;
}

/* One that can speak: its root is connected. ALARM_DEVICES: none was found. */
static unsigned choose_speaker(bool is_sub)
{
    unsigned device = chance_below(chance(), ALARM_DEVICES);

    return (seats[device].parent >= 0) == is_sub && scene.links[root_of(device)] != NULL
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

    if (old != NULL && scene.oracle.now_ms < scene.taken_ms[device] + PEACE_MS)
        return;
    scene.taken_ms[device] = scene.oracle.now_ms;
    scene.links[device] = world_connect(&scene.world, SITE_DEVICE_SERVICE,
                                        chance_below(chance(), scene.world.worker_count));
    invariant(scene.links[device] != NULL);
    scene.is_v5[device] = c.is_v5;
    peer_write_connect(&scene.links[device]->pipe->to_server, &c);
    world_trace(&scene.world, "device %u %s", device, old == NULL ? "connects" : "takes over");
    scene.take_overs += old != NULL;
    oracle_come(&scene.oracle, device);
    if (old != NULL && chance_percent(chance(), 50)) { /* its end may be noticed before or behind */
        settle();
        world_let_go(&scene.world, &old, MEMORY_END);
    }
    settle();
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
    settle();
}

static void say(unsigned device, const char *word, struct slice payload)
{
    struct link *l = scene.links[device];
    char topic[TOPIC_MAX];

    (void)snprintf(topic, sizeof(topic), "%s/%s", word, scene.world.devices[device]);
    peer_write_publish(&l->pipe->to_server, scene.is_v5[device], slice_of(topic), payload, 0, false,
                       0);
}

/* The path of a sub-device: `["1", "2"]`. */
static void append_path(unsigned device, struct buffer *out)
{
    const char *steps[ALARM_DEVICES];
    unsigned count = 0;

    for (int i = (int)device; seats[i].parent >= 0; i = seats[i].parent)
        steps[count++] = seats[i].address;
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
    say(root_of(device), comes ? "sub_connect" : "sub_disconnect", buffer_slice(&payload));
    if (comes)
        oracle_come(&scene.oracle, device);
    else
        oracle_go(&scene.oracle, device);
    buffer_deinit(&payload);
    settle();
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
    is_sub = seats[device].parent >= 0;
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
    say(root_of(device), is_sub ? "sub_attributes" : "attributes", buffer_slice(&payload));
    oracle_report(&scene.oracle, device, attributes, values);
    buffer_deinit(&payload);
    settle();
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
    if (alarm_rule_parse(rule_id(rule), project_id(), buffer_slice(&text), &made, error) != ST_OK)
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
            home_remove_rule(home_of(worker_group_get(scene.world.workers, i)), rule_id(rule));
    }
    settle();
}

static void set_type(void)
{
    unsigned device = chance_below(chance(), ALARM_DEVICES);
    int type = (int)chance_below(chance(), ALARM_TYPES + 1) - 1;

    world_trace(&scene.world, "device %u is of type %d", device, type);
    oracle_set_type(&scene.oracle, device, type);
    device_set_type(device_at(device), alarm_script_type_id(type));
    settle();
}

/* --- restarts --------------------------------------------------------------------------------- */

/* A crash loses what is younger: until nothing has happened for so long. */
static void wait_until_stored(void)
{
    uint64_t told;

    do {
        told = scene.oracle.told_online + scene.oracle.told_alarms;
        advance(STORED_MS);
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
    read_all();
    scene.oracle.now_ms += (int64_t)pause_ms;
    oracle_restart(&scene.oracle, GRACE_MS);
    furnish();
    for (unsigned rule = 0; rule < ALARM_RULES; rule++) {
        if (scene.oracle.rules[rule].exists)
            put_rule(rule);
    }
    invariant(device_store_load(scene.world.workers, scene.world.journal, GRACE_MS) == ST_OK);
    scene.restarts++;
    settle();
}

/* --- time ------------------------------------------------------------------------------------- */

/* To the moment at which an alarm is due. The timer comes a little later, and before it what
 * happens next. */
static void wait_until_due(void)
{
    int64_t due_ms = oracle_next_due(&scene.oracle);

    if (due_ms <= scene.oracle.now_ms + DUE_MAX_MS)
        advance(due_ms - scene.oracle.now_ms);
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
        advance((int64_t)chance_below(chance(), chance_percent(chance(), 80) ? 400 : SPAN_MAX_MS));
    else if (chance_percent(chance(), 20))
        wait_until_due();
}

static void play(uint64_t seed)
{
    open_scene(seed);
    for (unsigned i = 0; i < STEPS; i++)
        step();
    advance(GRACE_MS + 2 * SPAN_MAX_MS); /* whatever waits for time is over then */
    runs_online += scene.oracle.told_online;
    runs_alarms += scene.oracle.told_alarms;
    runs_by_time += scene.oracle.ended_by_time;
    runs_late += scene.oracle.ended_late;
    runs_restarts += scene.restarts;
    runs_take_overs += scene.take_overs;
    runs_steps += scene.world.step;
    close_scene();
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

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_say_what_the_contract_asks_for),
    };

    world_prepare();
    world_tell_crashes();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
