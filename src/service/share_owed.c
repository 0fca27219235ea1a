#include "service/share_owed.h"

#include "base/invariant.h"
#include "base/mem.h"

enum { OWED_CAPACITY_MIN = 16 /* a power of two, as all */ };

static struct share_entry *at(const struct share_owed *o, uint32_t offset)
{
    return &o->ring[(o->head + offset) & (o->capacity - 1)];
}

void share_owed_deinit(struct share_owed *o)
{
    mem_free(o->ring);
    *o = (struct share_owed){0};
}

static void grow(struct share_owed *o)
{
    uint32_t capacity = o->capacity == 0 ? OWED_CAPACITY_MIN : o->capacity * 2;
    struct share_entry *ring = mem_alloc(MEM_SUBSCRIPTION, capacity * sizeof(*ring));

    for (uint32_t i = 0; i < o->span; i++)
        ring[i] = *at(o, i);
    mem_free(o->ring);
    o->ring = ring;
    o->capacity = capacity;
    o->head = 0;
}

void share_owed_add(struct share_owed *o, const struct share_entry *e)
{
    uint32_t place = o->span;

    if (o->span == o->capacity)
        grow(o);
    o->span++;
    for (; place > 0 && at(o, place - 1)->seq > e->seq; place--)
        *at(o, place) = *at(o, place - 1);
    invariant(place == 0 || at(o, place - 1)->seq < e->seq);
    *at(o, place) = *e;
}

struct share_entry *share_owed_find(const struct share_owed *o, uint64_t seq)
{
    uint32_t low = 0, high = o->span;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (at(o, middle)->seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low < o->span && at(o, low)->seq == seq ? at(o, low) : NULL;
}

struct share_entry *share_owed_first(const struct share_owed *o)
{
    return o->span == 0 ? NULL : at(o, 0);
}

void share_owed_drop_first(struct share_owed *o)
{
    invariant(o->span > 0);
    o->head = (o->head + 1) & (o->capacity - 1);
    if (--o->span == 0)
        share_owed_deinit(o); /* a group that keeps up holds nothing */
}

struct share_entry *share_owed_next(const struct share_owed *o, uint32_t *cursor)
{
    return *cursor < o->span ? at(o, (*cursor)++) : NULL;
}
