/*
 * Schemas as jansson values, and the check of a value against one: a function a keyword.
 */
#include "http/http_schema.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/ident.h"
#include "base/invariant.h"
#include "store/registry_operator.h"

#define REF_PREFIX "#/components/schemas/"

static const struct schema_text {
    const char *name, *text;
} texts[] = {
#define SCHEMA(name, ...) {#name, #__VA_ARGS__},
#include "http/schema.def"
#undef SCHEMA
};

enum { SCHEMA_COUNT = sizeof(texts) / sizeof(texts[0]) };

static json_t *schemas; /* owned; immutable once made */

void http_schema_init(void)
{
    if (schemas != NULL)
        return;
    schemas = json_object();
    for (size_t i = 0; i < SCHEMA_COUNT; i++) {
        json_error_t error;
        json_t *schema = json_loads(texts[i].text, JSON_REJECT_DUPLICATES, &error);

        if (schema == NULL)
            (void)fprintf(stderr, "schema %s: %s at %d\n", texts[i].name, error.text,
                          error.position);
        invariant(schema != NULL && json_object_get(schemas, texts[i].name) == NULL);
        invariant(json_object_set_new(schemas, texts[i].name, schema) == 0);
    }
}

void http_schema_deinit(void)
{
    json_decref(schemas);
    schemas = NULL;
}

json_t *http_schema_all(void)
{
    invariant(schemas != NULL);
    return schemas;
}

/* --- the check -------------------------------------------------------------------------------- */

struct check {
    struct http_schema_fault *fault;
    size_t field_len;
};

static bool check_value(struct check *c, const json_t *schema, const json_t *value);

static bool fail(struct check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(struct check *c, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(c->fault->why, sizeof(c->fault->why), format, args);
    va_end(args);
    return false;
}

/* Goes a step down, `.name` or `[index]`; gives the length to come back to. */
static size_t enter(struct check *c, const char *name, size_t index)
{
    size_t before = c->field_len;
    size_t room = sizeof(c->fault->field) - before;
    int len = name == NULL
                  ? snprintf(c->fault->field + before, room, "[%zu]", index)
                  : snprintf(c->fault->field + before, room, "%s%s", before == 0 ? "" : ".", name);

    c->field_len =
        len < 0 || (size_t)len >= room ? sizeof(c->fault->field) - 1 : before + (size_t)len;
    return before;
}

static void leave(struct check *c, size_t before)
{
    c->field_len = before;
    c->fault->field[before] = '\0';
}

static const struct type_row {
    const char *name, *text;
} type_rows[] = {
    {"object", "an object"}, {"array", "a list"},
    {"string", "a text"},    {"integer", "a whole number"},
    {"number", "a number"},  {"boolean", "true or false"},
    {"null", "null"},
};

static bool is_of_type(const json_t *value, const char *type)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return strcmp(type, "object") == 0;
    case JSON_ARRAY:
        return strcmp(type, "array") == 0;
    case JSON_STRING:
        return strcmp(type, "string") == 0;
    case JSON_INTEGER:
        return strcmp(type, "integer") == 0 || strcmp(type, "number") == 0;
    case JSON_REAL:
        return strcmp(type, "number") == 0;
    case JSON_TRUE:
    case JSON_FALSE:
        return strcmp(type, "boolean") == 0;
    case JSON_NULL:
        return strcmp(type, "null") == 0;
    }
    return false;
}

static const char *type_text(const char *type)
{
    for (size_t i = 0; i < sizeof(type_rows) / sizeof(type_rows[0]); i++) {
        if (strcmp(type_rows[i].name, type) == 0)
            return type_rows[i].text;
    }
    return type;
}

static bool check_type(struct check *c, const json_t *wanted, const json_t *value)
{
    size_t i;
    json_t *one;

    if (json_is_string(wanted)) {
        if (is_of_type(value, json_string_value(wanted)))
            return true;
        return fail(c, "must be %s", type_text(json_string_value(wanted)));
    }
    json_array_foreach ((json_t *)(uintptr_t)wanted, i, one) {
        if (is_of_type(value, json_string_value(one)))
            return true;
    }
    return fail(c, "must be %s or null", type_text(json_string_value(json_array_get(wanted, 0))));
}

