/*
 * What the server tells about itself: version, endpoints, counters, its CA, the description of this
 * API.
 */
#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/counter.h"
#include "base/mem.h"
#include "http/api.h"
#include "http/api_endpoints.h"

enum { CA_MAX = 64 * 1024, METRIC_NAME_MAX = 96 };

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

static json_t *describe_counter(const char *name, enum counter_kind kind, const char *unit,
                                const char *help, int64_t value)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:I}", "name", name, "kind",
                     kind == COUNTER_TOTAL ? "total" : "gauge", "unit", unit, "help", help, "value",
                     (json_int_t)value);
}

static const char *memory_name(enum mem_use use, char out[METRIC_NAME_MAX])
{
    static const char *const names[MEM_USE_COUNT] = {
#define X(name, text) [MEM_##name] = #name,
        MEM_USE_LIST(X)
#undef X
    };

    (void)snprintf(out, METRIC_NAME_MAX, "memory_%s", names[use]);
    for (char *c = out; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    return out;
}

void api_server_counters(struct http_call *call)
{
    json_t *items = json_array();
    const struct counter *c;
    char name[METRIC_NAME_MAX];
    size_t cursor = 0;

    while ((c = counter_next(&cursor)) != NULL)
        (void)json_array_append_new(
            items, describe_counter(c->name, c->kind, c->unit, c->help, counter_read(c)));
    for (unsigned use = 0; use < MEM_USE_COUNT; use++)
        (void)json_array_append_new(items,
                                    describe_counter(memory_name(use, name), COUNTER_GAUGE, "bytes",
                                                     mem_use_text(use), mem_bytes_used(use)));
    http_answer(call, json_pack("{s:o, s:n}", "items", items, "next"));
}

/* One metric of Prometheus' text format, version 0.0.4. */
static void write_metric(struct buffer *out, const char *name, enum counter_kind kind,
                         const char *help, int64_t value)
{
    const char *suffix = kind == COUNTER_TOTAL ? "_total" : "";

    buffer_printf(out,
                  "# HELP eztcloud_%s%s %s\n"
                  "# TYPE eztcloud_%s%s %s\n"
                  "eztcloud_%s%s %" PRId64 "\n",
                  name, suffix, help, name, suffix, kind == COUNTER_TOTAL ? "counter" : "gauge",
                  name, suffix, value);
}

void api_server_metrics(struct http_call *call)
{
    struct buffer *out = &call->answer->body;
    const struct counter *c;
    char name[METRIC_NAME_MAX];
    size_t cursor = 0;

    while ((c = counter_next(&cursor)) != NULL)
        write_metric(out, c->name, c->kind, c->help, counter_read(c));
    for (unsigned use = 0; use < MEM_USE_COUNT; use++)
        write_metric(out, memory_name(use, name), COUNTER_GAUGE, mem_use_text(use),
                     mem_bytes_used(use));
    call->answer->status = 200;
    call->answer->content_type = "text/plain; version=0.0.4; charset=utf-8";
    http_response_header(call->answer, "Cache-Control", "no-store");
}
