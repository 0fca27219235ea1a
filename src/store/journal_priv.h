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
    void (*begin_above)(struct journal *j, uint64_t seq);
    uint64_t (*highest_seq)(struct journal *j);
    uint64_t (*append)(struct journal *j, uint64_t project_id, struct slice bytes);
    enum status (*commit)(struct journal *j);
    uint64_t (*read)(struct journal *j, uint64_t project_id, uint64_t after, uint32_t max_records,
                     uint64_t max_bytes, journal_record_fn fn, void *arg, uint64_t *first);
    uint64_t (*last_seq)(struct journal *j, uint64_t project_id);
    void (*save_cursor)(struct journal *j, uint64_t project_id, struct slice key, uint64_t seq);
    enum status (*load_cursor)(struct journal *j, uint64_t project_id, struct slice key,
                               uint64_t *seq);
    void (*remove_cursor)(struct journal *j, uint64_t project_id, struct slice key);
    uint64_t (*trim)(struct journal *j, int64_t now_unix_ms);
    void (*remove_project)(struct journal *j, uint64_t project_id);
};

struct journal {
    const struct journal_ops *ops;
};