static bool check_enum(struct check *c, const json_t *wanted, const json_t *value)
{
    char list[HTTP_SCHEMA_WHY_MAX / 2] = "";
    size_t i, len = 0;
    json_t *one;

    json_array_foreach ((json_t *)(uintptr_t)wanted, i, one) {
        if (json_equal(one, value))
            return true;
        if (json_is_string(one) && len < sizeof(list))
            len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", i == 0 ? "" : ", ",
                                    json_string_value(one));
    }
    return fail(c, "must be one of: %s", list);
}

/* --- texts ------------------------------------------------------------------------------------ */

static bool is_name(struct slice s)
{
    return registry_text_is_valid((const char *)s.data);
}

static bool is_username(struct slice s)
{
    return registry_username_is_valid((const char *)s.data);
}

static bool is_project_key(struct slice s)
{
    return ident_parse(IDENT_PROJECT, s) != 0;
}

static bool is_device_username(struct slice s)
{
    return ident_parse(IDENT_DEVICE, s) != 0;
}

static bool is_product_key(struct slice s)
{
    return ident_parse(IDENT_TYPE, s) != 0;
}

static bool is_rule(struct slice s)
{
    return ident_parse(IDENT_RULE, s) != 0;
}

/* Formats of our own: X(name in the schema, check, what it must be) */
static const struct format_row {
    const char *name;
    bool (*holds)(struct slice s);
    const char *text;
} format_rows[] = {
    {"name", is_name, "1 to 128 bytes without control characters"},
    {"username", is_username, "1 to 64 of A-Z a-z 0-9 . _ @ -"},
    {"member", ident_is_member, "1 to 64 of A-Z a-z 0-9 _ -"},
    {"project-key", is_project_key, "a project key, PR_ and ten letters or digits"},
    {"device-username", is_device_username, "a device user name, DU_ and ten letters or digits"},
    {"product-key", is_product_key, "a product key, PK_ and five letters or digits"},
    {"rule", is_rule, "a rule, AL_ and ten letters or digits"},
    {"password", secret_password_is_valid, "8 to 128 bytes without control characters"},
};

static bool check_format(struct check *c, const char *format, const json_t *value)
{
    struct slice s = slice_make(json_string_value(value), json_string_length(value));

    for (size_t i = 0; i < sizeof(format_rows) / sizeof(format_rows[0]); i++) {
        const struct format_row *row = &format_rows[i];

        if (strcmp(row->name, format) != 0)
            continue;
        if (memchr(s.data, 0, s.len) != NULL || !row->holds(s))
            return fail(c, "must be %s", row->text);
        return true;
    }
    return true; /* a format of others, for people */
}

