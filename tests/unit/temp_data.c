/*
 * Temporary data directories below TMPDIR.
 */
#include "temp_data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static int64_t bytes_before;
static char directory[PATH_MAX];

int temp_data_setup(void **state)
{
    const char *parent = getenv("TMPDIR");

    (void)snprintf(directory, sizeof(directory), "%s/eztcloud-test-XXXXXX",
                   parent == NULL ? "/tmp" : parent);
    if (mkdtemp(directory) == NULL)
        return -1;
    *state = directory;
    bytes_before = mem_bytes_used_total();
    return 0;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

int temp_data_teardown(void **state)
{
    int64_t bytes_after = mem_bytes_used_total();

    if (nftw(*state, remove_entry, 8, FTW_DEPTH | FTW_PHYS) != 0)
        return -1;
    if (bytes_after == bytes_before)
        return 0;
    (void)fprintf(stderr, "%lld bytes before, %lld after\n", (long long)bytes_before,
                  (long long)bytes_after);
    return -1;
}

const char *temp_data_path(void **state, const char *name)
{
    static char path[PATH_MAX];
    int len = snprintf(path, sizeof(path), "%s/%s", (const char *)*state, name);

    assert_true(len > 0 && (size_t)len < sizeof(path));
    return path;
}

void temp_data_write(void **state, const char *name, const void *data, size_t len, unsigned mode)
{
    const char *path = temp_data_path(state, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), (ssize_t)len);
    assert_int_equal(close(fd), 0);
    assert_int_equal(chmod(path, mode), 0);
}

unsigned temp_data_mode(void **state, const char *name)
{
    struct stat info;

    assert_int_equal(stat(temp_data_path(state, name), &info), 0);
    return info.st_mode & 0777;
}
