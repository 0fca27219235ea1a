/* QoS 2 receptions are few (receive maximum), so a small unordered array is the fastest set;
 * acknowledgements are a ring. */
#include "mqtt/flow_in.h"

#include "base/invariant.h"
#include "base/mem.h"

void flow_in_deinit(struct flow_in *f)
{
    mem_free(f->receptions);
    *f = (struct flow_in){0};
}

static struct flow_in_reception *find(const struct flow_in *f, uint16_t packet_id)
{
    for (uint32_t i = 0; i < f->count; i++) {
        if (f->receptions[i].packet_id == packet_id)
            return &f->receptions[i];
    }
    return NULL;
}

enum flow_in_state flow_in_find(const struct flow_in *f, uint16_t packet_id)
{
    const struct flow_in_reception *r = find(f, packet_id);

    return r == NULL ? FLOW_IN_NEW : (enum flow_in_state)r->state;
}

void flow_in_restart(struct flow_in *f)
{
    for (uint32_t i = 0; i < f->count; i++)
        f->receptions[i].holds_quota = false;
    f->quota_used = 0;
}

bool flow_in_holds_quota(const struct flow_in *f, uint16_t packet_id)
{
    const struct flow_in_reception *r = find(f, packet_id);

    return r != NULL && r->holds_quota;
}

void flow_in_charge(struct flow_in *f, uint16_t packet_id)
{
    struct flow_in_reception *r = find(f, packet_id);

    invariant(r != NULL);
    f->quota_used += !r->holds_quota;
    r->holds_quota = true;
}

static void forget(struct flow_in *f, struct flow_in_reception *r)
{
    f->quota_used -= r->holds_quota;
    *r = f->receptions[--f->count];
}

bool flow_in_add(struct flow_in *f, uint16_t packet_id, enum flow_in_state state)
{
    if (f->count == FLOW_IN_RECEPTIONS_MAX)
        return false;
    if (f->count == f->capacity) {
        f->capacity = f->capacity == 0 ? 16 : f->capacity * 2;
        f->receptions =
            mem_resize(MEM_SESSION, f->receptions, f->capacity * sizeof(*f->receptions));
    }
    f->receptions[f->count++] = (struct flow_in_reception){
        .packet_id = packet_id, .state = (uint8_t)state, .holds_quota = true};
    f->quota_used++;
    return true;
}

bool flow_in_restore(struct flow_in *f, uint16_t packet_id)
{
    if (!flow_in_add(f, packet_id, FLOW_IN_RECEIVED))
        return false;
    f->receptions[f->count - 1].holds_quota = false;
    f->receptions[f->count - 1].is_restored = true;
    f->quota_used--;
    return true;
}

void flow_in_drop_restored(struct flow_in *f, uint16_t packet_id)
{
    struct flow_in_reception *r = find(f, packet_id);

    if (r != NULL && r->is_restored)
        forget(f, r);
}

unsigned flow_in_receive(struct flow_in *f, uint16_t packet_id)
{
    struct flow_in_reception *r = find(f, packet_id);
    unsigned repetitions;

    if (r == NULL)
        return 0;
    repetitions = r->repetitions;
    r->state = FLOW_IN_RECEIVED;
    r->repetitions = 0;
    if (r->is_released)
        forget(f, r);
    return repetitions;
}

void flow_in_repeat(struct flow_in *f, uint16_t packet_id)
{
    struct flow_in_reception *r = find(f, packet_id);

    if (r != NULL && r->repetitions < UINT8_MAX)
        r->repetitions++;
}

void flow_in_release(struct flow_in *f, uint16_t packet_id)
{
    struct flow_in_reception *r = find(f, packet_id);

    flow_in_repeat(f, packet_id);
    if (r != NULL)
        r->is_released = true;
}

bool flow_in_remove(struct flow_in *f, uint16_t packet_id)
{
    struct flow_in_reception *r = find(f, packet_id);

    if (r == NULL)
        return false;
    forget(f, r);
    return true;
}

void flow_in_acks_deinit(struct flow_in_acks *a)
{
    for (uint32_t i = 0; i < a->count; i++)
        shared_bytes_unref(&a->ring[(a->head + i) & (a->capacity - 1)].why);
    mem_free(a->ring);
    *a = (struct flow_in_acks){0};
}

static void grow(struct flow_in_acks *a)
{
    uint32_t capacity = a->capacity == 0 ? 16 : a->capacity * 2;
    struct flow_in_ack *ring = mem_alloc(MEM_SESSION, capacity * sizeof(*ring));

    for (uint32_t i = 0; i < a->count; i++)
        ring[i] = a->ring[(a->head + i) & (a->capacity - 1)];
    mem_free(a->ring);
    a->ring = ring;
    a->capacity = capacity;
    a->head = 0;
}

void flow_in_acks_push(struct flow_in_acks *a, const struct flow_in_ack *ack)
{
    if (a->count == a->capacity)
        grow(a);
    a->ring[(a->head + a->count) & (a->capacity - 1)] = *ack;
    a->count++;
}

bool flow_in_acks_decide(struct flow_in_acks *a, uint32_t number, enum reason reason,
                         struct shared_bytes *why)
{
    uint32_t offset = number - a->first_number;
    struct flow_in_ack *ack;

    if (offset >= a->count)
        return false;
    ack = &a->ring[(a->head + offset) & (a->capacity - 1)];
    invariant(!ack->is_decided);
    ack->is_decided = true;
    ack->reason = reason;
    ack->why = why;
    return true;
}

void flow_in_acks_decide_repetitions(struct flow_in_acks *a, uint16_t packet_id, enum reason reason,
                                     struct shared_bytes *why)
{
    for (uint32_t i = 0; i < a->count; i++) {
        struct flow_in_ack *ack = &a->ring[(a->head + i) & (a->capacity - 1)];

        if (!ack->is_repetition || ack->is_decided || ack->packet_id != packet_id)
            continue;
        ack->is_decided = true;
        ack->reason = reason;
        ack->why = shared_bytes_ref(why);
    }
}

bool flow_in_acks_pop(struct flow_in_acks *a, struct flow_in_ack *out)
{
    if (a->count == 0 || !a->ring[a->head].is_decided)
        return false;
    *out = a->ring[a->head];
    a->head = (a->head + 1) & (a->capacity - 1);
    a->count--;
    a->first_number++;
    return true;
}
