/*
 * Files of LMDB that are damaged: the walk over their pages ends, and what it calls sound LMDB can
 * read from end to end.
 */
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/invariant.h"
#include "store/lmdb_env_inspect.h"

enum { SMALL, BIG, TABLES };

static const char *const tables[TABLES] = {[SMALL] = "small", [BIG] = "big"};

/* In memory: what is written here is read at once and by nobody else. */
static char folder[] = "/dev/shm/fuzz-lmdb-XXXXXX";
static char file[PATH_MAX];

static void remove_folder(void)
{
    (void)remove(file);
    (void)remove(folder);
}

static void make_folder(void)
{
    if (file[0] != '\0')
        return;
    invariant(mkdtemp(folder) != NULL);
    (void)snprintf(file, sizeof(file), "%s/data.mdb", folder);
    (void)atexit(remove_folder);
}

static void on_fault(const char *text, void *arg)
{
    invariant(text[0] != '\0');
    ++*(unsigned *)arg;
}

static bool on_item(struct slice key, struct slice value, void *arg)
{
    volatile uint8_t sum = 0;

    (void)arg;
    for (size_t i = 0; i < key.len; i++)
        sum = (uint8_t)(sum + key.data[i]);
    for (size_t i = 0; i < value.len; i++)
        sum = (uint8_t)(sum + value.data[i]);
    return true;
}

static void walk(struct lmdb_env_txn *t, void *arg)
{
    invariant(*(unsigned *)arg == 0); /* nothing that was told is followed */
    for (size_t i = 0; i < TABLES; i++)
        lmdb_env_each(t, i, on_item, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned faults = 0;
    enum status st;
    FILE *f;

    make_folder();
    f = fopen(file, "wb");
    invariant(f != NULL && fwrite(data, 1, size, f) == size);
    invariant(fclose(f) == 0);
    st = lmdb_env_inspect(folder, tables, TABLES, walk, on_fault, &faults);
    invariant((st == ST_OK) == (faults == 0));
    return 0;
}
