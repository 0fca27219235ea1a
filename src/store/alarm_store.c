/*
 * The history in tables of LMDB.
 *
 * Records lie by project, time and number; a second table leads to them by device and by rule. A
 * record that comes a little late (another worker's batch) is put where its time says. How many
 * records a project has is counted in the same transactions, so that the limit by count is a
 * look-up.
 */
#include "store/alarm_store.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/alarm_store_priv.h"
#include "store/lmdb_env_inspect.h"

enum {
    FORMAT = 1,
    MAP_BYTES = 16 * 1024 * 1024 /* to begin with; it grows */
};

/* Whose a row of ALARM_TABLE_SUBJECT is: stands above the identifier, which is below 2^60. */
enum subject { SUBJECT_DEVICE = 1, SUBJECT_RULE = 2, SUBJECT_SHIFT = 60 };

static const char *const table_names[ALARM_TABLES] = {
    [ALARM_TABLE_CHANGE] = "change", [ALARM_TABLE_SUBJECT] = "subject",
    [ALARM_TABLE_COUNT] = "count",   [ALARM_TABLE_META] = "meta",
    [ALARM_TABLE_OUTBOX] = "outbox",
};

static const char number_key[] = "number", format_key[] = "format";

/* --- keys ------------------------------------------------------------------------------------ */

static uint64_t subject_of(enum subject kind, uint64_t id)
{
    invariant(id < UINT64_C(1) << SUBJECT_SHIFT);
    return id | (uint64_t)kind << SUBJECT_SHIFT;
}

static struct alarm_key subject_key(uint64_t project_id, uint64_t subject, struct alarm_place place)
{
    struct alarm_key k = {.len = 0};

    alarm_key_add(&k, project_id);
    alarm_key_add(&k, subject);
    alarm_key_add(&k, (uint64_t)place.ts_ms);
    alarm_key_add(&k, place.number);
    return k;
}

/* --- numbers --------------------------------------------------------------------------------- */

static uint64_t find_number(struct lmdb_env_txn *t, enum alarm_table table, struct slice key)
{
    struct slice value;

    if (!lmdb_env_get(t, table, key, &value) || value.len != sizeof(uint64_t))
        return 0;
    return alarm_key_read(value, 0);
}

static void put_number(struct lmdb_env_txn *t, enum alarm_table table, struct slice key,
                       uint64_t number)
{
    struct alarm_key value = alarm_key_of_id(number);

    lmdb_env_put(t, table, key, alarm_key_slice(&value));
}

/* --- open ------------------------------------------------------------------------------------ */

static bool make_path(const char *data_dir, const char *name, char path[PATH_MAX])
{
    int len = snprintf(path, PATH_MAX, "%s/alarms%s", data_dir, name);

    return len > 0 && len < PATH_MAX;
}

static void read_format(struct lmdb_env_txn *t, void *arg)
{
    *(uint64_t *)arg = find_number(t, ALARM_TABLE_META, slice_of(format_key));
}

static void mark_format(struct lmdb_env_txn *t, void *arg)
{
    (void)arg;
    put_number(t, ALARM_TABLE_META, slice_of(format_key), FORMAT);
}

static enum status tell_newer(const char *path, uint64_t format, char *error, size_t error_len)
{
    (void)snprintf(error, error_len,
                   "%s: is of a newer program (format %llu, this one knows %d); start that one",
                   path, (unsigned long long)format, FORMAT);
    return ST_UNSUPPORTED;
}

static enum status check_format(struct lmdb_env *env, const char *path, char *error,
                                size_t error_len)
{
    uint64_t format = 0;
    enum status st = lmdb_env_read(env, read_format, &format);

    if (st == ST_OK && format > FORMAT)
        return tell_newer(path, format, error, error_len);
    if (st == ST_OK && format == 0)
        st = lmdb_env_write(env, mark_format, NULL);
    if (st != ST_OK)
        (void)snprintf(error, error_len, "%s: cannot be read or written: %s", path,
                       status_text(st));
    return st;
}

enum status alarm_store_open(const char *data_dir, struct alarm_store **out, char *error,
                             size_t error_len)
{
    struct lmdb_env *env;
    char path[PATH_MAX];
    enum status st;

    if (!make_path(data_dir, "", path)) {
        (void)snprintf(error, error_len, "%s: the name is too long", data_dir);
        return ST_IO;
    }
    st = lmdb_env_open(path, table_names, ALARM_TABLES, MAP_BYTES, &env, error, error_len);
    if (st != ST_OK)
        return st;
    st = check_format(env, path, error, error_len);
    if (st != ST_OK) {
        lmdb_env_close(&env);
        return st;
    }
    *out = mem_new_of(MEM_BASE, struct alarm_store);
    (*out)->env = env;
    return ST_OK;
}

