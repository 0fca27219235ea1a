/*
 * Reads the definition of a device type with jansson, off the message path. What it refuses it
 * names: the member, and why. A member that no definition has is refused too: a typing error would
 * otherwise switch a check off in silence. The parsed text stays with the type, and the names of
 * the compiled one point into it.
 */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/ident.h"
#include "platform/device_type_priv.h"

struct parse {
    struct device_type *type;
    char *error; /* DEVICE_TYPE_ERROR_MAX */
    bool has_failed;
};

static void fail(struct parse *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The first fault is the one that is told. */
static void fail(struct parse *p, const char *format, ...)
{
    va_list args;

    if (p->has_failed)
        return;
    p->has_failed = true;
    va_start(args, format);
    (void)vsnprintf(p->error, DEVICE_TYPE_ERROR_MAX, format, args);
    va_end(args);
}

static struct slice text_of(const json_t *value)
{
    return slice_make(json_string_value(value), json_string_length(value));
}

/* --- members --------------------------------------------------------------------------------- */

/* `known`: names, ended by NULL. */
static void check_members(struct parse *p, const char *where, json_t *object,
                          const char *const *known)
{
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value)
    {
        const char *const *k = known;

        while (*k != NULL && strcmp(*k, name) != 0)
            k++;
        if (*k == NULL)
            fail(p, "%s: \"%.64s\" is no member of a definition", where, name);
    }
}

static bool read_bool(struct parse *p, const char *where, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    if (value != NULL && !json_is_boolean(value))
        fail(p, "%s: \"%s\" must be true or false", where, name);
    return json_is_true(value);
}

static bool read_number(struct parse *p, const char *where, const json_t *object, const char *name,
                        double *out)
{
    const json_t *value = json_object_get(object, name);

    if (value == NULL || json_is_null(value))
        return false;
    if (!json_is_number(value))
        fail(p, "%s: \"%s\" must be a number", where, name);
    *out = json_number_value(value);
    return true;
}

static bool read_integer(struct parse *p, const char *where, const json_t *object, const char *name,
                         int64_t max, int64_t *out)
{
    const json_t *value = json_object_get(object, name);

    if (value == NULL || json_is_null(value))
        return false;
    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > max)
        fail(p, "%s: \"%s\" must be an integer from 0 to %lld", where, name, (long long)max);
    *out = json_integer_value(value);
    return true;
}

/* A text for people: only its form is checked, the console shows it. */
static void check_text(struct parse *p, const char *where, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    if (value != NULL && !json_is_string(value))
        fail(p, "%s: \"%s\" must be a text", where, name);
}

/* The place of a word in a list of words; 0 when it is none (and that is told). */
static unsigned read_word(struct parse *p, const char *where, const json_t *object,
                          const char *name, const char *const *words, unsigned count)
{
    struct slice text = text_of(json_object_get(object, name));

    for (unsigned i = 0; i < count; i++) {
        if (slice_is(text, words[i]))
            return i;
    }
    fail(p, "%s: \"%s\" is missing or unknown", where, name);
    return 0;
}

/* The list under this name, NULL when there is none (or no list). */
static json_t *read_list(struct parse *p, const char *where, const json_t *object, const char *name)
{
    json_t *list = json_object_get(object, name);

    if (list == NULL)
        return NULL;
    if (!json_is_array(list) || json_array_size(list) > DEVICE_TYPE_MEMBERS_MAX) {
        fail(p, "%s: \"%s\" must be a list of at most %d", where, name, DEVICE_TYPE_MEMBERS_MAX);
        return NULL;
    }
    return list;
}

enum { WHERE_MAX = 2 * IDENT_MEMBER_MAX + 64 };

/* The identifier of an element of a list; `where` becomes `attribute "temperature"`. */
static struct slice read_id(struct parse *p, const char *what, size_t index, const json_t *object,
                            char where[WHERE_MAX])
{
    struct slice id = text_of(json_object_get(object, "id"));

    (void)snprintf(where, WHERE_MAX, "%.80s %zu", what, index + 1);
    if (!json_is_object(object))
        fail(p, "%s: an object was expected", where);
    else if (!ident_is_member(id))
        fail(p, "%s: \"id\" must be 1 to 64 of A-Z a-z 0-9 _ -", where);
    else
        (void)snprintf(where, WHERE_MAX, "%.80s \"%.*s\"", what, (int)id.len, id.data);
    return id;
}

/* --- fields ---------------------------------------------------------------------------------- */

