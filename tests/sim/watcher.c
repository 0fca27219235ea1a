/*
 * What is owed is judged carefully, since the network may take the last word with it: a filter
 * counts from the SUBACK that arrived, a message from the acknowledgement that arrived (or a
 * connection that never broke).
 */
#include "watcher.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    SHARED_IDS_FROM = 1000, /* subscription identifiers of shared filters */
    PRESENCE_OFFLINE = 1,
    PRESENCE_ONLINE = 2,
    COPY_BEFORE = 2 /* a copy that came before the server was started anew */
};

/* Bits of what a filter takes. */
enum {
    TAKES_ATTRIBUTES = 1 << REPORT_ATTRIBUTES,
    TAKES_EVENT = 1 << REPORT_EVENT,
    TAKES_DATA = 1 << REPORT_DATA,
    TAKES_ONLINE = 1 << REPORT_KIND_COUNT,
    TAKES_ALL = TAKES_ATTRIBUTES | TAKES_EVENT | TAKES_DATA | TAKES_ONLINE
};

enum { ANY_STREAM = -1 };

struct watch_form {
    const char *rest; /* behind "open/<project>/"; %s: a device; NULL: the bare # */
    bool names_device;
    int stream;
    unsigned takes;
};

static const struct watch_form plain_forms[] = {
    {NULL, false, ANY_STREAM, TAKES_ALL},
    {"#", false, ANY_STREAM, TAKES_ALL},
    {"+/#", false, ANY_STREAM, TAKES_ALL},
    {"+/+", false, ANY_STREAM, TAKES_ALL & ~TAKES_DATA},
    {"+/attributes", false, ANY_STREAM, TAKES_ATTRIBUTES},
    {"+/event_report", false, ANY_STREAM, TAKES_EVENT},
    {"+/data/+", false, ANY_STREAM, TAKES_DATA},
    {"+/data/#", false, ANY_STREAM, TAKES_DATA},
    {"+/data/s1", false, 1, TAKES_DATA},
    {"+/online", false, ANY_STREAM, TAKES_ONLINE},
    {"%s/#", true, ANY_STREAM, TAKES_ALL},
    {"%s/+", true, ANY_STREAM, TAKES_ALL & ~TAKES_DATA},
    {"%s/attributes", true, ANY_STREAM, TAKES_ATTRIBUTES},
    {"%s/data/s0", true, 0, TAKES_DATA},
};

/* All members of a run share one filter, so that there is one group. */
static const struct watch_form shared_form = {"+/#", false, ANY_STREAM, TAKES_ALL};

static void on_connected(struct player *p, bool goes_on);
static void on_packet(struct player *p, const struct peer_packet *k);
static void on_lost(struct player *p);

static const struct player_hooks hooks = {on_connected, on_packet, on_lost};

static struct watcher *watcher_of(struct player *p)
{
    return p->owner;
}

static struct world *world_of(const struct watcher *x)
{
    return x->scene->world;
}

/* --- making ---------------------------------------------------------------------------------- */

void watcher_init(struct watcher *x, struct watch_scene *scene, unsigned index, enum watch_mix mix)
{
    struct world *w = scene->world;

    *x = (struct watcher){.player = {.world = w,
                                     .hooks = &hooks,
                                     .owner = x,
                                     .service = SITE_APP_SERVICE,
                                     .username = w->project},
                          .receiver = {.player = &x->player},
                          .scene = scene,
                          .index = index,
                          .is_disorderly = chance_percent(&w->chance, 20),
                          .mix = mix};
    (void)snprintf(x->player.client_id, sizeof(x->player.client_id), "app-%u", index);
}

void watcher_deinit(struct watcher *x)
{
    player_deinit(&x->player);
    receiver_deinit(&x->receiver);
}

void watcher_add_watch(struct watcher *x, bool is_shared)
{
    enum { FORMS = sizeof(plain_forms) / sizeof(plain_forms[0]) };
    struct world *w = world_of(x);
    struct watch *v = &x->watches[x->watch_count++];
    char rest[WATCH_FILTER_MAX / 2];

    v->form = is_shared ? &shared_form : &plain_forms[chance_below(&w->chance, FORMS)];
    v->device = chance_below(&w->chance, w->device_count);
    v->qos = (uint8_t)chance_below(&w->chance, 3);
    if (is_shared && (x->scene->group.is_qos1 || (x->scene->drops_qos0 && v->qos == 0)))
        v->qos = 1;
    if (v->form->rest == NULL) {
        (void)snprintf(v->filter, sizeof(v->filter), "#");
    } else {
        if (v->form->names_device)
            (void)snprintf(rest, sizeof(rest), "%s%s", w->devices[v->device], v->form->rest + 2);
        else
            (void)snprintf(rest, sizeof(rest), "%s", v->form->rest);
        (void)snprintf(v->filter, sizeof(v->filter), "%sopen/%s/%s", is_shared ? "$share/g/" : "",
                       w->project, rest);
    }
    for (unsigned i = 0; i + 1 < x->watch_count; i++) {
        if (strcmp(x->watches[i].filter, v->filter) == 0) {
            x->watch_count--; /* it has that one */
            return;
        }
    }
}