/* Characters, as the standard counts. */
static size_t count_characters(const json_t *value)
{
    const char *text = json_string_value(value);
    size_t count = 0;

    for (size_t i = 0; i < json_string_length(value); i++)
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

static bool check_string(struct check *c, const json_t *schema, const json_t *value)
{
    const json_t *min = json_object_get(schema, "minLength");
    const json_t *max = json_object_get(schema, "maxLength");
    const json_t *format = json_object_get(schema, "format");
    json_int_t len = (json_int_t)count_characters(value);

    if (min != NULL && len < json_integer_value(min))
        return fail(c, "must have %" JSON_INTEGER_FORMAT " characters or more",
                    json_integer_value(min));
    if (max != NULL && len > json_integer_value(max))
        return fail(c, "must have %" JSON_INTEGER_FORMAT " characters at most",
                    json_integer_value(max));
    return format == NULL || check_format(c, json_string_value(format), value);
}

/* --- numbers, lists, objects ------------------------------------------------------------------ */

static bool check_number(struct check *c, const json_t *schema, const json_t *value)
{
    const json_t *min = json_object_get(schema, "minimum");
    const json_t *max = json_object_get(schema, "maximum");

    if (min != NULL && json_number_value(value) < json_number_value(min))
        return fail(c, "must be at least %.15g", json_number_value(min));
    if (max != NULL && json_number_value(value) > json_number_value(max))
        return fail(c, "must be at most %.15g", json_number_value(max));
    return true;
}

static bool check_array(struct check *c, const json_t *schema, const json_t *value)
{
    const json_t *min = json_object_get(schema, "minItems");
    const json_t *max = json_object_get(schema, "maxItems");
    const json_t *items = json_object_get(schema, "items");
    json_int_t count = (json_int_t)json_array_size(value);
    size_t i;
    json_t *one;

    if (min != NULL && count < json_integer_value(min))
        return fail(c, "must have %" JSON_INTEGER_FORMAT " or more", json_integer_value(min));
    if (max != NULL && count > json_integer_value(max))
        return fail(c, "must have %" JSON_INTEGER_FORMAT " at most", json_integer_value(max));
    json_array_foreach ((json_t *)(uintptr_t)value, i, one) {
        size_t before = enter(c, NULL, i);

        if (items != NULL && !check_value(c, items, one))
            return false;
        leave(c, before);
    }
    return true;
}

static bool check_required(struct check *c, const json_t *required, const json_t *value)
{
    size_t i;
    json_t *name;

    json_array_foreach ((json_t *)(uintptr_t)required, i, name) {
        if (json_object_get(value, json_string_value(name)) != NULL)
            continue;
        (void)enter(c, json_string_value(name), 0);
        return fail(c, "is missing");
    }
    return true;
}

static bool check_object(struct check *c, const json_t *schema, const json_t *value)
{
    const json_t *properties = json_object_get(schema, "properties");
    const json_t *others = json_object_get(schema, "additionalProperties");
    const char *name;
    json_t *member;

    json_object_foreach ((json_t *)(uintptr_t)value, name, member) {
        const json_t *wanted = json_object_get(properties, name);
        size_t before = enter(c, name, 0);

        if (wanted == NULL && json_is_false(others))
            return fail(c, "is not known here");
        if (wanted == NULL)
            wanted = json_is_object(others) ? others : NULL;
        if (wanted != NULL && !json_is_true(json_object_get(wanted, "readOnly")) &&
            !check_value(c, wanted, member))
            return false;
        leave(c, before);
    }
    return check_required(c, json_object_get(schema, "required"), value);
}

static bool check_any_of(struct check *c, const json_t *schemas_of, const json_t *value)
{
    size_t before = c->field_len, i;
    json_t *one;

    json_array_foreach ((json_t *)(uintptr_t)schemas_of, i, one) {
        if (check_value(c, one, value))
            return true;
        if (i + 1 < json_array_size(schemas_of)) /* the last one's fault is told */
            leave(c, before);
    }
    return false;
}

static bool check_keywords(struct check *c, const json_t *schema, const json_t *value)
{
    const json_t *type = json_object_get(schema, "type");
    const json_t *values = json_object_get(schema, "enum");

    if (type != NULL && !check_type(c, type, value))
        return false;
    if (values != NULL && !check_enum(c, values, value))
        return false;
    if (json_is_string(value))
        return check_string(c, schema, value);
    if (json_is_number(value))
        return check_number(c, schema, value);
    if (json_is_array(value))
        return check_array(c, schema, value);
    return !json_is_object(value) || check_object(c, schema, value);
}

static bool check_value(struct check *c, const json_t *schema, const json_t *value)
{
    const char *ref = json_string_value(json_object_get(schema, "$ref"));
    const json_t *any_of = json_object_get(schema, "anyOf");

    if (ref != NULL) {
        schema = json_object_get(schemas, ref + strlen(REF_PREFIX));
        invariant(schema != NULL);
        return check_value(c, schema, value);
    }
    if (any_of != NULL && !check_any_of(c, any_of, value))
        return false;
    return check_keywords(c, schema, value);
}

bool http_schema_check(const char *name, const json_t *value, struct http_schema_fault *fault)
{
    const json_t *schema = json_object_get(http_schema_all(), name);
    struct check c = {.fault = fault};

    invariant(schema != NULL);
    fault->field[0] = fault->why[0] = '\0';
    return check_value(&c, schema, value);
}
