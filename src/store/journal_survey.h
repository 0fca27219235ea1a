/*
 * A walk over everything in the journal on disk: what is damaged, and what each project has. For a
 * person who looks at a data directory, whether a server runs on it or not; nothing is written.
 * What records and rows mean is the caller's to say. One thread; it blocks.
 */
#pragma once

#include "store/journal.h"

enum { JOURNAL_SURVEY_LINE_MAX = 256 };

/** What a project has. */
struct journal_survey_project {
    uint64_t project_id;
    uint64_t records, bytes;
    uint64_t first_seq, last_seq; /* of its records; last_seq of all that it ever had */
    int64_t oldest_ms, newest_ms; /* Unix, 0: no records */
    uint64_t rows[JOURNAL_TABLE_COUNT];
};

struct journal_survey_cursor {
    uint64_t project_id;
    struct slice key; /* borrowed during the call */
    struct journal_position at;
    uint64_t lag; /* records of its project behind it that are kept */
};

/** Who looks; functions may be NULL. Projects and cursors are told whose project has a valid
 * identifier; of others, the faults alone. */
struct journal_survey {
    bool (*record_is_sound)(uint64_t project_id, const struct journal_record *r);
    bool (*row_is_sound)(enum journal_table table, uint64_t project_id, struct slice key,
                         struct slice value);
    void (*on_fault)(const char *text, void *arg);                         /* a line */
    void (*on_project)(const struct journal_survey_project *p, void *arg); /* in their order */
    void (*on_cursor)(const struct journal_survey_cursor *c, void *arg);   /* behind all projects */
    void *arg;
    /* set by the walk */
    uint32_t format;
    uint64_t records, rows, cursors;
};

/**
 * Walks `<data_dir>/journal`, one snapshot of it.
 *
 * Errors, told: ST_NOT_FOUND (there is no journal), ST_UNSUPPORTED (of a newer program), ST_CORRUPT
 * (faults were told), ST_IO, ST_AGAIN
 */
enum status journal_survey_walk(const char *data_dir, struct journal_survey *s) MUST_CHECK;

/** Copies a snapshot of the journal of a data directory into another one, `<to>/journal`. `error`:
 * one line on failure. Errors: those of lmdb_env_copy. */
enum status journal_survey_copy(const char *data_dir, const char *to, char *error,
                                size_t error_len) MUST_CHECK;