void alarm_store_close(struct alarm_store **s)
{
    if (*s == NULL)
        return;
    lmdb_env_close(&(*s)->env);
    mem_free(*s);
    *s = NULL;
}

bool alarm_store_exists(const char *data_dir)
{
    char path[PATH_MAX];

    return make_path(data_dir, "/data.mdb", path) && access(path, F_OK) == 0;
}

/* --- from outside ---------------------------------------------------------------------------- */

struct look {
    char *error; /* borrowed; keeps the first fault */
    size_t error_len;
    uint64_t format;
    unsigned faults;
};

static void on_fault(const char *text, void *arg)
{
    struct look *l = arg;

    if (l->faults++ == 0)
        (void)snprintf(l->error, l->error_len, "%s", text);
}

static void look_at_format(struct lmdb_env_txn *t, void *arg)
{
    struct look *l = arg;

    l->format = find_number(t, ALARM_TABLE_META, slice_of(format_key));
}

enum status alarm_store_check(const char *data_dir, char *error, size_t error_len)
{
    struct look l = {.error = error, .error_len = error_len};
    char path[PATH_MAX];
    enum status st = ST_IO;

    (void)snprintf(error, error_len, "%s: the history of alarms cannot be read", data_dir);
    if (make_path(data_dir, "", path))
        st = lmdb_env_inspect(path, table_names, ALARM_TABLES, look_at_format, on_fault, &l);
    if (st == ST_OK && l.format > FORMAT)
        return tell_newer(path, l.format, error, error_len);
    return st;
}

enum status alarm_store_copy(const char *data_dir, const char *to, char *error, size_t error_len)
{
    char from_path[PATH_MAX], to_path[PATH_MAX];

    if (make_path(data_dir, "", from_path) && make_path(to, "", to_path))
        return lmdb_env_copy(from_path, to_path, error, error_len);
    (void)snprintf(error, error_len, "%s: the name is too long", to);
    return ST_IO;
}

/* --- counts ---------------------------------------------------------------------------------- */

static void add_to_count(struct lmdb_env_txn *t, uint64_t project_id, int64_t more)
{
    struct alarm_key key = alarm_key_of_id(project_id);
    uint64_t count = find_number(t, ALARM_TABLE_COUNT, alarm_key_slice(&key)) + (uint64_t)more;

    if (count == 0)
        lmdb_env_remove(t, ALARM_TABLE_COUNT, alarm_key_slice(&key));
    else
        put_number(t, ALARM_TABLE_COUNT, alarm_key_slice(&key), count);
}

/* --- writing --------------------------------------------------------------------------------- */

static const enum subject subjects[] = {SUBJECT_DEVICE, SUBJECT_RULE};

static uint64_t id_of(const struct alarm_record *r, enum subject kind)
{
    return kind == SUBJECT_DEVICE ? r->device_id : r->rule_id;
}

static void put_record(struct lmdb_env_txn *t, const struct alarm_record *r)
{
    struct alarm_place place = {r->ts_ms, r->number};
    struct alarm_key key = alarm_key_of_change(r->project_id, place);
    struct buffer bytes = {0};

    alarm_record_write(r, &bytes);
    lmdb_env_put(t, ALARM_TABLE_CHANGE, alarm_key_slice(&key), buffer_slice(&bytes));
    for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
        key = subject_key(r->project_id, subject_of(subjects[i], id_of(r, subjects[i])), place);
        lmdb_env_put(t, ALARM_TABLE_SUBJECT, alarm_key_slice(&key), slice_make(NULL, 0));
    }
    add_to_count(t, r->project_id, 1);
    alarm_outbox_put(t, r);
    buffer_deinit(&bytes);
}

struct append {
    alarm_store_next_fn next;
    void *arg;
};

static void append(struct lmdb_env_txn *t, void *arg)
{
    const struct append *a = arg;
    uint64_t number = find_number(t, ALARM_TABLE_META, slice_of(number_key));
    struct alarm_record *r;

    for (r = a->next(true, a->arg); r != NULL; r = a->next(false, a->arg)) {
        r->number = ++number;
        put_record(t, r);
    }
    put_number(t, ALARM_TABLE_META, slice_of(number_key), number);
}

