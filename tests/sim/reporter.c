/*
 * Flights stand in the order in which they were sent on this connection; after a reconnect all of
 * them are sent again first, so the server's acknowledgements of a kind must come in that order.
 */
#include "reporter.h"

#include <stdio.h>

enum { HEAVY_MIN = 150000, HEAVY_MORE = 100000, FILLER_MAX = 40 };

static void on_connected(struct player *p, bool goes_on);
static void on_packet(struct player *p, const struct peer_packet *k);
static void on_lost(struct player *p);

static const struct player_hooks hooks = {on_connected, on_packet, on_lost};

static struct reporter *reporter_of(struct player *p)
{
    return p->owner;
}

static void name_client(struct reporter *r)
{
    (void)snprintf(r->player.client_id, sizeof(r->player.client_id), "device-%u-%u", r->index,
                   r->client_number);
}

void reporter_init(struct reporter *r, struct world *w, unsigned index, uint32_t flight_max,
                   uint32_t heavy_percent)
{
    *r = (struct reporter){.player = {.world = w,
                                      .hooks = &hooks,
                                      .owner = r,
                                      .service = SITE_DEVICE_SERVICE,
                                      .username = w->devices[index]},
                           .index = index,
                           .flight_max = flight_max,
                           .heavy_percent = heavy_percent};
    name_client(r);
}

void reporter_deinit(struct reporter *r)
{
    player_deinit(&r->player);
}

void reporter_connect(struct reporter *r, bool allow_clean)
{
    struct world *w = r->player.world;
    struct player_entry e = player_choose_entry(w, allow_clean);

    /* The other identifier's session ends when this one connects, and this one's did before. */
    if (allow_clean && !r->player.must_clean && r->player.state == PLAYER_AWAY &&
        r->player.stored != PLAYER_STORED_MAYBE && chance_percent(&w->chance, 5)) {
        r->client_number ^= 1;
        name_client(r);
        e.is_clean = true;
    }
    player_connect(&r->player, &e);
    if (r->player.is_clean)
        r->flight_count = 0;
}

/* --- publishing ------------------------------------------------------------------------------ */

void reporter_payload(const struct reporter *r, uint32_t t, struct buffer *out)
{
    uint32_t message = r->transmissions[t].message;
    const struct report *m = &r->messages[message];
    uint8_t *filler;

    if (m->kind == REPORT_EVENT)
        buffer_append_text(out, "{\"method\": \"m\", \"params\": ");
    buffer_printf(out, "{\"n\": %u, \"t\": %u, \"f\": \"", message, t);
    filler = buffer_reserve(out, m->filler);
    memset(filler, 'f', m->filler);
    out->len += m->filler;
    buffer_append_text(out, m->kind == REPORT_EVENT ? "\"}}" : "\"}");
}

static void write_topic(const struct reporter *r, const struct report *m, char *out, size_t room)
{
    static const char *const words[] = {"attributes", "event_report", "data"};
    const char *username = r->player.username;

    if (m->kind == REPORT_DATA)
        (void)snprintf(out, room, "%s/%s/s%u", words[m->kind], username, m->stream);
    else
        (void)snprintf(out, room, "%s/%s", words[m->kind], username);
}

/* Writes a PUBLISH of a message; gives the number of the transmission. */
static uint32_t transmit(struct reporter *r, uint32_t message, uint16_t packet_id, bool dup)
{
    const struct report *m = &r->messages[message];
    struct world *w = r->player.world;
    uint32_t t = ++r->transmission_count;
    struct buffer payload = {0};
    char topic[PLAYER_TOPIC_MAX];

    if (t > REPORTER_TRANSMISSIONS_MAX)
        world_fail(w, "too many transmissions for this test");
    r->transmissions[t] =
        (struct transmission){.message = message, .step = w->step, .link = r->player.link_number};
    write_topic(r, m, topic, sizeof(topic));
    reporter_payload(r, t, &payload);
    peer_write_publish(player_output(&r->player), r->player.is_v5, slice_of(topic),
                       buffer_slice(&payload), m->qos, dup, packet_id);
    buffer_deinit(&payload);
    world_trace(w, "%s publishes %s QoS %u, message %u, transmission %u, packet %u",
                r->player.client_id, topic, m->qos, message, t, packet_id);
    return t;
}

bool reporter_can_publish(const struct reporter *r, uint8_t qos)
{
    /* Before the CONNACK only who begins anew knows what to send. */
    bool is_ready = r->player.state == PLAYER_ONLINE ||
                    (r->player.state == PLAYER_CONNECTING && r->player.is_clean);

    return is_ready && r->message_count < REPORTER_MESSAGES_MAX &&
           (qos == 0 || r->flight_count < r->flight_max);
}

