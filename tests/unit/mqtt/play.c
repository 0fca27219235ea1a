/*
 * The play: two workers turned by hand, and a service that only writes down what it hears.
 */
#include "play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "memory_transport.h"
#include "mqtt/counters.h"
#include "net/counters.h"
#include "wire.h"

enum { CLIENTS_MAX = 16, MAXIMUM_PACKET_SIZE = 1000000 };

struct play_client {
    struct memory_transport *pipe; /* shared with the server's connection */
    struct conn *conn;             /* borrowed: until the pipe is closed */
};

struct play play;

static struct play_client clients[CLIENTS_MAX];
static unsigned client_count;
static struct buffer story;
static int64_t bytes_before;

/* --- the service ----------------------------------------------------------------------------- */

static void tell(const char *what, struct slice s, int64_t number)
{
    buffer_printf(&story, "%s(", what);
    buffer_append_slice(&story, s);
    if (number >= 0)
        buffer_printf(&story, "%s%lld", s.len > 0 ? "," : "", (long long)number);
    buffer_append_text(&story, ") ");
}

static struct slice id_of(const struct session *s)
{
    return slice_make(s->client_id, s->client_id_len);
}

static unsigned on_home(struct worker *self, const struct packet_connect *connect)
{
    (void)self;
    (void)connect;
    return play.home_index;
}

static enum reason on_authenticate(struct client *c, const struct packet_connect *connect,
                                   struct service_login *login)
{
    play.client = c;
    *login = play.login;
    tell("auth", connect->client_id, -1);
    if (play.asks_first && c->decision == CLIENT_UNDECIDED) {
        play.wait_number = client_wait_number(c);
        login->is_later = true;
    }
    return c->decision == CLIENT_REFUSED ? REASON_QUOTA_EXCEEDED : play.login_reason;
}

static void on_session_opened(struct session *s)
{
    tell("opened", id_of(s), -1);
}

static void on_connected(struct client *c, bool session_present)
{
    play.client = c;
    tell("connected", slice_of(session_present ? "present" : "new"), -1);
}

static enum reason on_subscribe(struct client *c, const struct subscribe_filter *filter,
                                uint32_t identifier, struct slice *why)
{
    (void)c;
    tell("subscribe", filter->filter, identifier * 10 + filter->qos);
    if (!slice_starts_with(filter->filter, slice_of("no")))
        return (enum reason)filter->qos;
    *why = slice_of("no");
    return REASON_NOT_AUTHORIZED;
}

static void on_subscribed(struct client *c)
{
    (void)c;
    tell("subscribed", slice_of(""), -1);
}

static enum reason on_unsubscribe(struct client *c, struct slice filter)
{
    (void)c;
    tell("unsubscribe", filter, -1);
    return slice_starts_with(filter, slice_of("no")) ? REASON_NO_SUBSCRIPTION_EXISTED
                                                     : REASON_SUCCESS;
}

static struct service_verdict on_publish(struct client *c, const struct packet_publish *publish,
                                         const struct service_ticket *ticket)
{
    (void)c;
    tell("publish", publish->topic, publish->qos);
    story.len--; /* the payload is told behind it */
    tell("", publish->payload, -1);
    if (play.verdict.is_later && publish->qos > 0) {
        assert_true(play.ticket_count < PLAY_TICKETS_MAX);
        play.tickets[play.ticket_count++] = *ticket;
    }
    return play.verdict;
}

static void on_keep_will(struct session *s, struct will *w)
{
    if (!play.keeps_wills)
        return;
    w->number = 7;
    if (s->client != NULL)
        play.withheld = conn_withhold(s->client->conn);
    tell(s->client != NULL ? "keep" : "put off", w->payload, -1);
}

static void on_forget_will(struct session *s, const struct will *w)
{
    (void)s;
    assert_int_equal(w->number, 7);
    tell("forget", w->payload, -1);
}

static void on_publish_will(struct session *s, const struct will *w)
{
    (void)s;
    tell("will", w->payload, w->qos);
}

static void on_room(struct session *s)
{
    tell("room", id_of(s), -1);
}

static void on_delivered(struct session *s, uint64_t seq)
{
    (void)s;
    tell("delivered", slice_of(""), (int64_t)seq);
}

