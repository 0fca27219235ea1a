/*
 * The journal's interface: each call goes to the implementation behind it. Checked here once for
 * all of them: what a caller must never hand in.
 */
#include "store/journal.h"

#include "base/invariant.h"
#include "store/journal_priv.h"

static void check_key(struct slice key)
{
    invariant(key.len > 0 && key.len <= JOURNAL_KEY_MAX);
}

void journal_close(struct journal **jp)
{
    struct journal *j = *jp;

    *jp = NULL;
    if (j != NULL)
        j->ops->close(j);
}

static const char *const policies[JOURNAL_POLICY_COUNT] = {
#define X(name, word) [JOURNAL_POLICY_##name] = (word),
    JOURNAL_POLICY_LIST(X)
#undef X
};

const char *journal_policy_word(enum journal_policy p)
{
    return policies[p];
}

bool journal_policy_parse(const char *word, enum journal_policy *out)
{
    for (unsigned i = 0; i < JOURNAL_POLICY_COUNT; i++) {
        if (strcmp(policies[i], word) == 0) {
            *out = (enum journal_policy)i;
            return true;
        }
    }
    return false;
}

uint64_t journal_append(struct journal *j, uint64_t project_id, struct slice bytes)
{
    invariant(project_id != 0 && bytes.len <= JOURNAL_RECORD_MAX);
    return j->ops->append(j, project_id, bytes);
}

void journal_put(struct journal *j, enum journal_table table, uint64_t project_id, struct slice key,
                 struct slice value)
{
    invariant(table < JOURNAL_TABLE_COUNT && project_id != 0);
    check_key(key);
    j->ops->put(j, table, project_id, key, value);
}

enum status journal_commit(struct journal *j)
{
    return j->ops->commit(j);
}

uint64_t journal_read(struct journal *j, uint64_t project_id, uint64_t after, uint32_t max_records,
                      uint64_t max_bytes, journal_record_fn fn, void *arg, uint64_t *first)
{
    return j->ops->read(j, project_id, after, max_records, max_bytes, fn, arg, first);
}

uint64_t journal_last_seq(struct journal *j, uint64_t project_id)
{
    return j->ops->last_seq(j, project_id);
}

void journal_save_cursor(struct journal *j, uint64_t project_id, struct slice key,
                         struct journal_position at)
{
    invariant(project_id != 0);
    check_key(key);
    j->ops->save_cursor(j, project_id, key, at);
}

enum status journal_load_cursor(struct journal *j, uint64_t project_id, struct slice key,
                                struct journal_position *at)
{
    check_key(key);
    return j->ops->load_cursor(j, project_id, key, at);
}

void journal_remove_cursor(struct journal *j, uint64_t project_id, struct slice key)
{
    check_key(key);
    j->ops->remove_cursor(j, project_id, key);
}

enum status journal_each(struct journal *j, enum journal_table table, journal_row_fn fn, void *arg)
{
    invariant(table < JOURNAL_TABLE_COUNT);
    return j->ops->each(j, table, fn, arg);
}

uint64_t journal_trim(struct journal *j, int64_t now_unix_ms)
{
    return j->ops->trim(j, now_unix_ms);
}

void journal_remove_project(struct journal *j, uint64_t project_id)
{
    j->ops->remove_project(j, project_id);
}

static bool note_time(const struct journal_record *r, void *arg)
{
    *(int64_t *)arg = r->committed_ms;
    return false;
}

/* Numbers and times grow together, so the place is found by halving. */
uint64_t journal_seq_before(struct journal *j, uint64_t project_id, int64_t unix_ms)
{
    uint64_t low, high = journal_last_seq(j, project_id), first;
    int64_t committed_ms = INT64_MAX;

    (void)journal_read(j, project_id, 0, 1, UINT64_MAX, note_time, &committed_ms, &first);
    low = first - 1;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        committed_ms = INT64_MAX;
        (void)journal_read(j, project_id, middle, 1, UINT64_MAX, note_time, &committed_ms, &first);
        if (committed_ms >= unix_ms)
            high = middle;
        else
            low = middle + 1;
    }
    return high;
}
