/* The history of alarms on disk: order, filters, pages, limits, projects apart. */
#include "store/alarm_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "temp_data.h"

enum { P = 7, Q = 8, DEVICES = 3, RULES = 2 };

static struct alarm_store *open_store(void **state)
{
    struct alarm_store *s = NULL;
    char error[256] = "";

    if (alarm_store_open(temp_data_path(state, ""), &s, error, sizeof(error)) != ST_OK)
        fail_msg("%s", error);
    return s;
}

struct list {
    struct alarm_record *records;
    size_t count, at;
};

static struct alarm_record *next_of(bool restart, void *arg)
{
    struct list *l = arg;

    l->at = restart ? 0 : l->at + 1;
    return l->at < l->count ? &l->records[l->at] : NULL;
}

static struct alarm_record record(uint64_t project_id, int64_t ts_ms, unsigned n)
{
    return (struct alarm_record){
        .project_id = project_id,
        .device_id = 1 + n % DEVICES,
        .rule_id = 1 + n % RULES,
        .ts_ms = ts_ms,
        .level = (uint8_t)(n % 3),
        .state = 1,
        .name = slice_of("n"),
        .values = slice_of("{}"),
    };
}

static void put(struct alarm_store *s, struct alarm_record *records, size_t count)
{
    struct list l = {records, count, 0};

    assert_int_equal(alarm_store_append(s, next_of, &l), ST_OK);
}

/* Records of the times 1000, 1001, ... */
static void put_run(struct alarm_store *s, uint64_t project_id, unsigned count)
{
    struct alarm_record records[64];

    assert_true(count <= 64);
    for (unsigned n = 0; n < count; n++)
        records[n] = record(project_id, 1000 + n, n);
    put(s, records, count);
}

static void on_record(const struct alarm_record *r, void *arg)
{
    buffer_printf(arg, "%d ", (int)r->ts_ms);
}

/* Reads all pages; gives their times, newest first, a bar behind each page. */
static void assert_read(struct alarm_store *s, struct alarm_query q, const char *want)
{
    struct buffer text = {0};
    struct alarm_place next;

    do {
        assert_int_equal(alarm_store_read(s, &q, on_record, &text, &next), ST_OK);
        buffer_append_text(&text, "| ");
        q.below = next;
    } while (next.number != 0);
    buffer_append_u8(&text, 0);
    assert_string_equal((const char *)text.data, want);
    buffer_deinit(&text);
}

static void newest_first_by_pages(void **state)
{
    struct alarm_store *s;

    assert_false(alarm_store_exists(temp_data_path(state, "")));
    s = open_store(state);
    assert_true(alarm_store_exists(temp_data_path(state, "")));
    assert_read(s, (struct alarm_query){.project_id = P, .limit = 10}, "| ");
    put_run(s, P, 5);
    put_run(s, Q, 2);
    assert_read(s, (struct alarm_query){.project_id = P, .limit = 10},
                "1004 1003 1002 1001 1000 | ");
    assert_read(s, (struct alarm_query){.project_id = P, .limit = 5},
                "1004 1003 1002 1001 1000 | ");
    assert_read(s, (struct alarm_query){.project_id = P, .limit = 2},
                "1004 1003 | 1002 1001 | 1000 | ");
    assert_read(s, (struct alarm_query){.project_id = Q, .limit = 10}, "1001 1000 | ");
    assert_read(s, (struct alarm_query){.project_id = P + 100, .limit = 10}, "| ");
    alarm_store_close(&s);
    s = open_store(state);
    assert_read(s, (struct alarm_query){.project_id = Q, .limit = 10}, "1001 1000 | ");
    alarm_store_close(&s);
}

static void filters(void **state)
{
    static const struct filter_case {
        const char *name;
        struct alarm_query query;
        const char *want;
    } cases[] = {
        {"device", {.device_id = 1}, "1009 1006 1003 1000 | "},
        {"rule", {.rule_id = 2}, "1009 1007 1005 1003 1001 | "},
        {"device and rule", {.device_id = 1, .rule_id = 2}, "1009 1003 | "},
        {"level", {.levels = 1u << 2}, "1008 1005 1002 | "},
        {"levels", {.levels = 1u << 2 | 1u}, "1009 1008 1006 1005 1003 1002 1000 | "},
        {"from", {.from_ms = 1007}, "1009 1008 1007 | "},
        {"to", {.to_ms = 1003}, "1002 1001 1000 | "},
        {"from and to", {.from_ms = 1003, .to_ms = 1005}, "1004 1003 | "},
        {"device from and to", {.device_id = 1, .from_ms = 1003, .to_ms = 1009}, "1006 1003 | "},
        {"no such device", {.device_id = 99}, "| "},
        {"later", {.from_ms = 2000}, "| "},
    };
    struct alarm_store *s = open_store(state);

    put_run(s, P, 10);
    put_run(s, Q, 10);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct alarm_query q = cases[i].query;

        print_message("  %s\n", cases[i].name);
        q.project_id = P;
        q.limit = 100;
        assert_read(s, q, cases[i].want);
    }
    assert_read(s, (struct alarm_query){.project_id = P, .rule_id = 2, .limit = 3},
                "1009 1007 1005 | 1003 1001 | ");
    alarm_store_close(&s);
}

