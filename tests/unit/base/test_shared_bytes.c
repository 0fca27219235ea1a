/*
 * Counted bytes: copies, references, threads.
 */
#include "base/shared_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>

#include "leftover.h"

static void the_last_reference_frees(void **state)
{
    char source[] = "secret";
    int64_t before = mem_bytes_used(MEM_TEST);
    struct shared_bytes *a = shared_bytes_new(MEM_TEST, slice_of(source));
    struct shared_bytes *b = shared_bytes_ref(a);

    (void)state;
    source[0] = 'X'; /* it is a copy */
    assert_ptr_equal(a, b);
    assert_true(mem_bytes_used(MEM_TEST) >= before + 6);
    shared_bytes_unref(&a);
    assert_null(a);
    assert_true(slice_is(shared_bytes_slice(b), "secret"));
    shared_bytes_unref(&b);
    assert_null(b);
    assert_int_equal(mem_bytes_used(MEM_TEST), before);
}

static void none_and_empty_are_accepted(void **state)
{
    struct shared_bytes *none = NULL;
    struct shared_bytes *empty = shared_bytes_new(MEM_TEST, (struct slice){NULL, 0});

    (void)state;
    assert_null(shared_bytes_ref(none));
    assert_int_equal(shared_bytes_slice(none).len, 0);
    shared_bytes_unref(&none);
    assert_int_equal(shared_bytes_slice(empty).len, 0);
    shared_bytes_unref(&empty);
}

enum { THREADS = 4, ROUNDS = 5000 };

static void *use(void *arg)
{
    struct shared_bytes *own = arg; /* this thread's reference */
    uintptr_t wrong = 0;

    for (int i = 0; i < ROUNDS; i++) {
        struct shared_bytes *more = shared_bytes_ref(own);

        wrong += !slice_is(shared_bytes_slice(more), "shared");
        shared_bytes_unref(&more);
    }
    shared_bytes_unref(&own);
    return (void *)wrong;
}

static void references_on_several_threads(void **state)
{
    struct shared_bytes *b = shared_bytes_new(MEM_TEST, slice_of("shared"));
    pthread_t threads[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use, shared_bytes_ref(b)), 0);
    shared_bytes_unref(&b);
    for (int i = 0; i < THREADS; i++) {
        void *wrong;

        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(the_last_reference_frees),
        LEFTOVER_TEST(none_and_empty_are_accepted),
        LEFTOVER_TEST(references_on_several_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
