/*
 * Alarm rules, and the switch that a rule has for each of its devices.
 *
 * A rule is its definition (docs/alarms.md); what else is answered is read from it. One that the
 * server cannot read is not stored. What the rules have come to is told by api_alarm_state and
 * api_alarm_history.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "http/api.h"
#include "http/api_device.h"
#include "platform/alarm_rule.h"

enum { REAL_DIGITS = 17 /* all that a double has */ };

/* A rule in hands; free_form when done. */
struct form {
    struct registry_rule row;
    struct buffer definition; /* that the row's leads to, */
    char *text;               /* or this one, of the body; jansson's */
    struct alarm_rule *rule;  /* a reference: the row's definition as it was read; NULL: not yet */
};

static void free_form(struct form *f)
{
    alarm_rule_unref(&f->rule);
    buffer_deinit(&f->definition);
    free(f->text);
}

/* A rule tells of all devices of its source. False: answered. */
static bool is_for_all_devices(struct http_call *call)
{
    if (call->caller.secret == NULL || !call->caller.secret->is_limited)
        return true;
    http_fail(call, PROBLEM_forbidden, "this needs a secret that is for all devices");
    return false;
}

/* Reads the row's definition. Errors: those of alarm_rule_parse. */
static enum status read_definition(struct form *f, char *error)
{
    alarm_rule_unref(&f->rule);
    return alarm_rule_parse(f->row.rule_id, f->row.project_id, f->row.definition, &f->rule, error);
}

/* False: answered. */
static bool find(struct http_call *call, struct form *f)
{
    uint64_t rule_id = ident_parse(IDENT_RULE, slice_of(http_call_parameter(call, "rule")));
    char error[ALARM_RULE_ERROR_MAX];
    enum status st = ST_NOT_FOUND;

    if (rule_id != 0)
        st = registry_rule_find(call->registry, rule_id, &f->row, &f->definition);
    if (st == ST_OK && f->row.project_id != call->project.project_id)
        st = ST_NOT_FOUND;
    if (st == ST_OK && read_definition(f, error) != ST_OK)
        st = ST_CORRUPT; /* only what could be read was stored */
    return http_succeeded(call, st, "the alarm rule");
}

/* --- the definition of the body --------------------------------------------------------------- */

/* Makes `definition` the row's; it stays the caller's. False: answered. */
static bool set_definition(struct http_call *call, struct form *f, const json_t *definition)
{
    char error[ALARM_RULE_ERROR_MAX];

    free(f->text);
    f->text = json_dumps(definition, JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS));
    f->row.definition = slice_of(f->text);
    if (read_definition(f, error) == ST_OK)
        return true;
    http_fail_field(call, PROBLEM_invalid, "definition", "%s", error);
    return false;
}

/* A product key is made by the server: one that is not there now is a slip, and would watch nothing
 * for ever. Devices may be named before they are there. False: answered. */
static bool check_type(struct http_call *call, uint64_t type_id)
{
    struct buffer definition = {0};
    char key[IDENT_TEXT_LEN + 1];
    struct registry_type t;
    enum status st;

    if (type_id == 0)
        return true;
    ident_format(IDENT_TYPE, type_id, key);
    st = api_type_find(call, key, &t, &definition);
    buffer_deinit(&definition);
    if (st == ST_NOT_FOUND)
        http_fail_field(call, PROBLEM_invalid, "definition",
                        "source: %s: there is no such type in this project", key);
    else if (st != ST_OK)
        http_fail_status(call, st, "the device type");
    return st == ST_OK;
}

/* False: answered. */
static bool take(struct http_call *call, struct form *f)
{
    const json_t *definition = json_object_get(call->body, "definition");
    bool is_enabled, is_fine = definition == NULL || (set_definition(call, f, definition) &&
                                                      check_type(call, f->rule->type_id));

    if (is_fine && http_take_bool(call, "enabled", &is_enabled)) {
        json_t *changed = http_json_stored(f->row.definition);

        (void)json_object_set_new(changed, "enabled", json_boolean(is_enabled));
        is_fine = set_definition(call, f, changed);
        json_decref(changed);
    }
    return is_fine;
}

/* --- answers ---------------------------------------------------------------------------------- */

static json_t *json_of_slice(struct slice s)
{
    return json_stringn((const char *)s.data, s.len);
}

static json_t *describe(const struct registry_rule *row, const struct alarm_rule *r)
{
    return json_pack("{s:o, s:o, s:o, s:s, s:b, s:I}", "rule",
                     http_json_ident(IDENT_RULE, row->rule_id), "project_key",
                     http_json_ident(IDENT_PROJECT, row->project_id), "name",
                     json_of_slice(r->name), "level", alarm_level_word(r->level), "enabled",
                     r->is_enabled, "created_ms", (json_int_t)row->created_ms);
}

static json_t *describe_whole(const struct form *f)
{
    json_t *object = describe(&f->row, f->rule);

    (void)json_object_set_new(object, "definition", http_json_stored(f->row.definition));
    return object;
}

void api_alarm_show(struct http_call *call)
{
    struct form f = {0};

    if (is_for_all_devices(call) && find(call, &f))
        http_answer(call, describe_whole(&f));
    free_form(&f);
}

