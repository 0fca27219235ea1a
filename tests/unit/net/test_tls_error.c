/*
 * Lines about failures.
 */
#include "net/tls_error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/err.h>

#include "leftover.h"

static void a_line_stays_one_line(void **state)
{
    char error[64];

    (void)state;
    assert_int_equal(tls_error_set(error, sizeof(error), ST_IO, "%s: %d", "a\nb\t\x7f", 7), ST_IO);
    assert_string_equal(error, "a?b??: 7");
}

static void a_line_is_cut_to_fit(void **state)
{
    char error[6] = "......";

    (void)state;
    assert_int_equal(tls_error_set(error, 5, ST_INVALID, "%s", "0123456789"), ST_INVALID);
    assert_memory_equal(error, "0123\0.", 6);
    assert_int_equal(tls_error_set(NULL, 0, ST_INVALID, "%s", "0123456789"), ST_INVALID);
}

static void the_oldest_reason_is_told_and_all_are_forgotten(void **state)
{
    (void)state;
    ERR_clear_error();
    assert_string_equal(tls_error_reason(), "no reason given");
    ERR_raise(ERR_LIB_USER, ERR_R_PASSED_NULL_PARAMETER);
    ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
    assert_string_equal(tls_error_reason(), ERR_reason_error_string(ERR_R_PASSED_NULL_PARAMETER));
    assert_int_equal(ERR_peek_error(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(a_line_stays_one_line),
        LEFTOVER_TEST(a_line_is_cut_to_fit),
        LEFTOVER_TEST(the_oldest_reason_is_told_and_all_are_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
