/*
 * The journal on disk against a model: records, rows and cursors of several projects, retention,
 * removals, sessions that live on what they are told or catch up, and ends at any moment: clean
 * ones, a process that is killed, a power failure that leaves any part of what was not synced, a
 * disk that is full. In any step everything must be as the model says, and after each end too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/clock.h"
#include "base/counter.h"
#include "base/mem.h"
#include "journal/journal_disk.h"
#include "journal/journal_reader.h"
#include "journal/journal_tell.h"
#include "stage.h"
#include "store/counters.h"

enum {
    SEEDS = 50,
    STEPS = 2000,
    HEAVY_SEEDS = 2,
    HEAVY_STEPS = 300,
    READERS = 6,  /* the first keys of cursors are theirs */
    MAP_MIB = 64, /* that a journal begins with */
    NESTED_PERCENT = 3,
    BURST_RECORDS = 3000 /* so many that a trim needs several turns */
};

static struct scene {
    struct journal_life life;
    struct journal_reader readers[READERS];
    /* of all runs */
    uint64_t steps, records, trimmed, got, again, holes, switches;
    uint64_t largest_mib; /* of all files */
    struct life_counts counts;
} scene;

static struct chance *chance(void)
{
    return &scene.life.chance;
}

static unsigned any_project(void)
{
    /* one is busy, the last one is quiet */
    return chance_percent(chance(), 40) ? 0 : chance_below(chance(), MODEL_PROJECTS);
}

static struct model_project *project_at(unsigned project)
{
    return &scene.life.model.projects[project];
}

static struct journal_reader *any_reader(void)
{
    return &scene.readers[chance_below(chance(), READERS)];
}

/* --- what happens ----------------------------------------------------------------------------- */

static uint32_t any_length(void)
{
    static const struct {
        uint32_t percent, from, more;
    } lengths[] = {
        {10, 0, 1},      {40, 1, 100},    {30, 100, 1500},
        {10, 3900, 400}, {8, 8000, 4000}, {2, 20000, 50000},
    };
    uint32_t drawn = chance_below(chance(), 100);
    unsigned i = 0;

    if (scene.life.is_heavy)
        return 200000 + chance_below(chance(), MODEL_BYTES_MAX - 200000);
    for (; drawn >= lengths[i].percent; i++)
        drawn -= lengths[i].percent;
    return lengths[i].from + chance_below(chance(), lengths[i].more);
}

static void append(void)
{
    unsigned project = any_project();
    unsigned count = scene.life.is_heavy ? 1 : 1 + chance_below(chance(), 4);

    for (unsigned i = 0; i < count; i++)
        journal_life_append(&scene.life, project, any_length());
}

static void append_many(void)
{
    unsigned project = any_project();
    unsigned count = chance_percent(chance(), 20) ? BURST_RECORDS : 100;

    for (unsigned i = 0; i < count && !scene.life.is_heavy; i++)
        journal_life_append(&scene.life, project, chance_below(chance(), 8));
}

static void put(void)
{
    unsigned table = chance_below(chance(), JOURNAL_TABLE_COUNT);
    unsigned key = chance_below(chance(), MODEL_KEYS);
    uint32_t len = chance_percent(chance(), 30)   ? 0
                   : chance_percent(chance(), 90) ? 1 + chance_below(chance(), 300)
                                                  : 1 + chance_below(chance(), 9000);

    journal_life_put(&scene.life, (enum journal_table)table, any_project(), key, len);
}

static void commit(void)
{
    journal_life_commit(&scene.life);
}

static void trim(void)
{
    if (chance_percent(chance(), 10))
        journal_life_fail_trim(&scene.life);
    else
        journal_life_trim(&scene.life);
}

static uint64_t any_number(const struct model_project *p)
{
    static const uint64_t strange[] = {0, 1, UINT64_MAX, UINT64_MAX - 1};

    if (chance_percent(chance(), 10))
        return strange[chance_below(chance(), 4)];
    return p->first_seq - 1 + chance_below(chance(), (uint32_t)(p->last_seq - p->first_seq) + 4) -
           chance_percent(chance(), 10);
}

static void read_anywhere(void)
{
    unsigned project = any_project();
    struct journal_check_reading reading = {
        .project = project,
        .after = any_number(project_at(project)),
        .max_records = chance_percent(chance(), 20) ? UINT32_MAX : chance_below(chance(), 10),
        .max_bytes = chance_percent(chance(), 50) ? UINT64_MAX : chance_below(chance(), 5000),
        .stop_at = chance_below(chance(), 6),
    };

    journal_life_read(&scene.life, &reading);
}

