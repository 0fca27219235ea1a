/* Sorting and binary search by the C library. */
#include "base/sorted_ids.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

void sorted_ids_sort(uint64_t *ids, size_t count)
{
    if (count > 0)
        qsort(ids, count, sizeof(*ids), compare);
}

bool sorted_ids_have(const uint64_t *ids, size_t count, uint64_t id)
{
    return count > 0 && bsearch(&id, ids, count, sizeof(id), compare) != NULL;
}
