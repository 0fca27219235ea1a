/*
 * One MQTT connection: output of packets, keep alive, the order of acknowledgements, its end. How
 * it begins stands in client_connect.c.
 */
#include "mqtt/client.h"

#include "base/invariant.h"
#include "mqtt/client_priv.h"
#include "mqtt/counters.h"
#include "mqtt/events.h"
#include "mqtt/input_priv.h"
#include "mqtt/session_priv.h"

enum {
    CLIENT_SERVICES_MAX = 4,
    CLIENT_ACKS_RESUME = 512, /* undecided publishes below which the connection is read again */
    CLIENT_HELD_MAX = 64,     /* held answers from which the connection is not read */
    CLIENT_SCRATCH_KEPT_MAX = 1024 /* bytes; an answer to many filters at once needs more */
};

static struct client_settings service_settings[CLIENT_SERVICES_MAX];

void client_set_settings(unsigned service, const struct client_settings *settings)
{
    invariant(service < CLIENT_SERVICES_MAX);
    service_settings[service] = *settings;
}

struct worker *client_worker(const struct client *c)
{
    return conn_worker(c->conn);
}

void client_send_scratch(struct client *c)
{
    out_buffer_append_packet(conn_output(c->conn), c->scratch.data, c->scratch.len);
    if (c->scratch.capacity > CLIENT_SCRATCH_KEPT_MAX)
        buffer_deinit(&c->scratch);
}

/* --- answers that wait until they are durable ------------------------------------------------- */

static void read_on(struct client *c)
{
    if (c->acks.count < CLIENT_ACKS_RESUME && c->held_count < CLIENT_HELD_MAX)
        conn_resume(c->conn);
}

void client_hold_scratch(struct client *c)
{
    uint32_t len = (uint32_t)c->scratch.len;

    buffer_append(&c->held, &len, sizeof(len));
    buffer_append_slice(&c->held, buffer_slice(&c->scratch));
    if (++c->held_count == CLIENT_HELD_MAX)
        conn_pause(c->conn);
}

static void send_held(struct client *c)
{
    uint32_t len;
    size_t used;

    memcpy(&len, c->held.data, sizeof(len));
    used = sizeof(len) + len;
    out_buffer_append_packet(conn_output(c->conn), c->held.data + sizeof(len), len);
    if (--c->held_count == 0) {
        buffer_deinit(&c->held);
        return;
    }
    memmove(c->held.data, c->held.data + used, c->held.len - used);
    c->held.len -= used;
}

void client_secured(struct worker *w, uint64_t session, uint64_t number)
{
    struct session *s = session_find_handle(w, session);
    struct client *c = s == NULL ? NULL : s->client;

    if (c == NULL || c->number != number || c->held_count == 0)
        return;
    send_held(c);
    c->settings->service->subscribed(c);
    read_on(c);
}

/* --- the end --------------------------------------------------------------------------------- */

void client_disconnect(struct client *c, enum reason reason, struct slice why)
{
    if (c->state == CLIENT_CLOSED)
        return;
    c->end_reason = reason;
    if (c->state == CLIENT_CONNECTED && c->target.version == MQTT_5) {
        c->scratch.len = 0;
        encode_disconnect(&c->scratch, &c->target, reason, why);
        client_send_scratch(c);
    }
    conn_end(c->conn);
}

void client_take_over(struct client *c)
{
    counter_inc(mqtt_take_overs);
    c->is_taken_over = true;
    client_disconnect(c, REASON_SESSION_TAKEN_OVER, slice_make(NULL, 0));
}

void client_fault(struct client *c, enum reason reason, const char *packet)
{
    log_event(EV_MQTT_FAULT, "peer", conn_peer(c->conn), "service", c->settings->service->name,
              "client", c->session == NULL ? NULL : c->session->client_id, "packet", packet,
              "cause", reason_text(reason));
    counter_inc(mqtt_faults);
    client_disconnect(c, reason, slice_make(NULL, 0));
}

static void on_closed(struct conn *conn, enum conn_end end)
{
    struct client *c = conn_owner(conn);
    struct session *s = c->session;

    (void)end;
    invariant(c->magic == CLIENT_MAGIC);
    timer_cancel(&c->keep_alive);
    client_stop_waiting(c);
    if (c->state == CLIENT_CONNECTED) {
        uint64_t unsent_from;

        counter_add(&CT_mqtt_clients, -1);
        c->state = CLIENT_CLOSED;
        s->client = NULL;
        unsent_from = session_unqueue(s);
        if (c->will_is_dropped)
            session_drop_will(s);
        client_let_waiting_in(s);
        c->settings->service->disconnected(c, unsent_from);
        session_detach(s);
        c->settings->service->offline(c);
    }
    c->state = CLIENT_CLOSED;
    c->session = NULL;
    list_push_back(&session_table_of(conn_worker(conn))->closed_clients, &c->free_node);
}

