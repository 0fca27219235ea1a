/*
 * By SQLite's own backup, in one step: it holds a read transaction of the source meanwhile, which
 * in WAL hinders nobody.
 */
#include "store/registry_backup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/registry_priv.h"

enum { BUSY_TIMEOUT_MS = 5000, TRIES = 50, TRY_PAUSE_MS = 100 };

static bool make_path(char out[PATH_MAX], const char *dir)
{
    int len = snprintf(out, PATH_MAX, "%s/registry.db", dir);

    return len > 0 && len < PATH_MAX;
}

static enum status status_of(int result)
{
    switch (result & 0xFF) {
    case SQLITE_OK:
        return ST_OK;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ST_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ST_CORRUPT;
    case SQLITE_FULL:
        return ST_FULL;
    default:
        return ST_IO;
    }
}

/* A connection to a file that is there; NULL and told when it cannot be had. */
static sqlite3 *connect_to(const char *path, char *error, size_t error_len)
{
    sqlite3 *db = NULL;
    int result = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

    if (result == SQLITE_OK) {
        (void)sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
        return db;
    }
    (void)snprintf(error, error_len, "%s: cannot be opened: %s", path, sqlite3_errstr(result));
    (void)sqlite3_close(db);
    return NULL;
}

static enum status make_file(const char *path, char *error, size_t error_len)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    enum status st = errno == EEXIST ? ST_EXISTS : ST_IO;

    if (fd >= 0) {
        (void)close(fd);
        return ST_OK;
    }
    (void)snprintf(error, error_len, "%s: cannot be made: %s", path, strerror(errno));
    return st;
}

static int copy(sqlite3 *from, sqlite3 *to)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    int result;

    if (backup == NULL)
        return sqlite3_errcode(to);
    result = sqlite3_backup_step(backup, -1);
    for (unsigned i = 0; i < TRIES && (result == SQLITE_BUSY || result == SQLITE_LOCKED); i++) {
        (void)sqlite3_sleep(TRY_PAUSE_MS);
        result = sqlite3_backup_step(backup, -1);
    }
    (void)sqlite3_backup_finish(backup);
    return result == SQLITE_DONE ? SQLITE_OK : result;
}

enum status registry_backup(const char *data_dir, const char *to, char *error, size_t error_len)
{
    char from_path[PATH_MAX], to_path[PATH_MAX];
    sqlite3 *source, *target = NULL;
    enum status st;
    int result = SQLITE_ERROR;

    if (!make_path(from_path, data_dir) || !make_path(to_path, to)) {
        (void)snprintf(error, error_len, "%s: the name is too long", to);
        return ST_IO;
    }
    st = make_file(to_path, error, error_len);
    if (st != ST_OK)
        return st;
    source = connect_to(from_path, error, error_len);
    if (source != NULL)
        target = connect_to(to_path, error, error_len);
    if (target != NULL) {
        result = copy(source, target);
        if (result != SQLITE_OK)
            (void)snprintf(error, error_len, "%s: cannot be copied to %s: %s", from_path, to_path,
                           sqlite3_errstr(result));
    }
    (void)sqlite3_close(target);
    (void)sqlite3_close(source);
    return status_of(result);
}

/* --- looking through one --------------------------------------------------------------------- */

static int keep_text(void *out, int count, char **values, char **names)
{
    (void)names;
    if (count == 1 && values[0] != NULL)
        (void)snprintf(out, 64, "%.63s", values[0]);
    return 1; /* the first one is enough */
}

static int ask(sqlite3 *db, const char *sql, char out[64])
{
    int result = sqlite3_exec(db, sql, keep_text, out, NULL);

    return result == SQLITE_ABORT ? SQLITE_OK : result;
}

enum status registry_backup_check(const char *data_dir, long *schema, char *error, size_t error_len)
{
    char path[PATH_MAX], version[64] = "", verdict[64] = "";
    sqlite3 *db;
    int result;

    if (!make_path(path, data_dir) || access(path, F_OK) != 0) {
        (void)snprintf(error, error_len, "%s: there is no registry here", data_dir);
        return ST_NOT_FOUND;
    }
    db = connect_to(path, error, error_len);
    if (db == NULL)
        return ST_IO;
    result = ask(db, "PRAGMA user_version", version);
    if (result == SQLITE_OK)
        result = ask(db, "PRAGMA quick_check(1)", verdict);
    (void)sqlite3_close(db);
    *schema = strtol(version, NULL, 10);
    if (result == SQLITE_OK && strcmp(verdict, "ok") != 0)
        result = SQLITE_CORRUPT;
    if (result != SQLITE_OK)
        (void)snprintf(error, error_len, "%s: is damaged or cannot be read: %s", path,
                       sqlite3_errstr(result));
    if (result != SQLITE_OK || *schema <= registry_schema_version())
        return status_of(result);
    (void)snprintf(error, error_len,
                   "%s: has schema version %ld, this program knows up to %d: use the newer program",
                   path, *schema, registry_schema_version());
    return ST_UNSUPPORTED;
}
