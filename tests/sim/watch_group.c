/*
 * Takings are noted by the members as they read (watcher); this looks at them at the end.
 */
#include "watch_group.h"

#include "mqtt/counters.h"
#include "service/counters.h"

/* A member whose session keeps what it is owed since before this step, and that is still there. */
static bool has_anchor(const struct watch_scene *scene, uint64_t step)
{
    for (unsigned i = 0; i < scene->watcher_count; i++) {
        const struct watcher *x = &scene->watchers[i];

        for (unsigned k = 0; k < x->watch_count; k++) {
            const struct watch *w = &x->watches[k];

            if (watch_is_shared(w) && w->state == WATCH_PRESENT && w->since < step &&
                (x->player.is_persistent || x->online_since < step))
                return true;
        }
    }
    return false;
}

static void check_taken(struct watch_scene *scene, const struct reporter *r, uint32_t t)
{
    uint32_t message = r->transmissions[t].message;
    uint32_t first = r->messages[message].qos == 2 ? r->messages[message].first : t;
    uint64_t step = r->transmissions[first].step;
    bool is_stable = step > scene->group.changed_step;
    unsigned copies = 0;
    bool is_taken = false;

    if (!reporter_is_certain(r, t) || !has_anchor(scene, step))
        return;
    for (uint32_t i = first; i <= r->transmission_count; i++)
        is_taken |= r->transmissions[i].message == message &&
                    scene->group.takings[r->index][i].member != 0 &&
                    (i == t || r->messages[message].qos == 2);
    for (unsigned i = 0; i < scene->watcher_count; i++)
        copies += watcher_count_copies(&scene->watchers[i], r, WATCH_SHARED, t);
    if (scene->world->is_narrow && (is_stable ? copies == 0 : scene->group.is_qos1 && !is_taken))
        scene->group.missing += t == first; /* all transmissions of QoS 2 are one message */
    else if (is_stable ? copies != 1 : scene->group.is_qos1 && !is_taken)
        world_fail(scene->world, "transmission %u (message %u, QoS %u) of device %u: %s", t,
                   message, r->messages[message].qos, r->index,
                   copies == 0 ? "no member has it" : "several members have it");
}

/* Whoever the members were: what a device sent later was not written to one of them before what it
 * had sent earlier. */
static void check_sending(const struct watch_scene *scene, const struct reporter *r)
{
    uint64_t latest = 0;

    for (uint32_t t = 1; t <= r->transmission_count; t++) {
        const struct watch_taking *taking = &scene->group.takings[r->index][t];

        if (taking->member == 0 || taking->first_sent == 0)
            continue;
        if (taking->first_sent < latest)
            world_fail(scene->world,
                       "transmission %u of device %u left in step %llu, behind a later "
                       "one in step %llu",
                       t, r->index, (unsigned long long)taking->first_sent,
                       (unsigned long long)latest);
        latest = taking->first_sent;
    }
}

void watch_group_check(struct watch_scene *scene)
{
    int64_t lost = world_count(scene->world, &CT_share_deliveries_lost) +
                   world_count(scene->world, &CT_deliveries_dropped_too_large);

    scene->group.missing = 0;
    for (unsigned d = 0; d < scene->world->device_count; d++) {
        for (uint32_t t = 1; t <= scene->reporters[d].transmission_count; t++)
            check_taken(scene, &scene->reporters[d], t);
        if (scene->group.is_dated)
            check_sending(scene, &scene->reporters[d]);
    }
    if (scene->group.missing > lost)
        world_fail(scene->world, "%lld transmissions are missing, %lld were counted",
                   (long long)scene->group.missing, (long long)lost);
}
