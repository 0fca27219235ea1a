/*
 * The window is a ring in order of sending. Identifiers are given in turn, so when one was issued
 * follows from its distance to the last one, and its place from that: at once, or by a binary
 * search when holes were squeezed out or identifiers skipped. Nothing here walks the window for one
 * packet: a client could make that expensive.
 *
 * A queued message counts in one of a few lanes, by its order. So whether one of an order waits is
 * one look, and two orders that share a lane only keep more order than they must.
 */
#include "mqtt/flow_out.h"

#include "base/invariant.h"

enum {
    PACKET_IDS = 65535,
    WINDOW_KEPT_MAX = 64, /* entries of an empty window that wait for the next ones */
    LANES = 64            /* a power of two */
};

static const struct flow_out_step {
    enum flow_out_action action;
    enum flow_out_state next;
} steps[FLOW_OUT_STATE_COUNT][FLOW_OUT_EVENT_COUNT] = {
    [FLOW_OUT_WAIT_PUBACK][FLOW_OUT_PUBACK] = {FLOW_OUT_RELEASE, FLOW_OUT_FREE},
    [FLOW_OUT_WAIT_PUBREC][FLOW_OUT_PUBREC] = {FLOW_OUT_SEND_PUBREL, FLOW_OUT_WAIT_PUBCOMP},
    [FLOW_OUT_WAIT_PUBREC][FLOW_OUT_PUBREC_REFUSED] = {FLOW_OUT_RELEASE, FLOW_OUT_FREE},
    [FLOW_OUT_WAIT_PUBCOMP][FLOW_OUT_PUBREC] = {FLOW_OUT_SEND_PUBREL, FLOW_OUT_WAIT_PUBCOMP},
    [FLOW_OUT_WAIT_PUBCOMP][FLOW_OUT_PUBCOMP] = {FLOW_OUT_RELEASE, FLOW_OUT_FREE},
};

static struct flow_out_entry *window_at(const struct flow_out *f, uint32_t offset)
{
    return &f->window[(f->window_head + offset) & (f->window_capacity - 1)];
}

void flow_out_deinit(struct flow_out *f)
{
    for (uint32_t i = 0; i < f->window_span; i++)
        delivery_deinit(&window_at(f, i)->delivery);
    while (f->queue_count > 0) {
        struct delivery d = flow_out_pop(f);

        delivery_deinit(&d);
    }
    mem_free(f->window);
    mem_free(f->queue);
    mem_free(f->lanes);
    mem_free(f->reserved);
    *f = (struct flow_out){0};
}

/* What a delivery keeps from being freed; bytes that several sessions share count for each. */
static uint64_t cost_of(const struct delivery *d)
{
    const struct message *m = d->message;

    return sizeof(*d) + sizeof(*m) + m->topic_len + m->properties_len + m->payload_len +
           d->more_id_count * sizeof(uint32_t);
}