static void take_number(const struct alarm_record *r, void *arg)
{
    uint64_t *numbers = arg;

    assert_true(r->number < 100);
    numbers[r->number]++;
}

/* Records of one moment, and one that comes late. */
static void each_has_a_place_of_its_own(void **state)
{
    struct alarm_store *s = open_store(state);
    struct alarm_record same[] = {record(P, 1000, 0), record(P, 1000, 0), record(P, 999, 0)};
    struct alarm_query q = {.project_id = P, .limit = 1};
    uint64_t numbers[100] = {0};
    struct alarm_place next;

    put(s, same, 3);
    assert_true(same[0].number == 1 && same[2].number == 3);
    do {
        assert_int_equal(alarm_store_read(s, &q, take_number, numbers, &next), ST_OK);
        q.below = next;
    } while (next.number != 0);
    assert_true(numbers[1] == 1 && numbers[2] == 1 && numbers[3] == 1);
    assert_read(s, (struct alarm_query){.project_id = P, .limit = 9}, "1000 1000 999 | ");
    alarm_store_close(&s);
    s = open_store(state);
    put(s, same, 1);
    assert_true(same[0].number == 4); /* numbers go on */
    alarm_store_close(&s);
}

static void assert_trimmed(struct alarm_store *s, int64_t age_ms, uint64_t count, int64_t now_ms,
                           size_t want)
{
    struct alarm_limits limits = {age_ms, count};
    size_t removed;

    assert_int_equal(alarm_store_trim(s, &limits, now_ms, &removed), ST_OK);
    assert_int_equal(removed, want);
}

static void it_keeps_to_its_limits(void **state)
{
    struct alarm_store *s = open_store(state);

    put_run(s, P, 10);
    put_run(s, Q, 5);
    assert_trimmed(s, 1000, 10, 1500, 0);
    assert_trimmed(s, 1000, 6, 1500, 4);
    assert_read(s, (struct alarm_query){.project_id = P, .limit = 9},
                "1009 1008 1007 1006 1005 1004 | ");
    assert_read(s, (struct alarm_query){.project_id = P, .device_id = 1, .limit = 9},
                "1009 1006 | ");
    assert_read(s, (struct alarm_query){.project_id = Q, .rule_id = 1, .limit = 9},
                "1004 1002 1000 | ");
    assert_trimmed(s, 500, 6, 1508, 4 + 5);
    assert_read(s, (struct alarm_query){.project_id = P, .limit = 9}, "1009 1008 | ");
    assert_read(s, (struct alarm_query){.project_id = Q, .limit = 9}, "| ");
    assert_trimmed(s, 500, 6, 9999, 2);
    put_run(s, P, 3);
    assert_trimmed(s, 5000, 2, 1500, 1); /* the count is right after all that */
    alarm_store_close(&s);
}

static void many_are_trimmed_in_steps(void **state)
{
    struct alarm_store *s = open_store(state);
    struct alarm_limits limits = {INT32_MAX, 64};
    size_t removed, total = 0, rounds = 0;

    for (unsigned i = 0; i < 80; i++)
        put_run(s, P, 64);
    do {
        assert_int_equal(alarm_store_trim(s, &limits, 1500, &removed), ST_OK);
        assert_true(removed <= ALARM_STORE_TRIM_MAX);
        total += removed;
        rounds++;
    } while (removed > 0);
    assert_int_equal(total, 79 * 64);
    assert_int_equal(rounds, 4);
    alarm_store_close(&s);
}

static void a_project_goes_alone(void **state)
{
    struct alarm_store *s = open_store(state);

    put_run(s, P, 3);
    put_run(s, Q, 3);
    assert_int_equal(alarm_store_remove_project(s, P), ST_OK);
    assert_read(s, (struct alarm_query){.project_id = P, .limit = 9}, "| ");
    assert_read(s, (struct alarm_query){.project_id = P, .device_id = 1, .limit = 9}, "| ");
    assert_read(s, (struct alarm_query){.project_id = Q, .limit = 9}, "1002 1001 1000 | ");
    put_run(s, P, 2);
    assert_trimmed(s, 5000, 1, 1500, 1 + 2);
    alarm_store_close(&s);
}

/* A search that finds little ends after so many looks, with a place to go on from. */
static void a_search_is_bounded(void **state)
{
    struct alarm_store *s = open_store(state);
    struct alarm_query q = {.project_id = P, .levels = 1u << 5, .limit = 1};
    struct buffer text = {0};
    struct alarm_place next;

    for (unsigned i = 0; i * 64 <= ALARM_STORE_LOOKS_MAX; i++)
        put_run(s, P, 64);
    assert_int_equal(alarm_store_read(s, &q, on_record, &text, &next), ST_OK);
    assert_true(text.len == 0 && next.number != 0);
    q.below = next;
    assert_int_equal(alarm_store_read(s, &q, on_record, &text, &next), ST_OK);
    assert_true(text.len == 0 && next.number == 0);
    buffer_deinit(&text);
    alarm_store_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_DATA_TEST(newest_first_by_pages),       TEMP_DATA_TEST(filters),
        TEMP_DATA_TEST(each_has_a_place_of_its_own), TEMP_DATA_TEST(it_keeps_to_its_limits),
        TEMP_DATA_TEST(many_are_trimmed_in_steps),   TEMP_DATA_TEST(a_project_goes_alone),
        TEMP_DATA_TEST(a_search_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
