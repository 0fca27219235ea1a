/*
 * Making and restoring sets. Both look through what they have written before they say that it is
 * there; what they have begun and could not end they leave for a person to remove.
 */
#include "app/backup.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/data_lock.h"
#include "store/alarm_store.h"
#include "store/journal_survey.h"
#include "store/private_file.h"
#include "store/registry_backup.h"

enum { KEYS_DEPTH_MAX = 2 /* of folders: tls, tls/sni */ };

#define REGISTRY_FILE "registry.db"
#define LOCK_FILE     "server.lock"

void backup_set_deinit(struct backup_set *s)
{
    buffer_deinit(&s->files);
}

static enum status fail(char error[BACKUP_ERROR_MAX], enum status st, const char *path,
                        const char *what)
{
    (void)snprintf(error, BACKUP_ERROR_MAX, "%.350s: %s", path, what);
    return st;
}

static enum status fail_at(char error[BACKUP_ERROR_MAX], enum status st, const char *path)
{
    (void)snprintf(error, BACKUP_ERROR_MAX, "%.350s: cannot be copied: %s", path, status_text(st));
    return st;
}

static bool join(char out[PATH_MAX], const char *dir, const char *name)
{
    int len = snprintf(out, PATH_MAX, "%s/%s", dir, name);

    return len > 0 && len < PATH_MAX;
}

static bool exists(const char *dir, const char *name)
{
    char path[PATH_MAX];

    return join(path, dir, name) && access(path, F_OK) == 0;
}

/* Nothing is in it but, perhaps, the lock that we hold. */
static bool is_empty(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *e;
    bool empty = dir != NULL;

    while (dir != NULL && (e = readdir(dir)) != NULL) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
            strcmp(e->d_name, LOCK_FILE) != 0)
            empty = false;
    }
    if (dir != NULL)
        (void)closedir(dir);
    return empty;
}

/* Makes the directory, or takes one that is empty. */
static enum status make_target(const char *path, char error[BACKUP_ERROR_MAX])
{
    enum status st = private_file_make_dir(path);

    if (st == ST_NOT_FOUND)
        return fail(error, st, path, "cannot be made: make the directory above it first");
    if (st != ST_OK)
        return fail(error, ST_IO, path, "cannot be made: look at the rights, or name another");
    if (is_empty(path))
        return ST_OK;
    return fail(error, ST_EXISTS, path, "is not empty: name a directory that is new or empty");
}

/* --- looking through a set ------------------------------------------------------------------- */

struct first_fault {
    char *error;
    bool is_set;
};

static void on_fault(const char *text, void *arg)
{
    struct first_fault *f = arg;

    if (!f->is_set)
        (void)snprintf(f->error, BACKUP_ERROR_MAX, "%s", text);
    f->is_set = true;
}

static enum status check_journal(const char *dir, uint32_t *format, char error[BACKUP_ERROR_MAX])
{
    struct first_fault first = {error, false};
    struct journal_survey s = {.on_fault = on_fault, .arg = &first};
    enum status st = journal_survey_walk(dir, &s);

    *format = s.format;
    if (st == ST_NOT_FOUND)
        return ST_OK; /* no server has run on it */
    if (st != ST_OK && !first.is_set)
        (void)snprintf(error, BACKUP_ERROR_MAX, "%.350s/journal: cannot be read: %s", dir,
                       status_text(st));
    return st;
}

static enum status check_alarms(const char *dir, char error[BACKUP_ERROR_MAX])
{
    return alarm_store_exists(dir) ? alarm_store_check(dir, error, BACKUP_ERROR_MAX) : ST_OK;
}

static enum status check_set(const char *dir, struct backup_set *s, char error[BACKUP_ERROR_MAX])
{
    enum status st = check_journal(dir, &s->journal_format, error);

    if (st == ST_OK)
        st = check_alarms(dir, error);
    if (st == ST_OK)
        st = registry_backup_check(dir, &s->schema, error, BACKUP_ERROR_MAX);
    return st;
}

/* --- making ---------------------------------------------------------------------------------- */

static void add_file(struct backup_set *s, const char *name, uint64_t bytes)
{
    struct backup_file f = {.bytes = bytes};

    (void)snprintf(f.name, sizeof(f.name), "%s", name);
    buffer_append(&s->files, &f, sizeof(f));
}

static enum status note_file(struct backup_set *s, const char *to, const char *name,
                             char error[BACKUP_ERROR_MAX])
{
    char path[PATH_MAX];
    struct stat info;

    if (!join(path, to, name) || stat(path, &info) != 0)
        return fail_at(error, ST_IO, name);
    add_file(s, name, (uint64_t)info.st_size);
    return ST_OK;
}

