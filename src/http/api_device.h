/* What other nouns use of devices and types. */
#pragma once

#include "http/device_ask.h"

/** A device as JSON. */
json_t *api_device_describe(const struct registry_device *d, const struct device_state *state,
                            bool with_password);

/** The type of the call's project by product key or code. `definition` keeps the bytes of the
 * row's. Errors: ST_NOT_FOUND, ST_IO, ST_CORRUPT. */
enum status api_type_find(struct http_call *call, const char *word, struct registry_type *out,
                          struct buffer *definition) MUST_CHECK;
