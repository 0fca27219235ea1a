/*
 * The history of alarms on disk, in LMDB: every change of every rule at every device, by project
 * and time.
 *
 * Written in batches by one thread (store/alarm_commit.h); read by any thread, and by the command
 * line while a server runs. Bounded for each project by age and by count. Source: open-api.md 6
 */
#pragma once

#include <stdbool.h>

#include "store/alarm_record.h"

struct alarm_store;

/** Opens or makes `<data_dir>/alarms`. `error`: one line for a person on failure. Errors: ST_IO,
 * ST_CORRUPT, ST_UNSUPPORTED (of a newer program). */
enum status alarm_store_open(const char *data_dir, struct alarm_store **out, char *error,
                             size_t error_len) MUST_CHECK;
void alarm_store_close(struct alarm_store **s);

/** Whether there is a history below this data directory. */
bool alarm_store_exists(const char *data_dir);

/** Copies one moment of it to `<to>/alarms`, while others may write to it. `error`: as above.
 * Errors: ST_CORRUPT, and those of lmdb_env_copy. */
enum status alarm_store_copy(const char *data_dir, const char *to, char *error,
                             size_t error_len) MUST_CHECK;

/** Looks through its pages. `error`: the first fault. Errors: ST_NOT_FOUND, ST_CORRUPT, ST_IO,
 * ST_UNSUPPORTED. */
enum status alarm_store_check(const char *data_dir, char *error, size_t error_len) MUST_CHECK;

/** The next of the records to store, or NULL; starts anew when `restart` is set. */
typedef struct alarm_record *(*alarm_store_next_fn)(bool restart, void *arg);

/** Stores records, all or none, with one fsync; sets their numbers. `next` may be asked for all of
 * them more than once. Errors: ST_IO, ST_CORRUPT. */
enum status alarm_store_append(struct alarm_store *s, alarm_store_next_fn next,
                               void *arg) MUST_CHECK;

/** A place in a project's history: behind it, towards the past, a reading goes on. */
struct alarm_place {
    int64_t ts_ms;
    uint64_t number;
};

struct alarm_query {
    uint64_t project_id;
    uint64_t device_id, rule_id; /* 0: any */
    uint32_t levels;             /* a bit each; 0: any */
    int64_t from_ms, to_ms;      /* from_ms <= ts < to_ms; both 0: any */
    struct alarm_place below;    /* number 0: begin with the newest */
    size_t limit;                /* records at most, 1 or more */
};

/** Called with a borrowed record. */
typedef void (*alarm_store_fn)(const struct alarm_record *r, void *arg);

/**
 * Reads records, newest first.
 *
 * @param next  where to go on (as `below`); its number is 0 when all has been read. A search looks
 *              at so many records only, so there may be fewer than the limit and a place to go on.
 * Errors: ST_IO, ST_CORRUPT
 */
enum status alarm_store_read(struct alarm_store *s, const struct alarm_query *q, alarm_store_fn fn,
                             void *arg, struct alarm_place *next) MUST_CHECK;

struct alarm_limits {
    int64_t age_ms; /* older records go */
    uint64_t count; /* of a project; the oldest go */
};

/**
 * Removes what is beyond the limits, a bounded number at a time.
 *
 * @param removed  how many went; as many as ALARM_STORE_TRIM_MAX: there may be more
 */
enum status alarm_store_trim(struct alarm_store *s, const struct alarm_limits *limits,
                             int64_t now_ms, size_t *removed) MUST_CHECK;

enum { ALARM_STORE_TRIM_MAX = 2000, ALARM_STORE_LOOKS_MAX = 20000 };

/** Removes all of a project. */
enum status alarm_store_remove_project(struct alarm_store *s, uint64_t project_id) MUST_CHECK;