void watcher_connect(struct watcher *x, bool allow_clean)
{
    struct player_entry e = player_choose_entry(world_of(x), allow_clean);

    if (x->mix == WATCH_BOTH && !e.is_v5)
        e.is_v5 = true;
    player_connect(&x->player, &e);
}

/* --- the session ----------------------------------------------------------------------------- */

bool watch_is_shared(const struct watch *w)
{
    return w->form == &shared_form;
}

static void group_changed(struct watcher *x)
{
    if (x->mix != WATCH_ONLY_PLAIN)
        x->scene->group.changed_step = world_of(x)->step;
}

static void begin_session(struct watcher *x)
{
    memset(x->copies, 0, sizeof(x->copies));
    memset(x->last, 0, sizeof(x->last));
    memset(x->presence, 0, sizeof(x->presence));
    x->last_seq = 0;
    x->has_unsubscribed = false;
    for (unsigned i = 0; i < x->watch_count; i++)
        x->watches[i].state = WATCH_ABSENT;
}

static void on_connected(struct player *p, bool goes_on)
{
    struct watcher *x = watcher_of(p);

    if (!goes_on)
        begin_session(x);
    memset(x->presence, 0, sizeof(x->presence)); /* QoS 0 may have been missed */
    receiver_connected(&x->receiver, goes_on);
    x->online_since = world_of(x)->step;
    group_changed(x);
}

static void on_lost(struct player *p)
{
    struct watcher *x = watcher_of(p);

    receiver_lost(&x->receiver);
    for (unsigned i = 0; i < x->watch_count; i++)
        x->watches[i].packet_id = 0;
    group_changed(x);
}

void watcher_restarted(struct watcher *x)
{
    for (unsigned path = 0; path < WATCH_PATH_COUNT; path++) {
        for (unsigned d = 0; d < WORLD_DEVICES_MAX; d++) {
            for (unsigned t = 0; t <= REPORTER_TRANSMISSIONS_MAX; t++) {
                if (x->copies[path][d][t] > 0)
                    x->copies[path][d][t] = COPY_BEFORE;
            }
        }
    }
    memset(x->last, 0, sizeof(x->last));
    memset(x->presence, 0, sizeof(x->presence));
    x->last_seq = 0;
    receiver_restarted(&x->receiver);
}

void watcher_subscribe(struct watcher *x, struct watch *w)
{
    uint32_t id = (uint32_t)(w - x->watches) + (watch_is_shared(w) ? SHARED_IDS_FROM : 1);

    world_trace(world_of(x), "%s subscribes to %s, QoS %u", x->player.client_id, w->filter, w->qos);
    w->packet_id = ++x->last_packet_id;
    if (w->state == WATCH_ABSENT)
        w->state = WATCH_UNSURE;
    w->is_unsubscribing = false;
    peer_write_subscribe(player_output(&x->player), x->player.is_v5, w->packet_id, w->filter,
                         w->qos, id);
}

bool watcher_may_unsubscribe(const struct watcher *x, const struct watch *w)
{
    return !(watch_is_shared(w) && x->scene->group.is_qos1);
}

void watcher_unsubscribe(struct watcher *x, struct watch *w)
{
    world_trace(world_of(x), "%s unsubscribes from %s", x->player.client_id, w->filter);
    w->packet_id = ++x->last_packet_id;
    w->state = WATCH_UNSURE;
    w->is_unsubscribing = true;
    x->has_unsubscribed = true;
    memset(x->presence, 0, sizeof(x->presence));
    peer_write_unsubscribe(player_output(&x->player), x->player.is_v5, w->packet_id, w->filter);
    group_changed(x);
}

