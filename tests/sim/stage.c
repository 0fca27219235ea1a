/*
 * Each step one thing happens, drawn by weight from a table. What needs a state that is not there
 * does nothing, and the next step comes.
 */
#include "stage.h"

#include <stdlib.h>

#include "base/invariant.h"
#include "platform/device_store.h"
#include "service/app_store.h"
#include "service/link_store.h"
#include "service/will_store.h"
#include "watch_group.h"

enum {
    REST_ROUNDS_MAX = 5000,
    REST_TICK_MS = 20,
    FINAL_MESSAGES = 4,
    STAGE_FLIGHTS = 20,
    RESTART_GRACE_MS = 1000,
    RESTART_PAUSE_MS = 100
};

static struct chance *chance_of(struct stage *s)
{
    return &s->world.chance;
}

static struct reporter *any_reporter(struct stage *s)
{
    return &s->reporters[chance_below(chance_of(s), s->world.device_count)];
}

static struct watcher *any_watcher(struct stage *s)
{
    return &s->watchers[chance_below(chance_of(s), s->watcher_count)];
}

/* How much comes through at once: often all, sometimes a byte. */
static size_t any_length(struct stage *s)
{
    uint32_t kind = chance_below(chance_of(s), 10);

    if (kind < 6)
        return SIZE_MAX;
    return kind < 8 ? 1 + chance_below(chance_of(s), 3) : 1 + chance_below(chance_of(s), 400);
}

/* --- what happens ---------------------------------------------------------------------------- */

static void turn_worker(struct stage *s)
{
    world_turn(&s->world, chance_below(chance_of(s), s->world.worker_count));
}

static void let_arrive(struct stage *s)
{
    unsigned start = chance_below(chance_of(s), WORLD_LINKS_MAX);

    for (unsigned i = 0; i < WORLD_LINKS_MAX; i++) {
        struct link *l = &s->world.links[(start + i) % WORLD_LINKS_MAX];

        if (l->is_used && l->conn != NULL && world_arrive(&s->world, l, any_length(s)))
            return;
    }
}

static void read_device(struct stage *s)
{
    struct reporter *r = any_reporter(s);

    if (r->player.link != NULL)
        (void)player_read(&r->player, any_length(s));
}

static void read_app(struct stage *s)
{
    struct watcher *x = any_watcher(s);

    if (x->player.link != NULL && (!s->is_slow[x->index] || chance_percent(chance_of(s), 10)))
        (void)player_read(&x->player, any_length(s));
}

static void acknowledge(struct stage *s)
{
    struct watcher *x = any_watcher(s);

    if (!s->is_slow[x->index] || chance_percent(chance_of(s), 10))
        (void)watcher_acknowledge(x);
}

static void publish(struct stage *s)
{
    struct reporter *r = any_reporter(s);
    uint8_t qos = (uint8_t)chance_below(chance_of(s), 3);
    enum report_kind kind = (enum report_kind)chance_below(chance_of(s), REPORT_KIND_COUNT);

    if (reporter_can_publish(r, qos))
        reporter_publish(r, kind, qos);
}

static void commit(struct stage *s)
{
    (void)world_commit(&s->world);
}

static void advance(struct stage *s)
{
    static const uint64_t spans_ms[] = {1, 1, 1, 10, 10, 60, 60, 300, 1100, 6000};

    world_advance(&s->world, spans_ms[chance_below(chance_of(s), 10)]);
}

/* Whether sessions and filters may be given up. Where the server is killed they are not: it may
 * have forgotten that, and what was on its way goes with its filter. */
static bool may_forget(const struct stage *s)
{
    return !s->plan.is_stable && s->plan.restarts == 0;
}

static void come_device(struct stage *s)
{
    struct reporter *r = any_reporter(s);

    if (r->player.state == PLAYER_AWAY)
        reporter_connect(r, may_forget(s));
}

static void come_app(struct stage *s)
{
    struct watcher *x = any_watcher(s);

    if (x->player.state == PLAYER_AWAY)
        watcher_connect(x, may_forget(s));
}

static void go(struct stage *s, struct player *p)
{
    static const enum memory_end ends[] = {MEMORY_END, MEMORY_RESET, MEMORY_OPEN};

    if (!player_may_vanish(p) || s->plan.is_stable)
        return;
    if (p->state == PLAYER_ONLINE && chance_percent(chance_of(s), 10))
        player_leave(p);
    else
        player_vanish(p, ends[chance_below(chance_of(s), 3)],
                      chance_percent(chance_of(s), 50) ? chance_below(chance_of(s), 300) : 0);
}

