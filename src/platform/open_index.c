/*
 * One worker's subscriptions, found by project, kind and device.
 *
 * A subscription for any device stands once in the list of each of its kinds; one for a single
 * device stands once in that device's list, where the kinds are compared (few share a device).
 * Live, durable and parked ones are kept apart. Each knows its positions, and the last one of a
 * list moves into a gap, so adding and removing cost the same however many there are. What the
 * lists do not promise is an order. Kinds without a device take no place and raise no interest:
 * their messages go to one client and are never matched.
 */
#include "platform/open_index.h"

#include "base/invariant.h"

enum { OPEN_INDEX_MAGIC = 0x4f494458, LIST_CAPACITY_MIN = 2 };

struct entry {
    struct open_subscription *subscription; /* borrowed until it is removed */
    uint32_t kinds;                         /* a copy: what does not match is not touched */
};

struct entry_list {
    struct entry *entries; /* owned */
    uint32_t count, capacity;
};

/* By `durable` and `parked` of struct open_subscription. */
enum feed { LIVE, DURABLE, PARKED, FEED_COUNT };
enum { INTEREST_COUNT = 2 }; /* by `durable` alone */

struct device_node {
    uint64_t device_id;
    struct entry_list lists[FEED_COUNT];
};

struct project_node {
    uint64_t project_id;
    struct open_interest *interest; /* borrowed: outlives the subscriptions */
    size_t subscription_count;      /* those that take no place included */
    uint32_t counts[INTEREST_COUNT][OPEN_KIND_COUNT];
    struct entry_list any[FEED_COUNT][OPEN_KIND_COUNT];
    struct hash_table devices; /* of struct device_node, owned */
};

struct open_index {
    uint32_t magic;
    uint64_t bit;               /* this worker's in the masks of interest */
    struct hash_table projects; /* of struct project_node, owned */
};

static bool device_equal(const void *item, const void *key)
{
    return ((const struct device_node *)item)->device_id == *(const uint64_t *)key;
}

static bool project_equal(const void *item, const void *key)
{
    return ((const struct project_node *)item)->project_id == *(const uint64_t *)key;
}

static struct project_node *find_project(const struct open_index *i, uint64_t id)
{
    return hash_table_find(&i->projects, hash_u64(id), &id);
}

static struct device_node *find_device(const struct project_node *p, uint64_t id)
{
    return hash_table_find(&p->devices, hash_u64(id), &id);
}

static enum feed feed_of(const struct open_subscription *s)
{
    if (s->parked)
        return PARKED;
    return s->durable ? DURABLE : LIVE;
}

static bool kind_is_indexed(unsigned kind)
{
    return open_kinds[kind].has_device;
}

struct open_index *open_index_new(unsigned worker)
{
    struct open_index *i = mem_new_of(MEM_SUBSCRIPTION, struct open_index);

    invariant(worker < OPEN_INTEREST_WORKERS_MAX);
    i->magic = OPEN_INDEX_MAGIC;
    i->bit = UINT64_C(1) << worker;
    hash_table_init(&i->projects, MEM_SUBSCRIPTION, project_equal);
    return i;
}

void open_index_free(struct open_index **ip)
{
    struct open_index *i = *ip;

    *ip = NULL;
    if (i == NULL)
        return;
    invariant(i->magic == OPEN_INDEX_MAGIC && i->projects.count == 0);
    i->magic = 0;
    hash_table_deinit(&i->projects);
    mem_free(i);
}

static struct project_node *make_project(struct open_index *i, uint64_t id,
                                         struct open_interest *interest)
{
    struct project_node *p = mem_new_of(MEM_SUBSCRIPTION, struct project_node);

    p->project_id = id;
    p->interest = interest;
    hash_table_init(&p->devices, MEM_SUBSCRIPTION, device_equal);
    hash_table_put(&i->projects, hash_u64(id), p);
    return p;
}

static void free_project(struct open_index *i, struct project_node *p)
{
    (void)hash_table_remove(&i->projects, hash_u64(p->project_id), &p->project_id);
    invariant(p->devices.count == 0);
    hash_table_deinit(&p->devices);
    mem_free(p);
}

static struct device_node *make_device(struct project_node *p, uint64_t id)
{
    struct device_node *d = mem_new_of(MEM_SUBSCRIPTION, struct device_node);

    d->device_id = id;
    hash_table_put(&p->devices, hash_u64(id), d);
    return d;
}

static void free_device(struct project_node *p, struct device_node *d)
{
    (void)hash_table_remove(&p->devices, hash_u64(d->device_id), &d->device_id);
    mem_free(d);
}

