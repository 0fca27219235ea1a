/*
 * The newest value of each attribute of a device.
 *
 * Values stand in the order in which they first came. A report usually names them in that order
 * again, so a name is first compared with the one behind the last hit; otherwise few names are
 * walked over and many are looked up by hash, so that no order of a report is expensive. Values are
 * replaced and never removed. Belongs to the device's home worker. What a value means is not known
 * here. Source: open-api.md 3.2, 5
 */
#include "platform/cloud_value.h"

#include "base/hash_table.h"
#include "base/invariant.h"
#include "base/json.h"

enum {
    ITEMS_MIN = 4,
    WALK_MAX = 16,  /* with more names than these they are looked up by hash */
    BYTES_STEP = 16 /* memory is asked for in steps, so that the length of a value may vary */
};
_Static_assert((CLOUD_VALUES_MAX & (CLOUD_VALUES_MAX - 1)) == 0, "places hold twice as many");
_Static_assert(CLOUD_VALUES_MAX * 2 <= UINT16_MAX, "a place, and the number of places");

void cloud_values_deinit(struct cloud_values *v)
{
    for (unsigned i = 0; i < v->count; i++)
        mem_free(v->items[i].bytes);
    mem_free(v->items);
    mem_free(v->places);
    *v = (struct cloud_values){0};
}

static bool has_name(const struct cloud_value *c, struct slice name)
{
    return slice_equal(cloud_value_name(c), name);
}

static uint32_t hash_of(struct slice name)
{
    return (uint32_t)hash_bytes(name);
}

/* Puts an item in the first free place from the one that its hash names. */
static void place(struct cloud_values *v, unsigned item)
{
    unsigned mask = v->places_count - 1u;
    unsigned at = v->items[item].name_hash & mask;

    while (v->places[at] != 0)
        at = (at + 1) & mask;
    v->places[at] = (uint16_t)(item + 1);
}

/* Makes the places anew when a quarter of them or fewer would be free. */
static void place_new(struct cloud_values *v, unsigned item)
{
    if (v->count <= WALK_MAX)
        return;
    v->items[item].name_hash = hash_of(cloud_value_name(&v->items[item]));
    if (v->count * 4u <= v->places_count * 3u) {
        place(v, item);
        return;
    }
    if (v->places == NULL) {
        v->places_count = WALK_MAX * 2;
        for (unsigned i = 0; i < v->count; i++)
            v->items[i].name_hash = hash_of(cloud_value_name(&v->items[i]));
    }
    mem_free(v->places);
    v->places_count = (uint16_t)(v->places_count * 2);
    v->places = mem_new(MEM_DEVICE, v->places_count * sizeof(*v->places));
    for (unsigned i = 0; i < v->count; i++)
        place(v, i);
}

static struct cloud_value *look_up(const struct cloud_values *v, struct slice name)
{
    uint32_t hash = hash_of(name);
    unsigned mask = v->places_count - 1u;

    for (unsigned at = hash & mask; v->places[at] != 0; at = (at + 1) & mask) {
        struct cloud_value *c = &v->items[v->places[at] - 1];

        if (c->name_hash == hash && has_name(c, name))
            return c;
    }
    return NULL;
}

static struct cloud_value *find(const struct cloud_values *v, struct slice name)
{
    if (v->places != NULL)
        return look_up(v, name);
    for (unsigned i = 0; i < v->count; i++) {
        if (has_name(&v->items[i], name))
            return &v->items[i];
    }
    return NULL;
}

/* Room for name and value; what a long value needed goes back when a short one follows. */
static void fit(struct cloud_value *c, size_t len)
{
    size_t rounded = (len / BYTES_STEP + 1) * BYTES_STEP;

    if (len <= c->capacity && c->capacity <= rounded * 2)
        return;
    c->bytes = mem_resize(MEM_DEVICE, c->bytes, rounded);
    c->capacity = (uint32_t)rounded;
}

static struct cloud_value *add(struct cloud_values *v, struct slice name, size_t value_len)
{
    struct cloud_value *c;

    if (v->count == v->capacity) {
        v->capacity = (uint16_t)(v->capacity == 0 ? ITEMS_MIN : v->capacity * 2);
        v->items = mem_resize(MEM_DEVICE, v->items, v->capacity * sizeof(*v->items));
    }
    c = &v->items[v->count++];
    *c = (struct cloud_value){.name_len = (uint16_t)name.len, .ts_ms = INT64_MIN};
    fit(c, name.len + value_len);
    if (name.len > 0)
        memcpy(c->bytes, name.data, name.len);
    v->bytes += (uint32_t)name.len;
    place_new(v, v->count - 1u);
    return c;
}

static struct cloud_value *find_or_add(struct cloud_values *v, struct slice name,
                                       struct slice value)
{
    struct cloud_value *c;

    if (v->hint < v->count && has_name(&v->items[v->hint], name))
        return &v->items[v->hint];
    c = find(v, name);
    if (c != NULL)
        return c;
    if (name.len > CLOUD_VALUE_NAME_MAX || v->count == CLOUD_VALUES_MAX ||
        name.len + value.len > CLOUD_VALUES_BYTES_MAX - v->bytes)
        return NULL;
    return add(v, name, value.len);
}

bool cloud_values_set(struct cloud_values *v, struct slice name, struct slice value, int64_t ts_ms)
{
    struct cloud_value *c = find_or_add(v, name, value);

    if (c == NULL)
        return false;
    v->hint = (uint16_t)(c - v->items + 1);
    if (ts_ms < c->ts_ms || value.len > CLOUD_VALUES_BYTES_MAX - (v->bytes - c->value_len))
        return false;
    fit(c, c->name_len + value.len);
    if (value.len > 0)
        memcpy(c->bytes + c->name_len, value.data, value.len);
    v->bytes += (uint32_t)value.len - c->value_len;
    c->value_len = (uint32_t)value.len;
    c->ts_ms = ts_ms;
    c->dirty = true;
    return true;
}

const struct cloud_value *cloud_values_find(const struct cloud_values *v, struct slice name)
{
    return find(v, name);
}

static void append_member(const struct cloud_value *c, bool first, struct buffer *out)
{
    if (!first)
        buffer_append_u8(out, ',');
    json_append_string(out, cloud_value_name(c));
    buffer_append_u8(out, ':');
    buffer_append_slice(out, cloud_value_json(c));
}

void cloud_values_append_object(const struct cloud_values *v, const struct slice *names,
                                size_t count, cloud_value_filter_fn filter, const void *arg,
                                struct buffer *out)
{
    bool given[CLOUD_VALUES_MAX] = {false};
    bool first = true;

    buffer_append_u8(out, '{');
    for (unsigned i = 0; count == 0 && i < v->count; i++) {
        if (!filter(cloud_value_name(&v->items[i]), arg))
            continue;
        append_member(&v->items[i], first, out);
        first = false;
    }
    for (size_t n = 0; n < count; n++) {
        const struct cloud_value *c = find(v, names[n]);

        if (c == NULL || given[c - v->items] || !filter(names[n], arg))
            continue;
        given[c - v->items] = true;
        append_member(c, first, out);
        first = false;
    }
    buffer_append_u8(out, '}');
}
