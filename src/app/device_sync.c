/*
 * Devices from the registry to the workers that are home to them.
 *
 * A device is at the home of its root, so a change of one row may move all that is below it. The
 * map of roots changes first, on every worker; then those that move are handed over
 * (platform/hand_over.h), and then each row is applied, parents before their sub-devices. Runs on
 * the main thread.
 */
#include "app/events.h"
#include "app/server_priv.h"
#include "base/invariant.h"
#include "platform/device_log.h"
#include "platform/hand_over.h"
#include "platform/sub_device.h"

/* A row as its home gets it. */
struct device_row {
    uint64_t project_id, device_id, type_id;
    uint64_t parent_id; /* 0: none */
    struct secret_digest password;
    int64_t created_ms;
    bool enabled;
    bool log;
    char address[REGISTRY_NAME_MAX + 1];
    char sn[REGISTRY_SN_MAX + 1];
};
_Static_assert((int)REGISTRY_NAME_MAX <= (int)SUB_ADDRESS_MAX, "an address fits");
_Static_assert((int)REGISTRY_LEVELS_MAX == (int)SUB_LEVELS_MAX, "and so does a path");

/* Rows that wait until it is their level's turn. */
struct batch {
    struct server *server;
    struct buffer rows[REGISTRY_LEVELS_MAX + 1]; /* owned: struct device_row *, by level */
    struct buffer changes;                       /* owned: struct root_map_change */
    struct buffer moved; /* owned: uint64_t, those that other workers were home to */
};

static unsigned home_by(const struct server *s, uint64_t root_id)
{
    return home_of_root(s->workers, root_id);
}

unsigned device_sync_home(const struct server *s, uint64_t device_id)
{
    return home_by(s, root_map_find(s->roots, device_id));
}

static struct home *home_for(const struct server *s, uint64_t device_id)
{
    return home_of(worker_group_get(s->workers, device_sync_home(s, device_id)));
}

/* --- a row at its home ----------------------------------------------------------------------- */

static struct device_row *row_new(const struct registry_device *d)
{
    struct device_row *row = mem_new_of(MEM_DEVICE, struct device_row);

    row->project_id = d->project_id;
    row->device_id = d->device_id;
    row->type_id = d->type_id;
    row->parent_id = d->parent_id;
    row->password = secret_digest_of(slice_of(d->password));
    row->created_ms = d->created_ms;
    row->enabled = d->enabled;
    row->log = d->log;
    memcpy(row->address, d->address, sizeof(row->address));
    memcpy(row->sn, d->sn, sizeof(row->sn));
    return row;
}

static void tell_orphan(const struct device_row *row)
{
    char text[IDENT_TEXT_LEN + 1];

    ident_format(IDENT_DEVICE, row->device_id, text);
    log_event(EV_DEVICE_WITHOUT_PARENT, "device", text);
}

/* The project may be missing: its row is damaged, or came after the projects were read. So may the
 * parent: then the device is left out, as who else should speak for it. */
static void apply_row(struct home *h, const struct device_row *row)
{
    struct device *d = home_find_device(h, row->device_id);
    struct device *parent = row->parent_id == 0 ? NULL : home_find_device(h, row->parent_id);

    if (home_find_project(h, row->project_id) == NULL)
        return;
    if (row->parent_id != 0 && parent == NULL) {
        tell_orphan(row);
        home_remove_device(h, row->device_id);
        return;
    }
    if (d != NULL)
        device_change(d, &row->password, row->enabled);
    else
        d = home_add_device(h, row->project_id, row->device_id, &row->password, row->enabled);
    device_set_created(d, row->created_ms);
    device_set_type(d, row->type_id);
    device_set_sn(d, row->sn);
    device_log_switch(d, row->log);
    if (parent != NULL)
        sub_device_place(d, parent, slice_of(row->address));
    else
        sub_device_free_place(d);
}

static void open_row(struct worker *w, const struct letter *l)
{
    struct device_row *row = l->object;

    apply_row(home_of(w), row);
    mem_free(row);
}

static void open_removal(struct worker *w, const struct letter *l)
{
    home_remove_device(home_of(w), l->a);
}

/* --- batches --------------------------------------------------------------------------------- */

static void batch_add(struct batch *b, const struct registry_device *d, unsigned level)
{
    struct device_row *row = row_new(d);

    buffer_append(&b->rows[level], &row, sizeof(row));
}

static void batch_change_root(struct batch *b, uint64_t device_id, uint64_t root_id)
{
    struct root_map_change c = {device_id, root_id == device_id ? 0 : root_id};

    buffer_append(&b->changes, &c, sizeof(c));
    if (home_by(b->server, root_id) != device_sync_home(b->server, device_id))
        buffer_append(&b->moved, &device_id, sizeof(device_id));
}

