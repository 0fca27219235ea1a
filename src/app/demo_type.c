/*
 * Definitions as text. A walk or a sum is a number, a choice an enum; whatever a device reports may
 * be set too, because simulated devices take everything.
 */
#include "app/demo_type.h"

#include <string.h>

#include "base/invariant.h"

enum sim_kind {
#define SIM_KIND(kind, ...) SIM_KIND_##kind,
#include "app/sim_kind.def"
#undef SIM_KIND
    SIM_KIND_COUNT
};

static const char *const codes[] = {
#define SIM_KIND(kind, ...) #kind,
#include "app/sim_kind.def"
#undef SIM_KIND
};

enum shape { SHAPE_WALK, SHAPE_DAY, SHAPE_SUM, SHAPE_SWITCH, SHAPE_CHOICE };

static const char *const shape_types[] = {
    [SHAPE_WALK] = "number",   [SHAPE_DAY] = "number",  [SHAPE_SUM] = "number",
    [SHAPE_SWITCH] = "switch", [SHAPE_CHOICE] = "enum",
};

static const struct attribute {
    enum sim_kind kind;
    const char *name;
    enum shape shape;
    int decimals;
    const char *choices, *unit;
} attributes[] = {
#define SIM_ATTRIBUTE(kind, name, shape, low, high, step, decimals, choices, unit) \
    {SIM_KIND_##kind, name, SHAPE_##shape, decimals, choices, unit},
#include "app/sim_kind.def"
#undef SIM_ATTRIBUTE
};

struct method {
    enum sim_kind kind;
    const char *name;
};

static const struct method events[] = {
#define SIM_EVENT(kind, method, ...) {SIM_KIND_##kind, method},
#include "app/sim_kind.def"
#undef SIM_EVENT
};

static const struct method commands[] = {
#define SIM_COMMAND(kind, method, ...) {SIM_KIND_##kind, method},
#include "app/sim_kind.def"
#undef SIM_COMMAND
};

static const struct method streams[] = {
#define SIM_STREAM(kind, name, ...) {SIM_KIND_##kind, name},
#include "app/sim_kind.def"
#undef SIM_STREAM
};

static const struct rule {
    enum sim_kind kind;
    const char *name, *level, *attribute, *operator, * value;
    unsigned repeat;
} rules[] = {
#define SIM_ALARM(kind, name, level, attribute, operator, value, repeat) \
    {SIM_KIND_##kind, name, level, attribute, operator, value, repeat},
#include "app/sim_kind.def"
#undef SIM_ALARM
};

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

const char *demo_type_code(size_t kind)
{
    invariant(kind < SIM_KIND_COUNT);
    return codes[kind];
}

static void append_choices(const char *choices, struct buffer *out)
{
    struct slice rest = slice_of(choices);
    const char *separator = "";

    buffer_append_text(out, ", \"values\": [");
    while (rest.len > 0) {
        buffer_printf(out, "%s\"", separator);
        buffer_append_slice(out, slice_cut(&rest, '|'));
        buffer_append_u8(out, '"');
        separator = ", ";
    }
    buffer_append_u8(out, ']');
}

static void append_attributes(size_t kind, struct buffer *out)
{
    const char *separator = "";

    for (size_t i = 0; i < COUNT_OF(attributes); i++) {
        const struct attribute *a = &attributes[i];

        if (a->kind != kind)
            continue;
        buffer_printf(out, "%s{\"id\": \"%s\", \"direction\": \"both\", \"type\": \"%s\"",
                      separator, a->name, shape_types[a->shape]);
        if (a->shape == SHAPE_CHOICE)
            append_choices(a->choices, out);
        else if (a->shape != SHAPE_SWITCH)
            buffer_printf(out, ", \"precision\": %d", a->decimals);
        if (a->unit[0] != '\0')
            buffer_printf(out, ", \"unit\": \"%s\"", a->unit);
        buffer_append_u8(out, '}');
        separator = ", ";
    }
}

static void append_methods(size_t kind, const struct method *methods, size_t count,
                           const char *more, struct buffer *out)
{
    const char *separator = "";

    for (size_t i = 0; i < count; i++) {
        if (methods[i].kind != kind)
            continue;
        buffer_printf(out, "%s{\"id\": \"%s\"%s}", separator, methods[i].name, more);
        separator = ", ";
    }
}

void demo_type_append(size_t kind, struct buffer *out)
{
    buffer_append_text(out, "{\"attributes\": [");
    append_attributes(kind, out);
    buffer_append_text(out, "], \"events\": [");
    append_methods(kind, events, COUNT_OF(events), "", out);
    buffer_append_text(out, "], \"commands\": [");
    append_methods(kind, commands, COUNT_OF(commands), "", out);
    buffer_append_text(out, "], \"streams\": [");
    append_methods(kind, streams, COUNT_OF(streams), ", \"format\": \"binary\"", out);
    buffer_append_text(out, "]}");
}

size_t demo_type_rule_count(void)
{
    return COUNT_OF(rules);
}

size_t demo_type_rule_kind(size_t rule)
{
    invariant(rule < COUNT_OF(rules));
    return rules[rule].kind;
}

void demo_type_append_rule(size_t rule, const char *product_key, struct buffer *out)
{
    const struct rule *r = &rules[rule];

    invariant(rule < COUNT_OF(rules));
    buffer_printf(out,
                  "{\"name\": \"%s\", \"level\": \"%s\", \"source\": {\"type\": \"%s\"}, "
                  "\"trigger\": {\"all\": [{\"attribute\": \"%s\", \"operator\": \"%s\", "
                  "\"value\": %s}]}, \"repeat\": %u}",
                  r->name, r->level, product_key, r->attribute, r->operator, r->value, r->repeat);
}
