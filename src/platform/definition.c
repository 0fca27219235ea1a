/*
 * Members of definitions with jansson, each with its fault in words.
 */
#include "platform/definition.h"

#include <stdarg.h>
#include <stdio.h>

void definition_fail(struct definition_reader *r, const char *format, ...)
{
    va_list args;

    if (r->has_failed)
        return;
    r->has_failed = true;
    va_start(args, format);
    (void)vsnprintf(r->error, DEFINITION_ERROR_MAX, format, args);
    va_end(args);
}

enum status definition_load(struct definition_reader *r, struct slice text, size_t max,
                            json_t **root)
{
    json_error_t fault;

    *root = NULL;
    if (text.len > max) {
        definition_fail(r, "a definition has at most %zu bytes", max);
        return ST_TOO_LARGE;
    }
    *root = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &fault);
    if (*root == NULL) {
        definition_fail(r, "line %d, column %d: %s", fault.line, fault.column, fault.text);
        return ST_MALFORMED;
    }
    if (json_is_object(*root))
        return ST_OK;
    definition_fail(r, "a definition is a JSON object");
    json_decref(*root);
    *root = NULL;
    return ST_INVALID;
}

struct slice definition_text(const json_t *value)
{
    return slice_make(json_string_value(value), json_string_length(value));
}

void definition_check_members(struct definition_reader *r, const char *where, json_t *object,
                              const char *const *known)
{
    const char *name;
    json_t *value;

    json_object_foreach (object, name, value) {
        const char *const *k = known;

        while (*k != NULL && strcmp(*k, name) != 0)
            k++;
        if (*k == NULL)
            definition_fail(r, "%s: \"%.64s\" is no member of a definition", where, name);
    }
}

bool definition_bool(struct definition_reader *r, const char *where, const json_t *object,
                     const char *name)
{
    const json_t *value = json_object_get(object, name);

    if (value != NULL && !json_is_boolean(value))
        definition_fail(r, "%s: \"%s\" must be true or false", where, name);
    return json_is_true(value);
}

bool definition_number(struct definition_reader *r, const char *where, const json_t *object,
                       const char *name, double *out)
{
    const json_t *value = json_object_get(object, name);

    if (value == NULL || json_is_null(value))
        return false;
    if (!json_is_number(value))
        definition_fail(r, "%s: \"%s\" must be a number", where, name);
    *out = json_number_value(value);
    return true;
}

bool definition_integer(struct definition_reader *r, const char *where, const json_t *object,
                        const char *name, int64_t max, int64_t *out)
{
    const json_t *value = json_object_get(object, name);

    if (value == NULL || json_is_null(value))
        return false;
    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > max)
        definition_fail(r, "%s: \"%s\" must be an integer from 0 to %lld", where, name,
                        (long long)max);
    *out = json_integer_value(value);
    return true;
}

void definition_check_text(struct definition_reader *r, const char *where, const json_t *object,
                           const char *name)
{
    const json_t *value = json_object_get(object, name);

    if (value != NULL && !json_is_string(value))
        definition_fail(r, "%s: \"%s\" must be a text", where, name);
}

unsigned definition_word(struct definition_reader *r, const char *where, const json_t *object,
                         const char *name, const char *const *words, unsigned count)
{
    struct slice text = definition_text(json_object_get(object, name));

    for (unsigned i = 0; i < count; i++) {
        if (slice_is(text, words[i]))
            return i;
    }
    definition_fail(r, "%s: \"%s\" is missing or unknown", where, name);
    return 0;
}

json_t *definition_list(struct definition_reader *r, const char *where, const json_t *object,
                        const char *name, size_t max)
{
    json_t *list = json_object_get(object, name);

    if (list == NULL)
        return NULL;
    if (!json_is_array(list) || json_array_size(list) > max) {
        definition_fail(r, "%s: \"%s\" must be a list of at most %zu", where, name, max);
        return NULL;
    }
    return list;
}
