/* Cursors by name. A change moves a cursor to the end of the list of changes once; a name that is
 * removed and saved again is two cursors there, in this order. */
#include "store/journal_cursor.h"

#include <string.h>

#include "base/mem.h"

static bool has_key(const void *item, const void *key)
{
    return slice_equal(journal_cursor_key(item), *(const struct slice *)key);
}

void journal_cursors_init(struct journal_cursors *c, bool keeps_changes)
{
    hash_table_init(&c->by_key, MEM_JOURNAL, has_key);
    list_init(&c->changed);
    c->keeps_changes = keeps_changes;
}

void journal_cursors_deinit(struct journal_cursors *c)
{
    struct journal_cursor *cursor;
    struct list *node;
    size_t at = 0;

    while ((node = list_pop_front(&c->changed)) != NULL) {
        cursor = list_entry(node, struct journal_cursor, changed_node);
        if (cursor->is_removed)
            mem_free(cursor);
    }
    while ((cursor = hash_table_next(&c->by_key, &at)) != NULL)
        mem_free(cursor);
    hash_table_deinit(&c->by_key);
}

struct journal_cursor *journal_cursors_find(const struct journal_cursors *c, struct slice key)
{
    return hash_table_find(&c->by_key, hash_bytes(key), &key);
}

static void note(struct journal_cursors *c, struct journal_cursor *cursor)
{
    if (c->keeps_changes && !list_is_linked(&cursor->changed_node))
        list_push_back(&c->changed, &cursor->changed_node);
}

static struct journal_cursor *get(struct journal_cursors *c, struct slice key)
{
    struct journal_cursor *cursor = journal_cursors_find(c, key);

    if (cursor != NULL)
        return cursor;
    cursor = mem_new(MEM_JOURNAL, sizeof(*cursor) + key.len);
    cursor->key_len = (uint16_t)key.len;
    memcpy(cursor->key, key.data, key.len);
    hash_table_put(&c->by_key, hash_bytes(key), cursor);
    return cursor;
}

void journal_cursors_load(struct journal_cursors *c, struct slice key, struct journal_position at)
{
    get(c, key)->at = at;
}

void journal_cursors_save(struct journal_cursors *c, struct slice key, struct journal_position at)
{
    struct journal_cursor *cursor = get(c, key);

    cursor->at = at;
    note(c, cursor);
}

void journal_cursors_remove(struct journal_cursors *c, struct slice key)
{
    struct journal_cursor *cursor = hash_table_remove(&c->by_key, hash_bytes(key), &key);

    if (cursor == NULL)
        return;
    if (!c->keeps_changes) {
        mem_free(cursor);
        return;
    }
    cursor->is_removed = true;
    note(c, cursor);
}

uint64_t journal_cursors_lowest(const struct journal_cursors *c)
{
    const struct journal_cursor *cursor;
    uint64_t lowest = UINT64_MAX;
    size_t at = 0;

    while ((cursor = hash_table_next(&c->by_key, &at)) != NULL)
        lowest = cursor->at.seq < lowest ? cursor->at.seq : lowest;
    return lowest;
}

void journal_cursors_take_changes(struct journal_cursors *c, journal_cursor_fn fn, void *arg)
{
    struct list *node;

    while ((node = list_pop_front(&c->changed)) != NULL) {
        struct journal_cursor *cursor = list_entry(node, struct journal_cursor, changed_node);

        fn(cursor, arg);
        if (cursor->is_removed)
            mem_free(cursor);
    }
}
