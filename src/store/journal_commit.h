/*
 * Group commit: requests of all workers are appended together and committed at once by one thread,
 * which gives the numbers in the order of commit.
 *
 * Requests of one submitter keep their order. The callback runs on the committing thread with all
 * requests of a batch, in order, after they are durable. Without a thread (tests)
 * journal_commit_turn does the same by hand. When a commit fails it is tried again (with a pause,
 * logged, counted) and nothing is called back meanwhile: acknowledgements stop, which is the back
 * pressure. Source: architecture.md "The journal"
 */
#pragma once

#include "store/journal.h"

struct journal_commit;

enum { JOURNAL_COMMIT_WAITING_MAX = 64 * 1024 * 1024, JOURNAL_TAG_WORDS = 9 };

enum journal_request_kind {
    JOURNAL_REQUEST_RECORD,
    JOURNAL_REQUEST_ROW,
    JOURNAL_REQUEST_BARRIER /* nothing: it is called back when its batch is durable */
};

/** One record to append, one row to put, or a barrier; a single block. */
struct journal_request {
    struct journal_request *next;
    uint64_t project_id;
    uint64_t seq; /* set by the commit: a record's number, otherwise 1; 0: given up at the stop, it
                     is not stored */
    uint64_t tag[JOURNAL_TAG_WORDS]; /* the submitter's, in a form of its own: zero at first, and
                                        passed through */
    uint8_t kind;                    /* enum journal_request_kind */
    uint8_t table;    /* enum journal_table; of a row, whose key stands before its value */
    uint16_t key_len; /* likewise */
    uint32_t len;
    uint8_t bytes[];
};

/** A request for a record of `len` bytes, which the caller fills; owned by the caller until it is
 * submitted. */
struct journal_request *journal_request_new(uint64_t project_id, size_t len);

/** A request to put a row (an empty value removes it); owned as above. */
struct journal_request *journal_request_new_row(uint64_t project_id, enum journal_table table,
                                                struct slice key, struct slice value);
/** A request that stores nothing; owned as above. */
struct journal_request *journal_request_new_barrier(uint64_t project_id);
void journal_request_free(struct journal_request **r);

/** Ownership of the list (linked by next, in order) passes to the callee. */
typedef void (*journal_committed_fn)(struct journal_request *first, void *arg);

/** @param threaded  a thread of its own commits; otherwise journal_commit_turn. It also trims about
 * once a second, more often while much is over. `j` is borrowed. */
struct journal_commit *journal_commit_new(struct journal *j, bool threaded, journal_committed_fn fn,
                                          void *arg);

/** Ends the thread, commits what was submitted, calls back. What still cannot be committed after
 * some attempts is called back with seq 0. No thread may submit any more; the last callbacks run on
 * the caller's thread. */
void journal_commit_free(struct journal_commit **c);

/** How many bytes of requests may wait before it is full; JOURNAL_COMMIT_WAITING_MAX without it. */
void journal_commit_set_limit(struct journal_commit *c, size_t bytes);

/** True while so much waits for the disk that no more should be made: nothing is refused here, who
 * takes messages in stops. Any thread. */
bool journal_commit_is_full(const struct journal_commit *c);

/** Submits a list of requests (ownership passes). Any thread; never waits for a commit. */
void journal_commit_submit(struct journal_commit *c, struct journal_request *first);

/** Drops a project from the journal, behind the batch that takes what has been submitted so far.
 * Any thread. */
void journal_commit_remove_project(struct journal_commit *c, uint64_t project_id);

/** One batch by hand; true: there was one, and it is committed. It waits for the next turn when the
 * commit fails. */
bool journal_commit_turn(struct journal_commit *c);
