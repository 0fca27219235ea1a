#include "journal_life.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash_table.h"
#include "base/invariant.h"
#include "base/mem.h"
#include "journal_disk.h"
#include "journal_stage.h"
#include "journal_tell.h"
#include "store/counters.h"
#include "store/journal_survey.h"

enum {
    CRASH_PERCENT = 6, /* of the steps that write */
    CRASH_HEAVY_PERCENT = 3,
    CRASH_REMOVAL_PERCENT = 60, /* they are rare, and of many transactions */
    CRASH_CALLS_BITS = 6,       /* calls to the disk: a batch has three or more, a removal many */
    FAIL_PERCENT = 4,
    TRIM_MS = 1000,    /* between two trims of a journal_commit, */
    TRIM_MORE_MS = 20, /* and while there is more */
    START_MS = 1000000
};

static const int64_t start_unix_ms = INT64_C(1800000000000);

/* --- checks ---------------------------------------------------------------------------------- */

void journal_life_check(struct journal_life *l)
{
    struct journal_check x = {.model = &l->model, .journal = l->journal, .leaving = MODEL_PROJECTS};

    if (!journal_check_all(&x))
        journal_tell_fail("%s", x.text);
}

void journal_life_read(struct journal_life *l, struct journal_check_reading *reading)
{
    struct journal_check x = {.model = &l->model, .journal = l->journal};
    bool was_reading = l->is_reading;

    l->is_reading = true;
    if (!journal_check_read(&x, reading))
        journal_tell_fail("%s", x.text);
    l->is_reading = was_reading;
}

/* --- lives ----------------------------------------------------------------------------------- */

static void on_committed(struct journal_request *first, void *arg)
{
    struct journal_life *l = arg;
    struct journal_request *next;

    for (struct journal_request *r = first; r != NULL; r = next) {
        next = r->next;
        if (!l->is_dying && r->kind == JOURNAL_REQUEST_RECORD && r->seq != r->tag[0])
            journal_tell_fail("a record has number %llu instead of %llu",
                              (unsigned long long)r->seq, (unsigned long long)r->tag[0]);
        l->called_back++;
        journal_request_free(&r);
    }
}

static void on_fault(const char *text, void *arg)
{
    (void)arg;
    journal_tell_fail("the survey tells: %s", text);
}

static void choose_limits(struct journal_life *l)
{
    static const struct journal_limits choices[] = {
        {0, 0}, {1, 0}, {3000, 0}, {30000, 60000}, {200000, 0}, {0, 500}, {0, 5000}, {0, 60000}};

    l->limits = choices[chance_below(&l->chance, 8)];
    if (l->kind == LIFE_HEAVY)
        l->limits.retention_bytes = 0;
}

static struct journal *open_at(const struct journal_life *l, const struct data_place *place)
{
    struct journal_survey survey = {.on_fault = on_fault};
    struct journal *j;
    char error[256];

    if (access(place->file, F_OK) == 0 && journal_survey_walk(place->now, &survey) != ST_OK)
        journal_tell_fail("the survey finds faults");
    if (journal_lmdb_open(place->now, &l->limits, &j, error, sizeof(error)) != ST_OK)
        journal_tell_fail("%s", error);
    return j;
}

/* Opens what is in the present directory; the model is compared later. */
static void begin(struct journal_life *l)
{
    choose_limits(l);
    l->journal = open_at(l, l->place);
    if (l->kind != LIFE_CALM)
        journal_disk_watch(l->place->file);
    l->is_dying = false;
    l->queues = chance_percent(&l->chance, 50);
    l->submitted = l->removal_count = 0;
    if (l->queues)
        l->commit = journal_commit_new(l->journal, false, on_committed, l);
    l->next_trim_ms = clock_mono_ms() + TRIM_MS;
}

/* It has been compared: it goes on from what was durable. */
static void go_on(struct journal_life *l)
{
    journal_model_crash(&l->model);
    l->model.limits = l->limits;
    l->hooks->begun(l->arg);
}

