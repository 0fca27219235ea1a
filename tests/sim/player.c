/*
 * What may be expected of a session: it is there when the last connection that a CONNACK confirmed
 * was to keep it, and nothing unconfirmed happened since that could have made or ended it.
 */
#include "player.h"

#include "base/clock.h"
#include "mqtt/counters.h"

enum {
    PLAYER_EXPIRY_S = 7200,
    PLAYER_BRIEF_EXPIRY_S = 3,
    PLAYER_PACKET_MIN = 130, /* maximum packet sizes that some messages exceed */
    PLAYER_PACKET_MORE = 60,
    PLAYER_QUOTA_EXCEEDED = 0x97
};

struct player_entry player_choose_entry(struct world *w, bool allow_clean)
{
    static const uint16_t receive_maxima[] = {0, 1, 2, 3, 10};
    struct chance *c = &w->chance;
    struct player_entry e = {
        .is_v5 = chance_percent(c, 50),
        .is_clean = allow_clean && chance_percent(c, 10),
        .receive_maximum = receive_maxima[chance_below(c, 5)],
        .topic_alias_maximum = (uint16_t)chance_below(c, PLAYER_ALIASES + 1),
        .worker = chance_below(c, w->worker_count),
    };

    if (w->has_small_packets && chance_percent(c, 30))
        e.maximum_packet_size = PLAYER_PACKET_MIN + chance_below(c, PLAYER_PACKET_MORE);
    e.is_persistent = e.is_v5 ? !allow_clean || chance_percent(c, 90) : !e.is_clean;
    e.is_brief = e.is_v5 && e.is_persistent && allow_clean && chance_percent(c, 15);
    return e;
}

static void write_connect(struct player *p, const struct player_entry *e)
{
    struct peer_connect connect = {.is_v5 = e->is_v5,
                                   .is_clean = p->is_clean,
                                   .client_id = p->client_id,
                                   .username = p->username,
                                   .password = WORLD_PASSWORD};

    if (e->is_v5) {
        connect.session_expiry_s = !e->is_persistent ? 0
                                   : e->is_brief     ? PLAYER_BRIEF_EXPIRY_S
                                                     : PLAYER_EXPIRY_S;
        connect.receive_maximum = e->receive_maximum;
        connect.topic_alias_maximum = e->topic_alias_maximum;
        connect.maximum_packet_size = e->maximum_packet_size;
    }
    peer_write_connect(player_output(p), &connect);
}

void player_connect(struct player *p, const struct player_entry *e)
{
    p->link = world_connect(p->world, p->service, e->worker);
    if (p->link == NULL)
        return;
    p->link_number = p->link->number;
    /* A worker's time is that of its last turn. */
    p->opened_ms = worker_group_get(p->world->workers, e->worker)->now_ms;
    p->state = PLAYER_CONNECTING;
    p->is_v5 = e->is_v5;
    p->is_clean = e->is_clean || p->must_clean;
    p->is_persistent = e->is_v5 ? e->is_persistent : !p->is_clean;
    /* The session of the last connection, a brief one, may be over. */
    p->must_clean = p->is_clean || !p->is_persistent || e->is_brief || p->is_brief;
    p->is_brief = e->is_brief;
    p->receive_maximum = e->is_v5 && e->receive_maximum != 0 ? e->receive_maximum : UINT16_MAX;
    p->maximum_packet_size = e->is_v5 ? e->maximum_packet_size : 0;
    p->was_limited |= p->maximum_packet_size != 0;
    p->is_told = false;
    p->taken = 0;
    memset(p->aliases, 0, sizeof(p->aliases));
    write_connect(p, e);
    world_trace(p->world, "%s connects: link %llu, worker %u, %s%s%s, receive maximum %u",
                p->client_id, (unsigned long long)p->link_number, e->worker,
                p->is_v5 ? "5.0" : "3.1.1", p->is_clean ? ", clean" : "",
                p->is_persistent ? ", persistent" : "", p->receive_maximum);
    p->expected = p->is_clean ? PLAYER_STORED_NO : p->stored;
    if (p->is_clean)
        p->stored = PLAYER_STORED_NO;
    else if (p->stored == PLAYER_STORED_NO ? p->is_persistent : !p->is_persistent)
        p->stored = PLAYER_STORED_MAYBE; /* whether this CONNECT is ever seen is not known yet */
}

struct buffer *player_output(struct player *p)
{
    return &p->link->pipe->to_server;
}

/* --- the end --------------------------------------------------------------------------------- */

static void forget_link(struct player *p, enum memory_end end)
{
    bool was_online = p->state == PLAYER_ONLINE;

    world_let_go(p->world, &p->link, end);
    p->in.len = 0;
    p->state = PLAYER_AWAY;
    if (was_online) {
        p->has_session = p->is_persistent;
        p->stored = !p->is_persistent ? PLAYER_STORED_NO
                    : p->is_brief     ? PLAYER_STORED_MAYBE
                                      : PLAYER_STORED_YES;
        p->hooks->lost(p);
    }
}

