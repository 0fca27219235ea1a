/* Rows by notifier and number, so that the oldest one is the first. */
#include "store/alarm_outbox.h"

#include "store/alarm_store_priv.h"

static struct alarm_key key_of(uint64_t notifier_id, uint64_t number)
{
    struct alarm_key k = alarm_key_of_id(notifier_id);

    alarm_key_add(&k, number);
    return k;
}

void alarm_outbox_put(struct lmdb_env_txn *t, const struct alarm_record *r)
{
    struct alarm_key value = alarm_key_of_id(r->project_id);

    alarm_key_add(&value, (uint64_t)r->ts_ms);
    for (size_t i = 0; i < r->owed_count; i++) {
        struct alarm_key key = key_of(r->owed[i], r->number);

        lmdb_env_put(t, ALARM_TABLE_OUTBOX, alarm_key_slice(&key), alarm_key_slice(&value));
    }
}

/* --- the first one ---------------------------------------------------------------------------- */

struct search {
    uint64_t notifier_id, number; /* number 0: nothing was found */
    struct lmdb_env_txn *txn;
    struct buffer *bytes;
};

static bool on_row(struct slice key, struct slice value, void *arg)
{
    struct search *s = arg;
    struct alarm_key change;
    struct slice record;

    if (alarm_key_read(key, 0) != s->notifier_id)
        return false;
    s->number = alarm_key_read(key, 8);
    change =
        alarm_key_of_change(alarm_key_read(value, 0),
                            (struct alarm_place){(int64_t)alarm_key_read(value, 8), s->number});
    if (lmdb_env_get(s->txn, ALARM_TABLE_CHANGE, alarm_key_slice(&change), &record))
        buffer_append_slice(s->bytes, record);
    return false;
}

static void search(struct lmdb_env_txn *t, void *arg)
{
    struct search *s = arg;
    struct alarm_key from = alarm_key_of_id(s->notifier_id);

    s->txn = t;
    lmdb_env_each_from(t, ALARM_TABLE_OUTBOX, alarm_key_slice(&from), on_row, s);
}

enum status alarm_outbox_first(struct alarm_store *s, uint64_t notifier_id,
                               struct alarm_record *out, struct buffer *bytes)
{
    struct search found = {.notifier_id = notifier_id, .bytes = bytes};
    enum status st;

    bytes->len = 0;
    *out = (struct alarm_record){0};
    st = lmdb_env_read(s->env, search, &found);
    if (st != ST_OK)
        return st;
    if (found.number == 0)
        return ST_NOT_FOUND;
    st = alarm_record_read(buffer_slice(bytes), out);
    if (st != ST_OK)
        *out = (struct alarm_record){0};
    out->number = found.number;
    return st;
}

/* --- removals --------------------------------------------------------------------------------- */

static void remove_row(struct lmdb_env_txn *t, void *arg)
{
    const struct alarm_key *key = arg;

    lmdb_env_remove(t, ALARM_TABLE_OUTBOX, alarm_key_slice(key));
}

enum status alarm_outbox_remove(struct alarm_store *s, uint64_t notifier_id, uint64_t number)
{
    struct alarm_key key = key_of(notifier_id, number);

    return lmdb_env_write(s->env, remove_row, &key);
}

static void remove_rows(struct lmdb_env_txn *t, void *arg)
{
    const struct alarm_key *key = arg;

    (void)lmdb_env_remove_prefix(t, ALARM_TABLE_OUTBOX, alarm_key_slice(key), SIZE_MAX);
}

enum status alarm_outbox_remove_notifier(struct alarm_store *s, uint64_t notifier_id)
{
    struct alarm_key key = alarm_key_of_id(notifier_id);

    return lmdb_env_write(s->env, remove_rows, &key);
}

/* --- counts ----------------------------------------------------------------------------------- */

struct counting {
    alarm_outbox_fn fn;
    void *arg;
    uint64_t notifier_id;
    size_t count;
};

static void tell(const struct counting *c)
{
    if (c->count > 0)
        c->fn(c->notifier_id, c->count, c->arg);
}

static bool count_row(struct slice key, struct slice value, void *arg)
{
    struct counting *c = arg;
    uint64_t notifier_id = alarm_key_read(key, 0);

    (void)value;
    if (notifier_id != c->notifier_id) {
        tell(c);
        c->notifier_id = notifier_id;
        c->count = 0;
    }
    c->count++;
    return true;
}

static void count_rows(struct lmdb_env_txn *t, void *arg)
{
    lmdb_env_each(t, ALARM_TABLE_OUTBOX, count_row, arg);
}

enum status alarm_outbox_each(struct alarm_store *s, alarm_outbox_fn fn, void *arg)
{
    struct counting c = {.fn = fn, .arg = arg};
    enum status st = lmdb_env_read(s->env, count_rows, &c);

    if (st == ST_OK)
        tell(&c);
    return st;
}
