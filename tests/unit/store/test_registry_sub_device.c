/*
 * Sub-devices in the registry: their place is theirs alone, trees have bounds and no circles, and
 * what is below a device goes with it. Serial numbers.
 */
#include "store/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "registry_rows.h"
#include "temp_data.h"

static struct registry_device row(uint64_t device_id, uint64_t parent_id, const char *address)
{
    struct registry_device d = registry_rows_device(1, device_id);

    d.parent_id = parent_id;
    (void)snprintf(d.address, sizeof(d.address), "%s", address);
    return d;
}

static enum status add(struct registry *r, uint64_t device_id, uint64_t parent_id,
                       const char *address)
{
    struct registry_device d = row(device_id, parent_id, address);

    return registry_device_add(r, &d);
}

static enum status move(struct registry *r, uint64_t device_id, uint64_t parent_id,
                        const char *address)
{
    struct registry_device d = row(device_id, parent_id, address);

    return registry_device_update(r, &d);
}

/* 10 is a gateway; below it 11 at "1" and 12 at "2"; below 11, 13 at "1". */
static struct registry *open_tree(void **state)
{
    struct registry *r = registry_rows_open(state);

    registry_rows_add_project(r, 1);
    registry_rows_add_device(r, 1, 10);
    assert_int_equal(add(r, 11, 10, "1"), ST_OK);
    assert_int_equal(add(r, 12, 10, "2"), ST_OK);
    assert_int_equal(add(r, 13, 11, "1"), ST_OK);
    return r;
}

static void a_sub_device_comes_back(void **state)
{
    struct registry *r = open_tree(state);
    struct registry_device d;

    assert_int_equal(registry_device_find(r, 13, &d), ST_OK);
    assert_true(d.parent_id == 11);
    assert_string_equal(d.address, "1");
    assert_string_equal(d.sn, "");
    assert_int_equal(registry_device_find_address(r, 10, "1", &d), ST_OK);
    assert_true(d.device_id == 11);
    assert_int_equal(registry_device_find_address(r, 10, "3", &d), ST_NOT_FOUND);
    assert_int_equal(registry_device_find(r, 10, &d), ST_OK);
    assert_true(d.parent_id == 0);
    assert_string_equal(d.address, "");

    assert_int_equal(move(r, 13, 0, "ignored"), ST_OK); /* it connects itself now */
    assert_int_equal(registry_device_find(r, 13, &d), ST_OK);
    assert_true(d.parent_id == 0);
    assert_string_equal(d.address, "");
    registry_close(&r);
}

static void a_place_is_of_one_device(void **state)
{
    struct registry *r = open_tree(state);
    struct registry_device d = row(14, 10, "1");

    assert_int_equal(registry_device_add(r, &d), ST_REFUSED);
    assert_int_equal(move(r, 12, 10, "1"), ST_REFUSED);
    assert_int_equal(add(r, 14, 12, "1"), ST_OK); /* below another it is another place */
    assert_int_equal(add(r, 14, 12, "2"), ST_EXISTS);
    registry_rows_add_device(r, 1, 20); /* those without a parent have none */
    registry_rows_add_device(r, 1, 21);
    registry_close(&r);
}

static void bad_places_are_refused(void **state)
{
    struct registry *r = open_tree(state);
    struct registry_device d;

    assert_int_equal(add(r, 14, 10, ""), ST_INVALID);
    assert_int_equal(add(r, 14, 10, "a\nb"), ST_INVALID);
    assert_int_equal(add(r, 14, 99, "1"), ST_NOT_FOUND);
    assert_int_equal(move(r, 12, 99, "1"), ST_NOT_FOUND);
    registry_rows_add_project(r, 2);
    d = row(14, 10, "3");
    d.project_id = 2;
    assert_int_equal(registry_device_add(r, &d), ST_NOT_FOUND); /* a parent of another project */
    registry_close(&r);
}

static void no_device_is_below_itself(void **state)
{
    struct registry *r = open_tree(state);

    assert_int_equal(move(r, 10, 10, "1"), ST_INVALID);
    assert_int_equal(move(r, 10, 11, "9"), ST_INVALID);
    assert_int_equal(move(r, 11, 13, "9"), ST_INVALID);
    assert_int_equal(add(r, 14, 14, "9"), ST_INVALID);
    assert_int_equal(move(r, 13, 12, "1"), ST_OK);
    registry_close(&r);
}

static void levels_are_bounded(void **state)
{
    struct registry *r = registry_rows_open(state);
    uint64_t root;
    unsigned level;

    registry_rows_add_project(r, 1);
    registry_rows_add_device(r, 1, 100);
    for (uint64_t i = 1; i <= REGISTRY_LEVELS_MAX; i++)
        assert_int_equal(add(r, 100 + i, 100 + i - 1, "x"), ST_OK);
    assert_int_equal(add(r, 200, 100 + REGISTRY_LEVELS_MAX, "x"), ST_FULL);
    assert_int_equal(registry_device_root(r, 100 + REGISTRY_LEVELS_MAX, &root, &level), ST_OK);
    assert_true(root == 100 && level == REGISTRY_LEVELS_MAX);
    /* what is moved brings what is below it */
    registry_rows_add_device(r, 1, 300);
    assert_int_equal(move(r, 100, 300, "x"), ST_FULL);
    assert_int_equal(move(r, 101, 300, "x"), ST_OK);
    assert_int_equal(registry_device_root(r, 116, &root, NULL), ST_OK);
    assert_true(root == 300);
    assert_int_equal(registry_device_root(r, 100, &root, &level), ST_OK);
    assert_true(root == 100 && level == 0);
    assert_int_equal(registry_device_root(r, 999, &root, NULL), ST_NOT_FOUND);
    registry_close(&r);
}

