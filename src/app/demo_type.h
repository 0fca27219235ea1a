/*
 * Device types and alarm rules of the demo project, made from the tables of the simulated devices
 * (sim_kind.def), so that what these send is what their types say. Pure functions, any thread.
 */
#pragma once

#include <stddef.h>

#include "base/bytes.h"

/** The product code of a kind (one of sim_device_kind_count). */
const char *demo_type_code(size_t kind);

/** Appends the definition of its type (docs/device-types.md). */
void demo_type_append(size_t kind, struct buffer *out);

/** How many alarm rules there are, and the kind that each watches. */
size_t demo_type_rule_count(void);
size_t demo_type_rule_kind(size_t rule);

/** Appends the definition of a rule (docs/alarms.md) for the type with this product key. */
void demo_type_append_rule(size_t rule, const char *product_key, struct buffer *out);
