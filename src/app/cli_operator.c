/*
 * `eztcloud operator …`
 *
 * Also the way back in: who has lost every administrator's password resets one here. A running
 * server reads operators with each request, so there is nothing to apply.
 */
#include <string.h>

#include "app/cli.h"
#include "app/cli_output.h"
#include "base/clock.h"
#include "store/registry_operator.h"

static const char *const columns[] = {"username", "role", "created_ms", "last_login_ms", NULL};

static json_t *describe(const struct registry_operator *o, const char *password)
{
    json_t *object = json_pack(
        "{s:s, s:s, s:I, s:o}", "username", o->username, "role", o->is_admin ? "admin" : "viewer",
        "created_ms", (json_int_t)o->created_ms, "last_login_ms",
        o->last_login_ms == 0 ? json_null() : json_integer(o->last_login_ms));

    if (password != NULL)
        (void)json_object_set_new(object, "password", json_string(password));
    return object;
}

static enum status take_role(struct cli_call *call, bool *is_admin)
{
    const char *role = call->flags[CLI_FLAG_role];

    if (role == NULL)
        return ST_OK;
    *is_admin = strcmp(role, "admin") == 0;
    if (*is_admin || strcmp(role, "viewer") == 0)
        return ST_OK;
    return cli_fail(call, ST_INVALID, "--role %s: give admin or viewer", role);
}

/* Takes --password, or makes one. `made` is empty when it was given: who gave it knows it. */
static enum status take_password(struct cli_call *call, struct registry_operator *o,
                                 char made[IDENT_PASSWORD_LEN + 1])
{
    const char *given = call->flags[CLI_FLAG_password];
    enum status st;

    made[0] = '\0';
    if (given == NULL)
        ident_random_text(made, IDENT_PASSWORD_LEN);
    else if (!secret_password_is_valid(slice_of(given)))
        return cli_fail(call, ST_INVALID,
                        "--password: give %d to %d bytes without control characters",
                        SECRET_PASSWORD_MIN, SECRET_PASSWORD_MAX);
    st = secret_password_hash(slice_of(given != NULL ? given : made), o->password_hash);
    return st == ST_OK ? st : cli_fail(call, st, "the password cannot be hashed: no memory");
}

static const char *shown(const char *made)
{
    return made[0] == '\0' ? NULL : made;
}

enum status cli_operator_add(struct cli_call *call)
{
    struct registry_operator o = {.is_admin = true, .created_ms = clock_unix_ms()};
    char made[IDENT_PASSWORD_LEN + 1];
    enum status st;

    if (!registry_username_is_valid(call->operand))
        return cli_fail(call, ST_INVALID, "%s: give 1 to %d of A-Z a-z 0-9 . _ @ -", call->operand,
                        REGISTRY_USERNAME_MAX);
    memcpy(o.username, call->operand, strlen(call->operand) + 1);
    st = take_role(call, &o.is_admin);
    if (st == ST_OK)
        st = take_password(call, &o, made);
    if (st != ST_OK)
        return st;
    st = registry_operator_add(call->registry, &o);
    if (st == ST_OK)
        cli_output_object(call->output, describe(&o, shown(made)));
    secret_wipe(made, sizeof(made));
    if (st == ST_EXISTS)
        return cli_fail(call, st,
                        "%s: there is such an operator: `eztcloud operator reset` gives "
                        "them a new password",
                        call->operand);
    return st == ST_OK ? st
                       : cli_fail(call, st, "%s: not added: %s", call->operand, status_text(st));
}

static bool on_operator(const struct registry_operator *o, void *arg)
{
    cli_output_list_row(arg, describe(o, NULL));
    return true;
}

enum status cli_operator_list(struct cli_call *call)
{
    enum status st;

    cli_output_list_begin(call->output, "operators", columns);
    st = registry_operator_each(call->registry, on_operator, call->output);
    return cli_end_list(call, st);
}

static enum status find(struct cli_call *call, struct registry_operator *o)
{
    enum status st = registry_operator_find(call->registry, call->operand, o);

    if (st == ST_NOT_FOUND)
        return cli_fail(call, st, "%s: no such operator: `eztcloud operator list` shows all",
                        call->operand);
    return st == ST_OK ? st : cli_fail(call, st, "%s: %s", call->operand, status_text(st));
}

/* Nobody shuts everybody out by mistake: the change is undone then. */
static enum status check_admins(struct cli_call *call)
{
    size_t all, admins;
    enum status st = registry_operator_count(call->registry, &all, &admins);

    if (st == ST_OK && admins == 0)
        return cli_fail(call, ST_REFUSED, "%s: no administrator would be left", call->operand);
    return st == ST_OK ? st : cli_fail(call, st, "%s: %s", call->operand, status_text(st));
}

static enum status set_role(struct cli_call *call, struct registry_operator *o)
{
    enum status st = find(call, o);

    if (st == ST_OK)
        st = take_role(call, &o->is_admin);
    if (st == ST_OK)
        st = cli_tell_change(call, registry_operator_update(call->registry, o));
    return st == ST_OK ? check_admins(call) : st;
}

enum status cli_operator_set(struct cli_call *call)
{
    struct registry_operator o = {0};
    enum status st = cli_begin_change(call);

    if (st == ST_OK)
        st = cli_end_change(call, set_role(call, &o));
    if (st == ST_OK)
        cli_output_object(call->output, describe(&o, NULL));
    return st;
}

static enum status set_password(struct cli_call *call, struct registry_operator *o,
                                char made[IDENT_PASSWORD_LEN + 1])
{
    enum status st = find(call, o);

    if (st == ST_OK)
        st = take_password(call, o, made);
    if (st == ST_OK)
        st = cli_tell_change(call, registry_operator_update(call->registry, o));
    if (st == ST_OK)
        st = cli_tell_change(call, registry_login_remove_others(call->registry, o->username, NULL));
    return st;
}

enum status cli_operator_reset(struct cli_call *call)
{
    char made[IDENT_PASSWORD_LEN + 1] = "";
    struct registry_operator o = {0};
    enum status st = cli_begin_change(call);

    if (st == ST_OK)
        st = cli_end_change(call, set_password(call, &o, made));
    if (st == ST_OK)
        cli_output_object(call->output, describe(&o, shown(made)));
    secret_wipe(made, sizeof(made));
    return st;
}

static enum status remove_one(struct cli_call *call)
{
    struct registry_operator o;
    enum status st = find(call, &o);

    if (st == ST_OK)
        st = cli_tell_change(call, registry_operator_remove(call->registry, call->operand));
    return st == ST_OK ? check_admins(call) : st;
}

enum status cli_operator_remove(struct cli_call *call)
{
    enum status st = cli_begin_change(call);

    if (st == ST_OK)
        st = cli_end_change(call, remove_one(call));
    if (st == ST_OK)
        cli_output_object(call->output, json_pack("{s:s}", "removed", call->operand));
    return st;
}
