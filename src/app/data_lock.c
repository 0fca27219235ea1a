/* flock, so that it ends with its process, however that ends. */
#include "app/data_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

enum status data_lock_take(const char *data_dir, int *fd, char *error, size_t error_len)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/server.lock", data_dir);
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*fd < 0) {
        (void)snprintf(
            error, error_len,
            "cannot open server.lock in %.256s: %s; check the rights of the data directory",
            data_dir, strerror(errno));
        return ST_IO;
    }
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
        return ST_OK;
    (void)snprintf(
        error, error_len,
        "another server runs on the data directory %s; stop it, or choose another --data",
        data_dir);
    return ST_BUSY;
}
