/* The tables of one worker, and what enters and leaves them. */
#include "platform/home.h"

#include "base/invariant.h"
#include "platform/alarm_history.h"
#include "platform/counters.h"
#include "platform/device_alarm.h"
#include "platform/device_log.h"
#include "platform/device_store.h"
#include "platform/device_type.h"
#include "platform/hand_over.h"
#include "platform/router.h"
#include "platform/sub_device.h"

static bool project_equal(const void *item, const void *key)
{
    return ((const struct home_project *)item)->project->project_id == *(const uint64_t *)key;
}

static bool type_equal(const void *item, const void *key)
{
    return ((const struct home_type *)item)->type->type_id == *(const uint64_t *)key;
}

static bool device_equal(const void *item, const void *key)
{
    return ((const struct device *)item)->device_id == *(const uint64_t *)key;
}

static void on_turn_end(struct worker *w, void *arg)
{
    (void)arg;
    device_store_turn(home_of(w));
    router_submit(home_of(w));
    alarm_history_submit(home_of(w));
}

void home_init(struct worker *w, const struct home_shared *shared)
{
    struct home *h = mem_new_of(MEM_PROJECT, struct home);

    h->worker = w;
    h->shared = shared;
    hash_table_init(&h->projects, MEM_PROJECT, project_equal);
    hash_table_init(&h->types, MEM_PROJECT, type_equal);
    hash_table_init(&h->devices, MEM_DEVICE, device_equal);
    hash_table_init(&h->sub_devices, MEM_DEVICE, sub_device_equal);
    hash_table_init(&h->arrivals, MEM_DEVICE, hand_over_equal);
    h->roots = root_map_new();
    h->index = open_index_new(w->index);
    h->json = json_parser_new(shared->payload_max);
    list_init(&h->note.later);
    list_init(&h->store.later);
    list_init(&h->store.due);
    w->context[WORKER_PLATFORM] = h;
    worker_add_hook(w, on_turn_end, NULL);
}

/* All that is below it goes first. */
static void remove_device(struct home *h, struct device *d, bool is_told)
{
    uint64_t device_id = d->device_id;

    while (!list_is_empty(&d->below))
        remove_device(h, list_entry(d->below.next, struct sub_device, sibling_node)->device,
                      is_told);
    if (is_told) {
        device_retire(d);
        device_store_forget(d);
    } else {
        h->shared->sink->device_removed(h, d);
    }
    hash_table_remove(&h->devices, hash_u64(device_id), &device_id);
    list_remove(&d->project_node);
    device_free(&d);
    counter_add(&CT_devices, -1);
}

/* Nobody is left to hear of what its devices do last. */
static void remove_project(struct home *h, struct home_project *p)
{
    uint64_t project_id = p->project->project_id;

    while (!list_is_empty(&p->devices)) {
        struct device *d = list_entry(p->devices.next, struct device, project_node);

        remove_device(h, d, false);
    }
    for (size_t i = 0; i < p->rule_count; i++)
        alarm_rule_unref(&p->rules[i]);
    mem_free(p->rules);
    hash_table_remove(&h->projects, hash_u64(project_id), &project_id);
    project_unref(&p->project);
    secret_set_unref(&p->secrets);
    shared_bytes_unref(&p->origins);
    mem_free(p);
    counter_add(&CT_projects, -1);
}

static void free_types(struct home *h)
{
    struct home_type *t;
    size_t cursor = 0;

    while ((t = hash_table_next(&h->types, &cursor)) != NULL) {
        device_type_unref(&t->type);
        mem_free(t);
    }
    hash_table_deinit(&h->types);
}

void home_deinit(struct worker *w)
{
    struct home *h = home_of(w);
    struct home_project *p;
    size_t cursor = 0;

    while ((p = hash_table_next(&h->projects, &cursor)) != NULL) {
        remove_project(h, p);
        cursor = 0;
    }
    timer_cancel(&h->store.timer);
    free_types(h); /* no device leads to them any more */
    invariant(h->journal_first == NULL && h->alarm_first == NULL && h->arrivals.count == 0);
    root_map_unref(&h->roots);
    open_index_free(&h->index);
    json_parser_free(&h->json);
    json_parser_free(&h->log_json);
    hash_table_deinit(&h->projects);
    hash_table_deinit(&h->devices);
    hash_table_deinit(&h->sub_devices);
    hash_table_deinit(&h->arrivals);
    mem_free(h);
    w->context[WORKER_PLATFORM] = NULL;
}