static void on_traced(struct session *s, uint64_t trace, enum delivery_step step)
{
    static const char *const words[] = {
        [DELIVERY_SENT] = "sent",
        [DELIVERY_ACKNOWLEDGED] = "acknowledged",
        [DELIVERY_REFUSED] = "refused",
        [DELIVERY_DROPPED] = "dropped",
    };

    (void)s;
    tell(words[step], slice_of(""), (int64_t)trace);
}

static void on_disconnected(struct client *c, uint64_t unsent_from)
{
    tell("disconnected", id_of(c->session), (int64_t)unsent_from);
}

static void on_offline(struct client *c)
{
    (void)c;
    buffer_append_text(&story, "offline ");
}

static bool on_session_closed(struct session *s)
{
    tell("closed", id_of(s), -1);
    return play.is_stored;
}

struct mqtt_service play_service = {
    .reads_again = true,
    .name = "play",
    .home = on_home,
    .authenticate = on_authenticate,
    .session_opened = on_session_opened,
    .connected = on_connected,
    .subscribe = on_subscribe,
    .subscribed = on_subscribed,
    .unsubscribe = on_unsubscribe,
    .publish = on_publish,
    .keep_will = on_keep_will,
    .publish_will = on_publish_will,
    .forget_will = on_forget_will,
    .room = on_room,
    .delivered = on_delivered,
    .traced = on_traced,
    .disconnected = on_disconnected,
    .offline = on_offline,
    .session_closed = on_session_closed,
};

struct session_limits play_limits;

/* --- begin and end --------------------------------------------------------------------------- */

int play_open(void **state)
{
    const struct client_settings settings = {.service = &play_service,
                                             .maximum_packet_size = MAXIMUM_PACKET_SIZE};

    (void)state;
    net_counters_register();
    mqtt_counters_register();
    bytes_before = mem_bytes_used_total();
    clock_hold(PLAY_START_MS, 1);
    client_set_settings(0, &settings);
    play_service.has_one_session = false;
    play = (struct play){.login = {.session_expiry_max_s = 1000,
                                   .session_expiry_default_s = 500,
                                   .receive_maximum = 10}};
    play_limits = (struct session_limits){.queue_messages = 100000,
                                          .queue_bytes = 16 * 1024 * 1024,
                                          .queue_qos0_bytes = 4 * 1024 * 1024};
    play.workers = worker_group_new(PLAY_WORKERS, false);
    for (unsigned i = 0; i < PLAY_WORKERS; i++)
        session_table_init(worker_group_get(play.workers, i), &play_limits);
    play.home = worker_group_get(play.workers, 0);
    client_count = 0;
    return 0;
}

int play_close(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PLAY_WORKERS; i++)
        conn_abort_all(worker_group_get(play.workers, i));
    for (unsigned i = 0; i < PLAY_WORKERS; i++)
        session_table_close_all(worker_group_get(play.workers, i));
    worker_group_settle(play.workers);
    for (unsigned i = 0; i < PLAY_WORKERS; i++)
        session_table_deinit(worker_group_get(play.workers, i));
    worker_group_free(&play.workers);
    for (unsigned i = 0; i < client_count; i++)
        memory_transport_drop(&clients[i].pipe);
    buffer_deinit(&story);
    clock_release();
    if (counter_read(&CT_mqtt_sessions) != 0 || counter_read(&CT_mqtt_clients) != 0 ||
        counter_read(&CT_conns_open) != 0)
        return -1;
    return mem_bytes_used_total() == bytes_before ? 0 : -1;
}

void play_limit_connect(uint32_t bytes)
{
    const struct client_settings settings = {
        .service = &play_service, .maximum_packet_size = MAXIMUM_PACKET_SIZE, .connect_max = bytes};

    client_set_settings(0, &settings);
}

/* --- clients --------------------------------------------------------------------------------- */

struct play_client *play_connect(void)
{
    static const struct conn_origin origin = {.service = 0};
    struct play_client *c = &clients[client_count];

