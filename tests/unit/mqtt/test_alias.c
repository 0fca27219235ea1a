/*
 * Topic aliases both ways. What the server sends must mean the same topic to a client that keeps
 * its table as the standard says, whatever was refused in between.
 */
#include "mqtt/alias.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leftover.h"

/* [MQTT-3.3.2-8 to -12] */
static void aliases_of_the_client(void **state)
{
    struct alias_in a = {0};
    struct slice topic;
    char changing[] = "abc";

    (void)state;
    for (uint16_t alias = 1; alias <= ALIAS_IN_MAX; alias++)
        assert_false(alias_in_get(&a, alias, &topic));
    alias_in_set(&a, 1, slice_of(changing));
    changing[0] = 'x'; /* the packet's memory goes on to something else */
    alias_in_set(&a, ALIAS_IN_MAX, slice_of("a/much/longer/topic"));
    assert_true(alias_in_get(&a, 1, &topic) && slice_is(topic, "abc"));
    assert_true(alias_in_get(&a, ALIAS_IN_MAX, &topic) && slice_is(topic, "a/much/longer/topic"));
    assert_false(alias_in_get(&a, 2, &topic));
    alias_in_set(&a, ALIAS_IN_MAX, slice_of("b"));
    assert_true(alias_in_get(&a, ALIAS_IN_MAX, &topic) && slice_is(topic, "b"));
    assert_true(alias_in_get(&a, 1, &topic) && slice_is(topic, "abc"));
    alias_in_deinit(&a);
    assert_false(alias_in_get(&a, 1, &topic));
    alias_in_deinit(&a);
}

static void a_client_that_allows_none_gets_none(void **state)
{
    struct alias_out a = {0};
    bool is_known = false;

    (void)state;
    alias_out_init(&a, 0);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(alias_out_use(&a, slice_of("t"), &is_known), 0);
    assert_false(is_known);
    alias_out_deinit(&a);
}

static void a_topic_that_comes_again_is_left_out(void **state)
{
    struct alias_out a = {0};
    bool is_known = true;
    uint16_t alias;

    (void)state;
    alias_out_init(&a, 10);
    alias = alias_out_use(&a, slice_of("t"), &is_known);
    assert_true(alias >= 1 && alias <= 10);
    assert_false(is_known);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(alias_out_use(&a, slice_of("t"), &is_known), alias);
        assert_true(is_known);
    }
    alias_out_forget(&a, alias); /* the packet was too large, it did not leave */
    assert_int_equal(alias_out_use(&a, slice_of("t"), &is_known), alias);
    assert_false(is_known);
    alias_out_deinit(&a);
    alias_out_deinit(&a);
}

/* Taking turns would tell the client a new topic each time, which is longer than no alias. */
static void one_alias_for_two_topics_stays_with_the_first(void **state)
{
    struct alias_out a = {0};
    bool is_known;

    (void)state;
    alias_out_init(&a, 1);
    assert_int_equal(alias_out_use(&a, slice_of("a"), &is_known), 1);
    assert_false(is_known);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(alias_out_use(&a, slice_of("ab"), &is_known), 0);
        assert_false(is_known);
        assert_int_equal(alias_out_use(&a, slice_of("a"), &is_known), 1);
        assert_true(is_known);
    }
    alias_out_deinit(&a);
}

/* A topic that is not sent any more gives way at last. */
static void an_alias_that_is_not_used_goes_over(void **state)
{
    struct alias_out a = {0};
    bool is_known;
    unsigned waited = 0;

    (void)state;
    alias_out_init(&a, 1);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(alias_out_use(&a, slice_of("old"), &is_known), 1);
    while (alias_out_use(&a, slice_of("new"), &is_known) == 0)
        assert_true(++waited <= 64);
    assert_false(is_known);
    assert_int_equal(alias_out_use(&a, slice_of("new"), &is_known), 1);
    assert_true(is_known);
    alias_out_deinit(&a);
}

