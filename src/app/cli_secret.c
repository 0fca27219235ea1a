/*
 * `eztcloud secret …`
 *
 * What a secret may stands in its definition, from which the answers are made too. A definition
 * that the server would not take is not stored.
 */
#include <stdlib.h>
#include <string.h>

#include "app/cli.h"
#include "app/cli_output.h"
#include "app/cli_sync.h"
#include "app/cli_time.h"
#include "base/clock.h"
#include "platform/browser_pass.h"

enum { PASS_DEFAULT_MS = 3600 * 1000 };

static const char *const columns[] = {"name",      "created_ms", "expires_ms", "used_ms",
                                      "used_from", "scopes",     NULL};

/* A secret as the command line has it in hands; free_order when done. */
struct order {
    struct registry_secret row;
    json_t *definition;    /* owned */
    struct buffer written; /* the definition as the row's leads to it */
};

static void free_order(struct order *o)
{
    secret_wipe(&o->row, sizeof(o->row));
    json_decref(o->definition);
    buffer_deinit(&o->written);
}

/* --- answers --------------------------------------------------------------------------------- */

static json_t *all_scopes(void)
{
    json_t *list = json_array();

    for (unsigned scope = 0; scope < SCOPE_COUNT; scope++)
        (void)json_array_append_new(list, json_string(scope_word((enum scope)scope)));
    return list;
}

/* What is not limited is written out for scopes, and left out otherwise. */
static json_t *describe(const struct registry_secret *x, bool with_text)
{
    json_t *definition = json_loadb((const char *)x->definition.data, x->definition.len, 0, NULL);
    json_t *object = json_object();
    char key[IDENT_TEXT_LEN + 1];

    ident_format(IDENT_PROJECT, x->project_id, key);
    (void)json_object_set_new(object, "name", json_string(x->name));
    if (with_text)
        (void)json_object_set_new(object, "secret", json_string(x->secret));
    (void)json_object_set_new(object, "project_key", json_string(key));
    (void)json_object_set_new(object, "scopes", all_scopes());
    (void)json_object_update(object, definition);
    (void)json_object_set_new(object, "created_ms", json_integer(x->created_ms));
    if (x->used_ms != 0) {
        (void)json_object_set_new(object, "used_ms", json_integer(x->used_ms));
        (void)json_object_set_new(object, "used_from", json_string(x->used_from));
    }
    json_decref(definition);
    return object;
}

/* --- flags into the definition --------------------------------------------------------------- */

static enum status take_expiry(struct cli_call *call, json_t *definition)
{
    const char *text = call->flags[CLI_FLAG_expires];
    int64_t expires_ms;

    if (text == NULL)
        return ST_OK;
    if (strcmp(text, "never") == 0) {
        (void)json_object_del(definition, "expires_ms");
        return ST_OK;
    }
    expires_ms = cli_time_parse(text, clock_unix_ms());
    if (expires_ms == 0)
        return cli_fail(call, ST_INVALID,
                        "--expires %s: give a date (2030-01-31, 2030-01-31T12:00:00Z), a distance "
                        "(+30d, +12h, +90m, +60s) or never",
                        text);
    (void)json_object_set_new(definition, "expires_ms", json_integer(expires_ms));
    return ST_OK;
}

/* Applies the flags; what comes out must be a definition that the server can read, and is given as
 * it reads it (a reference). */
static enum status take_flags(struct cli_call *call, struct order *o, struct project_secret **out)
{
    char error[PROJECT_SECRET_ERROR_MAX];
    enum status st;
    char *text;

    cli_take_list(call, CLI_FLAG_scopes, "scopes", "all", o->definition);
    cli_take_list(call, CLI_FLAG_addresses, "addresses", "any", o->definition);
    cli_take_list(call, CLI_FLAG_devices, "devices", "any", o->definition);
    st = cli_take_types(call, o->row.project_id, o->definition);
    if (st == ST_OK)
        st = take_expiry(call, o->definition);
    if (st != ST_OK)
        return st;
    text = json_dumps(o->definition, JSON_COMPACT);
    o->written.len = 0;
    buffer_append_text(&o->written, text == NULL ? "" : text);
    free(text);
    o->row.definition = buffer_slice(&o->written);
    st = project_secret_parse(o->row.name, slice_of(o->row.secret), o->row.definition, out, error);
    return st == ST_OK ? st : cli_fail(call, st, "%s", error);
}

