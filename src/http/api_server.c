/*
 * What the server tells about itself: version, endpoints, counters, its CA, the description of this
 * API.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/counter.h"
#include "base/metric.h"
#include "http/api.h"
#include "http/api_endpoints.h"

enum { CA_MAX = 64 * 1024 };

void api_server_openapi(struct http_call *call)
{
    call->answer->status = 200;
    call->answer->content_type = "application/json";
    call->answer->fixed = slice_of(call->site->openapi);
}

/* The CA's certificate is no secret, and its file may be anybody's to read. */
static enum status read_ca(const struct http_call *call, struct buffer *out)
{
    char path[PATH_MAX];
    uint8_t *to;
    size_t len;
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/tls/ca.pem", call->site->settings.data_dir);
    file = fopen(path, "rbe");
    if (file == NULL)
        return ST_NOT_FOUND;
    to = buffer_reserve(out, CA_MAX);
    len = fread(to, 1, CA_MAX, file);
    (void)fclose(file);
    out->len += len;
    return len > 0 ? ST_OK : ST_IO;
}

void api_server_ca(struct http_call *call)
{
    struct http_response *a = call->answer;
    enum status st = read_ca(call, &a->body);

    if (!http_succeeded(call, st, "a CA of the server's own"))
        return;
    a->status = 200;
    a->content_type = "application/x-pem-file";
    http_response_header(a, "Content-Disposition", "attachment; filename=\"ca.pem\"");
}

void api_server_show(struct http_call *call)
{
    const struct http_settings *s = &call->site->settings;

    http_answer(call,
                json_pack("{s:s, s:I, s:I, s:i, s:s, s:o}", "version", s->version, "started_ms",
                          (json_int_t)call->site->started_ms, "now_ms", (json_int_t)clock_unix_ms(),
                          "workers", (int)worker_group_count(s->workers), "public_host",
                          s->public_host, "endpoints", api_endpoints_of_server(call->site)));
}

/* --- counters --------------------------------------------------------------------------------- */

void api_server_counters(struct http_call *call)
{
    json_t *items = json_array();
    struct metric m;
    size_t cursor = 0;

    while (metric_next(&cursor, &m))
        (void)json_array_append_new(
            items, json_pack("{s:s, s:s, s:s, s:s, s:I}", "name", m.name, "kind",
                             m.kind == COUNTER_TOTAL ? "total" : "gauge", "unit", m.unit, "help",
                             m.help, "value", (json_int_t)m.value));
    http_answer(call, json_pack("{s:o, s:n}", "items", items, "next"));
}

/* One metric of Prometheus' text format, version 0.0.4. */
static void write_metric(struct buffer *out, const struct metric *m)
{
    const char *suffix = m->kind == COUNTER_TOTAL ? "_total" : "";

    buffer_printf(out,
                  "# HELP eztcloud_%s%s %s\n"
                  "# TYPE eztcloud_%s%s %s\n"
                  "eztcloud_%s%s %" PRId64 "\n",
                  m->name, suffix, m->help, m->name, suffix,
                  m->kind == COUNTER_TOTAL ? "counter" : "gauge", m->name, suffix, m->value);
}

/* A histogram of the same format, in its unit: seconds, and each bucket with those below it. */
static void write_times(struct buffer *out, const struct counter *c)
{
    const double us_per_s = 1e6;
    struct counter_times times;
    uint64_t count = 0;

    counter_read_times(c, &times);
    buffer_printf(out,
                  "# HELP eztcloud_%s_seconds %s\n"
                  "# TYPE eztcloud_%s_seconds histogram\n",
                  c->name, c->help, c->name);
    for (unsigned i = 0; i < COUNTER_TIME_BUCKETS - 1; i++) {
        count += times.buckets[i];
        buffer_printf(out, "eztcloud_%s_seconds_bucket{le=\"%g\"} %" PRIu64 "\n", c->name,
                      counter_time_bounds_us[i] / us_per_s, count);
    }
    buffer_printf(out,
                  "eztcloud_%s_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n"
                  "eztcloud_%s_seconds_sum %.6f\n"
                  "eztcloud_%s_seconds_count %" PRIu64 "\n",
                  c->name, times.count, c->name, (double)times.sum_us / us_per_s, c->name,
                  times.count);
}

void api_server_metrics(struct http_call *call)
{
    struct buffer *out = &call->answer->body;
    const struct counter *c;
    struct metric m;
    size_t cursor = 0;

    while (metric_next(&cursor, &m)) {
        if (m.times == NULL)
            write_metric(out, &m);
    }
    for (cursor = 0; (c = counter_next(&cursor)) != NULL;) {
        if (c->kind == COUNTER_TIMES)
            write_times(out, c);
    }
    call->answer->status = 200;
    call->answer->content_type = "text/plain; version=0.0.4; charset=utf-8";
    http_response_header(call->answer, "Cache-Control", "no-store");
}
