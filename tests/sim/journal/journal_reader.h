/*
 * A session as the journal sees it: a position, which is saved from time to time, and two ways to
 * new records. It lives on what it is told of each batch, later than the batch, or it is behind and
 * reads the journal in small portions; it changes between the two at any time.
 *
 * It must get each record of its project once, in order; or be shown a hole, where retention has
 * taken what it had not got. After a crash it goes on from its saved position, and what it gets
 * again must be what it got before. Source: architecture.md "The journal"
 */
#pragma once

#include "journal_life.h"

enum {
    READER_SEEN_MAX = 64,   /* records that it remembers */
    READER_LETTERS_MAX = 40 /* that may wait; then it is behind */
};

enum reader_state { READER_AWAY, READER_LIVE, READER_BEHIND };

/** A record that it is told of, or has seen. */
struct reader_letter {
    uint64_t seq;
    struct model_item item;
};

struct journal_reader {
    struct journal_life *life; /* borrowed */
    unsigned project, key;     /* its cursor */
    enum reader_state state;
    uint64_t position;                          /* the last record that it has got */
    uint64_t highest;                           /* that it ever got, of this project */
    struct reader_letter seen[READER_SEEN_MAX]; /* by number */
    struct buffer letters;                      /* owned: struct reader_letter, in order */
    void (*on_record)(void *arg);               /* within its readings, after each record */
    void *arg;
    uint64_t got, again, holes, switches;
};

void journal_reader_init(struct journal_reader *r, struct journal_life *l, unsigned project,
                         unsigned key);
void journal_reader_deinit(struct journal_reader *r);

/** It is told of a record that is durable. */
void journal_reader_tell(struct journal_reader *r, uint64_t seq, struct model_item item);
/** It handles some of what it was told, or reads a portion. */
void journal_reader_turn(struct journal_reader *r);
/** It comes (back), or goes. */
void journal_reader_come(struct journal_reader *r);
void journal_reader_go(struct journal_reader *r);
/** It saves its position. */
void journal_reader_save(struct journal_reader *r);
/** Its session ends, and its cursor with it. */
void journal_reader_remove(struct journal_reader *r);
/** Its project is gone, and numbers begin anew. */
void journal_reader_forget(struct journal_reader *r);

/** It catches up until it has all that there is. */
void journal_reader_finish(struct journal_reader *r);
