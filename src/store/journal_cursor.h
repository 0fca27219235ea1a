/*
 * The cursors of one project: names with a position, and which of them have changed since they were
 * last written down.
 *
 * Guarded by its owner's lock. A cursor that was removed stays in the list of changes until it is
 * taken from there.
 */
#pragma once

#include "base/hash_table.h"
#include "base/list.h"
#include "store/journal.h"

struct journal_cursor {
    struct list changed_node; /* in journal_cursors.changed */
    struct journal_position at;
    bool is_removed;
    uint16_t key_len;
    uint8_t key[];
};

struct journal_cursors {
    struct hash_table by_key; /* owned: struct journal_cursor */
    struct list changed;      /* those that changed; removed ones are owned here */
    bool keeps_changes;       /* otherwise the list stays empty */
};

void journal_cursors_init(struct journal_cursors *c, bool keeps_changes);
void journal_cursors_deinit(struct journal_cursors *c);

static inline struct slice journal_cursor_key(const struct journal_cursor *c)
{
    return slice_make(c->key, c->key_len);
}

/** The cursor of this name, or NULL. */
struct journal_cursor *journal_cursors_find(const struct journal_cursors *c, struct slice key);

/** Sets a position; makes the cursor when there is none of this name. */
void journal_cursors_save(struct journal_cursors *c, struct slice key, struct journal_position at);

/** Sets a position that is written down already. */
void journal_cursors_load(struct journal_cursors *c, struct slice key, struct journal_position at);

/** Forgets a cursor; none of this name is fine. */
void journal_cursors_remove(struct journal_cursors *c, struct slice key);

/** The lowest position; UINT64_MAX: there are no cursors. */
uint64_t journal_cursors_lowest(const struct journal_cursors *c);

typedef void (*journal_cursor_fn)(const struct journal_cursor *c, void *arg);
/** Gives each change once, in the order in which they came, and forgets them. */
void journal_cursors_take_changes(struct journal_cursors *c, journal_cursor_fn fn, void *arg);
