/*
 * Backup sets: a directory with the parts of a data directory at nearly one moment, and what is
 * known of them.
 *
 * The parts are copied one after the other, in an order in which the set is what a running server
 * could have left behind at a crash: the journal first, then the history of alarms, the registry
 * last. For a device or project is in the registry before the journal can know anything of it, and
 * what has gone from the registry since is taken out of the journal at the next start. One thread;
 * it blocks. Source: docs/operations.md "Backup"
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

enum { BACKUP_FORMAT = 1, BACKUP_NAME_MAX = 255, BACKUP_ERROR_MAX = 512 };

struct backup_file {
    char name[BACKUP_NAME_MAX + 1]; /* below the set's directory */
    uint64_t bytes;
};

struct backup_set {
    long schema;             /* of the registry */
    uint32_t journal_format; /* 0: there is no journal yet */
    bool has_keys;           /* secret.key and tls/ are in it */
    struct buffer files;     /* owned: struct backup_file */
};

void backup_set_deinit(struct backup_set *s);

/**
 * Copies a data directory, whether a server runs on it or not, into a directory that is empty or
 * not there, and looks through the copies.
 *
 * @param with_keys  secret.key and tls/, too
 * @param out        backup_set_deinit, also on failure
 * @param error      on failure one line for a person
 * Errors: ST_NOT_FOUND (no data directory), ST_EXISTS (`to` is not empty), ST_CORRUPT,
 * ST_UNSUPPORTED, ST_FULL, ST_IO, ST_BUSY
 */
enum status backup_make(const char *data_dir, const char *to, bool with_keys,
                        struct backup_set *out, char error[BACKUP_ERROR_MAX]) MUST_CHECK;

/**
 * Puts the files of a set into a data directory that is empty or not there, and looks through them.
 *
 * @param s      what its maker wrote down of it
 * @param error  on failure one line for a person
 * Errors: ST_EXISTS (the target is not empty), ST_BUSY (a server runs on it), ST_CORRUPT,
 * ST_UNSUPPORTED, ST_FULL, ST_IO
 */
enum status backup_restore(const char *from, const char *data_dir, const struct backup_set *s,
                           char error[BACKUP_ERROR_MAX]) MUST_CHECK;