static void look_up_time(void)
{
    unsigned project = any_project();
    const struct model_project *p = project_at(project);
    struct journal_check x = {.model = &scene.life.model, .journal = scene.life.journal};
    int64_t ms = clock_unix_ms();

    if (p->first_seq <= p->last_seq && chance_percent(chance(), 80)) {
        uint32_t count = (uint32_t)(p->last_seq + 1 - p->first_seq);

        ms = journal_model_record(p, p->first_seq + chance_below(chance(), count)).ms +
             (int64_t)chance_below(chance(), 3) - 1;
    }
    if (!journal_check_seq_before(&x, project, ms))
        journal_tell_fail("%s", x.text);
}

static void save_cursor(void)
{
    unsigned project = any_project();
    unsigned key = READERS + chance_below(chance(), MODEL_KEYS - READERS);
    uint64_t last_seq = project_at(project)->last_seq;
    struct journal_position at = {chance_below(chance(), (uint32_t)last_seq + 1),
                                  chance_next(chance())};

    if (chance_percent(chance(), 25))
        journal_life_remove_cursor(&scene.life, project, key);
    else
        journal_life_save_cursor(&scene.life, project, key, at);
}

/* The clock may be set back, too: a machine without a battery begins in the past. */
static void advance(void)
{
    static const uint64_t spans_ms[] = {1, 1, 7, 100, 400, 1000, 3000, 20000};
    uint64_t span_ms = spans_ms[chance_below(chance(), 8)];

    if (chance_percent(chance(), 3))
        clock_hold(clock_mono_ms(), clock_unix_ms() - (int64_t)span_ms);
    else
        clock_advance(span_ms);
}

static void remove_project(void)
{
    journal_life_remove_project(&scene.life, any_project());
}

static void check(void)
{
    journal_life_check(&scene.life);
}

static void reopen(void)
{
    journal_life_reopen(&scene.life);
}

static void crash(void)
{
    journal_life_crash(&scene.life);
}

static void turn_reader(void)
{
    journal_reader_turn(any_reader());
}

static void come_or_go(void)
{
    struct journal_reader *r = any_reader();

    if (r->state == READER_AWAY || chance_percent(chance(), 60))
        journal_reader_come(r);
    else if (chance_percent(chance(), 80))
        journal_reader_go(r);
    else
        journal_reader_remove(r);
}

static void save_reader(void)
{
    journal_reader_save(any_reader());
}

/* X: what happens, how often, how often when records are large */
static const struct happening {
    void (*happens)(void);
    unsigned weight, heavy_weight;
} happenings[] = {
    {append, 200, 300},      {put, 120, 30},         {commit, 140, 200}, {turn_reader, 200, 100},
    {read_anywhere, 80, 20}, {save_reader, 50, 20},  {advance, 50, 20},  {save_cursor, 40, 20},
    {look_up_time, 30, 5},   {come_or_go, 30, 20},   {trim, 20, 5},      {append_many, 4, 0},
    {check, 6, 5},           {remove_project, 4, 1}, {reopen, 4, 4},     {crash, 6, 2},
};

static void step(void)
{
    enum { COUNT = sizeof(happenings) / sizeof(happenings[0]) };

    unsigned all = 0, at, drawn;

    for (at = 0; at < COUNT; at++)
        all += scene.life.is_heavy ? happenings[at].heavy_weight : happenings[at].weight;
    drawn = chance_below(chance(), all);
    for (at = 0;; at++) {
        unsigned weight = scene.life.is_heavy ? happenings[at].heavy_weight : happenings[at].weight;

        if (drawn < weight)
            break;
        drawn -= weight;
    }
    journal_tell_step();
    happenings[at].happens();
}

/* --- readers ---------------------------------------------------------------------------------- */

static void on_committed(void *arg, unsigned project, uint64_t seq, struct model_item item)
{
    (void)arg;
    for (unsigned i = 0; i < READERS; i++) {
        if (scene.readers[i].project == project)
            journal_reader_tell(&scene.readers[i], seq, item);
    }
}

static void on_removed(void *arg, unsigned project)
{
    (void)arg;
    for (unsigned i = 0; i < READERS; i++) {
        if (scene.readers[i].project == project)
            journal_reader_forget(&scene.readers[i]);
    }
}

static void on_begun(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < READERS; i++)
        journal_reader_go(&scene.readers[i]);
}

static const struct life_hooks hooks = {on_committed, on_removed, on_begun};

/* The committing thread goes on while a session reads. A map that grows would wait for it. */
static void on_read_record(void *arg)
{
    struct journal_reader *r = arg;

    if (scene.life.is_heavy || scene.life.removals != 0 ||
        !chance_percent(chance(), NESTED_PERCENT))
        return;
    switch (chance_below(chance(), 4)) {
    case 0:
        append();
        commit();
        break;
    case 1:
        advance();
        journal_life_trim(&scene.life);
        break;
    case 2:
        save_cursor();
        break;
    default:
        journal_reader_save(r);
        break;
    }
}

/* --- runs ------------------------------------------------------------------------------------- */

