/*
 * The sequence check. A number behind a gap opens a range of missing ones; a number from such a
 * range closes it or cuts it in two. The good case, the next number, is one comparison and needs
 * no memory. Belongs to the thread of its subscriber.
 */
#include "load_sequence.h"

#include <stdlib.h>
#include <string.h>

#include "load_fatal.h"

struct load_sequence_range {
    uint32_t first;
    uint32_t last;
};

void load_sequence_deinit(struct load_sequence *sequence)
{
    free(sequence->missing);
    *sequence = (struct load_sequence){0};
}

/** Puts a range at place `at`, which moves those from there on. */
static void sequence_insert(struct load_sequence *sequence, uint32_t at, uint32_t first,
                            uint32_t last)
{
    if (sequence->range_count == sequence->range_capacity) {
        sequence->range_capacity = sequence->range_capacity > 0 ? sequence->range_capacity * 2 : 8;
        sequence->missing =
            reallocarray(sequence->missing, sequence->range_capacity, sizeof(*sequence->missing));
        if (sequence->missing == NULL)
            load_fatal("no memory for %u gaps in a sequence", sequence->range_capacity);
    }
    memmove(sequence->missing + at + 1, sequence->missing + at,
            (sequence->range_count - at) * sizeof(*sequence->missing));
    sequence->missing[at] = (struct load_sequence_range){first, last};
    sequence->range_count++;
}

static void sequence_remove(struct load_sequence *sequence, uint32_t at)
{
    sequence->range_count--;
    memmove(sequence->missing + at, sequence->missing + at + 1,
            (sequence->range_count - at) * sizeof(*sequence->missing));
}

/** The place of the first range that does not end before `number`; range_count if there is none. */
static uint32_t sequence_search(const struct load_sequence *sequence, uint32_t number)
{
    uint32_t low = 0;
    uint32_t high = sequence->range_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (sequence->missing[middle].last < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum load_sequence_verdict sequence_accept_old(struct load_sequence *sequence,
                                                      uint32_t number)
{
    uint32_t at = sequence_search(sequence, number);
    struct load_sequence_range *range = sequence->missing + at;

    if (at == sequence->range_count || number < range->first)
        return LOAD_SEQUENCE_DUPLICATE;
    if (range->first == range->last) {
        sequence_remove(sequence, at);
    } else if (number == range->first) {
        range->first++;
    } else if (number == range->last) {
        range->last--;
    } else {
        uint32_t last = range->last;

        range->last = number - 1;
        sequence_insert(sequence, at + 1, number + 1, last);
    }
    return LOAD_SEQUENCE_DISORDER;
}

enum load_sequence_verdict load_sequence_accept(struct load_sequence *sequence, uint32_t number)
{
    if (number < sequence->next)
        return sequence_accept_old(sequence, number);
    if (number > sequence->next)
        sequence_insert(sequence, sequence->range_count, sequence->next, number - 1);
    sequence->next = number + 1;
    return LOAD_SEQUENCE_IN_ORDER;
}

uint64_t load_sequence_missing(const struct load_sequence *sequence, uint32_t total)
{
    uint64_t missing = total > sequence->next ? total - sequence->next : 0;

    for (uint32_t i = 0; i < sequence->range_count; i++)
        missing += sequence->missing[i].last - sequence->missing[i].first + 1;
    return missing;
}
