/*
 * The window is a ring in order of sending. Identifiers are given in turn, so the place of an identifier follows from its distance to
 * the oldest one; only after a hole was squeezed out, or identifiers were skipped, the ring is searched.
 */
#include "mqtt/flow_out.h"

#include "base/invariant.h"

enum { PACKET_IDS = 65535 };

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
    *f = (struct flow_out){0};
}

static struct flow_out_entry *window_find(const struct flow_out *f, uint16_t packet_id)
{
    uint32_t offset;

    if (f->window_span == 0 || packet_id == 0)
        return NULL;
    offset = (uint32_t)(packet_id + PACKET_IDS - window_at(f, 0)->packet_id) % PACKET_IDS;
    if (offset < f->window_span && window_at(f, offset)->packet_id == packet_id)
        return window_at(f, offset);
    for (uint32_t i = 0; i < f->window_span; i++) {
        struct flow_out_entry *e = window_at(f, i);

        if (e->packet_id == packet_id && e->state != FLOW_OUT_FREE)
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

static uint16_t next_packet_id(struct flow_out *f)
{
    uint16_t id = f->last_packet_id;

    do {
        id = id == PACKET_IDS ? 1 : (uint16_t)(id + 1);
        f->issued++;
        /* Only when the oldest one has been waiting for a whole round can an identifier be taken. */
    } while (f->window_span > 0 && f->issued - window_at(f, 0)->issue >= PACKET_IDS &&
             window_find(f, id) != NULL);
    f->last_packet_id = id;
    return id;
}

struct flow_out_entry *flow_out_track(struct flow_out *f, struct delivery *d)
{
    struct flow_out_entry *e;
    uint16_t packet_id = next_packet_id(f);

    invariant(d->qos > 0 && f->inflight < PACKET_IDS);
    window_make_room(f);
    e = window_at(f, f->window_span++);
    e->delivery = *d;
    *d = (struct delivery){0};
    e->issue = f->issued;
    e->packet_id = packet_id;
    e->state = e->delivery.qos == 1 ? FLOW_OUT_WAIT_PUBACK : FLOW_OUT_WAIT_PUBREC;
    e->holds_quota = true;
    e->needs_resend = false;
    f->inflight++;
    f->quota_used++;
    return e;
}

static void window_release(struct flow_out *f, struct flow_out_entry *e, struct delivery *released)
{
    *released = e->delivery;
    e->delivery = (struct delivery){0};
    e->state = FLOW_OUT_FREE;
    f->inflight--;
    f->quota_used -= e->holds_quota;
    f->resend_count -= e->needs_resend;
    while (f->window_span > 0 && window_at(f, 0)->state == FLOW_OUT_FREE) {
        f->window_head = (f->window_head + 1) & (f->window_capacity - 1);
        f->window_span--;
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
    if (step.action == FLOW_OUT_RELEASE)
        window_release(f, e, released);
    return step.action;
}

void flow_out_restart(struct flow_out *f, uint32_t window_max)
{
    f->window_max = window_max;
    f->quota_used = f->resend_count = 0;
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
    for (uint32_t i = 0; i < f->window_span; i++) {
        struct flow_out_entry *e = window_at(f, i);

        if (!e->needs_resend)
            continue;
        if (e->state != FLOW_OUT_WAIT_PUBCOMP) {
            if (f->quota_used >= f->window_max)
                return NULL;
            e->holds_quota = true;
            f->quota_used++;
        }
        e->needs_resend = false;
        f->resend_count--;
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

static uint64_t cost_of(const struct delivery *d)
{
    return sizeof(*d) + d->message->payload_len + d->message->topic_len;
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
    f->queue_bytes += cost_of(d);
    f->queue_qos0_count += d->qos == 0;
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
    f->queue_qos0_count -= d.qos == 0;
    if (f->queue_count == 0) {
        mem_free(f->queue); /* a session that keeps up holds no queue */
        f->queue = NULL;
        f->queue_capacity = f->queue_head = 0;
    }
    return d;
}

uint64_t flow_out_unqueue(struct flow_out *f)
{
    uint64_t lowest = 0;

    for (uint32_t n = f->queue_count; n > 0; n--) {
        struct delivery d = flow_out_pop(f);

        if (d.seq == 0 && d.qos > 0) {
            flow_out_push(f, &d);
            continue;
        }
        if (d.seq != 0 && (lowest == 0 || d.seq < lowest))
            lowest = d.seq;
        delivery_deinit(&d);
    }
    return lowest;
}