void reporter_publish(struct reporter *r, enum report_kind kind, uint8_t qos)
{
    struct chance *c = &r->player.world->chance;
    uint32_t message = ++r->message_count;
    bool is_heavy = chance_percent(c, r->heavy_percent);
    struct report *m = &r->messages[message];
    struct flight *f;

    *m = (struct report){.kind = kind,
                         .stream = (uint8_t)chance_below(c, REPORTER_STREAMS),
                         .qos = qos,
                         .filler = is_heavy ? HEAVY_MIN + chance_below(c, HEAVY_MORE)
                                            : chance_below(c, FILLER_MAX)};
    if (qos == 0) {
        m->first = transmit(r, message, 0, false);
        return;
    }
    f = &r->flights[r->flight_count++];
    *f = (struct flight){.message = message,
                         .packet_id = ++r->last_packet_id,
                         .state = qos == 1 ? FLIGHT_PUBACK : FLIGHT_PUBREC};
    f->transmission = m->first = transmit(r, message, f->packet_id, false);
}

static void on_connected(struct player *p, bool goes_on)
{
    struct reporter *r = reporter_of(p);

    /* What a clean start sent before its CONNACK stays; what an old session had is over. */
    if (!goes_on && !p->is_clean)
        r->flight_count = 0;
    if (!goes_on)
        return;
    for (uint32_t i = 0; i < r->flight_count; i++) {
        struct flight *f = &r->flights[i];

        f->is_repeated = true;
        if (f->state == FLIGHT_PUBCOMP)
            peer_write_ack(player_output(p), PEER_PUBREL, f->packet_id);
        else
            f->transmission = transmit(r, f->message, f->packet_id, true);
    }
}

static void on_lost(struct player *p)
{
    (void)p; /* flights wait for the next connection */
}

/* --- acknowledgements ------------------------------------------------------------------------ */

static void end_flight(struct reporter *r, struct flight *f)
{
    size_t index = (size_t)(f - r->flights);

    memmove(f, f + 1, (r->flight_count - index - 1) * sizeof(*f));
    r->flight_count--;
}

/* The first flight in a state, as acknowledgements of a kind come in order. */
static struct flight *first_in(struct reporter *r, enum flight_state state)
{
    for (uint32_t i = 0; i < r->flight_count; i++) {
        if (r->flights[i].state == state)
            return &r->flights[i];
    }
    return NULL;
}

static void note_accepted(struct reporter *r, struct flight *f)
{
    r->messages[f->message].is_acked = true;
    r->transmissions[f->transmission].is_acked = true;
}

static void on_packet(struct player *p, const struct peer_packet *k)
{
    struct reporter *r = reporter_of(p);
    enum flight_state state = k->type == PEER_PUBACK   ? FLIGHT_PUBACK
                              : k->type == PEER_PUBREC ? FLIGHT_PUBREC
                                                       : FLIGHT_PUBCOMP;
    struct flight *f = first_in(r, state);
    bool is_unknown = k->type == PEER_PUBCOMP && k->reason == 0x92;

    if (k->type != PEER_PUBACK && k->type != PEER_PUBREC && k->type != PEER_PUBCOMP)
        world_fail(p->world, "%s: packet type %u", p->client_id, k->type);
    if (f == NULL || f->packet_id != k->packet_id)
        world_fail(p->world, "%s: packet type %u with identifier %u, expected %u", p->client_id,
                   k->type, k->packet_id, f == NULL ? 0 : f->packet_id);
    if (k->reason >= 0x80 && !(is_unknown && f->is_repeated))
        world_fail(p->world, "%s: packet %u was refused: %u", p->client_id, k->packet_id,
                   k->reason);
    if (state == FLIGHT_PUBREC) {
        note_accepted(r, f);
        f->state = FLIGHT_PUBCOMP;
        f->is_repeated = false;
        peer_write_ack(player_output(p), PEER_PUBREL, f->packet_id);
        return;
    }
    if (state == FLIGHT_PUBACK)
        note_accepted(r, f);
    end_flight(r, f);
}

bool reporter_is_certain(const struct reporter *r, uint32_t t)
{
    const struct transmission *x = &r->transmissions[t];
    const struct report *m = &r->messages[x->message];
    bool never_broke = r->player.state == PLAYER_ONLINE && x->link == r->player.link_number;

    return m->qos == 2 ? m->is_acked || never_broke : x->is_acked || never_broke;
}
