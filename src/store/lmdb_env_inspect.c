/*
 * Both open the environment for reading. The number of the snapshot is had from LMDB, its
 * beginning from the file: if two commits came in between, another snapshot is taken.
 */
#include "store/lmdb_env_inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/invariant.h"
#include "store/lmdb_env_priv.h"
#include "store/private_file.h"

enum { TRIES = 100, FILE_MODE = S_IRUSR | S_IWUSR };

struct inspection {
    char file[PATH_MAX];
    struct lmdb_env env; /* without a lock: one thread has it */
    const char *const *tables;
    lmdb_env_fn fn;
    lmdb_pages_fault_fn on_fault;
    void *arg;
};

static bool make_file_name(char out[PATH_MAX], const char *path)
{
    int len = snprintf(out, PATH_MAX, "%s/data.mdb", path);

    return len > 0 && len < PATH_MAX;
}

bool lmdb_env_exists(const char *path)
{
    char file[PATH_MAX];

    return make_file_name(file, path) && access(file, F_OK) == 0;
}

/* Without a file of locks nobody has it open, and none is left behind. */
static unsigned lock_flag(const char *path)
{
    char file[PATH_MAX];
    int len = snprintf(file, sizeof(file), "%s/lock.mdb", path);

    return len > 0 && len < PATH_MAX && access(file, F_OK) != 0 ? MDB_NOLOCK : 0;
}

static int open_for_reading(MDB_env **out, const char *path)
{
    int result = mdb_env_create(out);

    if (result == MDB_SUCCESS)
        result = mdb_env_set_maxdbs(*out, LMDB_ENV_TABLES_MAX);
    if (result == MDB_SUCCESS)
        result = mdb_env_open(*out, path, MDB_RDONLY | MDB_NOTLS | lock_flag(path), FILE_MODE);
    return result;
}

/* Begins to read; the program that writes may have grown its map since. */
static int begin_reading(MDB_env *env, MDB_txn **out)
{
    int result = mdb_txn_begin(env, NULL, MDB_RDONLY, out);

    for (unsigned i = 0; i < TRIES && result == MDB_MAP_RESIZED; i++) {
        result = mdb_env_set_mapsize(env, 0);
        if (result == MDB_SUCCESS)
            result = mdb_txn_begin(env, NULL, MDB_RDONLY, out);
    }
    return result;
}

static int open_tables(struct inspection *x, MDB_txn *txn)
{
    for (size_t i = 0; i < x->env.table_count; i++) {
        int result = mdb_dbi_open(txn, x->tables[i], 0, &x->env.tables[i]);

        if (result == MDB_NOTFOUND)
            x->env.missing |= 1u << i;
        else if (result != MDB_SUCCESS)
            return result;
    }
    return MDB_SUCCESS;
}

static enum status fail(const struct inspection *x, int result)
{
    char line[512];

    (void)snprintf(line, sizeof(line), "%.400s: cannot be read: %s", x->file, mdb_strerror(result));
    x->on_fault(line, x->arg);
    return lmdb_env_status(result);
}

static enum status look(struct inspection *x)
{
    struct lmdb_env_txn t = {.env = &x->env};
    enum status st;

    t.result = begin_reading(x->env.handle, &t.handle);
    if (t.result != MDB_SUCCESS)
        return fail(x, t.result);
    st = lmdb_pages_check(x->file, mdb_txn_id(t.handle), x->on_fault, x->arg);
    if (st == ST_OK && x->fn != NULL) {
        t.result = open_tables(x, t.handle);
        if (t.result == MDB_SUCCESS)
            x->fn(&t, x->arg);
        if (t.result != MDB_SUCCESS)
            st = fail(x, t.result);
    }
    mdb_txn_abort(t.handle);
    return st;
}

enum status lmdb_env_inspect(const char *path, const char *const *tables, size_t table_count,
                             lmdb_env_fn fn, lmdb_pages_fault_fn on_fault, void *arg)
{
    struct inspection x = {.env = {.table_count = table_count},
                           .tables = tables,
                           .fn = fn,
                           .on_fault = on_fault,
                           .arg = arg};
    enum status st = ST_AGAIN;
    int result;

    invariant(table_count <= LMDB_ENV_TABLES_MAX);
    if (!make_file_name(x.file, path))
        return fail(&x, ENAMETOOLONG);
    st = lmdb_pages_check_head(x.file, on_fault, arg);
    if (st != ST_OK)
        return st;
    result = open_for_reading(&x.env.handle, path);
    st = result == MDB_SUCCESS ? ST_AGAIN : fail(&x, result);
    for (unsigned i = 0; i < TRIES && st == ST_AGAIN; i++)
        st = look(&x);
    if (x.env.handle != NULL)
        mdb_env_close(x.env.handle);
    if (st == ST_AGAIN)
        on_fault("it is written to all the time, and no snapshot could be held: try again", arg);
    return st;
}

/* --- copying --------------------------------------------------------------------------------- */

/* Once compacted; as it is when there are pages that nobody knows of (a crash of old may leave
 * some). */
static int copy_to(MDB_env *env, int fd)
{
    MDB_txn *probe;
    int result = begin_reading(env, &probe); /* takes the map's present size */

    if (result != MDB_SUCCESS)
        return result;
    mdb_txn_abort(probe);
    result = mdb_env_copyfd2(env, fd, MDB_CP_COMPACT);
    if (result != MDB_INCOMPATIBLE)
        return result;
    if (ftruncate(fd, 0) != 0 || lseek(fd, 0, SEEK_SET) != 0)
        return errno;
    return mdb_env_copyfd2(env, fd, 0);
}

static int copy_file(const char *path, const char *file)
{
    MDB_env *env = NULL;
    int fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    int result;

    if (fd < 0)
        return errno;
    result = open_for_reading(&env, path);
    for (unsigned i = 0; i < TRIES && result == MDB_SUCCESS; i++) {
        result = copy_to(env, fd);
        if (result != MDB_MAP_RESIZED)
            break;
        result = ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0 ? MDB_SUCCESS : errno;
    }
    if (env != NULL)
        mdb_env_close(env);
    if (result == MDB_SUCCESS && fsync(fd) != 0)
        result = errno;
    if (close(fd) != 0 && result == MDB_SUCCESS)
        result = errno;
    return result;
}

enum status lmdb_env_copy(const char *path, const char *to, char *error, size_t error_len)
{
    char file[PATH_MAX];
    int result;

    if (!make_file_name(file, to) || private_file_make_dir(to) != ST_OK) {
        (void)snprintf(error, error_len,
                       "%s: cannot be made: look at the rights and the free space", to);
        return ST_IO;
    }
    result = copy_file(path, file);
    if (result == MDB_SUCCESS)
        return ST_OK;
    (void)snprintf(error, error_len, "%s: cannot be copied to %s: %s", path, file,
                   mdb_strerror(result));
    return result == EEXIST ? ST_EXISTS : lmdb_env_status(result);
}
