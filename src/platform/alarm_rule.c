/*
 * Alarm rules: their life, whom they watch, and whether values meet them.
 *
 * Values are compared by what they mean: numbers as numbers; what could be a switch on both sides
 * (true, 1, "ON") as one, however each is written, off before on; texts by code points.
 */
#include "platform/alarm_rule.h"

#include "base/ident.h"
#include "base/invariant.h"
#include "base/sorted_ids.h"
#include "platform/alarm_rule_priv.h"
#include "platform/type_field.h"

static const char *const level_words[] = {
#define X(name, word) word,
    ALARM_LEVEL_LIST(X)
#undef X
};

static const struct outcome {
    bool less, equal, greater;
} outcomes[] = {
#define X(name, word, less, equal, greater) {less, equal, greater},
    ALARM_OPERATOR_LIST(X)
#undef X
};

const char *alarm_level_word(enum alarm_level level)
{
    return level_words[level];
}

bool alarm_level_parse(const char *word, enum alarm_level *out)
{
    for (unsigned level = 0; level < ALARM_LEVEL_COUNT; level++) {
        if (strcmp(word, level_words[level]) == 0) {
            *out = (enum alarm_level)level;
            return true;
        }
    }
    return false;
}

struct alarm_rule *alarm_rule_ref(struct alarm_rule *r)
{
    invariant(r->magic == ALARM_RULE_MAGIC);
    atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
    return r;
}

void alarm_rule_unref(struct alarm_rule **rp)
{
    struct alarm_rule *r = *rp;

    *rp = NULL;
    if (r == NULL)
        return;
    invariant(r->magic == ALARM_RULE_MAGIC);
    if (atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
        return;
    alarm_rule_free_definition(r);
    mem_free(r->device_ids);
    mem_free(r->except_ids);
    mem_free(r->conditions);
    r->magic = 0;
    mem_free(r);
}

/* --- whom it watches ------------------------------------------------------------------------- */

bool alarm_rule_is_for(const struct alarm_rule *r, uint64_t device_id, uint64_t type_id)
{
    return r->type_id != 0 ? r->type_id == type_id
                           : sorted_ids_have(r->device_ids, r->device_count, device_id);
}

bool alarm_rule_excepts(const struct alarm_rule *r, uint64_t device_id)
{
    return sorted_ids_have(r->except_ids, r->except_count, device_id);
}

bool alarm_rule_watches(const struct alarm_rule *r, uint64_t device_id, uint64_t type_id)
{
    return r->is_enabled && alarm_rule_is_for(r, device_id, type_id) &&
           !alarm_rule_excepts(r, device_id);
}

/* --- conditions ------------------------------------------------------------------------------ */

bool alarm_rule_concerns(const struct alarm_rule *r, const struct json_member *members,
                         size_t count)
{
    for (size_t c = 0; c < r->condition_count; c++) {
        for (size_t i = 0; i < count; i++) {
            if (slice_equal(members[i].key, r->conditions[c].attribute))
                return true;
        }
    }
    return false;
}

static bool holds(enum alarm_operator op, int order)
{
    const struct outcome *o = &outcomes[op];

    return order < 0 ? o->less : order > 0 ? o->greater : o->equal;
}

static bool compare_numbers(const struct alarm_condition *c, const struct json_member *m)
{
    double value = json_member_double(m);

    return holds(c->op, (value > c->number) - (value < c->number));
}

static bool meets(const struct alarm_condition *c, const struct json_member *m)
{
    bool is_on;

    if (c->type == JSON_TYPE_NUMBER && m->type == JSON_TYPE_NUMBER)
        return compare_numbers(c, m);
    if (c->type == JSON_TYPE_STRING && m->type == JSON_TYPE_STRING)
        return holds(c->op, json_text_compare(m, c->text));
    if (c->is_switch && type_field_switch(m, &is_on) == ST_OK)
        return holds(c->op, (int)is_on - (int)c->is_on);
    return false;
}

static bool is_condition_met(const struct alarm_condition *c, const struct cloud_values *values)
{
    const struct cloud_value *v = cloud_values_find(values, c->attribute);
    struct json_member m;

    if (v == NULL)
        return false;
    m = (struct json_member){.key = cloud_value_name(v), .value = cloud_value_json(v)};
    m.type = json_value_type(m.value);
    return meets(c, &m);
}

bool alarm_rule_is_met(const struct alarm_rule *r, const struct cloud_values *values)
{
    for (size_t i = 0; i < r->condition_count; i++) {
        if (is_condition_met(&r->conditions[i], values) != r->needs_all)
            return !r->needs_all;
    }
    return r->needs_all && r->condition_count > 0;
}
