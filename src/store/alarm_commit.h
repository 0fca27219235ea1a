/*
 * From the workers to the history of alarms: changes of all workers are stored together by one
 * thread, so that no worker waits for the disk.
 *
 * Changes of one submitter keep their order. What is submitted is on disk after one commit, usually
 * at once; a crash loses what was submitted during the last one. When a commit fails it is tried
 * again; what comes meanwhile waits, up to a limit. The same thread trims the history. Without a
 * thread (tests) alarm_commit_turn does the same by hand.
 */
#pragma once

#include "store/alarm_store.h"

struct alarm_commit;

/** One change to store; a single block. */
struct alarm_request {
    struct alarm_request *next;
    struct alarm_record record; /* its texts are behind it; what it owes is its own */
};

/** A request with a copy of the record; owned by the caller until it is submitted. */
struct alarm_request *alarm_request_new(const struct alarm_record *r);
void alarm_request_free(struct alarm_request **r);
/** Sets the notifiers that are to tell it; once. */
void alarm_request_owe(struct alarm_request *a, const uint64_t *notifiers, size_t count);

/** Called on the committing thread with requests that are stored, in order; ownership passes. */
typedef void (*alarm_committed_fn)(struct alarm_request *first, void *arg);

/** Called on the committing thread with a batch before it is stored, in order: who is to tell which
 * of them. */
typedef void (*alarm_owing_fn)(struct alarm_request *first, void *arg);

/** How it works. */
struct alarm_commit_plan {
    struct alarm_limits limits; /* that the history keeps to */
    size_t waiting_max;         /* bytes of changes that wait for the disk */
    bool is_threaded;           /* a thread of its own commits; otherwise alarm_commit_turn */
    alarm_owing_fn owing;       /* NULL: nobody is told; with the argument of alarm_commit_new */
};

/** @param s  borrowed */
struct alarm_commit *alarm_commit_new(struct alarm_store *s, const struct alarm_commit_plan *plan,
                                      alarm_committed_fn fn, void *arg);

/** Ends the thread and commits what was submitted; what cannot be stored is counted and logged. No
 * thread may submit any more; the last callbacks run on the caller's thread. */
void alarm_commit_free(struct alarm_commit **c);

/** Submits a list of requests (ownership passes). Any thread; never waits for the disk. Above the
 * limit they are dropped, counted and logged. */
void alarm_commit_submit(struct alarm_commit *c, struct alarm_request *first);

/** Drops a project's history, behind what has been submitted so far. Any thread. */
void alarm_commit_remove_project(struct alarm_commit *c, uint64_t project_id);

/** One batch by hand; true: there was one, and it is stored. */
bool alarm_commit_turn(struct alarm_commit *c);
