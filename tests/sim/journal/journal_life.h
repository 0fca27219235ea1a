/*
 * The life of a journal on disk beside its model: what is done to the one is done to the other, and
 * ends that come at any moment.
 *
 * Most lives end in the middle of a call to the disk: its image is taken there, the program goes on
 * as if nothing were, and what follows is thrown away. The next life begins over the image, and
 * must find what the model says, up to the last step that was over, or with the one that was under
 * way.
 */
#pragma once

#include "journal_check.h"
#include "data_place.h"
#include "store/journal_commit.h"

enum { LIFE_STAGES_MAX = 16 };

/** Steps that take effect one after the other; each whole or not at all, but a removal. */
enum life_stage_kind { LIFE_COMMIT, LIFE_REMOVE, LIFE_CURSORS, LIFE_TRIM };

struct life_stage {
    enum life_stage_kind kind;
    unsigned project;
};

struct journal_life;

struct life_hooks {
    /** A record is durable and visible; committing thread. */
    void (*committed)(void *arg, unsigned project, uint64_t seq, struct model_item item);
    /** A project is gone. */
    void (*removed)(void *arg, unsigned project);
    /** A new life: what was not durable is forgotten. */
    void (*begun)(void *arg);
    /** A step that writes begins, or is over; may be NULL. */
    void (*writes)(void *arg, bool is_over);
};

struct life_counts {
    uint64_t crashes, cut_off, reopens, trims, removals, failures, commits;
};

/** What kind of runs there are. */
enum life_kind {
    LIFE_PLAIN,
    LIFE_HEAVY, /* large records, and a map that grows */
    LIFE_CALM   /* nothing fails, and nothing ends it but its process */
};

struct journal_life {
    struct chance chance;
    struct data_place *place;      /* borrowed: whoever opens it */
    struct journal *journal;       /* owned */
    struct journal_commit *commit; /* owned; NULL in lives that call the journal themselves */
    struct journal_model model;
    struct journal_limits limits; /* of this life; the model's, when it has been compared */
    const struct life_hooks *hooks;
    void *arg;
    bool queues; /* has a journal_commit */
    enum life_kind kind;
    bool is_beside;  /* it looks at what another process has left */
    bool is_dying;   /* what is called back now is of nobody's interest */
    bool is_reading; /* a reading is under way: ends have to wait */
    uint64_t next_trim_ms;
    uint64_t submitted, called_back;  /* requests of the open batch */
    uint8_t removals[MODEL_PROJECTS]; /* likewise, in order: projects */
    unsigned removal_count;
    uint64_t trim_count;       /* what a trim has said */
    bool has_more;             /* it has left some for the next */
    int64_t lost, lost_before; /* records that it has taken from a cursor; and all before it */
    int64_t now_ms;            /* when the present step began */
    struct life_stage stages[LIFE_STAGES_MAX]; /* of the present step */
    unsigned stage_count;
    struct life_counts counts;
};

/** Begins with an empty journal; the seed decides everything. `place` is open, and outlives it. */
void journal_life_open(struct journal_life *l, uint64_t seed, enum life_kind kind,
                       struct data_place *place, const struct life_hooks *hooks, void *arg);
/** Ends it, and frees it. */
void journal_life_close(struct journal_life *l);

/** Compares what another process has left, which had done the same until the present step began, or
 * was over, or something between; and lets it go on a little. */
void journal_life_compare(struct journal_life *l, const struct data_place *other);

void journal_life_append(struct journal_life *l, unsigned project, uint32_t len);
void journal_life_put(struct journal_life *l, enum journal_table table, unsigned project,
                      unsigned key, uint32_t len);
void journal_life_save_cursor(struct journal_life *l, unsigned project, unsigned key,
                              struct journal_position at);
void journal_life_remove_cursor(struct journal_life *l, unsigned project, unsigned key);

void journal_life_commit(struct journal_life *l);
void journal_life_trim(struct journal_life *l);
/** A trim that cannot write: nothing goes. */
void journal_life_fail_trim(struct journal_life *l);
void journal_life_remove_project(struct journal_life *l, unsigned project);

/** A clean end, and another beginning. */
void journal_life_reopen(struct journal_life *l);
/** An end between two steps, and another beginning. */
void journal_life_crash(struct journal_life *l);

/** Compares everything. */
void journal_life_check(struct journal_life *l);
/** A reading that must give what the model has. */
void journal_life_read(struct journal_life *l, struct journal_check_reading *reading);
