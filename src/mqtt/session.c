/*
 * Sessions of one worker and the way of deliveries through them.
 *
 * A delivery leaves at once when nothing is queued before it and window and room allow; otherwise
 * it waits in the queue, in order. QoS 0 does not wait for a window [MQTT-3.3.4-10]: it passes what
 * is queued, but for messages of its own order (message.order), and unless it has a number of the
 * journal, since these numbers grow towards a client.
 *
 * The queue is bounded. What happens to what it cannot take is the service's decision; a session
 * that nobody can tell of a gap ends. A session that is over is found no more, and freed at the end
 * of the turn, so that whoever is walking over sessions is safe. If something of it is stored its
 * name stays in the tables until that is gone for good: clients that come meanwhile wait.
 */
#include "mqtt/session.h"

#include <stdio.h>

#include "base/invariant.h"
#include "mqtt/client_priv.h"
#include "mqtt/counters.h"
#include "mqtt/events.h"
#include "mqtt/session_priv.h"

enum { SESSION_PURGE_MS = 1000 /* a full queue is searched for what has expired no more often */ };

static _Atomic uint64_t last_handle;

struct identity {
    const struct mqtt_service *service;
    uint64_t scope;
    struct slice client_id;
};

static bool identity_equal(const void *item, const void *key)
{
    const struct session *s = item;
    const struct identity *i = key;

    return s->service == i->service && s->scope == i->scope &&
           (s->service->has_one_session ||
            slice_equal(slice_make(s->client_id, s->client_id_len), i->client_id));
}

static bool handle_equal(const void *item, const void *key)
{
    return ((const struct session *)item)->handle == *(const uint64_t *)key;
}

static uint64_t identity_hash(const struct identity *i)
{
    uint64_t hash = hash_u64(i->scope + (uint64_t)(uintptr_t)i->service);

    return i->service->has_one_session ? hash : hash ^ hash_bytes(i->client_id);
}

static void end_overflowed(struct session *s)
{
    uint64_t unsent = s->out.queue_count + s->refused;
    char why[128];

    if (s->client == NULL)
        return;
    snprintf(why, sizeof(why),
             "the queue is full: %llu messages were not sent, and %llu of QoS 0 dropped",
             (unsigned long long)unsent, (unsigned long long)s->dropped);
    log_event(EV_MQTT_OVERFLOWED, "service", s->service->name, "client", s->client_id, "unsent",
              log_int((int64_t)unsent), "unacknowledged", log_int(s->out.inflight), "dropped_qos0",
              log_int((int64_t)s->dropped));
    counter_inc(sessions_overflowed);
    s->is_overflowed = true;
    client_disconnect(s->client, REASON_QUOTA_EXCEEDED, slice_of(why));
}

static void on_turn_end(struct worker *w, void *arg)
{
    struct list *node;

    (void)arg;
    while ((node = list_pop_front(&session_table_of(w)->overflowed)) != NULL)
        end_overflowed(list_entry(node, struct session, overflow_node));
    session_free_closed(w);
    client_free_closed(w);
}

void session_table_init(struct worker *w, const struct session_limits *limits)
{
    struct session_table *t = mem_new_of(MEM_SESSION, struct session_table);

    hash_table_init(&t->by_identity, MEM_SESSION, identity_equal);
    hash_table_init(&t->by_handle, MEM_SESSION, handle_equal);
    list_init(&t->closed_sessions);
    list_init(&t->closed_clients);
    hash_table_init(&t->waiting_clients, MEM_SESSION, client_has_wait_number);
    list_init(&t->overflowed);
    t->limits = limits;
    w->context[WORKER_MQTT] = t;
    worker_add_hook(w, on_turn_end, NULL);
}

void session_table_close_all(struct worker *w)
{
    struct session *s;
    size_t cursor = 0;

    while ((s = session_next(w, &cursor)) != NULL) {
        will_free(&s->will); /* a stop of the server is not the client's end */
        session_close(s);
        cursor = 0;
    }
}

