/*
 * What commits batches on a thread of its own: when it wakes, how it tries again, how it stops.
 *
 * The owner keeps what was submitted, behind this lock, and stores a batch; whose thread, lock and
 * pace it is, is here. A batch that cannot be stored is tried again with a pause; at the stop so
 * many times, then it is given up. Removals of projects run behind the batch before which they were
 * asked for. Without a thread (tests) the owner's turn is called by hand.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "base/bytes.h"

/** The owner's part, given its pointer. On the committing thread, but for `has_work`. */
struct commit_thread_owner {
    const char *name;                        /* of the thread */
    bool (*has_work)(const void *);          /* something was submitted; under the lock */
    bool (*turn)(void *);                    /* one batch; true: there was one, and it is stored */
    bool (*is_stuck)(const void *);          /* a batch could not be stored, and waits */
    uint64_t (*idle_until_ms)(const void *); /* monotonic: when a turn is due without work */
    void (*remove_project)(void *, uint64_t project_id);
    void (*give_up)(void *); /* what waits will not be stored any more */
};

/** Part of the owner; touched by these functions only. */
struct commit_thread {
    const struct commit_thread_owner *owner;
    void *arg;
    bool is_threaded;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool is_stopping;             /* guarded by the mutex */
    struct buffer removals;       /* likewise; owned: project identifiers */
    struct buffer batch_removals; /* owned; those that run behind the present batch */
};

/** Begins; `owner` is static, `arg` its pointer, which is ready for use. */
void commit_thread_start(struct commit_thread *t, const struct commit_thread_owner *owner,
                         void *arg, bool threaded);
/** Ends the thread, stores what was submitted or gives it up, and frees what is in it. Nobody may
 * submit any more; the last turns run on the caller's thread. */
void commit_thread_stop(struct commit_thread *t);

void commit_thread_lock(struct commit_thread *t);
void commit_thread_unlock(struct commit_thread *t);
/** Something was submitted where nothing was; outside the lock. */
void commit_thread_wake(struct commit_thread *t);

/** Any thread. */
void commit_thread_remove_project(struct commit_thread *t, uint64_t project_id);
/** A batch is being taken: removals that were asked for so far run behind it. Under the lock. */
void commit_thread_take_removals(struct commit_thread *t);
/** The batch is stored: they run. */
void commit_thread_run_removals(struct commit_thread *t);
