/*
 * `eztcloud alarm …`
 *
 * What `alarm show --json` writes, `alarm add --file` and `alarm set --file` read. A definition
 * that the server would not take is not stored.
 */
#include <stdlib.h>
#include <string.h>

#include "app/cli.h"
#include "app/cli_output.h"
#include "base/clock.h"
#include "platform/alarm_rule.h"
#include "store/secret.h"

enum { REAL_DIGITS = 17 /* all that a double has */ };

static const char *const columns[] = {"rule", "level", "enabled", "created_ms", "name", NULL};

/* A rule as the command line has it in hands; free_order when done. */
struct order {
    struct registry_rule row;
    struct buffer definition; /* that the row's leads to */
    uint64_t type_id;         /* of the source that was taken last; 0: it names devices */
};

static void free_order(struct order *o)
{
    buffer_deinit(&o->definition);
}

static json_t *describe(const struct registry_rule *x, bool with_definition)
{
    json_t *definition = json_loadb((const char *)x->definition.data, x->definition.len, 0, NULL);
    json_t *enabled = json_object_get(definition, "enabled");
    json_t *object = json_object();
    char text[IDENT_TEXT_LEN + 1];

    ident_format(IDENT_RULE, x->rule_id, text);
    (void)json_object_set_new(object, "rule", json_string(text));
    (void)json_object_set(object, "name", json_object_get(definition, "name"));
    (void)json_object_set(object, "level", json_object_get(definition, "level"));
    (void)json_object_set_new(object, "enabled",
                              json_boolean(enabled == NULL || json_is_true(enabled)));
    ident_format(IDENT_PROJECT, x->project_id, text);
    (void)json_object_set_new(object, "project_key", json_string(text));
    (void)json_object_set_new(object, "created_ms", json_integer(x->created_ms));
    if (with_definition)
        (void)json_object_set(object, "definition", definition);
    json_decref(definition);
    return object;
}

/* Takes a definition, which must be one that the server can read. */
static enum status take_definition(struct cli_call *call, const json_t *definition,
                                   const char *where, struct order *o)
{
    char *text = json_dumps(definition, JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS));
    char error[ALARM_RULE_ERROR_MAX];
    struct alarm_rule *r;
    enum status st;

    o->definition.len = 0;
    buffer_append_text(&o->definition, text);
    free(text);
    o->row.definition = buffer_slice(&o->definition);
    st = alarm_rule_parse(1, 1, o->row.definition, &r, error);
    if (st != ST_OK)
        return cli_fail(call, st, "%s: %s", where, error);
    o->type_id = r->type_id;
    alarm_rule_unref(&r);
    return ST_OK;
}

/* A product key is made by the server: one that is not there now is a slip, and would watch nothing
 * for ever. Devices may be named before they are there. */
static enum status check_type(struct cli_call *call, const struct order *o)
{
    struct buffer definition = {0};
    char key[IDENT_TEXT_LEN + 1];
    struct registry_type t;
    enum status st;

    if (o->type_id == 0)
        return ST_OK;
    ident_format(IDENT_TYPE, o->type_id, key);
    st = cli_get_type(call, key, o->row.project_id, &t, &definition);
    buffer_deinit(&definition);
    return st;
}

/* Reads --file when it was given. */
static enum status take_file(struct cli_call *call, struct order *o)
{
    const char *path = call->flags[CLI_FLAG_file];
    const json_t *definition;
    enum status st;
    json_t *file;

    if (path == NULL)
        return ST_OK;
    st = cli_read_file(call, &file);
    if (st != ST_OK)
        return st;
    definition = json_object_get(file, "definition");
    if (json_is_object(definition))
        st = take_definition(call, definition, path, o);
    else
        st = cli_fail(call, ST_INVALID,
                      "%s: \"definition\" is missing: `eztcloud alarm show --json` shows the form",
                      path);
    json_decref(file);
    return st == ST_OK ? check_type(call, o) : st;
}

/* Writes --enabled, when it was given, into the definition. */
static enum status take_switch(struct cli_call *call, struct order *o)
{
    bool is_on = false;
    json_t *definition;
    enum status st = cli_take_switch(call, CLI_FLAG_enabled, &is_on);

