/* Uses of secrets: the newest of each counts, until it is taken. */
#include "service/secret_usage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "leftover.h"

static void the_newest_counts(void **state)
{
    struct secret_usage *u = secret_usage_new();
    struct buffer taken = {0};
    struct secret_use use;

    (void)state;
    assert_false(secret_usage_find(u, 1, "main", &use));
    secret_usage_note(u, 1, "main", slice_of("192.0.2.1"), 1000);
    secret_usage_note(u, 1, "main", slice_of("192.0.2.2"), 3000);
    secret_usage_note(u, 1, "main", slice_of("192.0.2.3"), 2000);
    secret_usage_note(u, 1, "other", slice_of("::1"), 5);
    secret_usage_note(u, 2, "main", slice_of("::2"), 6);
    assert_true(secret_usage_find(u, 1, "main", &use));
    assert_true(use.project_id == 1 && use.used_ms == 3000);
    assert_string_equal(use.name, "main");
    assert_string_equal(use.used_from, "192.0.2.2");
    assert_true(secret_usage_find(u, 2, "main", &use));
    assert_string_equal(use.used_from, "::2");
    secret_usage_take(u, &taken);
    assert_int_equal(taken.len, 3 * sizeof(use));
    assert_false(secret_usage_find(u, 1, "main", &use));
    taken.len = 0;
    secret_usage_take(u, &taken);
    assert_int_equal(taken.len, 0);
    secret_usage_note(u, 1, "main", slice_of("192.0.2.1"),
                      1000); /* of an earlier time: it is new */
    assert_true(secret_usage_find(u, 1, "main", &use));
    buffer_deinit(&taken);
    secret_usage_free(&u);
    assert_null(u);
    secret_usage_free(&u);
}

static void a_long_address_is_cut(void **state)
{
    struct secret_usage *u = secret_usage_new();
    struct secret_use use;
    char address[100];

    (void)state;
    memset(address, 'a', sizeof(address));
    secret_usage_note(u, 1, "main", slice_make(address, sizeof(address)), 1);
    assert_true(secret_usage_find(u, 1, "main", &use));
    assert_int_equal(strlen(use.used_from), SECRET_USAGE_ADDRESS_MAX);
    secret_usage_free(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(the_newest_counts),
        LEFTOVER_TEST(a_long_address_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
