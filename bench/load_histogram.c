/*
 * A histogram with buckets of equal relative width: each power of two is cut into 64 parts, and
 * values below 64 have a bucket each. Belongs to one thread; threads' histograms are merged at
 * the end. It does not keep single values.
 */
#include "load_histogram.h"

#include <math.h>
#include <stddef.h>

#define PARTS ((int64_t)1 << LOAD_HISTOGRAM_FRACTION_BITS)

static size_t histogram_bucket(int64_t value_us)
{
    int power;

    if (value_us < PARTS)
        return value_us > 0 ? (size_t)value_us : 0;
    power = 63 - __builtin_clzll((unsigned long long)value_us) - LOAD_HISTOGRAM_FRACTION_BITS;
    if (power + 1 >= LOAD_HISTOGRAM_POWERS)
        return LOAD_HISTOGRAM_BUCKETS - 1;
    return (size_t)(((power + 1) * PARTS) + ((value_us >> power) - PARTS));
}

static int64_t histogram_upper_end(size_t bucket)
{
    int64_t power = (int64_t)bucket / PARTS - 1;
    int64_t part = (int64_t)bucket % PARTS;

    if (power < 0)
        return part;
    return ((PARTS + part + 1) << power) - 1;
}

void load_histogram_add(struct load_histogram *histogram, int64_t value_us)
{
    histogram->counts[histogram_bucket(value_us)]++;
    histogram->total++;
    if (value_us > histogram->largest_us)
        histogram->largest_us = value_us;
}

void load_histogram_merge(struct load_histogram *histogram, const struct load_histogram *other)
{
    for (size_t i = 0; i < LOAD_HISTOGRAM_BUCKETS; i++)
        histogram->counts[i] += other->counts[i];
    histogram->total += other->total;
    if (other->largest_us > histogram->largest_us)
        histogram->largest_us = other->largest_us;
}

int64_t load_histogram_percentile(const struct load_histogram *histogram, double share)
{
    uint64_t rank = (uint64_t)ceil(share * (double)histogram->total);
    uint64_t seen = 0;

    if (histogram->total == 0)
        return 0;
    for (size_t i = 0; i < LOAD_HISTOGRAM_BUCKETS - 1; i++) {
        seen += histogram->counts[i];
        if (seen >= rank && seen > 0) {
            int64_t end = histogram_upper_end(i);

            return end < histogram->largest_us ? end : histogram->largest_us;
        }
    }
    return histogram->largest_us;
}