/* SUBACK or UNSUBACK. */
static void on_answer(struct watcher *x, const struct peer_packet *k)
{
    bool is_unsuback = k->type == PEER_UNSUBACK;

    for (unsigned i = 0; i < x->watch_count; i++) {
        struct watch *w = &x->watches[i];

        if (w->packet_id != k->packet_id)
            continue;
        if (w->is_unsubscribing != is_unsuback)
            world_fail(world_of(x), "%s: SUBACK and UNSUBACK mixed up", x->player.client_id);
        if (is_unsuback ? k->reason != 0 && k->reason != 0x11 : k->reason != w->qos)
            world_fail(world_of(x), "%s: %s: reason %u", x->player.client_id, w->filter, k->reason);
        if (is_unsuback) {
            w->state = WATCH_ABSENT;
        } else if (w->state != WATCH_PRESENT) {
            world_trace(world_of(x), "%s has %s", x->player.client_id, w->filter);
            w->state = WATCH_PRESENT;
            w->since = world_of(x)->step;
        }
        w->packet_id = 0;
        group_changed(x);
        return;
    }
    world_fail(world_of(x), "%s: packet type %u, unknown identifier %u", x->player.client_id,
               k->type, k->packet_id);
}

/* --- what comes ------------------------------------------------------------------------------ */

/** A PUBLISH taken apart. */
struct arrival {
    enum watch_path path;
    unsigned device;
    unsigned kind; /* enum report_kind, REPORT_KIND_COUNT: online */
    unsigned stream;
    uint32_t transmission;
    bool is_online;
};

static unsigned find_device(const struct watcher *x, struct slice username)
{
    const struct world *w = world_of(x);

    for (unsigned i = 0; i < w->device_count; i++) {
        if (slice_is(username, w->devices[i]))
            return i;
    }
    world_fail(w, "%s: a message of no device", x->player.client_id);
}

static void parse_topic(const struct watcher *x, struct slice topic, struct arrival *a)
{
    static const char *const words[] = {"attributes", "event_report", "data", "online"};
    const struct world *w = world_of(x);
    struct slice rest = topic, word;

    if (!slice_is(slice_cut(&rest, '/'), "open") || !slice_is(slice_cut(&rest, '/'), w->project))
        world_fail(w, "%s: foreign topic", x->player.client_id);
    a->device = find_device(x, slice_cut(&rest, '/'));
    word = slice_cut(&rest, '/');
    for (a->kind = 0; a->kind <= REPORT_KIND_COUNT && !slice_is(word, words[a->kind]); a->kind++) {}
    if (a->kind > REPORT_KIND_COUNT || (rest.len == 2) != (a->kind == REPORT_DATA))
        world_fail(w, "%s: unknown topic", x->player.client_id);
    if (a->kind == REPORT_DATA)
        a->stream = (unsigned)(rest.data[1] - '0');
}

static uint32_t number_behind(struct slice payload, const char *mark)
{
    const uint8_t *at = memmem(payload.data, payload.len, mark, strlen(mark));

    return at == NULL ? 0 : (uint32_t)strtoul((const char *)at + strlen(mark), NULL, 10);
}

/* Whose transmission it is, and whether it is that one byte for byte. */
static void parse_payload(const struct watcher *x, struct slice payload, struct arrival *a)
{
    const struct reporter *r = &x->scene->reporters[a->device];
    struct buffer want = {0};
    const struct report *m;

    if (a->kind == REPORT_KIND_COUNT) {
        a->is_online = slice_is(payload, "{\"online\": true}");
        if (!a->is_online && !slice_is(payload, "{\"online\": false}"))
            world_fail(world_of(x), "%s: wrong presence", x->player.client_id);
        return;
    }
    a->transmission = number_behind(payload, "\"t\": ");
    if (a->transmission == 0 || a->transmission > r->transmission_count)
        world_fail(world_of(x), "%s: a message that was never sent", x->player.client_id);
    m = &r->messages[r->transmissions[a->transmission].message];
    reporter_payload(r, a->transmission, &want);
    if (m->kind != a->kind || (a->kind == REPORT_DATA && m->stream != a->stream) ||
        !slice_equal(payload, buffer_slice(&want)))
        world_fail(world_of(x), "%s: transmission %u has changed", x->player.client_id,
                   a->transmission);
    buffer_deinit(&want);
}

static enum watch_path path_of(const struct watcher *x, const struct peer_packet *k)
{
    if (x->mix == WATCH_BOTH)
        return k->id_count > 0 && k->ids[0] >= SHARED_IDS_FROM ? WATCH_SHARED : WATCH_PLAIN;
    return x->mix == WATCH_ONLY_SHARED ? WATCH_SHARED : WATCH_PLAIN;
}

static bool takes(const struct watch *w, const struct arrival *a)
{
    return watch_is_shared(w) == (a->path == WATCH_SHARED) &&
           (w->form->takes & 1u << a->kind) != 0 &&
           (!w->form->names_device || w->device == a->device) &&
           (a->kind != REPORT_DATA || w->form->stream == ANY_STREAM ||
            w->form->stream == (int)a->stream);
}

