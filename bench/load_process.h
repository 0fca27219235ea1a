/*
 * What a process has used so far, as the kernel counts it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct load_process {
    int64_t cpu_ns;         /* run time of all threads, user and kernel together */
    uint64_t rss_bytes;     /* resident, shared pages whole */
    uint64_t pss_bytes;     /* resident, shared pages in proportion */
    uint64_t own_bytes;     /* resident, without what is mapped of files */
    uint64_t written_bytes; /* that it had written to disks */
};

/**
 * Reads the CPU time of process `pid` (0: of nobody, all stays 0).
 *
 * @return false when there is no such process
 */
bool load_process_read_cpu(struct load_process *process, pid_t pid);

/** Reads the memory of process `pid`, as load_process_read_cpu() does the CPU time. */
bool load_process_read_memory(struct load_process *process, pid_t pid);

/** Reads what process `pid` has written, likewise. */
bool load_process_read_written(struct load_process *process, pid_t pid);

/** CPU time of this process in nanoseconds. */
int64_t load_process_own_cpu_ns(void);
