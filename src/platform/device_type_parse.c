/*
 * Reads the definition of a device type. The parsed text stays with the type, and the names of the
 * compiled one point into it.
 */
#include <stdio.h>

#include "base/ident.h"
#include "platform/connection_template.h"
#include "platform/definition.h"
#include "platform/device_type_priv.h"

struct parse {
    struct definition_reader reader;
    struct device_type *type;
};

enum { WHERE_MAX = 2 * IDENT_MEMBER_MAX + 64 };

/* The identifier of an element of a list; `where` becomes `attribute "temperature"`. */
static struct slice read_id(struct parse *p, const char *what, size_t index, const json_t *object,
                            char where[WHERE_MAX])
{
    struct slice id = definition_text(json_object_get(object, "id"));

    (void)snprintf(where, WHERE_MAX, "%.80s %zu", what, index + 1);
    if (!json_is_object(object))
        definition_fail(&p->reader, "%s: an object was expected", where);
    else if (!ident_is_member(id))
        definition_fail(&p->reader, "%s: \"id\" must be 1 to 64 of A-Z a-z 0-9 _ -", where);
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
    json_t *list = definition_list(&p->reader, where, object, "values", DEVICE_TYPE_MEMBERS_MAX);
    size_t i;
    json_t *value;

    if (list == NULL || json_array_size(list) == 0) {
        definition_fail(&p->reader, "%s: \"values\" must be a list of the enum's values", where);
        return;
    }
    f->choices = mem_new(MEM_PROJECT, json_array_size(list) * sizeof(*f->choices));
    f->choice_count = json_array_size(list);
    json_array_foreach (list, i, value) {
        struct field_choice *c = &f->choices[i];

        c->is_text = json_is_string(value);
        c->text = definition_text(value);
        c->number = json_integer_value(value);
        if (!json_is_integer(value) && (!c->is_text || c->text.len > IDENT_MEMBER_MAX))
            definition_fail(&p->reader, "%s: values are integers, or texts of at most %d bytes",
                            where, IDENT_MEMBER_MAX);
    }
}

static void read_field(struct parse *p, const char *where, const json_t *object,
                       struct type_field *f)
{
    int64_t precision;

    f->type = (enum field_type)definition_word(&p->reader, where, object, "type", field_words,
                                               FIELD_TYPE_COUNT);
    definition_check_text(&p->reader, where, object, "name");
    definition_check_text(&p->reader, where, object, "unit");
    (void)definition_integer(&p->reader, where, object, "precision", 15, &precision);
    f->has_minimum = definition_number(&p->reader, where, object, "minimum", &f->minimum);
    f->has_maximum = definition_number(&p->reader, where, object, "maximum", &f->maximum);
    if (f->type != FIELD_NUMBER && (f->has_minimum || f->has_maximum))
        definition_fail(&p->reader, "%s: only a number has bounds", where);
    if (f->has_minimum && f->has_maximum && f->minimum > f->maximum)
        definition_fail(&p->reader, "%s: \"minimum\" is above \"maximum\"", where);
    if (f->type == FIELD_ENUM)
        read_choices(p, where, object, f);
    else if (json_object_get(object, "values") != NULL)
        definition_fail(&p->reader, "%s: only an enum has \"values\"", where);
}

#define FIELD_MEMBERS "id", "name", "type", "unit", "precision", "minimum", "maximum", "values"

static void read_fields(struct parse *p, const char *owner, const json_t *object, const char *name,
                        struct type_fields *out)
{
    static const char *const known[] = {FIELD_MEMBERS, NULL};
    json_t *list = definition_list(&p->reader, owner, object, name, DEVICE_TYPE_MEMBERS_MAX),
           *element;
    size_t i;

