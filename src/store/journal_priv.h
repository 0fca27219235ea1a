/*
 * What an implementation of the journal brings: the functions of store/journal.h as a table.
 *
 * An implementation's struct begins with struct journal. Threads, ownership and errors are as the
 * public header says of the function of the same name.
 */
#pragma once

#include "store/journal.h"

struct journal_ops {
    void (*close)(struct journal *j);
    uint64_t (*append)(struct journal *j, uint64_t project_id, struct slice bytes);
    void (*put)(struct journal *j, enum journal_table table, uint64_t project_id, struct slice key,
                struct slice value);
    enum status (*commit)(struct journal *j);
    uint64_t (*read)(struct journal *j, uint64_t project_id, uint64_t after, uint32_t max_records,
                     uint64_t max_bytes, journal_record_fn fn, void *arg, uint64_t *first);
    uint64_t (*last_seq)(struct journal *j, uint64_t project_id);
    void (*save_cursor)(struct journal *j, uint64_t project_id, struct slice key,
                        struct journal_position at);
    enum status (*load_cursor)(struct journal *j, uint64_t project_id, struct slice key,
                               struct journal_position *at);
    void (*remove_cursor)(struct journal *j, uint64_t project_id, struct slice key);
    enum status (*each)(struct journal *j, enum journal_table table, journal_row_fn fn, void *arg);
    uint64_t (*trim)(struct journal *j, int64_t now_unix_ms);
    void (*remove_project)(struct journal *j, uint64_t project_id);
};

struct journal {
    const struct journal_ops *ops;
};
