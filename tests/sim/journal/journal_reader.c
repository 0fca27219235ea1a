#include "journal_reader.h"

#include "base/invariant.h"
#include "journal_tell.h"

enum { PORTION_RECORDS = 12, PORTION_BYTES = 20000, LETTERS_A_TURN = 6 };

static const struct model_project *project_of(const struct journal_reader *r)
{
    return &r->life->model.projects[r->project];
}

void journal_reader_init(struct journal_reader *r, struct journal_life *l, unsigned project,
                         unsigned key)
{
    *r = (struct journal_reader){.life = l, .project = project, .key = key};
}

void journal_reader_deinit(struct journal_reader *r)
{
    buffer_deinit(&r->letters);
}

/* --- what it gets ---------------------------------------------------------------------------- */

/* The bytes tell each record from all others, so a number that is used twice is noticed. */
static void see(struct journal_reader *r, uint64_t seq, struct model_item item)
{
    struct reader_letter *seen = &r->seen[seq % READER_SEEN_MAX];

    if (seq != r->position + 1)
        journal_tell_fail("reader %u of project %u: record %llu after %llu", r->key, r->project,
                          (unsigned long long)seq, (unsigned long long)r->position);
    if (seq <= r->highest) {
        r->again++;
        if (seen->seq == seq && seen->item.tag != item.tag)
            journal_tell_fail("reader %u of project %u: record %llu is not what it was", r->key,
                              r->project, (unsigned long long)seq);
    }
    *seen = (struct reader_letter){seq, item};
    r->position = seq;
    r->highest = seq > r->highest ? seq : r->highest;
    r->got++;
}

static void note_hole(struct journal_reader *r, uint64_t first)
{
    journal_tell_trace("reader %u of project %u: a hole, %llu to %llu", r->key, r->project,
                       (unsigned long long)r->position + 1, (unsigned long long)first - 1);
    r->position = first - 1;
    r->holes++;
}

/* --- live ------------------------------------------------------------------------------------ */

static void fall_behind(struct journal_reader *r)
{
    r->state = READER_BEHIND;
    r->switches++;
}

void journal_reader_tell(struct journal_reader *r, uint64_t seq, struct model_item item)
{
    struct reader_letter letter = {seq, item};

    if (r->state == READER_AWAY)
        return;
    if (r->letters.len == READER_LETTERS_MAX * sizeof(letter)) {
        r->letters.len = 0;
        if (r->state == READER_LIVE)
            fall_behind(r);
    }
    buffer_append(&r->letters, &letter, sizeof(letter));
}

/* What it has read already is told again, and what it will read is told too early; when it is live,
 * nothing may be left out. */
static void open_letters(struct journal_reader *r)
{
    for (unsigned i = 0; i < LETTERS_A_TURN && r->letters.len > 0; i++) {
        struct reader_letter letter;

        memcpy(&letter, r->letters.data, sizeof(letter));
        buffer_consume(&r->letters, sizeof(letter));
        if (r->state == READER_LIVE && letter.seq > r->position)
            see(r, letter.seq, letter.item);
    }
}

/* --- behind ---------------------------------------------------------------------------------- */

/* A reading under way, over what was there at its beginning. */
struct portion {
    struct journal_reader *reader;
    uint64_t first;
};

static void on_record(uint64_t seq, struct model_item item, void *arg)
{
    struct portion *x = arg;
    struct journal_reader *r = x->reader;

    if (seq > r->position + 1 && seq == x->first)
        note_hole(r, seq);
    see(r, seq, item);
    if (r->on_record != NULL)
        r->on_record(r->arg);
}

static void read_portion(struct journal_reader *r)
{
    struct chance *c = &r->life->chance;
    struct portion portion = {r, project_of(r)->first_seq};
    struct journal_check_reading reading = {
        .project = r->project,
        .after = r->position,
        .max_records = chance_percent(c, 10) ? UINT32_MAX : 1 + chance_below(c, PORTION_RECORDS),
        .max_bytes = 1 + chance_below(c, PORTION_BYTES),
        .on_record = on_record,
        .arg = &portion,
    };
    uint64_t start = r->position;

    journal_life_read(r->life, &reading);
    if (r->position + 1 < reading.first)
        note_hole(r, reading.first); /* and nothing is behind it */
    if (r->position != start)
        return;
    r->state = READER_LIVE;
    r->switches++;
}

/* --- what happens to it ---------------------------------------------------------------------- */

void journal_reader_turn(struct journal_reader *r)
{
    if (r->state == READER_BEHIND && chance_percent(&r->life->chance, 60))
        read_portion(r);
    else
        open_letters(r);
}

void journal_reader_come(struct journal_reader *r)
{
    struct journal_position at;

    if (r->state == READER_LIVE)
        fall_behind(r); /* taken over, or its queue is full */
    if (r->state != READER_AWAY)
        return;
    if (journal_load_cursor(r->life->journal, project_of(r)->id,
                            journal_model_key(&r->life->model, r->key), &at) != ST_OK) {
        r->position = journal_last_seq(r->life->journal, project_of(r)->id);
        r->state = READER_LIVE;
        journal_reader_save(r);
        return;
    }
    if (at.seq > project_of(r)->last_seq || at.mark != ~at.seq)
        journal_tell_fail("reader %u of project %u begins at %llu, beyond all records", r->key,
                          r->project, (unsigned long long)at.seq);
    r->position = at.seq;
    r->state = READER_BEHIND;
}

void journal_reader_go(struct journal_reader *r)
{
    r->state = READER_AWAY;
    r->letters.len = 0;
}

void journal_reader_save(struct journal_reader *r)
{
    if (r->state != READER_AWAY)
        journal_life_save_cursor(r->life, r->project, r->key,
                                 (struct journal_position){r->position, ~r->position});
}

void journal_reader_remove(struct journal_reader *r)
{
    journal_life_remove_cursor(r->life, r->project, r->key);
    journal_reader_go(r);
}

void journal_reader_forget(struct journal_reader *r)
{
    journal_reader_go(r);
    r->position = r->highest = 0;
    memset(r->seen, 0, sizeof(r->seen));
}

void journal_reader_finish(struct journal_reader *r)
{
    if (r->state == READER_AWAY)
        journal_reader_come(r);
    while (r->letters.len > 0 || r->state == READER_BEHIND)
        journal_reader_turn(r);
    if (r->position != project_of(r)->last_seq)
        journal_tell_fail("reader %u of project %u ends at %llu of %llu", r->key, r->project,
                          (unsigned long long)r->position,
                          (unsigned long long)project_of(r)->last_seq);
}