/* Does something to each row, those of the upper levels first; the rows are gone afterwards. */
static void batch_take_rows(struct batch *b, void (*fn)(struct server *s, struct device_row *row))
{
    for (unsigned level = 0; level <= REGISTRY_LEVELS_MAX; level++) {
        struct buffer *rows = &b->rows[level];

        for (size_t at = 0; at < rows->len; at += sizeof(struct device_row *)) {
            struct device_row *row;

            memcpy(&row, rows->data + at, sizeof(row));
            fn(b->server, row);
        }
        buffer_deinit(rows);
    }
}

/* --- at start -------------------------------------------------------------------------------- */

static bool gather_parent(uint64_t device_id, uint64_t parent_id, void *arg)
{
    struct root_map_change c = {device_id, parent_id};

    buffer_append(arg, &c, sizeof(c));
    return true;
}

/* From parents to roots: each round doubles the steps that a pair spans. What is then still no root
 * stands in a circle, which only a damaged registry has. */
static struct root_map *map_of_parents(const struct buffer *parents)
{
    struct root_map *empty = root_map_new();
    struct root_map_change *pairs = (struct root_map_change *)(void *)parents->data;
    size_t count = parents->len / sizeof(*pairs);
    struct root_map *m = root_map_with(empty, pairs, count);

    root_map_unref(&empty);
    for (unsigned span = 1; span < REGISTRY_LEVELS_MAX; span *= 2) {
        struct root_map *next;

        for (size_t i = 0; i < count; i++)
            pairs[i].root_id = root_map_find(m, pairs[i].root_id);
        next = root_map_with(m, pairs, count);
        root_map_unref(&m);
        m = next;
    }
    return m;
}

/* Those that connect themselves are entered at once; the others wait for their parents. */
static bool load_device(const struct registry_device *d, void *arg)
{
    struct batch *b = arg;
    struct device_row *row;

    if (d->parent_id != 0) {
        batch_add(b, d, 1); /* or deeper */
        return true;
    }
    row = row_new(d);
    apply_row(home_for(b->server, d->device_id), row);
    mem_free(row);
    return true;
}

/* Applies the rows whose parents are there; the others stay. */
static void load_level(struct server *s, struct buffer *rows)
{
    struct buffer left = {0};

    for (size_t at = 0; at < rows->len; at += sizeof(struct device_row *)) {
        struct device_row *row;
        struct home *h;

        memcpy(&row, rows->data + at, sizeof(row));
        h = home_for(s, row->device_id);
        if (home_find_device(h, row->parent_id) == NULL) {
            buffer_append(&left, &row, sizeof(row));
            continue;
        }
        apply_row(h, row);
        mem_free(row);
    }
    buffer_deinit(rows);
    *rows = left;
}

static void drop_row(struct server *s, struct device_row *row)
{
    (void)s;
    tell_orphan(row);
    mem_free(row);
}

enum status device_sync_load(struct server *s)
{
    struct batch b = {.server = s};
    struct buffer parents = {0};
    enum status st = registry_device_each_parent(s->registry, gather_parent, &parents);

    root_map_unref(&s->roots);
    s->roots = map_of_parents(&parents);
    buffer_deinit(&parents);
    for (unsigned i = 0; i < worker_group_count(s->workers); i++)
        home_put_roots(home_of(worker_group_get(s->workers, i)), s->roots);
    if (st == ST_OK)
        st = registry_device_each(s->registry, 0, load_device, &b);
    for (unsigned level = 1; level <= REGISTRY_LEVELS_MAX && b.rows[1].len > 0; level++)
        load_level(s, &b.rows[1]);
    batch_take_rows(&b, drop_row);
    return st;
}

/* --- changes, as letters --------------------------------------------------------------------- */

static bool gather_below(uint64_t device_id, unsigned level, void *arg)
{
    (void)level;
    buffer_append(arg, &device_id, sizeof(device_id));
    return true;
}

static void gather_row(struct batch *b, uint64_t device_id, bool with_below);

/* Its root is another one now: so is that of all below it, whose rows have not changed. */
static void gather_below_rows(struct batch *b, uint64_t device_id)
{
    struct buffer below = {0};

    if (registry_device_each_below(b->server->registry, device_id, gather_below, &below) != ST_OK)
        below.len = 0; /* told by the registry; as with a row that cannot be read */
    for (size_t at = 0; at < below.len; at += sizeof(uint64_t)) {
        uint64_t id;

        memcpy(&id, below.data + at, sizeof(id));
        gather_row(b, id, false);
    }
    buffer_deinit(&below);
}

