/*
 * The registry's connection to SQLite: opening, migrations, transactions, changes, settings.
 *
 * WAL, so that the command line can write while a server reads; each commit is synced. The schema's
 * version is SQLite's user_version: the number of the last migration that was run. A registry
 * remembers which key seals its secrets (a setting that unseals with it), so that a lost or foreign
 * key file is told at the start and not device by device.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/invariant.h"
#include "base/mem.h"
#include "store/events.h"
#include "store/private_file.h"
#include "store/registry_priv.h"

enum {
    BUSY_TIMEOUT_MS = 5000, /* much longer than any transaction of ours */
    BUSY_PAUSE_US = 20000,
    SCRATCH_LEN = 512 /* never grows then, so no copy of a secret is left in freed memory */
};

#define KEY_CHECK_SETTING "key_check"
#define KEY_CHECK_TEXT    "the secrets of this registry"

static const struct migration {
    int number;
    const char *subject;
    const char *sql;
} migrations[] = {
#define MIGRATION(number, subject, ...) {number, subject, #__VA_ARGS__},
#include "store/schema/0001_projects_devices.def"
#include "store/schema/0002_device_types.def"
#include "store/schema/0003_alarm_rules.def"
#include "store/schema/0004_sub_devices.def"
#include "store/schema/0005_secrets.def"
#include "store/schema/0006_message_logs.def"
#include "store/schema/0007_operators.def"
#include "store/schema/0008_origins.def"
#include "store/schema/0009_notifiers.def"
#include "store/schema/0010_journal.def"
#undef MIGRATION
};

enum { SCHEMA_VERSION = sizeof(migrations) / sizeof(migrations[0]) };

int registry_schema_version(void)
{
    return SCHEMA_VERSION;
}

/* An opening: where a failure is told. */
struct opening {
    struct registry *registry;
    const char *data_dir;
    char path[PATH_MAX]; /* of registry.db */
    char *error;
    size_t error_len;
};

static enum status execute(struct registry *r, const char *sql)
{
    return registry_status(r, sqlite3_exec(r->db, sql, NULL, NULL, NULL));
}

static enum status fail_with(struct opening *o, enum status st, const char *name, const char *what)
{
    (void)snprintf(o->error, o->error_len, "%s%s%s: %s", o->data_dir, name[0] == '\0' ? "" : "/",
                   name, what);
    return st;
}

static enum status fail_database(struct opening *o, enum status st)
{
    switch (st) {
    case ST_BUSY:
        return fail_with(o, st, "registry.db", "in use by another program: try again");
    case ST_CORRUPT:
        return fail_with(o, st, "registry.db",
                         "is no registry or is damaged: restore it from a backup");
    default:
        (void)snprintf(o->error, o->error_len,
                       "%s: cannot be opened (%s): look at its rights and the free space", o->path,
                       sqlite3_errmsg(o->registry->db));
        return st;
    }
}

static enum status make_data_dir(struct opening *o)
{
    enum status st = private_file_make_dir(o->data_dir);

    switch (st) {
    case ST_OK:
        break;
    case ST_NOT_FOUND:
        return fail_with(o, st, "", "cannot be made: make the directory above it first");
    case ST_INVALID:
        return fail_with(o, ST_IO, "", "is no directory: name another with --data");
    default:
        return fail_with(
            o, ST_IO, "",
            "cannot be made or entered: look at the rights, or name another with --data");
    }
    if (access(o->data_dir, R_OK | W_OK | X_OK) != 0)
        return fail_with(o, ST_IO, "", "may not be read or written: look at its rights and owner");
    return ST_OK;
}

/* SQLite gives its other files the mode of this one. */
static enum status make_database_file(struct opening *o)
{
    int len = snprintf(o->path, sizeof(o->path), "%s/registry.db", o->data_dir);
    int fd;

    if (len < 0 || (size_t)len >= sizeof(o->path))
        return fail_with(o, ST_IO, "", "the name is too long: name another with --data");
    /* One that is there is not opened here: closing it again would end the locks that other
     * connections of this process hold, and another process would take the log from under them. */
    fd = open(o->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0 && errno == EEXIST && access(o->path, R_OK | W_OK) == 0)
        return ST_OK;
    if (fd < 0)
        return fail_with(o, ST_IO, "registry.db",
                         "may not be read or written: look at its rights and owner");
    (void)close(fd);
    return ST_OK;
}

/* The first change to WAL wants the file for itself and does not wait for it; so we do. */
static enum status set_journal_mode(struct registry *r)
{
    uint64_t deadline_ms = clock_mono_ms() + BUSY_TIMEOUT_MS;
    int result;

    while ((result = sqlite3_exec(r->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL)) ==
               SQLITE_BUSY &&
           clock_mono_ms() < deadline_ms)
        (void)usleep(BUSY_PAUSE_US);
    return registry_status(r, result);
}

