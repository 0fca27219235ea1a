/*
 * A failed invariant names itself and ends the process; one that holds does nothing.
 */
#include "base/invariant.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "capture.h"
#include "leftover.h"

static void fail_one(void)
{
    int answer = 41;

    invariant(answer == 42);
}

static void fail_with_a_long_condition(void)
{
    char condition[2000];

    memset(condition, 'x', sizeof(condition));
    condition[sizeof(condition) - 1] = '\0';
    invariant_failed("file.c", 7, condition);
}

static void a_failed_one_names_place_and_condition(void **state)
{
    const char *text;

    (void)state;
    assert_true(capture_abort(fail_one, &text));
    assert_non_null(strstr(text, "test_invariant.c:"));
    assert_non_null(strstr(text, "invariant failed: answer == 42\n"));
}

static void a_long_condition_is_cut(void **state)
{
    const char *text;

    (void)state;
    assert_true(capture_abort(fail_with_a_long_condition, &text));
    assert_ptr_equal(strstr(text, "file.c:7: invariant failed: xxx"), text);
    assert_in_range(strlen(text), 500, 512);
}

static void one_that_holds_is_evaluated_once(void **state)
{
    int times = 0;

    (void)state;
    invariant(++times == 1);
    assert_int_equal(times, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(a_failed_one_names_place_and_condition),
        LEFTOVER_TEST(a_long_condition_is_cut),
        LEFTOVER_TEST(one_that_holds_is_evaluated_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
