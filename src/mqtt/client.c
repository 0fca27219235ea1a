/*
 * One MQTT connection: CONNECT (and the move to its home), output of packets, keep alive, the order
 * of acknowledgements, its end.
 */
#include "mqtt/client.h"

#include "base/ident.h"
#include "base/invariant.h"
#include "mqtt/counters.h"
#include "mqtt/events.h"
#include "mqtt/input_priv.h"
#include "mqtt/session_priv.h"

enum {
    CLIENT_SERVICES_MAX = 4,
    CLIENT_ACKS_RESUME = 512, /* undecided publishes below which the connection is read again */
    CLIENT_MADE_ID_LEN = 22
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

static void send_scratch(struct client *c)
{
    out_buffer_append(conn_output(c->conn), c->scratch.data, c->scratch.len);
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
        send_scratch(c);
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
    list_remove(&c->waiting_node);
    if (c->state == CLIENT_CONNECTED) {
        uint64_t unsent_from;

        counter_add(&CT_mqtt_clients, -1);
        c->state = CLIENT_CLOSED;
        s->client = NULL;
        counter_add(&CT_deliveries_dropped_session, (int64_t)s->out.queue_qos0_count);
        unsent_from = flow_out_unqueue(&s->out);
        if (c->will_is_dropped)
            will_free(&s->will);
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
    if (w->now_ms < deadline) {
        timer_set(&w->timers, t, deadline, on_keep_alive);
        return;
    }
    log_event(EV_MQTT_KEEP_ALIVE, "peer", conn_peer(c->conn), "service", c->settings->service->name,
              "client", c->session->client_id);
    counter_inc(mqtt_keep_alive_timeouts);
    client_disconnect(c, REASON_KEEP_ALIVE_TIMEOUT, slice_make(NULL, 0));
}

/* --- output ---------------------------------------------------------------------------------- */

void client_send_ack(struct client *c, enum packet_type type, uint16_t packet_id,
                     enum reason reason)
{
    if (reason == REASON_SUCCESS || c->target.version == MQTT_3_1_1) {
        uint8_t packet[4] = {(uint8_t)(type << 4 | (type == PACKET_PUBREL ? 2 : 0)), 2,
                             (uint8_t)(packet_id >> 8), (uint8_t)packet_id};

        out_buffer_append(conn_output(c->conn), packet, sizeof(packet));
        return;
    }
    c->scratch.len = 0;
    encode_ack(&c->scratch, &c->target, type, packet_id, reason, slice_make(NULL, 0));
    send_scratch(c);
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
    send_scratch(c);
}

/* The fate of a QoS 2 identifier follows the verdict, whoever is connected by then. A 3.1.1 client
 * hears no refusal and goes on with PUBREL. Gives how many repetitions came meanwhile. */
static unsigned settle_reception(struct session *s, uint16_t packet_id, enum reason reason)
{
    unsigned repetitions = flow_in_set(&s->in, packet_id, FLOW_IN_RECEIVED);

    if (reason >= REASON_UNSPECIFIED_ERROR && s->version == MQTT_5)
        flow_in_remove(&s->in, packet_id); /* [MQTT-4.3.3-9] */
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
        send_answer(c, ack.packet_id, ack.qos, ack.reason, shared_bytes_slice(ack.why));
        shared_bytes_unref(&ack.why);
    }
    if (c->acks.count < CLIENT_ACKS_RESUME)
        conn_resume(c->conn);
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

/* --- CONNECT --------------------------------------------------------------------------------- */

static void refuse(struct client *c, enum reason reason, struct slice why, struct slice username)
{
    struct encode_connack connack = {.reason = reason, .reason_string = why};

    log_event(EV_MQTT_REFUSED, "peer", conn_peer(c->conn), "service", c->settings->service->name,
              "username", username.len == 0 ? NULL : log_slice(username), "cause",
              reason_text(reason));
    counter_inc(mqtt_connects_refused);
    c->scratch.len = 0;
    if (encode_connack(&c->scratch, &c->target, &connack))
        send_scratch(c);
    conn_end(c->conn);
}

/* A protocol that is MQTT, whatever its version: it may understand an answer. */
static bool names_mqtt(struct slice body)
{
    return slice_starts_with(body, slice_make("\0\4MQTT", 6)) ||
           slice_starts_with(body, slice_make("\0\6MQIsdp", 8));
}

/* A CONNECT that could not be understood. 3.1.1 wants silence but for an unknown version. */
static void refuse_malformed(struct client *c, enum reason reason, bool version_known,
                             struct slice body)
{
    static const uint8_t wrong_version[] = {PACKET_CONNACK << 4, 2, 0, 1};

    log_event(EV_MQTT_FAULT, "peer", conn_peer(c->conn), "service", c->settings->service->name,
              "packet", "CONNECT", "cause", reason_text(reason));
    counter_inc(mqtt_faults);
    if (reason == REASON_UNSUPPORTED_PROTOCOL_VERSION) {
        if (names_mqtt(body))
            out_buffer_append(conn_output(c->conn), wrong_version, sizeof(wrong_version));
    } else if (version_known && c->target.version == MQTT_5) {
        struct encode_connack connack = {.reason = reason};

        c->scratch.len = 0;
        if (encode_connack(&c->scratch, &c->target, &connack))
            send_scratch(c);
    }
    conn_end(c->conn);
}

static void take_limits(struct client *c, const struct packet_connect *p)
{
    const struct property_set *set = &p->properties;
    bool is_v5 = p->version == MQTT_5;

    c->target.version = p->version;
    c->target.maximum_packet_size =
        is_v5 && property_has(set, PROPERTY_MAXIMUM_PACKET_SIZE) ? set->maximum_packet_size : 0;
    c->target.problem_information =
        !is_v5 || !property_has(set, PROPERTY_REQUEST_PROBLEM) || set->request_problem != 0;
    alias_out_init(&c->aliases_out, is_v5 && property_has(set, PROPERTY_TOPIC_ALIAS_MAXIMUM)
                                        ? set->topic_alias_maximum
                                        : 0);
}

static uint32_t expiry_wanted(const struct packet_connect *p, const struct service_login *login)
{
    if (p->version == MQTT_3_1_1)
        return p->clean_start ? 0 : login->session_expiry_default_s;
    if (!property_has(&p->properties, PROPERTY_SESSION_EXPIRY))
        return 0;
    return p->properties.session_expiry_s;
}

static uint16_t window_wanted(const struct packet_connect *p)
{
    return p->version == MQTT_5 && property_has(&p->properties, PROPERTY_RECEIVE_MAXIMUM)
               ? p->properties.receive_maximum
               : UINT16_MAX;
}

/* The client's session, continued or new; what stands in its way ends. */
static struct session *choose_session(struct client *c, const struct packet_connect *p,
                                      uint64_t scope, struct slice client_id, bool *is_present)
{
    const struct mqtt_service *service = c->settings->service;
    struct worker *w = client_worker(c);
    struct session *s = session_find(w, service, scope, client_id);

    if (s != NULL && s->client != NULL) {
        client_take_over(s->client);
        s = session_find(w, service, scope, client_id); /* it may have ended with its connection */
    }
    if (s != NULL && p->clean_start) {
        session_close(s);
        s = NULL;
    }
    *is_present = s != NULL;
    return s != NULL ? s : session_open(w, service, scope, client_id);
}

/* A made-up identifier must lead to this very worker when the client comes back with it. */
static void make_client_id(struct client *c, const struct packet_connect *p, char *out)
{
    struct packet_connect named = *p;

    named.client_id = slice_make(out, CLIENT_MADE_ID_LEN);
    do {
        ident_random_text(out, CLIENT_MADE_ID_LEN);
    } while (c->settings->service->home(client_worker(c), &named) != client_worker(c)->index);
}

static void start_keep_alive(struct client *c, const struct packet_connect *p,
                             const struct service_login *login, struct encode_connack *connack)
{
    struct worker *w = client_worker(c);

    c->keep_alive_s = p->keep_alive_s;
    if (p->version == MQTT_5 && login->keep_alive_max_s != 0 &&
        (c->keep_alive_s == 0 || c->keep_alive_s > login->keep_alive_max_s)) {
        c->keep_alive_s = login->keep_alive_max_s;
        connack->has_server_keep_alive = true;
        connack->server_keep_alive_s = c->keep_alive_s;
    }
    if (c->keep_alive_s != 0)
        timer_set(&w->timers, &c->keep_alive, w->now_ms + silence_allowed_ms(c), on_keep_alive);
}

static void accept_client(struct client *c, const struct packet_connect *p,
                          const struct service_login *login, struct slice client_id)
{
    struct encode_connack connack = {.receive_maximum = login->receive_maximum,
                                     .maximum_packet_size = c->settings->maximum_packet_size,
                                     .topic_alias_maximum = login->topic_alias_maximum};
    struct session *s = choose_session(c, p, login->scope, client_id, &connack.session_present);
    uint32_t wanted_s = expiry_wanted(p, login);

    session_attach(s, c);
    s->version = p->version;
    s->expiry_max_s = login->session_expiry_max_s;
    s->expiry_s = wanted_s < login->session_expiry_max_s ? wanted_s : login->session_expiry_max_s;
    s->will = p->has_will ? will_new(&p->will) : NULL;
    c->session = s;
    c->number = s->client_count;
    c->receive_maximum = login->receive_maximum;
    c->has_session_expiry = s->expiry_s != 0;
    c->state = CLIENT_CONNECTED;
    connack.has_session_expiry = p->version == MQTT_5 && wanted_s != s->expiry_s;
    connack.session_expiry_s = s->expiry_s;
    if (p->client_id.len == 0)
        connack.assigned_client_id = client_id;
    start_keep_alive(c, p, login, &connack);
    conn_set_established(c->conn);
    counter_add(&CT_mqtt_clients, 1);
    counter_inc(mqtt_connects);
    c->scratch.len = 0;
    if (!encode_connack(&c->scratch, &c->target, &connack)) {
        conn_end(c->conn); /* it accepts no packet as large as our CONNACK: there is no talking */
        return;
    }
    send_scratch(c);
    flow_out_restart(&s->out, window_wanted(p));
    session_drain(s);
    c->settings->service->connected(c, connack.session_present);
}

/* --- a CONNECT that waits for a decision ----------------------------------------------------- */

/* Not read until somebody has decided; the time-out for CONNECTs goes on. */
static void put_off(struct client *c)
{
    list_push_back(&session_table_of(client_worker(c))->waiting_clients, &c->waiting_node);
    conn_pause(c->conn);
}

uint64_t client_wait_number(struct client *c)
{
    struct session_table *t = session_table_of(client_worker(c));

    c->wait_number = ++t->last_wait_number;
    return c->wait_number;
}

void client_decide(struct worker *w, uint64_t wait_number, bool is_allowed)
{
    struct list *waiting = &session_table_of(w)->waiting_clients;

    for (struct list *n = waiting->next; n != waiting; n = n->next) {
        struct client *c = list_entry(n, struct client, waiting_node);

        if (c->wait_number != wait_number)
            continue;
        list_remove(n);
        c->decision = is_allowed ? CLIENT_ALLOWED : CLIENT_REFUSED;
        conn_resume(c->conn);
        return;
    }
}

/* False: the service must ask somebody first; the CONNECT is offered again after client_decide. */
static bool on_connect(struct client *c, const struct packet_connect *p)
{
    struct service_login login = {0};
    char made_id[CLIENT_MADE_ID_LEN + 1];
    struct slice client_id = p->client_id;
    enum reason reason;

    take_limits(c, p);
    if (p->version == MQTT_5 && property_has(&p->properties, PROPERTY_AUTH_METHOD)) {
        refuse(c, REASON_BAD_AUTH_METHOD, slice_of("no authentication method is offered"),
               p->username);
        return true;
    }
    if (client_id.len > SESSION_CLIENT_ID_MAX ||
        (client_id.len == 0 && p->version == MQTT_3_1_1 && !p->clean_start)) {
        refuse(c, REASON_CLIENT_ID_INVALID,
               slice_of("the client identifier is too long or wrongly empty"), p->username);
        return true;
    }
    reason = c->settings->service->authenticate(c, p, &login);
    if (login.is_later) {
        put_off(c);
        return false;
    }
    if (reason != REASON_SUCCESS) {
        refuse(c, reason, login.why, p->username);
        return true;
    }
    if (client_id.len == 0) {
        make_client_id(c, p, made_id);
        client_id = slice_make(made_id, CLIENT_MADE_ID_LEN);
    }
    accept_client(c, p, &login, client_id);
    return true;
}

/* The first packet: gives false when it is not used yet: the connection moves to its home, or
 * waits. */
static bool first_packet(struct client *c, const struct decode_header *h, struct slice body)
{
    struct packet_connect p;
    struct worker *w = client_worker(c);
    bool version_known = false;
    enum reason reason;
    unsigned home;

    if (h->type != PACKET_CONNECT) {
        log_event(EV_MQTT_NO_CONNECT, "peer", conn_peer(c->conn), "service",
                  c->settings->service->name, "packet", packet_name(h->type));
        counter_inc(mqtt_faults);
        conn_end(c->conn);
        return true;
    }
    reason = decode_connect(body, &p, &version_known);
    if (reason != REASON_SUCCESS) {
        if (version_known)
            take_limits(c, &p);
        refuse_malformed(c, reason, version_known, body);
        return true;
    }
    home = c->settings->service->home(w, &p);
    if (home != w->index) {
        conn_move(c->conn, home);
        return false;
    }
    return on_connect(c, &p);
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

static size_t on_bytes(struct conn *conn, struct slice bytes)
{
    struct client *c = conn_owner(conn);
    size_t used = 0;

    invariant(c->magic == CLIENT_MAGIC);
    while (c->state != CLIENT_CLOSED && !conn_is_paused(conn)) {
        struct slice rest = slice_from(bytes, used);
        struct decode_header h;
        enum reason reason = decode_header(rest, c->settings->maximum_packet_size, &h);

        if (reason != REASON_SUCCESS) {
            bad_header(c, reason);
            break;
        }
        if (h.header_len == 0 || rest.len - h.header_len < h.remaining_len)
            break;
        struct slice body = slice_make(rest.data + h.header_len, h.remaining_len);

        c->last_packet_ms = conn_worker(conn)->now_ms;
        if (c->state == CLIENT_CONNECTED)
            input_packet(c, &h, body);
        else if (!first_packet(c, &h, body))
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
