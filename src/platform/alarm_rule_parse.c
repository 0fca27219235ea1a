/*
 * Reads the definition of an alarm rule. The parsed text stays with the rule, and its texts point
 * into it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/ident.h"
#include "base/sorted_ids.h"
#include "platform/alarm_rule_priv.h"
#include "platform/definition.h"

static const char whole[] = "the definition";

struct parse {
    struct definition_reader reader;
    struct alarm_rule *rule;
};

/* --- source ---------------------------------------------------------------------------------- */

/* Reads a list of device user names into a sorted array, which the caller owns. */
static void read_devices(struct parse *p, const char *where, const json_t *object, const char *name,
                         uint64_t **ids, size_t *count)
{
    json_t *list = definition_list(&p->reader, where, object, name, ALARM_RULE_DEVICES_MAX);
    json_t *element;
    size_t i;

    if (list == NULL || json_array_size(list) == 0)
        return;
    *count = json_array_size(list);
    *ids = mem_new(MEM_PROJECT, *count * sizeof(**ids));
    json_array_foreach (list, i, element) {
        (*ids)[i] = ident_parse(IDENT_DEVICE, definition_text(element));
        if ((*ids)[i] == 0)
            definition_fail(&p->reader, "%s: \"%s\" must be a list of user names (DU_...)", where,
                            name);
    }
    sorted_ids_sort(*ids, *count);
}

static void read_source(struct parse *p, const json_t *root)
{
    static const char *const known[] = {"type", "devices", NULL};
    json_t *source = json_object_get(root, "source");
    const json_t *type = json_object_get(source, "type");
    struct alarm_rule *r = p->rule;

    if (!json_is_object(source)) {
        definition_fail(&p->reader, "%s: \"source\" must be an object", whole);
        return;
    }
    definition_check_members(&p->reader, "source", source, known);
    if (type != NULL) {
        r->type_id = ident_parse(IDENT_TYPE, definition_text(type));
        if (r->type_id == 0)
            definition_fail(&p->reader, "source: \"type\" must be a product key (PK_...)");
    }
    read_devices(p, "source", source, "devices", &r->device_ids, &r->device_count);
    if ((r->type_id != 0) == (r->device_count != 0))
        definition_fail(&p->reader, "source: give \"type\" or \"devices\"");
}

/* --- trigger --------------------------------------------------------------------------------- */

static const char *const operator_words[] = {
#define X(name, word, less, equal, greater) word,
    ALARM_OPERATOR_LIST(X)
#undef X
};

static void read_value(struct parse *p, const char *where, const json_t *object,
                       struct alarm_condition *c)
{
    const json_t *value = json_object_get(object, "value");

    c->text = definition_text(value);
    c->number = json_number_value(value);
    if (json_is_number(value)) {
        c->type = JSON_TYPE_NUMBER;
        c->is_switch = json_is_integer(value) && (c->number == 0 || c->number == 1);
        c->is_on = c->number == 1;
    } else if (json_is_boolean(value)) {
        c->type = JSON_TYPE_BOOL;
        c->is_switch = true;
        c->is_on = json_is_true(value);
    } else if (json_is_string(value) && c->text.len <= IDENT_MEMBER_MAX) {
        c->type = JSON_TYPE_STRING;
        c->is_on = slice_is(c->text, "ON");
        c->is_switch = c->is_on || slice_is(c->text, "OFF");
    } else {
        definition_fail(
            &p->reader,
            "%s: \"value\" must be a number, true, false, or a text of at most %d bytes", where,
            IDENT_MEMBER_MAX);
    }
}

static void read_conditions(struct parse *p, const char *name, const json_t *trigger)
{
    static const char *const known[] = {"attribute", "operator", "value", NULL};
    json_t *list = definition_list(&p->reader, "trigger", trigger, name, ALARM_RULE_CONDITIONS_MAX);
    struct alarm_rule *r = p->rule;
    json_t *element;
    size_t i;

    if (list == NULL || json_array_size(list) == 0) {
        definition_fail(&p->reader, "trigger: \"%s\" must be a list of conditions", name);
        return;
    }
    r->condition_count = json_array_size(list);
    r->conditions = mem_new(MEM_PROJECT, r->condition_count * sizeof(*r->conditions));
    json_array_foreach (list, i, element) {
        struct alarm_condition *c = &r->conditions[i];
        char where[32];

        (void)snprintf(where, sizeof(where), "condition %zu", i + 1);
        if (!json_is_object(element)) {
            definition_fail(&p->reader, "%s: an object was expected", where);
            return;
        }
        definition_check_members(&p->reader, where, element, known);
        c->attribute = definition_text(json_object_get(element, "attribute"));
        if (c->attribute.len == 0 || c->attribute.len > CLOUD_VALUE_NAME_MAX)
            definition_fail(&p->reader, "%s: \"attribute\" is missing", where);
        c->op = (enum alarm_operator)definition_word(&p->reader, where, element, "operator",
                                                     operator_words, ALARM_OPERATOR_COUNT);
        read_value(p, where, element, c);
    }
}