/* --- verbs ----------------------------------------------------------------------------------- */

static enum status tell_added(struct cli_call *call, enum status st)
{
    switch (st) {
    case ST_OK:
        return st;
    case ST_EXISTS:
        return cli_fail(call, st, "%s: the project has a secret of this name already",
                        call->operand);
    case ST_FULL:
        return cli_fail(call, st, "%s: not added: a project has at most %d secrets", call->operand,
                        REGISTRY_SECRETS_MAX);
    default:
        return cli_fail(call, st, "%s: not added: %s", call->operand, status_text(st));
    }
}

enum status cli_secret_add(struct cli_call *call)
{
    struct order o = {.row = {.created_ms = clock_unix_ms()}, .definition = json_object()};
    struct project_secret *s = NULL;
    enum status st = cli_get_project_id(call, &o.row.project_id);

    if (st == ST_OK && !ident_is_member(slice_of(call->operand)))
        st = cli_fail(call, ST_INVALID,
                      "%s: no name of a secret: give 1 to %d letters, digits, _ or -",
                      call->operand, IDENT_MEMBER_MAX);
    if (st == ST_OK)
        st = take_flags(call, &o, &s);
    if (st == ST_OK) {
        memcpy(o.row.name, call->operand, strlen(call->operand) + 1);
        ident_random_text(o.row.secret, IDENT_SECRET_LEN);
        st = tell_added(call, registry_secret_add(call->registry, &o.row));
    }
    if (st == ST_OK)
        cli_output_object(call->output, describe(&o.row, true));
    project_secret_unref(&s);
    free_order(&o);
    return st;
}

/* So that what is shown is of now. A server that does not answer is no reason not to show the rest.
 */
static void fetch_uses(const struct cli_call *call)
{
    if (cli_sync_uses(call->flags[CLI_FLAG_data], CLI_SYNC_TIMEOUT_MS) != ST_OK)
        (void)fprintf(stderr,
                      "warning: the running server does not say when secrets were last used: "
                      "look at its log\n");
}

static bool on_secret(const struct registry_secret *x, void *arg)
{
    cli_output_list_row(arg, describe(x, false));
    return true;
}

enum status cli_secret_list(struct cli_call *call)
{
    uint64_t project_id;
    enum status st = cli_get_project_id(call, &project_id);

    if (st != ST_OK)
        return st;
    fetch_uses(call);
    cli_output_list_begin(call->output, "secrets", columns);
    st = registry_secret_each(call->registry, project_id, on_secret, call->output);
    return cli_end_list(call, st);
}

/* The secret of the operand in the project of --project. */
static enum status get_order(struct cli_call *call, struct order *o)
{
    uint64_t project_id;
    enum status st = cli_get_project_id(call, &project_id);

    if (st != ST_OK)
        return st;
    st = registry_secret_find(call->registry, project_id, call->operand, &o->row, &o->written);
    if (st == ST_NOT_FOUND)
        return cli_fail(call, st,
                        "%s: no such secret in this project: `eztcloud secret list` shows all",
                        call->operand);
    if (st != ST_OK)
        return cli_fail(call, st, "%s: %s", call->operand, status_text(st));
    o->definition =
        json_loadb((const char *)o->row.definition.data, o->row.definition.len, 0, NULL);
    if (o->definition == NULL)
        o->definition = json_object(); /* damaged: what is set now is all that it says */
    return ST_OK;
}

enum status cli_secret_show(struct cli_call *call)
{
    struct order o = {0};
    enum status st;

    fetch_uses(call);
    st = get_order(call, &o);

    if (st == ST_OK)
        cli_output_object(call->output, describe(&o.row, true));
    free_order(&o);
    return st;
}

static enum status change(struct cli_call *call, struct order *o)
{
    struct project_secret *s = NULL;
    enum status st = get_order(call, o);

    if (st == ST_OK)
        st = take_flags(call, o, &s);
    project_secret_unref(&s);
    return st == ST_OK ? cli_tell_change(call, registry_secret_update(call->registry, &o->row))
                       : st;
}

enum status cli_secret_set(struct cli_call *call)
{
    struct order o = {0};
    enum status st;

