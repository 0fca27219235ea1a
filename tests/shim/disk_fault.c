/*
 * A disk that fails when it is told to: preloaded into a server, it stands before the system calls
 * that write to files below one directory.
 *
 *   DISK_FAULT_BELOW    part of the path of the files that it is about
 *   DISK_FAULT_CONTROL  file that says what happens, read at each call: lines `CALL ERROR`; CALL is
 *                       write, sync, truncate or meta (a write into the first two pages), ERROR is
 *                       EIO, ENOSPC, EROFS, or slow (50 ms). Empty or not there: nothing.
 *
 * What is failed has no effect, as on a disk that refuses. Any thread.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { TEXT_MAX = 512, META_BYTES = 8192, SLOW_MS = 50 };

static bool is_ours(int fd)
{
    const char *below = getenv("DISK_FAULT_BELOW");
    char name[64], path[TEXT_MAX];
    ssize_t len;

    if (below == NULL)
        return false;
    (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    len = readlink(name, path, sizeof(path) - 1);
    if (len <= 0)
        return false;
    path[len] = '\0';
    return strstr(path, below) != NULL;
}

static size_t read_control(char text[TEXT_MAX])
{
    const char *control = getenv("DISK_FAULT_CONTROL");
    int fd = control == NULL ? -1 : open(control, O_RDONLY | O_CLOEXEC);
    ssize_t len = 0;

    if (fd >= 0) {
        len = read(fd, text, TEXT_MAX - 1);
        (void)close(fd);
    }
    text[len > 0 ? len : 0] = '\0';
    return len > 0 ? (size_t)len : 0;
}

static int number_of(const char *error)
{
    if (strcmp(error, "ENOSPC") == 0)
        return ENOSPC;
    return strcmp(error, "EROFS") == 0 ? EROFS : EIO;
}

/* What is to happen to this call: 0, or an error number. */
static int verdict(int fd, const char *call)
{
    char text[TEXT_MAX], *rest = text, *line;
    const struct timespec slow = {0, SLOW_MS * 1000000L};
    int before = errno, result = 0;

    if (!is_ours(fd) || read_control(text) == 0) {
        errno = before;
        return 0;
    }
    while (result == 0 && (line = strsep(&rest, "\n")) != NULL) {
        char *error = line;
        const char *word = strsep(&error, " ");

        if (error == NULL || strcmp(word, call) != 0)
            continue;
        if (strcmp(error, "slow") == 0)
            (void)nanosleep(&slow, NULL);
        else
            result = number_of(error);
    }
    errno = before;
    return result;
}

static int verdict_of_write(int fd, off_t offset, size_t len)
{
    int result = verdict(fd, "write");

    if (result == 0 && offset >= 0 && offset < META_BYTES && len < META_BYTES / 2)
        result = verdict(fd, "meta");
    return result;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* After the verdict: what fails gives -1. */
#define GUARD(the_verdict)         \
    do {                           \
        int error = (the_verdict); \
        if (error != 0) {          \
            errno = error;         \
            return -1;             \
        }                          \
    } while (0)

ssize_t write(int fd, const void *data, size_t len)
{
    GUARD(verdict_of_write(fd, -1, len));
    return REAL(write)(fd, data, len);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
    GUARD(verdict_of_write(fd, offset, len));
    return REAL(pwrite)(fd, data, len, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t offset)
{
    GUARD(verdict_of_write(fd, offset, len));
    return REAL(pwrite64)(fd, data, len, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    GUARD(verdict_of_write(fd, -1, 0));
    return REAL(writev)(fd, parts, count);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    GUARD(verdict_of_write(fd, offset, META_BYTES));
    return REAL(pwritev)(fd, parts, count, offset);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset)
{
    GUARD(verdict_of_write(fd, offset, META_BYTES));
    return REAL(pwritev64)(fd, parts, count, offset);
}

int fsync(int fd)
{
    GUARD(verdict(fd, "sync"));
    return REAL(fsync)(fd);
}

int fdatasync(int fd)
{
    GUARD(verdict(fd, "sync"));
    return REAL(fdatasync)(fd);
}

int ftruncate(int fd, off_t len)
{
    GUARD(verdict(fd, "truncate"));
    return REAL(ftruncate)(fd, len);
}

int ftruncate64(int fd, off64_t len)
{
    GUARD(verdict(fd, "truncate"));
    return REAL(ftruncate64)(fd, len);
}