static void end(struct journal_life *l)
{
    l->is_dying = true;
    journal_disk_unwatch();
    journal_commit_free(&l->commit);
    journal_close(&l->journal);
}

/* A new life over the image of a crash. */
static void rise(struct journal_life *l)
{
    end(l);
    data_place_move(l->place);
    begin(l);
    journal_stage_match(l);
    l->counts.crashes++;
    go_on(l);
}

/* --- steps ----------------------------------------------------------------------------------- */

static enum journal_disk_end any_end(struct journal_life *l)
{
    return chance_percent(&l->chance, 50) ? JOURNAL_DISK_KILLED : JOURNAL_DISK_POWER_OFF;
}

static void arm_crash(struct journal_life *l)
{
    unsigned percent = l->kind == LIFE_HEAVY ? CRASH_HEAVY_PERCENT : CRASH_PERCENT;

    for (unsigned i = 0; i < l->stage_count; i++) {
        if (l->stages[i].kind == LIFE_REMOVE)
            percent = CRASH_REMOVAL_PERCENT;
    }
    if (l->kind != LIFE_CALM && !l->is_reading && chance_percent(&l->chance, percent))
        journal_disk_arm(any_end(l), &l->chance, l->place->image);
}

/* A batch that removes rows which are not there writes nothing. */
static bool batch_writes(const struct journal_life *l)
{
    for (size_t at = 0; at < l->model.batch.len; at += sizeof(struct model_change)) {
        struct model_change change;

        memcpy(&change, l->model.batch.data + at, sizeof(change));
        if (!change.is_row || change.item.tag != 0)
            return true;
    }
    return false;
}

/* A batch needs three calls or more, so with fewer before it the failure is the batch's, and not
 * that of a trim in the same turn. The call that ends a batch is one of the later ones. */
static void arm_failure(struct journal_life *l)
{
    static const int errors[] = {ENOSPC, EIO, EDQUOT};
    uint32_t calls = chance_below(&l->chance, l->queues ? 3 : 12);

    if (l->kind != LIFE_CALM && !l->is_reading && batch_writes(l) &&
        chance_percent(&l->chance, FAIL_PERCENT))
        journal_disk_fail_in(calls, 1 + chance_below(&l->chance, 4),
                             errors[chance_below(&l->chance, 3)]);
}

static void carry_out(struct journal_life *l, void (*act)(struct journal_life *l))
{
    l->now_ms = clock_unix_ms();
    if (l->hooks->writes != NULL)
        l->hooks->writes(l->arg, false);
    l->lost_before = counter_read(&CT_journal_lost);
    arm_crash(l);
    act(l);
    journal_disk_fail_in(0, 0, 0); /* what nothing was written for */
    if (journal_disk_crashed()) {
        journal_tell_trace("a crash within it");
        l->counts.cut_off++;
        rise(l);
    } else {
        journal_stage_apply(l);
    }
    l->stage_count = 0;
    if (l->hooks->writes != NULL)
        l->hooks->writes(l->arg, true);
}

/* An attempt has failed, as it should: nothing of it may be seen. */
static void check_failure(struct journal_life *l, unsigned long failures)
{
    if (journal_disk_failures() == failures)
        journal_tell_fail("a batch is not stored, and nothing has failed");
    l->counts.failures++;
    if (chance_percent(&l->chance, 30))
        journal_life_check(l);
}

static void act_commit(struct journal_life *l)
{
    unsigned long failures = journal_disk_failures();

    while (journal_commit(l->journal) != ST_OK) {
        check_failure(l, failures);
        failures = journal_disk_failures();
    }
}

static void act_turn(struct journal_life *l)
{
    int64_t trimmed = counter_read(&CT_journal_trimmed);

    l->called_back = 0;
    do {
        unsigned long failures = journal_disk_failures();

        (void)journal_commit_turn(l->commit);
        if (l->called_back < l->submitted)
            check_failure(l, failures);
    } while (l->called_back < l->submitted);
    l->trim_count = (uint64_t)(counter_read(&CT_journal_trimmed) - trimmed);
    l->submitted = 0;
}

