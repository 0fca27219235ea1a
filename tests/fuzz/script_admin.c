/* Changes of the registry reach the workers as letters, as app/registry_sync.c sends them. */
#include "base/invariant.h"
#include "platform/device.h"
#include "script_priv.h"

enum admin_action {
    ADMIN_REMOVE_DEVICE,
    ADMIN_ADD_DEVICE,
    ADMIN_DISABLE_DEVICE,
    ADMIN_DISABLE_PROJECT,
    ADMIN_CLOSE_PROJECT, /* to applications */
    ADMIN_ENABLE_PROJECT,
    ADMIN_REMOVE_PROJECT,
    ADMIN_REMOVE_SECRETS,
    ADMIN_ADD_SECRETS,
    ADMIN_ACTION_COUNT
};

static uint64_t project_id(void)
{
    return ident_parse(IDENT_PROJECT, slice_of(WORLD_PROJECT));
}

/* a: device, b: enabled */
static void open_device(struct worker *w, const struct letter *l)
{
    struct secret_digest secret = secret_digest_of(slice_of(WORLD_PASSWORD));
    struct home *h = home_of(w);
    struct device *d = home_find_device(h, l->a);

    if (d != NULL)
        device_change(d, &secret, l->b != 0);
    else if (home_find_project(h, project_id()) != NULL)
        (void)home_add_device(h, project_id(), l->a, &secret, l->b != 0);
}

/* a: device */
static void open_device_removal(struct worker *w, const struct letter *l)
{
    home_remove_device(home_of(w), l->a);
}

/* a: enabled, b: open to applications; object: a reference */
static void open_project(struct worker *w, const struct letter *l)
{
    struct project *p = l->object;

    home_put_project(home_of(w), p);
    project_unref(&p);
}

static void open_project_removal(struct worker *w, const struct letter *l)
{
    (void)l;
    home_remove_project(home_of(w), project_id());
}

static void put_project(struct world *w, bool enabled, bool open_mqtt)
{
    struct project *p = project_new(project_id(), enabled, open_mqtt);

    for (unsigned i = 0; i < w->worker_count; i++) {
        struct letter letter = {.open = open_project, .object = project_ref(p)};

        worker_group_post(w->workers, i, &letter);
    }
    project_unref(&p);
}

/* object: a reference, or NULL */
static void open_secrets(struct worker *w, const struct letter *l)
{
    struct secret_set *secrets = l->object;

    home_put_secrets(home_of(w), project_id(), secrets);
    secret_set_unref(&secrets);
}

static void put_secrets(struct world *w, bool has_any)
{
    struct secret_set *secrets = has_any ? world_secrets() : NULL;

    for (unsigned i = 0; i < w->worker_count; i++) {
        struct letter letter = {.open = open_secrets,
                                .object = secrets == NULL ? NULL : secret_set_ref(secrets)};

        worker_group_post(w->workers, i, &letter);
    }
    secret_set_unref(&secrets);
}

static void remove_project(struct world *w)
{
    struct letter letter = {.open = open_project_removal};

    for (unsigned i = 0; i < w->worker_count; i++)
        worker_group_post(w->workers, i, &letter);
    journal_commit_remove_project(w->commit, project_id());
}

static void change_device(struct world *w, uint8_t device, enum admin_action action)
{
    uint64_t id = ident_parse(IDENT_DEVICE, slice_of(w->devices[device % w->device_count]));
    struct letter letter = {.open =
                                action == ADMIN_REMOVE_DEVICE ? open_device_removal : open_device,
                            .a = id,
                            .b = action == ADMIN_ADD_DEVICE};

    worker_group_post(w->workers, worker_home(hash_u64(id), w->worker_count), &letter);
}

void script_admin(struct script_stage *s, uint8_t what, uint8_t device)
{
    enum admin_action action = (enum admin_action)(what % ADMIN_ACTION_COUNT);

    switch (action) {
    case ADMIN_REMOVE_DEVICE:
    case ADMIN_ADD_DEVICE:
    case ADMIN_DISABLE_DEVICE:
        change_device(&s->world, device, action);
        s->is_disturbed |= device % SCRIPT_DEVICES == SCRIPT_DEVICES - 1;
        return;
    case ADMIN_REMOVE_PROJECT:
        remove_project(&s->world);
        break;
    case ADMIN_REMOVE_SECRETS:
    case ADMIN_ADD_SECRETS:
        put_secrets(&s->world, action == ADMIN_ADD_SECRETS);
        break;
    default:
        put_project(&s->world, action != ADMIN_DISABLE_PROJECT, action != ADMIN_CLOSE_PROJECT);
        put_secrets(&s->world, true);
    }
    s->is_disturbed = true;
}