void session_table_deinit(struct worker *w)
{
    struct session_table *t = session_table_of(w);

    invariant(t->by_handle.count == 0);
    session_free_closed(w);
    client_free_closed(w);
    hash_table_deinit(&t->by_identity);
    hash_table_deinit(&t->by_handle);
    hash_table_deinit(&t->waiting_clients);
    mem_free(t);
    w->context[WORKER_MQTT] = NULL;
}

static struct session *find(struct worker *w, const struct identity *i, bool is_closed)
{
    struct session *s = hash_table_find(&session_table_of(w)->by_identity, identity_hash(i), i);

    return s != NULL && s->is_closed == is_closed ? s : NULL;
}

struct session *session_find(struct worker *w, const struct mqtt_service *service, uint64_t scope,
                             struct slice client_id)
{
    return find(w, &(struct identity){service, scope, client_id}, false);
}

struct session *session_find_ending(struct worker *w, const struct mqtt_service *service,
                                    uint64_t scope, struct slice client_id)
{
    return find(w, &(struct identity){service, scope, client_id}, true);
}

struct session *session_find_handle(struct worker *w, uint64_t handle)
{
    struct session *s = hash_table_find(&session_table_of(w)->by_handle, hash_u64(handle), &handle);

    return s == NULL || s->is_closed ? NULL : s;
}

struct session *session_next(struct worker *w, size_t *cursor)
{
    struct session *s;

    do
        s = hash_table_next(&session_table_of(w)->by_handle, cursor);
    while (s != NULL && s->is_closed);
    return s;
}

struct session *session_open(struct worker *w, const struct mqtt_service *service, uint64_t scope,
                             struct slice client_id)
{
    struct session_table *t = session_table_of(w);
    struct session *s = mem_new_of(MEM_SESSION, struct session);
    struct identity i = {service, scope, client_id};

    invariant(client_id.len <= SESSION_CLIENT_ID_MAX);
    s->magic = SESSION_MAGIC;
    s->worker = w;
    s->service = service;
    s->handle = atomic_fetch_add_explicit(&last_handle, 1, memory_order_relaxed) + 1;
    s->scope = scope;
    s->limits = t->limits;
    s->client_id = slice_to_string(client_id);
    s->client_id_len = (uint16_t)client_id.len;
    s->hash = identity_hash(&i);
    invariant(hash_table_find(&t->by_identity, s->hash, &i) == NULL);
    hash_table_put(&t->by_identity, s->hash, s);
    hash_table_put(&t->by_handle, hash_u64(s->handle), s);
    counter_add(&CT_mqtt_sessions, 1);
    service->session_opened(s);
    return s;
}

/* Nothing of it is found any more. */
static void forget(struct session *s)
{
    struct session_table *t = session_table_of(s->worker);
    struct identity i = {s->service, s->scope, slice_make(s->client_id, s->client_id_len)};

    hash_table_remove(&t->by_identity, s->hash, &i);
    hash_table_remove(&t->by_handle, hash_u64(s->handle), &s->handle);
}

void session_close(struct session *s)
{
    invariant(s->magic == SESSION_MAGIC && s->client == NULL);
    if (s->is_closed)
        return;
    session_publish_will(s);
    s->is_closed = true;
    timer_cancel(&s->expiry_timer);
    list_remove(&s->overflow_node);
    list_push_back(&session_table_of(s->worker)->closed_sessions, &s->closing_node);
    counter_add(&CT_mqtt_sessions, -1);
    s->is_ending = s->service->session_closed(s); /* it may take deliveries out, for others */
    if (!s->is_ending)
        forget(s);
    counter_add(&CT_deliveries_dropped_session, (int64_t)s->out.queue_count);
}

void session_end_secured(struct worker *w, uint64_t handle)
{
    struct session_table *t = session_table_of(w);
    struct session *s = hash_table_find(&t->by_handle, hash_u64(handle), &handle);

    invariant(s != NULL && s->is_ending);
    s->is_ending = false;
    forget(s);
    client_let_waiting_in(s);
    if (!list_is_linked(&s->closing_node))
        list_push_back(&t->closed_sessions, &s->closing_node);
}