void client_free_closed(struct worker *w)
{
    struct list *node;

    while ((node = list_pop_front(&session_table_of(w)->closed_clients)) != NULL) {
        struct client *c = list_entry(node, struct client, free_node);

        flow_in_acks_deinit(&c->acks);
        alias_in_deinit(&c->aliases_in);
        alias_out_deinit(&c->aliases_out);
        buffer_deinit(&c->scratch);
        buffer_deinit(&c->held);
        c->magic = 0;
        mem_free(c);
    }
}

/* --- keep alive ------------------------------------------------------------------------------ */

static uint64_t silence_allowed_ms(const struct client *c)
{
    return c->keep_alive_s * 1500ull;
}

/* A packet does not move the timer: when it fires, the true deadline is looked at. */
static void on_keep_alive(struct timer *t)
{
    struct client *c = list_entry(t, struct client, keep_alive);
    struct worker *w = client_worker(c);
    uint64_t deadline = c->last_packet_ms + silence_allowed_ms(c);

    if (conn_is_paused(c->conn)) /* we do not read: its silence is ours */
        deadline = w->now_ms + silence_allowed_ms(c);
    if (conn_is_withheld(c->conn)) { /* it has a whole keep alive when the CONNACK has left */
        c->last_packet_ms = w->now_ms;
        deadline = w->now_ms + c->keep_alive_s * 500ull;
    }
    if (w->now_ms < deadline) {
        timer_set(&w->timers, t, deadline, on_keep_alive);
        return;
    }
    log_event(EV_MQTT_KEEP_ALIVE, "peer", conn_peer(c->conn), "service", c->settings->service->name,
              "client", c->session->client_id);
    counter_inc(mqtt_keep_alive_timeouts);
    client_disconnect(c, REASON_KEEP_ALIVE_TIMEOUT, slice_make(NULL, 0));
}

void client_start_keep_alive(struct client *c, uint16_t keep_alive_s)
{
    struct worker *w = client_worker(c);

    c->keep_alive_s = keep_alive_s;
    if (keep_alive_s != 0)
        timer_set(&w->timers, &c->keep_alive, w->now_ms + silence_allowed_ms(c), on_keep_alive);
}

/* --- output ---------------------------------------------------------------------------------- */

void client_send_ack(struct client *c, enum packet_type type, uint16_t packet_id,
                     enum reason reason)
{
    if (reason == REASON_SUCCESS || c->target.version == MQTT_3_1_1) {
        uint8_t packet[4] = {(uint8_t)(type << 4 | (type == PACKET_PUBREL ? 2 : 0)), 2,
                             (uint8_t)(packet_id >> 8), (uint8_t)packet_id};

        out_buffer_append_packet(conn_output(c->conn), packet, sizeof(packet));
        return;
    }
    c->scratch.len = 0;
    encode_ack(&c->scratch, &c->target, type, packet_id, reason, slice_make(NULL, 0));
    client_send_scratch(c);
}

/* --- answers to publishes -------------------------------------------------------------------- */

static void send_answer(struct client *c, uint16_t packet_id, uint8_t qos, enum reason reason,
                        struct slice why)
{
    enum packet_type type = qos == 1 ? PACKET_PUBACK : PACKET_PUBREC;

    if (reason == REASON_SUCCESS || c->target.version == MQTT_3_1_1) {
        client_send_ack(c, type, packet_id, REASON_SUCCESS);
        return;
    }
    c->scratch.len = 0;
    encode_ack(&c->scratch, &c->target, type, packet_id, reason, why);
    client_send_scratch(c);
}

/* The fate of a QoS 2 identifier follows the verdict, whoever is connected by then. A 3.1.1 client
 * hears no refusal and goes on with PUBREL. Gives how many repetitions came meanwhile. */
static unsigned settle_reception(struct session *s, uint16_t packet_id, enum reason reason)
{
    unsigned repetitions = flow_in_receive(&s->in, packet_id);

    if (reason >= REASON_UNSPECIFIED_ERROR && s->version == MQTT_5)
        flow_in_remove(&s->in, packet_id); /* [MQTT-4.3.3-9] */
    if (s->service->released != NULL && flow_in_find(&s->in, packet_id) == FLOW_IN_NEW)
        s->service->released(s, packet_id);
    return repetitions;
}

void client_settle(struct client *c, uint16_t packet_id, uint8_t qos,
                   const struct service_verdict *verdict)
{
    if (qos == 2)
        (void)settle_reception(c->session, packet_id, verdict->reason);
    if (c->acks.count > 0) {
        struct flow_in_ack ack = {
            .packet_id = packet_id, .qos = qos, .is_decided = true, .reason = verdict->reason};

        if (verdict->why.len > 0)
            ack.why = shared_bytes_new(MEM_SESSION, verdict->why);
        c->unacknowledged += qos == 1;
        flow_in_acks_push(&c->acks, &ack);
        return;
    }
    send_answer(c, packet_id, qos, verdict->reason, verdict->why);
}

