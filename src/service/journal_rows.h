/*
 * Whether what is in the journal can be decoded, record by record and row by row, for who looks at
 * it from outside of a server. Nothing is made of it. Pure functions, any thread.
 */
#pragma once

#include "store/journal.h"

bool journal_rows_record_is_sound(uint64_t project_id, const struct journal_record *r);

bool journal_rows_is_sound(enum journal_table table, uint64_t project_id, struct slice key,
                           struct slice value);
