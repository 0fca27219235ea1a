/*
 * From the registry to the workers: all of it at start, then what changed, as letters. Runs on the
 * main thread; after the start only the workers touch what they are home to.
 */
#include <pthread.h>

#include "app/events.h"
#include "app/secret_sync.h"
#include "base/invariant.h"
#include "platform/alarm_rule.h"
#include "platform/device_type.h"

/* --- at start -------------------------------------------------------------------------------- */

static struct project *make_project(const struct registry_project *row)
{
    struct project *p = project_new(row->project_id, row->enabled, row->open_mqtt);

    p->alarm_per_rule = row->alarm_per_rule;
    p->log = row->log;
    p->journal = (uint8_t)row->journal;
    if (row->origins[0] != '\0')
        p->origins = shared_bytes_new(MEM_PROJECT, slice_of(row->origins));
    return p;
}

static bool load_project(const struct registry_project *row, void *arg)
{
    struct server *s = arg;
    struct project *p = make_project(row);

    for (unsigned i = 0; i < worker_group_count(s->workers); i++)
        home_put_project(home_of(worker_group_get(s->workers, i)), p);
    project_unref(&p);
    return true;
}

/* NULL: its definition, which was right when it was given, cannot be read; that is told. */
static struct device_type *make_type(const struct registry_type *row)
{
    char error[DEVICE_TYPE_ERROR_MAX], text[IDENT_TEXT_LEN + 1];
    struct device_type *t;

    if (device_type_parse(row->type_id, row->project_id, row->definition, &t, error) == ST_OK) {
        memcpy(t->code, row->code, sizeof(t->code));
        return t;
    }
    ident_format(IDENT_TYPE, row->type_id, text);
    log_event(EV_TYPE_DAMAGED, "type", text, "cause", error);
    return NULL;
}

static bool load_type(const struct registry_type *row, void *arg)
{
    struct server *s = arg;
    struct device_type *t = make_type(row);

    for (unsigned i = 0; t != NULL && i < worker_group_count(s->workers); i++)
        home_put_type(home_of(worker_group_get(s->workers, i)), t);
    device_type_unref(&t);
    return true;
}

/* NULL as for types. */
static struct alarm_rule *make_rule(const struct registry_rule *row)
{
    char error[ALARM_RULE_ERROR_MAX], text[IDENT_TEXT_LEN + 1];
    struct alarm_rule *r;

    if (alarm_rule_parse(row->rule_id, row->project_id, row->definition, &r, error) == ST_OK)
        return r;
    ident_format(IDENT_RULE, row->rule_id, text);
    log_event(EV_RULE_DAMAGED, "rule", text, "cause", error);
    return NULL;
}

static bool load_rule(const struct registry_rule *row, void *arg)
{
    struct server *s = arg;
    struct alarm_rule *r = make_rule(row);

    for (unsigned i = 0; r != NULL && i < worker_group_count(s->workers); i++) {
        struct home *h = home_of(worker_group_get(s->workers, i));

        if (home_find_project(h, row->project_id) != NULL)
            home_put_rule(h, r);
    }
    alarm_rule_unref(&r);
    return true;
}

enum status registry_sync_load(struct server *s)
{
    enum status st = registry_last_change(s->registry, &s->applied_change);

    if (st == ST_OK)
        st = registry_project_each(s->registry, load_project, s);
    if (st == ST_OK)
        st = secret_sync_load(s);
    if (st == ST_OK)
        st = registry_type_each(s->registry, 0, load_type, s);
    if (st == ST_OK)
        st = registry_rule_each(s->registry, 0, load_rule, s);
    if (st == ST_OK)
        st = notifier_sync_load(s);
    if (st == ST_OK)
        st = device_sync_load(s);
    return st;
}

/* --- changes, as letters --------------------------------------------------------------------- */

static void open_project(struct worker *w, const struct letter *l)
{
    struct project *p = l->object;

    home_put_project(home_of(w), p);
    project_unref(&p);
}

static void open_project_removal(struct worker *w, const struct letter *l)
{
    home_remove_project(home_of(w), l->a);
}

static void open_type(struct worker *w, const struct letter *l)
{
    struct device_type *t = l->object;

    home_put_type(home_of(w), t);
    device_type_unref(&t);
}

static void open_type_removal(struct worker *w, const struct letter *l)
{
    home_remove_type(home_of(w), l->a);
}

static void open_rule(struct worker *w, const struct letter *l)
{
    struct alarm_rule *r = l->object;

    if (home_find_project(home_of(w), r->project_id) != NULL)
        home_put_rule(home_of(w), r);
    alarm_rule_unref(&r);
}

static void open_rule_removal(struct worker *w, const struct letter *l)
{
    home_remove_rule(home_of(w), l->a);
}

void registry_sync_post(struct server *s, const struct letter *letter)
{
    for (unsigned i = 0; i < worker_group_count(s->workers); i++)
        worker_group_post(s->workers, i, letter);
}

static void apply_project(struct server *s, const struct registry_change *c)
{
    struct letter removal = {.open = open_project_removal, .a = c->id};
    struct registry_project row;
    struct project *p;

    if (c->was_removed) {
        registry_sync_post(s, &removal);
        journal_commit_remove_project(s->commit, c->id);
    }
    if (c->removed)
        return;
    if (registry_project_find(s->registry, c->id, &row) != ST_OK)
        return; /* removed meanwhile: its own change follows */
    p = make_project(&row);
    secret_wipe(&row, sizeof(row));
    for (unsigned i = 0; i < worker_group_count(s->workers); i++) {
        struct letter letter = {.open = open_project, .object = project_ref(p)};

        worker_group_post(s->workers, i, &letter);
    }
    project_unref(&p);
}

