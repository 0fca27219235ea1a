/*
 * What programs of before journal format 2 kept of devices, in LMDB: their cloud values, their
 * presence, and parts that are bytes which only others understand. Read once, and taken into the
 * journal (app/journal_sync.c).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

struct value_store;

/** Its folder below the data directory. */
#define VALUE_STORE_FOLDER "values"

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

/** Opens it. `error`: one line for a person on failure. Errors: ST_NOT_FOUND, ST_IO, ST_CORRUPT. */
enum status value_store_open(const char *data_dir, struct value_store **out, char *error,
                             size_t error_len) MUST_CHECK;
void value_store_close(struct value_store **s);

/** Borrowed during the call. */
typedef void (*value_store_fn)(const struct value_store_entry *e, void *arg);
/** Every stored value, grouped by device. Errors: ST_IO, ST_CORRUPT. */
enum status value_store_each(struct value_store *s, value_store_fn fn, void *arg) MUST_CHECK;

/** @param since_ms  Unix; 0: not known */
typedef void (*value_store_presence_fn)(uint64_t device_id, bool is_online, int64_t since_ms,
                                        void *arg);
/** Every device whose presence is known. Errors: ST_IO, ST_CORRUPT. */
enum status value_store_each_presence(struct value_store *s, value_store_presence_fn fn,
                                      void *arg) MUST_CHECK;

typedef void (*value_store_part_fn)(uint64_t device_id, struct slice bytes, void *arg);
/** A part of every device that has it. Errors: ST_IO, ST_CORRUPT. */
enum status value_store_each_part(struct value_store *s, enum value_store_part part,
                                  value_store_part_fn fn, void *arg) MUST_CHECK;
