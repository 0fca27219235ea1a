/*
 * Starts, stops and crashes: no number is given twice, and a clean stop leaves no gap.
 */
#include "app/seq_reserve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/secret.h"
#include "temp_data.h"

enum { P = 1, Q = 2 };

static const uint64_t block = UINT64_C(1) << 32;

struct run {
    struct registry *registry;
    struct journal *journal;
    struct seq_reserve reserve;
};

/* A start of the program. */
static struct run start(void **state, enum status want)
{
    static const struct journal_limits no_limits;
    struct run x = {0};
    char error[256];

    assert_int_equal(
        registry_open(temp_data_path(state, "data"), &x.registry, error, sizeof(error)), ST_OK);
    x.journal = journal_memory_new(&no_limits);
    assert_int_equal(seq_reserve_open(&x.reserve, x.registry, x.journal), want);
    return x;
}

static void crash(struct run *x)
{
    journal_close(&x->journal);
    registry_close(&x->registry);
}

static void stop(struct run *x)
{
    seq_reserve_close(&x->reserve);
    crash(x);
}

static uint64_t append(struct run *x, uint64_t project_id)
{
    uint64_t seq = journal_append(x->journal, project_id, slice_of("record"));

    assert_int_equal(journal_commit(x->journal), ST_OK);
    assert_int_equal(journal_last_seq(x->journal, project_id), seq);
    return seq;
}

static void a_clean_stop_leaves_no_gap(void **state)
{
    struct run x = start(state, ST_OK);

    assert_int_equal(append(&x, P), 1);
    assert_int_equal(append(&x, P), 2);
    assert_int_equal(append(&x, Q), 1);
    stop(&x);
    x = start(state, ST_OK);
    assert_int_equal(journal_last_seq(x.journal, P), 2);
    assert_int_equal(append(&x, Q), 3);
    stop(&x);
    x = start(state, ST_OK);
    stop(&x);
    x = start(state, ST_OK);
    assert_int_equal(append(&x, P), 4);
    stop(&x);
}

static void a_crash_gives_no_number_twice(void **state)
{
    struct run x = start(state, ST_OK);
    uint64_t last = append(&x, P);

    for (unsigned i = 0; i < 3; i++) {
        uint64_t next;

        crash(&x);
        x = start(state, ST_OK);
        next = append(&x, P);
        assert_true(next > last);
        last = next;
    }
    stop(&x);
    x = start(state, ST_OK);
    assert_int_equal(append(&x, P), last + 1);
    stop(&x);
}

/* As if it had given so many numbers that few are left of its block. */
static void the_next_block_comes_in_time(void **state)
{
    struct run x = start(state, ST_OK);
    uint64_t last = append(&x, P);

    seq_reserve_extend(&x.reserve);
    assert_true(x.reserve.reserved == block); /* there is time */
    x.reserve.reserved = last + 5;
    seq_reserve_extend(&x.reserve);
    assert_true(x.reserve.reserved == last + 5 + block);
    crash(&x);
    x = start(state, ST_OK);
    assert_true(append(&x, P) == last + 5 + block + 1);
    stop(&x);
}

static void what_is_no_number_stops_the_start(void **state)
{
    static const char *const damaged[] = {"", "x", "12x", "18446744073709551615"};

    for (unsigned i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        struct run x = start(state, ST_OK);

        stop(&x);
        x = start(state, ST_OK);
        assert_int_equal(registry_setting_put(x.registry, "journal_reserved", slice_of(damaged[i])),
                         ST_OK);
        crash(&x);
        x = start(state, ST_CORRUPT);
        assert_int_equal(registry_setting_put(x.registry, "journal_reserved", slice_of("1")),
                         ST_OK);
        stop(&x); /* it was not opened: nothing is written */
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEMP_DATA_TEST(a_clean_stop_leaves_no_gap),
        TEMP_DATA_TEST(a_crash_gives_no_number_twice),
        TEMP_DATA_TEST(the_next_block_comes_in_time),
        TEMP_DATA_TEST(what_is_no_number_stops_the_start),
    };

    return secret_init() == ST_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