static void open_scene(uint64_t seed, bool is_heavy)
{
    journal_life_open(&scene.life, seed, is_heavy, &hooks, NULL);
    for (unsigned i = 0; i < READERS; i++) {
        journal_reader_init(&scene.readers[i], &scene.life,
                            i < 3 ? 0 : chance_below(chance(), MODEL_PROJECTS), i);
        scene.readers[i].on_record = on_read_record;
        scene.readers[i].arg = &scene.readers[i];
    }
}

static void add_counts(const struct journal_life *l)
{
    uint64_t mib = journal_place_bytes(&l->place) >> 20;

    scene.largest_mib = mib > scene.largest_mib ? mib : scene.largest_mib;
    scene.steps += journal_tell_steps();
    scene.records += l->model.records;
    scene.trimmed += l->model.trimmed;
    scene.counts.crashes += l->counts.crashes;
    scene.counts.cut_off += l->counts.cut_off;
    scene.counts.reopens += l->counts.reopens;
    scene.counts.trims += l->counts.trims;
    scene.counts.removals += l->counts.removals;
    scene.counts.failures += l->counts.failures;
    scene.counts.commits += l->counts.commits;
    for (unsigned i = 0; i < READERS; i++) {
        scene.got += scene.readers[i].got;
        scene.again += scene.readers[i].again;
        scene.holes += scene.readers[i].holes;
        scene.switches += scene.readers[i].switches;
    }
}

static void close_scene(void)
{
    journal_life_commit(&scene.life);
    for (unsigned i = 0; i < READERS; i++)
        journal_reader_finish(&scene.readers[i]);
    journal_life_check(&scene.life);
    add_counts(&scene.life);
    for (unsigned i = 0; i < READERS; i++)
        journal_reader_deinit(&scene.readers[i]);
    journal_life_close(&scene.life);
}

static void play(uint64_t seed, bool is_heavy)
{
    int64_t bytes_before = mem_bytes_used_total();

    journal_tell_begin(seed, is_heavy ? "EZTCLOUD_SIM_HEAVY=1" : "EZTCLOUD_SIM_TRACE=1");
    open_scene(seed, is_heavy);
    for (unsigned i = 0; i < (is_heavy ? HEAVY_STEPS : STEPS); i++)
        step();
    close_scene();
    if (mem_bytes_used_total() != bytes_before || counter_read(&CT_journal_records) != 0 ||
        counter_read(&CT_journal_bytes) != 0 || counter_read(&CT_journal_waiting_bytes) != 0)
        journal_tell_fail("%lld bytes are left",
                          (long long)(mem_bytes_used_total() - bytes_before));
    journal_tell_end();
}

static void tell(uint64_t seeds)
{
    const struct life_counts *c = &scene.counts;

    print_message("%llu seeds, %llu steps: %llu commits, %llu records, %llu trims (%llu records), "
                  "%llu removals, %llu crashes (%llu within a step), %llu reopenings, "
                  "%llu failures of the disk, %lld stores reopened; readers got %llu, "
                  "%llu of them again, %llu holes, %llu changes between live and behind; "
                  "the largest file had %llu MiB\n",
                  (unsigned long long)seeds, (unsigned long long)scene.steps,
                  (unsigned long long)c->commits, (unsigned long long)scene.records,
                  (unsigned long long)c->trims, (unsigned long long)scene.trimmed,
                  (unsigned long long)c->removals, (unsigned long long)c->crashes,
                  (unsigned long long)c->cut_off, (unsigned long long)c->reopens,
                  (unsigned long long)c->failures, (long long)counter_read(&CT_store_reopens),
                  (unsigned long long)scene.got, (unsigned long long)scene.again,
                  (unsigned long long)scene.holes, (unsigned long long)scene.switches,
                  (unsigned long long)scene.largest_mib);
}

static void play_all(uint64_t count, bool is_heavy)
{
    struct stage_seeds seeds = stage_choose_seeds(count);
    const struct life_counts *c = &scene.counts;

    scene = (struct scene){0};
    for (uint64_t i = 0; i < seeds.count; i++)
        play(seeds.first + i, is_heavy);
    tell(seeds.count);
    if (seeds.count < count)
        return;
    if (is_heavy)
        assert_true(scene.largest_mib > MAP_MIB);
    else
        assert_true(c->crashes > 0 && c->cut_off > 0 && c->reopens > 0 && c->failures > 0 &&
                    c->removals > 0 && scene.trimmed > 0 && scene.again > 0 && scene.holes > 0 &&
                    scene.switches > 0 && counter_read(&CT_store_reopens) > 0);
}

static void it_holds_what_was_committed(void **state)
{
    (void)state;
    play_all(SEEDS, false);
}

static void its_map_grows_along(void **state)
{
    (void)state;
    play_all(HEAVY_SEEDS, true);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_holds_what_was_committed),
        cmocka_unit_test(its_map_grows_along),
    };

    store_counters_register();
    counter_thread_attach();
    journal_tell_prepare();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