static enum status copy_journal(const char *data_dir, const char *to, struct backup_set *s,
                                char error[BACKUP_ERROR_MAX])
{
    enum status st = check_journal(data_dir, &s->journal_format, error);

    if (st != ST_OK || !exists(data_dir, "journal/data.mdb"))
        return st;
    st = journal_survey_copy(data_dir, to, error, BACKUP_ERROR_MAX);
    return st == ST_OK ? note_file(s, to, "journal/data.mdb", error) : st;
}

static enum status copy_alarms(const char *data_dir, const char *to, struct backup_set *s,
                               char error[BACKUP_ERROR_MAX])
{
    enum status st = check_alarms(data_dir, error);

    if (st != ST_OK || !alarm_store_exists(data_dir))
        return st;
    st = alarm_store_copy(data_dir, to, error, BACKUP_ERROR_MAX);
    return st == ST_OK ? note_file(s, to, "alarms/data.mdb", error) : st;
}

static enum status copy_registry(const char *data_dir, const char *to, struct backup_set *s,
                                 char error[BACKUP_ERROR_MAX])
{
    enum status st = registry_backup(data_dir, to, error, BACKUP_ERROR_MAX);

    return st == ST_OK ? note_file(s, to, REGISTRY_FILE, error) : st;
}

static enum status copy_file(const char *from, const char *to, const char *name,
                             struct backup_set *s, char error[BACKUP_ERROR_MAX])
{
    char source[PATH_MAX], target[PATH_MAX];
    uint64_t bytes;
    enum status st = ST_IO;

    if (strlen(name) <= BACKUP_NAME_MAX && join(source, from, name) && join(target, to, name))
        st = private_file_copy(source, target, &bytes);
    if (st != ST_OK)
        return fail_at(error, st, name);
    if (s != NULL)
        add_file(s, name, bytes);
    return ST_OK;
}

/* Copies the files in a folder of the data directory, and in the folders below it. */
static enum status copy_folder(const char *from, const char *to, const char *name, unsigned depth,
                               struct backup_set *s, char error[BACKUP_ERROR_MAX])
{
    char source[PATH_MAX], target[PATH_MAX];
    enum status st = ST_OK;
    struct dirent *e;
    DIR *dir;

    if (!join(source, from, name) || !join(target, to, name))
        return fail_at(error, ST_IO, name);
    dir = opendir(source);
    if (dir == NULL)
        return ST_OK; /* there is none */
    st = private_file_make_dir(target);
    while (st == ST_OK && (e = readdir(dir)) != NULL) {
        char path[PATH_MAX], below[PATH_MAX];
        struct stat info;

        if (e->d_name[0] == '.' || !join(below, name, e->d_name) || !join(path, from, below) ||
            stat(path, &info) != 0)
            continue;
        if (S_ISREG(info.st_mode))
            st = copy_file(from, to, below, s, error);
        else if (S_ISDIR(info.st_mode) && depth < KEYS_DEPTH_MAX)
            st = copy_folder(from, to, below, depth + 1, s, error);
    }
    (void)closedir(dir);
    return st == ST_OK ? private_file_sync_dir(target) : st;
}

static enum status copy_keys(const char *data_dir, const char *to, struct backup_set *s,
                             char error[BACKUP_ERROR_MAX])
{
    enum status st = copy_file(data_dir, to, "secret.key", s, error);

    return st == ST_OK ? copy_folder(data_dir, to, "tls", 1, s, error) : st;
}

enum status backup_make(const char *data_dir, const char *to, bool with_keys,
                        struct backup_set *out, char error[BACKUP_ERROR_MAX])
{
    enum status st;

    *out = (struct backup_set){.has_keys = with_keys};
    if (!exists(data_dir, REGISTRY_FILE))
        return fail(error, ST_NOT_FOUND, data_dir,
                    "there is no registry here: name the data directory with --data");
    if (exists(data_dir, "values/data.mdb"))
        return fail(error, ST_UNSUPPORTED, data_dir,
                    "is of an older program: start this one on it once, then back it up");
    st = make_target(to, error);
    if (st == ST_OK)
        st = copy_journal(data_dir, to, out, error);
    if (st == ST_OK)
        st = copy_alarms(data_dir, to, out, error);
    if (st == ST_OK)
        st = copy_registry(data_dir, to, out, error);
    if (st == ST_OK && with_keys)
        st = copy_keys(data_dir, to, out, error);
    if (st == ST_OK)
        st = check_set(to, out, error);
    if (st == ST_OK && private_file_sync_dir(to) != ST_OK)
        st = fail_at(error, ST_IO, to);
    return st;
}

