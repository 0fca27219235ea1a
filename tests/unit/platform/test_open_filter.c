/* Filters: the table of what is granted and refused, and every combination of levels against the
 * standard's general matcher. */
#include "platform/open_filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "mqtt/topic.h"

#define P   "PR_0123456789"
#define D   "DU_0123456789"
#define S64 "abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNOPQRSTUVWXYZ-0123456789"

#define K(kind) (1u << OPEN_KIND_##kind)
#define SYSTEM  (K(COMMAND_STATUS) | K(ALARM_DETAIL) | K(LOG))
#define PLAIN   (ALL & ~K(DATA))
#define ALL                                                                                \
    (K(ATTRIBUTES) | K(EVENT_REPORT) | K(COMMAND_REPLY) | K(DATA) | K(ALARM) | K(ONLINE) | \
     K(ATTRIBUTES_PUSH) | K(COMMAND_SEND))

static const struct granted_case {
    const char *name, *filter;
    unsigned kinds;
    bool one_device;
    const char *stream; /* "-": no data; "+": any stream */
} granted_cases[] = {
    {"one kind of one device", "open/" P "/" D "/attributes", K(ATTRIBUTES), true, "-"},
    {"one kind of every device", "open/" P "/+/alarm", K(ALARM), false, "-"},
    {"one stream", "open/" P "/" D "/data/temp", K(DATA), true, "temp"},
    {"longest stream", "open/" P "/+/data/" S64, K(DATA), false, S64},
    {"every stream", "open/" P "/" D "/data/+", K(DATA), true, "+"},
    {"every stream by hash", "open/" P "/" D "/data/#", K(DATA), true, "+"},
    {"one stream, parent level", "open/" P "/+/data/temp/#", K(DATA), false, "temp"},
    {"every kind without stream", "open/" P "/" D "/+", PLAIN, true, "-"},
    {"every kind", "open/" P "/" D "/#", ALL, true, "+"},
    {"every kind, parent level", "open/" P "/+/+/#", ALL, false, "+"},
    {"every device by plus and hash", "open/" P "/+/#", ALL, false, "+"},
    {"everything", "open/" P "/#", ALL, false, "+"},
    {"a bare hash", "#", ALL, false, "+"},
    {"attributes, parent level", "open/" P "/+/attributes/#", K(ATTRIBUTES), false, "-"},
    {"any kind, any stream", "open/" P "/+/+/+", K(DATA), false, "+"},
    {"any kind, any stream, parent level", "open/" P "/+/+/+/#", K(DATA), false, "+"},
    {"any kind, one stream", "open/" P "/+/+/temp", K(DATA), false, "temp"},
    {"what applications send", "open/" P "/+/command_send", K(COMMAND_SEND), false, "-"},
    {"what applications push", "open/" P "/+/attributes_push", K(ATTRIBUTES_PUSH), false, "-"},
    {"errors", "$open/" P "/errors", K(ERRORS), false, "-"},
    {"errors, parent level", "$open/" P "/errors/#", K(ERRORS), false, "-"},
    {"notice", "$open/" P "/notice", K(NOTICE), false, "-"},
    {"own kinds without device", "$open/" P "/+", K(ERRORS) | K(NOTICE), false, "-"},
    {"status of one device", "$open/" P "/" D "/command_status", K(COMMAND_STATUS), true, "-"},
    {"status of every device", "$open/" P "/+/command_status", K(COMMAND_STATUS), false, "-"},
    {"system kinds of one device", "$open/" P "/" D "/+", SYSTEM, true, "-"},
    {"system kinds of one device by hash", "$open/" P "/" D "/#", SYSTEM, true, "-"},
    {"all of the system", "$open/" P "/#", SYSTEM | K(ERRORS) | K(NOTICE), false, "-"},
    {"all of the system, parent level", "$open/" P "/+/#", SYSTEM | K(ERRORS) | K(NOTICE), false,
     "-"},
};

static const char *stream_of(const struct open_filter *f)
{
    switch (f->stream) {
    case OPEN_STREAM_NONE:
        return "-";
    case OPEN_STREAM_ANY:
        return "+";
    case OPEN_STREAM_ONE:
        break;
    }
    return f->stream_name;
}

static void test_granted(void **state)
{
    uint64_t own = ident_parse(IDENT_PROJECT, slice_of(P));

    (void)state;
    for (size_t i = 0; i < sizeof(granted_cases) / sizeof(*granted_cases); i++) {
        const struct granted_case *c = &granted_cases[i];
        struct open_filter f;
        const char *why = "unset";

        print_message("%s\n", c->name);
        assert_int_equal(open_filter_compile(slice_of(c->filter), own, false, &f, &why), ST_OK);
        assert_null(why);
        assert_int_equal(f.project_id, own);
        assert_int_equal(f.kinds, c->kinds);
        assert_int_equal(f.device_id, c->one_device ? ident_parse(IDENT_DEVICE, slice_of(D)) : 0);
        assert_string_equal(stream_of(&f), c->stream);
    }
}

