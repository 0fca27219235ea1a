/*
 * What a journal must hold: lists in memory, written from store/journal.h alone.
 *
 * Records and values are numbers that stand for bytes (journal_model_bytes), so that a list of them
 * is small and each is told from all others. What the open batch holds, and cursors that are not
 * durable yet, are apart: a crash takes them away.
 */
#pragma once

#include "chance.h"
#include "store/journal.h"

enum {
    MODEL_PROJECTS = 5,
    MODEL_KEYS = 12,          /* of rows and of cursors, in each project */
    MODEL_BYTES_MAX = 2 << 20 /* of a record or a value */
};

/** Bytes of a record or a value; `tag` 0: there is no such value. */
struct model_item {
    uint32_t tag, len;
};

struct model_record {
    struct model_item item;
    int64_t ms;
};

struct model_cursor {
    bool exists;
    struct journal_position at;
};

struct model_project {
    uint64_t id;
    uint64_t first_seq, last_seq; /* of its records; last + 1: none */
    struct buffer records;        /* owned: struct model_record, from first to last */
    uint64_t bytes;               /* of them */
    uint64_t batch_count;         /* records of the open batch */
    struct model_cursor saved[MODEL_KEYS], durable[MODEL_KEYS];
    struct model_item rows[JOURNAL_TABLE_COUNT][MODEL_KEYS];
};

/** One change of the open batch. */
struct model_change {
    bool is_row;
    uint8_t project, table, key;
    struct model_item item;
};

struct journal_model {
    struct model_project projects[MODEL_PROJECTS];
    struct buffer keys[MODEL_KEYS]; /* owned; in the order of their bytes */
    struct journal_limits limits;
    struct buffer batch; /* owned: struct model_change, in order */
    int64_t batch_ms;    /* no record of this or a later batch is older, in this life */
    uint32_t last_tag;
    uint64_t records, trimmed; /* ever */
    uint64_t along;            /* records that the last batch took along, */
    int64_t along_lost;        /* and those that a cursor still needed */
};

void journal_model_init(struct journal_model *m, struct chance *c);
void journal_model_deinit(struct journal_model *m);
/** Makes another one that says the same. */
void journal_model_copy(struct journal_model *to, const struct journal_model *from);

/** The bytes that an item stands for; they stay. */
struct slice journal_model_bytes(struct model_item item);

/** A new item of so many bytes. */
struct model_item journal_model_item(struct journal_model *m, uint32_t len);

/** A record that is there. */
struct model_record journal_model_record(const struct model_project *p, uint64_t seq);

static inline struct slice journal_model_key(const struct journal_model *m, unsigned key)
{
    return buffer_slice(&m->keys[key]);
}

/** Adds a record to the open batch; gives its number. */
uint64_t journal_model_append(struct journal_model *m, unsigned project, struct model_item item);
/** Puts a row in the open batch; tag 0 removes it. */
void journal_model_put(struct journal_model *m, enum journal_table table, unsigned project,
                       unsigned key, struct model_item item);

/** The open batch is durable, and the cursors with it. It takes along what is over in the projects
 * of its records: twice as many as it has, and none of its own. */
void journal_model_commit(struct journal_model *m, int64_t now_ms);
/** A batch was begun at this time, also if it could not be stored: later ones are no older. */
void journal_model_note_time(struct journal_model *m, int64_t now_ms);
/** The cursors alone. */
void journal_model_commit_cursors(struct journal_model *m, int64_t now_ms);

/** The number of the first record that a trim without a bound would leave. */
uint64_t journal_model_kept(const struct journal_model *m, const struct model_project *p,
                            int64_t now_ms);
/** How many of the records below this number some cursor is not past. */
int64_t journal_model_owed(const struct model_project *p, uint64_t first_seq);
/** Records below this number are gone. */
void journal_model_drop(struct journal_model *m, struct model_project *p, uint64_t first_seq);

void journal_model_remove_project(struct journal_model *m, unsigned project);

/** True when this may be the number below the first record that was committed at or after a time.
 * The clock may have been set back between two lives; then there are several. */
bool journal_model_is_before(const struct model_project *p, uint64_t seq, int64_t unix_ms);

/** What was not durable is gone. */
void journal_model_crash(struct journal_model *m);
