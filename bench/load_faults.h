/*
 * What a server, or the way to it, did wrong in a run: counted by kind; any one of them makes the
 * run a failed one. The first few are also told on stderr, with their circumstances.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* X(NAME, word in the report, what it means, ends the run at once) */
#define LOAD_FAULT_LIST(X)                                                                 \
    X(LOST, "lost", "deliveries that never came", false)                                   \
    X(DUPLICATE, "duplicate", "deliveries that came again", false)                         \
    X(DISORDER, "disorder", "deliveries behind a later one of the same device", false)     \
    X(FOREIGN, "foreign", "deliveries whose topic or payload nobody sent", false)          \
    X(UNACKED, "unacknowledged", "publishes that were not acknowledged to the end", false) \
    X(REFUSED, "refused", "negative answers to CONNECT, SUBSCRIBE or PUBLISH", true)       \
    X(PROTOCOL, "protocol", "packets that are malformed or not allowed here", true)        \
    X(CLOSED, "closed", "connections that failed or that the server ended", true)          \
    X(UNFINISHED, "unfinished", "time limits that passed before the run was over", false)

/* clang-format off */
enum load_fault {
#define X(name, word, meaning, ends) LOAD_FAULT_##name,
    LOAD_FAULT_LIST(X)
#undef X
    LOAD_FAULT_COUNT
};
/* clang-format on */

/** Zeroed is no fault. Belongs to one thread. */
struct load_faults {
    uint64_t counts[LOAD_FAULT_COUNT];
    uint32_t told;
};

/** The word of a kind in reports. */
const char *load_faults_word(enum load_fault fault);

/** Whether a run makes no sense any more after this one. */
bool load_faults_ends_run(enum load_fault fault);

/** Counts a fault of `who` (a role, "device" or "subscriber") number `index`, and tells it. */
void load_faults_add(struct load_faults *faults, enum load_fault fault, const char *who,
                     uint32_t index, const char *what);

/** Counts `count` faults, which may be 0, without a word. */
void load_faults_count(struct load_faults *faults, enum load_fault fault, uint64_t count);

/** Adds the counts of `other`. */
void load_faults_merge(struct load_faults *faults, const struct load_faults *other);

/** Whether there was none. */
bool load_faults_none(const struct load_faults *faults);
