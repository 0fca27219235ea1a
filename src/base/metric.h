/*
 * The numbers that the program tells about itself: the registered counters and the memory in use by
 * purpose (base/mem.h), as one list.
 *
 * Any thread; values are sums over all threads at about the same time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/counter.h"

enum { METRIC_NAME_MAX = 63 };

struct metric {
    char name[METRIC_NAME_MAX + 1]; /* a counter's name, that and a percentile, memory_<purpose> */
    enum counter_kind kind;         /* COUNTER_TOTAL or COUNTER_GAUGE */
    const char *unit;               /* static */
    const char *help;               /* static */
    int64_t value;                  /* of this process */
    const struct counter *times;    /* static: of whose times it is a percentile; NULL: of none */
};

/** Walks the list: false at the end; start with *cursor = 0. */
bool metric_next(size_t *cursor, struct metric *out);

/** The one of a name; false: there is none. */
bool metric_find(struct slice name, struct metric *out);