    assert_true(client_count < CLIENTS_MAX);
    client_count++;
    c->pipe = memory_transport_new();
    c->conn = conn_new(play.home, -1, &c->pipe->base, &client_conn_handler, &origin, NULL);
    assert_non_null(c->conn);
    return c;
}

struct play_client *play_connect_as(const char *connect, const char *connack)
{
    struct play_client *c = play_connect();

    play_send(c, connect);
    play_expect(c, connack);
    play_expect_open(c);
    play_forget_story();
    return c;
}

static bool has_output(void)
{
    for (unsigned i = 0; i < PLAY_WORKERS; i++) {
        const struct worker *w = worker_group_get(play.workers, i);

        if (!list_is_empty(&w->dirty_conns) || !list_is_empty(&w->resumed_conns))
            return true;
    }
    return false;
}

void play_turn(void)
{
    do {
        worker_group_settle(play.workers);
    } while (has_output());
}

void play_advance(uint64_t ms)
{
    clock_advance(ms);
    play_turn();
}

void play_send_bytes(struct play_client *c, struct slice bytes)
{
    size_t before;

    buffer_append_slice(&c->pipe->to_server, bytes);
    (void)memory_transport_arrive(c->pipe, bytes.len);
    do {
        before = c->pipe->arrived;
        conn_on_ready(c->conn, LOOP_READ);
    } while (c->pipe->arrived > 0 && c->pipe->arrived < before);
    play_turn();
}

void play_send(struct play_client *c, const char *packets)
{
    struct slice bytes = wire_new(packets);

    play_send_bytes(c, bytes);
    wire_free(bytes);
}

struct buffer play_take(struct play_client *c)
{
    struct buffer taken = c->pipe->to_client;

    c->pipe->to_client = (struct buffer){0};
    return taken;
}

void play_expect(struct play_client *c, const char *packets)
{
    struct buffer got = play_take(c);

    wire_expect(packets, buffer_slice(&got), packets);
    buffer_deinit(&got);
}

void play_expect_closed(struct play_client *c)
{
    assert_true(c->pipe->server_closed);
}

void play_expect_open(struct play_client *c)
{
    assert_false(c->pipe->server_closed);
}

void play_break(struct play_client *c)
{
    c->pipe->end = MEMORY_RESET;
    conn_on_ready(c->conn, LOOP_READ);
    play_turn();
    play_expect_closed(c);
}

void play_fail_writes(struct play_client *c)
{
    c->pipe->end = MEMORY_RESET;
}

void play_set_room(struct play_client *c, size_t room)
{
    c->pipe->room = room;
    conn_on_ready(c->conn, LOOP_WRITE);
    play_turn();
}

/* --- the story ------------------------------------------------------------------------------- */

void play_expect_story(const char *want)
{
    if (story.len > 0 && story.data[story.len - 1] == ' ')
        story.len--;
    buffer_append_u8(&story, 0);
    assert_string_equal((const char *)story.data, want);
    story.len = 0;
}

void play_forget_story(void)
{
    story.len = 0;
}

/* --- the service acts ------------------------------------------------------------------------ */

void play_answer(unsigned ticket, enum reason reason, const char *why)
{
    assert_true(ticket < play.ticket_count);
    client_answer(play.home, &play.tickets[ticket], reason,
                  why == NULL ? NULL : shared_bytes_new(MEM_TEST, slice_of(why)));
    play_turn();
}

struct session *play_session(const char *client_id)
{
    struct session *s =
        session_find(play.home, &play_service, play.login.scope, slice_of(client_id));

    assert_non_null(s);
    return s;
}

struct delivery play_delivery(uint8_t qos, uint64_t seq, struct slice payload)
{
    return (struct delivery){
        .message = message_new(sizeof(struct message), slice_of("t"), slice_of(""), payload),
        .seq = seq,
        .told_seq = seq,
        .qos = qos};
}

enum session_result play_deliver_message(const char *client_id, struct delivery *d)
{
    enum session_result result = session_deliver(play_session(client_id), d);

    play_turn();
    return result;
}

enum session_result play_deliver(const char *client_id, uint8_t qos, uint64_t seq,
                                 const char *payload)
{
    struct delivery d = play_delivery(qos, seq, slice_of(payload));

    return play_deliver_message(client_id, &d);
}