/* Which of a subscription's positions belongs to a list: in a device's list it stands once. */
enum { DEVICE_POSITION = 0 };

static void list_add(struct entry_list *l, struct open_subscription *s, unsigned position)
{
    if (l->count == l->capacity) {
        l->capacity = l->capacity == 0 ? LIST_CAPACITY_MIN : l->capacity * 2;
        l->entries = mem_resize(MEM_SUBSCRIPTION, l->entries, l->capacity * sizeof(*l->entries));
    }
    s->position[position] = l->count;
    l->entries[l->count++] = (struct entry){s, s->filter.kinds};
}

static void list_remove_at(struct entry_list *l, struct open_subscription *s, unsigned position)
{
    uint32_t at = s->position[position];
    struct entry last;

    invariant(at < l->count && l->entries[at].subscription == s);
    last = l->entries[--l->count];
    l->entries[at] = last;
    last.subscription->position[position] = at;
    if (l->count == 0) {
        mem_free(l->entries);
        *l = (struct entry_list){0};
    } else if (l->capacity > LIST_CAPACITY_MIN && l->count <= l->capacity / 4) {
        l->capacity /= 2;
        l->entries = mem_resize(MEM_SUBSCRIPTION, l->entries, l->capacity * sizeof(*l->entries));
    }
}

static _Atomic uint64_t *interest_of(struct project_node *p, bool durable, unsigned kind)
{
    return durable ? &p->interest->durable[kind] : &p->interest->live[kind];
}

static void place(struct project_node *p, struct open_subscription *s)
{
    uint64_t device_id = s->filter.device_id;

    if (device_id != 0) {
        struct device_node *d = find_device(p, device_id);

        if (d == NULL)
            d = make_device(p, device_id);
        list_add(&d->lists[feed_of(s)], s, DEVICE_POSITION);
        return;
    }
    for (unsigned kind = 0; kind < OPEN_KIND_COUNT; kind++) {
        if ((s->filter.kinds & 1u << kind) != 0 && kind_is_indexed(kind))
            list_add(&p->any[feed_of(s)][kind], s, kind);
    }
}

static bool device_is_empty(const struct device_node *d)
{
    for (unsigned feed = 0; feed < FEED_COUNT; feed++) {
        if (d->lists[feed].count > 0)
            return false;
    }
    return true;
}

static void displace(struct project_node *p, struct open_subscription *s)
{
    uint64_t device_id = s->filter.device_id;

    if (device_id != 0) {
        struct device_node *d = find_device(p, device_id);

        invariant(d != NULL);
        list_remove_at(&d->lists[feed_of(s)], s, DEVICE_POSITION);
        if (device_is_empty(d))
            free_device(p, d);
        return;
    }
    for (unsigned kind = 0; kind < OPEN_KIND_COUNT; kind++) {
        if ((s->filter.kinds & 1u << kind) != 0 && kind_is_indexed(kind))
            list_remove_at(&p->any[feed_of(s)][kind], s, kind);
    }
}

void open_index_add(struct open_index *i, struct open_subscription *s,
                    struct open_interest *interest)
{
    struct project_node *p;

    invariant(i->magic == OPEN_INDEX_MAGIC && !s->is_indexed);
    invariant(s->filter.project_id != 0 && s->filter.kinds != 0);
    invariant(s->durable || !s->parked);
    p = find_project(i, s->filter.project_id);
    if (p == NULL)
        p = make_project(i, s->filter.project_id, interest);
    invariant(p->interest == interest);
    p->subscription_count++;
    place(p, s);
    s->is_indexed = true;
    for (unsigned kind = 0; kind < OPEN_KIND_COUNT; kind++) {
        if ((s->filter.kinds & 1u << kind) == 0 || !kind_is_indexed(kind))
            continue;
        if (p->counts[s->durable][kind]++ == 0)
            atomic_fetch_or_explicit(interest_of(p, s->durable, kind), i->bit,
                                     memory_order_release);
    }
}

void open_index_remove(struct open_index *i, struct open_subscription *s,
                       struct open_interest *interest)
{
    struct project_node *p;

    invariant(i->magic == OPEN_INDEX_MAGIC && s->is_indexed);
    p = find_project(i, s->filter.project_id);
    invariant(p != NULL && p->interest == interest);
    displace(p, s);
    s->is_indexed = false;
    for (unsigned kind = 0; kind < OPEN_KIND_COUNT; kind++) {
        if ((s->filter.kinds & 1u << kind) == 0 || !kind_is_indexed(kind))
            continue;
        if (--p->counts[s->durable][kind] == 0)
            atomic_fetch_and_explicit(interest_of(p, s->durable, kind), ~i->bit,
                                      memory_order_release);
    }
    if (--p->subscription_count == 0)
        free_project(i, p);
}

