/*
 * Private files: written beside their place, synced, and put there by one system call.
 *
 * The name beside has the process's number, so that two processes do not write into one file.
 */
#include "store/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MODE = S_IRUSR | S_IWUSR, OTHERS = S_IRWXG | S_IRWXO };

static enum status status_of_errno(int code)
{
    switch (code) {
    case EACCES:
    case EPERM:
    case EROFS:
        return ST_REFUSED;
    case ENOENT:
        return ST_NOT_FOUND;
    case EEXIST:
        return ST_EXISTS;
    case ENOSPC:
    case EDQUOT:
        return ST_FULL;
    default:
        return ST_IO;
    }
}

enum status private_file_make_dir(const char *path)
{
    struct stat info;

    if (mkdir(path, S_IRWXU) == 0)
        return ST_OK;
    if (errno != EEXIST)
        return status_of_errno(errno);
    if (stat(path, &info) != 0)
        return status_of_errno(errno);
    return S_ISDIR(info.st_mode) ? ST_OK : ST_INVALID;
}

static enum status read_all(int fd, size_t max, struct buffer *out)
{
    size_t left = max + 1; /* one more, to see that there is more */

    while (left > 0) {
        ssize_t got = read(fd, buffer_reserve(out, left), left);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return status_of_errno(errno);
        if (got == 0)
            return ST_OK;
        out->len += (size_t)got;
        left -= (size_t)got;
    }
    return ST_TOO_LARGE;
}

enum status private_file_read(const char *path, size_t max, struct buffer *out)
{
    enum status st = ST_REFUSED;
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return status_of_errno(errno);
    if (fstat(fd, &info) != 0)
        st = status_of_errno(errno);
    else if ((info.st_mode & OTHERS) == 0)
        st = read_all(fd, max, out);
    (void)close(fd);
    return st;
}

static enum status write_some(int fd, struct slice rest)
{
    while (rest.len > 0) {
        ssize_t put = write(fd, rest.data, rest.len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return status_of_errno(errno);
        rest = slice_from(rest, (size_t)put);
    }
    return ST_OK;
}

static enum status write_all(int fd, struct slice bytes)
{
    enum status st = write_some(fd, bytes);

    if (st != ST_OK)
        return st;
    return fsync(fd) == 0 ? ST_OK : status_of_errno(errno);
}

enum status private_file_sync_dir(const char *path)
{
    enum status st = ST_OK;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return status_of_errno(errno);
    if (fsync(fd) != 0)
        st = status_of_errno(errno);
    (void)close(fd);
    return st;
}

/* A name is durable when its directory is. */
static enum status sync_dir_of(const char *path)
{
    const char *last = strrchr(path, '/');
    char dir[PATH_MAX];

    if (last == NULL)
        (void)snprintf(dir, sizeof(dir), ".");
    else
        (void)snprintf(dir, sizeof(dir), "%.*s", (int)(last - path + 1), path);
    return private_file_sync_dir(dir);
}

/* Writes the content under a name of its own beside `path`. */
static enum status write_beside(const char *path, struct slice content, char *beside, size_t len)
{
    enum status st;
    int fd;

    if ((size_t)snprintf(beside, len, "%s.%ld", path, (long)getpid()) >= len)
        return ST_IO;
    (void)unlink(beside); /* left over by a process of this number that was killed */
    fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return status_of_errno(errno);
    st = write_all(fd, content);
    if (close(fd) != 0 && st == ST_OK)
        st = status_of_errno(errno);
    if (st != ST_OK)
        (void)unlink(beside);
    return st;
}

enum status private_file_create(const char *path, struct slice content)
{
    char beside[PATH_MAX];
    enum status st = write_beside(path, content, beside, sizeof(beside));

    if (st != ST_OK)
        return st;
    /* Unlike rename, link leaves alone what another process has put there meanwhile. */
    if (link(beside, path) != 0)
        st = status_of_errno(errno);
    (void)unlink(beside);
    return st == ST_OK ? sync_dir_of(path) : st;
}

enum status private_file_replace(const char *path, struct slice content)
{
    char beside[PATH_MAX];
    enum status st = write_beside(path, content, beside, sizeof(beside));

    if (st != ST_OK)
        return st;
    if (rename(beside, path) != 0) {
        st = status_of_errno(errno);
        (void)unlink(beside);
        return st;
    }
    return sync_dir_of(path);
}

static enum status copy_bytes(int from, int to, uint64_t *bytes)
{
    uint8_t part[64 * 1024];
    enum status st = ST_OK;
    ssize_t got;

    *bytes = 0;
    while (st == ST_OK && (got = read(from, part, sizeof(part))) != 0) {
        if (got < 0)
            st = errno == EINTR ? ST_OK : status_of_errno(errno);
        else {
            st = write_some(to, slice_make(part, (size_t)got));
            *bytes += (uint64_t)got;
        }
    }
    if (st == ST_OK && fsync(to) != 0)
        st = status_of_errno(errno);
    return st;
}

enum status private_file_copy(const char *from, const char *to, uint64_t *bytes)
{
    enum status st;
    int source = open(from, O_RDONLY | O_CLOEXEC);
    int target;

    if (source < 0)
        return status_of_errno(errno);
    target = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (target < 0) {
        st = status_of_errno(errno);
    } else {
        st = copy_bytes(source, target, bytes);
        if (close(target) != 0 && st == ST_OK)
            st = status_of_errno(errno);
    }
    (void)close(source);
    return st;
}
