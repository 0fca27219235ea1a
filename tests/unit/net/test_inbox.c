/*
 * Many writers, one reader: nothing is lost, each writer's order holds, and a wake-up is asked for
 * exactly when the reader may be asleep.
 */
#include "net/inbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>

#include "leftover.h"

enum { WRITERS = 4, LETTERS = 30000 };

static struct inbox_batch *batch_of(uint64_t writer, uint64_t first, uint32_t count)
{
    struct inbox_batch *b = inbox_batch_new();

    assert_int_equal(b->count, 0);
    assert_null(b->next);
    for (uint32_t i = 0; i < count; i++)
        b->letters[b->count++] = (struct letter){.a = writer, .b = first + i};
    return b;
}

static void batches_come_in_the_order_of_posting(void **state)
{
    struct inbox inbox = {0};
    struct inbox_batch *b;

    (void)state;
    assert_true(inbox_is_empty(&inbox));
    assert_null(inbox_take(&inbox));
    for (uint64_t i = 0; i < 5; i++) {
        b = batch_of(0, i, 1);
        assert_int_equal(inbox_post(&inbox, &b), i == 0); /* one wake-up for them all */
        assert_null(b);
    }
    assert_false(inbox_is_empty(&inbox));

    b = inbox_take(&inbox);
    assert_true(inbox_is_empty(&inbox));
    assert_null(inbox_take(&inbox));
    for (uint64_t i = 0; i < 5; i++) {
        struct inbox_batch *next = b->next;

        assert_int_equal(b->letters[0].b, i);
        inbox_batch_free(&b);
        assert_null(b);
        b = next;
    }
    assert_null(b);

    b = batch_of(0, 0, 1);
    assert_true(inbox_post(&inbox, &b)); /* it was emptied: woken again */
    b = inbox_take(&inbox);
    assert_null(b->next);
    inbox_batch_free(&b);
}

static void a_batch_is_whole(void **state)
{
    struct inbox inbox = {0};
    struct inbox_batch *b = batch_of(3, 100, INBOX_BATCH_MAX);

    (void)state;
    (void)inbox_post(&inbox, &b);
    b = inbox_take(&inbox);
    assert_int_equal(b->count, INBOX_BATCH_MAX);
    for (uint32_t i = 0; i < INBOX_BATCH_MAX; i++)
        assert_true(b->letters[i].a == 3 && b->letters[i].b == 100 + i);
    inbox_batch_free(&b);
}

/* The reader sleeps on a semaphore of sorts: a writer that is told to wakes it. */
struct meeting {
    struct inbox inbox;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    unsigned wake_ups;
};

struct writer {
    pthread_t thread;
    struct meeting *meeting;
    uint64_t number;
};

static void *write_letters(void *arg)
{
    struct writer *me = arg;
    struct meeting *m = me->meeting;
    uint64_t next = 1;

    while (next <= LETTERS) {
        uint32_t count = (uint32_t)(next * 7 % INBOX_BATCH_MAX) + 1;
        struct inbox_batch *b;

        if (count > LETTERS + 1 - next)
            count = (uint32_t)(LETTERS + 1 - next);
        b = batch_of(me->number, next, count);
        next += count;
        if (!inbox_post(&m->inbox, &b))
            continue;
        pthread_mutex_lock(&m->mutex);
        m->wake_ups++;
        pthread_cond_signal(&m->wake);
        pthread_mutex_unlock(&m->mutex);
    }
    return NULL;
}

static void sleep_until_woken(struct meeting *m)
{
    pthread_mutex_lock(&m->mutex);
    while (m->wake_ups == 0)
        pthread_cond_wait(&m->wake, &m->mutex); /* for ever, if a wake-up were missing */
    m->wake_ups--;
    pthread_mutex_unlock(&m->mutex);
}

static void many_writers(void **state)
{
    struct meeting m = {.mutex = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};
    struct writer writers[WRITERS];
    uint64_t last_of[WRITERS] = {0};
    uint64_t count = 0;

    (void)state;
    for (uint64_t i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.meeting = &m, .number = i};
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_letters, &writers[i]), 0);
    }
    while (count < (uint64_t)WRITERS * LETTERS) {
        struct inbox_batch *b;

        sleep_until_woken(&m);
        b = inbox_take(&m.inbox);
        while (b != NULL) {
            struct inbox_batch *next = b->next;

            for (uint32_t i = 0; i < b->count; i++, count++) {
                assert_int_equal(b->letters[i].b, last_of[b->letters[i].a] + 1);
                last_of[b->letters[i].a]++;
            }
            inbox_batch_free(&b);
            b = next;
        }
    }
    for (unsigned i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_join(writers[i].thread, NULL), 0);
    assert_true(inbox_is_empty(&m.inbox));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(batches_come_in_the_order_of_posting),
        LEFTOVER_TEST(a_batch_is_whole),
        LEFTOVER_TEST(many_writers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
