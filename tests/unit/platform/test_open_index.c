/* The index of subscriptions: what it finds, its interest bits, and random changes against a plain
 * walk over all subscriptions. */
#include "platform/open_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "leftover.h"

#define PROJECT_A "PR_aaaaaaaaaa"
#define PROJECT_B "PR_bbbbbbbbbb"

enum { WORKER = 5, SUBSCRIPTIONS = 300, FOUND_MAX = SUBSCRIPTIONS };
#define WORKER_BIT (UINT64_C(1) << WORKER)

struct found {
    struct open_subscription *subscriptions[FOUND_MAX];
    size_t count;
};

static struct open_interest interest_a, interest_b;

static void collect(struct open_subscription *s, void *arg)
{
    struct found *f = arg;

    assert_true(f->count < FOUND_MAX);
    f->subscriptions[f->count++] = s;
}

static bool has(const struct found *f, const struct open_subscription *s)
{
    size_t times = 0;

    for (size_t n = 0; n < f->count; n++)
        times += f->subscriptions[n] == s;
    assert_true(times <= 1);
    return times == 1;
}

static struct open_subscription subscription_of(const char *project, const char *below,
                                                bool durable)
{
    struct open_subscription s = {.durable = durable};
    char filter[200];
    const char *why;

    (void)snprintf(filter, sizeof(filter), below, project);
    assert_int_equal(open_filter_compile(slice_of(filter),
                                         ident_parse(IDENT_PROJECT, slice_of(project)), false,
                                         &s.filter, &why),
                     ST_OK);
    return s;
}

static struct found match(const struct open_index *i, const char *topic, bool durable)
{
    struct found f = {.count = 0};
    struct open_topic t;

    assert_int_equal(open_topic_parse(slice_of(topic), &t), ST_OK);
    open_index_match(i, t.project_id, t.device_id, t.kind, t.stream, durable, collect, &f);
    return f;
}

static const struct match_case {
    const char *name, *filter, *topic;
    bool want;
} match_cases[] = {
    {"one device", "open/%s/DU_0000000001/alarm", "open/" PROJECT_A "/DU_0000000001/alarm", true},
    {"other device", "open/%s/DU_0000000001/alarm", "open/" PROJECT_A "/DU_0000000002/alarm",
     false},
    {"other kind", "open/%s/DU_0000000001/alarm", "open/" PROJECT_A "/DU_0000000001/online", false},
    {"other project", "open/%s/DU_0000000001/alarm", "open/" PROJECT_B "/DU_0000000001/alarm",
     false},
    {"any device", "open/%s/+/alarm", "open/" PROJECT_A "/DU_0000000009/alarm", true},
    {"any device, other project", "open/%s/+/alarm", "open/" PROJECT_B "/DU_0000000009/alarm",
     false},
    {"any device, other kind", "open/%s/+/alarm", "open/" PROJECT_A "/DU_0000000009/online", false},
    {"any kind", "open/%s/DU_0000000001/+", "open/" PROJECT_A "/DU_0000000001/online", true},
    {"any kind has no stream", "open/%s/DU_0000000001/+", "open/" PROJECT_A "/DU_0000000001/data/x",
     false},
    {"everything", "open/%s/#", "open/" PROJECT_A "/DU_0000000001/data/x", true},
    {"one stream", "open/%s/+/data/x", "open/" PROJECT_A "/DU_0000000001/data/x", true},
    {"other stream", "open/%s/+/data/x", "open/" PROJECT_A "/DU_0000000001/data/xy", false},
    {"one stream of a device", "open/%s/DU_0000000001/data/x",
     "open/" PROJECT_A "/DU_0000000001/data/x", true},
    {"other stream of a device", "open/%s/DU_0000000001/data/x",
     "open/" PROJECT_A "/DU_0000000001/data/y", false},
    {"status", "$open/%s/+/command_status", "$open/" PROJECT_A "/DU_0000000001/command_status",
     true},
    {"system kinds of a device", "$open/%s/DU_0000000001/#",
     "$open/" PROJECT_A "/DU_0000000001/alarm_detail", true},
    {"kinds without device are not matched", "$open/%s/#", "$open/" PROJECT_A "/errors", false},
};

static void test_match(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof(match_cases) / sizeof(*match_cases); n++) {
        const struct match_case *c = &match_cases[n];

        print_message("%s\n", c->name);
        for (unsigned durable = 0; durable < 2; durable++) {
            struct open_subscription s = subscription_of(PROJECT_A, c->filter, durable != 0);
            struct open_index *i = open_index_new(WORKER);
            struct found f;

            open_index_add(i, &s, &interest_a);
            open_index_verify(i);
            f = match(i, c->topic, durable != 0);
            assert_int_equal(has(&f, &s), c->want);
            assert_int_equal(f.count, c->want ? 1 : 0);
            f = match(i, c->topic, durable == 0); /* the other feed */
            assert_int_equal(f.count, 0);
            open_index_remove(i, &s, &interest_a);
            f = match(i, c->topic, durable != 0);
            assert_int_equal(f.count, 0);
            open_index_free(&i);
            assert_null(i);
        }
    }
}