void api_alarm_add(struct http_call *call)
{
    struct form f = {
        .row = {.project_id = call->project.project_id, .created_ms = clock_unix_ms()}};
    char base[96], text[IDENT_TEXT_LEN + 1];
    enum status st;

    if (take(call, &f)) {
        do {
            f.row.rule_id = ident_random(IDENT_RULE);
            st = registry_rule_add(call->registry, &f.row);
        } while (st == ST_EXISTS);
        if (http_succeeded(call, st, "the alarm rule")) {
            ident_format(IDENT_RULE, f.row.rule_id, text);
            (void)snprintf(base, sizeof(base), "/api/v1/projects/%s/alarm_rules/",
                           http_call_parameter(call, "project_key"));
            http_answer_made(call, base, text, describe_whole(&f));
        }
    }
    free_form(&f);
}

/* Writes the row back. False: answered. */
static bool store(struct http_call *call, const struct form *f)
{
    enum status st = registry_rule_update(call->registry, &f->row);

    return http_succeeded(call, st, "the alarm rule");
}

void api_alarm_change(struct http_call *call)
{
    struct form f = {0};

    if (find(call, &f) && take(call, &f) && store(call, &f))
        http_answer(call, describe_whole(&f));
    free_form(&f);
}

void api_alarm_remove(struct http_call *call)
{
    struct form f = {0};
    enum status st;

    if (find(call, &f)) {
        st = registry_rule_remove(call->registry, f.row.rule_id);
        if (http_succeeded(call, st, "the alarm rule"))
            http_answer_nothing(call);
    }
    free_form(&f);
}

/* --- lists ------------------------------------------------------------------------------------ */

/* Positions are those of the walk. */
struct walk {
    struct http_call *call;
    struct http_page page;
    uint64_t position;
    json_t *(*describe)(struct http_call *call, const struct registry_rule *row,
                        const struct alarm_rule *r); /* NULL: it is not of this list */
};

static bool on_rule(const struct registry_rule *row, void *arg)
{
    struct walk *w = arg;
    char error[ALARM_RULE_ERROR_MAX];
    struct alarm_rule *r;
    json_t *item;

    if (++w->position <= w->page.after ||
        alarm_rule_parse(row->rule_id, row->project_id, row->definition, &r, error) != ST_OK)
        return true;
    item = w->describe(w->call, row, r);
    alarm_rule_unref(&r);
    return item == NULL || http_page_add(&w->page, w->position, item);
}

static void list(struct walk *w)
{
    enum status st;

    if (!http_page_begin(w->call, &w->page))
        return;
    st = registry_rule_each(w->call->registry, w->call->project.project_id, on_rule, w);
    http_page_end(w->call, &w->page, st, "the alarm rules");
}

static json_t *describe_any(struct http_call *call, const struct registry_rule *row,
                            const struct alarm_rule *r)
{
    (void)call;
    return describe(row, r);
}

void api_alarm_list(struct http_call *call)
{
    struct walk w = {.call = call, .describe = describe_any};

    if (is_for_all_devices(call))
        list(&w);
}

/* --- rules of a device ------------------------------------------------------------------------ */

/* The rule with its switch for the device of the path; NULL: the device is not in its source. */
static json_t *describe_of_device(struct http_call *call, const struct registry_rule *row,
                                  const struct alarm_rule *r)
{
    const struct registry_device *d = &call->device;
    json_t *object;

    if (!alarm_rule_is_for(r, d->device_id, d->type_id))
        return NULL;
    object = describe(row, r);
    (void)json_object_set_new(object, "switched_off",
                              json_boolean(alarm_rule_excepts(r, d->device_id)));
    return object;
}

void api_alarm_device_list(struct http_call *call)
{
    struct walk w = {.call = call, .describe = describe_of_device};

    list(&w);
}

/* False: answered. */
static bool find_of_device(struct http_call *call, struct form *f, json_t **out)
{
    if (!find(call, f))
        return false;
    *out = describe_of_device(call, &f->row, f->rule);
    if (*out == NULL)
        http_fail(call, PROBLEM_not_found, "the device is not in the source of this alarm rule");
    return *out != NULL;
}

void api_alarm_device_show(struct http_call *call)
{
    struct form f = {0};
    json_t *object;

    if (find_of_device(call, &f, &object))
        http_answer(call, object);
    free_form(&f);
}

/* Writes the switch into the definition: a list of those that it is off for. */
static bool set_switch(struct http_call *call, struct form *f, bool is_off)
{
    const char *device = http_call_parameter(call, "device");
    json_t *definition = http_json_stored(f->row.definition);
    json_t *before = json_object_get(definition, "except");
    json_t *after = json_array(), *one;
    size_t i;
    bool is_fine;

    json_array_foreach (before, i, one) {
        if (strcmp(json_string_value(one), device) != 0)
            (void)json_array_append(after, one);
    }
    if (is_off)
        (void)json_array_append_new(after, json_string(device));
    (void)json_object_set_new(definition, "except", after);
    if (json_array_size(after) == 0)
        (void)json_object_del(definition, "except");
    is_fine = set_definition(call, f, definition);
    json_decref(definition);
    return is_fine;
}

void api_alarm_device_change(struct http_call *call)
{
    struct form f = {0};
    json_t *object = NULL;
    bool is_off;

    if (!find_of_device(call, &f, &object)) {
        free_form(&f);
        return;
    }
    if (!http_take_bool(call, "switched_off", &is_off) ||
        (set_switch(call, &f, is_off) && store(call, &f)))
        http_answer(call, describe_of_device(call, &f.row, f.rule));
    json_decref(object);
    free_form(&f);
}
