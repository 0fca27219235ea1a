#include "journal_stage.h"

#include "base/invariant.h"
#include "journal_tell.h"
#include "store/counters.h"

/* --- a step that is over --------------------------------------------------------------------- */

void journal_stage_add(struct journal_life *l, enum life_stage_kind kind, unsigned project)
{
    invariant(l->stage_count < LIFE_STAGES_MAX);
    l->stages[l->stage_count++] = (struct life_stage){kind, project};
}

static uint64_t oldest_in(struct journal *j, uint64_t project_id)
{
    uint64_t first;

    (void)journal_read(j, project_id, 0, 0, 0, NULL, NULL, &first);
    return first;
}

/* A trim takes a bounded number at once, and leaves open whose: it must have taken as many as it
 * may, and none that is not over. False: it has not. */
static bool take_trim(struct journal_life *l, uint64_t *count)
{
    uint64_t firsts[MODEL_PROJECTS], over = 0;

    *count = 0;
    l->lost = 0;
    for (unsigned i = 0; i < MODEL_PROJECTS; i++) {
        const struct model_project *p = &l->model.projects[i];
        uint64_t kept = journal_model_kept(&l->model, p, l->now_ms);

        firsts[i] = oldest_in(l->journal, p->id);
        if (firsts[i] < p->first_seq || firsts[i] > kept)
            return false;
        over += kept - p->first_seq;
        *count += firsts[i] - p->first_seq;
        l->lost += journal_model_owed(p, firsts[i]);
    }
    if (*count != over && *count != JOURNAL_TRIM_MOST)
        return false;
    for (unsigned i = 0; i < MODEL_PROJECTS; i++)
        journal_model_drop(&l->model, &l->model.projects[i], firsts[i]);
    return true;
}

static void tell_batch(struct journal_life *l)
{
    uint64_t seqs[MODEL_PROJECTS];

    for (unsigned i = 0; i < MODEL_PROJECTS; i++)
        seqs[i] = l->model.projects[i].last_seq;
    for (size_t at = 0; at < l->model.batch.len; at += sizeof(struct model_change)) {
        struct model_change change;

        memcpy(&change, l->model.batch.data + at, sizeof(change));
        if (!change.is_row)
            l->hooks->committed(l->arg, change.project, ++seqs[change.project], change.item);
    }
}

/* False: the journal speaks against it. */
static bool apply_stage(struct journal_life *l, const struct life_stage *stage, uint64_t *count)
{
    switch (stage->kind) {
    case LIFE_COMMIT:
        journal_model_commit(&l->model, l->now_ms);
        return true;
    case LIFE_REMOVE:
        journal_model_remove_project(&l->model, stage->project);
        l->hooks->removed(l->arg, stage->project);
        return true;
    case LIFE_CURSORS:
        journal_model_commit_cursors(&l->model, l->now_ms);
        return true;
    case LIFE_TRIM:
        return take_trim(l, count);
    }
    return false;
}

static void check_trim(const struct journal_life *l, uint64_t count, int64_t lost)
{
    int64_t counted = counter_read(&CT_journal_lost) - l->lost_before;

    if (count != l->trim_count)
        journal_tell_fail("a trim has taken %llu records, %llu are gone, not as it should",
                          (unsigned long long)l->trim_count, (unsigned long long)count);
    if (counted != lost)
        journal_tell_fail("%lld records are counted as lost instead of %lld", (long long)counted,
                          (long long)lost);
}

void journal_stage_apply(struct journal_life *l)
{
    uint64_t along = 0; /* records that a batch of the same turn took along */
    int64_t lost = 0;

    for (unsigned i = 0; i < l->stage_count; i++) {
        const struct life_stage *stage = &l->stages[i];
        uint64_t count = 0;

        if (stage->kind == LIFE_COMMIT)
            tell_batch(l);
        if (!apply_stage(l, stage, &count))
            journal_tell_fail("a trim has taken what is not over, or not all that is");
        along += stage->kind == LIFE_COMMIT ? l->model.along : 0;
        lost += stage->kind == LIFE_COMMIT ? l->model.along_lost : 0;
        if (stage->kind == LIFE_TRIM)
            check_trim(l, along + count, lost + l->lost);
        l->has_more |= stage->kind == LIFE_TRIM && count >= JOURNAL_TRIM_MOST;
        l->counts.trims += stage->kind == LIFE_TRIM;
        l->counts.removals += stage->kind == LIFE_REMOVE;
        l->counts.commits += stage->kind == LIFE_COMMIT;
    }
}

/* --- after an end ---------------------------------------------------------------------------- */

static bool check(struct journal_life *l, unsigned leaving, struct journal_check *x)
{
    *x = (struct journal_check){
        .model = &l->model,
        .journal = l->journal,
        .is_new = true,
        .is_beside = l->is_beside,
        .leaving = leaving,
    };
    return journal_check_all(x);
}

/* A removal that was cut off: the project's oldest records may be gone. True: so it was. */
static bool is_half_removed(struct journal_life *l, unsigned project)
{
    struct model_project *p = &l->model.projects[project];
    uint64_t first = oldest_in(l->journal, p->id);
    struct journal_check x;

    if (first < p->first_seq || first > p->last_seq + 1)
        return false;
    journal_model_drop(&l->model, p, first);
    return check(l, project, &x);
}

/* Whoever would match none has seen a part of a stage, or has lost what was over. */
void journal_stage_match(struct journal_life *l)
{
    char before[JOURNAL_CHECK_TEXT_MAX] = "";
    struct journal_check x;
    uint64_t count;

    for (unsigned i = 0; !check(l, MODEL_PROJECTS, &x); i++) {
        if (i == 0)
            memcpy(before, x.text, sizeof(before));
        /* Whoever removes does it again, as the registry remembers. */
        if (i < l->stage_count && l->stages[i].kind == LIFE_REMOVE &&
            is_half_removed(l, l->stages[i].project))
            journal_remove_project(l->journal, l->model.projects[l->stages[i].project].id);
        if (i == l->stage_count || !apply_stage(l, &l->stages[i], &count))
            journal_tell_fail("after an end, without the last step: %s; with it: %s", before,
                              x.text);
    }
}
