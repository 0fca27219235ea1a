/*
 * Every status has a text of its own.
 */
#include "base/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "capture.h"
#include "leftover.h"

static void every_status_has_its_own_text(void **state)
{
    (void)state;
    for (int a = 0; a < STATUS_COUNT; a++) {
        assert_true(strlen(status_text((enum status)a)) > 0);
        for (int b = 0; b < a; b++)
            assert_string_not_equal(status_text((enum status)a), status_text((enum status)b));
    }
    assert_string_equal(status_text(ST_OK), "done");
    assert_string_equal(status_text(ST_CORRUPT), "stored data is damaged");
}

static void ask_for_none(void)
{
    (void)status_text(STATUS_COUNT);
}

static void a_number_that_is_no_status_is_our_bug(void **state)
{
    const char *text;

    (void)state;
    assert_true(capture_abort(ask_for_none, &text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(every_status_has_its_own_text),
        LEFTOVER_TEST(a_number_that_is_no_status_is_our_bug),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
