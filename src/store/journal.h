/*
 * The journal: one log a project, many cursors; and beside the logs, rows that change together with
 * them.
 *
 * A log is append only and numbered by project. Two sides: one committing thread writes, any thread
 * reads. The interface is what a distributed log offers too, so another implementation can stand
 * behind it (journal_priv.h). Records and rows are bytes; what they mean is not known here. Source:
 * architecture.md "The journal", open-api.md 3.4
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

struct journal;

enum {
    JOURNAL_KEY_MAX = 480,          /* bytes of a row's or a cursor's name, at least 1 */
    JOURNAL_RECORD_MAX = 257 << 20, /* bytes: more than the largest packet of MQTT */
    JOURNAL_TRIM_MOST = 4096        /* records that a trim takes before it leaves the rest */
};

/* X(NAME, name of the table, what its rows are) */
#define JOURNAL_TABLE_LIST(X)                                                           \
    X(SESSION, "session", "sessions that outlive their connections")                    \
    X(FLIGHT, "flight", "their deliveries of QoS 2 that are on their way")              \
    X(RECEPTION, "reception", "publishes of QoS 2 of devices that wait to be released") \
    X(APP_RECEPTION, "app_reception", "likewise of applications")                       \
    X(DOWNLINK, "downlink", "what waits for a device's session")                        \
    X(DEVICE, "device", "presence of devices")                                          \
    X(VALUE, "value", "their cloud values, a row each")                                 \
    X(ALARM, "alarm", "their alarm states")                                             \
    X(COMMAND, "command", "their commands")                                             \
    X(RETAINED, "retained", "retained messages to them")                                \
    X(SHARE_FLIGHT, "share_flight", "deliveries of QoS 2 of share groups on their way") \
    X(WILL, "will", "wills of clients that are connected, or that wait for their delay")

/** Tables of rows: keys in the order of their bytes below a project. */
enum journal_table {
#define X(name, word, text) JOURNAL_TABLE_##name,
    JOURNAL_TABLE_LIST(X)
#undef X
        JOURNAL_TABLE_COUNT
};

/* X(NAME, word): when an open message is recorded, and its device answered after the commit (what
 * comes at QoS 0 has no answer). */
#define JOURNAL_POLICY_LIST(X)                                           \
    X(WHEN_OWED, "when_owed") /* when a persistent session is owed it */ \
    X(ALWAYS, "always")       /* in any case */                          \
    X(NEVER, "never")         /* recorded when it is owed, and answered at once */

enum journal_policy {
#define X(name, word) JOURNAL_POLICY_##name,
    JOURNAL_POLICY_LIST(X)
#undef X
        JOURNAL_POLICY_COUNT
};

enum { JOURNAL_POLICY_WORD_MAX = 9 };

const char *journal_policy_word(enum journal_policy p);
/** False: it is none, and `*out` stays. */
bool journal_policy_parse(const char *word, enum journal_policy *out);

struct journal_limits {
    uint64_t retention_bytes; /* a project, 0: no limit */
    uint64_t retention_ms;    /* 0: no limit */
};

struct journal_record {
    uint64_t seq;
    int64_t committed_ms; /* Unix */
    struct slice bytes;   /* borrowed during the call */
};

/** How far a reader has come. */
struct journal_position {
    uint64_t seq;  /* the last record that it does not need any more */
    uint64_t mark; /* the reader's own, which belongs to this number */
};

/** Called with records in order; false ends the reading. */
typedef bool (*journal_record_fn)(const struct journal_record *r, void *arg);

/** A journal in memory. Never fails. Its contents end with the program; it keeps what some cursor
 * still needs. */
struct journal *journal_memory_new(const struct journal_limits *limits);

/**
 * Opens or makes the journal on disk, `<data_dir>/journal`. It keeps records until retention is
 * over, needed or not.
 *
 * @param error  on failure one line for a person
 * Errors: ST_IO, ST_FULL, ST_CORRUPT, ST_UNSUPPORTED (of a newer program)
 */
enum status journal_lmdb_open(const char *data_dir, const struct journal_limits *limits,
                              struct journal **out, char *error, size_t error_len) MUST_CHECK;

/** Closes it; an open batch is dropped. No thread may be in it any more. */
void journal_close(struct journal **j);

/**
 * Appends to the open batch; gives the record's number, growing by one a project, from 1.
 * Committing thread only. `bytes` is borrowed until a journal_commit has succeeded. Readers see it
 * from then on.
 */
uint64_t journal_append(struct journal *j, uint64_t project_id, struct slice bytes);

/** Puts a row in the place of the present one of its key, in the open batch; an empty value removes
 * it. Committing thread only; `key` and `value` are copied. */
void journal_put(struct journal *j, enum journal_table table, uint64_t project_id, struct slice key,
                 struct slice value);

/** Makes the batch durable and visible, with all cursors as they were last saved. What is over in
 * the projects of its records may go along, as by journal_trim. Committing thread only. Errors:
 * ST_IO, ST_FULL: nothing of the batch is stored, try again. */
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

/** The number below the first record that was committed at or after this time; the last one, if
 * none was. Any thread. */
uint64_t journal_seq_before(struct journal *j, uint64_t project_id, int64_t unix_ms);

/** The newest visible number of a project, 0: none yet. Any thread. */
uint64_t journal_last_seq(struct journal *j, uint64_t project_id);

/** Saves how far a reader has come. `key` names it in its project (JOURNAL_KEY_MAX). Durable with
 * the next commit, or about a second later. Any thread. */
void journal_save_cursor(struct journal *j, uint64_t project_id, struct slice key,
                         struct journal_position at);

/** The saved position. Errors: ST_NOT_FOUND. Any thread. */
enum status journal_load_cursor(struct journal *j, uint64_t project_id, struct slice key,
                                struct journal_position *at) MUST_CHECK;

/** Forgets a reader. Any thread. */
void journal_remove_cursor(struct journal *j, uint64_t project_id, struct slice key);

/** Called with borrowed bytes, project by project, in the order of the keys. */
typedef void (*journal_row_fn)(uint64_t project_id, struct slice key, struct slice value,
                               void *arg);
/** Walks the rows of a table, as they were last committed. Errors: ST_IO, ST_CORRUPT. Any thread.
 */
enum status journal_each(struct journal *j, enum journal_table table, journal_row_fn fn,
                         void *arg) MUST_CHECK;

/** Drops records that need not be kept any more, and makes cursors that were saved durable.
 * Committing thread only, with no batch open. Gives how many records went; from JOURNAL_TRIM_MOST
 * on there may be more. */
uint64_t journal_trim(struct journal *j, int64_t now_unix_ms);

/** Drops a project with its records, rows and cursors; its numbers begin anew. Committing thread
 * only, with no batch open. */
void journal_remove_project(struct journal *j, uint64_t project_id);
