/*
 * Sorted arrays of identifiers: few or many, made once, looked up often. Pure functions, any
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void sorted_ids_sort(uint64_t *ids, size_t count);

/** True when it is among them; `ids` may be NULL with a count of 0. */
bool sorted_ids_have(const uint64_t *ids, size_t count, uint64_t id);