    if (call->flags[CLI_FLAG_scopes] == NULL && call->flags[CLI_FLAG_expires] == NULL &&
        call->flags[CLI_FLAG_addresses] == NULL && call->flags[CLI_FLAG_devices] == NULL &&
        call->flags[CLI_FLAG_types] == NULL)
        return cli_fail(call, ST_INVALID,
                        "secret set: nothing to change: give --scopes, --expires, --addresses, "
                        "--devices or --types");
    st = cli_begin_change(call);
    if (st == ST_OK)
        st = cli_end_change(call, change(call, &o));
    if (st == ST_OK)
        cli_output_object(call->output, describe(&o.row, false));
    free_order(&o);
    return st;
}

static enum status renew(struct cli_call *call, struct order *o)
{
    enum status st = get_order(call, o);

    if (st != ST_OK)
        return st;
    ident_random_text(o->row.secret, IDENT_SECRET_LEN);
    return cli_tell_change(call, registry_secret_update(call->registry, &o->row));
}

enum status cli_secret_renew(struct cli_call *call)
{
    struct order o = {0};
    enum status st = cli_begin_change(call);

    if (st == ST_OK)
        st = cli_end_change(call, renew(call, &o));
    if (st == ST_OK)
        cli_output_object(call->output, describe(&o.row, true));
    free_order(&o);
    return st;
}

enum status cli_secret_remove(struct cli_call *call)
{
    struct order o = {0};
    enum status st = get_order(call, &o);

    if (st == ST_OK)
        st = cli_end_remove(call,
                            registry_secret_remove(call->registry, o.row.project_id, o.row.name));
    free_order(&o);
    return st;
}

/* --- passes ---------------------------------------------------------------------------------- */

/* What the flags ask for: part of what the secret may, and a moment to come. */
static enum status take_pass(struct cli_call *call, const struct project_secret *s, uint8_t *scopes,
                             int64_t *expires_ms)
{
    struct order o = {.definition = json_object()};
    struct project_secret *wanted = NULL;
    enum status st = take_flags(call, &o, &wanted);

    if (st == ST_OK) {
        *scopes = call->flags[CLI_FLAG_scopes] == NULL ? s->scopes : wanted->scopes;
        *expires_ms =
            wanted->expires_ms != 0 ? wanted->expires_ms : clock_unix_ms() + PASS_DEFAULT_MS;
        if ((*scopes & ~s->scopes) != 0)
            st = cli_fail(call, ST_REFUSED, "%s: the secret does not allow all of --scopes %s",
                          s->name, call->flags[CLI_FLAG_scopes]);
        else if (*expires_ms <= clock_unix_ms())
            st = cli_fail(call, ST_INVALID, "--expires %s: that is over",
                          call->flags[CLI_FLAG_expires]);
    }
    project_secret_unref(&wanted);
    free_order(&o);
    return st;
}

static void write_pass(struct cli_call *call, const struct registry_secret *row,
                       const struct project_secret *s, uint8_t scopes, int64_t expires_ms)
{
    char key[IDENT_TEXT_LEN + 1], pass[BROWSER_PASS_MAX + 1];
    json_t *object = json_object();

    ident_format(IDENT_PROJECT, row->project_id, key);
    browser_pass_write(slice_of(key), s->name, scopes, expires_ms / 1000, &s->mac_key, pass);
    (void)json_object_set_new(object, "username", json_string(key));
    (void)json_object_set_new(object, "password", json_string(pass));
    (void)json_object_set_new(object, "expires_ms", json_integer(expires_ms / 1000 * 1000));
    cli_output_object(call->output, object);
}

enum status cli_secret_pass(struct cli_call *call)
{
    char error[PROJECT_SECRET_ERROR_MAX];
    struct order o = {0};
    struct project_secret *s = NULL;
    enum status st = get_order(call, &o);
    int64_t expires_ms;
    uint8_t scopes;

    if (st == ST_OK) {
        st = project_secret_parse(o.row.name, slice_of(o.row.secret), o.row.definition, &s, error);
        if (st != ST_OK)
            (void)cli_fail(call, st, "%s: %s", o.row.name, error);
    }
    if (st == ST_OK)
        st = take_pass(call, s, &scopes, &expires_ms);
    if (st == ST_OK)
        write_pass(call, &o.row, s, scopes, expires_ms);
    project_secret_unref(&s);
    free_order(&o);
    return st;
}