static void turn(struct journal_life *l)
{
    if (l->submitted > 0)
        journal_stage_add(l, LIFE_COMMIT, 0);
    for (unsigned i = 0; i < l->removal_count; i++)
        journal_stage_add(l, LIFE_REMOVE, l->removals[i]);
    l->removal_count = 0;
    if (clock_mono_ms() >= l->next_trim_ms) {
        journal_stage_add(l, LIFE_CURSORS, 0);
        journal_stage_add(l, LIFE_TRIM, 0);
        l->next_trim_ms = clock_mono_ms() + TRIM_MS;
    }
    l->has_more = false;
    carry_out(l, act_turn);
    if (l->has_more)
        l->next_trim_ms = clock_mono_ms() + TRIM_MORE_MS;
}

void journal_life_commit(struct journal_life *l)
{
    journal_tell_trace("commit of %zu changes", l->model.batch.len / sizeof(struct model_change));
    arm_failure(l);
    if (l->queues) {
        turn(l);
        return;
    }
    journal_stage_add(l, LIFE_COMMIT, 0);
    carry_out(l, act_commit);
}

/* What takes away wants no open batch. */
static void settle(struct journal_life *l)
{
    if (l->model.batch.len > 0 || l->removal_count > 0)
        journal_life_commit(l);
}

static void act_trim(struct journal_life *l)
{
    l->trim_count = journal_trim(l->journal, l->now_ms);
}

void journal_life_trim(struct journal_life *l)
{
    settle(l);
    journal_tell_trace("trim");
    journal_stage_add(l, LIFE_CURSORS, 0);
    journal_stage_add(l, LIFE_TRIM, 0);
    carry_out(l, act_trim);
}

void journal_life_fail_trim(struct journal_life *l)
{
    settle(l);
    journal_tell_trace("trim without room");
    journal_disk_fail_in(0, UINT_MAX, ENOSPC);
    if (journal_trim(l->journal, clock_unix_ms()) != 0)
        journal_tell_fail("a trim has taken records, and could not write");
    journal_model_note_time(&l->model, clock_unix_ms());
    journal_disk_fail_in(0, 0, 0);
    l->counts.failures++;
    journal_life_check(l);
}

static void act_remove_project(struct journal_life *l)
{
    journal_remove_project(l->journal, l->model.projects[l->stages[0].project].id);
}

void journal_life_remove_project(struct journal_life *l, unsigned project)
{
    if (l->queues) {
        journal_commit_remove_project(l->commit, l->model.projects[project].id);
        if (memchr(l->removals, (int)project, l->removal_count) == NULL)
            l->removals[l->removal_count++] = (uint8_t)project;
        return;
    }
    settle(l);
    journal_tell_trace("project %u goes", project);
    journal_stage_add(l, LIFE_REMOVE, project);
    carry_out(l, act_remove_project);
}

static void act_close(struct journal_life *l)
{
    journal_commit_free(&l->commit);
    journal_close(&l->journal);
}

void journal_life_reopen(struct journal_life *l)
{
    if (l->queues)
        journal_life_commit(l); /* it would trim at its end, if that were due */
    journal_tell_trace("a clean end");
    l->is_dying = true;
    l->counts.reopens++;
    journal_stage_add(l, LIFE_CURSORS, 0);
    carry_out(l, act_close);
    if (l->journal != NULL)
        return; /* it was none */
    journal_disk_unwatch();
    begin(l);
    journal_stage_match(l);
    go_on(l);
}

void journal_life_crash(struct journal_life *l)
{
    journal_tell_trace("a crash");
    journal_disk_crash_now(any_end(l), &l->chance, l->place->image);
    (void)journal_disk_crashed();
    l->now_ms = clock_unix_ms();
    rise(l);
}

