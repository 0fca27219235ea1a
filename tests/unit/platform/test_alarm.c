/* The states of a device's alarms: repeat count, duration, presence, rules that come and go. */
#include "platform/alarm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "leftover.h"

enum { RULES_MAX = 4 };

struct stage {
    struct alarms alarms;
    struct cloud_values values;
    struct alarm_rule *rules[RULES_MAX];
    size_t rule_count;
    int64_t now_ms;
    struct buffer told; /* each change: "?" pending, "+" alerting, "-" restored, "." no more
                           pending, and the rule's number */
};

static void on_change(const struct alarm *a, enum alarm_state before, void *arg)
{
    struct stage *s = arg;
    char mark = a->state == ALARM_PENDING    ? '?'
                : a->state == ALARM_ALERTING ? '+'
                : before == ALARM_ALERTING   ? '-'
                                             : '.';

    assert_int_not_equal(a->state, before);
    buffer_printf(&s->told, "%c%d", mark, (int)a->rule->rule_id);
}

/* The changes since the last question. */
static void assert_told(struct stage *s, const char *want)
{
    buffer_append_u8(&s->told, '\0');
    assert_string_equal((const char *)s->told.data, want);
    s->told.len = 0;
}

static void apply_rules(struct stage *s)
{
    alarms_set_rules(&s->alarms, s->rules, s->rule_count, s->now_ms, on_change, s);
}

/* `t > limit`, with further members (", \"repeat\": 2"). */
static void put_rule(struct stage *s, uint64_t number, const char *trigger, const char *more)
{
    char error[ALARM_RULE_ERROR_MAX];
    struct buffer text = {0};
    size_t i = 0;

    buffer_printf(&text,
                  "{\"name\": \"n\", \"level\": \"normal\", \"source\": {\"type\": \"PK_00001\"}, "
                  "\"trigger\": {%s}%s}",
                  trigger, more);
    while (i < s->rule_count && s->rules[i]->rule_id != number)
        i++;
    if (i < s->rule_count)
        alarm_rule_unref(&s->rules[i]);
    else
        s->rule_count++;
    assert_int_equal(alarm_rule_parse(number, 1, buffer_slice(&text), &s->rules[i], error), ST_OK);
    buffer_deinit(&text);
}

#define HOT(limit) "\"any\": [{\"attribute\": \"t\", \"operator\": \">\", \"value\": " limit "}]"

static struct stage *start(const char *trigger, const char *more)
{
    struct stage *s = mem_new_of(MEM_TEST, struct stage);

    s->now_ms = 1000000;
    put_rule(s, 1, trigger, more);
    apply_rules(s);
    return s;
}

static void end(struct stage *s)
{
    for (size_t i = 0; i < s->rule_count; i++)
        alarm_rule_unref(&s->rules[i]);
    alarms_deinit(&s->alarms);
    cloud_values_deinit(&s->values);
    buffer_deinit(&s->told);
    mem_free(s);
}

static void report(struct stage *s, const char *name, const char *value)
{
    struct json_member m = {.key = slice_of(name), .value = slice_of(value)};

    assert_true(cloud_values_set(&s->values, m.key, m.value, s->now_ms));
    alarms_report(&s->alarms, &m, 1, &s->values, s->now_ms, on_change, s);
}

static void pass(struct stage *s, int64_t ms)
{
    s->now_ms += ms;
    alarms_time(&s->alarms, s->now_ms, on_change, s);
}

static void be_present(struct stage *s, bool is_online, int64_t for_ms)
{
    alarms_presence(&s->alarms, is_online, s->now_ms - for_ms, s->now_ms, on_change, s);
}

static void test_at_once(void **state)
{
    struct stage *s = start(HOT("30"), "");

    (void)state;
    report(s, "t", "30");
    assert_told(s, "");
    report(s, "t", "31");
    assert_told(s, "+1");
    assert_int_equal(s->alarms.alerting_count, 1);
    report(s, "t", "32");
    report(s, "other", "0");
    assert_told(s, "");
    pass(s, 7);
    report(s, "t", "29");
    assert_told(s, "-1");
    assert_int_equal(s->alarms.alerting_count, 0);
    assert_true(s->alarms.items[0].since_ms == s->now_ms);
    pass(s, 7);
    report(s, "t", "28"); /* normal it is already */
    assert_true(s->alarms.items[0].since_ms == s->now_ms - 7);
    report(s, "t", "31");
    assert_told(s, "+1");
    assert_true(s->alarms.items[0].since_ms == s->now_ms);
    end(s);
}

static void test_repeat(void **state)
{
    struct stage *s = start(HOT("30"), ", \"repeat\": 3");

    (void)state;
    report(s, "t", "31");
    report(s, "t", "31");
    report(s, "other", "1"); /* does not concern it */
    report(s, "t", "29");    /* counts from the beginning */
    report(s, "t", "31");
    report(s, "t", "31");
    assert_told(s, "?1.1?1");
    report(s, "t", "31");
    assert_told(s, "+1");
    report(s, "t", "29");
    assert_told(s, "-1");
    assert_true(alarms_next_ms(&s->alarms) == INT64_MAX);
    end(s);
}