static const char *const field_words[] = {
#define X(name, word) word,
    FIELD_TYPE_LIST(X)
#undef X
};

static void read_choices(struct parse *p, const char *where, const json_t *object,
                         struct type_field *f)
{
    json_t *list = read_list(p, where, object, "values");
    size_t i;
    json_t *value;

    if (list == NULL || json_array_size(list) == 0) {
        fail(p, "%s: \"values\" must be a list of the enum's values", where);
        return;
    }
    f->choices = mem_new(MEM_PROJECT, json_array_size(list) * sizeof(*f->choices));
    f->choice_count = json_array_size(list);
    json_array_foreach(list, i, value)
    {
        struct field_choice *c = &f->choices[i];

        c->is_text = json_is_string(value);
        c->text = text_of(value);
        c->number = json_integer_value(value);
        if (!json_is_integer(value) && (!c->is_text || c->text.len > IDENT_MEMBER_MAX))
            fail(p, "%s: values are integers, or texts of at most %d bytes", where,
                 IDENT_MEMBER_MAX);
    }
}

static void read_field(struct parse *p, const char *where, const json_t *object,
                       struct type_field *f)
{
    int64_t precision;

    f->type = (enum field_type)read_word(p, where, object, "type", field_words, FIELD_TYPE_COUNT);
    check_text(p, where, object, "name");
    check_text(p, where, object, "unit");
    (void)read_integer(p, where, object, "precision", 15, &precision);
    f->has_minimum = read_number(p, where, object, "minimum", &f->minimum);
    f->has_maximum = read_number(p, where, object, "maximum", &f->maximum);
    if (f->type != FIELD_NUMBER && (f->has_minimum || f->has_maximum))
        fail(p, "%s: only a number has bounds", where);
    if (f->has_minimum && f->has_maximum && f->minimum > f->maximum)
        fail(p, "%s: \"minimum\" is above \"maximum\"", where);
    if (f->type == FIELD_ENUM)
        read_choices(p, where, object, f);
    else if (json_object_get(object, "values") != NULL)
        fail(p, "%s: only an enum has \"values\"", where);
}

#define FIELD_MEMBERS "id", "name", "type", "unit", "precision", "minimum", "maximum", "values"

static void read_fields(struct parse *p, const char *owner, const json_t *object, const char *name,
                        struct type_fields *out)
{
    static const char *const known[] = {FIELD_MEMBERS, NULL};
    json_t *list = read_list(p, owner, object, name), *element;
    size_t i;

    if (list == NULL || json_array_size(list) == 0)
        return;
    out->items = mem_new(MEM_PROJECT, json_array_size(list) * sizeof(*out->items));
    json_array_foreach(list, i, element)
    {
        struct type_field *f = &out->items[i];
        char what[WHERE_MAX], where[WHERE_MAX];

        (void)snprintf(what, sizeof(what), "%.70s, %s", owner, name);
        f->id = read_id(p, what, i, element, where);
        if (p->has_failed)
            return;
        if (type_fields_find(out, f->id) != NULL)
            fail(p, "%s is there twice", where);
        out->count = i + 1;
        check_members(p, where, element, known);
        read_field(p, where, element, f);
    }
}

/* --- what a type has ------------------------------------------------------------------------- */

static const char *const direction_words[] = {
#define X(name, word, reported, pushed) word,
    ATTRIBUTE_DIRECTION_LIST(X)
#undef X
};

static void read_attributes(struct parse *p, const json_t *root)
{
    static const char *const known[] = {FIELD_MEMBERS, "direction", NULL};
    json_t *list = read_list(p, "the definition", root, "attributes"), *element;
    struct device_type *t = p->type;
    size_t i;

    if (list == NULL || json_array_size(list) == 0)
        return;
    t->attributes = mem_new(MEM_PROJECT, json_array_size(list) * sizeof(*t->attributes));
    json_array_foreach(list, i, element)
    {
        struct type_attribute *a = &t->attributes[i];
        char where[WHERE_MAX];

        a->field.id = read_id(p, "attribute", i, element, where);
        if (p->has_failed)
            return;
        if (device_type_find_attribute(t, a->field.id) != NULL)
            fail(p, "%s is there twice", where);
        t->attribute_count = i + 1;
        hash_table_put(&t->attribute_table, hash_bytes(a->field.id), a);
        check_members(p, where, element, known);
        a->direction = (enum attribute_direction)read_word(
            p, where, element, "direction", direction_words, ATTRIBUTE_DIRECTION_COUNT);
        read_field(p, where, element, &a->field);
    }
}

