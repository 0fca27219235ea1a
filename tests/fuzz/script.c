/* The stage is made and taken apart for each input: whatever an input leaves behind is found with
 * it. */
#include "script.h"

#include "base/clock.h"
#include "base/counter.h"
#include "base/invariant.h"
#include "base/mem.h"
#include "mqtt/session.h"
#include "script_packet.h"
#include "script_priv.h"
#include "service/app_service.h"
#include "service/app_session.h"

enum {
    SCRIPT_STEPS_MAX = 64,
    SCRIPT_ROUNDS_MAX = 20000,
    SCRIPT_TRAFFIC_MAX = 400 * 1024,
    SCRIPT_MEMORY_MAX = 64 * 1024 * 1024, /* for all that a script can make the server keep */
    SCRIPT_MESSAGE_MAX = WORLD_PACKET_MAX + 4096, /* with all that is kept of it */
    SCRIPT_PATIENCE_MS = 5000,
    SCRIPT_PATIENCE_ROUNDS = 6, /* of that until a CONNECT must be answered */
    SCRIPT_LOGIN_FAILURES = 5,
    SCRIPT_SUBSCRIPTIONS = 6,
    SCRIPT_APP_CLIENTS = 4,
};

static struct script_stage stage;

void script_prepare(void)
{
    world_prepare();
}

/* --- everything moves ------------------------------------------------------------------------ */

static bool has_letters(const struct world *w)
{
    for (unsigned i = 0; i < w->worker_count; i++) {
        if (!inbox_is_empty(&worker_group_get(w->workers, i)->inbox))
            return true;
    }
    return false;
}

static bool move_once(struct script_stage *s)
{
    struct world *w = &s->world;
    bool any = false;

    for (unsigned i = 0; i < WORLD_LINKS_MAX; i++) {
        struct link *l = &w->links[i];

        if (l->is_used && l->conn != NULL)
            any |= world_arrive(w, l, SIZE_MAX);
    }
    for (unsigned i = 0; i < w->worker_count; i++)
        world_turn(w, i);
    any |= world_commit(w);
    any |= has_letters(w);
    for (unsigned i = 0; i < SCRIPT_CLIENTS; i++)
        any |= script_client_read(&s->clients[i]);
    return any;
}

/* What a group has under way to a member is queued in any case. */
static bool is_in_group(const struct session *s)
{
    const struct app_session *a = s->service == &app_service ? app_session_of(s) : NULL;

    if (a == NULL)
        return false;
    for (const struct list *n = a->subscriptions.next; n != &a->subscriptions; n = n->next) {
        if (list_entry(n, struct app_subscription, node)->is_shared)
            return true;
    }
    return false;
}

/* A queue may be above its limit by one message, beside what was handed over. */
static void check_queues(const struct script_stage *s)
{
    const struct session_limits *l = &s->world.session_limits;

    for (unsigned i = 0; i < s->world.worker_count; i++) {
        const struct session *session;
        size_t cursor = 0;

        while ((session = session_next(worker_group_get(s->world.workers, i), &cursor)) != NULL) {
            if (is_in_group(session))
                continue;
            invariant(session->out.queue_count <= l->queue_messages + session->handed_messages);
            invariant(session->out.queue_bytes <=
                      l->queue_bytes + SCRIPT_MESSAGE_MAX + session->handed_bytes);
        }
    }
}

/* What becomes ready in a turn's last moments is seen one round later, so quiet must last. */
void script_settle(struct script_stage *s)
{
    unsigned quiet = 0;

    for (unsigned round = 0; quiet < 2; round++) {
        invariant(round < SCRIPT_ROUNDS_MAX); /* it does not come to rest */
        quiet = move_once(s) ? 0 : quiet + 1;
    }
    invariant(mem_bytes_used_total() - s->world.bytes_before <= SCRIPT_MEMORY_MAX);
    check_queues(s);
}

/* --- steps ----------------------------------------------------------------------------------- */

static bool is_v5(const struct script_client *c)
{
    return c->audit.version == MQTT_5;
}

static void play_connect(struct script_client *c, struct reader *operands)
{
    uint8_t flags = script_operand(operands);

    /* On a connection that had its CONNECT another one is wrong: seldom of interest. */
    if (c->link == NULL || ((flags & 0x40) == 0 && c->audit.has_connect))
        script_client_open(c, flags >> 6, 0);
    c->audit.acknowledges = (flags & SCRIPT_CONNECT_ACKNOWLEDGES) != 0;
    script_write_connect(&c->stage->scratch, c->face, flags, operands);
}

static void play_raw(struct script_client *c, struct reader *operands)
{
    script_client_send_raw(c, reader_bytes(operands, reader_left(operands)));
}