static void test_duration(void **state)
{
    struct stage *s = start(HOT("30"), ", \"duration\": 10");

    (void)state;
    report(s, "t", "31");
    assert_true(alarms_next_ms(&s->alarms) == s->now_ms + 10000);
    pass(s, 9999);
    report(s, "t", "29"); /* a break */
    assert_true(alarms_next_ms(&s->alarms) == INT64_MAX);
    report(s, "t", "31");
    pass(s, 9999);
    assert_told(s, "?1.1?1");
    pass(s, 1);
    assert_told(s, "+1");
    pass(s, 100000);
    assert_told(s, "");
    assert_true(alarms_next_ms(&s->alarms) == INT64_MAX);
    report(s, "t", "29");
    assert_told(s, "-1");
    end(s);
}

static void test_repeat_and_duration(void **state)
{
    struct stage *s = start(HOT("30"), ", \"repeat\": 2, \"duration\": 10");

    (void)state;
    report(s, "t", "31");
    assert_true(alarms_next_ms(&s->alarms) == INT64_MAX); /* time alone does not do */
    pass(s, 20000);
    assert_told(s, "?1");
    report(s, "t", "31"); /* both hold now */
    assert_told(s, "+1");
    report(s, "t", "29");
    report(s, "t", "31");
    report(s, "t", "31");
    assert_told(s, "-1?1");
    pass(s, 10000);
    assert_told(s, "+1");
    end(s);
}

static void test_presence(void **state)
{
    struct stage *s = start("\"offline\": true", ", \"duration\": 5, \"repeat\": 9");

    (void)state;
    be_present(s, false, 0);
    pass(s, 4000);
    be_present(s, true, 0);
    be_present(s, false, 0);
    report(s, "t", "99"); /* no report is about presence */
    pass(s, 4999);
    assert_told(s, "?1.1?1");
    pass(s, 1);
    assert_told(s, "+1");
    be_present(s, false, 0); /* known */
    assert_told(s, "");
    be_present(s, true, 0);
    assert_told(s, "-1");
    end(s);
}

/* Its duration began before the rule was there. */
static void test_absent_already(void **state)
{
    struct stage *s = start("\"offline\": true", ", \"duration\": 5");

    (void)state;
    be_present(s, false, 4999);
    assert_true(alarms_next_ms(&s->alarms) == s->now_ms + 1);
    be_present(s, true, 0);
    be_present(s, false, 5000);
    assert_told(s, "?1.1+1");
    end(s);
}

static void test_rules_come_and_go(void **state)
{
    struct stage *s = start(HOT("30"), "");

    (void)state;
    put_rule(s, 2, HOT("40"), "");
    apply_rules(s);
    report(s, "t", "50");
    assert_told(s, "+1+2");
    put_rule(s, 1, HOT("30"), ", \"enabled\": true"); /* met by the same */
    apply_rules(s);
    assert_told(s, "");
    assert_int_equal(s->alarms.alerting_count, 2);
    put_rule(s, 1, HOT("31"), ""); /* another one now */
    apply_rules(s);
    assert_told(s, "-1");
    assert_int_equal(s->alarms.alerting_count, 1);
    report(s, "t", "50");
    assert_told(s, "+1");
    alarm_rule_unref(&s->rules[1]);
    s->rule_count = 1;
    apply_rules(s);
    assert_told(s, "-2");
    put_rule(s, 1, HOT("31"), ", \"duration\": 9");
    apply_rules(s);
    report(s, "t", "50");
    assert_told(s, "-1?1");
    put_rule(s, 1, HOT("31"), ", \"duration\": 8"); /* what was pending is no more */
    apply_rules(s);
    assert_told(s, ".1");
    end(s);
}

static void test_from_run_to_run(void **state)
{
    struct stage *s = start(HOT("30"), ", \"duration\": 10"), *later;
    struct buffer bytes = {0};

    (void)state;
    put_rule(s, 2, HOT("30"), "");
    put_rule(s, 3, HOT("90"), "");
    apply_rules(s);
    report(s, "t", "31");
    assert_told(s, "?1+2");
    alarms_write(&s->alarms, &bytes);
    later = start(HOT("30"), ", \"duration\": 10"); /* rule 2 is gone meanwhile */
    alarms_read(&later->alarms, slice_make(bytes.data, bytes.len - 1)); /* the last one is cut */
    assert_int_equal(later->alarms.alerting_count, 0);
    assert_true(alarms_next_ms(&later->alarms) == s->now_ms + 10000);
    later->now_ms = s->now_ms;
    pass(later, 9999);
    assert_told(later, "");
    pass(later, 1);
    assert_told(later, "+1"); /* the time before the restart counts */
    put_rule(later, 2, HOT("30"), "");
    apply_rules(later);
    alarms_read(&later->alarms, buffer_slice(&bytes));
    assert_int_equal(later->alarms.alerting_count, 1); /* 2; and 1 as it was stored */
    assert_true(later->alarms.items[1].since_ms == s->now_ms);
    bytes.data[0]++; /* another version */
    alarms_read(&s->alarms, buffer_slice(&bytes));
    assert_int_equal(s->alarms.items[0].state, ALARM_PENDING);
    report(later, "t", "0");
    assert_told(later, ".1-2");
    buffer_deinit(&bytes);
    end(later);
    end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(test_at_once),           LEFTOVER_TEST(test_repeat),
        LEFTOVER_TEST(test_duration),          LEFTOVER_TEST(test_repeat_and_duration),
        LEFTOVER_TEST(test_presence),          LEFTOVER_TEST(test_absent_already),
        LEFTOVER_TEST(test_rules_come_and_go), LEFTOVER_TEST(test_from_run_to_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