static void go_device(struct stage *s)
{
    go(s, &any_reporter(s)->player);
}

static void go_app(struct stage *s)
{
    go(s, &any_watcher(s)->player);
}

static void change_filters(struct stage *s)
{
    struct watcher *x = any_watcher(s);
    struct watch *w = &x->watches[chance_below(chance_of(s), x->watch_count)];

    if (x->player.state != PLAYER_ONLINE || w->packet_id != 0)
        return;
    if (w->state != WATCH_PRESENT)
        watcher_subscribe(x, w);
    else if (watcher_may_unsubscribe(x, w) && may_forget(s) && chance_percent(chance_of(s), 4))
        watcher_unsubscribe(x, w);
    else if (chance_percent(chance_of(s), 5))
        watcher_subscribe(x, w);
}

static void change_room(struct stage *s)
{
    struct link *l = any_watcher(s)->player.link;

    if (l != NULL && !s->scene.group.is_dated)
        world_make_room(&s->world, l,
                        chance_percent(chance_of(s), 70) ? SIZE_MAX
                                                         : chance_below(chance_of(s), 2000));
}

/* Its session may be younger than the last commit. */
static void lose_server(struct player *p, bool keeps_session)
{
    if (p->link != NULL)
        player_vanish(p, MEMORY_RESET, 0);
    if (!keeps_session && p->stored == PLAYER_STORED_YES)
        p->stored = PLAYER_STORED_MAYBE;
}

static void lose_all(struct stage *s, bool keeps_sessions)
{
    for (unsigned i = 0; i < s->world.device_count; i++)
        lose_server(&s->reporters[i].player, keeps_sessions);
    for (unsigned i = 0; i < s->watcher_count; i++)
        lose_server(&s->watchers[i].player, keeps_sessions);
}

/* All connections end with the server, and what it had committed is loaded again. */
static void restart(struct stage *s)
{
    struct world *w = &s->world;
    bool saves = chance_percent(chance_of(s), 50);
    bool commits = saves || chance_percent(chance_of(s), 50);

    for (unsigned i = 0; i < w->worker_count; i++)
        world_turn(w, i); /* nobody is between two workers then */
    if (commits)
        (void)world_commit(w);
    world_trace(w, "the server is %s", saves ? "stopped" : "killed");
    lose_all(s, commits);
    if (saves)
        world_restart(w, true, RESTART_PAUSE_MS);
    else
        world_kill(w, RESTART_PAUSE_MS);
    invariant(device_store_load(w->workers, w->journal, RESTART_GRACE_MS) == ST_OK);
    invariant(app_store_load(w->workers, w->journal) == ST_OK);
    invariant(link_store_load(w->workers, w->journal) == ST_OK);
    invariant(will_store_load(w->workers, w->journal, RESTART_GRACE_MS) == ST_OK);
    for (unsigned i = 0; i < s->watcher_count; i++)
        watcher_restarted(&s->watchers[i]);
    s->restarts++;
}

static void verify(struct stage *s)
{
    world_verify(&s->world);
}

static const struct happening {
    unsigned weight;
    void (*happen)(struct stage *s);
} happenings[] = {
    {240, turn_worker}, {220, let_arrive}, {130, read_app}, {100, acknowledge},   {90, publish},
    {70, read_device},  {60, commit},      {25, advance},   {18, change_filters}, {18, come_app},
    {14, come_device},  {6, change_room},  {4, go_app},     {4, go_device},       {1, verify},
};

enum { WEIGHT_SUM = 1000 }; /* of all */

void stage_step(struct stage *s)
{
    uint32_t draw = chance_below(chance_of(s), WEIGHT_SUM);
    const struct happening *h = happenings;

    s->world.step++;
    for (; draw >= h->weight; h++)
        draw -= h->weight;
    h->happen(s);
    if (s->plan.restarts > 0 && chance_below(chance_of(s), s->plan.steps) < s->plan.restarts)
        restart(s);
}

/* --- the rest -------------------------------------------------------------------------------- */

static void bring_apps(struct stage *s)
{
    for (unsigned i = 0; i < s->watcher_count; i++) {
        if (s->watchers[i].player.state == PLAYER_AWAY)
            watcher_connect(&s->watchers[i], false);
    }
}

