/*
 * Each step one thing happens, drawn by weight from a table.
 */
#include "journal_script.h"

#include "base/clock.h"
#include "journal_tell.h"

enum {
    NESTED_PERCENT = 3,
    BURST_RECORDS = 5000 /* more than one transaction takes away */
};

static struct chance *chance_of(struct journal_script *s)
{
    return &s->life.chance;
}

static bool is_heavy(const struct journal_script *s)
{
    return s->life.kind == LIFE_HEAVY;
}

static unsigned any_project(struct journal_script *s)
{
    /* one is busy, the last one is quiet */
    return chance_percent(chance_of(s), 40) ? 0 : chance_below(chance_of(s), MODEL_PROJECTS);
}

static struct model_project *project_at(struct journal_script *s, unsigned project)
{
    return &s->life.model.projects[project];
}

static struct journal_reader *any_reader(struct journal_script *s)
{
    return &s->readers[chance_below(chance_of(s), SCRIPT_READERS)];
}

/* --- what happens ----------------------------------------------------------------------------- */

static uint32_t any_length(struct journal_script *s)
{
    static const struct {
        uint32_t percent, from, more;
    } lengths[] = {
        {10, 0, 1},      {40, 1, 100},    {30, 100, 1500},
        {10, 3900, 400}, {8, 8000, 4000}, {2, 20000, 50000},
    };
    uint32_t drawn = chance_below(chance_of(s), 100);
    unsigned i = 0;

    if (is_heavy(s))
        return 200000 + chance_below(chance_of(s), MODEL_BYTES_MAX - 200000);
    for (; drawn >= lengths[i].percent; i++)
        drawn -= lengths[i].percent;
    return lengths[i].from + chance_below(chance_of(s), lengths[i].more);
}

static void append(struct journal_script *s)
{
    unsigned project = any_project(s);
    unsigned count = is_heavy(s) ? 1 : 1 + chance_below(chance_of(s), 4);

    for (unsigned i = 0; i < count; i++)
        journal_life_append(&s->life, project, any_length(s));
}

static void append_many(struct journal_script *s)
{
    unsigned project = any_project(s);
    bool is_burst = chance_percent(chance_of(s), 30);

    for (unsigned i = 0; i < (is_burst ? BURST_RECORDS : 100); i++)
        journal_life_append(&s->life, project, chance_below(chance_of(s), 8));
    if (!is_burst || chance_percent(chance_of(s), 30))
        return;
    journal_life_commit(&s->life);
    journal_life_remove_project(&s->life, project);
}

static void put(struct journal_script *s)
{
    unsigned table = chance_below(chance_of(s), JOURNAL_TABLE_COUNT);
    unsigned key = chance_below(chance_of(s), MODEL_KEYS);
    uint32_t len = chance_percent(chance_of(s), 30)   ? 0
                   : chance_percent(chance_of(s), 90) ? 1 + chance_below(chance_of(s), 300)
                                                      : 1 + chance_below(chance_of(s), 9000);

    journal_life_put(&s->life, (enum journal_table)table, any_project(s), key, len);
}

static void commit(struct journal_script *s)
{
    journal_life_commit(&s->life);
}

static void save_cursor_of(struct journal_script *s, unsigned project)
{
    unsigned key = SCRIPT_READERS + chance_below(chance_of(s), MODEL_KEYS - SCRIPT_READERS);
    uint64_t last_seq = project_at(s, project)->last_seq;
    struct journal_position at = {chance_below(chance_of(s), (uint32_t)last_seq + 1),
                                  chance_next(chance_of(s))};

    if (chance_percent(chance_of(s), 25))
        journal_life_remove_cursor(&s->life, project, key);
    else
        journal_life_save_cursor(&s->life, project, key, at);
}

static void save_cursor(struct journal_script *s)
{
    save_cursor_of(s, any_project(s));
}

/* Cursors that could not be written wait for the next batch; their project, or the journal, may
 * not.
 */