    if (st != ST_OK || call->flags[CLI_FLAG_enabled] == NULL)
        return st;
    definition = json_loadb((const char *)o->row.definition.data, o->row.definition.len, 0, NULL);
    (void)json_object_set_new(definition, "enabled", json_boolean(is_on));
    st = take_definition(call, definition, "the rule", o);
    json_decref(definition);
    return st;
}

static enum status tell_stored(struct cli_call *call, enum status st)
{
    return st == ST_OK ? st : cli_fail(call, st, "the rule was not stored: %s", status_text(st));
}

/* ---- verbs */

enum status cli_alarm_add(struct cli_call *call)
{
    struct order o = {.row = {.created_ms = clock_unix_ms()}};
    enum status st = cli_get_project_id(call, &o.row.project_id);

    if (st == ST_OK)
        st = take_file(call, &o);
    if (st == ST_OK) {
        do {
            o.row.rule_id = ident_random(IDENT_RULE);
            st = registry_rule_add(call->registry, &o.row);
        } while (st == ST_EXISTS);
        st = tell_stored(call, st);
    }
    if (st == ST_OK)
        cli_output_object(call->output, describe(&o.row, false));
    free_order(&o);
    return st;
}

static bool on_rule(const struct registry_rule *x, void *arg)
{
    cli_output_list_row(arg, describe(x, false));
    return true;
}

enum status cli_alarm_list(struct cli_call *call)
{
    uint64_t project_id;
    enum status st = cli_get_project_id(call, &project_id);

    if (st != ST_OK)
        return st;
    cli_output_list_begin(call->output, "rules", columns);
    st = registry_rule_each(call->registry, project_id, on_rule, call->output);
    return cli_end_list(call, st);
}

/* The rule of the operand, which must be in the project of --project. */
static enum status get_order(struct cli_call *call, struct order *o)
{
    uint64_t project_id = ident_parse(IDENT_PROJECT, slice_of(call->flags[CLI_FLAG_project]));
    uint64_t rule_id = ident_parse(IDENT_RULE, slice_of(call->operand));
    enum status st = rule_id == 0
                         ? ST_NOT_FOUND
                         : registry_rule_find(call->registry, rule_id, &o->row, &o->definition);

    if (st == ST_NOT_FOUND || (st == ST_OK && o->row.project_id != project_id))
        return cli_fail(call, ST_NOT_FOUND,
                        "%s: no such rule in this project: `eztcloud alarm list` shows all",
                        call->operand);
    return st == ST_OK ? st : cli_fail(call, st, "%s: %s", call->operand, status_text(st));
}

enum status cli_alarm_show(struct cli_call *call)
{
    struct order o = {0};
    enum status st = get_order(call, &o);

    if (st == ST_OK)
        cli_output_object(call->output, describe(&o.row, true));
    free_order(&o);
    return st;
}

static enum status change(struct cli_call *call, struct order *o)
{
    enum status st = get_order(call, o);

    if (st == ST_OK)
        st = take_file(call, o);
    if (st == ST_OK)
        st = take_switch(call, o);
    return st == ST_OK ? tell_stored(call, registry_rule_update(call->registry, &o->row)) : st;
}

enum status cli_alarm_set(struct cli_call *call)
{
    struct order o = {0};
    enum status st;

    if (call->flags[CLI_FLAG_file] == NULL && call->flags[CLI_FLAG_enabled] == NULL)
        return cli_fail(call, ST_INVALID, "alarm set: nothing to change: give --file or --enabled");
    st = cli_begin_change(call);
    if (st == ST_OK)
        st = cli_end_change(call, change(call, &o));
    if (st == ST_OK)
        cli_output_object(call->output, describe(&o.row, false));
    free_order(&o);
    return st;
}

enum status cli_alarm_remove(struct cli_call *call)
{
    struct order o = {0};
    enum status st = get_order(call, &o);

    if (st == ST_OK)
        st = cli_end_remove(call, registry_rule_remove(call->registry, o.row.rule_id));
    free_order(&o);
    return st;
}