struct home_project *home_find_project(const struct home *h, uint64_t project_id)
{
    return hash_table_find(&h->projects, hash_u64(project_id), &project_id);
}

/* The switches of a known project were written: who may not be connected any more must go. */
static void apply_switches(struct home *h, struct home_project *p, bool enabled, bool open_mqtt)
{
    if (!enabled || !open_mqtt)
        h->shared->sink->project_closed(h, p->project);
    for (struct list *n = p->devices.next; n != &p->devices; n = n->next) {
        struct device *d = list_entry(n, struct device, project_node);

        device_log_switch_project(d);
        if (!enabled)
            h->shared->sink->device_closed(h, d);
    }
}

void home_put_project(struct home *h, struct project *project)
{
    struct home_project *p = home_find_project(h, project->project_id);

    /* A known project keeps its object, since interest and devices hang on it; its switches follow.
     */
    if (p != NULL) {
        atomic_store_explicit(&p->project->enabled, project->enabled, memory_order_relaxed);
        atomic_store_explicit(&p->project->open_mqtt, project->open_mqtt, memory_order_relaxed);
        atomic_store_explicit(&p->project->alarm_per_rule, project->alarm_per_rule,
                              memory_order_relaxed);
        atomic_store_explicit(&p->project->log, project->log, memory_order_relaxed);
        atomic_store_explicit(&p->project->journal, project->journal, memory_order_relaxed);
        shared_bytes_unref(&p->origins);
        p->origins = shared_bytes_ref(project->origins);
        apply_switches(h, p, project->enabled, project->open_mqtt);
        return;
    }
    p = mem_new_of(MEM_PROJECT, struct home_project);
    p->project = project_ref(project);
    p->origins = shared_bytes_ref(project->origins);
    list_init(&p->devices);
    list_init(&p->retained);
    hash_table_put(&h->projects, hash_u64(project->project_id), p);
    counter_add(&CT_projects, 1);
}

void home_put_secrets(struct home *h, uint64_t project_id, struct secret_set *secrets)
{
    struct home_project *p = home_find_project(h, project_id);

    if (p == NULL)
        return;
    secret_set_unref(&p->secrets);
    p->secrets = secrets == NULL ? NULL : secret_set_ref(secrets);
    h->shared->sink->secrets_changed(h, p->project, secrets);
}

void home_remove_project(struct home *h, uint64_t project_id)
{
    struct home_project *p = home_find_project(h, project_id);

    if (p == NULL)
        return;
    h->shared->sink->project_removed(h, p->project);
    remove_project(h, p);
}

/* --- device types ---------------------------------------------------------------------------- */

struct home_type *home_find_type(const struct home *h, uint64_t type_id)
{
    return hash_table_find(&h->types, hash_u64(type_id), &type_id);
}

/* Leads the devices of this type to `t`; NULL: to none. Rare, so it walks the project's. */
static void lead_devices(struct home *h, const struct device_type *type, struct home_type *t)
{
    struct home_project *p = home_find_project(h, type->project_id);

    for (struct list *n = p == NULL ? NULL : p->devices.next; p != NULL && n != &p->devices;
         n = n->next) {
        struct device *d = list_entry(n, struct device, project_node);

        if (d->type_id == type->type_id)
            d->type = t;
    }
}

void home_put_type(struct home *h, struct device_type *type)
{
    struct home_type *t = home_find_type(h, type->type_id);

    if (t != NULL) {
        device_type_unref(&t->type);
        t->type = device_type_ref(type);
        return;
    }
    t = mem_new_of(MEM_PROJECT, struct home_type);
    t->type = device_type_ref(type);
    hash_table_put(&h->types, hash_u64(type->type_id), t);
    lead_devices(h, type, t);
}

void home_remove_type(struct home *h, uint64_t type_id)
{
    struct home_type *t = hash_table_remove(&h->types, hash_u64(type_id), &type_id);

    if (t == NULL)
        return;
    lead_devices(h, t->type, NULL);
    device_type_unref(&t->type);
    mem_free(t);
}

const struct device_type *home_find_product(const struct home *h, uint64_t project_id,
                                            struct slice word)
{
    uint64_t type_id = ident_parse(IDENT_TYPE, word);
    const struct home_type *t;
    size_t cursor = 0;

    while ((t = hash_table_next(&h->types, &cursor)) != NULL) {
        const struct device_type *type = t->type;

        if (type->project_id == project_id &&
            (type->type_id == type_id || (word.len > 0 && slice_is(word, type->code))))
            return type;
    }
    return NULL;
}

