/*
 * Rows for the tests of the registry, and SQL behind its back.
 */
#pragma once

#include "store/registry.h"

/** Opens the registry in the test's directory; it must succeed. */
struct registry *registry_rows_open(void **state);

/** A valid project or device with this number; its credentials derive from it. */
struct registry_project registry_rows_project(uint64_t project_id);
struct registry_device registry_rows_device(uint64_t project_id, uint64_t device_id);

/** Adds them; it must succeed. */
void registry_rows_add_project(struct registry *r, uint64_t project_id);
void registry_rows_add_device(struct registry *r, uint64_t project_id, uint64_t device_id);

/** Runs SQL over a connection of its own. */
void registry_rows_execute(void **state, const char *sql);

/** The number that a query over a connection of its own gives. */
int64_t registry_rows_number(void **state, const char *sql);
