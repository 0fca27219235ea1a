/*
 * The OpenAPI 3.1 document of the routes, schemas and query parameters in their tables.
 *
 * Pure; any thread after http_schema_init.
 */
#pragma once

#include <jansson.h>

/** A new document; the caller owns it. */
json_t *openapi_new(const char *version);