    if (list == NULL || json_array_size(list) == 0)
        return;
    out->items = mem_new(MEM_PROJECT, json_array_size(list) * sizeof(*out->items));
    json_array_foreach (list, i, element) {
        struct type_field *f = &out->items[i];
        char what[WHERE_MAX], where[WHERE_MAX];

        (void)snprintf(what, sizeof(what), "%.70s, %s", owner, name);
        f->id = read_id(p, what, i, element, where);
        if (p->reader.has_failed)
            return;
        if (type_fields_find(out, f->id) != NULL)
            definition_fail(&p->reader, "%s is there twice", where);
        out->count = i + 1;
        definition_check_members(&p->reader, where, element, known);
        read_field(p, where, element, f);
    }
}

/* --- what a type has ------------------------------------------------------------------------- */

static const char *const direction_words[] = {
#define X(name, word, reported, pushed, written) word,
    ATTRIBUTE_DIRECTION_LIST(X)
#undef X
};

static void read_attributes(struct parse *p, const json_t *root)
{
    static const char *const known[] = {FIELD_MEMBERS, "direction", NULL};
    json_t *list = definition_list(&p->reader, "the definition", root, "attributes",
                                   DEVICE_TYPE_MEMBERS_MAX),
           *element;
    struct device_type *t = p->type;
    size_t i;

    if (list == NULL || json_array_size(list) == 0)
        return;
    t->attributes = mem_new(MEM_PROJECT, json_array_size(list) * sizeof(*t->attributes));
    json_array_foreach (list, i, element) {
        struct type_attribute *a = &t->attributes[i];
        char where[WHERE_MAX];

        a->field.id = read_id(p, "attribute", i, element, where);
        if (p->reader.has_failed)
            return;
        if (device_type_find_attribute(t, a->field.id) != NULL)
            definition_fail(&p->reader, "%s is there twice", where);
        t->attribute_count = i + 1;
        hash_table_put(&t->attribute_table, hash_bytes(a->field.id), a);
        definition_check_members(&p->reader, where, element, known);
        a->direction = (enum attribute_direction)definition_word(
            &p->reader, where, element, "direction", direction_words, ATTRIBUTE_DIRECTION_COUNT);
        read_field(p, where, element, &a->field);
    }
}

static void read_methods(struct parse *p, const json_t *root, const char *name, const char *what,
                         bool have_replies, struct type_methods *out)
{
    static const char *const event_known[] = {"id", "name", "params", NULL};
    static const char *const command_known[] = {"id", "name", "params", "reply", NULL};
    json_t *list =
               definition_list(&p->reader, "the definition", root, name, DEVICE_TYPE_MEMBERS_MAX),
           *element;
    size_t i;

    if (list == NULL || json_array_size(list) == 0)
        return;
    out->items = mem_new(MEM_PROJECT, json_array_size(list) * sizeof(*out->items));
    json_array_foreach (list, i, element) {
        struct type_method *m = &out->items[i];
        char where[WHERE_MAX];

        m->id = read_id(p, what, i, element, where);
        if (p->reader.has_failed)
            return;
        for (size_t k = 0; k < i; k++) {
            if (slice_equal(out->items[k].id, m->id))
                definition_fail(&p->reader, "%s is there twice", where);
        }
        out->count = i + 1;
        definition_check_members(&p->reader, where, element,
                                 have_replies ? command_known : event_known);
        definition_check_text(&p->reader, where, element, "name");
        read_fields(p, where, element, "params", &m->params);
        read_fields(p, where, element, "reply", &m->reply);
    }
}

static const char *const format_words[] = {
#define X(name, word) word,
    STREAM_FORMAT_LIST(X)
#undef X
};

/* A topic by which the stream's devices know it. */
static void read_topic(struct parse *p, const char *where, const json_t *stream, const char *name,
                       struct topic_template *out)
{
    const json_t *value = json_object_get(stream, name);
    const char *why;

    if (value == NULL)
        return;
    definition_check_text(&p->reader, where, stream, name);
    if (topic_template_parse(definition_text(value), out, &why) != ST_OK)
        definition_fail(&p->reader, "%s: \"%s\": %s", where, name, why);
}

static bool is_same_topic(const struct topic_template *a, const struct topic_template *b)
{
    return topic_template_is_set(a) && slice_equal(a->before, b->before) &&
           slice_equal(a->after, b->after);
}

