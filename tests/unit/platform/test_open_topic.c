/* Names of open topics, parsed and written. */
#include "platform/open_topic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define P   "PR_0123456789"
#define D   "DU_abcdeVWXYZ"
#define S64 "abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNOPQRSTUVWXYZ-0123456789"

static const struct topic_case {
    const char *name, *topic;
    enum open_kind kind;
    const char *stream;
} good_cases[] = {
    {"attributes", "open/" P "/" D "/attributes", OPEN_KIND_ATTRIBUTES, ""},
    {"event_report", "open/" P "/" D "/event_report", OPEN_KIND_EVENT_REPORT, ""},
    {"command_reply", "open/" P "/" D "/command_reply", OPEN_KIND_COMMAND_REPLY, ""},
    {"data", "open/" P "/" D "/data/temp", OPEN_KIND_DATA, "temp"},
    {"stream of one character", "open/" P "/" D "/data/-", OPEN_KIND_DATA, "-"},
    {"longest stream", "open/" P "/" D "/data/" S64, OPEN_KIND_DATA, S64},
    {"stream named as a kind", "open/" P "/" D "/data/alarm", OPEN_KIND_DATA, "alarm"},
    {"alarm", "open/" P "/" D "/alarm", OPEN_KIND_ALARM, ""},
    {"online", "open/" P "/" D "/online", OPEN_KIND_ONLINE, ""},
    {"attributes_push", "open/" P "/" D "/attributes_push", OPEN_KIND_ATTRIBUTES_PUSH, ""},
    {"command_send", "open/" P "/" D "/command_send", OPEN_KIND_COMMAND_SEND, ""},
    {"command_status", "$open/" P "/" D "/command_status", OPEN_KIND_COMMAND_STATUS, ""},
    {"alarm_detail", "$open/" P "/" D "/alarm_detail", OPEN_KIND_ALARM_DETAIL, ""},
    {"errors", "$open/" P "/errors", OPEN_KIND_ERRORS, ""},
    {"notice", "$open/" P "/notice", OPEN_KIND_NOTICE, ""},
    {"ctl", "$open/" P "/ctl", OPEN_KIND_CTL, ""},
};

static void test_parse_and_write(void **state)
{
    struct slice project = slice_of(P), device = slice_of(D);

    (void)state;
    for (size_t i = 0; i < sizeof(good_cases) / sizeof(*good_cases); i++) {
        const struct topic_case *c = &good_cases[i];
        bool has_device = open_kinds[c->kind].has_device;
        char written[OPEN_TOPIC_LEN_MAX];
        struct open_topic t;
        size_t len;

        print_message("%s\n", c->name);
        assert_int_equal(open_topic_parse(slice_of(c->topic), &t), ST_OK);
        assert_int_equal(t.project_id, ident_parse(IDENT_PROJECT, project));
        assert_int_equal(t.device_id, has_device ? ident_parse(IDENT_DEVICE, device) : 0);
        assert_int_equal(t.kind, c->kind);
        assert_true(slice_is(t.stream, c->stream));
        len = open_topic_write(written, project, has_device ? device : slice_of(""), c->kind,
                               t.stream);
        assert_true(slice_is(slice_make(written, len), c->topic));
    }
}

static const struct {
    const char *name, *topic;
} bad_cases[] = {
    {"empty", ""},
    {"root alone", "open"},
    {"project alone", "open/" P},
    {"device alone", "open/" P "/" D},
    {"slash behind the project", "open/" P "/"},
    {"slash behind the device", "open/" P "/" D "/"},
    {"other root", "Open/" P "/" D "/alarm"},
    {"no root", P "/" D "/alarm"},
    {"slash first", "/open/" P "/" D "/alarm"},
    {"short project", "open/PR_012345678/" D "/alarm"},
    {"device as project", "open/" D "/" D "/alarm"},
    {"long device", "open/" P "/" D "x/alarm"},
    {"project as device", "open/" P "/" P "/alarm"},
    {"plus as device", "open/" P "/+/alarm"},
    {"empty device", "open/" P "//alarm"},
    {"no device", "open/" P "/alarm"},
    {"unknown kind", "open/" P "/" D "/atributes"},
    {"slash behind the kind", "open/" P "/" D "/alarm/"},
    {"level behind the kind", "open/" P "/" D "/alarm/x"},
    {"data without stream", "open/" P "/" D "/data"},
    {"data with empty stream", "open/" P "/" D "/data/"},
    {"stream with a point", "open/" P "/" D "/data/a.b"},
    {"stream too long", "open/" P "/" D "/data/" S64 "x"},
    {"slash behind the stream", "open/" P "/" D "/data/temp/"},
    {"level behind the stream", "open/" P "/" D "/data/temp/x"},
    {"hash", "open/" P "/#"},
    {"device kind under the other root", "$open/" P "/" D "/alarm"},
    {"system kind under the other root", "open/" P "/" D "/command_status"},
    {"system kind without device", "$open/" P "/command_status"},
    {"errors under the other root", "open/" P "/errors"},
    {"errors of a device", "$open/" P "/" D "/errors"},
    {"level behind errors", "$open/" P "/errors/x"},
};

static void test_no_such_topic(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad_cases) / sizeof(*bad_cases); i++) {
        struct open_topic t;

        print_message("%s\n", bad_cases[i].name);
        assert_int_equal(open_topic_parse(slice_of(bad_cases[i].topic), &t), ST_NOT_FOUND);
    }
}

static void test_the_longest_topic_has_room(void **state)
{
    char written[OPEN_TOPIC_LEN_MAX];
    size_t longest = 0;

    (void)state;
    for (unsigned kind = 0; kind < OPEN_KIND_COUNT; kind++) {
        size_t len = open_topic_write(written, slice_of(P), slice_of(D), (enum open_kind)kind,
                                      slice_of(S64));

        longest = len > longest ? len : longest;
    }
    assert_in_range(longest, 1, OPEN_TOPIC_LEN_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_and_write),
        cmocka_unit_test(test_no_such_topic),
        cmocka_unit_test(test_the_longest_topic_has_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
