/*
 * Numbers that every thread counts for itself and that are read as sums over all threads.
 *
 * A thread's values are plain stores into its own memory (a thread-local array); when it ends,
 * they are added to what ended threads have left. Values can be negative: what one thread adds
 * another may take away. What `mem` and `counter` stand on; any thread.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

/** A family of sums; static, made with THREAD_SUMS_INIT. */
struct thread_sums {
    pthread_mutex_t mutex;
    pthread_key_t key; /* tells us that a thread ends */
    bool key_made;
    struct list parts;     /* of living threads */
    _Atomic int64_t *rest; /* borrowed, static: ended threads, and those without a part */
};

#define THREAD_SUMS_INIT(sums, rest_values)                                          \
    {                                                                                \
        .mutex = PTHREAD_MUTEX_INITIALIZER, .parts = {&(sums).parts, &(sums).parts}, \
        .rest = (rest_values)                                                        \
    }

/** One thread's part of a family; thread-local memory of that thread, zeroed at first. */
struct thread_sums_part {
    struct list node;
    struct thread_sums *sums;  /* borrowed, static */
    _Atomic int64_t **current; /* the thread's pointer to its values: NULL before and after */
    size_t count;
    bool joined; /* stays true when the thread has left: nothing joins twice */
};

/**
 * Lets the calling thread count in `values` until it ends; a second call changes nothing.
 *
 * @param part     thread-local
 * @param values   thread-local, `count` of them, all zero
 * @param current  thread-local; set to `values`, and to NULL when the thread ends
 */
void thread_sums_join(struct thread_sums *sums, struct thread_sums_part *part,
                      _Atomic int64_t *values, size_t count, _Atomic int64_t **current);

/** Adds to what no living thread's part holds: for threads that have none. */
void thread_sums_add_rest(struct thread_sums *sums, size_t index, int64_t n);

/** The sum of one value over all threads. */
int64_t thread_sums_read(struct thread_sums *sums, size_t index);
