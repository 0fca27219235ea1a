/*
 * The journal on disk against a model: records, rows and cursors of several projects, retention,
 * removals, sessions that live on what they are told or catch up, and ends at any moment: clean
 * ones, a process that is killed, a power failure that leaves any part of what was not synced, a
 * disk that is full. In each step everything must be as the model says, and after each end too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/counter.h"
#include "base/mem.h"
#include "journal/journal_killed.h"
#include "journal/journal_tell.h"
#include "stage.h"
#include "store/counters.h"

enum {
    MAP_MIB = 64 /* that a journal begins with */
};

static const struct plan {
    uint64_t seeds; /* in make sim */
    unsigned steps;
} plans[] = {
    [LIFE_PLAIN] = {50, 2000},
    [LIFE_HEAVY] = {2, 300},
    [LIFE_CALM] = {25, 0},
};

/* Of all runs of one kind. */
static struct sums {
    uint64_t seeds, steps, records, trimmed, got, again, holes, switches, largest_mib;
    struct life_counts counts;
    int64_t stores_reopened;
} sums;

static struct journal_script script;

static void add_sums(void)
{
    const struct life_counts *c = &script.life.counts;
    uint64_t mib = data_place_bytes(script.life.place) >> 20;

    sums.seeds++;
    sums.steps += journal_tell_steps();
    sums.records += script.life.model.records;
    sums.trimmed += script.life.model.trimmed;
    sums.largest_mib = mib > sums.largest_mib ? mib : sums.largest_mib;
    sums.counts.crashes += c->crashes;
    sums.counts.cut_off += c->cut_off;
    sums.counts.reopens += c->reopens;
    sums.counts.trims += c->trims;
    sums.counts.removals += c->removals;
    sums.counts.failures += c->failures;
    sums.counts.commits += c->commits;
    for (unsigned i = 0; i < SCRIPT_READERS; i++) {
        sums.got += script.readers[i].got;
        sums.again += script.readers[i].again;
        sums.holes += script.readers[i].holes;
        sums.switches += script.readers[i].switches;
    }
}

/* Nothing is left of a run. */
static void check_rest(int64_t bytes_before)
{
    if (mem_bytes_used_total() != bytes_before || counter_read(&CT_journal_records) != 0 ||
        counter_read(&CT_journal_bytes) != 0 || counter_read(&CT_journal_waiting_bytes) != 0)
        journal_tell_fail("%lld bytes are left, %lld records are counted",
                          (long long)(mem_bytes_used_total() - bytes_before),
                          (long long)counter_read(&CT_journal_records));
}

static void play(uint64_t seed, enum life_kind kind)
{
    int64_t bytes_before = mem_bytes_used_total();
    struct data_place place;

    journal_tell_begin(seed);
    data_place_open(&place);
    journal_script_open(&script, seed, kind, &place, NULL);
    for (unsigned i = 0; i < plans[kind].steps; i++)
        journal_script_step(&script);
    journal_script_rest(&script);
    add_sums();
    journal_script_close(&script);
    data_place_close(&place);
    check_rest(bytes_before);
    journal_tell_end();
}

static void tell(void)
{
    const struct life_counts *c = &sums.counts;

    print_message("%llu seeds, %llu steps: %llu commits, %llu records, %llu trims (%llu records), "
                  "%llu removals, %llu crashes (%llu within a step), %llu reopenings, "
                  "%llu failures of the disk (%lld stores opened again); readers got %llu, "
                  "%llu of them again, %llu holes, %llu changes between live and behind; "
                  "the largest file had %llu MiB\n",
                  (unsigned long long)sums.seeds, (unsigned long long)sums.steps,
                  (unsigned long long)c->commits, (unsigned long long)sums.records,
                  (unsigned long long)c->trims, (unsigned long long)sums.trimmed,
                  (unsigned long long)c->removals, (unsigned long long)c->crashes,
                  (unsigned long long)c->cut_off, (unsigned long long)c->reopens,
                  (unsigned long long)c->failures, (long long)sums.stores_reopened,
                  (unsigned long long)sums.got, (unsigned long long)sums.again,
                  (unsigned long long)sums.holes, (unsigned long long)sums.switches,
                  (unsigned long long)sums.largest_mib);
}

/* How many seeds is said for plain runs; others come in proportion. */
static struct stage_seeds choose_seeds(enum life_kind kind)
{
    struct stage_seeds seeds = stage_choose_seeds(plans[LIFE_PLAIN].seeds);

    if (seeds.count > 1)
        seeds.count = 1 + (seeds.count - 1) * plans[kind].seeds / plans[LIFE_PLAIN].seeds;
    return seeds;
}

/* True: so many seeds that each thing must have happened. */
static bool play_all(enum life_kind kind)
{
    struct stage_seeds seeds = choose_seeds(kind);
    int64_t reopened = counter_read(&CT_store_reopens);

    sums = (struct sums){0};
    for (uint64_t i = 0; i < seeds.count; i++)
        play(seeds.first + i, kind);
    sums.stores_reopened = counter_read(&CT_store_reopens) - reopened;
    tell();
    return seeds.count >= plans[kind].seeds;
}

static void it_holds_what_was_committed(void **state)
{
    const struct life_counts *c = &sums.counts;

    (void)state;
    if (!play_all(LIFE_PLAIN))
        return;
    assert_true(c->crashes > c->cut_off && c->cut_off > 0 && c->reopens > 0);
    assert_true(c->removals > 0 && c->failures > 0 && sums.stores_reopened > 0);
    assert_true(sums.trimmed > 0 && sums.again > 0 && sums.holes > 0 && sums.switches > 0);
}

static void its_map_grows_along(void **state)
{
    (void)state;
    if (play_all(LIFE_HEAVY))
        assert_true(sums.largest_mib > MAP_MIB);
}

static void a_process_that_is_killed_leaves_what_it_told(void **state)
{
    struct stage_seeds seeds = choose_seeds(LIFE_CALM);
    uint64_t told = 0;

    (void)state;
    for (uint64_t i = 0; i < seeds.count; i++) {
        int64_t bytes_before = mem_bytes_used_total();

        journal_tell_begin(seeds.first + i);
        told += journal_killed_play(&script, seeds.first + i);
        check_rest(bytes_before);
        journal_tell_end();
    }
    print_message("%llu processes were killed, after %llu steps that write\n",
                  (unsigned long long)seeds.count, (unsigned long long)told);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_holds_what_was_committed),
        cmocka_unit_test(its_map_grows_along),
        cmocka_unit_test(a_process_that_is_killed_leaves_what_it_told),
    };

    store_counters_register();
    counter_thread_attach();
    journal_tell_prepare();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