/* Removed meanwhile: its own change follows. */
static void gather_row(struct batch *b, uint64_t device_id, bool with_below)
{
    struct server *s = b->server;
    struct registry_device d;
    uint64_t root_id = device_id;
    unsigned level = 0;
    enum status st = registry_device_find(s->registry, device_id, &d);

    if (st == ST_OK && d.parent_id != 0)
        st = registry_device_root(s->registry, device_id, &root_id, &level);
    if (st == ST_OK) {
        batch_add(b, &d, level);
        if (root_id != root_map_find(s->roots, device_id)) {
            batch_change_root(b, device_id, root_id);
            if (with_below)
                gather_below_rows(b, device_id);
        }
    }
    secret_wipe(&d, sizeof(d));
}

static void post_removal(struct batch *b, uint64_t device_id)
{
    struct letter removal = {.open = open_removal, .a = device_id};
    struct server *s = b->server;

    worker_group_post(s->workers, device_sync_home(s, device_id), &removal);
}

/* Then it needs no place in the map. */
static void forget_root(struct batch *b, uint64_t device_id)
{
    struct root_map_change c = {device_id, 0};

    if (root_map_find(b->server->roots, device_id) != device_id)
        buffer_append(&b->changes, &c, sizeof(c));
}

static void gather(struct batch *b, const struct buffer *changes)
{
    for (size_t i = 0; i < changes->len / sizeof(struct registry_change); i++) {
        struct registry_change c;

        memcpy(&c, changes->data + i * sizeof(c), sizeof(c));
        if (c.entity != REGISTRY_DEVICE)
            continue;
        if (c.was_removed) /* what is there now may be of another project */
            post_removal(b, c.id);
        if (c.removed)
            forget_root(b, c.id);
        else
            gather_row(b, c.id, true);
    }
}

static void open_roots(struct worker *w, const struct letter *l)
{
    struct root_map *m = l->object;

    home_put_roots(home_of(w), m);
    root_map_unref(&m);
}

static void open_expect(struct worker *w, const struct letter *l)
{
    hand_over_expect(home_of(w), l->a);
}

static void open_send(struct worker *w, const struct letter *l)
{
    hand_over_send(home_of(w), l->a, (unsigned)l->b);
}

static void open_enter(struct worker *w, const struct letter *l)
{
    hand_over_enter(home_of(w), l->a);
}

static void open_finish(struct worker *w, const struct letter *l)
{
    hand_over_finish(home_of(w), l->a);
}

/* A letter about each device that moves, to its home by this map; in `b` its home by the new one.
 */
static void post_moved(const struct batch *b, const struct root_map *to, letter_fn open)
{
    const struct server *s = b->server;

    for (size_t at = 0; at < b->moved.len; at += sizeof(uint64_t)) {
        struct letter letter = {.open = open};

        memcpy(&letter.a, b->moved.data + at, sizeof(letter.a));
        letter.b = device_sync_home(s, letter.a);
        worker_group_post(s->workers, home_by(s, root_map_find(to, letter.a)), &letter);
    }
}

/* Twice: a letter that a worker has written while it opened the first one has left its turn when it
 * opens the second. */
static void wait_for_what_they_sent(struct server *s)
{
    registry_sync_wait(s);
    registry_sync_wait(s);
}

/* The workers learn the new map, and those that move are taken to their new homes. */
static void change_homes(struct batch *b)
{
    struct server *s = b->server;
    struct root_map *old = s->roots;

    s->roots = root_map_with(old, (const struct root_map_change *)(const void *)b->changes.data,
                             b->changes.len / sizeof(struct root_map_change));
    post_moved(b, s->roots, open_expect);
    for (unsigned i = 0; i < worker_group_count(s->workers); i++) {
        struct letter letter = {.open = open_roots, .object = root_map_ref(s->roots)};

        worker_group_post(s->workers, i, &letter);
    }
    if (b->moved.len > 0) {
        wait_for_what_they_sent(s);
        post_moved(b, old, open_send);
        wait_for_what_they_sent(s);
        post_moved(b, s->roots, open_enter);
    }
    root_map_unref(&old);
}

static void post_row(struct server *s, struct device_row *row)
{
    struct letter letter = {.open = open_row, .object = row};

    worker_group_post(s->workers, device_sync_home(s, row->device_id), &letter);
}

void device_sync_apply(struct server *s, const struct buffer *changes)
{
    struct batch b = {.server = s};

    gather(&b, changes);
    if (b.changes.len > 0)
        change_homes(&b);
    batch_take_rows(&b, post_row);
    post_moved(&b, s->roots, open_finish);
    buffer_deinit(&b.changes);
    buffer_deinit(&b.moved);
}