/* The place of the first entry issued at or after this one; the span when there is none. */
static uint32_t window_search(const struct flow_out *f, uint64_t issue)
{
    uint32_t low = 0, high = f->window_span;
    uint64_t offset = f->window_span == 0 ? 0 : issue - window_at(f, 0)->issue;

    if (offset < f->window_span && window_at(f, (uint32_t)offset)->issue == issue)
        return (uint32_t)offset; /* nothing was squeezed out before it, nothing skipped */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (window_at(f, middle)->issue < issue)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint16_t packet_id_of(uint64_t issue)
{
    return (uint16_t)((issue - 1) % PACKET_IDS + 1);
}

static struct flow_out_entry *window_find(const struct flow_out *f, uint16_t packet_id)
{
    uint64_t age;

    if (f->window_span == 0 || packet_id == 0)
        return NULL;
    age = (uint64_t)(packet_id_of(f->issued) + PACKET_IDS - packet_id) % PACKET_IDS;
    /* It was issued so long ago, or whole rounds before that. */
    for (; age <= f->issued - window_at(f, 0)->issue; age += PACKET_IDS) {
        uint32_t offset = window_search(f, f->issued - age);
        struct flow_out_entry *e = window_at(f, offset);

        if (offset < f->window_span && e->issue == f->issued - age && e->state != FLOW_OUT_FREE)
            return e;
    }
    return NULL;
}

/* Moves the live entries together into a ring of `capacity`. */
static void window_rebuild(struct flow_out *f, uint32_t capacity)
{
    struct flow_out_entry *ring = mem_alloc(MEM_SESSION, capacity * sizeof(*ring));
    uint32_t count = 0;

    for (uint32_t i = 0; i < f->window_span; i++) {
        if (window_at(f, i)->state != FLOW_OUT_FREE)
            ring[count++] = *window_at(f, i);
    }
    invariant(count == f->inflight && count < capacity);
    mem_free(f->window);
    f->window = ring;
    f->window_capacity = capacity;
    f->window_head = 0;
    f->window_span = count;
}

static void window_make_room(struct flow_out *f)
{
    uint32_t capacity = f->window_capacity;

    if (f->window_span < capacity)
        return;
    if (f->inflight >= capacity / 2)
        capacity = capacity == 0 ? 16 : capacity * 2;
    window_rebuild(f, capacity);
}

static bool is_reserved(const struct flow_out *f, uint16_t packet_id)
{
    return f->reserved != NULL && (f->reserved[packet_id >> 3] & 1u << (packet_id & 7)) != 0;
}

/* With one that is free left, whatever was on its way. */
void flow_out_reserve(struct flow_out *f, uint16_t packet_id)
{
    if (is_reserved(f, packet_id) || f->reserved_count == FLOW_OUT_INFLIGHT_MAX)
        return;
    if (f->reserved == NULL)
        f->reserved = mem_new(MEM_SESSION, PACKET_IDS / 8 + 1);
    f->reserved[packet_id >> 3] |= (uint8_t)(1u << (packet_id & 7));
    f->reserved_count++;
}

static void unreserve(struct flow_out *f, uint16_t packet_id)
{
    if (!is_reserved(f, packet_id))
        return;
    f->reserved[packet_id >> 3] &= (uint8_t) ~(1u << (packet_id & 7));
    if (--f->reserved_count > 0)
        return;
    mem_free(f->reserved);
    f->reserved = NULL;
}

/* Only when the oldest one has been waiting for a whole round can an identifier be taken. */
static bool is_taken(const struct flow_out *f, uint64_t issue)
{
    return f->window_span > 0 && issue - window_at(f, 0)->issue >= PACKET_IDS &&
           window_find(f, packet_id_of(issue)) != NULL;
}

static uint16_t next_packet_id(struct flow_out *f)
{
    do {
        f->issued++;
    } while (is_reserved(f, packet_id_of(f->issued)) || is_taken(f, f->issued));
    return packet_id_of(f->issued);
}

/* The identifier that a resumed delivery had: identifiers go on from there, as they did then. */
static uint16_t resume_packet_id(struct flow_out *f, uint16_t packet_id)
{
    unreserve(f, packet_id);
    f->issued += (uint64_t)(packet_id + PACKET_IDS - packet_id_of(f->issued + 1)) % PACKET_IDS + 1;
    return window_find(f, packet_id) == NULL ? packet_id : next_packet_id(f);
}

struct flow_out_entry *flow_out_track(struct flow_out *f, struct delivery *d)
{
    struct flow_out_entry *e;
    uint16_t packet_id =
        d->resumed_id != 0 ? resume_packet_id(f, d->resumed_id) : next_packet_id(f);

    invariant(d->qos > 0 && f->inflight < FLOW_OUT_INFLIGHT_MAX);
    window_make_room(f);
    e = window_at(f, f->window_span++);
    e->delivery = *d;
    *d = (struct delivery){0};
    e->issue = f->issued;
    e->packet_id = packet_id;
    e->state = e->delivery.qos == 1 ? FLOW_OUT_WAIT_PUBACK : FLOW_OUT_WAIT_PUBREC;
    if (e->delivery.was_released)
        e->state = FLOW_OUT_WAIT_PUBCOMP;
    e->holds_quota = !e->delivery.was_released;
    e->needs_resend = e->is_held = false;
    e->was_sent = e->delivery.resumed_id != 0 || e->delivery.may_be_again;
    f->inflight++;
    f->quota_used += e->holds_quota;
    f->window_bytes += cost_of(&e->delivery);
    return e;
}

/* Takes a delivery out of its place, which becomes a hole; then window_trim is due. */
static struct delivery window_take(struct flow_out *f, struct flow_out_entry *e)
{
    struct delivery d = e->delivery;

    e->delivery = (struct delivery){0};
    e->state = FLOW_OUT_FREE;
    f->window_bytes -= cost_of(&d);
    f->inflight--;
    f->quota_used -= e->holds_quota;
    f->resend_count -= e->needs_resend;
    f->held_count -= e->is_held;
    e->holds_quota = e->needs_resend = e->is_held = false;
    return d;
}

/* The window begins with a live entry again. */
static void window_trim(struct flow_out *f)
{
    while (f->window_span > 0 && window_at(f, 0)->state == FLOW_OUT_FREE) {
        f->window_head = (f->window_head + 1) & (f->window_capacity - 1);
        f->window_span--;
    }
    if (f->window_span == 0 && f->window_capacity > WINDOW_KEPT_MAX) {
        mem_free(f->window); /* it was behind, and is no longer */
        f->window = NULL;
        f->window_capacity = f->window_head = 0;
    }
}

enum flow_out_action flow_out_acknowledge(struct flow_out *f, uint16_t packet_id,
                                          enum flow_out_event event, struct delivery *released)
{
    struct flow_out_entry *e = window_find(f, packet_id);
    struct flow_out_step step;

    *released = (struct delivery){0};
    if (e == NULL)
        return FLOW_OUT_ILLEGAL;
    step = steps[e->state][event];
    if (step.action == FLOW_OUT_ILLEGAL)
        return FLOW_OUT_ILLEGAL;
    e->state = (uint8_t)step.next;
    if (event == FLOW_OUT_PUBREC && e->needs_resend) {
        e->needs_resend = false; /* PUBREC is proof enough: only PUBREL may follow [MQTT-4.3.3-6] */
        f->resend_count--;
    }
    if (step.action == FLOW_OUT_RELEASE) {
        *released = window_take(f, e);
        window_trim(f);
    }
    return step.action;
}

void flow_out_pass_over(struct flow_out *f, uint16_t packet_id)
{
    struct flow_out_entry *e = window_find(f, packet_id);
    struct delivery none;

    invariant(e != NULL && e->state == FLOW_OUT_WAIT_PUBREC);
    f->quota_used -= e->holds_quota;
    e->holds_quota = false;
    (void)flow_out_acknowledge(f, packet_id, FLOW_OUT_PUBREC, &none);
}

struct flow_out_entry *flow_out_find(struct flow_out *f, uint16_t packet_id)
{
    return window_find(f, packet_id);
}

void flow_out_hold(struct flow_out *f, struct flow_out_entry *e)
{
    f->held_count += !e->is_held;
    e->is_held = true;
}

struct flow_out_entry *flow_out_release(struct flow_out *f, uint64_t issue)
{
    uint32_t offset = window_search(f, issue);
    struct flow_out_entry *e = offset < f->window_span ? window_at(f, offset) : NULL;

    if (e == NULL || e->issue != issue || !e->is_held)
        return NULL;
    e->is_held = false;
    f->held_count--;
    return e;
}

void flow_out_defer(struct flow_out *f, struct flow_out_entry *e)
{
    if (e->needs_resend)
        return;
    if (e->state !=
        FLOW_OUT_WAIT_PUBCOMP) { /* its PUBLISH is out: the place is taken until PUBCOMP */
        f->quota_used -= e->holds_quota;
        e->holds_quota = false;
    }
    e->needs_resend = true;
    f->resend_count++;
    if (f->resent_issue >= e->issue)
        f->resent_issue = e->issue - 1;
}

void flow_out_restart(struct flow_out *f, uint32_t window_max)
{
    f->window_max = window_max;
    f->quota_used = f->resend_count = 0;
    f->resent_issue = 0;
    for (uint32_t i = 0; i < f->window_span; i++) {
        struct flow_out_entry *e = window_at(f, i);

        e->holds_quota = false;
        e->needs_resend = e->state != FLOW_OUT_FREE;
        f->resend_count += e->needs_resend;
    }
}

struct flow_out_entry *flow_out_resend(struct flow_out *f)
{
    if (f->resend_count == 0)
        return NULL;
    for (uint32_t i = window_search(f, f->resent_issue + 1); i < f->window_span; i++) {
        struct flow_out_entry *e = window_at(f, i);

        if (!e->needs_resend)
            continue;
        if (e->is_held)
            return NULL;
        if (e->state != FLOW_OUT_WAIT_PUBCOMP) {
            if (f->quota_used >= f->window_max)
                return NULL;
            e->holds_quota = true;
            f->quota_used++;
        }
        e->needs_resend = false;
        f->resend_count--;
        f->resent_issue = e->issue;
        return e;
    }
    return NULL;
}

struct flow_out_entry *flow_out_next(struct flow_out *f, uint32_t *cursor)
{
    while (*cursor < f->window_span) {
        struct flow_out_entry *e = window_at(f, (*cursor)++);

        if (e->state != FLOW_OUT_FREE)
            return e;
    }
    return NULL;
}

uint64_t flow_out_oldest_seq(struct flow_out *f, uint64_t *issue)
{
    struct flow_out_entry *e;
    const struct delivery *d;
    uint32_t cursor = 0;

    while ((e = flow_out_next(f, &cursor)) != NULL) {
        *issue = e->issue;
        if (e->delivery.seq != 0)
            return e->delivery.seq;
    }
    *issue = f->issued + 1;
    /* What is not of the journal may stand between those that are. */
    for (cursor = 0; (d = flow_out_next_queued(f, &cursor)) != NULL;) {
        if (d->seq != 0)
            return d->seq;
    }
    return 0;
}

const struct delivery *flow_out_next_queued(const struct flow_out *f, uint32_t *cursor)
{
    uint32_t i = *cursor;

    if (i == f->queue_count)
        return NULL;
    (*cursor)++;
    return &f->queue[(f->queue_head + i) & (f->queue_capacity - 1)];
}

static uint32_t *lane_of(const struct flow_out *f, const struct delivery *d)
{
    return &f->lanes[d->message->order / 2 & (LANES - 1)]; /* its last bit is always set */
}

void flow_out_push(struct flow_out *f, struct delivery *d)
{
    if (f->queue_count == f->queue_capacity) {
        uint32_t capacity = f->queue_capacity == 0 ? 16 : f->queue_capacity * 2;
        struct delivery *ring = mem_alloc(MEM_SESSION, capacity * sizeof(*ring));

        for (uint32_t i = 0; i < f->queue_count; i++)
            ring[i] = f->queue[(f->queue_head + i) & (f->queue_capacity - 1)];
        mem_free(f->queue);
        f->queue = ring;
        f->queue_capacity = capacity;
        f->queue_head = 0;
    }
    if (f->lanes == NULL)
        f->lanes = mem_new(MEM_SESSION, LANES * sizeof(*f->lanes));
    ++*lane_of(f, d);
    f->queue_bytes += cost_of(d);
    f->queue_qos0_count += d->qos == 0;
    f->queue_mortal_count += d->message->expires_ms != 0;
    f->queue[(f->queue_head + f->queue_count) & (f->queue_capacity - 1)] = *d;
    f->queue_count++;
    *d = (struct delivery){0};
}

struct delivery *flow_out_peek(struct flow_out *f)
{
    return f->queue_count == 0 ? NULL : &f->queue[f->queue_head];
}

struct delivery flow_out_pop(struct flow_out *f)
{
    struct delivery d = f->queue[f->queue_head];

    invariant(f->queue_count > 0);
    f->queue_head = (f->queue_head + 1) & (f->queue_capacity - 1);
    f->queue_count--;
    f->queue_bytes -= cost_of(&d);
    --*lane_of(f, &d);
    f->queue_qos0_count -= d.qos == 0;
    f->queue_mortal_count -= d.message->expires_ms != 0;
    if (f->queue_count == 0) {
        mem_free(f->queue); /* a session that keeps up holds no queue */
        mem_free(f->lanes);
        f->queue = NULL;
        f->lanes = NULL;
        f->queue_capacity = f->queue_head = 0;
    }
    return d;
}

bool flow_out_may_overtake(const struct flow_out *f, const struct delivery *d)
{
    return d->qos == 0 && d->seq == 0 && d->message->order != 0 &&
           (f->lanes == NULL || *lane_of(f, d) == 0);
}

void flow_out_take_expired(struct flow_out *f, uint64_t now_ms, flow_out_take_fn take, void *arg)
{
    for (uint32_t n = f->queue_count; n > 0; n--) {
        struct delivery d = flow_out_pop(f);

        if (d.message->expires_ms != 0 && d.message->expires_ms <= now_ms)
            take(&d, arg);
        else
            flow_out_push(f, &d);
    }
}

/* What has not left yet, and, where nothing can come of them any more, publishes of QoS 1 that
 * have. */
static bool can_be_taken(const struct flow_out_entry *e, uint64_t share, bool also_unacknowledged)
{
    if (e->delivery.share != share)
        return false;
    return e->state == FLOW_OUT_WAIT_PUBACK ? also_unacknowledged
                                            : e->state == FLOW_OUT_WAIT_PUBREC && !e->was_sent;
}

void flow_out_take_share(struct flow_out *f, uint64_t share, bool also_unacknowledged,
                         flow_out_take_fn take, void *arg)
{
    invariant(share != 0);
    for (uint32_t i = 0; i < f->window_span; i++) {
        struct flow_out_entry *e = window_at(f, i);

        if (can_be_taken(e, share, also_unacknowledged)) {
            struct delivery d = window_take(f, e);

            take(&d, arg);
        }
    }
    window_trim(f);
    for (uint32_t n = f->queue_count; n > 0; n--) {
        struct delivery d = flow_out_pop(f);

        if (d.share == share && d.resumed_id == 0)
            take(&d, arg);
        else
            flow_out_push(f, &d);
    }
}

/* Of the window; then window_trim is due. */
static void take_unreceived(struct flow_out *f, struct flow_out_entry *e, flow_out_take_fn take,
                            void *arg)
{
    struct delivery d;

    if (e->state == FLOW_OUT_WAIT_PUBREC && e->was_sent) {
        e->state = (uint8_t)steps[e->state][FLOW_OUT_PUBREC].next;
        return;
    }
    d = window_take(f, e);
    take(&d, arg);
}

void flow_out_take_if(struct flow_out *f, bool (*should)(const struct delivery *d, void *arg),
                      flow_out_take_fn take, void *arg)
{
    for (uint32_t i = 0; i < f->window_span; i++) {
        struct flow_out_entry *e = window_at(f, i);

        if ((e->state == FLOW_OUT_WAIT_PUBACK || e->state == FLOW_OUT_WAIT_PUBREC) &&
            should(&e->delivery, arg))
            take_unreceived(f, e, take, arg);
    }
    window_trim(f);
    for (uint32_t n = f->queue_count; n > 0; n--) {
        struct delivery d = flow_out_pop(f);

        if (should(&d, arg))
            take(&d, arg);
        else
            flow_out_push(f, &d);
    }
}

uint64_t flow_out_unqueue(struct flow_out *f, bool with_seq, flow_out_take_fn take, void *arg)
{
    uint64_t lowest = 0;

    for (uint32_t n = f->queue_count; n > 0; n--) {
        struct delivery d = flow_out_pop(f);

        if (d.qos > 0 && (d.seq == 0 || !with_seq)) {
            flow_out_push(f, &d);
            continue;
        }
        if (d.seq != 0 && (lowest == 0 || d.seq < lowest))
            lowest = d.seq;
        take(&d, arg);
    }
    return lowest;
}
