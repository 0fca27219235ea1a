/*
 * Compares the bytes in use before and after a test.
 */
#include "leftover.h"

#include <stddef.h>
#include <stdio.h>

#include "base/mem.h"

static int64_t before;

int leftover_setup(void **state)
{
    (void)state;
    before = mem_bytes_used_total();
    return 0;
}

int leftover_teardown(void **state)
{
    int64_t after = mem_bytes_used_total();

    (void)state;
    if (after == before)
        return 0;
    (void)fprintf(stderr, "%lld bytes before, %lld after\n", (long long)before, (long long)after);
    return -1;
}
