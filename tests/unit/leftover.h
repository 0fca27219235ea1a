/*
 * Each test proves that it left no memory behind: put LEFTOVER_TEST around it.
 */
#pragma once

#include <stdio.h>

#include "base/mem.h"

static inline int leftover_setup(void **state)
{
    static int64_t before;

    before = mem_bytes_used_total();
    *state = &before;
    return 0;
}

static inline int leftover_teardown(void **state)
{
    const int64_t *before = *state;
    int64_t after = mem_bytes_used_total();

    if (after == *before)
        return 0;
    (void)fprintf(stderr, "%lld bytes before, %lld after\n", (long long)*before, (long long)after);
    return -1;
}

#define LEFTOVER_TEST(function) \
    cmocka_unit_test_setup_teardown(function, leftover_setup, leftover_teardown)