/* The QoS is the highest of the filters that match; which these are is known unless some change. */
static void check_qos(const struct watcher *x, const struct arrival *a, const struct peer_packet *k)
{
    bool is_known = !x->has_unsubscribed && a->transmission != 0;
    bool any = false;
    uint8_t highest = 0;

    for (unsigned i = 0; i < x->watch_count; i++) {
        const struct watch *w = &x->watches[i];

        if (w->state == WATCH_ABSENT || !takes(w, a))
            continue;
        any = true;
        highest = w->qos > highest ? w->qos : highest;
        is_known &= w->state == WATCH_PRESENT && a->transmission != 0 &&
                    w->since < x->scene->reporters[a->device].transmissions[a->transmission].step;
    }
    if (!x->has_unsubscribed && !any)
        world_fail(world_of(x), "%s: no filter matches", x->player.client_id);
    if (!x->has_unsubscribed && (k->qos > highest || (is_known && k->qos != highest)))
        world_fail(world_of(x), "%s: QoS %u instead of %u", x->player.client_id, k->qos, highest);
}

/* Presence alternates, and what a device sends comes while it is online. */
static void check_presence(struct watcher *x, const struct arrival *a)
{
    uint8_t *state = &x->presence[a->device];
    uint8_t next = a->is_online ? PRESENCE_ONLINE : PRESENCE_OFFLINE;

    if (a->kind != REPORT_KIND_COUNT) {
        if (*state == PRESENCE_OFFLINE)
            world_fail(world_of(x), "%s: device %u is offline and sends %u", x->player.client_id,
                       a->device, a->transmission);
        return;
    }
    if (*state == next)
        world_fail(world_of(x), "%s: device %u is %s twice", x->player.client_id, a->device,
                   a->is_online ? "online" : "offline");
    *state = next;
}

/* A member that went away gives back what it has not acknowledged at QoS 1: only that is taken
 * twice, perhaps by the same member. */
static void check_share(struct watcher *x, const struct arrival *a, const struct peer_packet *k)
{
    struct watch_taking *taking = &x->scene->group.takings[a->device][a->transmission];

    if (taking->member != 0) {
        const struct player *before = &x->scene->watchers[taking->member - 1].player;
        bool is_broken = before->state != PLAYER_ONLINE || before->link_number != taking->link;
        bool may_be_taken_twice = taking->qos == 1 && is_broken;

        if (world_of(x)->is_narrow) /* either may have been ended and not know it yet */
            may_be_taken_twice = taking->qos == 1 || k->qos == 1;
        if (!may_be_taken_twice)
            world_fail(world_of(x), "%s: transmission %u of device %u went to %s before",
                       x->player.client_id, a->transmission, a->device, before->client_id);
    }
    if (taking->member == 0)
        taking->first_sent = k->dup ? 0 : x->player.date;
    taking->member = (uint8_t)(x->index + 1);
    taking->qos = k->qos;
    taking->link = x->player.link_number;
}

static void check_order(struct watcher *x, const struct arrival *a, uint8_t qos)
{
    uint32_t *last = &x->last[a->path][a->device];
    uint8_t *copies = &x->copies[a->path][a->device][a->transmission];
    bool may_come_back = a->path == WATCH_SHARED && *copies > 0;
    bool is_again = *copies == COPY_BEFORE && qos == 1;

    if (*copies > 0 && !may_come_back && !is_again)
        world_fail(world_of(x), "%s: transmission %u of device %u twice", x->player.client_id,
                   a->transmission, a->device);
    if (a->transmission <= *last && !may_come_back)
        world_fail(world_of(x), "%s: transmission %u of device %u behind %u", x->player.client_id,
                   a->transmission, a->device, *last);
    x->scene->again += is_again;
    *copies = 1;
    *last = a->transmission;
}

/* What comes for the first time. */
static void on_new(struct watcher *x, const struct arrival *a, const struct peer_packet *k)
{
    const struct reporter *r = &x->scene->reporters[a->device];

    check_qos(x, a, k);
    if (a->path == WATCH_PLAIN && !x->has_unsubscribed)
        check_presence(x, a);
    if (k->seq != 0) {
        if (k->seq <= x->last_seq)
            world_fail(world_of(x), "%s: number %llu behind %llu", x->player.client_id,
                       (unsigned long long)k->seq, (unsigned long long)x->last_seq);
        x->last_seq = k->seq;
    }
    if (a->kind == REPORT_KIND_COUNT)
        return;
    if (a->path == WATCH_SHARED)
        check_share(x, a, k);
    check_order(x, a, k->qos);
    if (r->messages[r->transmissions[a->transmission].message].qos != 2)
        return;
    for (uint32_t t = 1; t <= r->transmission_count; t++) {
        if (t != a->transmission &&
            r->transmissions[t].message == r->transmissions[a->transmission].message &&
            x->copies[a->path][a->device][t] == 1)
            world_fail(world_of(x), "%s: message %u of device %u was carried out twice",
                       x->player.client_id, r->transmissions[t].message, a->device);
    }
}

