/*
 * A walk over a JSON value that makes another one of the same form.
 */
#include "platform/connection_template.h"

#include <string.h>

#include "base/bytes.h"

static const char *const names[] = {
#define SERVICE(name) name, name ".host", name ".port", name ".username", name ".password"
    SERVICE("mqtt"), SERVICE("mqtts"),
#undef SERVICE
    "topic",
#define CONNECTION_TOPIC(name, word) "topic." #name,
#include "platform/connection_topic.def"
#undef CONNECTION_TOPIC
    "device",        "sn",
    "product",       "project",
};

static bool is_name(struct slice s)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (slice_is(s, names[i]))
            return true;
    }
    return false;
}

static struct slice text_of(const json_t *value)
{
    return slice_make(json_string_value(value), json_string_length(value));
}

/* Cuts off what stands before the next placeholder, and that one. False: there is none; all of the
 * rest is `before` then. `name` has no data when its brace is not closed. */
static bool cut_placeholder(struct slice *rest, struct slice *before, struct slice *name)
{
    for (size_t i = 0; i + 1 < rest->len; i++) {
        const uint8_t *end;

        if (rest->data[i] != '$' || rest->data[i + 1] != '{')
            continue;
        *before = slice_make(rest->data, i);
        *rest = slice_from(*rest, i + 2);
        end = rest->len == 0 ? NULL : memchr(rest->data, '}', rest->len);
        *name = slice_make(end == NULL ? NULL : rest->data,
                           end == NULL ? 0 : (size_t)(end - rest->data));
        *rest = end == NULL ? slice_make(NULL, 0) : slice_from(*rest, name->len + 1);
        return true;
    }
    *before = *rest;
    *rest = slice_make(NULL, 0);
    return false;
}

/* --- check ------------------------------------------------------------------------------------ */

static const char *check_text(struct slice text)
{
    struct slice before, name;

    while (cut_placeholder(&text, &before, &name)) {
        if (name.data == NULL)
            return "a placeholder ${…} is not closed";
        if (!is_name(name))
            return "it has a placeholder ${…} of a name that there is not";
    }
    return NULL;
}

static const char *check(const json_t *t, unsigned depth)
{
    const char *why = NULL, *key;
    json_t *one;
    size_t i;

    if (depth > CONNECTION_TEMPLATE_DEPTH_MAX)
        return "it is nested too deep";
    if (json_is_string(t))
        return check_text(text_of(t));
    json_object_foreach ((json_t *)(uintptr_t)t, key, one)
        why = why == NULL ? check(one, depth + 1) : why;
    json_array_foreach ((json_t *)(uintptr_t)t, i, one)
        why = why == NULL ? check(one, depth + 1) : why;
    return why;
}

const char *connection_template_check(const json_t *t)
{
    return json_is_object(t) ? check(t, 0) : "it must be an object";
}

/* --- fill ------------------------------------------------------------------------------------- */

/* Borrowed; NULL: there is none. */
static const json_t *find(const json_t *values, struct slice name)
{
    while (name.len > 0 && values != NULL) {
        struct slice step = slice_cut(&name, '.');

        values = json_object_getn(values, (const char *)step.data, step.len);
    }
    return values;
}

static void append_value(const json_t *value, struct buffer *out)
{
    if (json_is_string(value))
        buffer_append_slice(out, text_of(value));
    else if (json_is_integer(value))
        buffer_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
}

static json_t *fill_text(struct slice text, const json_t *values)
{
    struct slice rest = text, before, name;
    struct buffer filled = {0};
    json_t *made;

    if (cut_placeholder(&rest, &before, &name) && before.len == 0 && rest.len == 0) {
        const json_t *value = find(values, name);

        return value == NULL ? json_null() : json_deep_copy(value);
    }
    rest = text;
    while (cut_placeholder(&rest, &before, &name)) {
        buffer_append_slice(&filled, before);
        append_value(find(values, name), &filled);
    }
    buffer_append_slice(&filled, before);
    made = json_stringn((const char *)filled.data, filled.len);
    buffer_deinit(&filled);
    return made == NULL ? json_string("") : made;
}

json_t *connection_template_fill(const json_t *t, const json_t *values)
{
    const char *key;
    json_t *one, *made;
    size_t i;

    if (json_is_string(t))
        return fill_text(text_of(t), values);
    if (!json_is_object(t) && !json_is_array(t))
        return json_deep_copy(t);
    made = json_is_object(t) ? json_object() : json_array();
    json_object_foreach ((json_t *)(uintptr_t)t, key, one)
        (void)json_object_set_new(made, key, connection_template_fill(one, values));
    json_array_foreach ((json_t *)(uintptr_t)t, i, one)
        (void)json_array_append_new(made, connection_template_fill(one, values));
    return made;
}
