/*
 * First the counters in the order of their registration, then the purposes of memory.
 */
#include "app/metrics.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/counter.h"
#include "base/mem.h"
#include "http/counters.h"
#include "mqtt/counters.h"
#include "net/counters.h"
#include "platform/counters.h"
#include "service/counters.h"
#include "store/counters.h"

static const char *const purposes[MEM_USE_COUNT] = {
#define X(name, text) [MEM_##name] = #name,
    MEM_USE_LIST(X)
#undef X
};

void metrics_register(void)
{
    net_counters_register();
    mqtt_counters_register();
    store_counters_register();
    platform_counters_register();
    service_counters_register();
    http_counters_register();
}

static void take_counter(const struct counter *c, struct metric *out)
{
    *out = (struct metric){.unit = c->unit, .help = c->help, .value = counter_read(c)};
    (void)snprintf(out->name, sizeof(out->name), "%s", c->name);
}

static void take_memory(enum mem_use use, struct metric *out)
{
    *out =
        (struct metric){.unit = "bytes", .help = mem_use_text(use), .value = mem_bytes_used(use)};
    (void)snprintf(out->name, sizeof(out->name), "memory_%s", purposes[use]);
    for (char *c = out->name; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
}

bool metrics_next(size_t *cursor, struct metric *out)
{
    size_t at = *cursor;
    const struct counter *c;

    if (at < COUNTER_MAX) { /* above it the cursor is a purpose */
        c = counter_next(cursor);
        if (c != NULL) {
            take_counter(c, out);
            return true;
        }
        at = COUNTER_MAX;
    }
    if (at - COUNTER_MAX >= MEM_USE_COUNT)
        return false;
    take_memory((enum mem_use)(at - COUNTER_MAX), out);
    *cursor = at + 1;
    return true;
}

bool metrics_find(struct slice name, struct metric *out)
{
    size_t cursor = 0;

    while (metrics_next(&cursor, out)) {
        if (slice_is(name, out->name))
            return true;
    }
    return false;
}

void metrics_write(struct buffer *out)
{
    struct metric m;
    size_t cursor = 0;

    while (metrics_next(&cursor, &m))
        buffer_printf(out, "%s %" PRId64 "\n", m.name, m.value);
}
