/*
 * The hash table against a plain array, and hashes.
 */
#include "base/hash_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "leftover.h"

struct item {
    uint64_t key;
    bool in_table;
};

static bool item_equal(const void *item, const void *key)
{
    return ((const struct item *)item)->key == *(const uint64_t *)key;
}

static void put_find_remove(void **state)
{
    struct hash_table t;
    struct item item = {7, true};
    uint64_t other = 8;
    size_t cursor = 0;

    (void)state;
    hash_table_init(&t, MEM_TEST, item_equal);
    assert_null(hash_table_find(&t, hash_u64(7), &item.key));
    assert_null(hash_table_remove(&t, hash_u64(7), &item.key));
    assert_null(hash_table_next(&t, &cursor));
    hash_table_put(&t, hash_u64(7), &item);
    assert_ptr_equal(hash_table_find(&t, hash_u64(7), &item.key), &item);
    assert_null(hash_table_find(&t, hash_u64(8), &other));
    assert_null(hash_table_find(&t, hash_u64(7), &other)); /* same hash, other key */
    assert_null(hash_table_remove(&t, hash_u64(7), &other));
    assert_int_equal(t.count, 1);
    assert_ptr_equal(hash_table_remove(&t, hash_u64(7), &item.key), &item);
    assert_int_equal(t.count, 0);
    assert_null(t.slots); /* an empty one holds no memory */
    hash_table_deinit(&t);
}

enum { ITEMS = 600, STEPS = 60000 };

static uint64_t spread(uint64_t key)
{
    return hash_u64(key);
}

static uint64_t few_values(uint64_t key)
{
    return key % 5;
}

static uint64_t all_the_same(uint64_t key)
{
    (void)key;
    return 3;
}

/* At the end of the table, so that runs go round to its start. */
static uint64_t near_the_end(uint64_t key)
{
    return UINT64_MAX - key % 3;
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void check_walk(const struct hash_table *t, size_t want)
{
    const struct item *item;
    size_t cursor = 0;
    size_t n = 0;

    while ((item = hash_table_next(t, &cursor)) != NULL) {
        assert_true(item->in_table);
        n++;
    }
    assert_int_equal(n, want);
    assert_int_equal(t->count, want);
}

static void run_random_changes(uint64_t (*hash)(uint64_t), size_t items, size_t steps)
{
    static struct item all[ITEMS];
    struct hash_table t;
    uint32_t seed = 1;
    size_t count = 0;

    hash_table_init(&t, MEM_TEST, item_equal);
    for (size_t i = 0; i < items; i++)
        all[i] = (struct item){i, false};
    for (size_t step = 0; step < steps; step++) {
        struct item *item = &all[next_random(&seed) % items];
        struct item *found = hash_table_find(&t, hash(item->key), &item->key);

        assert_ptr_equal(found, item->in_table ? item : NULL);
        if (item->in_table) {
            assert_ptr_equal(hash_table_remove(&t, hash(item->key), &item->key), item);
            count--;
        } else {
            hash_table_put(&t, hash(item->key), item);
            count++;
        }
        item->in_table = !item->in_table;
        if (step % 1000 == 0)
            check_walk(&t, count);
    }
    check_walk(&t, count);
    for (size_t i = 0; i < items; i++) {
        if (all[i].in_table)
            assert_ptr_equal(hash_table_remove(&t, hash(all[i].key), &all[i].key), &all[i]);
    }
    assert_null(t.slots);
}

static void random_changes(void **state)
{
    static const struct {
        const char *name;
        uint64_t (*hash)(uint64_t);
        size_t items, steps;
    } cases[] = {
        {"spread hashes", spread, ITEMS, STEPS},
        {"five hashes", few_values, 60, STEPS},
        {"one hash", all_the_same, 40, STEPS},
        {"around the end", near_the_end, 40, STEPS},
        {"one item", spread, 1, 100},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("  %s\n", cases[i].name);
        run_random_changes(cases[i].hash, cases[i].items, cases[i].steps);
    }
}

static void a_table_with_items_is_freed_whole(void **state)
{
    struct item items[3] = {{1, true}, {2, true}, {3, true}};
    struct hash_table t;
    struct hash_table zeroed;

    (void)state;
    hash_table_init(&t, MEM_TEST, item_equal);
    for (size_t i = 0; i < 3; i++)
        hash_table_put(&t, hash_u64(items[i].key), &items[i]);
    hash_table_deinit(&t);
    assert_int_equal(t.count, 0);
    memset(&zeroed, 0, sizeof(zeroed));
    hash_table_deinit(&zeroed);
}

static void hashes_depend_on_the_seed_and_the_bytes(void **state)
{
    uint64_t seed = hash_seed_value;
    uint64_t bytes, number;

    (void)state;
    hash_seed(1);
    bytes = hash_bytes(slice_of("PR_0123456789"));
    number = hash_u64(42);
    assert_true(hash_bytes(slice_of("PR_0123456789")) == bytes);
    assert_true(hash_bytes(slice_of("PR_0123456788")) != bytes);
    assert_true(hash_bytes((struct slice){NULL, 0}) == hash_bytes(slice_of("")));
    hash_seed(2);
    assert_true(hash_bytes(slice_of("PR_0123456789")) != bytes);
    assert_true(hash_u64(42) != number);
    /* names of contents are those of any other process: XXH3 without a seed */
    assert_true(hash_content(slice_of("")) == 0x2d06800538d394c2u);
    assert_true(hash_content(slice_of("a")) != hash_content(slice_of("b")));
    hash_seed(seed);
}

static void numbers_in_a_row_spread(void **state)
{
    unsigned used[256] = {0};

    (void)state;
    for (uint64_t i = 0; i < 256 * 16; i++) {
        used[hash_u64(i) & 255]++;
        used[hash_u64(i) >> 56]++;
    }
    for (size_t i = 0; i < 256; i++)
        assert_in_range(used[i], 8, 72); /* 32 on average */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(put_find_remove),
        LEFTOVER_TEST(random_changes),
        LEFTOVER_TEST(a_table_with_items_is_freed_whole),
        LEFTOVER_TEST(hashes_depend_on_the_seed_and_the_bytes),
        LEFTOVER_TEST(numbers_in_a_row_spread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
