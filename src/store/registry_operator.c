/*
 * The operators and logins of the registry: rows to structs and back.
 */
#include "store/registry_operator.h"

#include <string.h>

#include "store/registry_priv.h"

bool registry_username_is_valid(const char *text)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-";
    size_t len = strlen(text);

    return len >= 1 && len <= REGISTRY_USERNAME_MAX && strspn(text, allowed) == len;
}

enum status registry_operator_add(struct registry *r, const struct registry_operator *o)
{
    struct registry_query q;

    if (!registry_username_is_valid(o->username))
        return ST_INVALID;
    q = registry_query_start(r, REGISTRY_STATEMENT_OPERATOR_ADD);
    registry_query_bind_text(&q, o->username);
    registry_query_bind_text(&q, o->password_hash);
    registry_query_bind_int(&q, o->is_admin);
    registry_query_bind_int(&q, o->created_ms);
    registry_query_bind_int(&q, o->last_login_ms);
    return registry_query_run(&q, true);
}

static void read_operator(struct registry_query *q, struct registry_operator *o)
{
    registry_query_read_text(q, o->username, REGISTRY_USERNAME_MAX);
    registry_query_read_text(q, o->password_hash, SECRET_PASSWORD_HASH_MAX);
    o->is_admin = registry_query_read_int(q) != 0;
    o->created_ms = registry_query_read_int(q);
    o->last_login_ms = registry_query_read_int(q);
}

enum status registry_operator_find(struct registry *r, const char *username,
                                   struct registry_operator *out)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_OPERATOR_FIND);
    bool found;

    registry_query_bind_text(&q, username);
    found = registry_query_row(&q);
    if (found)
        read_operator(&q, out);
    return registry_query_end(&q) == ST_OK && !found ? ST_NOT_FOUND : q.status;
}

enum status registry_operator_update(struct registry *r, const struct registry_operator *o)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_OPERATOR_UPDATE);

    registry_query_bind_text(&q, o->username);
    registry_query_bind_text(&q, o->password_hash);
    registry_query_bind_int(&q, o->is_admin);
    registry_query_bind_int(&q, o->last_login_ms);
    return registry_query_run(&q, true);
}

enum status registry_operator_remove(struct registry *r, const char *username)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_OPERATOR_REMOVE);

    registry_query_bind_text(&q, username);
    return registry_query_run(&q, true);
}

enum status registry_operator_each(struct registry *r, registry_operator_fn fn, void *arg)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_OPERATOR_EACH);
    struct registry_operator o;
    bool goes_on = true;

    while (goes_on && registry_query_row(&q)) {
        read_operator(&q, &o);
        goes_on = q.status == ST_OK && fn(&o, arg);
    }
    secret_wipe(&o, sizeof(o));
    return registry_query_end(&q);
}

enum status registry_operator_count(struct registry *r, size_t *all, size_t *admins)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_OPERATOR_COUNT);

    *all = *admins = 0;
    if (registry_query_row(&q)) {
        *all = (size_t)registry_query_read_int(&q);
        *admins = (size_t)registry_query_read_int(&q);
    }
    return registry_query_end(&q);
}

/* --- logins ----------------------------------------------------------------------------------- */

static struct slice hash_slice(const uint8_t *token_hash)
{
    return slice_make(token_hash, SECRET_HASH_LEN);
}

enum status registry_login_add(struct registry *r, const struct registry_login *l)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_LOGIN_ADD);

    registry_query_bind_blob(&q, hash_slice(l->token_hash));
    registry_query_bind_text(&q, l->username);
    registry_query_bind_int(&q, l->created_ms);
    registry_query_bind_int(&q, l->used_ms);
    return registry_query_run(&q, true);
}

enum status registry_login_find(struct registry *r, const uint8_t token_hash[SECRET_HASH_LEN],
                                struct registry_login *out)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_LOGIN_FIND);
    bool found;

    registry_query_bind_blob(&q, hash_slice(token_hash));
    found = registry_query_row(&q);
    if (found) {
        memcpy(out->token_hash, token_hash, SECRET_HASH_LEN);
        registry_query_read_text(&q, out->username, REGISTRY_USERNAME_MAX);
        out->is_admin = registry_query_read_int(&q) != 0;
        out->created_ms = registry_query_read_int(&q);
        out->used_ms = registry_query_read_int(&q);
    }
    return registry_query_end(&q) == ST_OK && !found ? ST_NOT_FOUND : q.status;
}

enum status registry_login_use(struct registry *r, const uint8_t token_hash[SECRET_HASH_LEN],
                               int64_t used_ms)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_LOGIN_USE);

    registry_query_bind_blob(&q, hash_slice(token_hash));
    registry_query_bind_int(&q, used_ms);
    return registry_query_run(&q, false);
}

enum status registry_login_remove(struct registry *r, const uint8_t token_hash[SECRET_HASH_LEN])
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_LOGIN_REMOVE);

    registry_query_bind_blob(&q, hash_slice(token_hash));
    return registry_query_run(&q, false);
}

enum status registry_login_remove_others(struct registry *r, const char *username,
                                         const uint8_t *token_hash)
{
    static const uint8_t none[SECRET_HASH_LEN];
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_LOGIN_REMOVE_OTHERS);

    registry_query_bind_text(&q, username);
    registry_query_bind_blob(&q, hash_slice(token_hash == NULL ? none : token_hash));
    return registry_query_run(&q, false);
}

enum status registry_login_remove_old(struct registry *r, int64_t created_ms, int64_t used_ms)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_LOGIN_REMOVE_OLD);

    registry_query_bind_int(&q, created_ms);
    registry_query_bind_int(&q, used_ms);
    return registry_query_run(&q, false);
}
