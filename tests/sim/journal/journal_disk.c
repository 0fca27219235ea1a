/*
 * Each write since the last sync is kept with what it has put in place of what. The image of a
 * power failure is made of the file by taking all of them back, and then doing some of them again.
 */
#include "journal_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/invariant.h"
#include "base/mem.h"

enum { SECTOR = 512 /* bytes that a disk writes whole or not at all */ };

/* A write, followed by the bytes that it brings, and those that were there (zeros behind the end).
 */
struct disk_write {
    size_t at, len;
    uint8_t bytes[];
};

static struct {
    bool is_watching;
    dev_t device;
    ino_t inode;
    int fd;                 /* of our own, for looking at it */
    struct buffer unsynced; /* owned: pointers to struct disk_write, each owned, in order */
    /* the crash */
    bool is_armed, has_image;
    uint32_t calls; /* since it was armed */
    enum journal_disk_end end;
    struct chance *chance;
    const char *image;
    /* failures */
    unsigned fail_in, fail_count;
    int fail_error;
    unsigned long failures;
} disk = {.fd = -1};

/* --- writes that may be lost ----------------------------------------------------------------- */

static size_t write_count(void)
{
    return disk.unsynced.len / sizeof(struct disk_write *);
}

static struct disk_write *write_get(size_t index)
{
    struct disk_write *w;

    memcpy(&w, disk.unsynced.data + index * sizeof(struct disk_write *), sizeof(w));
    return w;
}

static void forget_last(void)
{
    mem_free(write_get(write_count() - 1));
    disk.unsynced.len -= sizeof(struct disk_write *);
}

static void forget_all(void)
{
    while (write_count() > 0)
        forget_last();
}

static size_t read_file(uint8_t *out, size_t len, size_t at)
{
    ssize_t n = pread(disk.fd, out, len, (off_t)at);

    invariant(n >= 0);
    memset(out + n, 0, len - (size_t)n);
    return (size_t)n;
}

static const struct disk_write *note_write(const struct iovec *parts, int count, size_t at)
{
    size_t len = 0, filled = 0;
    struct disk_write *w;

    for (int i = 0; i < count; i++)
        len += parts[i].iov_len;
    w = mem_alloc(MEM_TEST, sizeof(*w) + 2 * len);
    w->at = at;
    w->len = len;
    for (int i = 0; i < count; i++) {
        memcpy(w->bytes + filled, parts[i].iov_base, parts[i].iov_len);
        filled += parts[i].iov_len;
    }
    (void)read_file(w->bytes + len, len, at);
    buffer_append(&disk.unsynced, &w, sizeof(struct disk_write *));
    return w;
}

/* --- images ---------------------------------------------------------------------------------- */

enum share { SHARE_NONE, SHARE_ALL, SHARE_FRONT, SHARE_SOME };

/* Does a part of a write to the image; sectors are those of the disk. */
static void write_share(uint8_t *image, const struct disk_write *w, enum share share)
{
    size_t end = w->at + w->len;
    uint32_t front = chance_below(disk.chance, (uint32_t)(w->len / SECTOR) + 2);

    for (size_t at = w->at; share != SHARE_NONE && at < end;) {
        size_t next = at - at % SECTOR + SECTOR;
        bool is_done = share == SHARE_ALL || (share == SHARE_FRONT && front-- > 0) ||
                       (share == SHARE_SOME && chance_percent(disk.chance, 50));

        next = next < end ? next : end;
        if (is_done)
            memcpy(image + at, w->bytes + (at - w->at), next - at);
        else if (share == SHARE_FRONT)
            return;
        at = next;
    }
}

static void lose_power(uint8_t *image)
{
    static const enum share shares[] = {SHARE_NONE, SHARE_ALL, SHARE_SOME};

    for (size_t i = write_count(); i > 0; i--) {
        const struct disk_write *w = write_get(i - 1);

        memcpy(image + w->at, w->bytes + w->len, w->len);
    }
    for (size_t i = 0; i < write_count(); i++)
        write_share(image, write_get(i), shares[chance_below(disk.chance, 3)]);
}