static void play_packet(struct script_client *c, struct reader *operands)
{
    script_write_packet(&c->stage->scratch, operands);
}

static void play_subscribe(struct script_client *c, struct reader *operands)
{
    script_write_subscribe(&c->stage->scratch, c->face, is_v5(c), operands);
}

static void play_unsubscribe(struct script_client *c, struct reader *operands)
{
    script_write_unsubscribe(&c->stage->scratch, c->face, is_v5(c), operands);
}

static void play_publish(struct script_client *c, struct reader *operands)
{
    script_write_publish(&c->stage->scratch, c->face, is_v5(c), operands);
}

static void play_ack(struct script_client *c, struct reader *operands)
{
    script_write_ack(&c->stage->scratch, is_v5(c), audit_oldest_delivery(&c->audit), operands);
}

static void play_disconnect(struct script_client *c, struct reader *operands)
{
    script_write_disconnect(&c->stage->scratch, is_v5(c), operands);
}

static void play_close(struct script_client *c, struct reader *operands)
{
    static const enum memory_end ends[] = {MEMORY_END, MEMORY_RESET, MEMORY_OPEN};

    script_client_leave(c, ends[script_operand(operands) % 3]);
}

static void play_advance(struct script_client *c, struct reader *operands)
{
    static const uint64_t spans_ms[] = {1,     60,    1100,   2500,    6000,      16000,
                                        31000, 61000, 400000, 4000000, 200000000, 800000000};

    world_advance(&c->stage->world, spans_ms[script_operand(operands) % 12]);
}

static void play_room(struct script_client *c, struct reader *operands)
{
    uint8_t room = script_operand(operands);

    if (c->link != NULL)
        world_make_room(&c->stage->world, c->link, room == 255 ? SIZE_MAX : room * room);
}

static void play_move(struct script_client *c, struct reader *operands)
{
    struct world *w = &c->stage->world;
    uint8_t what = script_operand(operands), len = script_operand(operands);

    switch (what % 5) {
    case 0:
    case 1:
        world_turn(w, what % 5 % w->worker_count);
        break;
    case 2:
        (void)world_commit(w);
        break;
    case 3:
        if (c->link != NULL)
            (void)world_arrive(w, c->link, len);
        break;
    default:
        (void)script_client_read(c);
    }
}

static void play_open(struct script_client *c, struct reader *operands)
{
    uint8_t worker = script_operand(operands);

    script_client_open(c, worker, script_operand(operands));
}

static void play_frame(struct script_client *c, struct reader *operands)
{
    uint8_t first = script_operand(operands);
    struct buffer frame = {0};

    script_write_frame(&frame, first, reader_bytes(operands, reader_left(operands)));
    script_client_send_raw(c, buffer_slice(&frame));
    buffer_deinit(&frame);
}

static void play_traffic(struct script_client *c, struct reader *operands)
{
    uint8_t what = script_operand(operands), count = script_operand(operands);

    script_bystanders_publish(c->stage, what, 1 + count % 16,
                              script_size(script_operand(operands)));
}

static void play_admin(struct script_client *c, struct reader *operands)
{
    uint8_t what = script_operand(operands);

    script_admin(c->stage, what, script_operand(operands));
}

static void (*const plays[SCRIPT_OP_COUNT])(struct script_client *c, struct reader *operands) = {
    [SCRIPT_CONNECT] = play_connect,
    [SCRIPT_RAW] = play_raw,
    [SCRIPT_PACKET] = play_packet,
    [SCRIPT_SUBSCRIBE] = play_subscribe,
    [SCRIPT_UNSUBSCRIBE] = play_unsubscribe,
    [SCRIPT_PUBLISH] = play_publish,
    [SCRIPT_ACK] = play_ack,
    [SCRIPT_DISCONNECT] = play_disconnect,
    [SCRIPT_CLOSE] = play_close,
    [SCRIPT_ADVANCE] = play_advance,
    [SCRIPT_ROOM] = play_room,
    [SCRIPT_MOVE] = play_move,
    [SCRIPT_OPEN] = play_open,
    [SCRIPT_FRAME] = play_frame,
    [SCRIPT_TRAFFIC] = play_traffic,
    [SCRIPT_ADMIN] = play_admin,
};

static void play_step(struct script_stage *s, uint8_t what, struct slice operands)
{
    struct script_client *c = &s->clients[(what >> 4 & 7) % SCRIPT_CONNECTIONS];
    struct reader r = reader_of(operands);

    world_trace(&s->world, "operation %u, connection %u%s", what & 15, (unsigned)(c - s->clients),
                (what & SCRIPT_HOLD) != 0 ? ", held back" : "");
    plays[what & 15](c, &r);
    if (s->scratch.len > 0)
        script_client_send(c, &s->scratch);
    s->scratch.len = 0;
    if ((what & SCRIPT_HOLD) == 0)
        script_settle(s);
}

