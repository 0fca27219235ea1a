/*
 * Rows of secrets become sets, one a project; every worker gets the same.
 *
 * A secret whose definition cannot be read is left out: nobody logs in with it.
 */
#include "app/secret_sync.h"

#include "app/events.h"
#include "base/clock.h"
#include "base/invariant.h"
#include "platform/secret_set.h"

enum { SAVE_USES_MS = 60 * 1000 };

/* The secrets of one project, as they are read. */
struct gathering {
    struct server *server;
    uint64_t project_id; /* 0: none yet */
    struct project_secret *secrets[SECRET_SET_MAX];
    size_t count;
};
_Static_assert((int)REGISTRY_SECRETS_MAX == (int)SECRET_SET_MAX, "a project's secrets are one set");

static void gather(struct gathering *g, const struct registry_secret *row)
{
    char error[PROJECT_SECRET_ERROR_MAX], project[IDENT_TEXT_LEN + 1];
    struct project_secret *s;

    if (g->count < SECRET_SET_MAX && project_secret_parse(row->name, slice_of(row->secret),
                                                          row->definition, &s, error) == ST_OK) {
        g->secrets[g->count++] = s;
        return;
    }
    ident_format(IDENT_PROJECT, row->project_id, project);
    log_event(EV_SECRET_DAMAGED, "project", project, "secret", row->name, "cause",
              g->count < SECRET_SET_MAX ? error : "too many");
}

/* The set of what was gathered, which begins anew; NULL: it is empty. */
static struct secret_set *take_set(struct gathering *g)
{
    struct secret_set *set = g->count == 0 ? NULL : secret_set_new(g->secrets, g->count);

    g->count = 0;
    return set;
}

static void put_set(struct gathering *g)
{
    struct worker_group *workers = g->server->workers;
    struct secret_set *set = take_set(g);

    for (unsigned i = 0; set != NULL && i < worker_group_count(workers); i++)
        home_put_secrets(home_of(worker_group_get(workers, i)), g->project_id, set);
    secret_set_unref(&set);
}

static bool load_secret(const struct registry_secret *row, void *arg)
{
    struct gathering *g = arg;

    if (row->project_id != g->project_id)
        put_set(g);
    g->project_id = row->project_id;
    gather(g, row);
    return true;
}

enum status secret_sync_load(struct server *s)
{
    struct gathering g = {.server = s};
    enum status st = registry_secret_each(s->registry, 0, load_secret, &g);

    put_set(&g);
    return st;
}

/* a: project; object: its set, a reference, or NULL */
static void open_secrets(struct worker *w, const struct letter *l)
{
    struct secret_set *set = l->object;

    home_put_secrets(home_of(w), l->a, set);
    secret_set_unref(&set);
}

static bool gather_secret(const struct registry_secret *row, void *arg)
{
    gather(arg, row);
    return true;
}

void secret_sync_apply(struct server *s, uint64_t project_id)
{
    struct gathering g = {.server = s, .project_id = project_id};
    enum status st = registry_secret_each(s->registry, project_id, gather_secret, &g);
    struct secret_set *set = take_set(&g);

    if (st != ST_OK)
        log_event(EV_REGISTRY_UNREADABLE, "cause", status_text(st));
    for (unsigned i = 0; st == ST_OK && i < worker_group_count(s->workers); i++) {
        struct letter letter = {.open = open_secrets,
                                .object = set == NULL ? NULL : secret_set_ref(set),
                                .a = project_id};

        worker_group_post(s->workers, i, &letter);
    }
    secret_set_unref(&set);
}

/* --- uses, the other way --------------------------------------------------------------------- */

static enum status write_uses(struct registry *r, const struct buffer *uses)
{
    enum status st = registry_begin(r);

    if (st != ST_OK)
        return st;
    for (size_t at = 0; st == ST_OK && at < uses->len; at += sizeof(struct secret_use)) {
        struct secret_use use;

        memcpy(&use, uses->data + at, sizeof(use));
        st = registry_secret_set_use(r, use.project_id, use.name, use.used_ms, use.used_from);
    }
    if (st == ST_OK)
        return registry_commit(r);
    registry_rollback(r);
    return st;
}

static void give_back(struct server *s, const struct buffer *uses)
{
    for (size_t at = 0; at < uses->len; at += sizeof(struct secret_use)) {
        struct secret_use use;

        memcpy(&use, uses->data + at, sizeof(use));
        secret_usage_note(s->secret_usage, use.project_id, use.name, slice_of(use.used_from),
                          use.used_ms);
    }
}

void secret_sync_save_uses(struct server *s)
{
    struct buffer uses = {0};

    s->uses_saved_ms = clock_mono_ms();
    secret_usage_take(s->secret_usage, &uses);
    if (uses.len > 0 && write_uses(s->registry, &uses) != ST_OK) {
        log_event(EV_USES_NOT_SAVED);
        give_back(s, &uses);
    }
    buffer_deinit(&uses);
}

void secret_sync_save_uses_now_and_then(struct server *s)
{
    if (clock_mono_ms() - s->uses_saved_ms >= SAVE_USES_MS)
        secret_sync_save_uses(s);
}
