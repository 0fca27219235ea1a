#include "http/definition_members.h"

#include <stdlib.h>

#include "http/http_call.h"

void definition_members_show(const struct definition_members *m, const json_t *definition,
                             json_t *object)
{
    for (size_t i = 0; i < m->count; i++) {
        json_t *value = json_object_get(definition, m->names[i]);

        (void)json_object_set(object, m->names[i], value == NULL ? json_null() : value);
    }
}

void definition_members_take(const struct definition_members *m, const json_t *body,
                             struct slice definition, struct buffer *out)
{
    json_t *object = http_json_stored(definition);
    char *text;

    if (object == NULL)
        object = json_object();
    for (size_t i = 0; i < m->count; i++) {
        json_t *value = json_object_get(body, m->names[i]);

        if (json_is_null(value))
            (void)json_object_del(object, m->names[i]);
        else if (value != NULL)
            (void)json_object_set(object, m->names[i], value);
    }
    text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    out->len = 0;
    buffer_append_text(out, text);
    free(text);
}