static void test_interest(void **state)
{
    struct open_subscription first = subscription_of(PROJECT_A, "open/%s/+/alarm", false);
    struct open_subscription second = subscription_of(PROJECT_A, "open/%s/DU_0000000001/+", false);
    struct open_subscription durable = subscription_of(PROJECT_A, "open/%s/#", true);
    struct open_index *i = open_index_new(WORKER);
    uint64_t others = ~WORKER_BIT;

    (void)state;
    /* The bits of other workers stay as they are. */
    for (unsigned kind = 0; kind < OPEN_KIND_COUNT; kind++)
        atomic_store(&interest_a.live[kind], others);

    open_index_add(i, &first, &interest_a);
    assert_true(open_interest_live(&interest_a, OPEN_KIND_ALARM) == UINT64_MAX);
    assert_true(open_interest_live(&interest_a, OPEN_KIND_ONLINE) == others);
    open_index_add(i, &second, &interest_a);
    assert_true(open_interest_live(&interest_a, OPEN_KIND_ONLINE) == UINT64_MAX);
    assert_true(open_interest_live(&interest_a, OPEN_KIND_DATA) == others);
    assert_true(open_interest_durable(&interest_a, OPEN_KIND_ALARM) == 0);
    open_index_add(i, &durable, &interest_a);
    assert_true(open_interest_durable(&interest_a, OPEN_KIND_ALARM) == WORKER_BIT);
    assert_true(open_interest_durable(&interest_a, OPEN_KIND_DATA) == WORKER_BIT);
    assert_true(open_interest_durable(&interest_a, OPEN_KIND_COMMAND_STATUS) == 0);
    open_index_verify(i);

    open_index_remove(i, &first, &interest_a);
    assert_true(open_interest_live(&interest_a, OPEN_KIND_ALARM) == UINT64_MAX); /* the second */
    open_index_remove(i, &second, &interest_a);
    open_index_remove(i, &durable, &interest_a);
    for (unsigned kind = 0; kind < OPEN_KIND_COUNT; kind++) {
        assert_true(open_interest_live(&interest_a, (enum open_kind)kind) == others);
        assert_true(open_interest_durable(&interest_a, (enum open_kind)kind) == 0);
        atomic_store(&interest_a.live[kind], 0);
    }
    open_index_free(&i);
}

static void test_a_parked_one_is_not_matched_and_keeps_its_interest(void **state)
{
    struct open_subscription s = subscription_of(PROJECT_A, "open/%s/+/alarm", true);
    struct open_index *i = open_index_new(WORKER);

    (void)state;
    open_index_add(i, &s, &interest_a);
    open_index_park(i, &s, true);
    open_index_verify(i);
    assert_int_equal(match(i, "open/" PROJECT_A "/DU_0000000001/alarm", true).count, 0);
    assert_true(open_interest_durable(&interest_a, OPEN_KIND_ALARM) != 0);

    open_index_park(i, &s, false);
    open_index_verify(i);
    assert_int_equal(match(i, "open/" PROJECT_A "/DU_0000000001/alarm", true).count, 1);

    open_index_park(i, &s, true);
    open_index_remove(i, &s, &interest_a);
    assert_true(open_interest_durable(&interest_a, OPEN_KIND_ALARM) == 0);
    open_index_free(&i);
}

static void test_kinds_without_device_take_no_place(void **state)
{
    struct open_subscription s = subscription_of(PROJECT_A, "$open/%s/+", false);
    struct open_index *i = open_index_new(WORKER);

    (void)state;
    open_index_add(i, &s, &interest_a);
    open_index_verify(i);
    assert_true(s.is_indexed);
    assert_true(open_interest_live(&interest_a, OPEN_KIND_ERRORS) == 0);
    assert_true(open_interest_live(&interest_a, OPEN_KIND_NOTICE) == 0);
    open_index_remove(i, &s, &interest_a);
    assert_false(s.is_indexed);
    open_index_free(&i);
}

static void test_the_last_worker_has_a_bit(void **state)
{
    struct open_subscription s = subscription_of(PROJECT_A, "open/%s/+/alarm", false);
    struct open_index *i = open_index_new(OPEN_INTEREST_WORKERS_MAX - 1);

    (void)state;
    open_index_add(i, &s, &interest_a);
    assert_true(open_interest_live(&interest_a, OPEN_KIND_ALARM) == UINT64_C(1) << 63);
    open_index_remove(i, &s, &interest_a);
    open_index_free(&i);
    open_index_free(&i); /* NULL: accepted */
}