void session_free_closed(struct worker *w)
{
    struct list *node;

    while ((node = list_pop_front(&session_table_of(w)->closed_sessions)) != NULL) {
        struct session *s = list_entry(node, struct session, closing_node);

        flow_out_deinit(&s->out);
        flow_in_deinit(&s->in);
        will_free(&s->will);
        if (s->is_ending)
            continue;
        mem_free(s->client_id);
        s->magic = 0;
        mem_free(s);
    }
}

static void on_expired(struct timer *t)
{
    session_close(list_entry(t, struct session, expiry_timer));
}

void session_detach(struct session *s)
{
    struct worker *w = s->worker;

    s->client = NULL;
    session_end_will(s);
    if (s->expiry_s == 0)
        session_close(s);
    else if (s->expiry_s != UINT32_MAX)
        timer_set(&w->timers, &s->expiry_timer, w->now_ms + s->expiry_s * 1000ull, on_expired);
}

uint64_t session_time_left(uint32_t expiry_s, uint64_t gone_ms, int64_t now_ms)
{
    uint64_t passed_ms =
        gone_ms != 0 && (uint64_t)now_ms > gone_ms ? (uint64_t)now_ms - gone_ms : 0;

    if (expiry_s == UINT32_MAX)
        return UINT64_MAX;
    return passed_ms >= expiry_s * 1000ull ? 0 : expiry_s * 1000ull - passed_ms;
}

void session_restore(struct session *s, uint64_t left_ms)
{
    struct worker *w = s->worker;

    if (left_ms != UINT64_MAX)
        timer_set(&w->timers, &s->expiry_timer, w->now_ms + left_ms, on_expired);
}

void session_attach(struct session *s, struct client *c)
{
    timer_cancel(&s->expiry_timer);
    session_drop_will(s); /* back within the delay: it is not published [MQTT-3.1.3-9] */
    s->client = c;
    s->client_count++;
    s->refused = s->dropped = 0;
    s->is_overflowed = false;
    s->wants_room = false; /* the service goes on by itself in `connected`, and not before */
}

/* --- deliveries ------------------------------------------------------------------------------ */

static void tell_step(struct session *s, uint64_t trace, enum delivery_step step)
{
    if (trace != 0)
        s->service->traced(s, trace, step);
}

/* Frees a delivery that is over, acknowledged by nobody. */
static void end_delivery(struct session *s, struct delivery *d, enum delivery_step step)
{
    struct delivery ended = *d; /* its numbers */

    delivery_deinit(d);
    if (ended.seq != 0)
        s->service->delivered(s, ended.seq);
    if (ended.share_seq != 0)
        s->service->share_over(s, ended.share, ended.share_seq);
    tell_step(s, ended.trace, step);
}

/* What has a seq is read again. */
static void on_unqueued(struct delivery *d, void *arg)
{
    d->seq = 0;
    end_delivery(arg, d, DELIVERY_DROPPED);
}

uint64_t session_unqueue(struct session *s)
{
    counter_add(&CT_deliveries_dropped_session, (int64_t)s->out.queue_qos0_count);
    return flow_out_unqueue(&s->out, s->service->reads_again, on_unqueued, s);
}

static bool is_expired(const struct session *s, const struct delivery *d)
{
    return d->message->expires_ms != 0 && s->worker->now_ms >= d->message->expires_ms;
}

static void skip(struct session *s, struct delivery *d, struct counter *why)
{
    counter_add(why, 1);
    end_delivery(s, d, DELIVERY_DROPPED);
}

static void report_too_large(const struct session *s)
{
    log_event(EV_MQTT_TOO_LARGE, "client", s->client_id);
}

/* What is too large for the client counts as delivered [MQTT-3.1.2-25]. */
static void skip_too_large(struct session *s, const struct flow_out_entry *e)
{
    struct delivery released;

    report_too_large(s);
    flow_out_acknowledge(&s->out, e->packet_id,
                         e->delivery.qos == 1 ? FLOW_OUT_PUBACK : FLOW_OUT_PUBREC_REFUSED,
                         &released);
    skip(s, &released, &CT_deliveries_dropped_too_large);
}

/* The same of one that was sent before. The client may have it, and remembers its identifier until
 * PUBREL, which it gets as if it had answered. */
