/* The places of sub-devices, and what the end of a parent's presence means for them. */
#include "platform/sub_device.h"

#include "base/invariant.h"
#include "platform/counters.h"

/* By what the home's table finds one. */
struct place {
    const struct device *parent;
    struct slice address;
};

bool sub_device_equal(const void *item, const void *key)
{
    const struct sub_device *s = item;
    const struct place *p = key;

    return s->parent == p->parent &&
           slice_equal(slice_make(s->address, s->address_len), p->address);
}

static uint64_t hash_of(const struct place *p)
{
    return hash_bytes(p->address) ^ hash_u64(p->parent->device_id);
}

static struct place place_of(const struct sub_device *s)
{
    return (struct place){s->parent, slice_make(s->address, s->address_len)};
}

/* All that stand above it have so many more below them. */
static void count_below(struct device *parent, int64_t more)
{
    for (struct device *d = parent; d != NULL; d = d->sub == NULL ? NULL : d->sub->parent)
        d->below_count = (uint32_t)(d->below_count + more);
}

static void unlink_place(struct sub_device *s)
{
    struct place p = place_of(s);

    invariant(hash_table_remove(&s->device->home->sub_devices, s->hash, &p) == s);
    list_remove(&s->sibling_node);
    count_below(s->parent, -(int64_t)s->device->below_count - 1);
    mem_free(s);
    counter_add(&CT_sub_devices, -1);
}

void sub_device_remove(struct device *d)
{
    struct sub_device *s = d->sub;

    d->sub = NULL;
    unlink_place(s);
}

void sub_device_free_place(struct device *d)
{
    if (d->sub == NULL)
        return;
    device_end_presence(d, slice_of("moved"));
    sub_device_remove(d);
}

static bool is_above(const struct device *d, const struct device *x)
{
    while (x != d && x->sub != NULL)
        x = x->sub->parent;
    return x == d;
}

/* It speaks through `parent` from now on: neither its own connection nor another parent's word
 * counts any more. */
static void end_old_ways(struct device *d, const struct device *parent)
{
    if (d->sub == NULL)
        d->home->shared->sink->device_removed(d->home, d);
    if (d->sub == NULL || d->sub->parent != parent)
        device_end_presence(d, slice_of("moved"));
    if (d->sub != NULL)
        sub_device_remove(d);
}

void sub_device_place(struct device *d, struct device *parent, struct slice address)
{
    struct place p = {parent, address};
    struct sub_device *s;

    invariant(d->home == parent->home && address.len <= SUB_ADDRESS_MAX && !is_above(d, parent));
    if (d->sub != NULL && sub_device_equal(d->sub, &p))
        return;
    end_old_ways(d, parent);
    s = mem_new(MEM_DEVICE, sizeof(*s) + address.len);
    s->device = d;
    s->parent = parent;
    s->address_len = (uint8_t)address.len;
    memcpy(s->address, address.data, address.len);
    s->hash = hash_of(&p);
    d->sub = s;
    hash_table_put(&d->home->sub_devices, s->hash, s);
    list_push_back(&parent->below, &s->sibling_node);
    count_below(parent, (int64_t)d->below_count + 1);
    counter_inc(sub_devices);
}

struct device *sub_device_find(const struct device *parent, struct slice address)
{
    struct place p = {parent, address};
    struct sub_device *s = hash_table_find(&parent->home->sub_devices, hash_of(&p), &p);

    return s == NULL ? NULL : s->device;
}

struct device *sub_device_root(struct device *d)
{
    while (d->sub != NULL)
        d = d->sub->parent;
    return d;
}

unsigned sub_device_path(const struct device *d, struct slice path[SUB_LEVELS_MAX])
{
    unsigned count = 0, at;

    for (const struct device *x = d; x->sub != NULL; x = x->sub->parent)
        count++;
    invariant(count <= SUB_LEVELS_MAX);
    at = count;
    for (const struct device *x = d; x->sub != NULL; x = x->sub->parent)
        path[--at] = slice_make(x->sub->address, x->sub->address_len);
    return count;
}

void sub_device_parent_goes(struct device *d)
{
    for (struct list *n = d->below.next; n != &d->below; n = n->next)
        device_end_presence(list_entry(n, struct sub_device, sibling_node)->device,
                            slice_of("parent offline"));
}