void open_index_park(struct open_index *i, struct open_subscription *s, bool parked)
{
    struct project_node *p;

    invariant(i->magic == OPEN_INDEX_MAGIC && s->durable);
    if (!s->is_indexed || s->parked == parked) {
        s->parked = parked;
        return;
    }
    p = find_project(i, s->filter.project_id);
    invariant(p != NULL);
    displace(p, s);
    s->parked = parked;
    place(p, s);
}

/* The device and, but for its stream, the kind of the list are known to match. */
static void match_list(const struct entry_list *l, enum open_kind kind, struct slice stream,
                       open_index_match_fn fn, void *arg)
{
    for (uint32_t n = 0; n < l->count; n++) {
        const struct entry *e = &l->entries[n];

        if ((e->kinds & 1u << kind) == 0)
            continue;
        if (open_kinds[kind].has_stream &&
            !open_filter_matches_stream(&e->subscription->filter, stream))
            continue;
        fn(e->subscription, arg);
    }
}

void open_index_match(const struct open_index *i, uint64_t project_id, uint64_t device_id,
                      enum open_kind kind, struct slice stream, bool durable,
                      open_index_match_fn fn, void *arg)
{
    const struct project_node *p = find_project(i, project_id);
    const enum feed feed = durable ? DURABLE : LIVE;
    const struct device_node *d;

    if (p == NULL || p->counts[durable][kind] == 0)
        return;
    match_list(&p->any[feed][kind], kind, stream, fn, arg);
    d = find_device(p, device_id);
    if (d != NULL)
        match_list(&d->lists[feed], kind, stream, fn, arg);
}

/* Checks one list and counts its subscriptions' kinds; `position` is theirs in it. */
static void verify_list(const struct entry_list *l, const struct project_node *p,
                        uint64_t device_id, enum feed feed, unsigned position,
                        uint32_t counts[OPEN_KIND_COUNT])
{
    invariant(l->count <= l->capacity && (l->count > 0) == (l->entries != NULL));
    for (uint32_t n = 0; n < l->count; n++) {
        const struct open_subscription *s = l->entries[n].subscription;

        invariant(s->is_indexed && feed_of(s) == feed && s->position[position] == n);
        invariant(s->durable == (feed != LIVE));
        invariant(s->filter.project_id == p->project_id && s->filter.device_id == device_id);
        invariant(l->entries[n].kinds == s->filter.kinds);
        for (unsigned kind = 0; kind < OPEN_KIND_COUNT; kind++) {
            if ((s->filter.kinds & 1u << kind) != 0 && (device_id != 0 || kind == position))
                counts[kind]++;
        }
    }
}

/* Counts what stands in the lists of a feed. */
static void verify_feed(struct project_node *p, enum feed feed, uint32_t counts[OPEN_KIND_COUNT])
{
    const struct device_node *d;
    size_t cursor = 0;

    for (unsigned kind = 0; kind < OPEN_KIND_COUNT; kind++)
        verify_list(&p->any[feed][kind], p, 0, feed, kind, counts);
    while ((d = hash_table_next(&p->devices, &cursor)) != NULL) {
        invariant(d->device_id != 0 && !device_is_empty(d));
        verify_list(&d->lists[feed], p, d->device_id, feed, DEVICE_POSITION, counts);
    }
}

static void verify_project(const struct open_index *i, struct project_node *p)
{
    uint32_t counts[INTEREST_COUNT][OPEN_KIND_COUNT] = {0};

    for (enum feed feed = LIVE; feed < FEED_COUNT; feed++)
        verify_feed(p, feed, counts[feed != LIVE]);
    for (unsigned durable = 0; durable < INTEREST_COUNT; durable++) {
        for (unsigned kind = 0; kind < OPEN_KIND_COUNT; kind++) {
            uint64_t bits =
                atomic_load_explicit(interest_of(p, durable != 0, kind), memory_order_relaxed);

            invariant(counts[durable][kind] == p->counts[durable][kind]);
            invariant(((bits & i->bit) != 0) == (counts[durable][kind] > 0));
            invariant(counts[durable][kind] <= p->subscription_count);
        }
    }
}

void open_index_verify(const struct open_index *i)
{
    struct project_node *p;
    size_t cursor = 0;

    invariant(i->magic == OPEN_INDEX_MAGIC);
    while ((p = hash_table_next(&i->projects, &cursor)) != NULL) {
        invariant(p->subscription_count > 0);
        verify_project(i, p);
    }
}
