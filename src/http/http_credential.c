/*
 * Rows of secrets, parsed. A row that cannot be read opens nothing.
 */
#include "http/http_credential.h"

#include "base/clock.h"

/* NULL: it cannot be read. */
static struct project_secret *parse(const struct registry_secret *row)
{
    char error[PROJECT_SECRET_ERROR_MAX];
    struct project_secret *s = NULL;

    if (project_secret_parse(row->name, slice_of(row->secret), row->definition, &s, error) != ST_OK)
        return NULL;
    return s;
}

struct look_up {
    struct secret_digest given;
    struct project_secret *found; /* a reference */
};

static bool on_secret(const struct registry_secret *row, void *arg)
{
    struct look_up *u = arg;
    struct secret_digest digest = secret_digest_of(slice_of(row->secret));

    if (secret_digest_equal(&digest, &u->given) && u->found == NULL)
        u->found = parse(row);
    return true; /* all of them, so that the time tells nothing */
}

struct project_secret *http_credential_find_text(struct http_call *call, uint64_t project_id,
                                                 struct slice given)
{
    struct look_up u = {.given = secret_digest_of(given)};

    /* 0 would be every project's */
    if (project_id == 0 || given.len == 0 ||
        registry_secret_each(call->registry, project_id, on_secret, &u) != ST_OK)
        project_secret_unref(&u.found);
    return u.found;
}

struct project_secret *http_credential_find_name(struct http_call *call, uint64_t project_id,
                                                 const char *name, char text[IDENT_SECRET_LEN + 1])
{
    struct registry_secret row;
    struct buffer definition = {0};
    struct project_secret *s = NULL;

    text[0] = '\0';
    if (registry_secret_find(call->registry, project_id, name, &row, &definition) == ST_OK) {
        s = parse(&row);
        memcpy(text, row.secret, sizeof(row.secret));
        secret_wipe(row.secret, sizeof(row.secret));
    }
    buffer_deinit(&definition);
    return s;
}

const char *http_credential_refuses(const struct http_call *call, const struct project_secret *s)
{
    if (s->expires_ms != 0 && s->expires_ms <= clock_unix_ms())
        return "the secret has expired";
    if (!project_secret_allows_address(s, call->request->peer_address))
        return "the secret may not be used from this address";
    return NULL;
}

bool http_credential_allows_device(const struct http_call *call, uint64_t device_id,
                                   uint64_t type_id)
{
    const struct project_secret *s = call->caller.secret;

    return s == NULL || !s->is_limited || project_secret_allows_device(s, device_id, type_id);
}
