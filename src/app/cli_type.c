/*
 * `eztcloud type …`
 *
 * What `type show --json` writes, `type add --file` and `type set --file` read: so types are moved
 * between projects and servers. A definition that the server would not take is not stored.
 */
#include <stdlib.h>
#include <string.h>

#include "app/cli.h"
#include "app/cli_output.h"
#include "base/clock.h"
#include "platform/device_type.h"
#include "store/secret.h"

enum { REAL_DIGITS = 17 /* all that a double has */ };

static const char *const columns[] = {"product_key", "code", "created_ms", "name", NULL};

/* A type as the command line has it in hands; free_order when done. */
struct order {
    struct registry_type row;
    struct buffer definition; /* that the row's leads to */
    char *text;               /* or this one, of a file; malloc'ed by jansson */
};

static void free_order(struct order *o)
{
    buffer_deinit(&o->definition);
    free(o->text);
    o->text = NULL;
}

static json_t *describe(const struct registry_type *t, bool with_definition)
{
    json_t *object = json_object();
    char text[IDENT_TEXT_LEN + 1];

    ident_format(IDENT_TYPE, t->type_id, text);
    (void)json_object_set_new(object, "product_key", json_string(text));
    (void)json_object_set_new(object, "code", json_string(t->code));
    (void)json_object_set_new(object, "name", json_string(t->name));
    ident_format(IDENT_PROJECT, t->project_id, text);
    (void)json_object_set_new(object, "project_key", json_string(text));
    (void)json_object_set_new(object, "created_ms", json_integer(t->created_ms));
    if (with_definition)
        (void)json_object_set_new(
            object, "definition",
            json_loadb((const char *)t->definition.data, t->definition.len, 0, NULL));
    return object;
}

/* ---- what was given */

/* Takes the definition, which must be one that the server can read. */
static enum status take_definition(struct cli_call *call, const json_t *definition, struct order *o)
{
    char error[DEVICE_TYPE_ERROR_MAX];
    struct device_type *t;
    enum status st;

    free_order(o);
    o->text = json_dumps(definition, JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS));
    o->row.definition = slice_of(o->text);
    st = device_type_parse(1, 1, o->row.definition, &t, error);
    if (st != ST_OK)
        return cli_fail(call, st, "%s: %s", call->flags[CLI_FLAG_file], error);
    device_type_unref(&t);
    return ST_OK;
}

static bool take_member(const json_t *file, const char *name, char *out, size_t max)
{
    const json_t *value = json_object_get(file, name);

    if (value == NULL)
        return true;
    if (!json_is_string(value) || json_string_length(value) > max)
        return false;
    memcpy(out, json_string_value(value), json_string_length(value) + 1);
    return true;
}

static enum status take_file_members(struct cli_call *call, const json_t *file, struct order *o)
{
    const json_t *definition = json_object_get(file, "definition");

    if (!take_member(file, "name", o->row.name, REGISTRY_NAME_MAX) ||
        !take_member(file, "code", o->row.code, IDENT_MEMBER_MAX))
        return cli_fail(call, ST_INVALID, "%s: \"name\" and \"code\" must be texts",
                        call->flags[CLI_FLAG_file]);
    if (!json_is_object(definition))
        return cli_fail(call, ST_INVALID,
                        "%s: \"definition\" is missing: `eztcloud type show --json` shows the form",
                        call->flags[CLI_FLAG_file]);
    return take_definition(call, definition, o);
}

/* Reads --file when it was given. */
static enum status take_file(struct cli_call *call, struct order *o)
{
    json_t *file;
    enum status st;

    if (call->flags[CLI_FLAG_file] == NULL)
        return ST_OK;
    st = cli_read_file(call, &file);
    if (st != ST_OK)
        return st;
    st = take_file_members(call, file, o);
    json_decref(file);
    return st;
}

static enum status take_code(struct cli_call *call, struct order *o)
{
    const char *code = call->flags[CLI_FLAG_code];

    if (code == NULL)
        return ST_OK;
    if (code[0] != '\0' && !ident_is_member(slice_of(code)))
        return cli_fail(call, ST_INVALID, "--code %s: give 1 to %d of A-Z a-z 0-9 _ -", code,
                        IDENT_MEMBER_MAX);
    memcpy(o->row.code, code, strlen(code) + 1);
    return ST_OK;
}