/* Of so many topics in turn each alias can serve one; what it costs to change is not paid. */
static void more_topics_than_aliases(void **state)
{
    static const struct {
        unsigned maximum, topics, percent; /* of sendings that leave the topic out, at least */
    } cases[] = {{10, 8, 99}, {10, 100, 5}, {256, 100, 90}, {256, 200, 75}, {256, 1000, 18}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct alias_out a = {0};
        unsigned known = 0, told = 0, sent = 100 * cases[i].topics;

        alias_out_init(&a, (uint16_t)cases[i].maximum);
        for (unsigned n = 0; n < sent; n++) {
            char topic[48];
            bool is_known;
            uint16_t alias;

            snprintf(topic, sizeof(topic), "open/PR_/DU_%u/attributes", n % cases[i].topics);
            alias = alias_out_use(&a, slice_of(topic), &is_known);
            known += is_known;
            told += alias != 0 && !is_known;
        }
        print_message("  %u aliases, %u topics in turn: %u%% left out, %u%% told\n",
                      cases[i].maximum, cases[i].topics, known * 100 / sent, told * 100 / sent);
        assert_true(known * 100 >= sent * cases[i].percent);
        assert_true(told * 100 <= sent * 6);
        alias_out_deinit(&a);
    }
}

/* What a client may make us remember is bounded; a topic that is too long stays too long. */
static void a_long_topic_is_cut(void **state)
{
    static char topic[65535];
    struct alias_in a = {0};
    int64_t before = mem_bytes_used_total();
    struct slice got;

    (void)state;
    memset(topic, 'a', sizeof(topic));
    for (uint16_t alias = 1; alias <= ALIAS_IN_MAX; alias++)
        alias_in_set(&a, alias, slice_make(topic, sizeof(topic)));
    assert_true(mem_bytes_used_total() - before < ALIAS_IN_MAX * 1200);
    assert_true(alias_in_get(&a, 1, &got));
    assert_int_equal(got.len, ALIAS_IN_TOPIC_MAX + 1);
    alias_in_set(&a, 1, slice_make(topic, ALIAS_IN_TOPIC_MAX));
    assert_true(alias_in_get(&a, 1, &got));
    assert_int_equal(got.len, ALIAS_IN_TOPIC_MAX);
    /* a character of four bytes lies across the cut: it is kept whole */
    memcpy(topic + ALIAS_IN_TOPIC_MAX, "\xf0\x9f\x98\x80", 4);
    alias_in_set(&a, 2, slice_make(topic, sizeof(topic)));
    assert_true(alias_in_get(&a, 2, &got));
    assert_int_equal(got.len, ALIAS_IN_TOPIC_MAX + 4);
    alias_in_deinit(&a);
}

enum { TOPICS = 100, STEPS = 20000, CLIENT_MAX = 65535 };

/* A client's table, kept by the packets that it gets. */
static void the_client_always_understands(void **state)
{
    static const uint16_t maxima[] = {1, 2, 50, ALIAS_OUT_MAX, CLIENT_MAX};
    static char known[CLIENT_MAX + 1][16];

    (void)state;
    srand(1);
    for (size_t i = 0; i < sizeof(maxima) / sizeof(maxima[0]); i++) {
        struct alias_out a = {0};
        unsigned left_out = 0;

        memset(known, 0, sizeof(known));
        alias_out_init(&a, maxima[i]);
        for (unsigned step = 0; step < STEPS; step++) {
            char topic[16];
            bool is_known = false;
            uint16_t alias;

            snprintf(topic, sizeof(topic), "t/%d", rand() % TOPICS);
            alias = alias_out_use(&a, slice_of(topic), &is_known);
            assert_true(alias <= maxima[i] && alias <= ALIAS_OUT_MAX);
            if (alias == 0) {
                assert_false(is_known);
                continue;
            }
            if (rand() % 20 == 0) { /* it does not leave */
                if (!is_known)
                    alias_out_forget(&a, alias);
                continue;
            }
            if (is_known)
                assert_string_equal(known[alias], topic);
            else
                memcpy(known[alias], topic, sizeof(topic));
            left_out += is_known;
        }
        if (maxima[i] >= ALIAS_OUT_MAX)
            assert_true(left_out > STEPS / 2);
        alias_out_deinit(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(aliases_of_the_client),
        LEFTOVER_TEST(a_client_that_allows_none_gets_none),
        LEFTOVER_TEST(a_topic_that_comes_again_is_left_out),
        LEFTOVER_TEST(one_alias_for_two_topics_stays_with_the_first),
        LEFTOVER_TEST(an_alias_that_is_not_used_goes_over),
        LEFTOVER_TEST(more_topics_than_aliases),
        LEFTOVER_TEST(a_long_topic_is_cut),
        LEFTOVER_TEST(the_client_always_understands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
