/*
 * CONNECT: what it asks for, who refuses it, where it belongs, and when its answer has to wait.
 *
 * It is offered anew at each step that takes time: at its home, after a decision of the service,
 * and when a session that is taken over too often may be taken over again. Nothing of that is
 * remembered but the decision, so whatever has changed meanwhile counts. Nothing is disturbed
 * before it is certain that the client will be let in and can be told so.
 */
#include "base/ident.h"
#include "base/invariant.h"
#include "mqtt/client_priv.h"
#include "mqtt/counters.h"
#include "mqtt/events.h"
#include "mqtt/input_priv.h"
#include "mqtt/session_priv.h"

enum {
    CLIENT_MADE_ID_LEN = 22,
    CONNECT_VERSION_AT = 6 /* in the body, behind the name MQTT */
};

/* --- refusals -------------------------------------------------------------------------------- */

static void answer_refusal(struct client *c, enum reason reason, struct slice why)
{
    struct encode_connack connack = {.reason = reason, .reason_string = why};

    c->scratch.len = 0;
    if (encode_connack(&c->scratch, &c->target, &connack))
        client_send_scratch(c);
    conn_end(c->conn);
}

static void refuse(struct client *c, enum reason reason, struct slice why, struct slice username)
{
    log_event(EV_MQTT_REFUSED, "peer", conn_peer(c->conn), "service", c->settings->service->name,
              "username", username.len == 0 ? NULL : log_slice(username), "cause",
              reason_text(reason));
    counter_inc(mqtt_connects_refused);
    answer_refusal(c, reason, why);
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
            out_buffer_append_packet(conn_output(c->conn), wrong_version, sizeof(wrong_version));
    } else if (version_known && c->target.version == MQTT_5) {
        struct encode_connack connack = {.reason = reason};

        c->scratch.len = 0;
        if (encode_connack(&c->scratch, &c->target, &connack))
            client_send_scratch(c);
    }
    conn_end(c->conn);
}

void client_refuse_large(struct client *c, struct slice begun)
{
    size_t header_len = 2;
    struct slice body;

    while ((begun.data[header_len - 1] & 0x80) != 0)
        header_len++;
    body = slice_from(begun, header_len);
    if (body.len < CONNECT_VERSION_AT + 1)
        return;
    c->target.version = body.data[CONNECT_VERSION_AT] == MQTT_5 ? MQTT_5 : MQTT_3_1_1;
    refuse_malformed(c, REASON_PACKET_TOO_LARGE, names_mqtt(body), body);
}

/* It accepts no packet as large as our CONNACK: there is no talking, and nothing is disturbed. */
static void refuse_in_silence(struct client *c, struct slice username)
{
    log_event(EV_MQTT_REFUSED, "peer", conn_peer(c->conn), "service", c->settings->service->name,
              "username", log_slice(username), "cause", "CONNACK above its Maximum Packet Size");
    counter_inc(mqtt_connects_refused);
    conn_end(c->conn);
}

/* --- what was asked for ---------------------------------------------------------------------- */

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

/* --- take-over ------------------------------------------------------------------------------- */

void client_stop_waiting(struct client *c)
{
    struct session_table *t = session_table_of(client_worker(c));

    if (c->wait_number != 0)
        (void)hash_table_remove(&t->waiting_clients, hash_u64(c->wait_number), &c->wait_number);
    c->wait_number = 0;
    if (c->waits_for != NULL)
        c->waits_for->waiting = NULL;
    c->waits_for = NULL;
    timer_cancel(&c->wait_timer);
}

static void let_in(struct client *c)
{
    client_stop_waiting(c);
    conn_resume(c->conn);
}

void client_let_waiting_in(struct session *s)
{
    if (s->waiting != NULL)
        let_in(s->waiting);
}

static void on_wait_over(struct timer *t)
{
    let_in(list_entry(t, struct client, wait_timer));
}

static void turn_away(struct client *c)
{
    counter_inc(mqtt_connects_overtaken);
    answer_refusal(c, REASON_CONNECTION_RATE_EXCEEDED,
                   slice_of("another client with this identifier has come meanwhile"));
}

/* One waits for a session, the newest: of those before it nobody knows whether they are still
 * there. */
static void turn_waiting_away(struct session *s)
{
    struct client *c = s->waiting;

    if (c == NULL)
        return;
    client_stop_waiting(c);
    turn_away(c);
}

