/*
 * The journal: one log a project, many cursors. Append only, numbered by project; what a cursor
 * still needs is kept.
 *
 * Two sides: one committing thread appends and trims, any thread reads. The interface is what a
 * distributed log offers too, so another implementation can stand behind it (journal_priv.h). A
 * record is bytes; what they mean is not known here. Source: architecture.md "The journal",
 * open-api.md 3.4
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

struct journal;

enum {
    JOURNAL_KEY_MAX = 512,         /* bytes of a reader's name, at least 1 */
    JOURNAL_RECORD_MAX = 257 << 20 /* bytes: more than the largest packet of MQTT */
};

struct journal_limits {
    uint64_t retention_bytes; /* a project, 0: no limit */
    uint64_t retention_ms;    /* 0: no limit */
};

struct journal_record {
    uint64_t seq;
    int64_t committed_ms; /* Unix */
    struct slice bytes;   /* borrowed during the call */
};

/** Called with records in order; false ends the reading. */
typedef bool (*journal_record_fn)(const struct journal_record *r, void *arg);

/** A journal in memory. Never fails. Its contents end with the program. */
struct journal *journal_memory_new(const struct journal_limits *limits);

/** The numbers of every project begin above `seq`, which an earlier run of the program may have
 * given. Once, before anything else. */
void journal_begin_above(struct journal *j, uint64_t seq);

/** The highest number that was given to any record so far, removed projects included, or the one to
 * begin above. Any thread. */
uint64_t journal_highest_seq(struct journal *j);

/** Closes it; an open batch is dropped. No thread may be in it any more. */
void journal_close(struct journal **j);

/**
 * Appends to the open batch; gives the record's number, growing by one a project, from 1 or where
 * journal_begin_above said.
 * Committing thread only. Readers see it after journal_commit.
 */
uint64_t journal_append(struct journal *j, uint64_t project_id, struct slice bytes);

/** Makes the batch durable and visible. Committing thread only. Errors: ST_IO, ST_FULL: nothing of
 * the batch is visible, try again. */
enum status journal_commit(struct journal *j) MUST_CHECK;

/**
 * Reads records with numbers above `after`, oldest first, at most `max_records` and about
 * `max_bytes`. Any thread. `fn` runs without a lock: it may take its time, and it may save, load
 * and remove cursors.
 *
 * @param first  set to the oldest number that is still there (last + 1 when none is): above after +
 * 1 means a hole, lost to retention
 * @return the number of the last record given, or `after` when there was none
 */
uint64_t journal_read(struct journal *j, uint64_t project_id, uint64_t after, uint32_t max_records,
                      uint64_t max_bytes, journal_record_fn fn, void *arg, uint64_t *first);

/** The newest visible number of a project; when there is none yet, the one to begin above. Any
 * thread. */
uint64_t journal_last_seq(struct journal *j, uint64_t project_id);

/** Saves how far a reader has come: records up to `seq` are not needed for it any more. `key` names
 * it in its project (JOURNAL_KEY_MAX). Any thread. */
void journal_save_cursor(struct journal *j, uint64_t project_id, struct slice key, uint64_t seq);

/** The saved position. Errors: ST_NOT_FOUND. Any thread. */
enum status journal_load_cursor(struct journal *j, uint64_t project_id, struct slice key,
                                uint64_t *seq) MUST_CHECK;

/** Forgets a reader. Any thread. */
void journal_remove_cursor(struct journal *j, uint64_t project_id, struct slice key);

/** Drops what no cursor of its project needs, and what retention no longer keeps. Committing thread
 * only. Gives how many records went. */
uint64_t journal_trim(struct journal *j, int64_t now_unix_ms);

/** Drops a project with its records and cursors; its numbers begin anew. Committing thread only,
 * with no batch open. */
void journal_remove_project(struct journal *j, uint64_t project_id);
