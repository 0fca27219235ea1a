/*
 * http_schema.h: any JSON is of a schema, or refused with the member that is at fault and a
 * sentence about it, both plain UTF-8; what is refused once is refused again.
 *
 * The first line is the name of the schema; if it is none, its length chooses one.
 */
#include "http/http_schema.h"

#include <string.h>

#include "base/bytes.h"
#include "base/invariant.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *choose(struct slice line)
{
    size_t left = line.len % json_object_size(http_schema_all());
    const char *name, *chosen = NULL;
    json_t *schema;

    json_object_foreach (http_schema_all(), name, schema) {
        if (slice_is(line, name))
            return name;
        if (left-- == 0)
            chosen = name;
    }
    return chosen;
}

static void check_told(const struct http_schema_fault *f)
{
    invariant(strlen(f->field) <= HTTP_SCHEMA_FIELD_MAX && strlen(f->why) <= HTTP_SCHEMA_WHY_MAX);
    invariant(f->why[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_schema_fault fault, again;
    struct slice text = {data, size};
    const char *name;
    json_t *value;

    http_schema_init();
    name = choose(slice_cut(&text, '\n'));
    if (text.len == 0)
        return 0;
    value = json_loadb((const char *)text.data, text.len, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
    if (value == NULL)
        return 0;
    if (!http_schema_check(name, value, &fault)) {
        check_told(&fault);
        invariant(!http_schema_check(name, value, &again));
        invariant(strcmp(fault.field, again.field) == 0 && strcmp(fault.why, again.why) == 0);
    }
    json_decref(value);
    return 0;
}
