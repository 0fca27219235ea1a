/*
 * Whether a journal holds what its model says: all of it, or what one reading gives. Nothing is
 * changed. Functions give false and a line about the first difference.
 */
#pragma once

#include "journal_model.h"

enum { JOURNAL_CHECK_TEXT_MAX = 256 };

struct journal_check {
    const struct journal_model *model; /* borrowed */
    struct journal *journal;           /* borrowed */
    bool is_new;      /* it has just been opened: its cursors are those that were durable */
    bool is_beside;   /* another journal is open, and counted, too */
    unsigned leaving; /* a project whose removal was cut off: of its rows and cursors some may be
                         gone; MODEL_PROJECTS: none */
    char text[JOURNAL_CHECK_TEXT_MAX];
};

/** Records, numbers, cursors, rows, and what is counted. */
bool journal_check_all(struct journal_check *x);

/** What is asked of one reading. */
struct journal_check_reading {
    unsigned project;
    uint64_t after;
    uint32_t max_records;
    uint64_t max_bytes;
    uint32_t stop_at; /* its callback ends it at so many records; 0: never */
    /* hears of each record, when it was found right; NULL. The model may change meanwhile: what is
     * read is what was there at the beginning. */
    void (*on_record)(uint64_t seq, struct model_item item, void *arg);
    void *arg;
    uint64_t first, last; /* set: what journal_read gave */
};

/** Reads, and compares each record, where it ends, and which one is the oldest. */
bool journal_check_read(struct journal_check *x, struct journal_check_reading *reading);

/** Looks up the number of a time. */
bool journal_check_seq_before(struct journal_check *x, unsigned project, int64_t unix_ms);