static void send_decided(struct client *c)
{
    struct flow_in_ack ack;

    while (flow_in_acks_pop(&c->acks, &ack)) {
        c->unacknowledged -= ack.qos == 1;
        if (ack.is_pubcomp)
            client_send_ack(c, PACKET_PUBCOMP, ack.packet_id,
                            ack.reason < REASON_UNSPECIFIED_ERROR ? REASON_SUCCESS
                                                                  : REASON_PACKET_ID_NOT_FOUND);
        else
            send_answer(c, ack.packet_id, ack.qos, ack.reason, shared_bytes_slice(ack.why));
        shared_bytes_unref(&ack.why);
    }
    read_on(c);
}

void client_answer(struct worker *w, const struct service_ticket *ticket, enum reason reason,
                   struct shared_bytes *why)
{
    struct session *s = session_find_handle(w, ticket->session);
    struct client *c = s == NULL ? NULL : s->client;
    unsigned repetitions = 0;

    if (s != NULL && ticket->qos == 2)
        repetitions = settle_reception(s, ticket->packet_id, reason);
    if (c == NULL || ticket->qos == 0) {
        shared_bytes_unref(&why);
        return;
    }
    if (repetitions > 0)
        flow_in_acks_decide_repetitions(&c->acks, ticket->packet_id, reason, why);
    if (c->number == ticket->number >> 32 &&
        flow_in_acks_decide(&c->acks, (uint32_t)ticket->number, reason, why))
        why = NULL;
    send_decided(c);
    shared_bytes_unref(&why);
}

/* --- input ----------------------------------------------------------------------------------- */

static void bad_header(struct client *c, enum reason reason)
{
    if (c->state == CLIENT_CONNECTED) {
        client_fault(c, reason, "fixed header");
        return;
    }
    log_event(EV_MQTT_NO_CONNECT, "peer", conn_peer(c->conn), "service", c->settings->service->name,
              "cause", reason_text(reason));
    counter_inc(mqtt_faults);
    conn_end(c->conn);
}

/* A CONNECT has a limit of its own: it comes from strangers. */
static uint32_t packet_max(const struct client *c)
{
    const struct client_settings *s = c->settings;

    return c->state == CLIENT_CONNECTED || s->connect_max == 0 ||
                   s->connect_max > s->maximum_packet_size
               ? s->maximum_packet_size
               : s->connect_max;
}

/* True: the packet is larger than a CONNECT may be, and not larger than any; its version tells how
 * to answer. */
static bool is_large_connect(const struct client *c, enum reason reason, struct slice packet)
{
    struct decode_header h;

    return reason == REASON_PACKET_TOO_LARGE && c->state == CLIENT_WAIT_CONNECT &&
           packet.data[0] >> 4 == PACKET_CONNECT &&
           decode_header(packet, c->settings->maximum_packet_size, &h) == REASON_SUCCESS;
}

static size_t on_bytes(struct conn *conn, struct slice bytes)
{
    struct client *c = conn_owner(conn);
    size_t used = 0;

    invariant(c->magic == CLIENT_MAGIC);
    while (c->state != CLIENT_CLOSED && !conn_is_paused(conn)) {
        struct slice rest = slice_from(bytes, used);
        struct decode_header h;
        enum reason reason = decode_header(rest, packet_max(c), &h);

        if (reason != REASON_SUCCESS) {
            if (is_large_connect(c, reason, rest))
                client_refuse_large(c, rest);
            else
                bad_header(c, reason);
            break;
        }
        if (h.header_len == 0 || rest.len - h.header_len < h.remaining_len) {
            if (h.header_len != 0 && c->state == CLIENT_WAIT_CONNECT && h.type != PACKET_CONNECT)
                client_refuse_other(c, h.type); /* its body is not waited for */
            break;
        }
        struct slice body = slice_make(rest.data + h.header_len, h.remaining_len);

        c->last_packet_ms = conn_worker(conn)->now_ms;
        if (c->state == CLIENT_CONNECTED)
            input_packet(c, &h, body);
        else if (!client_first_packet(c, &h, body))
            return used; /* the CONNECT is offered again, here or at its home */
        used += h.header_len + h.remaining_len;
    }
    return used;
}

static void on_open(struct conn *conn)
{
    struct client *c = mem_new_of(MEM_CONN, struct client);

    c->magic = CLIENT_MAGIC;
    c->conn = conn;
    c->settings = &service_settings[conn_origin(conn)->service];
    conn_set_owner(conn, c);
}

static void on_room(struct conn *conn)
{
    struct client *c = conn_owner(conn);

    if (c->session != NULL)
        session_drain(c->session);
}

static void on_moved(struct conn *conn)
{
    (void)conn; /* the client knows its worker through the connection */
}

const struct conn_handler client_conn_handler = {
    .on_open = on_open,
    .on_bytes = on_bytes,
    .on_room = on_room,
    .on_moved = on_moved,
    .on_closed = on_closed,
};
