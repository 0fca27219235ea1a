/*
 * One table by packet identifier, one queue of acknowledgements.
 */
#include "receiver.h"

#include "base/mem.h"

static const struct player *player_of(const struct receiver *r)
{
    return r->player;
}

#define RECEIVER_FAIL(r, id, text) \
    world_fail(player_of(r)->world, "%s: packet %u: %s", player_of(r)->client_id, id, text)

void receiver_deinit(struct receiver *r)
{
    mem_free(r->receipts);
    mem_free(r->acks);
    *r = (struct receiver){.player = r->player};
}

static struct receipt *receipt_of(struct receiver *r, uint16_t id)
{
    if (id >= r->capacity) {
        uint32_t capacity = r->capacity == 0 ? 64 : r->capacity;

        while (id >= capacity)
            capacity *= 2;
        r->receipts = mem_resize(MEM_TEST, r->receipts, capacity * sizeof(*r->receipts));
        memset(r->receipts + r->capacity, 0, (capacity - r->capacity) * sizeof(*r->receipts));
        r->capacity = capacity;
    }
    return &r->receipts[id];
}

void receiver_connected(struct receiver *r, bool goes_on)
{
    if (!goes_on)
        receiver_deinit(r);
    r->is_resumed = goes_on;
    r->new_came = false;
    r->last_id = 0;
    r->in_flight = 0;
}

void receiver_restarted(struct receiver *r)
{
    r->is_restarted = true;
    for (uint32_t id = 0; id < r->capacity; id++) {
        struct receipt *e = &r->receipts[id];

        if (e->qos < 2)
            *e = (struct receipt){0};
        else if (e->state == RECEIVER_DONE)
            e->state = RECEIVER_STALE;
    }
}

void receiver_lost(struct receiver *r)
{
    r->ack_count = 0;
}

static void owe(struct receiver *r, enum peer_type type, uint16_t id)
{
    if (r->ack_count == r->ack_capacity) {
        r->ack_capacity = r->ack_capacity == 0 ? 16 : r->ack_capacity * 2;
        r->acks = mem_resize(MEM_TEST, r->acks, r->ack_capacity * sizeof(*r->acks));
    }
    r->acks[r->ack_count++] = (struct receiver_ack){type, id};
}

static void check_again(struct receiver *r, const struct peer_packet *k, const struct receipt *e,
                        uint64_t content)
{
    if (!k->dup)
        RECEIVER_FAIL(r, k->packet_id, "an identifier that is in use, or sent again without DUP");
    if (e->link == player_of(r)->link_number)
        RECEIVER_FAIL(r, k->packet_id, "sent again on the same connection");
    if (e->content != content || e->qos != k->qos)
        RECEIVER_FAIL(r, k->packet_id, "another message than the first time");
    if (e->qos == 2 && e->state >= RECEIVER_RELEASED)
        RECEIVER_FAIL(r, k->packet_id, "PUBLISH after PUBREL");
}

/* A server that was started anew gives identifiers from where it thinks it was, so some that are
 * over come a second time. */
static bool is_free(const struct receiver *r, const struct receipt *e, uint64_t content)
{
    return e->state == RECEIVER_UNSEEN || e->state == RECEIVER_STALE ||
           (r->is_restarted && e->state == RECEIVER_DONE && e->content != content);
}

bool receiver_publish(struct receiver *r, const struct peer_packet *k, uint64_t content)
{
    struct receipt *e = receipt_of(r, k->packet_id);
    bool is_new = is_free(r, e, content);

    if (k->dup && !r->is_resumed)
        RECEIVER_FAIL(r, k->packet_id, "DUP in a new session");
    /* A server that was started anew does not know which of those that it had stored had left, and
     * keeps their identifiers for them. */
    if (k->dup && r->new_came && !r->is_restarted)
        RECEIVER_FAIL(r, k->packet_id, "sent again behind new messages");
    if (k->packet_id <= r->last_id && !r->is_restarted)
        RECEIVER_FAIL(r, k->packet_id, "behind a later one");
    if (!is_new)
        check_again(r, k, e, content);
    if (++r->in_flight > player_of(r)->receive_maximum)
        RECEIVER_FAIL(r, k->packet_id, "more than the Receive Maximum");
    r->new_came |= !k->dup;
    r->last_id = k->packet_id;
    e->content = content;
    e->qos = k->qos;
    e->link = player_of(r)->link_number;
    e->state = RECEIVER_RECEIVED;
    owe(r, k->qos == 1 ? PEER_PUBACK : PEER_PUBREC, k->packet_id);
    return is_new;
}

/* Sent on an earlier connection, whether it came or not, and too large for this one. */
static bool is_passed_over(const struct receiver *r, const struct receipt *e)
{
    return r->is_resumed && player_of(r)->was_limited && e->state < RECEIVER_RECORDED &&
           e->link != player_of(r)->link_number;
}

void receiver_pubrel(struct receiver *r, const struct peer_packet *k)
{
    struct receipt *e = receipt_of(r, k->packet_id);

    if (k->reason != 0)
        RECEIVER_FAIL(r, k->packet_id, "PUBREL with a reason");
    if (e->state != RECEIVER_RECORDED && !(e->state >= RECEIVER_RELEASED && r->is_resumed) &&
        !is_passed_over(r, e))
        RECEIVER_FAIL(r, k->packet_id, "PUBREL without PUBREC");
    e->state = RECEIVER_RELEASED;
    owe(r, PEER_PUBCOMP, k->packet_id);
}

void receiver_acknowledge(struct receiver *r, uint32_t index)
{
    struct receiver_ack ack = r->acks[index];
    struct receipt *e = receipt_of(r, ack.packet_id);

    memmove(&r->acks[index], &r->acks[index + 1], (r->ack_count - index - 1) * sizeof(*r->acks));
    r->ack_count--;
    peer_write_ack(player_output(r->player), ack.type, ack.packet_id);
    e->state = ack.type == PEER_PUBREC ? RECEIVER_RECORDED : RECEIVER_DONE;
    if (ack.type != PEER_PUBREC && e->link == player_of(r)->link_number)
        r->in_flight--;
}

void receiver_check_done(const struct receiver *r, bool takes_back)
{
    for (uint32_t id = 0; id < r->capacity; id++) {
        const struct receipt *e = &r->receipts[id];
        bool is_over = e->state == RECEIVER_UNSEEN || e->state >= RECEIVER_DONE;

        bool may_stay = e->link != player_of(r)->link_number &&
                        ((takes_back && e->qos == 1) || (player_of(r)->was_limited && e->qos == 1));

        if (!is_over && !may_stay)
            RECEIVER_FAIL(r, id, "was never sent again, or never released");
    }
}
