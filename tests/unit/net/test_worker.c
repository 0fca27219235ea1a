/* Letters between workers that are turned by hand: their order, and how many a turn opens. */
#include "net/worker.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "leftover.h"

enum { MANY = 10000, A_TURN = 2048 };

static uint64_t opened; /* letters, which are numbered in the order of posting */

static void on_letter(struct worker *w, const struct letter *l)
{
    (void)w;
    assert_int_equal(l->a, opened);
    opened++;
}

static void post(struct worker *from, uint64_t first, uint64_t count)
{
    struct letter letter = {.open = on_letter};

    for (letter.a = first; letter.a < first + count; letter.a++)
        worker_post(from, 1, &letter);
    (void)worker_turn(from);
}

static void a_turn_opens_no_more_than_others_can_wait_for(void **state)
{
    struct worker_group *g = worker_group_new(2, false);
    struct worker *to = worker_group_get(g, 1);

    (void)state;
    opened = 0;
    post(worker_group_get(g, 0), 0, MANY);
    assert_true(worker_turn(to));
    assert_int_equal(opened, A_TURN);
    post(worker_group_get(g, 0), MANY, MANY); /* behind those that wait */
    assert_true(worker_turn(to));
    assert_int_equal(opened, 2 * A_TURN);
    worker_group_settle(g);
    assert_int_equal(opened, 2 * MANY);
    assert_false(worker_turn(to));
    worker_group_free(&g);
}

static void post_again(struct worker *w, const struct letter *l)
{
    struct letter next = {.open = post_again, .a = l->a + 1};

    opened++;
    if (l->a < 3)
        worker_post(w, w->index, &next);
}

/* One that it sends itself waits for the next turn, however many there are. */
static void a_letter_to_itself_is_for_the_next_turn(void **state)
{
    struct worker_group *g = worker_group_new(1, false);
    struct worker *w = worker_group_get(g, 0);
    struct letter letter = {.open = post_again};

    (void)state;
    opened = 0;
    for (unsigned i = 0; i < INBOX_BATCH_MAX; i++)
        worker_post(w, 0, &letter);
    for (unsigned turn = 1; turn <= 4; turn++) {
        assert_true(worker_turn(w));
        assert_int_equal(opened, turn * INBOX_BATCH_MAX);
    }
    assert_false(worker_turn(w));
    worker_group_free(&g);
}

/* --- calls ------------------------------------------------------------------------------------ */

struct question {
    const struct worker *asked; /* who answered */
    pthread_t thread;
    unsigned value;
};

static void answer(struct worker *w, void *arg)
{
    struct question *q = arg;

    q->asked = w;
    q->thread = pthread_self();
    q->value++;
}

static void a_call_runs_on_the_worker_and_is_waited_for(void **state)
{
    struct worker_group *g = worker_group_new(2, true);
    struct question q = {0};

    (void)state;
    worker_group_start(g);
    for (unsigned i = 0; i < 1000; i++) {
        worker_group_call(g, i % 2, answer, &q);
        assert_ptr_equal(q.asked, worker_group_get(g, i % 2));
        assert_false(pthread_equal(q.thread, pthread_self()));
        assert_int_equal(q.value, i + 1);
    }
    worker_group_stop(g);
    worker_group_settle(g);
    worker_group_free(&g);
}

struct letters_before {
    unsigned opened, seen;
};

static void on_letter_before(struct worker *w, const struct letter *l)
{
    (void)w;
    ((struct letters_before *)l->object)->opened++;
}

static void look_at_letters(struct worker *w, void *arg)
{
    struct letters_before *b = arg;

    (void)w;
    b->seen = b->opened;
}

static void what_was_posted_before_a_call_is_opened_before_it(void **state)
{
    enum { COUNT = 5000 };
    struct worker_group *g = worker_group_new(1, true);
    struct letters_before b = {0};
    struct letter letter = {.open = on_letter_before, .object = &b};

    (void)state;
    worker_group_start(g);
    for (unsigned i = 0; i < COUNT; i++)
        worker_group_post(g, 0, &letter);
    worker_group_call(g, 0, look_at_letters, &b);
    assert_int_equal(b.seen, COUNT);
    worker_group_stop(g);
    worker_group_settle(g);
    worker_group_free(&g);
}

static void a_call_to_workers_that_do_not_run_is_run_here(void **state)
{
    struct worker_group *g = worker_group_new(2, true);
    struct question q = {0};

    (void)state;
    worker_group_call(g, 1, answer, &q); /* before the start */
    assert_true(pthread_equal(q.thread, pthread_self()));
    worker_group_start(g);
    worker_group_stop(g);
    worker_group_call(g, 1, answer, &q); /* after the stop */
    assert_true(pthread_equal(q.thread, pthread_self()));
    assert_int_equal(q.value, 2);
    worker_group_settle(g);
    worker_group_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(a_turn_opens_no_more_than_others_can_wait_for),
        LEFTOVER_TEST(a_letter_to_itself_is_for_the_next_turn),
        LEFTOVER_TEST(a_call_runs_on_the_worker_and_is_waited_for),
        LEFTOVER_TEST(what_was_posted_before_a_call_is_opened_before_it),
        LEFTOVER_TEST(a_call_to_workers_that_do_not_run_is_run_here),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
