/*
 * A data directory of its own for each test, removed afterwards with proof that no memory is left:
 * put TEMP_DATA_TEST around a test; its path is the test's state.
 */
#pragma once

#include <stddef.h>

int temp_data_setup(void **state);
int temp_data_teardown(void **state);

#define TEMP_DATA_TEST(function) \
    cmocka_unit_test_setup_teardown(function, temp_data_setup, temp_data_teardown)

/** The path of a file in the test's directory; lives until the next call. */
const char *temp_data_path(void **state, const char *name);

/** Writes a whole file with this mode. */
void temp_data_write(void **state, const char *name, const void *data, size_t len, unsigned mode);

/** The permission bits of a file. */
unsigned temp_data_mode(void **state, const char *name);