static const struct refused_case {
    const char *name, *filter;
    enum status want;
    const char *why; /* what the reason begins with */
} refused_cases[] = {
    {"other root", "sensors/" P "/#", ST_REFUSED, "level 1 "},
    {"plus as root", "+/" P "/#", ST_REFUSED, "level 1 "},
    {"$SYS", "$SYS/#", ST_REFUSED, "level 1 "},
    {"empty level first", "/open/" P "/#", ST_REFUSED, "level 1 "},
    {"open alone", "open", ST_REFUSED, "level 2 "},
    {"hash as project", "open/#", ST_REFUSED, "level 2 "},
    {"hash as project of the system", "$open/#", ST_REFUSED, "level 2 "},
    {"plus as project", "open/+/+/attributes", ST_REFUSED, "level 2 "},
    {"another project", "open/PR_9876543210/#", ST_REFUSED, "level 2 "},
    {"a longer key", "open/" P "x/#", ST_REFUSED, "level 2 "},
    {"a key in lower case", "open/pr_0123456789/#", ST_REFUSED, "level 2 "},
    {"the project itself", "open/" P, ST_REFUSED, "level 3"},
    {"empty device", "open/" P "/", ST_MALFORMED, "level 3 "},
    {"no deviceUsername", "open/" P "/device1/attributes", ST_MALFORMED, "level 3 "},
    {"short deviceUsername", "open/" P "/DU_012345678/attributes", ST_MALFORMED, "level 3 "},
    {"kind in place of the device", "open/" P "/attributes", ST_MALFORMED, "level 3 "},
    {"errors under open", "open/" P "/errors", ST_MALFORMED, "level 3 "},
    {"no word of the system", "$open/" P "/error", ST_MALFORMED, "level 3 "},
    {"requests", "$open/" P "/ctl", ST_MALFORMED, "level 3, ctl"},
    {"requests, parent level", "$open/" P "/ctl/#", ST_MALFORMED, "level 3, ctl"},
    {"device without kind", "open/" P "/" D, ST_MALFORMED, "level 4, the kind, is missing"},
    {"every device without kind", "open/" P "/+", ST_MALFORMED, "level 4, the kind, is missing"},
    {"a system's device without kind", "$open/" P "/" D, ST_MALFORMED,
     "level 4, the kind, is missing"},
    {"typing error", "open/" P "/+/atributes", ST_MALFORMED, "level 4 is no kind"},
    {"typing error and hash", "open/" P "/+/atributes/#", ST_MALFORMED, "level 4 is no kind"},
    {"empty kind", "open/" P "/+/", ST_MALFORMED, "level 4 is no kind"},
    {"kind of the system", "open/" P "/+/alarm_detail", ST_MALFORMED, "level 4 is a kind of $open"},
    {"kind under the system", "$open/" P "/+/alarm", ST_MALFORMED, "level 4 is a kind of open"},
    {"errors of a device", "$open/" P "/+/errors", ST_MALFORMED, "level 4 is a kind that belongs"},
    {"level behind errors", "$open/" P "/errors/+", ST_MALFORMED, "level 4 is too many"},
    {"data without stream", "open/" P "/+/data", ST_MALFORMED, "level 5, the stream, is missing"},
    {"level behind attributes", "open/" P "/+/attributes/+", ST_MALFORMED, "level 5 is too many"},
    {"slash behind attributes", "open/" P "/+/attributes/", ST_MALFORMED, "level 5 is too many"},
    {"level behind status", "$open/" P "/+/command_status/x", ST_MALFORMED, "level 5 is too many"},
    {"level behind any system kind", "$open/" P "/+/+/+", ST_MALFORMED, "level 5 is too many"},
    {"stream with a space", "open/" P "/+/data/a b", ST_MALFORMED, "level 5, the stream, must"},
    {"empty stream", "open/" P "/+/data/", ST_MALFORMED, "level 5, the stream, must"},
    {"stream too long", "open/" P "/+/data/" S64 "x", ST_MALFORMED, "level 5, the stream, must"},
    {"level behind the stream", "open/" P "/+/data/temp/x", ST_MALFORMED, "level 6 is too many"},
    {"level behind any stream", "open/" P "/+/+/+/+", ST_MALFORMED, "level 6 is too many"},
    {"many levels", "open/" P "/+/+/+/+/+/+/+/#", ST_MALFORMED, "level 6 is too many"},
};

