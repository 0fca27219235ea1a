#include "alarm_scene.h"

#include <stdio.h>
#include <string.h>

#include "alarm_script.h"
#include "base/clock.h"
#include "base/invariant.h"
#include "platform/sub_device.h"
#include "service/site.h"

enum { TYPE_DELAY_MS = 2000, DEFAULT_DELAY_MS = 0, SETTLE_ROUNDS_MAX = 1000 };

const struct alarm_seat alarm_seats[ALARM_DEVICES] = {{-1, ""}, {-1, ""}, {-1, ""}, {-1, ""},
                                                      {0, "1"}, {4, "2"}, {0, "7"}, {1, "1"}};

/* --- names ------------------------------------------------------------------------------------ */

static uint64_t device_id(const struct alarm_scene *s, unsigned device)
{
    return ident_parse(IDENT_DEVICE, slice_of(s->world.devices[device]));
}

uint64_t alarm_scene_rule_id(unsigned rule)
{
    char text[] = "AL_SIM0000000";

    text[sizeof(text) - 2] = (char)('0' + rule);
    return ident_parse(IDENT_RULE, slice_of(text));
}

uint64_t alarm_scene_project_id(void)
{
    return ident_parse(IDENT_PROJECT, slice_of(WORLD_PROJECT));
}

unsigned alarm_scene_root(unsigned device)
{
    while (alarm_seats[device].parent >= 0)
        device = (unsigned)alarm_seats[device].parent;
    return device;
}

static struct home *home_at(const struct alarm_scene *s, unsigned device)
{
    unsigned worker =
        worker_home(hash_u64(device_id(s, alarm_scene_root(device))), s->world.worker_count);

    return home_of(worker_group_get(s->world.workers, worker));
}

struct device *alarm_scene_device(struct alarm_scene *s, unsigned device)
{
    struct device *d = home_find_device(home_at(s, device), device_id(s, device));

    invariant(d != NULL);
    return d;
}

/* --- what the server says --------------------------------------------------------------------- */

static unsigned find_device(const struct alarm_scene *s, const struct open_message *m)
{
    unsigned device = 0;

    while (device < ALARM_DEVICES && device_id(s, device) != m->device_id)
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
        ident_format(IDENT_RULE, alarm_scene_rule_id(rule), text);
        if (has_text(payload, text))
            break;
    }
    invariant(rule < ALARM_RULES);
    return rule;
}

static void on_deliver(struct home *h, struct open_message *m, uint64_t seq)
{
    struct slice payload = message_payload(&m->message);
    struct alarm_scene *s = list_entry(h->shared->sink, struct alarm_scene, sink);
    bool is_true = has_text(payload, "\"online\": true") || has_text(payload, "\"alerting\": true");
    unsigned device = find_device(s, m);
    const char *fault = NULL;

    (void)seq;
    if (m->kind == OPEN_KIND_ONLINE || m->kind == OPEN_KIND_ALARM ||
        m->kind == OPEN_KIND_ALARM_DETAIL)
        world_trace(&s->world, "device %u: %s %.*s", device, open_kinds[m->kind].word,
                    (int)payload.len, (const char *)payload.data);
    if (m->kind == OPEN_KIND_ONLINE)
        fault = oracle_online(&s->oracle, device, is_true);
    else if (m->kind == OPEN_KIND_ALARM)
        fault = oracle_alarm(&s->oracle, device, is_true);
    else if (m->kind == OPEN_KIND_ALARM_DETAIL)
        fault = oracle_detail(&s->oracle, device, find_rule(payload), is_true);
    if (fault != NULL)
        world_fail(&s->world, "device %u: %s", device, fault);
}

static void check(const struct alarm_scene *s)
{
    unsigned device;
    const char *fault = oracle_check(&s->oracle, &device);

    if (fault != NULL)
        world_fail(&s->world, "device %u: %s", device, fault);
}

/* --- the world -------------------------------------------------------------------------------- */

void alarm_scene_read_all(struct alarm_scene *s)
{
    for (unsigned i = 0; i < ALARM_DEVICES; i++) {
        struct link *l = s->links[i];

        if (l != NULL)
            l->pipe->to_client.len = 0;
        if (l != NULL && l->conn == NULL) /* the server has closed it */
            world_let_go(&s->world, &s->links[i], MEMORY_END);
    }
}

/* Until nothing is under way: then all that must be said has been said. */
void alarm_scene_settle(struct alarm_scene *s)
{
    struct world *w = &s->world;
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
        alarm_scene_read_all(s);
    }
    for (unsigned i = 0; i < w->worker_count; i++)
        world_turn(w, i);
    check(s);
}