static void read_topics(struct parse *p, const char *where, const json_t *element,
                        struct type_stream *s)
{
    const struct device_type *t = p->type;

    read_topic(p, where, element, "publish_topic", &s->publish_topic);
    read_topic(p, where, element, "subscribe_topic", &s->subscribe_topic);
    for (const struct type_stream *other = t->streams; other < s; other++) {
        if (is_same_topic(&s->publish_topic, &other->publish_topic) ||
            is_same_topic(&s->subscribe_topic, &other->subscribe_topic))
            definition_fail(&p->reader, "%s: its topic is that of another stream", where);
    }
}

static void read_streams(struct parse *p, const json_t *root)
{
    static const char *const known[] = {"id", "name", "format", "publish_topic", "subscribe_topic",
                                        NULL};
    json_t *list = definition_list(&p->reader, "the definition", root, "streams",
                                   DEVICE_TYPE_MEMBERS_MAX),
           *element;
    struct device_type *t = p->type;
    size_t i;

    if (list == NULL || json_array_size(list) == 0)
        return;
    t->streams = mem_new(MEM_PROJECT, json_array_size(list) * sizeof(*t->streams));
    json_array_foreach (list, i, element) {
        struct type_stream *s = &t->streams[i];
        char where[WHERE_MAX];

        s->id = read_id(p, "stream", i, element, where);
        if (p->reader.has_failed)
            return;
        if (device_type_find_stream(t, s->id) != NULL)
            definition_fail(&p->reader, "%s is there twice", where);
        t->stream_count = i + 1;
        definition_check_members(&p->reader, where, element, known);
        definition_check_text(&p->reader, where, element, "name");
        s->format = (enum stream_format)definition_word(&p->reader, where, element, "format",
                                                        format_words, STREAM_FORMAT_COUNT);
        read_topics(p, where, element, s);
    }
}

/* How its devices want their connection information; used where they ask for it. */
static void read_connection(struct parse *p, const json_t *root)
{
    const json_t *form = json_object_get(root, "connection");
    const char *why = form == NULL ? NULL : connection_template_check(form);

    if (why != NULL)
        definition_fail(&p->reader, "\"connection\": %s", why);
}

static void read_type(struct parse *p, json_t *root)
{
    static const char *const known[] = {
        "strict", "cloud_response", "max_rate", "offline_delay", "auto_create", "attributes",
        "events", "commands",       "streams",  "connection",    NULL};
    const char *where = "the definition";
    struct device_type *t = p->type;
    int64_t number = 0;

    definition_check_members(&p->reader, where, root, known);
    t->strict = definition_bool(&p->reader, where, root, "strict");
    t->auto_create = json_object_get(root, "auto_create") == NULL ||
                     definition_bool(&p->reader, where, root, "auto_create");
    t->cloud_response = definition_bool(&p->reader, where, root, "cloud_response");
    if (definition_integer(&p->reader, where, root, "max_rate", 1000000, &number))
        t->max_rate = (uint32_t)number;
    t->has_offline_delay =
        definition_integer(&p->reader, where, root, "offline_delay", 86400, &number);
    if (t->has_offline_delay)
        t->offline_delay_ms = (uint64_t)number * 1000;
    read_attributes(p, root);
    read_methods(p, root, "events", "event", false, &t->events);
    read_methods(p, root, "commands", "command", true, &t->commands);
    read_streams(p, root);
    read_connection(p, root);
}

enum status device_type_parse(uint64_t type_id, uint64_t project_id, struct slice text,
                              struct device_type **out, char *error)
{
    struct parse p = {.reader = {.error = error}};
    enum status st;
    json_t *root;

    error[0] = '\0';
    *out = NULL;
    st = definition_load(&p.reader, text, DEVICE_TYPE_TEXT_MAX, &root);
    if (st != ST_OK)
        return st;
    p.type = device_type_new(type_id, project_id);
    p.type->definition = root;
    read_type(&p, root);
    if (p.reader.has_failed) {
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
