/*
 * Figures of another process out of /proc: schedstat, which counts in nanoseconds, of each of its
 * threads; smaps_rollup for memory; io. Threads that end between two readings take their time with
 * them: servers keep theirs. Main thread.
 */
#include "load_process.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "load_clock.h"

enum { KIB = 1024 };

/** A line of a file of the kernel's. */
struct process_line {
    const char *name; /* how the line begins */
    uint64_t *value;  /* where its number goes */
    uint64_t unit;    /* what it is multiplied with */
};

enum { PATH_SIZE = 64 + sizeof(((struct dirent *)0)->d_name) };

bool load_process_read_cpu(struct load_process *process, pid_t pid)
{
    char path[PATH_SIZE];
    const struct dirent *entry;
    DIR *tasks;

    process->cpu_ns = 0;
    if (pid == 0)
        return true;
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    tasks = opendir(path);
    if (tasks == NULL)
        return false;
    while ((entry = readdir(tasks)) != NULL) {
        int64_t run_ns = 0;
        FILE *file;

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int)pid, entry->d_name);
        file = fopen(path, "re");
        if (file == NULL)
            continue;
        if (fscanf(file, "%" SCNd64, &run_ns) == 1)
            process->cpu_ns += run_ns;
        fclose(file);
    }
    closedir(tasks);
    return true;
}

/** Reads numbers out of /proc/<pid>/<file>: the one of each line that begins with a name. */
static bool process_read_lines(pid_t pid, const char *file_name, const struct process_line *lines,
                               size_t count)
{
    char line[256];
    FILE *file;

    for (size_t i = 0; i < count; i++)
        *lines[i].value = 0;
    if (pid == 0)
        return true;
    snprintf(line, sizeof(line), "/proc/%d/%s", (int)pid, file_name);
    file = fopen(line, "re");
    if (file == NULL)
        return false;
    while (fgets(line, sizeof(line), file) != NULL) {
        for (size_t i = 0; i < count; i++) {
            const size_t len = strlen(lines[i].name);

            if (strncmp(line, lines[i].name, len) == 0)
                *lines[i].value = strtoull(line + len, NULL, 10) * lines[i].unit;
        }
    }
    fclose(file);
    return true;
}

bool load_process_read_memory(struct load_process *process, pid_t pid)
{
    const struct process_line lines[] = {
        {"Rss:", &process->rss_bytes, KIB},
        {"Pss:", &process->pss_bytes, KIB},
        {"Anonymous:", &process->own_bytes, KIB},
    };

    return process_read_lines(pid, "smaps_rollup", lines, sizeof(lines) / sizeof(lines[0]));
}

bool load_process_read_written(struct load_process *process, pid_t pid)
{
    const struct process_line line = {"write_bytes:", &process->written_bytes, 1};

    return process_read_lines(pid, "io", &line, 1);
}

int64_t load_process_own_cpu_ns(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * LOAD_CLOCK_NS_PER_S + used.tv_nsec;
}
