/*
 * The forms of payloads. Walks go along the checked text; the members of a node may stand in any
 * order, and of doubled ones the last counts, so a node is looked through before it is followed.
 */
#include "service/sub_payload.h"

#include "base/invariant.h"
#include "base/json_walk.h"

static bool is_there(const struct json_member *m)
{
    return m->value.data != NULL;
}

/* --- one sub-device -------------------------------------------------------------------------- */

const char *sub_payload_read(enum sub_dialect dialect, const struct json_parser *json,
                             struct slice value, const char *inner, struct sub_message *out)
{
    struct json_member device = {0}, m;
    struct json_walk w;

    out->inner = out->product = (struct json_member){0};
    json_walk_start(&w, json, value);
    while (json_walk_next(&w, &m)) {
        if (slice_is(m.key, "device"))
            device = m;
        else if (inner != NULL && slice_is(m.key, inner))
            out->inner = m;
        else if (slice_is(m.key, "product"))
            out->product = m;
    }
    if (!is_there(&device))
        return "\"device\" is missing";
    return sub_path_read(dialect, json, &device, &out->path);
}

/* --- attributes of many ---------------------------------------------------------------------- */

struct gathering {
    const struct json_parser *json;
    struct buffer *entries;
    sub_payload_fault_fn fault;
    void *arg;
    enum sub_dialect dialect;
    struct sub_path path; /* of a flat element */
};

/* What a node of the tree, or an element of the list, has. */
struct node {
    struct json_member attributes, ts, sub, device;
};

static struct node look_through(const struct gathering *g, struct slice object)
{
    struct node n = {0};
    struct json_member m;
    struct json_walk w;

    json_walk_start(&w, g->json, object);
    while (json_walk_next(&w, &m)) {
        if (slice_is(m.key, "attributes"))
            n.attributes = m;
        else if (slice_is(m.key, "ts"))
            n.ts = m;
        else if (slice_is(m.key, "sub"))
            n.sub = m;
        else if (slice_is(m.key, "device"))
            n.device = m;
    }
    return n;
}

/* Milliseconds that could be; otherwise the values count as of now, and that is told. */
static int64_t read_ts(const struct gathering *g, struct device *d, const struct json_member *m)
{
    int64_t ts_ms = 0;

    if (!is_there(m))
        return 0;
    if (json_member_int64(m, &ts_ms) == ST_OK && ts_ms > 0)
        return ts_ms;
    g->fault(d, "\"ts\" must be a number of milliseconds: taken as of now", g->arg);
    return 0;
}

/* The device's mark says which entry of this payload is its last. */
static void add_entry(struct gathering *g, struct device *d, const struct json_member *attributes,
                      const struct json_member *ts)
{
    struct sub_report_entry e = {.device = d, .attributes = attributes->value};

    if (attributes->type != JSON_TYPE_OBJECT) {
        g->fault(d, "attributes must be an object", g->arg);
        return;
    }
    e.ts_ms = ts == NULL ? 0 : read_ts(g, d, ts);
    d->sub->mark = (uint32_t)(g->entries->len / sizeof(e));
    d->sub->dialect = (uint8_t)g->dialect;
    buffer_append(g->entries, &e, sizeof(e));
}

static struct device *find_or_tell(struct gathering *g, struct device *parent, struct slice address)
{
    struct device *d = sub_device_find(parent, address);
    char why[SUB_PATH_WHY_MAX];

    if (d != NULL)
        return d;
    sub_path_tell_unknown(address, why);
    g->fault(parent, why, g->arg);
    return NULL;
}

static void gather_tree(struct gathering *g, struct device *parent, struct slice object,
                        unsigned level);

static void gather_node(struct gathering *g, struct device *d, struct slice object, unsigned level)
{
    struct node n = look_through(g, object);
    bool is_below_first = is_there(&n.sub) && n.sub.value.data < n.attributes.value.data;

    if (is_there(&n.attributes) && !is_below_first)
        add_entry(g, d, &n.attributes, &n.ts);
    if (is_there(&n.sub) && n.sub.type == JSON_TYPE_OBJECT)
        gather_tree(g, d, n.sub.value, level + 1);
    else if (is_there(&n.sub))
        g->fault(d, "\"sub\" must be an object", g->arg);
    if (is_there(&n.attributes) && is_below_first)
        add_entry(g, d, &n.attributes, &n.ts);
}

static void gather_tree(struct gathering *g, struct device *parent, struct slice object,
                        unsigned level)
{
    struct json_member m;
    struct json_walk w;

    if (level > SUB_LEVELS_MAX) {
        g->fault(parent, "more levels of sub-devices than there can be", g->arg);
        return;
    }
    json_walk_start(&w, g->json, object);
    while (json_walk_next(&w, &m)) {
        struct device *d = find_or_tell(g, parent, m.key);

        if (d == NULL)
            continue;
        if (g->dialect == SUB_DIALECT_GATEWAY)
            add_entry(g, d, &m, NULL);
        else if (m.type == JSON_TYPE_OBJECT)
            gather_node(g, d, m.value, level);
        else
            g->fault(d, "what an address leads to must be an object", g->arg);
    }
}

static void gather_element(struct gathering *g, struct device *root, const struct json_member *m)
{
    char unknown[SUB_PATH_WHY_MAX];
    struct device *d, *nearest;
    struct node n = {0};
    unsigned depth;
    const char *why;

    if (m->type == JSON_TYPE_OBJECT)
        n = look_through(g, m->value);
    if (!is_there(&n.device) || !is_there(&n.attributes)) {
        g->fault(root, "an element must have \"device\" and \"attributes\"", g->arg);
        return;
    }
    why = sub_path_read(g->dialect, g->json, &n.device, &g->path);
    if (why != NULL) {
        g->fault(root, why, g->arg);
        return;
    }
    d = sub_path_find(root, &g->path, &nearest, &depth);
    if (d != NULL) {
        add_entry(g, d, &n.attributes, &n.ts);
        return;
    }
    sub_path_tell_unknown(g->path.steps[depth], unknown);
    g->fault(nearest, unknown, g->arg);
}

static void gather_list(struct gathering *g, struct device *root, struct slice list)
{
    struct json_member m;
    struct json_walk w;

    json_walk_start(&w, g->json, list);
    while (json_walk_next(&w, &m))
        gather_element(g, root, &m);
}

/* In a tree a device is there once: where an address is doubled, the last one counts. */
static void drop_doubled(struct buffer *entries)
{
    struct sub_report_entry *all = (struct sub_report_entry *)(void *)entries->data;
    size_t count = entries->len / sizeof(*all), kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (all[i].device->sub->mark == i)
            all[kept++] = all[i];
    }
    entries->len = kept * sizeof(*all);
}

void sub_payload_gather(enum sub_dialect dialect, struct device *root,
                        const struct json_parser *json, struct slice value, struct buffer *entries,
                        sub_payload_fault_fn fault, void *arg)
{
    struct gathering g = {
        .json = json, .entries = entries, .fault = fault, .arg = arg, .dialect = dialect};

    invariant(entries->len == 0);
    if (json_value_type(value) == JSON_TYPE_ARRAY) {
        gather_list(&g, root, value);
        return;
    }
    gather_tree(&g, root, value, 1);
    drop_doubled(entries);
}
