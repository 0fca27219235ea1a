/* Devices that are on their way here, and what waits for them. */
#include "platform/hand_over.h"

#include "base/invariant.h"

struct arrival {
    uint64_t device_id;
    uint64_t project_id;
    struct device *device; /* owned; NULL: it has not come (yet), or is in already */
    struct buffer parked;  /* owned: letters in order */
};

bool hand_over_equal(const void *item, const void *key)
{
    return ((const struct arrival *)item)->device_id == *(const uint64_t *)key;
}

static struct arrival *find(const struct home *h, uint64_t device_id)
{
    return h->arrivals.count == 0 ? NULL
                                  : hash_table_find(&h->arrivals, hash_u64(device_id), &device_id);
}

void hand_over_expect(struct home *h, uint64_t device_id)
{
    struct arrival *a;

    if (find(h, device_id) != NULL || home_find_device(h, device_id) != NULL)
        return;
    a = mem_new_of(MEM_DEVICE, struct arrival);
    a->device_id = device_id;
    hash_table_put(&h->arrivals, hash_u64(device_id), a);
}

static void open_arrival(struct worker *w, const struct letter *l)
{
    struct device *d = l->object;
    struct arrival *a = find(home_of(w), d->device_id);

    invariant(a != NULL && a->device == NULL);
    a->device = d;
    a->project_id = l->a;
}

void hand_over_send(struct home *h, uint64_t device_id, unsigned to)
{
    struct device *d = home_find_device(h, device_id);
    struct letter letter = {.open = open_arrival, .object = d};

    if (d == NULL)
        return;
    letter.a = d->project->project->project_id;
    home_take_device(h, d);
    worker_post(h->worker, to, &letter);
}

void hand_over_enter(struct home *h, uint64_t device_id)
{
    struct arrival *a = find(h, device_id);
    struct device *d = a == NULL ? NULL : a->device;
    struct home_project *p;

    if (d == NULL)
        return;
    a->device = NULL;
    p = home_find_project(h, a->project_id);
    if (p != NULL)
        home_enter_device(h, p, d);
    else
        device_free(&d);
}

void hand_over_finish(struct home *h, uint64_t device_id)
{
    struct arrival *a = find(h, device_id);

    if (a == NULL)
        return;
    invariant(a->device == NULL);
    hash_table_remove(&h->arrivals, hash_u64(device_id), &device_id);
    for (size_t at = 0; at < a->parked.len; at += sizeof(struct letter)) {
        struct letter l;

        memcpy(&l, a->parked.data + at, sizeof(l));
        l.open(h->worker, &l);
    }
    buffer_deinit(&a->parked);
    mem_free(a);
}

bool hand_over_is_expected(const struct home *h, uint64_t device_id)
{
    return find(h, device_id) != NULL;
}

bool hand_over_park(struct home *h, uint64_t device_id, const struct letter *l)
{
    struct arrival *a = find(h, device_id);

    if (a == NULL)
        return false;
    buffer_append(&a->parked, l, sizeof(*l));
    return true;
}