static void wait_for(struct client *c, struct session *s)
{
    turn_waiting_away(s);
    s->waiting = c;
    c->waits_for = s;
}

/* Two clients that take one session from each other are slowed; the one that has it works on.
 * False: the session may be taken over now. */
static bool must_wait(struct client *c, struct session *s)
{
    struct worker *w = client_worker(c);
    uint64_t due_ms = take_over_due_ms(&s->take_overs);

    if (s->client == NULL || w->now_ms >= due_ms)
        return false;
    wait_for(c, s);
    counter_inc(mqtt_take_overs_slowed);
    if (take_over_tells(&s->take_overs, w->now_ms))
        log_event(EV_MQTT_TAKE_OVER_WAR, "service", c->settings->service->name, "client",
                  s->client_id, "peer", conn_peer(s->client->conn), "newcomer", conn_peer(c->conn));
    timer_set(&w->timers, &c->wait_timer, due_ms, on_wait_over);
    conn_hold(c->conn);
    return true;
}

/* What stands in the client's way ends: the connection of its session, and the session itself if
 * the client begins anew. */
static void make_way(struct client *c, struct session *s, bool begins_anew)
{
    turn_waiting_away(s);
    if (s->client != NULL) {
        take_over_count(&s->take_overs, s->worker->now_ms);
        client_take_over(s->client);
    }
    c->pace = s->take_overs;
    if (begins_anew && !s->is_closed) /* it may have ended with its connection */
        session_close(s);
}

/* Who is told of a new session must not find the one before after a crash. True: that one is not
 * gone for good yet. The time-out for CONNECTs goes on. */
static bool must_wait_for_end(struct client *c, uint64_t scope, struct slice client_id)
{
    struct session *s =
        session_find_ending(client_worker(c), c->settings->service, scope, client_id);

    if (s == NULL)
        return false;
    wait_for(c, s);
    c->has_awaited_end = true;
    c->pace = s->take_overs;
    conn_pause(c->conn);
    return true;
}

/* False: the CONNECT has to wait, and is offered again. `s`: the session that is there, or NULL. */
static bool take_place(struct client *c, const struct packet_connect *p, struct session *s,
                       uint64_t scope, struct slice client_id)
{
    if (s != NULL && must_wait(c, s))
        return false;
    if (s != NULL)
        make_way(c, s,
                 p->clean_start ||
                     !slice_equal(slice_make(s->client_id, s->client_id_len), client_id));
    return !must_wait_for_end(c, scope, client_id);
}

/* --- acceptance ------------------------------------------------------------------------------ */

