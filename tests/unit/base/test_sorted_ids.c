/* Sorted identifiers: those that are there are found, whatever order they came in. */
#include "base/sorted_ids.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void what_is_there_is_found(void **state)
{
    uint64_t ids[] = {7, 1, UINT64_MAX, 3, 3, 0};
    size_t count = sizeof(ids) / sizeof(ids[0]);

    (void)state;
    sorted_ids_sort(ids, count);
    for (size_t i = 1; i < count; i++)
        assert_true(ids[i - 1] <= ids[i]);
    for (uint64_t id = 0; id < 10; id++)
        assert_int_equal(sorted_ids_have(ids, count, id), id == 0 || id == 1 || id == 3 || id == 7);
    assert_true(sorted_ids_have(ids, count, UINT64_MAX));
    assert_false(sorted_ids_have(ids, count, UINT64_MAX - 1));
}

static void none_are_there(void **state)
{
    (void)state;
    sorted_ids_sort(NULL, 0);
    assert_false(sorted_ids_have(NULL, 0, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_there_is_found),
        cmocka_unit_test(none_are_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
