/*
 * Device types: their life, and what a name stands for in them. Attributes are found by hash (one
 * look-up a reported member), the rest by a walk: there are few, and a message names one of them.
 */
#include "platform/device_type.h"

#include "base/invariant.h"
#include "platform/device_type_priv.h"

static bool is_attribute(const void *item, const void *key)
{
    const struct type_attribute *a = item;

    return slice_equal(a->field.id, *(const struct slice *)key);
}

struct device_type *device_type_new(uint64_t type_id, uint64_t project_id)
{
    struct device_type *t = mem_new_of(MEM_PROJECT, struct device_type);

    t->magic = DEVICE_TYPE_MAGIC;
    atomic_init(&t->refs, 1);
    t->type_id = type_id;
    t->project_id = project_id;
    hash_table_init(&t->attribute_table, MEM_PROJECT, is_attribute);
    return t;
}

static void fields_deinit(struct type_fields *f)
{
    for (size_t i = 0; i < f->count; i++)
        type_field_deinit(&f->items[i]);
    mem_free(f->items);
}

static void methods_deinit(struct type_methods *m)
{
    for (size_t i = 0; i < m->count; i++) {
        fields_deinit(&m->items[i].params);
        fields_deinit(&m->items[i].reply);
    }
    mem_free(m->items);
}

static void type_free(struct device_type *t)
{
    for (size_t i = 0; i < t->attribute_count; i++)
        type_field_deinit(&t->attributes[i].field);
    mem_free(t->attributes);
    hash_table_deinit(&t->attribute_table);
    methods_deinit(&t->events);
    methods_deinit(&t->commands);
    mem_free(t->streams);
    device_type_free_definition(t);
    t->magic = 0;
    mem_free(t);
}

struct device_type *device_type_ref(struct device_type *t)
{
    invariant(t->magic == DEVICE_TYPE_MAGIC);
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void device_type_unref(struct device_type **tp)
{
    struct device_type *t = *tp;

    *tp = NULL;
    if (t == NULL)
        return;
    invariant(t->magic == DEVICE_TYPE_MAGIC);
    if (atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) == 1)
        type_free(t);
}

const struct type_attribute *device_type_find_attribute(const struct device_type *t,
                                                        struct slice id)
{
    return hash_table_find(&t->attribute_table, hash_bytes(id), &id);
}

static const struct type_method *find_method(const struct type_methods *m, struct slice id)
{
    for (size_t i = 0; i < m->count; i++) {
        if (slice_equal(m->items[i].id, id))
            return &m->items[i];
    }
    return NULL;
}

const struct type_method *device_type_find_event(const struct device_type *t, struct slice id)
{
    return find_method(&t->events, id);
}

const struct type_method *device_type_find_command(const struct device_type *t, struct slice id)
{
    return find_method(&t->commands, id);
}

const struct type_stream *device_type_find_stream(const struct device_type *t, struct slice id)
{
    for (size_t i = 0; i < t->stream_count; i++) {
        if (slice_equal(t->streams[i].id, id))
            return &t->streams[i];
    }
    return NULL;
}

const struct type_field *type_fields_find(const struct type_fields *f, struct slice id)
{
    for (size_t i = 0; i < f->count; i++) {
        if (slice_equal(f->items[i].id, id))
            return &f->items[i];
    }
    return NULL;
}