static void bring_back(struct stage *s)
{
    for (unsigned i = 0; i < s->world.device_count; i++) {
        if (s->reporters[i].player.state == PLAYER_AWAY)
            reporter_connect(&s->reporters[i], false);
    }
    bring_apps(s);
}

/* Whoever was left behind is noticed at last, and everybody has room. */
static void clear_network(struct stage *s)
{
    for (unsigned i = 0; i < WORLD_LINKS_MAX; i++) {
        struct link *l = &s->world.links[i];

        if (!l->is_used || l->conn == NULL)
            continue;
        if (l->pipe == NULL && l->end->end == MEMORY_OPEN)
            l->end->end = MEMORY_END;
        if (l->end->room != SIZE_MAX)
            world_make_room(&s->world, l, SIZE_MAX);
    }
}

static void move_everything(struct stage *s)
{
    for (unsigned i = 0; i < WORLD_LINKS_MAX; i++) {
        struct link *l = &s->world.links[i];

        if (l->is_used && l->conn != NULL)
            (void)world_arrive(&s->world, l, SIZE_MAX);
    }
    for (unsigned i = 0; i < s->world.worker_count; i++)
        world_turn(&s->world, i);
    (void)world_commit(&s->world);
    for (unsigned i = 0; i < s->world.device_count; i++) {
        if (s->reporters[i].player.link != NULL)
            (void)player_read(&s->reporters[i].player, SIZE_MAX);
    }
    for (unsigned i = 0; i < s->watcher_count; i++) {
        if (s->watchers[i].player.link != NULL)
            (void)player_read(&s->watchers[i].player, SIZE_MAX);
        while (watcher_acknowledge(&s->watchers[i])) {}
    }
}

/* True when the application has nothing left to subscribe to. */
static bool subscribe_all(struct watcher *x)
{
    bool is_done = x->player.state == PLAYER_ONLINE;

    for (unsigned i = 0; i < x->watch_count; i++) {
        struct watch *w = &x->watches[i];

        if (x->player.state == PLAYER_ONLINE && w->state != WATCH_PRESENT && w->packet_id == 0)
            watcher_subscribe(x, w);
        is_done &= w->state == WATCH_PRESENT;
    }
    return is_done;
}

void stage_gather(struct stage *s)
{
    bool is_done;

    bring_apps(s);
    do {
        s->world.step++;
        move_everything(s);
        is_done = true;
        for (unsigned i = 0; i < s->watcher_count; i++)
            is_done &= subscribe_all(&s->watchers[i]);
    } while (!is_done || !world_is_quiet(&s->world));
}

static bool is_at_rest(struct stage *s)
{
    for (unsigned i = 0; i < s->world.device_count; i++) {
        if (s->reporters[i].player.state != PLAYER_ONLINE || !reporter_is_idle(&s->reporters[i]))
            return false;
    }
    for (unsigned i = 0; i < s->watcher_count; i++) {
        if (s->watchers[i].player.state != PLAYER_ONLINE || !watcher_is_idle(&s->watchers[i]))
            return false;
    }
    return world_is_quiet(&s->world) && !world_commit(&s->world);
}

static void fail_to_rest(struct stage *s)
{
    for (unsigned i = 0; i < s->world.device_count; i++) {
        const struct reporter *r = &s->reporters[i];

        if (!reporter_is_idle(r))
            world_fail(&s->world, "%s does not come to rest: %u flights, the first of packet %u",
                       r->player.client_id, r->flight_count, r->flights[0].packet_id);
    }
    world_fail(&s->world, "it does not come to rest");
}

/* What a letter brings may be seen one round later, so quiet must last. */
static void settle(struct stage *s)
{
    unsigned quiet = 0;

    for (unsigned round = 0; quiet < 3; round++) {
        if (round == REST_ROUNDS_MAX)
            fail_to_rest(s);
        s->world.step++;
        bring_back(s);
        clear_network(s);
        move_everything(s);
        world_advance(&s->world, REST_TICK_MS);
        quiet = is_at_rest(s) ? quiet + 1 : 0;
    }
}

static void check(struct stage *s)
{
    for (unsigned i = 0; i < s->watcher_count; i++)
        watcher_check_complete(&s->watchers[i]);
    watch_group_check(&s->scene);
    world_verify(&s->world);
}