/* The client's session, continued or new. */
static struct session *choose_session(struct client *c, uint64_t scope, struct slice client_id,
                                      bool *is_present)
{
    const struct mqtt_service *service = c->settings->service;
    struct session *s = session_find(client_worker(c), service, scope, client_id);

    *is_present = s != NULL;
    if (s == NULL) {
        s = session_open(client_worker(c), service, scope, client_id);
        s->take_overs = c->pace;
    }
    return s;
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

static uint16_t keep_alive_granted(const struct packet_connect *p,
                                   const struct service_login *login)
{
    bool is_too_long = p->keep_alive_s == 0 || p->keep_alive_s > login->keep_alive_max_s;

    return p->version == MQTT_5 && login->keep_alive_max_s != 0 && is_too_long
               ? login->keep_alive_max_s
               : p->keep_alive_s;
}

static uint32_t expiry_granted(const struct packet_connect *p, const struct service_login *login)
{
    uint32_t wanted_s = expiry_wanted(p, login);

    return wanted_s < login->session_expiry_max_s ? wanted_s : login->session_expiry_max_s;
}

static bool write_connack(struct client *c, const struct packet_connect *p,
                          const struct service_login *login, struct slice client_id,
                          bool session_present)
{
    struct encode_connack connack = {.session_present = session_present,
                                     .receive_maximum = login->receive_maximum,
                                     .maximum_packet_size = c->settings->maximum_packet_size,
                                     .topic_alias_maximum = login->topic_alias_maximum,
                                     .session_expiry_s = expiry_granted(p, login),
                                     .server_keep_alive_s = keep_alive_granted(p, login)};

    connack.has_session_expiry =
        p->version == MQTT_5 && expiry_wanted(p, login) != connack.session_expiry_s;
    connack.has_server_keep_alive = connack.server_keep_alive_s != p->keep_alive_s;
    if (p->client_id.len == 0)
        connack.assigned_client_id = client_id;
    c->scratch.len = 0;
    return encode_connack(&c->scratch, &c->target, &connack);
}

static void accept_client(struct client *c, const struct packet_connect *p,
                          const struct service_login *login, struct slice client_id)
{
    bool is_present;
    struct session *s = choose_session(c, login->scope, client_id, &is_present);

    session_attach(s, c);
    s->version = p->version;
    s->expiry_max_s = login->session_expiry_max_s;
    s->expiry_s = expiry_granted(p, login);
    s->will = p->has_will ? will_new(&p->will) : NULL;
    c->session = s;
    c->number = s->client_count;
    c->receive_maximum = login->receive_maximum;
    c->has_session_expiry = s->expiry_s != 0;
    c->state = CLIENT_CONNECTED;
    client_start_keep_alive(c, keep_alive_granted(p, login));
    conn_set_established(c->conn);
    counter_add(&CT_mqtt_clients, 1);
    counter_inc(mqtt_connects);
    if (c->settings->service->attached != NULL)
        c->settings->service->attached(c, login);
    if (s->will != NULL && c->settings->service->keep_will != NULL)
        c->settings->service->keep_will(s, s->will);
    invariant(write_connack(c, p, login, client_id, is_present)); /* it was tried */
    client_send_scratch(c);
    flow_in_restart(&s->in);
    flow_out_restart(&s->out, window_wanted(p));
    session_drain(s);
    c->settings->service->connected(c, is_present);
}

/* --- a CONNECT that waits for a decision ----------------------------------------------------- */

/* Not read until somebody has decided; the time-out for CONNECTs goes on. */
static void put_off(struct client *c)
{
    struct session_table *t = session_table_of(client_worker(c));

    hash_table_put(&t->waiting_clients, hash_u64(c->wait_number), c);
    conn_pause(c->conn);
}

uint64_t client_wait_number(struct client *c)
{
    struct session_table *t = session_table_of(client_worker(c));

    c->wait_number = ++t->last_wait_number;
    return c->wait_number;
}

bool client_has_wait_number(const void *item, const void *number)
{
    return ((const struct client *)item)->wait_number == *(const uint64_t *)number;
}

void client_decide(struct worker *w, uint64_t wait_number, bool is_allowed)
{
    struct client *c =
        hash_table_find(&session_table_of(w)->waiting_clients, hash_u64(wait_number), &wait_number);

    if (c == NULL)
        return;
    c->decision = is_allowed ? CLIENT_ALLOWED : CLIENT_REFUSED;
    let_in(c);
}

/* False: the answer has to wait, and the CONNECT is offered again: the service must ask somebody
 * first, the session is taken over too often, or the one before is not gone yet. */
static bool on_connect(struct client *c, const struct packet_connect *p)
{
    struct service_login login = {0};
    char made_id[CLIENT_MADE_ID_LEN + 1];
    struct slice client_id = p->client_id;
    struct session *in_place;
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
    if (c->settings->service->is_congested != NULL &&
        c->settings->service->is_congested(client_worker(c), NULL)) {
        refuse(c, REASON_SERVER_UNAVAILABLE, slice_of("the server cannot store anything now"),
               p->username);
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
    if (!write_connack(c, p, &login, client_id, false)) {
        refuse_in_silence(c, p->username);
        return true;
    }
    in_place = session_find(client_worker(c), c->settings->service, login.scope, client_id);
    if (in_place != NULL && c->has_awaited_end) {
        turn_away(c);
        return true;
    }
    if (!take_place(c, p, in_place, login.scope, client_id))
        return false;
    accept_client(c, p, &login, client_id);
    return true;
}

void client_refuse_other(struct client *c, enum packet_type type)
{
    log_event(EV_MQTT_NO_CONNECT, "peer", conn_peer(c->conn), "service", c->settings->service->name,
              "packet", packet_name(type));
    counter_inc(mqtt_faults);
    conn_end(c->conn);
}

bool client_first_packet(struct client *c, const struct decode_header *h, struct slice body)
{
    struct packet_connect p;
    struct worker *w = client_worker(c);
    bool version_known = false;
    enum reason reason;
    unsigned home;

    if (h->type != PACKET_CONNECT) {
        client_refuse_other(c, h->type);
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
