/*
 * Parts of a map, by hash: small tables with open addressing, never more than half full. A change
 * copies the parts that it touches and shares the others, so that the cost of one sub-device more
 * does not grow with the number of all.
 */
#include "platform/root_map.h"

#include "base/hash_table.h"
#include "base/invariant.h"
#include "base/mem.h"

struct entry {
    uint64_t device_id; /* 0: free */
    uint64_t root_id;
};

struct root_map_part {
    _Atomic uint32_t refs;
    uint32_t count;
    uint32_t capacity; /* a power of two */
    struct entry entries[];
};

enum {
    CAPACITY_MIN = 4,
    PART_SHIFT = 24 /* bits of the hash that the place in a part is not of */
};

static unsigned part_of(uint64_t hash)
{
    return (unsigned)(hash >> PART_SHIFT) % ROOT_MAP_PARTS;
}

/* --- parts ----------------------------------------------------------------------------------- */

static struct root_map_part *part_new(size_t count)
{
    uint32_t capacity = CAPACITY_MIN;
    struct root_map_part *p;

    while (capacity < count * 2)
        capacity *= 2;
    p = mem_new(MEM_DEVICE, sizeof(*p) + capacity * sizeof(struct entry));
    atomic_init(&p->refs, 1);
    p->capacity = capacity;
    return p;
}

static void part_unref(struct root_map_part *p)
{
    if (p != NULL && atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) == 1)
        mem_free(p);
}

/* The entry of this device, or the free one where it would go. */
static struct entry *part_find(const struct root_map_part *p, uint64_t hash, uint64_t device_id)
{
    uint32_t i = (uint32_t)hash & (p->capacity - 1);

    while (p->entries[i].device_id != 0 && p->entries[i].device_id != device_id)
        i = (i + 1) & (p->capacity - 1);
    return (struct entry *)&p->entries[i];
}

static void part_put(struct root_map_part *p, uint64_t hash, uint64_t device_id, uint64_t root_id)
{
    struct entry *e = part_find(p, hash, device_id);

    if (e->device_id == 0)
        p->count++;
    *e = (struct entry){device_id, root_id};
}

/* Those behind it that it kept from their place move up. */
static void part_remove(struct root_map_part *p, uint64_t hash, uint64_t device_id)
{
    struct entry *e = part_find(p, hash, device_id);
    uint32_t mask = p->capacity - 1;
    uint32_t hole = (uint32_t)(e - p->entries);

    if (e->device_id == 0)
        return;
    for (uint32_t i = (hole + 1) & mask; p->entries[i].device_id != 0; i = (i + 1) & mask) {
        uint32_t wanted = (uint32_t)hash_u64(p->entries[i].device_id) & mask;

        if (((i - wanted) & mask) < ((i - hole) & mask))
            continue;
        p->entries[hole] = p->entries[i];
        hole = i;
    }
    p->entries[hole].device_id = 0;
    p->count--;
}

/* A copy with room for `more`. */
static struct root_map_part *part_copy(const struct root_map_part *from, size_t more)
{
    struct root_map_part *p = part_new((from == NULL ? 0 : from->count) + more);

    for (uint32_t i = 0; from != NULL && i < from->capacity; i++) {
        const struct entry *e = &from->entries[i];

        if (e->device_id != 0)
            part_put(p, hash_u64(e->device_id), e->device_id, e->root_id);
    }
    return p;
}

/* --- maps ------------------------------------------------------------------------------------ */

struct root_map *root_map_new(void)
{
    struct root_map *m = mem_new_of(MEM_DEVICE, struct root_map);

    atomic_init(&m->refs, 1);
    return m;
}

struct root_map *root_map_ref(struct root_map *m)
{
    atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
    return m;
}

void root_map_unref(struct root_map **mp)
{
    struct root_map *m = *mp;

    *mp = NULL;
    if (m == NULL || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (unsigned i = 0; i < ROOT_MAP_PARTS; i++)
        part_unref(m->parts[i]);
    mem_free(m);
}

uint64_t root_map_look_up(const struct root_map *m, uint64_t device_id)
{
    uint64_t hash = hash_u64(device_id);
    const struct root_map_part *p = m->parts[part_of(hash)];
    const struct entry *e = p == NULL ? NULL : part_find(p, hash, device_id);

    return e == NULL || e->device_id == 0 ? device_id : e->root_id;
}

/* Copies the parts that the changes touch. */
static void copy_parts(struct root_map *m, const struct root_map *from,
                       const struct root_map_change *changes, size_t count)
{
    size_t more[ROOT_MAP_PARTS] = {0};

    for (size_t i = 0; i < count; i++)
        more[part_of(hash_u64(changes[i].device_id))]++;
    for (unsigned i = 0; i < ROOT_MAP_PARTS; i++) {
        struct root_map_part *p = from->parts[i];

        if (more[i] > 0)
            m->parts[i] = part_copy(p, more[i]);
        else if (p != NULL)
            atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
        if (more[i] == 0)
            m->parts[i] = p;
    }
}

struct root_map *root_map_with(const struct root_map *from, const struct root_map_change *changes,
                               size_t count)
{
    struct root_map *m = root_map_new();

    copy_parts(m, from, changes, count);
    for (size_t i = 0; i < count; i++) {
        const struct root_map_change *c = &changes[i];
        uint64_t hash = hash_u64(c->device_id);
        struct root_map_part *p = m->parts[part_of(hash)];

        invariant(c->device_id != 0);
        if (c->root_id != 0)
            part_put(p, hash, c->device_id, c->root_id);
        else
            part_remove(p, hash, c->device_id);
    }
    for (unsigned i = 0; i < ROOT_MAP_PARTS; i++)
        m->count += m->parts[i] == NULL ? 0 : m->parts[i]->count;
    return m;
}