static void release_too_large(struct session *s, const struct flow_out_entry *e)
{
    uint16_t packet_id = e->packet_id;

    if (e->delivery.qos == 1) {
        skip_too_large(s, e);
        return;
    }
    report_too_large(s);
    counter_inc(deliveries_dropped_too_large);
    flow_out_pass_over(&s->out, packet_id);
    session_acknowledged(s, packet_id);
}

/* True: the next packet of this entry waits for session_secured. */
static bool must_wait(struct session *s, struct flow_out_entry *e)
{
    if ((e->delivery.seq == 0 && e->delivery.share_seq == 0) || s->service->secure == NULL ||
        !s->service->secure(s, e))
        return false;
    flow_out_hold(&s->out, e);
    return true;
}

/* The next packet of an entry. False: it was skipped, and counted. */
static bool send_entry(struct session *s, struct flow_out_entry *e)
{
    uint64_t trace = e->delivery.trace;
    bool is_repeated = e->was_sent;

    if (e->state == FLOW_OUT_WAIT_PUBCOMP) {
        client_send_ack(s->client, PACKET_PUBREL, e->packet_id, REASON_SUCCESS);
        return true;
    }
    e->was_sent = true;
    counter_add(&CT_publishes_resent, is_repeated);
    if (!client_send_publish(s->client, &e->delivery, e->packet_id, is_repeated)) {
        if (is_repeated)
            release_too_large(s, e);
        else
            skip_too_large(s, e);
        return false;
    }
    if (!is_repeated)
        tell_step(s, trace, DELIVERY_SENT);
    return true;
}

/* Sends a delivery whose turn it is; takes what it owns. False: it was skipped, and counted. */
static bool send_now(struct session *s, struct delivery *d)
{
    struct flow_out_entry *e;

    if (is_expired(s, d)) {
        skip(s, d, &CT_deliveries_dropped_expired);
        return false;
    }
    if (d->qos == 0) {
        if (!client_send_publish(s->client, d, 0, false)) {
            report_too_large(s);
            skip(s, d, &CT_deliveries_dropped_too_large);
            return false;
        }
        end_delivery(s, d, DELIVERY_SENT);
        return true;
    }
    e = flow_out_track(&s->out, d);
    if (!e->was_sent && must_wait(s, e))
        return true;
    return send_entry(s, e);
}

static bool has_window(const struct session *s)
{
    return flow_out_has_window(&s->out) && s->out.window_bytes < s->limits->queue_bytes;
}

/* While something is held only what will be held, too, may come behind it: the order stays. */
static bool keeps_order(const struct session *s, const struct delivery *d)
{
    return s->out.held_count == 0 ||
           (d->qos == 2 && (d->seq != 0 || d->share_seq != 0) && d->resumed_id == 0);
}

/* True when this delivery may leave now, before what is queued. */
static bool may_pass(struct session *s, const struct delivery *d)
{
    if (s->client == NULL || s->is_draining)
        return false;
    if (s->out.queue_count == 0 && conn_is_full(s->client->conn) &&
        !conn_make_room(s->client->conn))
        return false;
    if (s->client == NULL || conn_is_full(s->client->conn)) /* making room may have ended it */
        return false;
    if (s->out.resend_count > 0 || !keeps_order(s, d))
        return false;
    return s->out.queue_count == 0 ? d->qos == 0 || has_window(s)
                                   : flow_out_may_overtake(&s->out, d);
}

static bool is_full(const struct session *s)
{
    return s->out.queue_count >= (uint64_t)s->limits->queue_messages + s->handed_messages ||
           s->out.queue_bytes >= s->limits->queue_bytes + s->handed_bytes;
}

static void on_purged(struct delivery *d, void *arg)
{
    skip(arg, d, &CT_deliveries_dropped_expired);
}

/* Makes room of what has expired while it waited. */
static bool stays_full(struct session *s)
{
    uint64_t now_ms = s->worker->now_ms;

    if (s->out.queue_mortal_count == 0 ||
        (s->purged_ms != 0 && now_ms < s->purged_ms + SESSION_PURGE_MS))
        return true;
    s->purged_ms = now_ms;
    flow_out_take_expired(&s->out, now_ms, on_purged, s);
    return is_full(s);
}