enum status alarm_store_append(struct alarm_store *s, alarm_store_next_fn next, void *arg)
{
    struct append a = {next, arg};

    return lmdb_env_write(s->env, append, &a);
}

/* --- reading --------------------------------------------------------------------------------- */

struct reading {
    const struct alarm_query *query;
    alarm_store_fn fn;
    void *arg;
    struct lmdb_env_txn *txn; /* while it runs */
    size_t looks, found;
    struct alarm_place last; /* that was looked at */
    struct alarm_place next;
    bool is_damaged;
};

static bool is_wanted(const struct alarm_query *q, const struct alarm_record *r)
{
    return (q->device_id == 0 || r->device_id == q->device_id) &&
           (q->rule_id == 0 || r->rule_id == q->rule_id) &&
           (q->levels == 0 || (q->levels & 1u << r->level) != 0);
}

/* A change; false: the walk ends, and `next` says whether there is more. */
static bool look_at(struct reading *g, struct slice bytes)
{
    struct alarm_record r;

    if (alarm_record_read(bytes, &r) != ST_OK) {
        g->is_damaged = true;
        return false;
    }
    if (r.ts_ms < g->query->from_ms)
        return false;
    if (g->found == g->query->limit || g->looks == ALARM_STORE_LOOKS_MAX) {
        g->next = g->last;
        return false;
    }
    g->looks++;
    g->last = (struct alarm_place){r.ts_ms, r.number};
    if (is_wanted(g->query, &r)) {
        g->found++;
        g->fn(&r, g->arg);
    }
    return true;
}

static bool on_change(struct slice key, struct slice value, void *arg)
{
    struct reading *g = arg;

    return alarm_key_read(key, 0) == g->query->project_id && look_at(g, value);
}

/* The device's rows when a device is asked for, else the rule's. */
static uint64_t subject_of_query(const struct alarm_query *q)
{
    return q->device_id != 0 ? subject_of(SUBJECT_DEVICE, q->device_id)
                             : subject_of(SUBJECT_RULE, q->rule_id);
}

static bool on_subject(struct slice key, struct slice value, void *arg)
{
    struct reading *g = arg;
    struct alarm_place place;
    struct alarm_key change;
    struct slice bytes;

    (void)value;
    if (alarm_key_read(key, 0) != g->query->project_id ||
        alarm_key_read(key, 8) != subject_of_query(g->query))
        return false;
    place.ts_ms = (int64_t)alarm_key_read(key, 16);
    place.number = alarm_key_read(key, 24);
    change = alarm_key_of_change(g->query->project_id, place);
    if (!lmdb_env_get(g->txn, ALARM_TABLE_CHANGE, alarm_key_slice(&change), &bytes)) {
        g->is_damaged = true;
        return false;
    }
    return look_at(g, bytes);
}

static void read_records(struct lmdb_env_txn *t, void *arg)
{
    struct reading *g = arg;
    const struct alarm_query *q = g->query;
    struct alarm_place below = q->below;
    struct alarm_key key;

    if (below.number == 0)
        below.ts_ms = INT64_MAX;
    if (q->to_ms != 0 && q->to_ms <= below.ts_ms)
        below = (struct alarm_place){q->to_ms, 0};
    g->txn = t;
    if (q->device_id == 0 && q->rule_id == 0) {
        key = alarm_key_of_change(q->project_id, below);
        lmdb_env_each_below(t, ALARM_TABLE_CHANGE, alarm_key_slice(&key), on_change, g);
    } else {
        key = subject_key(q->project_id, subject_of_query(q), below);
        lmdb_env_each_below(t, ALARM_TABLE_SUBJECT, alarm_key_slice(&key), on_subject, g);
    }
}

enum status alarm_store_read(struct alarm_store *s, const struct alarm_query *q, alarm_store_fn fn,
                             void *arg, struct alarm_place *next)
{
    struct reading g = {.query = q, .fn = fn, .arg = arg};
    enum status st;

    invariant(q->limit > 0);
    st = lmdb_env_read(s->env, read_records, &g);
    *next = g.next;
    return st == ST_OK && g.is_damaged ? ST_CORRUPT : st;
}

/* --- trimming -------------------------------------------------------------------------------- */

struct trimming {
    const struct alarm_limits *limits;
    int64_t oldest_ms;      /* what is older goes */
    struct buffer projects; /* owned: pairs of a project and its count */
    struct buffer keys;     /* owned: of the project's changes that go, one after the other */
    struct buffer records;  /* owned: their subjects, pairs of numbers */
    uint64_t project_id, excess;
    size_t removed;
};