static void write_image(const uint8_t *data, size_t len)
{
    int fd = open(disk.image, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    invariant(fd >= 0);
    for (size_t at = 0; at < len;) {
        long n = syscall(SYS_pwrite64, fd, data + at, len - at, at);

        invariant(n > 0);
        at += (size_t)n;
    }
    invariant(close(fd) == 0);
}

/* `under_way`: the last write, which has not reached the file yet; NULL: none. */
static void make_image(const struct disk_write *under_way)
{
    struct stat info;
    size_t len;
    uint8_t *data;

    invariant(fstat(disk.fd, &info) == 0);
    len = (size_t)info.st_size;
    for (size_t i = 0; i < write_count(); i++) {
        const struct disk_write *w = write_get(i);

        len = w->at + w->len > len ? w->at + w->len : len;
    }
    data = mem_alloc(MEM_TEST, len);
    (void)read_file(data, len, 0);
    if (disk.end == JOURNAL_DISK_POWER_OFF)
        lose_power(data);
    else if (under_way != NULL)
        write_share(data, under_way, SHARE_FRONT);
    write_image(data, len);
    mem_free(data);
    disk.has_image = true;
}

/* --- what LMDB calls ------------------------------------------------------------------------- */

static bool is_watched(int fd)
{
    struct stat info;

    return disk.is_watching && fstat(fd, &info) == 0 && info.st_dev == disk.device &&
           info.st_ino == disk.inode;
}

/* A call to the disk; true: it fails. Of a crash, the image of the n-th call takes the place of an
 * earlier one once in n times: so each call is as likely, however many there will be. */
static bool begin_call(const struct disk_write *under_way)
{
    if (disk.is_armed && chance_below(disk.chance, ++disk.calls) == 0)
        make_image(under_way);
    if (disk.fail_count == 0)
        return false;
    if (disk.fail_in > 0) {
        disk.fail_in--;
        return false;
    }
    disk.fail_count--;
    disk.failures++;
    errno = disk.fail_error;
    return true;
}

static ssize_t write_watched(int fd, const struct iovec *parts, int count, off_t at)
{
    const struct disk_write *w = note_write(parts, count, (size_t)at);
    ssize_t n = -1;

    if (!begin_call(w))
        n = syscall(SYS_pwrite64, fd, w->bytes, w->len, at);
    /* One that is synced by itself is safe now; one that has failed is none. */
    if (n < 0 || (fcntl(fd, F_GETFL) & O_DSYNC) != 0)
        forget_last();
    return n;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
    const struct iovec part = {(void *)(uintptr_t)data, len};

    if (is_watched(fd))
        return write_watched(fd, &part, 1, at);
    return syscall(SYS_pwrite64, fd, data, len, at);
}

/* It is behind an lseek. */
ssize_t writev(int fd, const struct iovec *parts, int count)
{
    off_t at;
    ssize_t n;

    if (!is_watched(fd))
        return syscall(SYS_writev, fd, parts, count);
    at = lseek(fd, 0, SEEK_CUR);
    n = write_watched(fd, parts, count, at);
    if (n > 0)
        (void)lseek(fd, n, SEEK_CUR);
    return n;
}

static int sync_watched(int fd, long number)
{
    if (begin_call(NULL))
        return -1;
    forget_all();
    return (int)syscall(number, fd);
}

int fdatasync(int fd)
{
    return is_watched(fd) ? sync_watched(fd, SYS_fdatasync) : (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    return is_watched(fd) ? sync_watched(fd, SYS_fsync) : (int)syscall(SYS_fsync, fd);
}

/* --- the test's side ------------------------------------------------------------------------- */

void journal_disk_watch(const char *path)
{
    struct stat info;

    invariant(!disk.is_watching);
    disk.fd = open(path, O_RDONLY | O_CLOEXEC);
    invariant(disk.fd >= 0 && fstat(disk.fd, &info) == 0);
    disk.device = info.st_dev;
    disk.inode = info.st_ino;
    disk.is_watching = true;
}

void journal_disk_unwatch(void)
{
    forget_all();
    buffer_deinit(&disk.unsynced);
    if (disk.is_watching)
        invariant(close(disk.fd) == 0);
    disk.fd = -1;
    disk.is_watching = disk.is_armed = disk.has_image = false;
    disk.fail_count = 0;
}

static void prepare(enum journal_disk_end end, struct chance *c, const char *image)
{
    invariant(disk.is_watching);
    disk.has_image = false;
    disk.end = end;
    disk.chance = c;
    disk.image = image;
    disk.calls = 0;
}

void journal_disk_arm(enum journal_disk_end end, struct chance *c, const char *image)
{
    prepare(end, c, image);
    disk.is_armed = true;
}

void journal_disk_crash_now(enum journal_disk_end end, struct chance *c, const char *image)
{
    prepare(end, c, image);
    make_image(NULL);
}

bool journal_disk_crashed(void)
{
    bool has_image = disk.has_image;

    disk.is_armed = disk.has_image = false;
    return has_image;
}

void journal_disk_fail_in(unsigned calls, unsigned count, int error)
{
    disk.fail_in = calls;
    disk.fail_count = count;
    disk.fail_error = error;
}

unsigned long journal_disk_failures(void)
{
    return disk.failures;
}
