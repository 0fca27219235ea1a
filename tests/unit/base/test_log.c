/*
 * Log lines: form, escapes, levels, limits in rate. The clock is turned by hand.
 */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "capture.h"
#include "leftover.h"

LOG_EVENT_DEFINE(TEST_PLAIN, WARN, "something happened", "look")
LOG_EVENT_DEFINE(TEST_PAIRS, INFO, "text", "look")
LOG_EVENT_DEFINE(TEST_LONG, INFO, "the end", "look")
LOG_EVENT_DEFINE(TEST_MANY, WARN, "again", "look")
LOG_EVENT_DEFINE(TEST_LATER, WARN, "later", "look")
LOG_EVENT_DEFINE(TEST_LAST, WARN, "last", "look")
LOG_EVENT_DEFINE(TEST_THREADS, ERROR, "threads", "look")
LOG_EVENT_DEFINE(LEVEL_ERROR, ERROR, "e", "look")
LOG_EVENT_DEFINE(LEVEL_WARN, WARN, "w", "look")
LOG_EVENT_DEFINE(LEVEL_INFO, INFO, "i", "look")
LOG_EVENT_DEFINE(LEVEL_DEBUG, DEBUG, "d", "look")

#define WHEN "2026-11-22T20:55:57.123Z "

static uint64_t mono_ms = 1;

/* Each test starts outside the windows of those before. */
static int setup(void **state)
{
    mono_ms += 1000000;
    clock_hold(mono_ms, 1795380957123);
    return leftover_setup(state);
}

static int teardown(void **state)
{
    clock_release();
    log_set_level(LOG_INFO);
    return leftover_teardown(state);
}

static size_t count_lines(const char *text)
{
    size_t n = 0;

    for (; (text = strchr(text, '\n')) != NULL; text++)
        n++;
    return n;
}

static void a_line_has_time_level_name_pairs_text(void **state)
{
    (void)state;
    capture_begin();
    errno = EAGAIN;
    log_event(EV_TEST_PLAIN, "peer", "192.0.2.4:5091", "left_out", NULL, "cause", "bad cert");
    assert_int_equal(errno, EAGAIN);
    assert_string_equal(capture_end(),
                        WHEN "WARN test_plain peer=192.0.2.4:5091 cause=\"bad cert\" : something "
                             "happened\n");
    capture_begin();
    log_event(EV_TEST_PLAIN, "n", log_int(-42));
    assert_string_equal(capture_end(), WHEN "WARN test_plain n=-42 : something happened\n");
    assert_int_equal(EV_TEST_PLAIN.total, 2);
}