static void a_damaged_circle_ends(void **state)
{
    struct registry *r = open_tree(state);
    uint64_t root;

    registry_rows_execute(state, "UPDATE device SET parent_id = 13, address = 'x' "
                                 "WHERE device_id = 11");
    assert_int_equal(registry_device_root(r, 13, &root, NULL), ST_CORRUPT);
    assert_int_equal(add(r, 14, 13, "1"), ST_FULL);
    registry_close(&r);
}

struct walk {
    uint64_t ids[8];
    unsigned levels[8];
    size_t count;
};

static bool on_below(uint64_t device_id, unsigned level, void *arg)
{
    struct walk *w = arg;

    w->ids[w->count] = device_id;
    w->levels[w->count++] = level;
    return w->count < 8;
}

static bool on_parent(uint64_t device_id, uint64_t parent_id, void *arg)
{
    struct walk *w = arg;

    w->ids[w->count++] = device_id * 100 + parent_id;
    return true;
}

static void what_is_below_is_walked(void **state)
{
    struct registry *r = open_tree(state);
    struct walk w = {0};

    assert_int_equal(registry_device_each_below(r, 10, on_below, &w), ST_OK);
    assert_int_equal(w.count, 3);
    assert_true(w.ids[2] == 13 && w.levels[2] == 2 && w.levels[0] == 1 && w.levels[1] == 1);
    w.count = 0;
    assert_int_equal(registry_device_each_parent(r, on_parent, &w), ST_OK);
    assert_int_equal(w.count, 3);
    assert_true(w.ids[0] + w.ids[1] + w.ids[2] == 1110 + 1210 + 1311);
    registry_close(&r);
}

struct removals {
    unsigned count;
};

static bool on_change(const struct registry_change *c, void *arg)
{
    struct removals *n = arg;

    n->count += c->entity == REGISTRY_DEVICE && c->removed;
    return true;
}

static void what_is_below_goes_too_and_is_told(void **state)
{
    struct registry *r = open_tree(state);
    struct removals removed = {0};
    struct registry_device d;
    int64_t last;

    assert_int_equal(registry_last_change(r, &last), ST_OK);
    assert_int_equal(registry_device_remove(r, 11), ST_OK);
    assert_int_equal(registry_device_find(r, 13, &d), ST_NOT_FOUND);
    assert_int_equal(registry_device_find(r, 12, &d), ST_OK);
    assert_int_equal(registry_change_each(r, last, on_change, &removed), ST_OK);
    assert_int_equal(removed.count, 2);
    assert_int_equal(registry_device_remove(r, 10), ST_OK);
    assert_int_equal(registry_device_find(r, 12, &d), ST_NOT_FOUND);
    registry_close(&r);
}

static void a_serial_number_is_one_of_its_type(void **state)
{
    struct registry *r = registry_rows_open(state);
    struct registry_type t = {
        .type_id = 7, .project_id = 1, .name = "t", .definition = slice_of("{}")};
    struct registry_device d = registry_rows_device(1, 10), found;

    registry_rows_add_project(r, 1);
    assert_int_equal(registry_type_add(r, &t), ST_OK);
    d.type_id = 7;
    (void)snprintf(d.sn, sizeof(d.sn), "SN 7-0001.é");
    assert_int_equal(registry_device_add(r, &d), ST_OK);
    assert_int_equal(registry_device_find_sn(r, 1, 7, d.sn, &found), ST_OK);
    assert_true(found.device_id == 10);
    assert_string_equal(found.sn, d.sn);
    assert_int_equal(registry_device_find_sn(r, 1, 7, "sn", &found), ST_NOT_FOUND);
    assert_int_equal(registry_device_find_sn(r, 1, 8, d.sn, &found), ST_NOT_FOUND);
    d.device_id = 11;
    assert_int_equal(registry_device_add(r, &d), ST_REFUSED);
    d.type_id = 0; /* without a type it names nothing yet */
    assert_int_equal(registry_device_add(r, &d), ST_OK);
    d.type_id = 7;
    assert_int_equal(registry_device_update(r, &d), ST_REFUSED);
    d.sn[0] = '\0';
    assert_int_equal(registry_device_update(r, &d), ST_OK);
    assert_int_equal(registry_device_find(r, 11, &found), ST_OK);
    assert_string_equal(found.sn, "");
    registry_close(&r);
}

static void a_serial_number_can_be_a_level_of_a_topic(void **state)
{
    static const char *const bad[] = {"a/b", "+", "#", "a+", "a\tb", "\xc0"};
    char sn[REGISTRY_SN_MAX + 2];

    (void)state;
    assert_true(registry_sn_is_valid("00:1b:44 é 你"));
    assert_false(registry_sn_is_valid(""));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(registry_sn_is_valid(bad[i]));
    memset(sn, 'x', sizeof(sn));
    sn[REGISTRY_SN_MAX + 1] = '\0';
    assert_false(registry_sn_is_valid(sn));
    sn[REGISTRY_SN_MAX] = '\0';
    assert_true(registry_sn_is_valid(sn));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_DATA_TEST(a_sub_device_comes_back),
        TEMP_DATA_TEST(a_place_is_of_one_device),
        TEMP_DATA_TEST(bad_places_are_refused),
        TEMP_DATA_TEST(no_device_is_below_itself),
        TEMP_DATA_TEST(levels_are_bounded),
        TEMP_DATA_TEST(a_damaged_circle_ends),
        TEMP_DATA_TEST(what_is_below_is_walked),
        TEMP_DATA_TEST(what_is_below_goes_too_and_is_told),
        TEMP_DATA_TEST(a_serial_number_is_one_of_its_type),
        TEMP_DATA_TEST(a_serial_number_can_be_a_level_of_a_topic),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