static uint32_t random_state;

static uint32_t random_below(uint32_t bound)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % bound;
}

static struct open_subscription random_subscription(void)
{
    static const char *const filters[] = {
        "open/%s/#",        "open/%s/+/attributes",
        "open/%s/+/+",      "open/%s/+/data/x",
        "open/%s/+/data/+", "open/%s/DU_0000000001/+",
        "$open/%s/#",       "open/%s/DU_0000000001/data/x",
        "$open/%s/errors",  "open/%s/DU_0000000002/attributes",
        "$open/%s/+/+",     "open/%s/DU_0000000002/#",
        "open/%s/+/+/x",    "$open/%s/DU_0000000003/command_status",
    };
    const char *filter = filters[random_below(sizeof(filters) / sizeof(*filters))];

    struct open_subscription s =
        subscription_of(random_below(3) == 0 ? PROJECT_B : PROJECT_A, filter, random_below(2) == 0);

    s.parked = s.durable && random_below(3) == 0;
    return s;
}

/* What the index finds is what a walk over all subscriptions finds. */
static void compare(const struct open_index *i, struct open_subscription *all, uint64_t project_id,
                    uint64_t device_id, enum open_kind kind)
{
    struct slice stream = slice_of(open_kinds[kind].has_stream ? "x" : "");

    for (unsigned durable = 0; durable < 2; durable++) {
        struct found f = {.count = 0};
        size_t count = 0;

        open_index_match(i, project_id, device_id, kind, stream, durable != 0, collect, &f);
        for (size_t n = 0; n < SUBSCRIPTIONS; n++) {
            bool want = all[n].is_indexed && all[n].durable == (durable != 0) && !all[n].parked &&
                        all[n].filter.project_id == project_id &&
                        open_filter_matches(&all[n].filter, device_id, kind, stream);

            assert_int_equal(has(&f, &all[n]), want);
            count += want;
        }
        assert_int_equal(f.count, count);
    }
}

static void compare_all(const struct open_index *i, struct open_subscription *all)
{
    static const char *const projects[] = {PROJECT_A, PROJECT_B, "PR_cccccccccc"};
    static const char *const devices[] = {"DU_0000000001", "DU_0000000002", "DU_0000000003"};

    for (size_t p = 0; p < 3; p++) {
        for (size_t d = 0; d < 3; d++) {
            for (unsigned kind = 0; kind < OPEN_KIND_COUNT; kind++) {
                if (open_kinds[kind].has_device)
                    compare(i, all, ident_parse(IDENT_PROJECT, slice_of(projects[p])),
                            ident_parse(IDENT_DEVICE, slice_of(devices[d])), (enum open_kind)kind);
            }
        }
    }
}

static void test_random_changes(void **state)
{
    static struct open_subscription all[SUBSCRIPTIONS];
    struct open_index *i = open_index_new(WORKER);
    uint64_t project_a = ident_parse(IDENT_PROJECT, slice_of(PROJECT_A));

    (void)state;
    random_state = 1;
    for (unsigned round = 0; round < 4000; round++) {
        /* The number of subscriptions rises and falls. */
        uint32_t range = round / 1000 % 2 == 0 ? SUBSCRIPTIONS : SUBSCRIPTIONS / 10;
        struct open_subscription *s = &all[random_below(SUBSCRIPTIONS)];

        if (s->durable && random_below(2) == 0) {
            open_index_park(i, s, !s->parked);
        } else if (s->is_indexed) {
            open_index_remove(i, s, s->filter.project_id == project_a ? &interest_a : &interest_b);
        } else if (s < all + range) {
            *s = random_subscription();
            open_index_add(i, s, s->filter.project_id == project_a ? &interest_a : &interest_b);
        }
        open_index_verify(i);
        if (round % 200 == 0)
            compare_all(i, all);
    }
    for (size_t n = 0; n < SUBSCRIPTIONS; n++) {
        if (all[n].is_indexed)
            open_index_remove(i, &all[n],
                              all[n].filter.project_id == project_a ? &interest_a : &interest_b);
    }
    for (unsigned kind = 0; kind < OPEN_KIND_COUNT; kind++) {
        assert_true(open_interest_live(&interest_a, (enum open_kind)kind) == 0);
        assert_true(open_interest_durable(&interest_b, (enum open_kind)kind) == 0);
    }
    open_index_free(&i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(test_match),
        LEFTOVER_TEST(test_interest),
        LEFTOVER_TEST(test_a_parked_one_is_not_matched_and_keeps_its_interest),
        LEFTOVER_TEST(test_kinds_without_device_take_no_place),
        LEFTOVER_TEST(test_the_last_worker_has_a_bit),
        LEFTOVER_TEST(test_random_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
