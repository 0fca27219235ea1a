/*
 * The JSON schemas of bodies and answers (schema.def): what /openapi.json shows is what request
 * bodies are checked against, so the two cannot differ.
 *
 * Of JSON Schema 2020-12 what the table uses is understood: type, enum, properties, required,
 * additionalProperties (false), items, minItems, maxItems, minLength, maxLength, minimum, maximum,
 * anyOf, format (of our own, below) and $ref to another schema of the table. A readOnly member may
 * be there and is not looked at. Made once, at start; then any thread.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

enum { HTTP_SCHEMA_FIELD_MAX = 127, HTTP_SCHEMA_WHY_MAX = 255 };

struct http_schema_fault {
    char field[HTTP_SCHEMA_FIELD_MAX + 1]; /* "devices[3].name"; empty: the whole */
    char why[HTTP_SCHEMA_WHY_MAX + 1];
};

/** Reads the table; before threads are made. A second call is accepted. */
void http_schema_init(void);
void http_schema_deinit(void);

/** The schemas by name, as components of an OpenAPI document; borrowed. */
json_t *http_schema_all(void);

/** True when the value is of the schema (of a name in the table). */
bool http_schema_check(const char *name, const json_t *value, struct http_schema_fault *fault);
