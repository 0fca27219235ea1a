/*
 * A run from its start to its result.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "load_faults.h"
#include "load_histogram.h"
#include "load_plan.h"
#include "load_process.h"

/** Everything that is counted, at one moment. */
struct load_run_mark {
    int64_t at_ns;           /* steady time */
    uint32_t drained_shards; /* those that publish no more; looked at before the counters */
    uint64_t attached;
    uint64_t left;
    uint64_t published;
    uint64_t acknowledged;
    uint64_t delivered;
    struct load_process server;
    int64_t own_cpu_ns;
};

/** What came out. What lies between `begin` and `end` is what was measured. */
struct load_run_result {
    struct load_run_mark begin;     /* away: when all subscribers have left */
    struct load_run_mark stored;    /* away: when all is acknowledged */
    struct load_run_mark caught_up; /* away: when little more than what is new was on its way */
    struct load_run_mark end;
    struct load_run_mark last; /* of the whole run, faults included */
    struct load_histogram latency;
    struct load_histogram acknowledgement; /* away: of what was published after `stored` */
    struct load_faults faults;
    char tls[64];
};

/** Carries the plan out. The server's faults are in the result; ours end the process. */
void load_run(const struct load_plan *plan, struct load_run_result *result);