/* --- restoring ------------------------------------------------------------------------------- */

/* What a set may hold: nothing of it leads out of the data directory. */
static bool is_allowed(const char *name)
{
    static const char *const files[] = {"journal/data.mdb", "alarms/data.mdb", REGISTRY_FILE,
                                        "secret.key"};

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (strcmp(name, files[i]) == 0)
            return true;
    }
    return strncmp(name, "tls/", 4) == 0 && strstr(name, "..") == NULL;
}

static enum status check_file(const char *from, const struct backup_file *f,
                              char error[BACKUP_ERROR_MAX])
{
    char path[PATH_MAX];
    struct stat info;

    if (!is_allowed(f->name) || !join(path, from, f->name))
        return fail(error, ST_CORRUPT, f->name, "is no file of a backup");
    if (stat(path, &info) != 0)
        return fail(error, ST_CORRUPT, path, "is missing in the backup");
    if ((uint64_t)info.st_size != f->bytes)
        return fail(error, ST_CORRUPT, path, "has another length than when the backup was made");
    return ST_OK;
}

/* The folders above a file of the set. */
static enum status make_folders(const char *data_dir, const char *name)
{
    char path[PATH_MAX];
    size_t base = strlen(data_dir) + 1;
    enum status st = ST_OK;

    if (!join(path, data_dir, name))
        return ST_IO;
    for (char *at = path + base; st == ST_OK && (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        st = private_file_make_dir(path);
        *at = '/';
    }
    return st;
}

typedef enum status (*file_fn)(const char *from, const char *data_dir, const struct backup_file *f,
                               char error[BACKUP_ERROR_MAX]);

static enum status look_at_file(const char *from, const char *data_dir, const struct backup_file *f,
                                char error[BACKUP_ERROR_MAX])
{
    (void)data_dir;
    return check_file(from, f, error);
}

static enum status restore_file(const char *from, const char *data_dir, const struct backup_file *f,
                                char error[BACKUP_ERROR_MAX])
{
    char path[PATH_MAX];
    enum status st = make_folders(data_dir, f->name);

    if (st != ST_OK || !join(path, data_dir, f->name))
        return fail_at(error, st == ST_OK ? ST_IO : st, f->name);
    st = copy_file(from, data_dir, f->name, NULL, error);
    if (st != ST_OK)
        return st;
    *strrchr(path, '/') = '\0';
    return private_file_sync_dir(path);
}

static enum status each_file(const char *from, const char *data_dir, const struct backup_set *s,
                             file_fn fn, char error[BACKUP_ERROR_MAX])
{
    enum status st = ST_OK;

    for (size_t at = 0; st == ST_OK && at < s->files.len; at += sizeof(struct backup_file)) {
        struct backup_file f;

        memcpy(&f, s->files.data + at, sizeof(f));
        st = fn(from, data_dir, &f, error);
    }
    return st;
}

static enum status restore_into(const char *from, const char *data_dir, const struct backup_set *s,
                                char error[BACKUP_ERROR_MAX])
{
    struct backup_set found = {0};
    enum status st = ST_OK;

    if (!is_empty(data_dir))
        return fail(error, ST_EXISTS, data_dir,
                    "is not empty: name a directory that is new or empty");
    st = each_file(from, data_dir, s, restore_file, error);
    if (st == ST_OK)
        st = check_set(data_dir, &found, error);
    if (st == ST_OK && private_file_sync_dir(data_dir) != ST_OK)
        st = fail_at(error, ST_IO, data_dir);
    return st;
}

enum status backup_restore(const char *from, const char *data_dir, const struct backup_set *s,
                           char error[BACKUP_ERROR_MAX])
{
    int lock_fd = -1;
    enum status st = each_file(from, data_dir, s, look_at_file, error);

    if (st != ST_OK)
        return st;
    if (exists(data_dir, LOCK_FILE))
        st = data_lock_take(data_dir, &lock_fd, error, BACKUP_ERROR_MAX);
    if (st == ST_OK)
        st = make_target(data_dir, error);
    if (st == ST_OK && lock_fd < 0)
        st = data_lock_take(data_dir, &lock_fd, error, BACKUP_ERROR_MAX);
    if (st == ST_OK)
        st = restore_into(from, data_dir, s, error);
    if (lock_fd >= 0)
        (void)close(lock_fd);
    return st;
}
