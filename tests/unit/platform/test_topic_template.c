/* Topics with a serial number in them. */
#include "platform/topic_template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "leftover.h"

static const struct parse_case {
    const char *text, *before, *after;
    const char *why; /* NULL: it is one */
} parse_cases[] = {
    {"meters/{sn}/up", "meters/", "/up", NULL},
    {"{sn}/up", "", "/up", NULL},
    {"up/{sn}", "up/", "", NULL},
    {"a{sn}b", "a", "b", NULL},
    {"电表/{sn}", "电表/", "", NULL},
    {"/{sn}", "/", "", NULL},
    {"{s}/{sn}", "{s}/", "", NULL},
    {"{sn", NULL, NULL, "it must have {sn} once"},
    {"up", NULL, NULL, "it must have {sn} once"},
    {"{sn}/{sn}", NULL, NULL, "it must have {sn} once"},
    {"{sn}{sn}", NULL, NULL, "it must have {sn} once"},
    {"{sn}", NULL, NULL, "it must have more than {sn}"},
    {"", NULL, NULL, "it must be 1 to 256 bytes of UTF-8"},
    {"a\xff{sn}", NULL, NULL, "it must be 1 to 256 bytes of UTF-8"},
    {"+/{sn}", NULL, NULL, "it must not have wildcards"},
    {"{sn}/#", NULL, NULL, "it must not have wildcards"},
    {"$SYS/{sn}", NULL, NULL, "it must not begin with $"},
};

static void parsing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(parse_cases) / sizeof(parse_cases[0]); i++) {
        const struct parse_case *c = &parse_cases[i];
        struct topic_template t;
        const char *why;

        print_message("%s\n", c->text);
        assert_int_equal(topic_template_parse(slice_of(c->text), &t, &why),
                         c->why == NULL ? ST_OK : ST_INVALID);
        assert_int_equal(topic_template_is_set(&t), c->why == NULL);
        if (c->why != NULL) {
            assert_string_equal(why, c->why);
            continue;
        }
        assert_null(why);
        assert_true(slice_is(t.before, c->before));
        assert_true(slice_is(t.after, c->after));
    }
}

static void length(void **state)
{
    char text[TOPIC_TEMPLATE_MAX + 2];
    struct topic_template t;
    const char *why;

    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text + 10, "{sn}", 4);
    assert_int_equal(topic_template_parse(slice_make(text, TOPIC_TEMPLATE_MAX), &t, &why), ST_OK);
    assert_int_equal(topic_template_parse(slice_make(text, TOPIC_TEMPLATE_MAX + 1), &t, &why),
                     ST_INVALID);
}

static const struct match_case {
    const char *topic;
    bool matches;
} match_cases[] = {
    {"m/SN-1/up", true},   {"m/SN-1/down", false}, {"m/SN-1/up/", false},
    {"/m/SN-1/up", false}, {"m/SN-2/up", false},   {"m/SN-1", false},
    {"m//up", false},      {"m/sn-1/up", false},   {"m/{sn}/up", false},
    {"", false},           {"m/SN-1up/", false},   {"m/SN-1/uP", false},
};

static void matching(void **state)
{
    char written[64];
    struct topic_template t;
    const char *why;
    size_t len;

    (void)state;
    assert_int_equal(topic_template_parse(slice_of("m/{sn}/up"), &t, &why), ST_OK);
    for (size_t i = 0; i < sizeof(match_cases) / sizeof(match_cases[0]); i++)
        assert_int_equal(
            topic_template_matches(&t, slice_of("SN-1"), slice_of(match_cases[i].topic)),
            match_cases[i].matches);
    len = topic_template_write(&t, slice_of("SN-1"), written);
    assert_true(slice_is(slice_make(written, len), "m/SN-1/up"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(parsing),
        LEFTOVER_TEST(length),
        LEFTOVER_TEST(matching),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
