/* What is chosen by chance is drawn in a fixed order, so that a seed says it all. */
#include "alarm_script.h"

static const char *const texts[] = {"ON", "OFF", "x", "y"};
static const char *const operator_words[ORACLE_OPERATORS] = {">", ">=", "<", "<=", "==", "!="};
static const char *const level_words[] = {"normal", "important", "urgent"};

uint64_t alarm_script_type_id(int type)
{
    char text[] = "PK_SIM00";

    text[sizeof(text) - 2] = (char)('0' + type);
    return type < 0 ? 0 : ident_parse(IDENT_TYPE, slice_of(text));
}

static struct oracle_value choose_value(struct chance *chance)
{
    struct oracle_value v = {.kind = ORACLE_NUMBER, .number = (int)chance_below(chance, 5)};

    if (chance_percent(chance, 15)) {
        v = (struct oracle_value){.kind = ORACLE_BOOL, .number = (int)chance_below(chance, 2)};
    } else if (chance_percent(chance, 25)) {
        v = (struct oracle_value){.kind = ORACLE_TEXT, .text = texts[chance_below(chance, 4)]};
    }
    return v;
}

static void append_value(const struct oracle_value *v, struct buffer *out)
{
    if (v->kind == ORACLE_NUMBER)
        buffer_printf(out, "%d", v->number);
    else if (v->kind == ORACLE_BOOL)
        buffer_append_text(out, v->number != 0 ? "true" : "false");
    else
        buffer_printf(out, "\"%s\"", v->text);
}

uint32_t alarm_script_report(struct chance *chance, struct oracle_value values[ALARM_ATTRIBUTES],
                             struct buffer *out)
{
    uint32_t attributes = 1 + chance_below(chance, (1u << ALARM_ATTRIBUTES) - 1);
    const char *before = "{";

    for (unsigned i = 0; i < ALARM_ATTRIBUTES; i++) {
        if ((attributes & 1u << i) == 0)
            continue;
        values[i] = choose_value(chance);
        buffer_printf(out, "%s\"%c\": ", before, (char)('a' + i));
        append_value(&values[i], out);
        before = ", ";
    }
    buffer_append_u8(out, '}');
    return attributes;
}

static struct oracle_condition choose_condition(struct chance *chance)
{
    return (struct oracle_condition){
        .attribute = chance_below(chance, ALARM_ATTRIBUTES),
        .op = (enum oracle_operator)chance_below(chance, ORACLE_OPERATORS),
        .value = choose_value(chance)};
}

struct oracle_rule alarm_script_rule(struct chance *chance)
{
    static const int64_t durations_ms[] = {0, 0, 1000, 2000, 7000};
    struct oracle_rule r = {
        .exists = true,
        .is_enabled = !chance_percent(chance, 10),
        .is_offline = chance_percent(chance, 30),
        .needs_all = chance_percent(chance, 50),
        .name = chance_below(chance, 100),
        .level = chance_below(chance, 3),
        .type = (int)chance_below(chance, ALARM_TYPES + 1) - 1,
        .devices = 1 + chance_below(chance, (1u << ALARM_DEVICES) - 1),
        .except = chance_percent(chance, 70) ? 0 : chance_below(chance, 1u << ALARM_DEVICES),
        .repeat = 1 + (chance_percent(chance, 60) ? 0 : chance_below(chance, 3)),
        .duration_ms = durations_ms[chance_below(chance, 5)],
    };

    r.condition_count = r.is_offline ? 0 : 1 + chance_below(chance, ALARM_CONDITIONS);
    for (unsigned i = 0; i < r.condition_count; i++)
        r.conditions[i] = choose_condition(chance);
    return r;
}

void alarm_script_change(struct chance *chance, struct oracle_rule *r)
{
    switch (chance_below(chance, 6)) {
    case 0:
        r->name = chance_below(chance, 100);
        break;
    case 1:
        r->level = chance_below(chance, 3);
        break;
    case 2:
        r->is_enabled = !r->is_enabled;
        break;
    case 3:
        r->duration_ms = r->duration_ms == 0 ? 1000 : 0;
        break;
    default:
        r->except ^= 1u << chance_below(chance, ALARM_DEVICES);
        break;
    }
}

static void append_devices(const struct world *w, uint32_t devices, struct buffer *out)
{
    const char *before = "[";

    for (unsigned i = 0; i < ALARM_DEVICES; i++) {
        if ((devices & 1u << i) == 0)
            continue;
        buffer_printf(out, "%s\"%s\"", before, w->devices[i]);
        before = ", ";
    }
    buffer_append_text(out, devices == 0 ? "[]" : "]");
}

static void append_trigger(const struct oracle_rule *r, struct buffer *out)
{
    if (r->is_offline) {
        buffer_append_text(out, "{\"offline\": true}");
        return;
    }
    buffer_printf(out, "{\"%s\": [", r->needs_all ? "all" : "any");
    for (unsigned i = 0; i < r->condition_count; i++) {
        const struct oracle_condition *c = &r->conditions[i];

        buffer_printf(out, "%s{\"attribute\": \"%c\", \"operator\": \"%s\", \"value\": ",
                      i > 0 ? ", " : "", (char)('a' + c->attribute), operator_words[c->op]);
        append_value(&c->value, out);
        buffer_append_u8(out, '}');
    }
    buffer_append_text(out, "]}");
}

void alarm_script_definition(const struct world *w, const struct oracle_rule *r, struct buffer *out)
{
    char type[IDENT_TEXT_LEN + 1];

    buffer_printf(out, "{\"name\": \"rule %u\", \"level\": \"%s\", \"enabled\": %s, \"source\": ",
                  r->name, level_words[r->level], r->is_enabled ? "true" : "false");
    if (r->type >= 0) {
        ident_format(IDENT_TYPE, alarm_script_type_id(r->type), type);
        buffer_printf(out, "{\"type\": \"%s\"}", type);
    } else {
        buffer_append_text(out, "{\"devices\": ");
        append_devices(w, r->devices, out);
        buffer_append_u8(out, '}');
    }
    buffer_append_text(out, ", \"except\": ");
    append_devices(w, r->except, out);
    buffer_append_text(out, ", \"trigger\": ");
    append_trigger(r, out);
    buffer_printf(out, ", \"repeat\": %u, \"duration\": %lld}", r->repeat,
                  (long long)(r->duration_ms / 1000));
}
