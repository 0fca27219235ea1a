/* Names, filters, share groups and matching, case by case. */
#include "mqtt/topic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "wire.h"

static const struct name_case {
    const char *name, *topic;
    bool want;
} name_cases[] = {
    {"ordinary", "open/PR_0123456789/DU_0123456789/alarm", true},
    {"one character", "a", true},
    {"a slash alone", "/", true},
    {"empty levels", "//", true},
    {"spaces", "a b/ c", true},
    {"a dollar", "$open/x", true},
    {"empty [MQTT-4.7.3-1]", "", false},
    {"plus as level [MQTT-3.3.2-2]", "a/+/b", false},
    {"plus in a level [MQTT-3.3.2-2]", "a/b+", false},
    {"hash [MQTT-3.3.2-2]", "a/#", false},
    {"hash alone [MQTT-3.3.2-2]", "#", false},
};

static void test_is_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(name_cases) / sizeof(name_cases[0]); i++)
        if (topic_is_name(slice_of(name_cases[i].topic)) != name_cases[i].want)
            fail_msg("%s", name_cases[i].name);
}

/* [MQTT-4.7.3-3] */
static void test_longest(void **state)
{
    uint8_t *data = mem_alloc(MEM_TEST, 65536);
    struct topic_filter filter;

    (void)state;
    memset(data, 'x', 65536);
    assert_true(topic_is_name(slice_make(data, 65535)));
    assert_false(topic_is_name(slice_make(data, 65536)));
    assert_int_equal(topic_parse_filter(slice_make(data, 65535), &filter), ST_OK);
    assert_int_equal(topic_parse_filter(slice_make(data, 65536), &filter), ST_MALFORMED);
    mem_free(data);
}

/* `group` NULL: malformed; "": a plain filter. */
static const struct filter_case {
    const char *name, *text, *group, *filter;
} filter_cases[] = {
    {"a topic", "open/x/y", "", "open/x/y"},
    {"hash alone", "#", "", "#"},
    {"plus alone", "+", "", "+"},
    {"both", "+/a/+/#", "", "+/a/+/#"},
    {"slash and hash", "/#", "", "/#"},
    {"slash and plus", "/+", "", "/+"},
    {"plus and slash", "+/", "", "+/"},
    {"empty levels", "a//b", "", "a//b"},
    {"$SYS", "$SYS/#", "", "$SYS/#"},
    {"empty [MQTT-4.7.3-1]", "", NULL, NULL},
    {"hash behind text [MQTT-4.7.1-1]", "a#", NULL, NULL},
    {"hash before text [MQTT-4.7.1-1]", "#a", NULL, NULL},
    {"hash not last [MQTT-4.7.1-1]", "#/x", NULL, NULL},
    {"hash in a level [MQTT-4.7.1-1]", "a/#b", NULL, NULL},
    {"hash behind a plus [MQTT-4.7.1-1]", "a/+#", NULL, NULL},
    {"two hashes [MQTT-4.7.1-1]", "##", NULL, NULL},
    {"hash before a slash [MQTT-4.7.1-1]", "a/#/", NULL, NULL},
    {"plus behind text [MQTT-4.7.1-2]", "a+", NULL, NULL},
    {"plus before text [MQTT-4.7.1-2]", "+a", NULL, NULL},
    {"two pluses [MQTT-4.7.1-2]", "++", NULL, NULL},
    {"plus within a level [MQTT-4.7.1-2]", "x/a+b/y", NULL, NULL},
    {"shared", "$share/g/open/+/x", "g", "open/+/x"},
    {"shared, everything", "$share/group/#", "group", "#"},
    {"shared, begins with a slash", "$share/g//a", "g", "/a"},
    {"shared, a slash alone", "$share/g//", "g", "/"},
    {"shared within shared", "$share/g/$share/h/a", "g", "$share/h/a"},
    {"not shared: other case", "$SHARE/g/a", "", "$SHARE/g/a"},
    {"not shared: longer word", "$shared/g/a", "", "$shared/g/a"},
    {"not shared: no slash", "$share", "", "$share"},
    {"share without anything [MQTT-4.8.2-1]", "$share/", NULL, NULL},
    {"empty group [MQTT-4.8.2-1]", "$share//f", NULL, NULL},
    {"group alone [MQTT-4.8.2-2]", "$share/g", NULL, NULL},
    {"no filter behind the group [MQTT-4.8.2-2]", "$share/g/", NULL, NULL},
    {"plus in the group [MQTT-4.8.2-2]", "$share/a+/f", NULL, NULL},
    {"plus as the group [MQTT-4.8.2-2]", "$share/+/f", NULL, NULL},
    {"hash as the group [MQTT-4.8.2-2]", "$share/#/f", NULL, NULL},
    {"hash behind share [MQTT-4.8.2-2]", "$share/#", NULL, NULL},
    {"shared, bad filter [MQTT-4.7.1-1]", "$share/g/a#", NULL, NULL},
    {"shared, bad filter [MQTT-4.7.1-2]", "$share/g/a+/b", NULL, NULL},
};