void stage_rest(struct stage *s)
{
    world_widen(&s->world);
    settle(s);
    check(s);
    for (unsigned n = 0; n < FINAL_MESSAGES; n++) {
        for (unsigned i = 0; i < s->world.device_count; i++)
            reporter_publish(&s->reporters[i], (enum report_kind)(n % REPORT_KIND_COUNT),
                             (uint8_t)(n % 3));
        settle(s);
    }
    check(s);
}

/* --- from beginning to end ------------------------------------------------------------------- */

static void add_watchers(struct stage *s)
{
    struct chance *c = chance_of(s);

    s->watcher_count =
        s->plan.watchers != 0 ? s->plan.watchers : 1 + chance_below(c, STAGE_WATCHERS_MAX - 2);
    for (unsigned i = 0; i < s->watcher_count; i++) {
        struct watcher *x = &s->watchers[i];
        enum watch_mix mix = s->plan.only_shared     ? WATCH_ONLY_SHARED
                             : s->plan.restarts > 0  ? WATCH_ONLY_PLAIN
                             : chance_percent(c, 70) ? WATCH_ONLY_PLAIN
                             : chance_percent(c, 50) ? WATCH_ONLY_SHARED
                                                     : WATCH_BOTH;
        unsigned plain = mix == WATCH_ONLY_SHARED ? 0 : 1 + chance_below(c, WATCHES_MAX - 1);

        watcher_init(x, &s->scene, i, mix);
        s->scene.watcher_count++;
        s->is_slow[i] = s->plan.is_heavy    ? chance_percent(c, 80)
                        : s->plan.is_narrow ? chance_percent(c, 40)
                                            : false;
        if (mix != WATCH_ONLY_PLAIN)
            watcher_add_watch(x, true);
        for (unsigned n = 0; n < plain; n++)
            watcher_add_watch(x, false);
    }
}

void stage_open(struct stage *s, uint64_t seed, const struct stage_plan *plan)
{
    static const uint16_t receive_maxima[] = {1, 4, 20, 64};
    struct chance c = {~seed};
    unsigned workers = 1 + chance_below(&c, 4);
    unsigned devices = plan->devices != 0 ? plan->devices : 1 + chance_below(&c, 4);
    uint16_t receive_maximum = receive_maxima[chance_below(&c, 4)];
    uint32_t flights = receive_maximum < STAGE_FLIGHTS ? receive_maximum : STAGE_FLIGHTS;

    world_open(&s->world, seed, workers, devices, receive_maximum);
    s->plan = *plan;
    s->restarts = 0;
    s->scene = (struct watch_scene){.world = &s->world,
                                    .reporters = s->reporters,
                                    .watchers = s->watchers,
                                    .drops_qos0 = plan->is_heavy,
                                    .group = {.is_qos1 = chance_percent(&c, 50),
                                              .is_dated = plan->only_shared && !plan->is_narrow}};
    if (plan->is_narrow)
        world_narrow(&s->world, 1 + chance_below(&c, 12), chance_percent(&c, 30));
    for (unsigned i = 0; i < devices; i++)
        reporter_init(&s->reporters[i], &s->world, i, flights, plan->is_heavy ? 60 : 0);
    add_watchers(s);
    world_trace(&s->world, "%u workers, %u devices, %u applications, receive maximum %u", workers,
                devices, s->watcher_count, receive_maximum);
}

void stage_close(struct stage *s)
{
    for (unsigned i = 0; i < s->world.device_count; i++)
        reporter_deinit(&s->reporters[i]);
    for (unsigned i = 0; i < s->watcher_count; i++)
        watcher_deinit(&s->watchers[i]);
    world_check_losses(&s->world);
    world_close(&s->world);
}

void stage_play(struct stage *s, uint64_t seed, const struct stage_plan *plan)
{
    stage_open(s, seed, plan);
    for (unsigned i = 0; i < plan->steps; i++)
        stage_step(s);
    stage_rest(s);
    stage_close(s);
}

/* --- seeds ----------------------------------------------------------------------------------- */

struct stage_seeds stage_choose_seeds(uint64_t count)
{
    const char *one = getenv("EZTCLOUD_SIM_SEED");
    const char *many = getenv("EZTCLOUD_SIM_SEEDS");

    if (one != NULL)
        return (struct stage_seeds){strtoull(one, NULL, 10), 1};
    return (struct stage_seeds){1, many != NULL ? strtoull(many, NULL, 10) : count};
}