static void read_trigger(struct parse *p, const json_t *root)
{
    static const char *const known[] = {"all", "any", "offline", NULL};
    json_t *trigger = json_object_get(root, "trigger");
    struct alarm_rule *r = p->rule;

    if (!json_is_object(trigger) || json_object_size(trigger) != 1) {
        definition_fail(&p->reader,
                        "%s: \"trigger\" must be an object with \"all\", \"any\" or \"offline\"",
                        whole);
        return;
    }
    definition_check_members(&p->reader, "trigger", trigger, known);
    if (json_object_get(trigger, "offline") != NULL) {
        r->is_offline = definition_bool(&p->reader, "trigger", trigger, "offline");
        if (!r->is_offline)
            definition_fail(&p->reader, "trigger: \"offline\" must be true");
        return;
    }
    r->needs_all = json_object_get(trigger, "all") != NULL;
    read_conditions(p, r->needs_all ? "all" : "any", trigger);
}

/* --- the rest -------------------------------------------------------------------------------- */

static void read_rule(struct parse *p, json_t *root)
{
    static const char *const known[] = {"name",    "level",  "enabled",  "source", "except",
                                        "trigger", "repeat", "duration", NULL};
    static const char *const level_words[] = {
#define X(name, word) word,
        ALARM_LEVEL_LIST(X)
#undef X
    };
    struct alarm_rule *r = p->rule;
    int64_t number = 1;

    definition_check_members(&p->reader, whole, root, known);
    r->name = definition_text(json_object_get(root, "name"));
    if (r->name.len == 0 || r->name.len > ALARM_RULE_NAME_MAX)
        definition_fail(&p->reader, "%s: \"name\" must be a text of 1 to %d bytes", whole,
                        ALARM_RULE_NAME_MAX);
    r->level = (enum alarm_level)definition_word(&p->reader, whole, root, "level", level_words,
                                                 ALARM_LEVEL_COUNT);
    r->is_enabled = json_object_get(root, "enabled") == NULL ||
                    definition_bool(&p->reader, whole, root, "enabled");
    read_source(p, root);
    read_devices(p, whole, root, "except", &r->except_ids, &r->except_count);
    read_trigger(p, root);
    (void)definition_integer(&p->reader, whole, root, "repeat", 1000000, &number);
    r->repeat = number < 1 ? 1 : (uint32_t)number;
    number = 0;
    (void)definition_integer(&p->reader, whole, root, "duration", 30 * 24 * 3600, &number);
    r->duration_ms = (uint64_t)number * 1000;
}

enum status alarm_rule_parse(uint64_t rule_id, uint64_t project_id, struct slice text,
                             struct alarm_rule **out, char *error)
{
    struct parse p = {.reader = {.error = error}};
    enum status st;
    json_t *root;

    error[0] = '\0';
    *out = NULL;
    st = definition_load(&p.reader, text, ALARM_RULE_TEXT_MAX, &root);
    if (st != ST_OK)
        return st;
    p.rule = mem_new_of(MEM_PROJECT, struct alarm_rule);
    p.rule->magic = ALARM_RULE_MAGIC;
    atomic_init(&p.rule->refs, 1);
    p.rule->rule_id = rule_id;
    p.rule->project_id = project_id;
    p.rule->definition = root;
    read_rule(&p, root);
    if (p.reader.has_failed) {
        alarm_rule_unref(&p.rule);
        return ST_INVALID;
    }
    *out = p.rule;
    return ST_OK;
}

bool alarm_rule_is_like(const struct alarm_rule *a, const struct alarm_rule *b)
{
    return json_equal(json_object_get(a->definition, "source"),
                      json_object_get(b->definition, "source")) != 0 &&
           json_equal(json_object_get(a->definition, "trigger"),
                      json_object_get(b->definition, "trigger")) != 0 &&
           a->repeat == b->repeat && a->duration_ms == b->duration_ms;
}

void alarm_rule_free_definition(struct alarm_rule *r)
{
    json_decref(r->definition);
    r->definition = NULL;
}