/* The file first, so that the flags have the last word. */
static enum status take_flags(struct cli_call *call, struct order *o)
{
    enum status st = take_file(call, o);

    if (st == ST_OK)
        st = cli_take_text(call, CLI_FLAG_name, o->row.name);
    if (st == ST_OK)
        st = take_code(call, o);
    if (st == ST_OK && !registry_text_is_valid(o->row.name))
        st = cli_fail(call, ST_INVALID, "the name is missing: give --name, or a file with one");
    return st;
}

static enum status tell_stored(struct cli_call *call, const struct order *o, enum status st)
{
    if (st == ST_EXISTS)
        return cli_fail(call, st, "--code %s: the project has such a type: give another one",
                        o->row.code);
    return st == ST_OK ? st : cli_fail(call, st, "the type was not stored: %s", status_text(st));
}

/* ---- verbs */

enum status cli_type_add(struct cli_call *call)
{
    struct order o = {.row = {.definition = slice_of("{}"), .created_ms = clock_unix_ms()}};
    enum status st = cli_get_project_id(call, &o.row.project_id);

    if (st == ST_OK)
        st = take_flags(call, &o);
    if (st == ST_OK) {
        o.row.type_id = registry_type_new_id(call->registry);
        st = tell_stored(call, &o, registry_type_add(call->registry, &o.row));
    }
    if (st == ST_OK)
        cli_output_object(call->output, describe(&o.row, false));
    free_order(&o);
    return st;
}

static bool on_type(const struct registry_type *t, void *arg)
{
    cli_output_list_row(arg, describe(t, false));
    return true;
}

enum status cli_type_list(struct cli_call *call)
{
    uint64_t project_id;
    enum status st = cli_get_project_id(call, &project_id);

    if (st != ST_OK)
        return st;
    cli_output_list_begin(call->output, "types", columns);
    st = registry_type_each(call->registry, project_id, on_type, call->output);
    return cli_end_list(call, st);
}

enum status cli_get_type(struct cli_call *call, const char *word, uint64_t project_id,
                         struct registry_type *out, struct buffer *definition)
{
    uint64_t type_id = ident_parse(IDENT_TYPE, slice_of(word));
    enum status st =
        type_id != 0 ? registry_type_find(call->registry, type_id, out, definition)
                     : registry_type_find_code(call->registry, project_id, word, out, definition);

    if (st == ST_NOT_FOUND || (st == ST_OK && out->project_id != project_id))
        return cli_fail(call, ST_NOT_FOUND,
                        "%s: no such type in this project: `eztcloud type list` shows all", word);
    return st == ST_OK ? st : cli_fail(call, st, "%s: %s", word, status_text(st));
}

/* The type of the operand, in the project of --project. */
static enum status get_order(struct cli_call *call, struct order *o)
{
    uint64_t project_id = ident_parse(IDENT_PROJECT, slice_of(call->flags[CLI_FLAG_project]));

    return cli_get_type(call, call->operand, project_id, &o->row, &o->definition);
}

enum status cli_type_show(struct cli_call *call)
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
        st = take_flags(call, o);
    return st == ST_OK ? tell_stored(call, o, registry_type_update(call->registry, &o->row)) : st;
}

enum status cli_type_set(struct cli_call *call)
{
    struct order o = {0};
    enum status st;

    if (call->flags[CLI_FLAG_name] == NULL && call->flags[CLI_FLAG_code] == NULL &&
        call->flags[CLI_FLAG_file] == NULL)
        return cli_fail(call, ST_INVALID,
                        "type set: nothing to change: give --name, --code or --file");
    st = cli_begin_change(call);
    if (st == ST_OK)
        st = cli_end_change(call, change(call, &o));
    if (st == ST_OK)
        cli_output_object(call->output, describe(&o.row, false));
    free_order(&o);
    return st;
}

enum status cli_type_remove(struct cli_call *call)
{
    struct order o = {0};
    enum status st = get_order(call, &o);

    if (st == ST_OK)
        st = cli_end_remove(call, registry_type_remove(call->registry, o.row.type_id));
    free_order(&o);
    return st;
}
