/*
 * The sequence check: what it says of each number, and what it misses in the end.
 */
#include "load_sequence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

enum { NUMBERS_MAX = 16 };

/* Verdicts as letters: '.' in order, 'd' disorder, '2' duplicate. */
static const char letters[] = {
    [LOAD_SEQUENCE_IN_ORDER] = '.',
    [LOAD_SEQUENCE_DISORDER] = 'd',
    [LOAD_SEQUENCE_DUPLICATE] = '2',
};

static const struct sequence_case {
    const char *name;
    uint32_t numbers[NUMBERS_MAX];
    const char *want; /* as long as the numbers are many */
    uint32_t total;
    uint64_t missing;
} cases[] = {
    {"all in order", {0, 1, 2, 3}, "....", 4, 0},
    {"nothing came", {0}, "", 7, 7},
    {"the end is missing", {0, 1}, "..", 5, 3},
    {"the beginning is missing", {2, 3}, "..", 4, 2},
    {"one is missing", {0, 1, 3, 4}, "....", 5, 1},
    {"two gaps", {0, 2, 3, 6}, "....", 7, 3},
    {"the last one twice", {0, 1, 1, 2}, "..2.", 3, 0},
    {"an old one twice", {0, 1, 2, 0}, "...2", 3, 0},
    {"two change places", {0, 2, 1, 3}, "..d.", 4, 0},
    {"late, then twice", {0, 2, 1, 1}, "..d2", 3, 0},
    {"twice beside a gap", {0, 3, 3, 0}, "..22", 4, 2},
    {"a gap closes from its begin", {0, 4, 1, 2, 3}, "..ddd", 5, 0},
    {"a gap closes from its end", {0, 4, 3, 2, 1}, "..ddd", 5, 0},
    {"a gap is cut in two", {0, 6, 3}, "..d", 7, 4},
    {"both parts of a cut gap close", {0, 4, 2, 1, 3, 2}, "..ddd2", 5, 0},
    {"the second of two gaps closes", {0, 2, 4, 3}, "...d", 5, 1},
    {"all reversed", {4, 3, 2, 1, 0}, ".dddd", 5, 0},
    {"a gap at the very front closes", {1, 0, 2}, ".d.", 3, 0},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct load_sequence sequence = {0};
        char got[NUMBERS_MAX + 1] = {0};

        for (size_t j = 0; j < strlen(cases[i].want); j++)
            got[j] = letters[load_sequence_accept(&sequence, cases[i].numbers[j])];
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: '%s' instead of '%s'", cases[i].name, got, cases[i].want);
        if (load_sequence_missing(&sequence, cases[i].total) != cases[i].missing)
            fail_msg("%s: %llu are missing", cases[i].name,
                     (unsigned long long)load_sequence_missing(&sequence, cases[i].total));
        load_sequence_deinit(&sequence);
    }
}

/* Any order, with losses and duplicates, against a plain list of what has come. */
static void test_against_a_plain_list(void **state)
{
    enum { TOTAL = 300, STEPS = 2000 };

    (void)state;
    srand(7);
    for (int round = 0; round < 20; round++) {
        struct load_sequence sequence = {0};
        bool came[TOTAL] = {false};
        uint32_t highest = 0;
        uint64_t missing = 0;
        bool any = false;

        for (int step = 0; step < STEPS; step++) {
            uint32_t number = (uint32_t)(rand() % TOTAL);
            enum load_sequence_verdict want = came[number]              ? LOAD_SEQUENCE_DUPLICATE
                                              : any && number < highest ? LOAD_SEQUENCE_DISORDER
                                                                        : LOAD_SEQUENCE_IN_ORDER;

            assert_int_equal(load_sequence_accept(&sequence, number), want);
            came[number] = true;
            any = true;
            if (number > highest)
                highest = number;
            if (step % 100 != 0)
                continue;
            missing = 0;
            for (int i = 0; i < TOTAL; i++)
                missing += !came[i];
            assert_int_equal(load_sequence_missing(&sequence, TOTAL), missing);
        }
        load_sequence_deinit(&sequence);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_against_a_plain_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