static void test_refused(void **state)
{
    uint64_t own = ident_parse(IDENT_PROJECT, slice_of(P));

    (void)state;
    for (size_t i = 0; i < sizeof(refused_cases) / sizeof(*refused_cases); i++) {
        const struct refused_case *c = &refused_cases[i];
        struct open_filter f;
        const char *why = NULL;

        print_message("%s\n", c->name);
        assert_int_equal(open_filter_compile(slice_of(c->filter), own, false, &f, &why), c->want);
        assert_non_null(why);
        if (!slice_starts_with(slice_of(why), slice_of(c->why)))
            fail_msg("the reason is: %s", why);
        assert_int_equal(f.kinds, 0);
    }
}

static void test_behind_a_share_group(void **state)
{
    uint64_t own = ident_parse(IDENT_PROJECT, slice_of(P));
    struct open_filter f;
    const char *why;

    (void)state;
    assert_int_equal(open_filter_compile(slice_of("#"), own, true, &f, &why), ST_REFUSED);
    assert_non_null(why);
    assert_int_equal(open_filter_compile(slice_of("open/" P "/#"), own, true, &f, &why), ST_OK);
    assert_int_equal(f.kinds, ALL);
}

/* Everything that may stand in a level, right and wrong. */
static const char *const words[] = {"+",
                                    "#",
                                    D,
                                    "DU_zzzzzzzzzz",
                                    "temp",
                                    "a.b",
                                    "",
#define X(name, word, root, device, stream, publish) word,
                                    OPEN_KIND_LIST(X)
#undef X
};
enum { WORDS = sizeof(words) / sizeof(*words), TOPICS_MAX = 200, TEXT_MAX = 256 };

/* Each topic that the platform has with these words. */
static char topics[TOPICS_MAX][TEXT_MAX];
static struct open_topic parsed[TOPICS_MAX];
static size_t topics_count;

static void add_topic(enum open_kind kind, const char *device, const char *stream)
{
    char *text = topics[topics_count];
    size_t len = open_topic_write(text, slice_of(P), slice_of(device), kind, slice_of(stream));

    text[len] = '\0';
    assert_int_equal(open_topic_parse(slice_make(text, len), &parsed[topics_count]), ST_OK);
    topics_count++;
    assert_true(topics_count < TOPICS_MAX);
}

static void add_topics_of_kind(enum open_kind kind)
{
    static const char *const devices[] = {D, "DU_zzzzzzzzzz"};

    for (size_t d = 0; d < 2; d++) {
        if (!open_kinds[kind].has_device && d > 0)
            continue;
        if (!open_kinds[kind].has_stream) {
            add_topic(kind, devices[d], "");
            continue;
        }
        for (size_t w = 0; w < WORDS; w++) {
            if (ident_is_member(slice_of(words[w])))
                add_topic(kind, devices[d], words[w]);
        }
    }
}

/* The compiled filter agrees with the standard's matching for every topic, and what matches none is
 * refused as malformed. */
static void compare(const char *filter)
{
    uint64_t own = ident_parse(IDENT_PROJECT, slice_of(P));
    struct topic_filter plain;
    struct open_filter f;
    const char *why;
    enum status st;
    size_t matched = 0;

    if (topic_parse_filter(slice_of(filter), &plain) != ST_OK)
        return;
    st = open_filter_compile(plain.filter, own, false, &f, &why);
    for (size_t t = 0; t < topics_count; t++) {
        bool want = topic_matches(plain.filter, slice_of(topics[t])) &&
                    parsed[t].kind != OPEN_KIND_CTL; /* received by nobody */
        bool got = st == ST_OK &&
                   open_filter_matches(&f, parsed[t].device_id, parsed[t].kind, parsed[t].stream);

        if (got != want)
            fail_msg("%s %s %s", filter, got ? "must not match" : "must match", topics[t]);
        matched += want;
    }
    if (st != (matched > 0 ? ST_OK : ST_MALFORMED))
        fail_msg("%s: %s", filter, status_text(st));
}

/* Tries every combination of up to four levels behind the project. */
static void compare_below(const char *filter, unsigned levels)
{
    char longer[TEXT_MAX];

    for (size_t w = 0; w < WORDS; w++) {
        (void)snprintf(longer, sizeof(longer), "%s/%s", filter, words[w]);
        compare(longer);
        if (levels > 1)
            compare_below(longer, levels - 1);
    }
}

static void test_agrees_with_the_standard(void **state)
{
    (void)state;
    topics_count = 0;
    for (unsigned kind = 0; kind < OPEN_KIND_COUNT; kind++)
        add_topics_of_kind((enum open_kind)kind);
    compare_below("open/" P, 3);
    compare_below("$open/" P, 3);
    compare_below("open/" P "/+/+", 2);
    compare_below("open/" P "/+/data/+", 2);
    compare_below("open/" P "/" D "/data/temp", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_granted),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_behind_a_share_group),
        cmocka_unit_test(test_agrees_with_the_standard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