static void read_methods(struct parse *p, const json_t *root, const char *name, const char *what,
                         bool have_replies, struct type_methods *out)
{
    static const char *const event_known[] = {"id", "name", "params", NULL};
    static const char *const command_known[] = {"id", "name", "params", "reply", NULL};
    json_t *list = read_list(p, "the definition", root, name), *element;
    size_t i;

    if (list == NULL || json_array_size(list) == 0)
        return;
    out->items = mem_new(MEM_PROJECT, json_array_size(list) * sizeof(*out->items));
    json_array_foreach(list, i, element)
    {
        struct type_method *m = &out->items[i];
        char where[WHERE_MAX];

        m->id = read_id(p, what, i, element, where);
        if (p->has_failed)
            return;
        for (size_t k = 0; k < i; k++) {
            if (slice_equal(out->items[k].id, m->id))
                fail(p, "%s is there twice", where);
        }
        out->count = i + 1;
        check_members(p, where, element, have_replies ? command_known : event_known);
        check_text(p, where, element, "name");
        read_fields(p, where, element, "params", &m->params);
        read_fields(p, where, element, "reply", &m->reply);
    }
}

static const char *const format_words[] = {
#define X(name, word) word,
    STREAM_FORMAT_LIST(X)
#undef X
};

static void read_streams(struct parse *p, const json_t *root)
{
    static const char *const known[] = {"id", "name", "format", NULL};
    json_t *list = read_list(p, "the definition", root, "streams"), *element;
    struct device_type *t = p->type;
    size_t i;

    if (list == NULL || json_array_size(list) == 0)
        return;
    t->streams = mem_new(MEM_PROJECT, json_array_size(list) * sizeof(*t->streams));
    json_array_foreach(list, i, element)
    {
        struct type_stream *s = &t->streams[i];
        char where[WHERE_MAX];

        s->id = read_id(p, "stream", i, element, where);
        if (p->has_failed)
            return;
        if (device_type_find_stream(t, s->id) != NULL)
            fail(p, "%s is there twice", where);
        t->stream_count = i + 1;
        check_members(p, where, element, known);
        check_text(p, where, element, "name");
        s->format = (enum stream_format)read_word(p, where, element, "format", format_words,
                                                  STREAM_FORMAT_COUNT);
    }
}

static void read_type(struct parse *p, json_t *root)
{
    static const char *const known[] = {"strict",        "cloud_response", "max_rate",
                                        "offline_delay", "attributes",     "events",
                                        "commands",      "streams",        NULL};
    const char *where = "the definition";
    struct device_type *t = p->type;
    int64_t number = 0;

    check_members(p, where, root, known);
    t->strict = read_bool(p, where, root, "strict");
    t->cloud_response = read_bool(p, where, root, "cloud_response");
    if (read_integer(p, where, root, "max_rate", 1000000, &number))
        t->max_rate = (uint32_t)number;
    t->has_offline_delay = read_integer(p, where, root, "offline_delay", 86400, &number);
    if (t->has_offline_delay)
        t->offline_delay_ms = (uint64_t)number * 1000;
    read_attributes(p, root);
    read_methods(p, root, "events", "event", false, &t->events);
    read_methods(p, root, "commands", "command", true, &t->commands);
    read_streams(p, root);
}

enum status device_type_parse(uint64_t type_id, uint64_t project_id, struct slice text,
                              struct device_type **out, char *error)
{
    struct parse p = {.error = error};
    json_error_t fault;
    json_t *root;

    error[0] = '\0';
    *out = NULL;
    if (text.len > DEVICE_TYPE_TEXT_MAX) {
        fail(&p, "a definition has at most %d bytes", DEVICE_TYPE_TEXT_MAX);
        return ST_TOO_LARGE;
    }
    root = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &fault);
    if (root == NULL) {
        fail(&p, "line %d, column %d: %s", fault.line, fault.column, fault.text);
        return ST_MALFORMED;
    }
    p.type = device_type_new(type_id, project_id);
    p.type->definition = root;
    if (json_is_object(root))
        read_type(&p, root);
    else
        fail(&p, "a definition is a JSON object");
    if (p.has_failed) {
        device_type_unref(&p.type);
        return ST_INVALID;
    }
    *out = p.type;
    return ST_OK;
}

void device_type_free_definition(struct device_type *t)
{
    json_decref(t->definition);
    t->definition = NULL;
}