enum session_result session_deliver(struct session *s, struct delivery *d)
{
    bool has_no_room;

    invariant(s->magic == SESSION_MAGIC);
    if (may_pass(s, d))
        return send_now(s, d) ? SESSION_SENT : SESSION_DROPPED;
    if (is_expired(s, d)) {
        skip(s, d, &CT_deliveries_dropped_expired);
        return SESSION_DROPPED;
    }
    has_no_room = is_full(s) && stays_full(s);
    if (d->qos == 0 &&
        (s->client == NULL || has_no_room || s->out.queue_bytes >= s->limits->queue_qos0_bytes)) {
        s->dropped++;
        skip(s, d, &CT_deliveries_dropped_slow);
        return SESSION_DROPPED;
    }
    if (has_no_room) {
        s->wants_room = true;
        return SESSION_FULL;
    }
    flow_out_push(&s->out, d);
    return SESSION_QUEUED;
}

void session_refuse(struct session *s, struct delivery *d)
{
    counter_inc(deliveries_dropped_full);
    delivery_deinit(d);
    s->refused++;
    if (s->expiry_s == 0)
        session_overflow(s);
}

void session_hand_over(struct session *s, struct delivery *d)
{
    uint32_t messages = s->out.queue_count;
    uint64_t bytes = s->out.queue_bytes;

    if (session_deliver(s, d) == SESSION_FULL)
        flow_out_push(&s->out, d);
    if (s->out.queue_bytes > bytes) {
        s->handed_messages += s->out.queue_count - messages;
        s->handed_bytes += s->out.queue_bytes - bytes;
    }
    /* what was queued before may have been taken away since */
    if (s->handed_messages > s->out.queue_count)
        s->handed_messages = s->out.queue_count;
    if (s->handed_bytes > s->out.queue_bytes)
        s->handed_bytes = s->out.queue_bytes;
}

void session_queue_beyond(struct session *s, struct delivery *d)
{
    flow_out_push(&s->out, d);
}

void session_overflow(struct session *s)
{
    if (s->client != NULL && !list_is_linked(&s->overflow_node))
        list_push_back(&session_table_of(s->worker)->overflowed, &s->overflow_node);
}

static void resend(struct session *s)
{
    struct flow_out_entry *e;

    while (s->client != NULL && !conn_is_full(s->client->conn) &&
           (e = flow_out_resend(&s->out)) != NULL)
        (void)send_entry(s, e);
}

void session_drain(struct session *s)
{
    struct delivery *next;

    if (s->is_draining)
        return;
    s->is_draining = true;
    resend(s);
    while (s->client != NULL && s->out.resend_count == 0 &&
           (next = flow_out_peek(&s->out)) != NULL && !conn_is_full(s->client->conn) &&
           (next->qos == 0 || has_window(s)) && keeps_order(s, next)) {
        struct delivery d = flow_out_pop(&s->out);

        (void)send_now(s, &d);
    }
    s->is_draining = false;
    if (s->out.queue_count > s->limits->queue_messages / 2 ||
        s->out.queue_bytes > s->limits->queue_bytes / 2)
        return;
    s->handed_messages = 0;
    s->handed_bytes = 0;
    if (s->wants_room) {
        s->wants_room = false;
        s->service->room(s);
    }
}

void session_acknowledged(struct session *s, uint16_t packet_id)
{
    struct flow_out_entry *e = flow_out_find(&s->out, packet_id);

    if (e != NULL && !e->is_held && !must_wait(s, e))
        client_send_ack(s->client, PACKET_PUBREL, packet_id, REASON_SUCCESS);
}

void session_secured(struct session *s, uint64_t issue)
{
    struct flow_out_entry *e = flow_out_release(&s->out, issue);

    if (e == NULL || s->client == NULL)
        return;
    if (s->out.resend_count > 0 || conn_is_full(s->client->conn))
        flow_out_defer(&s->out, e); /* not before those that wait for room, too */
    else
        (void)send_entry(s, e);
    session_drain(s);
}
