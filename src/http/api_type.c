/*
 * Device types: what `export` gives, `add` and `change` take, so that types move between projects
 * and servers.
 *
 * A definition that the server cannot read is not stored. In a path a type is its product key or
 * its code.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "http/api.h"
#include "http/api_device.h"
#include "platform/device_type.h"

enum { REAL_DIGITS = 17 /* all that a double has */ };

/* A type in hands; free_form when done. */
struct form {
    struct registry_type row;
    struct buffer definition; /* that the row's leads to, */
    char *text;               /* or this one, of the body; jansson's */
};

static void free_form(struct form *f)
{
    buffer_deinit(&f->definition);
    free(f->text);
}

enum status api_type_find(struct http_call *call, const char *word, struct registry_type *out,
                          struct buffer *definition)
{
    uint64_t project_id = call->project.project_id;
    uint64_t type_id = ident_parse(IDENT_TYPE, slice_of(word));
    enum status st =
        type_id != 0 ? registry_type_find(call->registry, type_id, out, definition)
                     : registry_type_find_code(call->registry, project_id, word, out, definition);

    return st == ST_OK && out->project_id != project_id ? ST_NOT_FOUND : st;
}

/* False: answered. */
static bool find(struct http_call *call, struct form *f)
{
    enum status st =
        api_type_find(call, http_call_parameter(call, "product_key"), &f->row, &f->definition);

    return http_succeeded(call, st, "the device type");
}

/* NULL: answered. */
static json_t *describe(struct http_call *call, const struct registry_type *t, bool with_definition)
{
    size_t count;
    enum status st = registry_type_device_count(call->registry, t->type_id, &count);
    json_t *object;

    if (!http_succeeded(call, st, "the device type"))
        return NULL;
    object = json_pack("{s:o, s:o, s:o, s:s, s:I, s:I}", "product_key",
                       http_json_ident(IDENT_TYPE, t->type_id), "project_key",
                       http_json_ident(IDENT_PROJECT, t->project_id), "code",
                       t->code[0] == '\0' ? json_null() : json_string(t->code), "name", t->name,
                       "device_count", (json_int_t)count, "created_ms", (json_int_t)t->created_ms);
    if (with_definition)
        (void)json_object_set_new(object, "definition", http_json_stored(t->definition));
    return object;
}

/* --- list ------------------------------------------------------------------------------------- */

/* Gathered first: describing one reads other rows. Positions are those of the walk. */
struct walk {
    struct http_page page;
    uint64_t position;
    struct buffer rows; /* owned: struct registry_type, without definitions */
};

static bool on_type(const struct registry_type *t, void *arg)
{
    struct walk *w = arg;

    if (++w->position <= w->page.after)
        return true;
    buffer_append(&w->rows, t, sizeof(*t));
    return w->rows.len / sizeof(*t) <= w->page.limit;
}

void api_type_list(struct http_call *call)
{
    struct walk w = {0};
    enum status st;

    if (!http_page_begin(call, &w.page))
        return;
    st = registry_type_each(call->registry, call->project.project_id, on_type, &w);
    for (size_t i = 0; st == ST_OK && i < w.rows.len / sizeof(struct registry_type); i++) {
        struct registry_type row;
        json_t *item;

        memcpy(&row, w.rows.data + i * sizeof(row), sizeof(row));
        item = describe(call, &row, false);
        if (item == NULL || !http_page_add(&w.page, w.page.after + i + 1, item))
            break;
    }
    buffer_deinit(&w.rows);
    http_page_end(call, &w.page, st, "the device types");
}

/* --- one -------------------------------------------------------------------------------------- */

static void answer_type(struct http_call *call, const struct form *f)
{
    json_t *object = describe(call, &f->row, true);

    if (object != NULL)
        http_answer(call, object);
}

void api_type_show(struct http_call *call)
{
    struct form f = {0};

    if (find(call, &f))
        answer_type(call, &f);
    free_form(&f);
}

void api_type_export(struct http_call *call)
{
    struct form f = {0};

    if (find(call, &f)) {
        json_t *object = json_pack("{s:s, s:o}", "name", f.row.name, "definition",
                                   http_json_stored(f.row.definition));
        char disposition[64], key[IDENT_TEXT_LEN + 1];

        if (f.row.code[0] != '\0')
            (void)json_object_set_new(object, "code", json_string(f.row.code));
        http_answer(call, object);
        ident_format(IDENT_TYPE, f.row.type_id, key);
        (void)snprintf(disposition, sizeof(disposition), "attachment; filename=\"%s.json\"", key);
        http_response_header(call->answer, "Content-Disposition", disposition);
    }
    free_form(&f);
}

/* Takes the definition of the body, if it has one. False: answered. */
static bool take_definition(struct http_call *call, struct form *f)
{
    const json_t *definition = json_object_get(call->body, "definition");
    char error[DEVICE_TYPE_ERROR_MAX];
    struct device_type *t;

    if (definition == NULL)
        return true;
    f->text = json_dumps(definition, JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS));
    f->row.definition = slice_of(f->text);
    if (device_type_parse(1, 1, f->row.definition, &t, error) != ST_OK) {
        http_fail_field(call, PROBLEM_invalid, "definition", "%s", error);
        return false;
    }
    device_type_unref(&t);
    return true;
}

static bool take(struct http_call *call, struct form *f)
{
    (void)http_take_text(call, "name", f->row.name, REGISTRY_NAME_MAX);
    if (json_is_null(json_object_get(call->body, "code")))
        f->row.code[0] = '\0';
    (void)http_take_text(call, "code", f->row.code, IDENT_MEMBER_MAX);
    return take_definition(call, f);
}

static void fail_type(struct http_call *call, enum status st)
{
    if (st == ST_EXISTS)
        http_fail_field(call, PROBLEM_conflict, "code", "the project has a type of this code");
    else
        http_fail_status(call, st, "the device type");
}

void api_type_add(struct http_call *call)
{
    struct form f = {.row = {.project_id = call->project.project_id,
                             .definition = slice_of("{}"),
                             .created_ms = clock_unix_ms()}};
    char base[96], key[IDENT_TEXT_LEN + 1];
    json_t *object;
    enum status st;

    if (!take(call, &f)) {
        free_form(&f);
        return;
    }
    f.row.type_id = registry_type_new_id(call->registry);
    st = registry_type_add(call->registry, &f.row);
    if (st != ST_OK)
        fail_type(call, st);
    object = st == ST_OK ? describe(call, &f.row, true) : NULL;
    if (object != NULL) {
        ident_format(IDENT_TYPE, f.row.type_id, key);
        (void)snprintf(base, sizeof(base), "/api/v1/projects/%s/types/",
                       http_call_parameter(call, "project_key"));
        http_answer_made(call, base, key, object);
    }
    free_form(&f);
}

void api_type_change(struct http_call *call)
{
    struct form f = {0};
    enum status st;

    if (find(call, &f) && take(call, &f)) {
        st = registry_type_update(call->registry, &f.row);
        if (st != ST_OK)
            fail_type(call, st);
        else
            answer_type(call, &f);
    }
    free_form(&f);
}

void api_type_remove(struct http_call *call)
{
    struct form f = {0};
    enum status st;

    if (find(call, &f)) {
        st = registry_type_remove(call->registry, f.row.type_id);
        if (http_succeeded(call, st, "the device type"))
            http_answer_nothing(call);
    }
    free_form(&f);
}