/* --- alarm rules ----------------------------------------------------------------------------- */

/* Rare, so it looks at each device of the project. */
static void update_alarms(struct home_project *p)
{
    for (struct list *n = p->devices.next; n != &p->devices; n = n->next)
        device_alarm_update(list_entry(n, struct device, project_node));
}

void home_put_rule(struct home *h, struct alarm_rule *r)
{
    struct home_project *p = home_find_project(h, r->project_id);
    size_t i = 0;

    invariant(p != NULL);
    while (i < p->rule_count && p->rules[i]->rule_id != r->rule_id)
        i++;
    if (i < p->rule_count) {
        alarm_rule_unref(&p->rules[i]);
    } else {
        p->rules = mem_resize(MEM_PROJECT, p->rules, (i + 1) * sizeof(struct alarm_rule *));
        p->rule_count++;
    }
    p->rules[i] = alarm_rule_ref(r);
    update_alarms(p);
}

static void remove_rule(struct home_project *p, size_t index)
{
    alarm_rule_unref(&p->rules[index]);
    p->rule_count--;
    memmove(&p->rules[index], &p->rules[index + 1],
            (p->rule_count - index) * sizeof(struct alarm_rule *));
    update_alarms(p);
}

void home_remove_rule(struct home *h, uint64_t rule_id)
{
    struct home_project *p;
    size_t cursor = 0;

    while ((p = hash_table_next(&h->projects, &cursor)) != NULL) {
        for (size_t i = 0; i < p->rule_count; i++) {
            if (p->rules[i]->rule_id == rule_id) {
                remove_rule(p, i);
                return;
            }
        }
    }
}

/* --- devices --------------------------------------------------------------------------------- */

struct device *home_find_device(const struct home *h, uint64_t device_id)
{
    return hash_table_find(&h->devices, hash_u64(device_id), &device_id);
}

struct device *home_add_device(struct home *h, uint64_t project_id, uint64_t device_id,
                               const struct secret_digest *password, bool enabled)
{
    struct home_project *p = home_find_project(h, project_id);
    struct device *d;

    invariant(p != NULL && home_find_device(h, device_id) == NULL);
    d = device_new(h, p, device_id, password, enabled);
    hash_table_put(&h->devices, hash_u64(device_id), d);
    list_push_back(&p->devices, &d->project_node);
    counter_add(&CT_devices, 1);
    device_alarm_update(d);
    return d;
}

void home_remove_device(struct home *h, uint64_t device_id)
{
    struct device *d = home_find_device(h, device_id);

    if (d != NULL)
        remove_device(h, d, true);
}

void home_take_device(struct home *h, struct device *d)
{
    h->shared->sink->device_removed(h, d);
    device_end_presence(d, slice_of("moved"));
    while (!list_is_empty(&d->below))
        sub_device_free_place(list_entry(d->below.next, struct sub_device, sibling_node)->device);
    sub_device_free_place(d);
    hash_table_remove(&h->devices, hash_u64(d->device_id), &d->device_id);
    list_remove(&d->project_node);
    device_leave(d);
}

void home_enter_device(struct home *h, struct home_project *p, struct device *d)
{
    invariant(home_find_device(h, d->device_id) == NULL);
    hash_table_put(&h->devices, hash_u64(d->device_id), d);
    list_push_back(&p->devices, &d->project_node);
    device_enter(d, h, p);
}

struct home_question {
    uint64_t device_id;
    worker_call_fn fn;
    void *arg;
    unsigned home;
};

static void ask_home(struct worker *w, void *arg)
{
    struct home_question *q = arg;

    q->home = home_of_device(home_of(w), q->device_id);
    if (q->home == w->index && q->fn != NULL)
        q->fn(w, q->arg);
}

unsigned home_call(struct worker_group *g, uint64_t device_id, worker_call_fn fn, void *arg)
{
    struct home_question q = {device_id, fn, arg, home_of_root(g, device_id)};
    unsigned asked;

    do { /* who does not know a new map yet leads back to where it was */
        asked = q.home;
        worker_group_call(g, asked, ask_home, &q);
    } while (q.home != asked);
    return asked;
}

void home_put_roots(struct home *h, struct root_map *roots)
{
    root_map_unref(&h->roots);
    h->roots = root_map_ref(roots);
}

struct device *home_next_device(const struct home *h, size_t *cursor)
{
    return hash_table_next(&h->devices, cursor);
}
