/*
 * What of a device must outlive the program, in LMDB: its cloud values, its presence, and parts
 * that are bytes which only others understand (alarm states, commands, retained downlinks).
 *
 * Written in batches by one thread, read whole at start. Key: device and attribute; value: time and
 * the JSON bytes. Source: open-api.md 3.2, 5
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

struct value_store;

enum { VALUE_STORE_NAME_MAX = 256 };

/* X(NAME, table) */
#define VALUE_STORE_PART_LIST(X) \
    X(ALARMS, "alarm")           \
    X(COMMANDS, "command")       \
    X(RETAINED, "retained")

enum value_store_part {
#define X(name, table) VALUE_STORE_##name,
    VALUE_STORE_PART_LIST(X)
#undef X
        VALUE_STORE_PART_COUNT
};

struct value_store_entry {
    uint64_t device_id;
    struct slice name;  /* attribute identifier, or any member name of an untyped device; up to
                           VALUE_STORE_NAME_MAX bytes */
    struct slice value; /* JSON bytes as sent */
    int64_t ts_ms;      /* when the value was true */
};

/** Opens or makes `<data_dir>/values`. `error`: one line for a person on failure. */
enum status value_store_open(const char *data_dir, struct value_store **out, char *error,
                             size_t error_len) MUST_CHECK;
void value_store_close(struct value_store **s);

typedef void (*value_store_fn)(const struct value_store_entry *e, void *arg);
/** @param since_ms  Unix; 0: not known */
typedef void (*value_store_presence_fn)(uint64_t device_id, bool is_online, int64_t since_ms,
                                        void *arg);
/** Every device whose presence was put. Errors: ST_IO, ST_CORRUPT. */
enum status value_store_each_presence(struct value_store *s, value_store_presence_fn fn,
                                      void *arg) MUST_CHECK;

typedef void (*value_store_part_fn)(uint64_t device_id, struct slice bytes, void *arg);
/** A part of every device that has it, as it was put. Errors: ST_IO, ST_CORRUPT. */
enum status value_store_each_part(struct value_store *s, enum value_store_part part,
                                  value_store_part_fn fn, void *arg) MUST_CHECK;

/** Every stored value, grouped by device; entries borrowed during the call. */
enum status value_store_each(struct value_store *s, value_store_fn fn, void *arg) MUST_CHECK;

/*
 * A batch: begin, put and remove any number, commit (one fsync); it is gathered in memory until
 * then. Nothing of a failed commit is stored, and the batch is kept: it can be committed again, or
 * dropped by the next begin.
 */
enum status value_store_begin(struct value_store *s) MUST_CHECK;
/** Copies the entry. Errors: ST_TOO_LARGE (name, value), ST_INVALID (no name), and then the batch
 * is as before. */
enum status value_store_put(struct value_store *s, const struct value_store_entry *e) MUST_CHECK;
/** Removes all that is stored of a device, what this batch has so far included. */
enum status value_store_remove_device(struct value_store *s, uint64_t device_id) MUST_CHECK;
/** Stores whether a device is online, and since when. */
enum status value_store_put_presence(struct value_store *s, uint64_t device_id, bool is_online,
                                     int64_t since_ms) MUST_CHECK;
/** Stores a part of a device; no bytes: nothing is kept. Errors: ST_TOO_LARGE, and then the batch
 * is as before. */
enum status value_store_put_part(struct value_store *s, enum value_store_part part,
                                 uint64_t device_id, struct slice bytes) MUST_CHECK;
/** Errors: ST_IO (a full disk, too), ST_CORRUPT. */
enum status value_store_commit(struct value_store *s) MUST_CHECK;
