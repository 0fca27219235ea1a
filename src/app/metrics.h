/*
 * The numbers that the program tells about itself: every layer's counters (counters.def) and the
 * memory in use by purpose (base/mem.h), as one list.
 *
 * The list is the same in the server, which has the values, and in the command line, which knows
 * units and help from it. Main thread; the values are sums over all threads at about the same time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum { METRIC_NAME_MAX = 63 };

struct metric {
    char name[METRIC_NAME_MAX + 1]; /* a counter's name, or memory_<purpose> */
    const char *unit;               /* static */
    const char *help;               /* static */
    int64_t value;                  /* of this process */
};

/** Registers the counters of all layers; before threads are made. A second call is accepted. */
void metrics_register(void);

/** Walks the list: false at the end; start with *cursor = 0. */
bool metrics_next(size_t *cursor, struct metric *out);

/** The one of a name; false: there is none. */
bool metrics_find(struct slice name, struct metric *out);

/** Appends `name value` for each of the list, a line each. */
void metrics_write(struct buffer *out);