static void values_are_quoted_when_they_must_be(void **state)
{
    static const struct {
        const char *name, *value, *want;
    } cases[] = {
        {"word", "abc", "abc"},
        {"path", "/var/lib/x-y_z.db:1", "/var/lib/x-y_z.db:1"},
        {"empty", "", "\"\""},
        {"space", "a b", "\"a b\""},
        {"equals", "a=b", "\"a=b\""},
        {"quote", "a\"b", "\"a\\\"b\""},
        {"backslash", "a\\b", "\"a\\\\b\""},
        {"new line", "a\nWARN", "\"a\\nWARN\""},
        {"return, tab", "\r\t", "\"\\r\\t\""},
        {"escape character", "\x1b[31m", "\"\\x1b[31m\""},
        {"delete", "\x7f", "\"\\x7f\""},
        {"beyond ASCII", "\xe6\xb8\xa9", "\xe6\xb8\xa9"},
        {"control beyond ASCII", "\xc2\x9b", "\"\\xc2\\x9b\""},
        {"no-break space", "\xc2\xa0", "\xc2\xa0"},
        {"not UTF-8",
         "a\xff"
         "b",
         "\"a\\xffb\""},
        {"cut character", "\xe6\xb8", "\"\\xe6\\xb8\""},
        {"colon in spaces", "a : b", "\"a : b\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char want[256];

        print_message("  %s\n", cases[i].name);
        clock_hold(mono_ms += LOG_WINDOW_MS, 1795380957123);
        capture_begin();
        log_event(EV_TEST_PAIRS, "k", cases[i].value);
        (void)snprintf(want, sizeof(want), WHEN "INFO test_pairs k=%s : text\n", cases[i].want);
        assert_string_equal(capture_end(), want);
    }
}

static void a_long_line_ends_with_its_text(void **state)
{
    char value[3000];
    const char *line;

    (void)state;
    memset(value, '\x01', sizeof(value)); /* four bytes each */
    value[sizeof(value) - 1] = '\0';
    capture_begin();
    log_event(EV_TEST_LONG, "a", value, "b", value, "c", "not shown");
    line = capture_end();
    assert_true(strlen(line) <= LOG_LINE_MAX);
    assert_int_equal(count_lines(line), 1);
    assert_non_null(strstr(line, " a=\"\\x01\\x01"));
    assert_null(strstr(line, " b="));
    assert_null(strstr(line, "not shown"));
    assert_string_equal(line + strlen(line) - 12, "\" : the end\n");
}

static void slices_become_texts(void **state)
{
    char text[300];
    const char *results[8];

    (void)state;
    memset(text, 'x', sizeof(text));
    assert_string_equal(log_slice(slice_of("PR_1")), "PR_1");
    assert_string_equal(log_slice(slice_make("a\0b", 3)), "a?b");
    assert_string_equal(log_slice((struct slice){NULL, 0}), "");
    assert_int_equal(strlen(log_slice(slice_make(text, LOG_SLICE_MAX))), LOG_SLICE_MAX);
    assert_int_equal(strlen(log_slice(slice_make(text, LOG_SLICE_MAX + 1))), LOG_SLICE_MAX + 3);
    memcpy(text + LOG_SLICE_MAX - 1, "\xc3\xa9", 2);
    assert_int_equal(strlen(log_slice(slice_make(text, 300))), LOG_SLICE_MAX - 1 + 3);
    for (int i = 0; i < 8; i++)
        results[i] = log_int(i);
    for (int i = 0; i < 8; i++)
        assert_int_equal(results[i][0], '0' + i);
    assert_string_equal(log_int(INT64_MIN), "-9223372036854775808");
}

static void an_event_is_limited_in_rate(void **state)
{
    const char *text;

    (void)state;
    capture_begin();
    for (int i = 0; i < 4721; i++)
        log_event(EV_TEST_MANY, "i", log_int(i));
    log_flush_suppressed(); /* the window is not over: nothing */
    text = capture_end();
    assert_int_equal(count_lines(text), LOG_BURST);
    assert_non_null(strstr(text, " i=9 "));

    clock_advance(LOG_WINDOW_MS - 1);
    capture_begin();
    log_event(EV_TEST_MANY, "i", "late");
    log_flush_suppressed();
    assert_string_equal(capture_end(), "");

    clock_hold(mono_ms + LOG_WINDOW_MS, 1795380957123);
    capture_begin();
    log_flush_suppressed();
    log_flush_suppressed(); /* once */
    assert_string_equal(capture_end(), WHEN "WARN test_many more=4712 : and 4712 more in 10 s\n");
    capture_begin();
    log_event(EV_TEST_MANY, "i", "new");
    assert_string_equal(capture_end(), WHEN "WARN test_many i=new : again\n");
}

static void the_next_line_says_what_was_held_back(void **state)
{
    (void)state;
    capture_begin();
    for (int i = 0; i < LOG_BURST + 3; i++)
        log_event(EV_TEST_LATER, "i", log_int(i));
    (void)capture_end();
    clock_hold(mono_ms + LOG_WINDOW_MS, 1795380957123);
    capture_begin();
    log_event(EV_TEST_LATER, "i", "next");
    assert_string_equal(capture_end(), WHEN "WARN test_later more=3 : and 3 more in 10 s\n" WHEN
                                            "WARN test_later i=next : later\n");
}

static void the_end_writes_all_that_is_held_back(void **state)
{
    (void)state;
    capture_begin();
    for (int i = 0; i < LOG_BURST + 1; i++)
        log_event(EV_TEST_LAST, "i", log_int(i));
    (void)capture_end();
    capture_begin();
    log_flush_all();
    log_flush_all();
    assert_string_equal(capture_end(), WHEN "WARN test_last more=1 : and 1 more in 10 s\n");
}

static void levels(void **state)
{
    static const struct {
        const char *name;
        enum log_level level;
        size_t lines;
    } cases[] = {
        {"error", LOG_ERROR, 1},
        {"warn", LOG_WARN, 2},
        {"info", LOG_INFO, 3},
        {"debug", LOG_DEBUG, 4},
    };
    enum log_level level = LOG_INFO;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("  %s\n", cases[i].name);
        assert_true(log_level_parse(cases[i].name, &level));
        assert_int_equal(level, cases[i].level);
        log_set_level(level);
        capture_begin();
        log_event(EV_LEVEL_ERROR, "k", "v");
        log_event(EV_LEVEL_WARN, "k", "v");
        log_event(EV_LEVEL_INFO, "k", "v");
        log_event(EV_LEVEL_DEBUG, "k", "v");
        assert_int_equal(count_lines(capture_end()), cases[i].lines);
    }
    assert_int_equal(EV_LEVEL_DEBUG.total, 4); /* counted also when not written */
    level = LOG_WARN;
    assert_false(log_level_parse("", &level));
    assert_false(log_level_parse("WARN", &level));
    assert_false(log_level_parse("warning", &level));
    assert_int_equal(level, LOG_WARN);
}

enum { THREADS = 4, ROUNDS = 500 };

static void *write_many(void *arg)
{
    for (int i = 0; i < ROUNDS; i++)
        log_event(EV_TEST_THREADS, "i", log_int(i));
    return arg;
}

static void threads_share_the_limit_and_lose_nothing(void **state)
{
    pthread_t threads[THREADS];
    const char *text;

    (void)state;
    capture_begin();
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    log_flush_all();
    text = capture_end();
    assert_int_equal(count_lines(text), LOG_BURST + 1);
    assert_non_null(strstr(text, " more=1990 "));
    assert_int_equal(EV_TEST_THREADS.total, THREADS * ROUNDS);
}

#define LOG_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(a_line_has_time_level_name_pairs_text),
        LOG_TEST(values_are_quoted_when_they_must_be),
        LOG_TEST(a_long_line_ends_with_its_text),
        LOG_TEST(slices_become_texts),
        LOG_TEST(an_event_is_limited_in_rate),
        LOG_TEST(the_next_line_says_what_was_held_back),
        LOG_TEST(the_end_writes_all_that_is_held_back),
        LOG_TEST(levels),
        LOG_TEST(threads_share_the_limit_and_lose_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
