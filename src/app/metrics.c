#include "app/metrics.h"

#include <inttypes.h>

#include "http/counters.h"
#include "mqtt/counters.h"
#include "net/counters.h"
#include "platform/counters.h"
#include "service/counters.h"
#include "store/counters.h"

void metrics_register(void)
{
    net_counters_register();
    mqtt_counters_register();
    store_counters_register();
    platform_counters_register();
    service_counters_register();
    http_counters_register();
}

void metrics_write(struct buffer *out)
{
    struct metric m;
    size_t cursor = 0;

    while (metric_next(&cursor, &m))
        buffer_printf(out, "%s %" PRId64 "\n", m.name, m.value);
}