static void apply_type(struct server *s, const struct registry_change *c)
{
    struct letter removal = {.open = open_type_removal, .a = c->id};
    struct buffer definition = {0};
    struct device_type *t = NULL;
    struct registry_type row;

    if (c->was_removed)
        registry_sync_post(s, &removal);
    if (!c->removed && registry_type_find(s->registry, c->id, &row, &definition) == ST_OK)
        t = make_type(&row);
    for (unsigned i = 0; t != NULL && i < worker_group_count(s->workers); i++) {
        struct letter letter = {.open = open_type, .object = device_type_ref(t)};

        worker_group_post(s->workers, i, &letter);
    }
    device_type_unref(&t);
    buffer_deinit(&definition);
}

static void apply_rule(struct server *s, const struct registry_change *c)
{
    struct letter removal = {.open = open_rule_removal, .a = c->id};
    struct buffer definition = {0};
    struct alarm_rule *r = NULL;
    struct registry_rule row;

    if (c->was_removed)
        registry_sync_post(s, &removal);
    if (!c->removed && registry_rule_find(s->registry, c->id, &row, &definition) == ST_OK)
        r = make_rule(&row);
    for (unsigned i = 0; r != NULL && i < worker_group_count(s->workers); i++) {
        struct letter letter = {.open = open_rule, .object = alarm_rule_ref(r)};

        worker_group_post(s->workers, i, &letter);
    }
    alarm_rule_unref(&r);
    buffer_deinit(&definition);
}

static void apply_secrets(struct server *s, const struct registry_change *c)
{
    secret_sync_apply(s, c->id);
}

/* Changes are gathered first: applying one reads rows, which must not happen inside a walk. */
static bool gather_change(const struct registry_change *c, void *arg)
{
    buffer_append(arg, c, sizeof(*c));
    return true;
}

/* Applies those of an entity. Projects go first, then types, and devices last (device_sync.c): of a
 * row only the newest change is told, so that of a project may stand behind its devices. */
static void apply_changes(struct server *s, const struct buffer *changes,
                          enum registry_entity entity)
{
    static void (*const apply[])(struct server *, const struct registry_change *) = {
        [REGISTRY_PROJECT] = apply_project,
        [REGISTRY_SECRETS] = apply_secrets,
        [REGISTRY_TYPE] = apply_type,
        [REGISTRY_RULE] = apply_rule,
    };

    for (size_t i = 0; i < changes->len / sizeof(struct registry_change); i++) {
        struct registry_change c;

        memcpy(&c, changes->data + i * sizeof(c), sizeof(c));
        s->applied_change = c.number; /* in the end that of the newest */
        if (c.entity != entity)
            continue;
        apply[entity](s, &c);
    }
}

/* Behind the workers: they have handed over all that is of the project. */
static void forget_alarms(struct server *s, const struct buffer *changes)
{
    for (size_t i = 0; i < changes->len / sizeof(struct registry_change); i++) {
        struct registry_change c;

        memcpy(&c, changes->data + i * sizeof(c), sizeof(c));
        if (c.entity == REGISTRY_PROJECT && c.was_removed)
            alarm_commit_remove_project(s->alarm_commit, c.id);
    }
}

struct barrier {
    pthread_mutex_t lock;
    pthread_cond_t all_there;
    unsigned missing;
};

static void open_barrier(struct worker *w, const struct letter *l)
{
    struct barrier *b = l->object;

    (void)w;
    pthread_mutex_lock(&b->lock);
    if (--b->missing == 0)
        pthread_cond_signal(&b->all_there);
    pthread_mutex_unlock(&b->lock);
}

/* Letters of one writer arrive in order, so whoever opened this one has opened all before it. */
void registry_sync_wait(struct server *s)
{
    struct barrier b = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
                        worker_group_count(s->workers)};
    struct letter letter = {.open = open_barrier, .object = &b};

    registry_sync_post(s, &letter);
    pthread_mutex_lock(&b.lock);
    while (b.missing > 0)
        pthread_cond_wait(&b.all_there, &b.lock);
    pthread_mutex_unlock(&b.lock);
    pthread_mutex_destroy(&b.lock);
    pthread_cond_destroy(&b.all_there);
}

void registry_sync_apply(struct server *s)
{
    struct buffer changes = {0};
    enum status st;

    invariant(s->is_running);
    if (!registry_has_changed(s->registry) && !s->sync_is_due)
        return;
    st = registry_change_each(s->registry, s->applied_change, gather_change, &changes);
    s->sync_is_due = st != ST_OK;
    if (st != ST_OK) {
        log_event(EV_REGISTRY_UNREADABLE, "cause", status_text(st));
        buffer_deinit(&changes);
        return;
    }
    apply_changes(s, &changes, REGISTRY_PROJECT);
    apply_changes(s, &changes, REGISTRY_SECRETS);
    apply_changes(s, &changes, REGISTRY_TYPE);
    apply_changes(s, &changes, REGISTRY_RULE);
    notifier_sync_apply(s, &changes);
    device_sync_apply(s, &changes);
    if (changes.len > 0) {
        registry_sync_wait(s);
        forget_alarms(s, &changes);
    }
    buffer_deinit(&changes);
}
