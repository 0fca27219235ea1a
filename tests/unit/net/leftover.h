/*
 * Each test proves that it left no memory behind: put LEFTOVER_TEST around it.
 */
#pragma once

int leftover_setup(void **state);
int leftover_teardown(void **state);

#define LEFTOVER_TEST(function) \
    cmocka_unit_test_setup_teardown(function, leftover_setup, leftover_teardown)
