/* What a share group has given: found by its number, whatever the order in which it was given. */
#include "service/share_owed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "leftover.h"

static void add(struct share_owed *o, uint64_t seq)
{
    struct share_entry e = {.seq = seq, .share = seq * 10};

    share_owed_add(o, &e);
}

static void expect_all(const struct share_owed *o, uint32_t count, const uint64_t *seqs)
{
    struct share_entry *e;
    uint32_t cursor = 0, n = 0;

    while ((e = share_owed_next(o, &cursor)) != NULL) {
        assert_true(n < count);
        assert_int_equal(e->seq, seqs[n]);
        assert_int_equal(e->share, e->seq * 10);
        assert_ptr_equal(share_owed_find(o, e->seq), e);
        n++;
    }
    assert_int_equal(n, count);
}

static void they_stand_by_their_numbers(void **state)
{
    struct share_owed o = {0};

    (void)state;
    assert_null(share_owed_first(&o));
    assert_null(share_owed_find(&o, 1));
    add(&o, 5);
    add(&o, 9);
    add(&o, 7);
    add(&o, 2);
    expect_all(&o, 4, (const uint64_t[]){2, 5, 7, 9});
    assert_null(share_owed_find(&o, 1));
    assert_null(share_owed_find(&o, 6));
    assert_null(share_owed_find(&o, 10));
    share_owed_drop_first(&o);
    assert_int_equal(share_owed_first(&o)->seq, 5);
    expect_all(&o, 3, (const uint64_t[]){5, 7, 9});
    share_owed_deinit(&o);
}

/* The ring goes round and grows, in the middle of a round too. */
static void the_ring_goes_round(void **state)
{
    struct share_owed o = {0};
    uint64_t oldest = 1, newest = 0;

    (void)state;
    for (unsigned turn = 0; turn < 200; turn++) {
        for (unsigned i = 0; i < turn % 13; i++)
            add(&o, ++newest);
        for (unsigned i = 0; i < turn % 11 && oldest <= newest; i++) {
            assert_int_equal(share_owed_first(&o)->seq, oldest++);
            share_owed_drop_first(&o);
        }
        for (uint64_t seq = oldest; seq <= newest; seq++)
            assert_int_equal(share_owed_find(&o, seq)->share, seq * 10);
    }
    while (oldest <= newest) {
        assert_int_equal(share_owed_first(&o)->seq, oldest++);
        share_owed_drop_first(&o);
    }
    assert_null(o.ring); /* a group that keeps up holds nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(they_stand_by_their_numbers),
        LEFTOVER_TEST(the_ring_goes_round),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
