/*
 * `eztcloud notifier …`
 *
 * What a notifier is told stands in its definition, from which the answers are made too. A
 * definition that the server would not take is not stored. It is the running server that sends.
 */
#include <stdlib.h>
#include <string.h>

#include "app/cli.h"
#include "app/cli_output.h"
#include "app/cli_sync.h"
#include "base/clock.h"
#include "platform/notifier.h"
#include "store/registry_notifier.h"

enum { TEST_MS = 90 * 1000 /* more than webhook_timeout can be */ };

static const char *const columns[] = {"name",    "enabled",    "levels", "changes",
                                      "devices", "created_ms", "url",    NULL};

/* A notifier as the command line has it in hands; free_order when done. */
struct order {
    struct registry_notifier row;
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

static json_t *describe(const struct registry_notifier *x, bool with_secret)
{
    json_t *definition = json_loadb((const char *)x->definition.data, x->definition.len, 0, NULL);
    char key[IDENT_TEXT_LEN + 1], secret[NOTIFIER_SECRET_TEXT_MAX + 1];
    json_t *object = json_object();

    ident_format(IDENT_PROJECT, x->project_id, key);
    (void)json_object_set_new(object, "name", json_string(x->name));
    if (with_secret) {
        notifier_secret_text(x->secret, secret);
        (void)json_object_set_new(object, "secret", json_string(secret));
        secret_wipe(secret, sizeof(secret));
    }
    (void)json_object_set_new(object, "project_key", json_string(key));
    (void)json_object_set_new(object, "enabled", json_true());
    (void)json_object_update(object, definition);
    (void)json_object_set_new(object, "created_ms", json_integer(x->created_ms));
    json_decref(definition);
    return object;
}

/* --- flags into the definition --------------------------------------------------------------- */

/* What comes out must be a definition that the server can read. */
static enum status write_definition(struct cli_call *call, struct order *o)
{
    char error[NOTIFIER_ERROR_MAX];
    char *text = json_dumps(o->definition, JSON_COMPACT);
    struct notifier *n;
    enum status st;

    o->written.len = 0;
    buffer_append_text(&o->written, text);
    free(text);
    o->row.definition = buffer_slice(&o->written);
    st = notifier_parse(1, o->row.project_id, o->row.name, slice_of(o->row.secret),
                        o->row.definition, &n, error);
    notifier_unref(&n);
    return st == ST_OK ? st : cli_fail(call, st, "%s", error);
}

static enum status take_flags(struct cli_call *call, struct order *o)
{
    bool is_enabled = false;
    enum status st = cli_take_switch(call, CLI_FLAG_enabled, &is_enabled);

    if (st == ST_OK)
        st = cli_take_types(call, o->row.project_id, o->definition);
    if (st != ST_OK)
        return st;
    cli_take_list(call, CLI_FLAG_levels, "levels", "any", o->definition);
    cli_take_list(call, CLI_FLAG_changes, "changes", "any", o->definition);
    cli_take_list(call, CLI_FLAG_devices, "devices", "any", o->definition);
    if (call->flags[CLI_FLAG_url] != NULL)
        (void)json_object_set_new(o->definition, "url", json_string(call->flags[CLI_FLAG_url]));
    if (call->flags[CLI_FLAG_enabled] != NULL)
        (void)json_object_set_new(o->definition, "enabled", json_boolean(is_enabled));
    return write_definition(call, o);
}

/* ---- verbs */

static enum status store_new(struct cli_call *call, const struct registry_notifier *x)
{
    enum status st = registry_notifier_add(call->registry, x);

    if (st == ST_EXISTS)
        return cli_fail(call, st, "%s: the project has a notifier of this name", call->operand);
    if (st == ST_FULL)
        return cli_fail(call, st, "the project has %d notifiers already", REGISTRY_NOTIFIERS_MAX);
    if (st == ST_INVALID)
        return cli_fail(call, st, "%s: a name is 1 to %d of A-Z a-z 0-9 _ -", call->operand,
                        IDENT_MEMBER_MAX);
    return st == ST_OK ? st
                       : cli_fail(call, st, "the notifier was not stored: %s", status_text(st));
}

enum status cli_notifier_add(struct cli_call *call)
{
    struct order o = {.row = {.created_ms = clock_unix_ms()}, .definition = json_object()};
    enum status st = cli_get_project_id(call, &o.row.project_id);

