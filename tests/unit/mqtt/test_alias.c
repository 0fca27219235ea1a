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

static void one_alias_serves_two_topics_in_turn(void **state)
{
    struct alias_out a = {0};
    bool is_known;

    (void)state;
    alias_out_init(&a, 1);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(alias_out_use(&a, slice_of(i % 2 == 0 ? "a" : "ab"), &is_known), 1);
        assert_false(is_known);
    }
    alias_out_deinit(&a);
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
            assert_true(alias >= 1 && alias <= maxima[i] && alias <= ALIAS_OUT_MAX);
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
        LEFTOVER_TEST(one_alias_serves_two_topics_in_turn),
        LEFTOVER_TEST(the_client_always_understands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