/* --- what is written ------------------------------------------------------------------------- */

static void submit(struct journal_life *l, struct journal_request *r)
{
    l->submitted++;
    journal_commit_submit(l->commit, r);
}

void journal_life_append(struct journal_life *l, unsigned project, uint32_t len)
{
    struct model_item item = journal_model_item(&l->model, len);
    uint64_t id = l->model.projects[project].id, want, seq;
    struct slice bytes = journal_model_bytes(item);

    want = journal_model_append(&l->model, project, item);
    if (l->queues) {
        struct journal_request *r = journal_request_new(id, len);

        memcpy(r->bytes, bytes.data, len);
        r->tag[0] = want;
        submit(l, r);
        return;
    }
    seq = journal_append(l->journal, id, bytes);
    if (seq != want)
        journal_tell_fail("project %u: a record gets number %llu instead of %llu", project,
                          (unsigned long long)seq, (unsigned long long)want);
}

void journal_life_put(struct journal_life *l, enum journal_table table, unsigned project,
                      unsigned key, uint32_t len)
{
    struct model_item item = {0};
    uint64_t id = l->model.projects[project].id;
    struct slice name = journal_model_key(&l->model, key);

    if (len > 0)
        item = journal_model_item(&l->model, len);
    journal_model_put(&l->model, table, project, key, item);
    if (l->queues)
        submit(l, journal_request_new_row(id, table, name, journal_model_bytes(item)));
    else
        journal_put(l->journal, table, id, name, journal_model_bytes(item));
}

void journal_life_save_cursor(struct journal_life *l, unsigned project, unsigned key,
                              struct journal_position at)
{
    struct model_project *p = &l->model.projects[project];

    p->saved[key] = (struct model_cursor){true, at};
    journal_save_cursor(l->journal, p->id, journal_model_key(&l->model, key), at);
}

void journal_life_remove_cursor(struct journal_life *l, unsigned project, unsigned key)
{
    struct model_project *p = &l->model.projects[project];

    p->saved[key] = (struct model_cursor){0};
    journal_remove_cursor(l->journal, p->id, journal_model_key(&l->model, key));
}

/* --- begin and end --------------------------------------------------------------------------- */

void journal_life_open(struct journal_life *l, uint64_t seed, enum life_kind kind,
                       struct data_place *place, const struct life_hooks *hooks, void *arg)
{
    *l = (struct journal_life){
        .chance = {seed}, .kind = kind, .place = place, .hooks = hooks, .arg = arg};
    clock_hold(START_MS, start_unix_ms);
    hash_seed(seed);
    journal_model_init(&l->model, &l->chance);
    begin(l);
    go_on(l);
}

void journal_life_close(struct journal_life *l)
{
    end(l);
    journal_model_deinit(&l->model);
    clock_release();
}

/* --- another process -------------------------------------------------------------------------- */

static void hear_nothing(void *arg, unsigned project)
{
    (void)arg;
    (void)project;
}

static void append_to_all(struct journal_life *l)
{
    for (unsigned i = 0; i < MODEL_PROJECTS; i++) {
        const struct model_project *p = &l->model.projects[i];

        if (journal_append(l->journal, p->id, slice_of("more")) != p->last_seq + 1)
            journal_tell_fail("project %u: numbers do not go on", i);
    }
    if (journal_commit(l->journal) != ST_OK)
        journal_tell_fail("it does not go on");
}

void journal_life_compare(struct journal_life *l, const struct data_place *other)
{
    static const struct life_hooks none = {.removed = hear_nothing};
    struct journal_life x = *l;

    journal_model_copy(&x.model, &l->model);
    x.is_beside = true;
    x.hooks = &none;
    x.journal = open_at(&x, other);
    journal_stage_match(&x);
    append_to_all(&x);
    journal_close(&x.journal);
    journal_model_deinit(&x.model);
}
