/*
 * Figures of another process out of /proc: schedstat, which counts in nanoseconds, of each of its
 * threads; smaps_rollup for memory. Threads that end between two readings take their time with
 * them: servers keep theirs. Main thread.
 */
#include "load_process.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "load_clock.h"

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

bool load_process_read_memory(struct load_process *process, pid_t pid)
{
    char line[256];
    FILE *file;

    process->rss_bytes = process->pss_bytes = 0;
    if (pid == 0)
        return true;
    snprintf(line, sizeof(line), "/proc/%d/smaps_rollup", (int)pid);
    file = fopen(line, "re");
    if (file == NULL)
        return false;
    while (fgets(line, sizeof(line), file) != NULL) {
        uint64_t kib;

        if (sscanf(line, "Rss: %" SCNu64, &kib) == 1)
            process->rss_bytes = kib * 1024;
        else if (sscanf(line, "Pss: %" SCNu64, &kib) == 1)
            process->pss_bytes = kib * 1024;
    }
    fclose(file);
    return true;
}

int64_t load_process_own_cpu_ns(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * LOAD_CLOCK_NS_PER_S + used.tv_nsec;
}