static void play(struct script_stage *s, struct slice input)
{
    struct reader r = reader_of(input);

    for (unsigned i = 0; i < SCRIPT_STEPS_MAX && reader_left(&r) >= SCRIPT_STEP_HEADER; i++) {
        uint8_t what = reader_u8(&r);
        size_t len = reader_u8(&r);

        s->world.step++;
        play_step(s, what, reader_bytes(&r, len < reader_left(&r) ? len : reader_left(&r)));
    }
}

/* --- from beginning to end ------------------------------------------------------------------- */

/* Bits 0 and 1: workers; 2: whether somebody is owed every message; 3: the smallest window; 4:
 * devices are offline only after a while; 5: sessions hardly queue anything. */
static void open_stage(struct script_stage *s, const struct script_cast *cast, uint8_t like)
{
    *s = (struct script_stage){.traffic_left = SCRIPT_TRAFFIC_MAX,
                               .bystander_is_durable = (like & 4) != 0};
    world_open(&s->world, 1, 1 + (like & 3) % 3, SCRIPT_DEVICES, (like & 8) != 0 ? 1 : 10);
    login_guard_free(&s->world.logins);
    s->world.logins = login_guard_new(SCRIPT_LOGIN_FAILURES);
    s->world.settings.device_logins = s->world.settings.app_logins = s->world.logins;
    s->world.settings.subscriptions_max = SCRIPT_SUBSCRIPTIONS;
    s->world.settings.app_clients_max = SCRIPT_APP_CLIENTS;
    s->world.shared.offline_delay_ms = (like & 16) != 0 ? 2000 : 0;
    s->world.session_limits = (like & 32) != 0
                                  ? (struct session_limits){4, 16 * 1024, 4 * 1024}
                                  : (struct session_limits){100, 512 * 1024, 128 * 1024};
    for (unsigned i = 0; i < SCRIPT_CLIENTS; i++) {
        s->clients[i].stage = s;
        s->clients[i].face = i < SCRIPT_CONNECTIONS      ? cast->faces[i]
                             : i == SCRIPT_BYSTANDER_APP ? SCRIPT_APP
                                                         : SCRIPT_DEVICE;
    }
}

/* Whoever was left behind is noticed at last, and everybody has room. */
static void clear_network(struct script_stage *s)
{
    for (unsigned i = 0; i < WORLD_LINKS_MAX; i++) {
        struct link *l = &s->world.links[i];

        if (!l->is_used || l->conn == NULL || l->is_moving)
            continue;
        if (l->pipe == NULL && l->end->end == MEMORY_OPEN)
            l->end->end = MEMORY_END;
        if (l->end->room != SIZE_MAX)
            world_make_room(&s->world, l, SIZE_MAX);
    }
}

static void check_rest(const struct script_stage *s)
{
    for (unsigned i = 0; i < SCRIPT_CLIENTS; i++) {
        const struct script_client *c = &s->clients[i];

        if (c->link != NULL)
            audit_rest(&c->audit, c->link->conn == NULL);
    }
}

/* A CONNECT may be put off, but not for long. */
static void check_waiting(struct script_stage *s)
{
    bool any = true;

    for (unsigned n = 0; n < SCRIPT_PATIENCE_ROUNDS && any; n++) {
        any = false;
        for (unsigned i = 0; i < SCRIPT_CLIENTS; i++) {
            const struct script_client *c = &s->clients[i];

            any |= c->link != NULL && c->link->conn != NULL && audit_waits(&c->audit);
        }
        if (any) {
            world_advance(&s->world, SCRIPT_PATIENCE_MS);
            script_settle(s);
        }
    }
    invariant(!any);
}

static void close_stage(struct script_stage *s)
{
    for (unsigned i = 0; i < SCRIPT_CLIENTS; i++)
        script_client_leave(&s->clients[i], MEMORY_END);
    buffer_deinit(&s->scratch);
    script_settle(s);
    world_close(&s->world);
}

void script_run(const struct script_cast *cast, const uint8_t *input, size_t len)
{
    struct script_stage *s = &stage;

    open_stage(s, cast, len > 0 ? input[0] : 0);
    script_bystanders_come(s);
    script_settle(s);
    if (len > 1)
        play(s, slice_make(input + 1, len - 1));
    script_settle(s); /* what moves may be touched again then */
    clear_network(s);
    script_settle(s);
    check_rest(s);
    check_waiting(s);
    check_rest(s);
    script_bystanders_check(s);
    world_verify(&s->world);
    close_stage(s);
}