    if (st == ST_OK && strlen(call->operand) > IDENT_MEMBER_MAX)
        st = cli_fail(call, ST_INVALID, "%.80s: a name is 1 to %d of A-Z a-z 0-9 _ -",
                      call->operand, IDENT_MEMBER_MAX);
    if (st == ST_OK) {
        memcpy(o.row.name, call->operand, strlen(call->operand) + 1);
        ident_random_text(o.row.secret, REGISTRY_NOTIFIER_SECRET_LEN);
        st = take_flags(call, &o);
    }
    if (st == ST_OK)
        st = store_new(call, &o.row);
    if (st == ST_OK)
        cli_output_object(call->output, describe(&o.row, true));
    free_order(&o);
    return st;
}

static bool on_notifier(const struct registry_notifier *x, void *arg)
{
    cli_output_list_row(arg, describe(x, false));
    return true;
}

enum status cli_notifier_list(struct cli_call *call)
{
    uint64_t project_id;
    enum status st = cli_get_project_id(call, &project_id);

    if (st != ST_OK)
        return st;
    cli_output_list_begin(call->output, "notifiers", columns);
    st = registry_notifier_each(call->registry, project_id, on_notifier, call->output);
    return cli_end_list(call, st);
}

/* The notifier of the operand, which must be in the project of --project. */
static enum status get_order(struct cli_call *call, struct order *o)
{
    uint64_t project_id = ident_parse(IDENT_PROJECT, slice_of(call->flags[CLI_FLAG_project]));
    enum status st =
        registry_notifier_find(call->registry, project_id, call->operand, &o->row, &o->written);

    if (st == ST_NOT_FOUND)
        return cli_fail(call, st,
                        "%s: no such notifier in this project: `eztcloud notifier list` shows all",
                        call->operand);
    if (st != ST_OK)
        return cli_fail(call, st, "%s: %s", call->operand, status_text(st));
    o->definition =
        json_loadb((const char *)o->row.definition.data, o->row.definition.len, 0, NULL);
    if (o->definition == NULL)
        o->definition = json_object(); /* damaged: what is set now is all that it says */
    return ST_OK;
}

static enum status change(struct cli_call *call, struct order *o, bool renews)
{
    enum status st = get_order(call, o);

    if (st == ST_OK && renews)
        ident_random_text(o->row.secret, REGISTRY_NOTIFIER_SECRET_LEN);
    if (st == ST_OK)
        st = take_flags(call, o);
    return st == ST_OK ? cli_tell_change(call, registry_notifier_update(call->registry, &o->row))
                       : st;
}

static enum status run_change(struct cli_call *call, bool renews)
{
    struct order o = {0};
    enum status st = cli_begin_change(call);

    if (st == ST_OK)
        st = cli_end_change(call, change(call, &o, renews));
    if (st == ST_OK)
        cli_output_object(call->output, describe(&o.row, renews));
    free_order(&o);
    return st;
}

enum status cli_notifier_set(struct cli_call *call)
{
    return run_change(call, false);
}

enum status cli_notifier_renew(struct cli_call *call)
{
    return run_change(call, true);
}

enum status cli_notifier_remove(struct cli_call *call)
{
    struct order o = {0};
    enum status st = get_order(call, &o);

    if (st == ST_OK)
        st = cli_end_remove(call,
                            registry_notifier_remove(call->registry, o.row.project_id, o.row.name));
    free_order(&o);
    return st;
}

static enum status tell_test(struct cli_call *call, struct slice result)
{
    struct slice word = slice_cut(&result, ' ');
    struct slice status = slice_cut(&result, ' ');
    int status_len = (int)status.len, cause_len = (int)result.len;

    if (slice_is(word, "delivered")) {
        cli_output_object(call->output,
                          json_pack("{s:b, s:I}", "delivered", true, "status",
                                    (json_int_t)strtoll((const char *)status.data, NULL, 10)));
        return ST_OK;
    }
    if (slice_is(status, "0"))
        return cli_fail(call, ST_IO, "%s: not delivered: %.*s", call->operand, cause_len,
                        (const char *)result.data);
    return cli_fail(call, ST_IO, "%s: not delivered: answered with HTTP status %.*s", call->operand,
                    status_len, (const char *)status.data);
}

enum status cli_notifier_test(struct cli_call *call)
{
    struct buffer result = {0};
    struct order o = {0};
    enum status st = get_order(call, &o);

    if (st == ST_OK) {
        st = cli_sync_test(call->flags[CLI_FLAG_data], o.row.notifier_id, TEST_MS, &result);
        buffer_append_u8(&result, 0);
        result.len--;
        if (st == ST_OK)
            st = tell_test(call, buffer_slice(&result));
        else if (st == ST_NOT_FOUND)
            (void)cli_fail(call, st, "no server runs on %s: it is the server that sends",
                           call->flags[CLI_FLAG_data]);
        else
            (void)cli_fail(call, st, "%s: the server gives no result: %s", call->operand,
                           status_text(st));
    }
    buffer_deinit(&result);
    free_order(&o);
    return st;
}
