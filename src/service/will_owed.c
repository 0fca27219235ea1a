/* One table by author; older ones, whose publication a crash has cut short, stand in the list
 * alone. */
#include "service/will_owed.h"

#include "platform/secret_set.h"
#include "service/app_session.h"
#include "service/counters.h"
#include "service/device_service.h"

struct owed_will {
    struct site *site; /* borrowed */
    struct will_author author;
    char *client_id;               /* owned: the author's */
    struct project_secret *secret; /* a reference: likewise; NULL: a device's */
    struct will *will;             /* owned */
    bool had_gone;
    bool is_newest; /* of its author: in the table */
    uint64_t hash;
    struct timer timer;
    struct list node;
};

static bool author_equal(const void *item, const void *key)
{
    const struct will_author *a = &((const struct owed_will *)item)->author;
    const struct will_author *b = key;

    return a->project_id == b->project_id && a->device_id == b->device_id &&
           slice_equal(a->client_id, b->client_id);
}

static uint64_t author_hash(const struct will_author *a)
{
    return hash_u64(a->project_id ^ hash_u64(a->device_id)) ^ hash_bytes(a->client_id);
}

static struct owed_will *find(const struct site *s, const struct will_author *a)
{
    return s->owed_wills.count == 0 ? NULL : hash_table_find(&s->owed_wills, author_hash(a), a);
}

/* It is nobody's any more; the caller frees it. */
static void take_out(struct owed_will *o)
{
    if (o->is_newest)
        (void)hash_table_remove(&o->site->owed_wills, o->hash, &o->author);
    timer_cancel(&o->timer);
    list_remove(&o->node);
    counter_add(&CT_wills_owed, -1);
}

static void free_one(struct owed_will *o)
{
    project_secret_unref(&o->secret);
    will_free(&o->will);
    mem_free(o->client_id);
    mem_free(o);
}

static void drop(struct owed_will *o)
{
    take_out(o);
    will_store_remove(home_of(o->site->worker), o->author.project_id, o->will->number);
    free_one(o);
}

static void publish(struct owed_will *o)
{
    struct home *h = home_of(o->site->worker);

    take_out(o);
    if (o->author.device_id != 0)
        device_service_publish_will(home_find_device(h, o->author.device_id), o->will);
    else
        app_send_will(h, &o->author, o->will);
    free_one(o);
}

static void on_due(struct timer *t)
{
    publish(list_entry(t, struct owed_will, timer));
}

void will_owed_init(struct site *s)
{
    hash_table_init(&s->owed_wills, MEM_SESSION, author_equal);
    list_init(&s->all_owed_wills);
}

void will_owed_deinit(struct site *s)
{
    while (!list_is_empty(&s->all_owed_wills)) {
        struct owed_will *o = list_entry(s->all_owed_wills.next, struct owed_will, node);

        take_out(o);
        free_one(o);
    }
    hash_table_deinit(&s->owed_wills);
}

/* A later client of the same author was let in: this one was on its way already. */
static void make_due(struct owed_will *o)
{
    (void)hash_table_remove(&o->site->owed_wills, o->hash, &o->author);
    o->is_newest = false;
    timer_set(&o->site->worker->timers, &o->timer, o->site->worker->now_ms, on_due);
}

void will_owed_add(struct site *s, const struct will_author *a, const struct will *will,
                   bool had_gone, uint64_t wait_ms)
{
    struct owed_will *older = find(s, a);
    struct owed_will *o = mem_new_of(MEM_SESSION, struct owed_will);

    if (older != NULL)
        make_due(older);
    *o = (struct owed_will){.site = s, .author = *a, .had_gone = had_gone, .is_newest = true};
    o->client_id = slice_to_string(a->client_id);
    o->author.client_id = slice_make(o->client_id, a->client_id.len);
    o->secret = a->by == NULL ? NULL : project_secret_ref(a->by);
    o->will = will_copy(will);
    o->hash = author_hash(a);
    hash_table_put(&s->owed_wills, o->hash, o);
    list_push_back(&s->all_owed_wills, &o->node);
    timer_set(&s->worker->timers, &o->timer, s->worker->now_ms + wait_ms, on_due);
    counter_add(&CT_wills_owed, 1);
}

void will_owed_returned(struct site *s, const struct will_author *a, bool session_goes_on)
{
    struct owed_will *o = find(s, a);

    if (o == NULL)
        return;
    if (o->had_gone && !session_goes_on)
        publish(o);
    else
        drop(o);
}

void will_owed_leaving(struct site *s, uint64_t project_id, uint64_t device_id)
{
    struct owed_will *o = find(s, &(struct will_author){project_id, device_id, {0}, NULL});

    if (o != NULL)
        publish(o);
}

void will_owed_drop(struct site *s, uint64_t project_id, uint64_t device_id)
{
    struct owed_will *o = find(s, &(struct will_author){project_id, device_id, {0}, NULL});

    if (o != NULL)
        drop(o);
}

static bool has_secret(const struct secret_set *secrets, const struct project_secret *by)
{
    const struct project_secret *s =
        secrets == NULL ? NULL : secret_set_find_name(secrets, slice_of(by->name));

    return s != NULL && project_secret_is_like(s, by);
}

void will_owed_drop_others(struct site *s, uint64_t project_id, const struct secret_set *secrets)
{
    struct list *node, *next;

    for (node = s->all_owed_wills.next; node != &s->all_owed_wills; node = next) {
        struct owed_will *o = list_entry(node, struct owed_will, node);

        next = node->next;
        if (o->author.project_id == project_id && o->author.device_id == 0 &&
            !has_secret(secrets, o->author.by))
            drop(o);
    }
}
