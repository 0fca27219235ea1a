/*
 * Memory is counted by purpose, over threads, and misuse ends the process.
 */
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "capture.h"
#include "leftover.h"

static void each_purpose_counts_its_bytes(void **state)
{
    (void)state;
    for (int use = 0; use < MEM_USE_COUNT; use++) {
        int64_t before = mem_bytes_used((enum mem_use)use);
        int64_t total = mem_bytes_used_total();
        void *p = mem_alloc((enum mem_use)use, 100);

        assert_true(strlen(mem_use_text((enum mem_use)use)) > 0);
        assert_int_equal(mem_bytes_used((enum mem_use)use), before + 100);
        assert_int_equal(mem_bytes_used_total(), total + 100);
        mem_free(p);
        assert_int_equal(mem_bytes_used((enum mem_use)use), before);
    }
}

static void new_memory_is_zero_and_aligned(void **state)
{
    static const size_t sizes[] = {0, 1, 15, 16, 17, 4096, 1000000};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint8_t *p = mem_new(MEM_TEST, sizes[i]);

        assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
        for (size_t at = 0; at < sizes[i]; at++)
            assert_int_equal(p[at], 0);
        if (sizes[i] > 0)
            memset(p, 0xff, sizes[i]);
        mem_free(p);
    }
}

static void resize_keeps_contents_and_purpose(void **state)
{
    int64_t before = mem_bytes_used(MEM_TEST);
    char *p = mem_resize(MEM_TEST, NULL, 6);

    (void)state;
    memcpy(p, "hello", 6);
    p = mem_resize(MEM_BASE, p, 100000);
    assert_string_equal(p, "hello");
    assert_int_equal(mem_bytes_used(MEM_TEST), before + 100000);
    p = mem_resize(MEM_BASE, p, 6);
    assert_string_equal(p, "hello");
    assert_int_equal(mem_bytes_used(MEM_TEST), before + 6);
    mem_free(p);
    mem_free(NULL);
}

enum { THREADS = 4, ROUNDS = 2000 };

static void *_Atomic mailbox[THREADS];

/* Takes what another thread has made, frees it, and leaves something of its own. */
static void *exchange(void *arg)
{
    unsigned seed = *(unsigned *)arg;

    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t size = (seed * 31 + round * 17) % 200;

        mem_free(atomic_exchange(&mailbox[(seed + round) % THREADS], mem_alloc(MEM_TEST, size)));
        if (round % 256 == 0)
            (void)mem_bytes_used_total(); /* reading while others count */
    }
    return NULL;
}

static void memory_may_be_freed_by_another_thread(void **state)
{
    int64_t before = mem_bytes_used(MEM_TEST);
    pthread_t threads[THREADS];
    unsigned seeds[THREADS];

    (void)state;
    for (unsigned i = 0; i < THREADS; i++) {
        seeds[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, exchange, &seeds[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (unsigned i = 0; i < THREADS; i++)
        mem_free(atomic_exchange(&mailbox[i], NULL));
    assert_int_equal(mem_bytes_used(MEM_TEST), before);
}

static pthread_key_t late_key;

static void free_late(void *p)
{
    mem_free(p);
    mem_free(mem_alloc(MEM_TEST, 10));
}

static void *end_with_memory(void *arg)
{
    /* Destructors of a key made later run later, so the thread's counts are gone by then. */
    mem_free(mem_alloc(MEM_TEST, 1));
    assert_int_equal(pthread_setspecific(late_key, mem_alloc(MEM_TEST, 1000)), 0);
    return arg;
}

static void what_an_ending_thread_frees_is_counted(void **state)
{
    int64_t before = mem_bytes_used(MEM_TEST);
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_key_create(&late_key, free_late), 0);
    assert_int_equal(pthread_create(&thread, NULL, end_with_memory, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(mem_bytes_used(MEM_TEST), before);
    assert_int_equal(pthread_key_delete(late_key), 0);
}

static void free_what_is_not_ours(void)
{
    static max_align_t block[4];
    void *volatile p = &block[2]; /* the compiler would see it, too */

    mem_free(p);
}

static void ask_for_too_much(void)
{
    volatile size_t size = SIZE_MAX - 8;

    mem_free(mem_alloc(MEM_TEST, size));
}

static void ask_for_an_unknown_purpose(void)
{
    mem_free(mem_alloc(MEM_USE_COUNT, 1));
}

static void misuse_ends_the_process(void **state)
{
    static const struct {
        const char *name;
        void (*body)(void);
        const char *text;
    } cases[] = {
        {"foreign pointer", free_what_is_not_ours, "MEM_MAGIC"},
        {"size and header overflow", ask_for_too_much, "PTRDIFF_MAX"},
        {"unknown purpose", ask_for_an_unknown_purpose, "MEM_USE_COUNT"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *text;

        print_message("  %s\n", cases[i].name);
        assert_true(capture_abort(cases[i].body, &text));
        assert_non_null(strstr(text, cases[i].text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(each_purpose_counts_its_bytes),
        LEFTOVER_TEST(new_memory_is_zero_and_aligned),
        LEFTOVER_TEST(resize_keeps_contents_and_purpose),
        LEFTOVER_TEST(memory_may_be_freed_by_another_thread),
        LEFTOVER_TEST(what_an_ending_thread_frees_is_counted),
        LEFTOVER_TEST(misuse_ends_the_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
