/* Between device_type.c (life, look-ups) and device_type_parse.c (the definition). */
#pragma once

#include "platform/device_type.h"

/** An empty type with one reference. */
struct device_type *device_type_new(uint64_t type_id, uint64_t project_id);

/** Frees the parsed definition that the names point into. */
void device_type_free_definition(struct device_type *t);
