/*
 * What happens to a journal: random steps from a seed, of somebody who writes, of sessions that
 * read, of time, and of ends. The same seed and kind do the same, in any process.
 */
#pragma once

#include "journal_reader.h"

enum { SCRIPT_READERS = 6 /* the first keys of cursors are theirs */ };

struct journal_script {
    struct journal_life life;
    struct life_hooks hooks;
    struct journal_reader readers[SCRIPT_READERS];
};

/** Begins; `writes`: as in life_hooks, with the script as its argument. */
void journal_script_open(struct journal_script *s, uint64_t seed, enum life_kind kind,
                         struct data_place *place, void (*writes)(void *arg, bool is_over));
void journal_script_step(struct journal_script *s);
/** All readers get what there is, and everything is compared. */
void journal_script_rest(struct journal_script *s);
void journal_script_close(struct journal_script *s);
