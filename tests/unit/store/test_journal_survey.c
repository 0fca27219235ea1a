/*
 * A survey of a journal tells what is damaged, whatever stands there. What a sound one gives, and
 * the rest of what can be wrong, is seen by the command that shows it.
 */
#include "store/journal_survey.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "temp_data.h"

enum { P = 7 };

struct seen {
    unsigned faults, projects, cursors;
    char last[JOURNAL_SURVEY_LINE_MAX];
};

static void on_fault(const char *text, void *arg)
{
    struct seen *s = arg;

    s->faults++;
    (void)strncpy(s->last, text, sizeof(s->last) - 1);
}

static void on_project(const struct journal_survey_project *p, void *arg)
{
    assert_int_equal(p->project_id, P);
    ((struct seen *)arg)->projects++;
}

static void on_cursor(const struct journal_survey_cursor *c, void *arg)
{
    assert_int_equal(c->project_id, P);
    ((struct seen *)arg)->cursors++;
}

static void regress_a_project_that_cannot_be_is_told(void **state)
{
    static const struct journal_limits limits;
    struct seen seen = {0};
    struct journal_survey s = {
        .on_fault = on_fault, .on_project = on_project, .on_cursor = on_cursor, .arg = &seen};
    struct journal *j = NULL;
    char error[256] = "";

    assert_int_equal(journal_lmdb_open(*state, &limits, &j, error, sizeof(error)), ST_OK);
    (void)journal_append(j, P, slice_of("x"));
    journal_save_cursor(j, P, slice_of("a"), (struct journal_position){1, 0});
    journal_save_cursor(j, UINT64_MAX, slice_of("b"), (struct journal_position){5, 0});
    assert_int_equal(journal_commit(j), ST_OK);
    journal_close(&j);
    assert_int_equal(journal_survey_walk(*state, &s), ST_CORRUPT);
    assert_int_equal(seen.faults, 1);
    assert_non_null(strstr(seen.last, "project 0xffffffffffffffff: cursor `b` stands at 5"));
    assert_int_equal(seen.projects, 1);
    assert_int_equal(seen.cursors, 1);
    assert_int_equal(s.cursors, 2);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEMP_DATA_TEST(regress_a_project_that_cannot_be_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