static void fail_trim(struct journal_script *s)
{
    unsigned project = any_project(s);

    journal_life_commit(&s->life);
    for (unsigned i = 0; i < SCRIPT_READERS; i++) {
        if (s->readers[i].project == project)
            journal_reader_save(&s->readers[i]);
    }
    save_cursor_of(s, project);
    journal_life_fail_trim(&s->life);
    switch (chance_below(chance_of(s), 4)) {
    case 0:
        journal_life_remove_project(&s->life, project);
        break;
    case 1:
        journal_life_reopen(&s->life);
        break;
    default:
        break;
    }
}

static void trim(struct journal_script *s)
{
    if (chance_percent(chance_of(s), 15) && s->life.kind != LIFE_CALM)
        fail_trim(s);
    else
        journal_life_trim(&s->life);
}

static uint64_t any_number(struct journal_script *s, const struct model_project *p)
{
    static const uint64_t strange[] = {0, 1, UINT64_MAX, UINT64_MAX - 1};

    if (chance_percent(chance_of(s), 10))
        return strange[chance_below(chance_of(s), 4)];
    return p->first_seq - 1 +
           chance_below(chance_of(s), (uint32_t)(p->last_seq - p->first_seq) + 4) -
           chance_percent(chance_of(s), 10);
}

static void read_anywhere(struct journal_script *s)
{
    unsigned project = any_project(s);
    struct journal_check_reading reading = {
        .project = project,
        .after = any_number(s, project_at(s, project)),
        .max_records =
            chance_percent(chance_of(s), 20) ? UINT32_MAX : chance_below(chance_of(s), 10),
        .max_bytes =
            chance_percent(chance_of(s), 50) ? UINT64_MAX : chance_below(chance_of(s), 5000),
        .stop_at = chance_below(chance_of(s), 6),
    };

    journal_life_read(&s->life, &reading);
}

static void look_up_time(struct journal_script *s)
{
    unsigned project = any_project(s);
    const struct model_project *p = project_at(s, project);
    struct journal_check x = {.model = &s->life.model, .journal = s->life.journal};
    int64_t ms = clock_unix_ms();

    if (p->first_seq <= p->last_seq && chance_percent(chance_of(s), 80)) {
        uint32_t count = (uint32_t)(p->last_seq + 1 - p->first_seq);

        ms = journal_model_record(p, p->first_seq + chance_below(chance_of(s), count)).ms +
             (int64_t)chance_below(chance_of(s), 3) - 1;
    }
    if (!journal_check_seq_before(&x, project, ms))
        journal_tell_fail("%s", x.text);
}

/* The clock may be set back, too: a machine without a battery begins in the past. */
static void advance(struct journal_script *s)
{
    static const uint64_t spans_ms[] = {1, 1, 7, 100, 400, 1000, 3000, 20000};
    uint64_t span_ms = spans_ms[chance_below(chance_of(s), 8)];

    if (chance_percent(chance_of(s), 3))
        clock_hold(clock_mono_ms(), clock_unix_ms() - (int64_t)span_ms);
    else
        clock_advance(span_ms);
}

static void remove_project(struct journal_script *s)
{
    journal_life_remove_project(&s->life, any_project(s));
}

static void check(struct journal_script *s)
{
    journal_life_check(&s->life);
}

static void reopen(struct journal_script *s)
{
    journal_life_reopen(&s->life);
}

static void crash(struct journal_script *s)
{
    if (s->life.kind != LIFE_CALM)
        journal_life_crash(&s->life);
}

static void turn_reader(struct journal_script *s)
{
    journal_reader_turn(any_reader(s));
}

static void come_or_go(struct journal_script *s)
{
    struct journal_reader *r = any_reader(s);

    if (r->state == READER_AWAY || chance_percent(chance_of(s), 60))
        journal_reader_come(r);
    else if (chance_percent(chance_of(s), 80))
        journal_reader_go(r);
    else
        journal_reader_remove(r);
}

static void save_reader(struct journal_script *s)
{
    journal_reader_save(any_reader(s));
}