/* Step by step, so that what a timer says is heard when it is due. */
void alarm_scene_advance(struct alarm_scene *s, int64_t ms)
{
    enum { STEP_MS = 50 };

    for (; ms > 0; ms -= STEP_MS) {
        int64_t step_ms = ms < STEP_MS ? ms : STEP_MS;

        world_advance(&s->world, (uint64_t)step_ms);
        s->oracle.now_ms += step_ms;
        alarm_scene_settle(s);
    }
}

static void place_sub_devices(struct alarm_scene *s)
{
    struct secret_digest secret = secret_digest_of(slice_of(WORLD_PASSWORD));
    struct root_map_change changes[ALARM_DEVICES];
    struct root_map *none = root_map_new(), *roots;
    size_t count = 0;

    for (unsigned i = 0; i < ALARM_DEVICES; i++) {
        unsigned plain = worker_home(hash_u64(device_id(s, i)), s->world.worker_count);

        if (alarm_seats[i].parent < 0)
            continue;
        changes[count++] =
            (struct root_map_change){device_id(s, i), device_id(s, alarm_scene_root(i))};
        home_remove_device(home_of(worker_group_get(s->world.workers, plain)), device_id(s, i));
        (void)home_add_device(home_at(s, i), alarm_scene_project_id(), device_id(s, i), &secret,
                              true);
    }
    roots = root_map_with(none, changes, count);
    for (unsigned i = 0; i < s->world.worker_count; i++)
        home_put_roots(home_of(worker_group_get(s->world.workers, i)), roots);
    for (unsigned i = 0; i < ALARM_DEVICES; i++) {
        if (alarm_seats[i].parent >= 0)
            sub_device_place(alarm_scene_device(s, i),
                             alarm_scene_device(s, (unsigned)alarm_seats[i].parent),
                             slice_of(alarm_seats[i].address));
    }
    root_map_unref(&none);
    root_map_unref(&roots);
}

static void put_types(struct alarm_scene *s)
{
    char text[64], error[DEVICE_TYPE_ERROR_MAX];

    for (int type = 0; type < ALARM_TYPES; type++) {
        struct device_type *t;

        (void)snprintf(text, sizeof(text), "{\"offline_delay\": %lld}",
                       (long long)(s->oracle.delay_ms[type] / 1000));
        invariant(device_type_parse(alarm_script_type_id(type), alarm_scene_project_id(),
                                    slice_of(text), &t, error) == ST_OK);
        for (unsigned i = 0; i < s->world.worker_count; i++)
            home_put_type(home_of(worker_group_get(s->world.workers, i)), t);
        device_type_unref(&t);
    }
}

/* Everything that is not on disk, as the registry would give it. */
void alarm_scene_furnish(struct alarm_scene *s)
{
    struct world *w = &s->world;
    struct project *p = home_find_project(home_at(s, 0), alarm_scene_project_id())->project;

    w->shared.sink = &s->sink;
    atomic_store(&p->alarm_per_rule, s->oracle.tells_each);
    for (unsigned kind = 0; kind < OPEN_KIND_COUNT; kind++)
        atomic_store(&p->interest.live[kind], 1);
    place_sub_devices(s);
    put_types(s);
    for (unsigned i = 0; i < ALARM_DEVICES; i++)
        device_set_type(alarm_scene_device(s, i), alarm_script_type_id(s->oracle.devices[i].type));
}

void alarm_scene_open(struct alarm_scene *s, uint64_t seed)
{
    *s = (struct alarm_scene){0};
    world_open(&s->world, seed, 1 + (unsigned)(seed % 3), ALARM_DEVICES, 10);
    oracle_init(&s->oracle, ALARM_DEVICES);
    s->oracle.now_ms = clock_unix_ms();
    s->oracle.tells_each = chance_percent(&s->world.chance, 30);
    s->oracle.delay_ms[1] = TYPE_DELAY_MS;
    s->oracle.delay_ms[ALARM_TYPES] = DEFAULT_DELAY_MS;
    for (unsigned i = 0; i < ALARM_DEVICES; i++) {
        s->oracle.devices[i].parent = alarm_seats[i].parent;
        s->oracle.devices[i].type = (int)chance_below(&s->world.chance, ALARM_TYPES + 1) - 1;
    }
    s->sink = site_sink;
    s->sink.deliver = on_deliver;
    alarm_scene_furnish(s);
    alarm_scene_settle(s);
}

void alarm_scene_close(struct alarm_scene *s)
{
    for (unsigned i = 0; i < ALARM_DEVICES; i++) {
        if (s->links[i] != NULL)
            world_let_go(&s->world, &s->links[i], MEMORY_END);
    }
    s->world.shared.sink = &site_sink; /* what the stop causes is nobody's business */
    world_close(&s->world);
}