void player_vanish(struct player *p, enum memory_end end, size_t lost)
{
    struct buffer *out = player_output(p);
    size_t under_way = out->len - p->link->pipe->arrived;

    /* A CONNECT that arrives behind the next one would end that one's connection: nobody can tell
     * such a client what its session holds. */
    if (p->state == PLAYER_CONNECTING)
        lost = under_way;
    out->len -= lost < under_way ? lost : under_way;
    world_trace(p->world, "%s vanishes", p->client_id);
    forget_link(p, end);
}

void player_leave(struct player *p)
{
    peer_write_disconnect(player_output(p));
    world_trace(p->world, "%s leaves", p->client_id);
    forget_link(p, MEMORY_END);
}

/* The server closes only whom nothing was heard of in time, and in a narrow world who does not
 * read (and hears why only if it reads again soon); nobody here breaks a rule. */
static void on_server_closed(struct player *p)
{
    bool is_late =
        p->state != PLAYER_ONLINE && clock_mono_ms() - p->opened_ms >= WORLD_CONNECT_TIMEOUT_MS;
    bool is_full = p->world->is_narrow && world_count(p->world, &CT_sessions_overflowed) > 0;

    if (!is_late && !is_full)
        world_fail(p->world, "%s: the server has closed its connection %llu", p->client_id,
                   (unsigned long long)p->link_number);
    world_trace(p->world, "%s has been closed", p->client_id);
    forget_link(p, MEMORY_END);
}

/* --- packets --------------------------------------------------------------------------------- */

static void on_connack(struct player *p, const struct peer_packet *k)
{
    bool may_be = p->expected != PLAYER_STORED_NO;
    bool may_not_be = p->expected != PLAYER_STORED_YES;

    if (k->type != PEER_CONNACK || k->reason != 0)
        world_fail(p->world, "%s: packet type %u, reason %u instead of CONNACK", p->client_id,
                   k->type, k->reason);
    world_trace(p->world, "%s is connected, session %s", p->client_id,
                k->session_present ? "present" : "new");
    if (k->session_present ? !may_be : !may_not_be)
        world_fail(p->world, "%s: session %s", p->client_id,
                   k->session_present ? "present, and should not be" : "lost");
    p->state = PLAYER_ONLINE;
    p->must_clean = false;
    /* One that a connection has made which was never confirmed is empty. */
    p->hooks->connected(p, k->session_present && p->has_session);
}

static void resolve_alias(struct player *p, struct peer_packet *k)
{
    char *known;

    if (k->topic_alias > PLAYER_ALIASES)
        world_fail(p->world, "%s: topic alias %u", p->client_id, k->topic_alias);
    known = p->aliases[k->topic_alias];
    if (k->topic_alias != 0 && k->topic.len > 0 && k->topic.len < PLAYER_TOPIC_MAX) {
        memcpy(known, k->topic.data, k->topic.len);
        known[k->topic.len] = '\0';
    } else if (k->topic_alias != 0) {
        k->topic = slice_of(known);
    }
    if (k->topic.len == 0)
        world_fail(p->world, "%s: a PUBLISH without topic", p->client_id);
}

static void on_packet(struct player *p, struct peer_packet *k)
{
    if (p->state == PLAYER_CONNECTING) {
        on_connack(p, k);
        return;
    }
    if (k->type == PEER_DISCONNECT && k->reason == PLAYER_QUOTA_EXCEEDED && p->world->is_narrow) {
        p->is_told = true;
        return;
    }
    if (p->is_told || k->type == PEER_DISCONNECT || k->type == PEER_CONNACK)
        world_fail(p->world, "%s: packet type %u, reason %u", p->client_id, k->type, k->reason);
    if (k->type == PEER_PUBLISH)
        resolve_alias(p, k);
    p->hooks->packet(p, k);
}

bool player_read(struct player *p, size_t len)
{
    struct buffer *from = &p->link->pipe->to_client;
    struct peer_packet k;
    const char *fault;
    size_t used = 0;

    if (from->len == 0) {
        if (p->link->conn != NULL)
            return false;
        on_server_closed(p);
        return true;
    }
    len = len < from->len ? len : from->len;
    buffer_append(&p->in, from->data, len);
    buffer_consume(from, len);
    for (;;) {
        size_t packet_len = peer_read(slice_from(buffer_slice(&p->in), used), p->is_v5, &k, &fault);

        if (packet_len == 0)
            break;
        if (fault != NULL)
            world_fail(p->world, "%s: packet type %u: %s", p->client_id, k.type, fault);
        if (p->maximum_packet_size != 0 && packet_len > p->maximum_packet_size)
            world_fail(p->world, "%s: a packet of %zu bytes", p->client_id, packet_len);
        used += packet_len;
        p->date = memory_transport_date(p->link->pipe, p->taken + used);
        on_packet(p, &k);
    }
    buffer_consume(&p->in, used);
    p->taken += used;
    return true;
}

bool player_may_vanish(const struct player *p)
{
    return p->link != NULL && !(p->state == PLAYER_CONNECTING && p->link->is_moving);
}

bool player_is_idle(const struct player *p)
{
    return p->link == NULL || (p->link->pipe->to_client.len == 0 && p->link->conn != NULL);
}

void player_deinit(struct player *p)
{
    if (p->link != NULL)
        forget_link(p, MEMORY_END);
    buffer_deinit(&p->in);
}
