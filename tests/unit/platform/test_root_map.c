/*
 * Maps of sub-devices to their roots: what is put in is found, old maps stay as they were, and any
 * order of changes ends as a plain table does.
 */
#include "platform/root_map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/mem.h"

static void a_device_without_an_entry_is_its_own_root(void **state)
{
    struct root_map *m = root_map_new(), *next;
    struct root_map_change c = {10, 1};

    (void)state;
    assert_true(root_map_find(m, 7) == 7);
    next = root_map_with(m, &c, 1);
    assert_true(root_map_find(next, 7) == 7 && root_map_find(next, 10) == 1);
    root_map_unref(&m);
    root_map_unref(&next);
    root_map_unref(&next);
}

static void an_old_map_stays_as_it_was(void **state)
{
    struct root_map_change changes[] = {{10, 1}, {11, 1}, {12, 2}};
    struct root_map_change later[] = {{11, 2}, {10, 0}, {13, 3}, {13, 4}, {99, 0}};
    struct root_map *empty = root_map_new();
    struct root_map *first = root_map_with(empty, changes, 3);
    struct root_map *second = root_map_with(first, later, 5);

    (void)state;
    assert_int_equal(empty->count, 0);
    assert_int_equal(first->count, 3);
    assert_true(root_map_find(first, 10) == 1 && root_map_find(first, 11) == 1 &&
                root_map_find(first, 12) == 2 && root_map_find(first, 13) == 13);
    assert_int_equal(second->count, 3);
    assert_true(root_map_find(second, 10) == 10 && root_map_find(second, 11) == 2 &&
                root_map_find(second, 12) == 2 && root_map_find(second, 13) == 4);
    root_map_unref(&empty);
    root_map_unref(&first);
    assert_true(root_map_find(second, 12) == 2); /* whose part the first one had too */
    root_map_unref(&second);
}

enum { DEVICES = 3000, ROUNDS = 300, CHANGES_MAX = 50 };

static uint64_t draw(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

static void any_changes_end_as_in_a_table(void **state)
{
    static uint64_t want[DEVICES + 1];
    struct root_map *m = root_map_new();
    int64_t before = mem_bytes_used_total();
    uint64_t seed = 1;

    (void)state;
    memset(want, 0, sizeof(want));
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct root_map_change changes[CHANGES_MAX];
        size_t count = draw(&seed) % CHANGES_MAX + 1, entries = 0;
        struct root_map *next;

        for (size_t i = 0; i < count; i++) {
            changes[i].device_id = draw(&seed) % DEVICES + 1;
            changes[i].root_id = draw(&seed) % 3 == 0 ? 0 : draw(&seed) + 1;
            want[changes[i].device_id] = changes[i].root_id;
        }
        next = root_map_with(m, changes, count);
        root_map_unref(&m);
        m = next;
        for (uint64_t id = 1; id <= DEVICES; id++) {
            entries += want[id] != 0;
            assert_true(root_map_find(m, id) == (want[id] != 0 ? want[id] : id));
        }
        assert_int_equal(m->count, entries);
    }
    root_map_unref(&m);
    m = root_map_new();
    assert_true(mem_bytes_used_total() == before);
    root_map_unref(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_without_an_entry_is_its_own_root),
        cmocka_unit_test(an_old_map_stays_as_it_was),
        cmocka_unit_test(any_changes_end_as_in_a_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
