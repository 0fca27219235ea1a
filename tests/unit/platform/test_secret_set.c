/* Sets of secrets: each is found by its text and by its name, and nothing else is. */
#include "platform/secret_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "leftover.h"

static struct project_secret *make_secret(size_t number)
{
    char name[16], text[16], error[PROJECT_SECRET_ERROR_MAX];
    struct project_secret *s;

    (void)snprintf(name, sizeof(name), "name%zu", number);
    (void)snprintf(text, sizeof(text), "text%zu", number);
    assert_int_equal(project_secret_parse(name, slice_of(text), slice_of("{}"), &s, error), ST_OK);
    return s;
}

static void each_is_found(void **state)
{
    static const size_t counts[] = {1, 2, SECRET_SET_MAX};

    (void)state;
    for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
        struct project_secret *secrets[SECRET_SET_MAX];
        struct secret_set *set;

        for (size_t i = 0; i < counts[c]; i++)
            secrets[i] = make_secret(i);
        set = secret_set_new(secrets, counts[c]);
        for (size_t i = 0; i <= SECRET_SET_MAX; i++) {
            struct project_secret *want = i < counts[c] ? secrets[i] : NULL;
            char key[16];

            (void)snprintf(key, sizeof(key), "text%zu", i);
            assert_ptr_equal(secret_set_find_text(set, slice_of(key)), want);
            assert_null(secret_set_find_name(set, slice_of(key)));
            (void)snprintf(key, sizeof(key), "name%zu", i);
            assert_ptr_equal(secret_set_find_name(set, slice_of(key)), want);
            assert_null(secret_set_find_text(set, slice_of(key)));
        }
        assert_null(secret_set_find_text(set, slice_make(NULL, 0)));
        assert_null(secret_set_find_text(NULL, slice_of("text0")));
        assert_null(secret_set_find_name(NULL, slice_of("name0")));
        secret_set_unref(&set);
    }
}

static int64_t cpu_ns(void)
{
    struct timespec now;

    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now), 0);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* The quickest of many rounds of look-ups: what disturbs one does not disturb all. */
static int64_t cost(const struct secret_set *set, const char *text)
{
    int64_t quickest = INT64_MAX;

    for (int round = 0; round < 200; round++) {
        int64_t start = cpu_ns(), took;

        for (int i = 0; i < 20; i++)
            (void)secret_set_find_text(set, slice_of(text));
        took = cpu_ns() - start;
        if (took < quickest)
            quickest = took;
    }
    return quickest;
}

/* Comparing with one place or with all of them would differ many times over. */
static void a_look_up_costs_the_same(void **state)
{
    struct project_secret *all[SECRET_SET_MAX], *one = make_secret(0);
    struct secret_set *full, *small = secret_set_new(&one, 1);
    int64_t costs[5], least = INT64_MAX, most = 0;

    (void)state;
    for (size_t i = 0; i < SECRET_SET_MAX; i++)
        all[i] = make_secret(i);
    full = secret_set_new(all, SECRET_SET_MAX);
    costs[0] = cost(NULL, "text0");
    costs[1] = cost(small, "text0");
    costs[2] = cost(full, "text0");
    costs[3] = cost(full, "text31");
    costs[4] = cost(full, "nobody");
    for (size_t i = 0; i < 5; i++) {
        least = costs[i] < least ? costs[i] : least;
        most = costs[i] > most ? costs[i] : most;
    }
    if (most > least * 2)
        fail_msg("from %lld to %lld ns", (long long)least, (long long)most);
    secret_set_unref(&small);
    secret_set_unref(&full);
}

static void a_secret_outlives_its_set(void **state)
{
    struct project_secret *s = make_secret(1), *found;
    struct secret_set *set = secret_set_new(&s, 1), *same = secret_set_ref(set);

    (void)state;
    found = project_secret_ref(secret_set_find_name(set, slice_of("name1")));
    secret_set_unref(&set);
    assert_null(set);
    secret_set_unref(&same);
    secret_set_unref(&same);
    assert_string_equal(found->name, "name1");
    project_secret_unref(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(each_is_found),
        LEFTOVER_TEST(a_look_up_costs_the_same),
        LEFTOVER_TEST(a_secret_outlives_its_set),
    };

    if (secret_init() != ST_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
