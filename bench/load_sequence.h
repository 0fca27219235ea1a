/*
 * What one subscriber has received of one device: tells what is in order, what came twice, what
 * came late, and in the end what is missing. Exact, whatever a server does.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum load_sequence_verdict {
    LOAD_SEQUENCE_IN_ORDER,  /* the next one, or a later one: then those between are missing */
    LOAD_SEQUENCE_DISORDER,  /* one that was missing, behind a later one */
    LOAD_SEQUENCE_DUPLICATE, /* one that was here before */
};

struct load_sequence_range;

/** Zeroed is a sequence that waits for number 0. */
struct load_sequence {
    uint32_t next; /* one more than the highest number that came */
    uint32_t range_count;
    uint32_t range_capacity;
    struct load_sequence_range *missing; /* owned; ascending, apart, all below `next` */
};

/** Frees what the sequence holds; accepts a zeroed one. */
void load_sequence_deinit(struct load_sequence *sequence);

/** Takes note of number `number` (below UINT32_MAX) and says what it is. */
enum load_sequence_verdict load_sequence_accept(struct load_sequence *sequence, uint32_t number);

/** How many of the numbers 0 to `total` - 1 have never come. */
uint64_t load_sequence_missing(const struct load_sequence *sequence, uint32_t total);
