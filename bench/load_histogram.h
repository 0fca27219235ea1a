/*
 * Latencies counted in buckets that are at most 1.6 % wide, from 1 microsecond to 19 hours.
 */
#pragma once

#include <stdint.h>

#define LOAD_HISTOGRAM_FRACTION_BITS 6
#define LOAD_HISTOGRAM_POWERS        31
#define LOAD_HISTOGRAM_BUCKETS       (LOAD_HISTOGRAM_POWERS << LOAD_HISTOGRAM_FRACTION_BITS)

/** A value; zeroed is empty. */
struct load_histogram {
    uint64_t total;
    int64_t largest_us;
    uint64_t counts[LOAD_HISTOGRAM_BUCKETS];
};

/** Counts one value in microseconds; a negative one counts as 0, one beyond the range as the end.
 */
void load_histogram_add(struct load_histogram *histogram, int64_t value_us);

/** Adds all counts of `other`. */
void load_histogram_merge(struct load_histogram *histogram, const struct load_histogram *other);

/**
 * The value in microseconds that `share` (0 to 1) of all counted values do not exceed: the upper
 * end of its bucket, or the largest value where that is smaller. 0 when nothing was counted.
 */
int64_t load_histogram_percentile(const struct load_histogram *histogram, double share);
