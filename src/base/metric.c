/*
 * First the counters in the order of their registration, then the purposes of memory. The cursor is
 * that of the counters, with the next percentile above it, or behind the counters a purpose.
 */
#include "base/metric.h"

#include <ctype.h>
#include <stdio.h>

#include "base/mem.h"

enum {
    CURSOR_PERCENTILE = COUNTER_MAX,  /* a cursor counts percentiles in steps of this */
    CURSOR_MEMORY = COUNTER_MAX * 256 /* and purposes from here on */
};

static const unsigned percents[] = {50, 90, 99};
enum { PERCENT_COUNT = sizeof(percents) / sizeof(*percents) };

static const char *const purposes[MEM_USE_COUNT] = {
#define X(name, text) [MEM_##name] = #name,
    MEM_USE_LIST(X)
#undef X
};

static void take_counter(const struct counter *c, struct metric *out)
{
    *out = (struct metric){
        .kind = c->kind, .unit = c->unit, .help = c->help, .value = counter_read(c)};
    (void)snprintf(out->name, sizeof(out->name), "%s", c->name);
}

static void take_percentile(const struct counter *c, unsigned percent, struct metric *out)
{
    struct counter_times times;

    counter_read_times(c, &times);
    *out = (struct metric){.kind = COUNTER_GAUGE,
                           .unit = c->unit,
                           .help = c->help,
                           .value = (int64_t)counter_times_percentile(&times, percent),
                           .times = c};
    (void)snprintf(out->name, sizeof(out->name), "%s_p%u", c->name, percent);
}

static void take_memory(enum mem_use use, struct metric *out)
{
    *out = (struct metric){.kind = COUNTER_GAUGE,
                           .unit = "bytes",
                           .help = mem_use_text(use),
                           .value = mem_bytes_used(use)};
    (void)snprintf(out->name, sizeof(out->name), "memory_%s", purposes[use]);
    for (char *c = out->name; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
}

static bool next_of_counters(size_t *cursor, struct metric *out)
{
    size_t percentile = *cursor / CURSOR_PERCENTILE;
    size_t ahead = *cursor % CURSOR_PERCENTILE;
    const struct counter *c = counter_next(&ahead);

    if (c == NULL)
        return false;
    if (c->kind != COUNTER_TIMES) {
        take_counter(c, out);
        *cursor = ahead;
        return true;
    }
    take_percentile(c, percents[percentile], out);
    *cursor = percentile + 1 < PERCENT_COUNT ? *cursor + CURSOR_PERCENTILE : ahead;
    return true;
}

bool metric_next(size_t *cursor, struct metric *out)
{
    size_t use;

    if (*cursor < CURSOR_MEMORY) {
        if (next_of_counters(cursor, out))
            return true;
        *cursor = CURSOR_MEMORY;
    }
    use = *cursor - CURSOR_MEMORY;
    if (use >= MEM_USE_COUNT)
        return false;
    take_memory((enum mem_use)use, out);
    ++*cursor;
    return true;
}

bool metric_find(struct slice name, struct metric *out)
{
    size_t cursor = 0;

    while (metric_next(&cursor, out)) {
        if (slice_is(name, out->name))
            return true;
    }
    return false;
}