static enum status connect_database(struct opening *o)
{
    struct registry *r = o->registry;
    enum status st = make_database_file(o);
    int result;

    if (st != ST_OK)
        return st;
    result = sqlite3_open_v2(
        o->path, &r->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (r->db == NULL) {
        return fail_with(o, ST_IO, "registry.db", "cannot be opened: out of memory");
    }
    (void)sqlite3_busy_timeout(r->db, BUSY_TIMEOUT_MS);
    (void)sqlite3_db_config(r->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    st = registry_status(r, result);
    if (st == ST_OK)
        st = set_journal_mode(r);
    if (st == ST_OK)
        st = execute(r, "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                        "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY");
    return st == ST_OK ? ST_OK : fail_database(o, st);
}

static int keep_version(void *version, int count, char **values, char **names)
{
    (void)names;
    if (count == 1 && values[0] != NULL)
        *(long *)version = strtol(values[0], NULL, 10);
    return 0;
}

/* The number of the last migration that was run, 0 for an empty file. */
static enum status read_version(struct opening *o, long *version)
{
    enum status st =
        registry_status(o->registry, sqlite3_exec(o->registry->db, "PRAGMA user_version",
                                                  keep_version, version, NULL));

    if (st != ST_OK)
        return fail_database(o, st);
    if (*version <= SCHEMA_VERSION)
        return ST_OK;
    (void)snprintf(o->error, o->error_len,
                   "%s: has schema version %ld, this program knows up to %d: use the newer program "
                   "that wrote it",
                   o->path, *version, SCHEMA_VERSION);
    return ST_UNSUPPORTED;
}

static enum status open_key(struct opening *o)
{
    switch (secret_key_open(o->data_dir, &o->registry->key)) {
    case ST_OK:
        return ST_OK;
    case ST_CORRUPT:
        return fail_with(o, ST_CORRUPT, "secret.key",
                         "must be the 32 bytes that were made here, readable for its owner alone: "
                         "chmod 600, or restore it");
    default:
        return fail_with(o, ST_IO, "secret.key",
                         "cannot be read or made: look at the rights and the free space");
    }
}

/* Runs the migrations that are missing and writes down which key this registry is sealed with. */
static enum status migrate(struct registry *r, long version)
{
    enum status st = ST_OK;
    char pragma[64];

    for (int i = (int)version; st == ST_OK && i < SCHEMA_VERSION; i++) {
        invariant(migrations[i].number == i + 1);
        st = execute(r, migrations[i].sql);
        if (st == ST_OK)
            log_event(EV_REGISTRY_MIGRATED, "number", log_int(migrations[i].number), "subject",
                      migrations[i].subject);
    }
    if (st == ST_OK && version == 0) {
        struct buffer sealed = {0};

        secret_seal(r->key, slice_of(KEY_CHECK_SETTING), slice_of(KEY_CHECK_TEXT), &sealed);
        st = registry_setting_put(r, KEY_CHECK_SETTING, buffer_slice(&sealed));
        buffer_deinit(&sealed);
    }
    (void)snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %d", SCHEMA_VERSION);
    return st == ST_OK ? execute(r, pragma) : st;
}

/* Brings the schema up to date. Whoever comes second finds the work done and the key made. */
static enum status update_schema(struct opening *o)
{
    struct registry *r = o->registry;
    long version = 0;
    enum status st = registry_begin(r);

    if (st != ST_OK)
        return fail_database(o, st);
    st = read_version(o, &version);
    if (st == ST_OK && version == 0)
        st = open_key(o); /* here, where no other process can make one too */
    if (st == ST_OK) {
        st = migrate(r, version);
        if (st == ST_OK)
            st = registry_commit(r);
        if (st != ST_OK)
            (void)fail_database(o, st);
    }
    if (st != ST_OK)
        registry_rollback(r);
    return st;
}

static enum status check_key(struct opening *o)
{
    struct registry *r = o->registry;
    struct buffer sealed = {0};
    struct buffer plain = {0};
    enum status st = registry_setting_find(r, KEY_CHECK_SETTING, &sealed);

    if (st == ST_OK)
        st = secret_unseal(r->key, slice_of(KEY_CHECK_SETTING), buffer_slice(&sealed), &plain);
    buffer_deinit(&sealed);
    buffer_deinit(&plain);
    if (st == ST_OK)
        return ST_OK;
    return fail_with(o, ST_CORRUPT, "secret.key",
                     "is not the key of registry.db beside it: restore the two together");
}

static enum status open_registry(struct opening *o)
{
    long version = 0;
    enum status st = make_data_dir(o);

    if (st == ST_OK)
        st = connect_database(o);
    if (st == ST_OK)
        st = read_version(o, &version);
    if (st == ST_OK && version > 0 && !secret_key_exists(o->data_dir))
        st = fail_with(o, ST_CORRUPT, "secret.key",
                       "is missing, and registry.db is sealed with it: restore it from a backup");
    if (st == ST_OK && version > 0)
        st = open_key(o);
    if (st == ST_OK && version < SCHEMA_VERSION)
        st = update_schema(o);
    if (st == ST_OK && o->registry->key == NULL)
        st = open_key(o); /* another process has made registry and key in this moment */
    if (st == ST_OK)
        st = check_key(o);
    return st;
}

enum status registry_open(const char *data_dir, struct registry **out, char *error,
                          size_t error_len)
{
    struct opening o = {.data_dir = data_dir, .error = error, .error_len = error_len};
    struct registry *r = mem_new_of(MEM_BASE, struct registry);
    enum status st;

    r->magic = REGISTRY_MAGIC;
    (void)buffer_reserve(&r->scratch, SCRATCH_LEN);
    o.registry = r;
    st = open_registry(&o);
    if (st != ST_OK) {
        registry_close(&r);
        return st;
    }
    r->is_open = true;
    (void)registry_has_changed(r); /* from here on */
    *out = r;
    return ST_OK;
}

void registry_close(struct registry **r)
{
    struct registry *closing = *r;

    if (closing == NULL)
        return;
    *r = NULL;
    invariant(closing->magic == REGISTRY_MAGIC);
    closing->magic = 0;
    for (size_t i = 0; i < REGISTRY_STATEMENT_COUNT; i++)
        (void)sqlite3_finalize(closing->statements[i]);
    invariant(sqlite3_close(closing->db) == SQLITE_OK);
    secret_key_close(&closing->key);
    buffer_deinit(&closing->scratch);
    mem_free(closing);
}

enum status registry_begin(struct registry *r)
{
    enum status st;

    invariant(!r->in_transaction);
    st = execute(r, "BEGIN IMMEDIATE");
    r->in_transaction = st == ST_OK;
    return st;
}

enum status registry_commit(struct registry *r)
{
    enum status st = ST_IO; /* what a full disk has rolled back already is not committed */

    invariant(r->in_transaction);
    if (sqlite3_get_autocommit(r->db) == 0)
        st = execute(r, "COMMIT");
    if (st != ST_OK)
        registry_rollback(r);
    r->in_transaction = false;
    return st;
}

void registry_rollback(struct registry *r)
{
    if (r->in_transaction && sqlite3_get_autocommit(r->db) == 0)
        (void)execute(r, "ROLLBACK");
    r->in_transaction = false;
}

enum status registry_begin_part(struct registry *r, bool *is_own)
{
    *is_own = !r->in_transaction;
    return *is_own ? registry_begin(r) : ST_OK;
}

enum status registry_end_part(struct registry *r, bool is_own, enum status st)
{
    if (is_own && st == ST_OK)
        return registry_commit(r);
    if (is_own)
        registry_rollback(r);
    return st;
}

enum status registry_last_change(struct registry *r, int64_t *out)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_CHANGE_LAST);

    *out = registry_query_row(&q) ? registry_query_read_int(&q) : 0;
    return registry_query_end(&q);
}

enum status registry_change_each(struct registry *r, int64_t since, registry_change_fn fn,
                                 void *arg)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_CHANGE_EACH);

    registry_query_bind_int(&q, since);
    while (registry_query_row(&q)) {
        struct registry_change c;

        c.number = registry_query_read_int(&q);
        c.entity = (enum registry_entity)registry_query_read_int(&q);
        c.id = (uint64_t)registry_query_read_int(&q);
        c.removed = registry_query_read_int(&q) != 0;
        c.was_removed = registry_query_read_int(&q) != 0;
        if (!fn(&c, arg))
            break;
    }
    return registry_query_end(&q);
}

bool registry_has_changed(struct registry *r)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_DATA_VERSION);
    int64_t before = r->data_version;

    if (registry_query_row(&q))
        r->data_version = registry_query_read_int(&q);
    /* What cannot be looked at may have changed: the caller's next read tells what is wrong. */
    return registry_query_end(&q) != ST_OK || r->data_version != before;
}

enum status registry_setting_find(struct registry *r, const char *name, struct buffer *out)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_SETTING_FIND);
    enum status st = ST_NOT_FOUND;

    registry_query_bind_text(&q, name);
    if (registry_query_row(&q)) {
        registry_query_read_blob(&q, out);
        st = ST_OK;
    }
    return registry_query_end(&q) == ST_OK ? st : q.status;
}

enum status registry_setting_put(struct registry *r, const char *name, struct slice value)
{
    struct registry_query q = registry_query_start(r, REGISTRY_STATEMENT_SETTING_PUT);

    registry_query_bind_text(&q, name);
    registry_query_bind_blob(&q, value);
    return registry_query_run(&q, false);
}

void registry_mac(const struct registry *r, const char *context, struct slice text,
                  uint8_t out[SECRET_HASH_LEN])
{
    secret_mac(r->key, context, text, out);
}