static void on_publish(struct watcher *x, const struct peer_packet *k)
{
    struct arrival a = {.path = path_of(x, k)};
    uint64_t content;
    bool is_new = true;

    parse_topic(x, k->topic, &a);
    parse_payload(x, k->payload, &a);
    content = (uint64_t)a.path << 63 | (uint64_t)a.device << 48 | (uint64_t)a.kind << 40 |
              (uint64_t)a.is_online << 32 | a.transmission;
    world_trace(world_of(x), "%s gets device %u, kind %u, transmission %u, QoS %u%s, packet %u",
                x->player.client_id, a.device, a.kind, a.transmission, k->qos,
                k->dup ? ", DUP" : "", k->packet_id);
    if (k->retain || (k->qos == 0 && k->dup))
        world_fail(world_of(x), "%s: wrong flags", x->player.client_id);
    x->scene->received++;
    if (k->qos > 0)
        is_new = receiver_publish(&x->receiver, k, content);
    if (is_new)
        on_new(x, &a, k);
    else
        x->scene->repeated++;
}

static void on_packet(struct player *p, const struct peer_packet *k)
{
    struct watcher *x = watcher_of(p);

    switch (k->type) {
    case PEER_PUBLISH:
        on_publish(x, k);
        break;
    case PEER_PUBREL:
        receiver_pubrel(&x->receiver, k);
        break;
    case PEER_SUBACK:
    case PEER_UNSUBACK:
        on_answer(x, k);
        break;
    default:
        world_fail(world_of(x), "%s: packet type %u", p->client_id, k->type);
    }
}

bool watcher_acknowledge(struct watcher *x)
{
    uint32_t index = 0;

    if (x->player.state != PLAYER_ONLINE || x->receiver.ack_count == 0)
        return false;
    if (x->is_disorderly)
        index = chance_below(&world_of(x)->chance, x->receiver.ack_count);
    receiver_acknowledge(&x->receiver, index);
    return true;
}

/* --- at the end ------------------------------------------------------------------------------ */

/* True when it must have got this message of a device, whichever transmission was carried out. */
static bool is_owed(const struct watcher *x, const struct reporter *r, uint32_t t)
{
    const struct report *m = &r->messages[r->transmissions[t].message];
    uint32_t first = m->qos == 2 ? m->first : t;
    uint64_t step = r->transmissions[first].step;
    struct arrival a = {.path = WATCH_PLAIN,
                        .device = r->index,
                        .kind = m->kind,
                        .stream = m->stream,
                        .transmission = t};

    if (!reporter_is_certain(r, t))
        return false;
    for (unsigned i = 0; i < x->watch_count; i++) {
        const struct watch *w = &x->watches[i];
        bool was_there = x->online_since < step && (w->qos > 0 || !x->scene->drops_qos0);

        if (w->state == WATCH_PRESENT && w->since < step && takes(w, &a) &&
            (was_there || (x->player.is_persistent && w->qos > 0)))
            return true;
    }
    return false;
}

unsigned watcher_count_copies(const struct watcher *x, const struct reporter *r,
                              enum watch_path path, uint32_t t)
{
    uint32_t message = r->transmissions[t].message;
    unsigned count = 0;

    if (r->messages[message].qos < 2)
        return x->copies[path][r->index][t];
    for (uint32_t i = 1; i <= r->transmission_count; i++) {
        if (r->transmissions[i].message == message)
            count += x->copies[path][r->index][i];
    }
    return count;
}

void watcher_check_complete(const struct watcher *x)
{
    const struct world *w = world_of(x);

    receiver_check_done(&x->receiver, x->mix != WATCH_ONLY_PLAIN);
    for (unsigned d = 0; d < w->device_count; d++) {
        const struct reporter *r = &x->scene->reporters[d];

        for (uint32_t t = 1; t <= r->transmission_count; t++) {
            if (is_owed(x, r, t) && watcher_count_copies(x, r, WATCH_PLAIN, t) == 0)
                world_fail(w, "%s: transmission %u (message %u, QoS %u) of device %u is lost",
                           x->player.client_id, t, r->transmissions[t].message,
                           r->messages[r->transmissions[t].message].qos, d);
        }
    }
}