/* What happens, how often, and how often when records are large. */
static const struct happening {
    void (*happens)(struct journal_script *s);
    unsigned weight, heavy_weight;
} happenings[] = {
    {append, 200, 300},      {put, 120, 30},         {commit, 140, 200}, {turn_reader, 260, 100},
    {read_anywhere, 80, 20}, {save_reader, 50, 20},  {advance, 50, 20},  {save_cursor, 40, 20},
    {look_up_time, 30, 5},   {come_or_go, 60, 20},   {trim, 20, 5},      {append_many, 4, 0},
    {check, 6, 5},           {remove_project, 4, 1}, {reopen, 4, 4},     {crash, 6, 2},
};

static unsigned weight_of(const struct journal_script *s, const struct happening *h)
{
    return is_heavy(s) ? h->heavy_weight : h->weight;
}

void journal_script_step(struct journal_script *s)
{
    enum { COUNT = sizeof(happenings) / sizeof(happenings[0]) };

    unsigned all = 0, at, drawn;

    for (at = 0; at < COUNT; at++)
        all += weight_of(s, &happenings[at]);
    drawn = chance_below(chance_of(s), all);
    for (at = 0; drawn >= weight_of(s, &happenings[at]); at++)
        drawn -= weight_of(s, &happenings[at]);
    journal_tell_step();
    happenings[at].happens(s);
}

/* --- readers ---------------------------------------------------------------------------------- */

static void on_committed(void *arg, unsigned project, uint64_t seq, struct model_item item)
{
    struct journal_script *s = arg;

    for (unsigned i = 0; i < SCRIPT_READERS; i++) {
        if (s->readers[i].project == project)
            journal_reader_tell(&s->readers[i], seq, item);
    }
}

static void on_removed(void *arg, unsigned project)
{
    struct journal_script *s = arg;

    for (unsigned i = 0; i < SCRIPT_READERS; i++) {
        if (s->readers[i].project == project)
            journal_reader_forget(&s->readers[i]);
    }
}

static void on_begun(void *arg)
{
    struct journal_script *s = arg;

    for (unsigned i = 0; i < SCRIPT_READERS; i++)
        journal_reader_go(&s->readers[i]);
}

/* The committing thread goes on while a session reads. A map that grows would wait for it. */
static void on_read_record(void *arg)
{
    struct journal_script *s = arg;

    if (is_heavy(s) || s->life.removal_count > 0 || !chance_percent(chance_of(s), NESTED_PERCENT))
        return;
    switch (chance_below(chance_of(s), 4)) {
    case 0:
        append(s);
        commit(s);
        break;
    case 1:
        advance(s);
        journal_life_trim(&s->life);
        break;
    case 2:
        save_cursor(s);
        break;
    default:
        save_reader(s);
        break;
    }
}

/* --- begin and end ---------------------------------------------------------------------------- */

void journal_script_open(struct journal_script *s, uint64_t seed, enum life_kind kind,
                         struct data_place *place, void (*writes)(void *arg, bool is_over))
{
    s->hooks = (struct life_hooks){on_committed, on_removed, on_begun, writes};
    for (unsigned i = 0; i < SCRIPT_READERS; i++)
        s->readers[i] = (struct journal_reader){0};
    journal_life_open(&s->life, seed, kind, place, &s->hooks, s);
    for (unsigned i = 0; i < SCRIPT_READERS; i++) {
        unsigned project = i < SCRIPT_READERS / 2 ? 0 : chance_below(chance_of(s), MODEL_PROJECTS);

        journal_reader_init(&s->readers[i], &s->life, project, i);
        s->readers[i].on_record = on_read_record;
        s->readers[i].arg = s;
    }
}

void journal_script_rest(struct journal_script *s)
{
    journal_life_commit(&s->life);
    for (unsigned i = 0; i < SCRIPT_READERS; i++)
        journal_reader_finish(&s->readers[i]);
    journal_life_check(&s->life);
}

void journal_script_close(struct journal_script *s)
{
    for (unsigned i = 0; i < SCRIPT_READERS; i++)
        journal_reader_deinit(&s->readers[i]);
    journal_life_close(&s->life);
}