static void test_parse_filter(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(filter_cases) / sizeof(filter_cases[0]); i++) {
        const struct filter_case *c = &filter_cases[i];
        struct slice text = wire_copy(slice_of(c->text));
        struct topic_filter out;
        enum status st = topic_parse_filter(text, &out);

        wire_check(c->name, st == (c->group != NULL ? ST_OK : ST_MALFORMED));
        if (st == ST_OK) {
            wire_check(c->name, slice_is(out.share_group, c->group));
            wire_check(c->name, slice_is(out.filter, c->filter));
        }
        wire_free(text);
    }
}

static const struct match_case {
    const char *name, *filter, *topic;
    bool want;
} match_cases[] = {
    {"same", "a/b", "a/b", true},
    {"longer topic", "a/b", "a/b/c", false},
    {"longer filter", "a/b/c", "a/b", false},
    {"longer level", "a/b", "a/bc", false},
    {"shorter level", "a/bc", "a/b", false},
    {"other case [MQTT-4.7.3-4]", "a/B", "a/b", false},
    {"slash at the end [MQTT-4.7.3-4]", "a/b", "a/b/", false},
    {"slash at the beginning [MQTT-4.7.3-4]", "a/b", "/a/b", false},
    {"double slash [MQTT-4.7.3-4]", "a/b", "a//b", false},
    {"composed and decomposed [MQTT-4.7.3-4]", "\xC3\xA9", "e\xCC\x81", false},
    {"plus", "a/+/c", "a/b/c", true},
    {"plus takes one level", "a/+", "a/b/c", false},
    {"plus needs a level", "a/+", "a", false},
    {"plus takes an empty level", "a/+", "a/", true},
    {"plus first", "+/b", "a/b", true},
    {"pluses", "+/+", "/finance", true},
    {"slash and plus", "/+", "/finance", true},
    {"plus alone", "+", "/finance", false},
    {"plus and more", "+/b/c", "a/b", false},
    {"hash is everything", "#", "a/b/c", true},
    {"hash is a slash", "#", "/", true},
    {"hash takes levels", "a/#", "a/b/c", true},
    {"hash takes an empty level", "a/#", "a/", true},
    {"hash takes the parent", "a/#", "a", true},
    {"hash takes no sibling", "a/#", "ab", false},
    {"hash takes no grandparent", "a/b/#", "a", false},
    {"plus and hash take the parent", "+/#", "a", true},
    {"plus and hash", "a/+/#", "a/b", true},
    {"plus and hash need the plus", "a/+/#", "a", false},
    {"dollar, hash [MQTT-4.7.2-1]", "#", "$SYS/x", false},
    {"dollar, plus [MQTT-4.7.2-1]", "+/x", "$SYS/x", false},
    {"dollar, named [MQTT-4.7.2-1]", "$SYS/#", "$SYS/x", true},
    {"dollar, named, plus [MQTT-4.7.2-1]", "$SYS/+", "$SYS/x", true},
    {"dollar later", "+/$x", "a/$x", true},
    {"dollar later, plus", "a/+", "a/$x", true},
    {"empty topic", "#", "", false},
    {"empty filter", "", "a", false},
};

static void test_matches(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(match_cases) / sizeof(match_cases[0]); i++) {
        const struct match_case *c = &match_cases[i];
        struct slice filter = wire_copy(slice_of(c->filter));
        struct slice topic = wire_copy(slice_of(c->topic));

        wire_check(c->name, topic_matches(filter, topic) == c->want);
        wire_free(filter);
        wire_free(topic);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_name),
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_parse_filter),
        cmocka_unit_test(test_matches),
    };

    return cmocka_run_group_tests(tests, NULL, wire_nothing_left);
}
