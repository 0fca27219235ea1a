#include "data_place.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/invariant.h"

static void format_paths(struct data_place *p)
{
    (void)snprintf(p->now, sizeof(p->now), "%s/%u", p->root, p->number);
    (void)snprintf(p->file, sizeof(p->file), "%s/%u/journal/data.mdb", p->root, p->number);
    (void)snprintf(p->image, sizeof(p->image), "%s/%u/journal/data.mdb", p->root, p->number + 1);
}

static void make(const struct data_place *p, unsigned number)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/%u", p->root, number);
    invariant(mkdir(path, 0700) == 0);
    (void)snprintf(path, sizeof(path), "%s/%u/journal", p->root, number);
    invariant(mkdir(path, 0700) == 0);
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

static void remove_tree(const char *path)
{
    invariant(nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

void data_place_open(struct data_place *p)
{
    const char *parent = getenv("TMPDIR");

    if (parent == NULL)
        parent = access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
    (void)snprintf(p->root, sizeof(p->root), "%s/eztcloud-sim-XXXXXX", parent);
    invariant(mkdtemp(p->root) != NULL);
    p->number = 1;
    make(p, 1);
    make(p, 2);
    format_paths(p);
}

void data_place_copy(const struct data_place *p)
{
    int from = open(p->file, O_RDONLY | O_CLOEXEC);
    int to = open(p->image, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct stat info;

    invariant(from >= 0 && to >= 0 && fstat(from, &info) == 0);
    for (off_t left = info.st_size; left > 0;) {
        ssize_t n = sendfile(to, from, NULL, (size_t)left);

        invariant(n > 0);
        left -= n;
    }
    invariant(close(from) == 0 && close(to) == 0);
}

void data_place_move(struct data_place *p)
{
    remove_tree(p->now);
    p->number++;
    make(p, p->number + 1);
    format_paths(p);
}

uint64_t data_place_bytes(const struct data_place *p)
{
    struct stat info;

    invariant(stat(p->file, &info) == 0);
    return (uint64_t)info.st_size;
}

void data_place_close(struct data_place *p)
{
    remove_tree(p->root);
}