enum { CHANGE_KEY_LEN = 24 };

static bool gather_project(struct slice key, struct slice value, void *arg)
{
    struct trimming *m = arg;
    uint64_t pair[2] = {alarm_key_read(key, 0), alarm_key_read(value, 0)};

    buffer_append(&m->projects, pair, sizeof(pair));
    return true;
}

static bool gather_change(struct slice key, struct slice value, void *arg)
{
    struct trimming *m = arg;
    size_t count = m->keys.len / CHANGE_KEY_LEN;
    struct alarm_record r = {0};
    uint64_t pair[2];

    if (alarm_key_read(key, 0) != m->project_id || m->removed + count == ALARM_STORE_TRIM_MAX ||
        (count >= m->excess && (int64_t)alarm_key_read(key, 8) >= m->oldest_ms))
        return false;
    if (alarm_record_read(value, &r) == ST_OK) { /* a damaged one goes alone */
        pair[0] = r.device_id;
        pair[1] = r.rule_id;
    } else {
        pair[0] = pair[1] = 0;
    }
    buffer_append_slice(&m->keys, key);
    buffer_append(&m->records, pair, sizeof(pair));
    return true;
}

static void remove_gathered(struct lmdb_env_txn *t, struct trimming *m)
{
    size_t count = m->keys.len / CHANGE_KEY_LEN;

    for (size_t i = 0; i < count; i++) {
        struct slice key = slice_make(m->keys.data + i * CHANGE_KEY_LEN, CHANGE_KEY_LEN);
        struct alarm_place place = {(int64_t)alarm_key_read(key, 8), alarm_key_read(key, 16)};
        uint64_t pair[2];

        memcpy(pair, m->records.data + i * sizeof(pair), sizeof(pair));
        lmdb_env_remove(t, ALARM_TABLE_CHANGE, key);
        for (size_t n = 0; n < 2; n++) {
            struct alarm_key subject =
                subject_key(m->project_id, subject_of(subjects[n], pair[n]), place);

            lmdb_env_remove(t, ALARM_TABLE_SUBJECT, alarm_key_slice(&subject));
        }
    }
    if (count > 0)
        add_to_count(t, m->project_id, -(int64_t)count);
    m->removed += count;
}

static void trim_project(struct lmdb_env_txn *t, struct trimming *m, uint64_t count)
{
    struct alarm_key from = alarm_key_of_id(m->project_id);

    m->excess = count > m->limits->count ? count - m->limits->count : 0;
    m->keys.len = m->records.len = 0;
    lmdb_env_each_from(t, ALARM_TABLE_CHANGE, alarm_key_slice(&from), gather_change, m);
    remove_gathered(t, m);
}

static void trim(struct lmdb_env_txn *t, void *arg)
{
    struct trimming *m = arg;

    m->removed = 0;
    m->projects.len = 0;
    lmdb_env_each(t, ALARM_TABLE_COUNT, gather_project, m);
    for (size_t at = 0; at < m->projects.len && m->removed < ALARM_STORE_TRIM_MAX;) {
        uint64_t pair[2];

        memcpy(pair, m->projects.data + at, sizeof(pair));
        at += sizeof(pair);
        m->project_id = pair[0];
        trim_project(t, m, pair[1]);
    }
}

enum status alarm_store_trim(struct alarm_store *s, const struct alarm_limits *limits,
                             int64_t now_ms, size_t *removed)
{
    struct trimming m = {.limits = limits, .oldest_ms = now_ms - limits->age_ms};
    enum status st = lmdb_env_write(s->env, trim, &m);

    *removed = st == ST_OK ? m.removed : 0;
    buffer_deinit(&m.projects);
    buffer_deinit(&m.keys);
    buffer_deinit(&m.records);
    return st;
}

static void remove_project(struct lmdb_env_txn *t, void *arg)
{
    struct alarm_key key = alarm_key_of_id(*(const uint64_t *)arg);

    (void)lmdb_env_remove_prefix(t, ALARM_TABLE_CHANGE, alarm_key_slice(&key), SIZE_MAX);
    (void)lmdb_env_remove_prefix(t, ALARM_TABLE_SUBJECT, alarm_key_slice(&key), SIZE_MAX);
    lmdb_env_remove(t, ALARM_TABLE_COUNT, alarm_key_slice(&key));
}

enum status alarm_store_remove_project(struct alarm_store *s, uint64_t project_id)
{
    return lmdb_env_write(s->env, remove_project, &project_id);
}
