/*
 * From a result to figures. There is one form, a JSON object; a person gets its members as lines.
 * README.md says what the figures mean. Main thread, after the run.
 */
#include "load_report.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "load_clock.h"
#include "load_fatal.h"
#include "load_mqtt.h"

static void put_real(json_t *object, const char *name, double value)
{
    json_object_set_new(object, name, json_real(value));
}

static void put_count(json_t *object, const char *name, uint64_t value)
{
    json_object_set_new(object, name, json_integer((json_int_t)value));
}

static double ratio(double value, double by)
{
    return by > 0 ? value / by : 0;
}

static void report_set_up(json_t *report, const struct load_plan *plan,
                          const struct load_run_result *result)
{
    const struct load_options *options = &plan->options;

    json_object_set_new(report, "mode", json_string(load_options_mode_word(options->mode)));
    json_object_set_new(report, "protocol",
                        json_string(options->protocol == LOAD_MQTT_V5 ? "5.0" : "3.1.1"));
    json_object_set_new(report, "tls", json_string(result->tls));
    put_count(report, "devices", options->devices);
    put_count(report, "subscribers", options->subscribers);
    put_count(report, "threads", options->threads);
    if (!load_plan_publishes(plan))
        return;
    put_count(report, "qos", options->qos);
    put_count(report, "subscribe_qos", options->subscribe_qos);
    put_count(report, "window", options->window);
    put_count(report, "lag", plan->lag);
    put_count(report, "size", options->size);
    put_count(report, "rate", options->rate);
}

static json_t *report_latency(const struct load_histogram *latency)
{
    static const struct {
        const char *name;
        double share;
    } percentiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}};
    json_t *object = json_object();

    for (size_t i = 0; i < sizeof(percentiles) / sizeof(percentiles[0]); i++)
        json_object_set_new(object, percentiles[i].name,
                            json_integer(load_histogram_percentile(latency, percentiles[i].share)));
    json_object_set_new(object, "max", json_integer(latency->largest_us));
    return object;
}

static json_t *report_faults(const struct load_faults *faults)
{
    json_t *object = json_object();

    for (int i = 0; i < LOAD_FAULT_COUNT; i++)
        put_count(object, load_faults_word((enum load_fault)i), faults->counts[i]);
    return object;
}

/** What one process has used for each of what it did. */
static json_t *report_cpu(int64_t cpu_ns, double elapsed_ns, const struct load_run_mark *done)
{
    const double cpu_us = (double)cpu_ns / (double)LOAD_CLOCK_NS_PER_US;
    json_t *object = json_object();

    put_real(object, "cores", ratio((double)cpu_ns, elapsed_ns));
    if (done->delivered > 0)
        put_real(object, "cpu_us_per_delivery", cpu_us / (double)done->delivered);
    if (done->published > 0)
        put_real(object, "cpu_us_per_message", cpu_us / (double)done->published);
    if (done->attached > 0)
        put_real(object, "cpu_us_per_connect", cpu_us / (double)done->attached);
    return object;
}

static void report_memory(json_t *server, const struct load_run_result *result, uint64_t attached)
{
    const struct load_process *begin = &result->begin.server;
    const struct load_process *end = &result->end.server;

    put_count(server, "rss_bytes", end->rss_bytes);
    if (attached == 0)
        return;
    put_real(server, "rss_bytes_per_connection",
             ((double)end->rss_bytes - (double)begin->rss_bytes) / (double)attached);
    put_real(server, "pss_bytes_per_connection",
             ((double)end->pss_bytes - (double)begin->pss_bytes) / (double)attached);
}

static struct load_run_mark report_done(const struct load_run_mark *begin,
                                        const struct load_run_mark *end)
{
    return (struct load_run_mark){
        .attached = end->attached - begin->attached,
        .published = end->published - begin->published,
        .acknowledged = end->acknowledged - begin->acknowledged,
        .delivered = end->delivered - begin->delivered,
    };
}

/** Adds what happened between two moments, and what it took. Gives the object of the server. */
static json_t *report_phase(json_t *report, const struct load_plan *plan,
                            const struct load_run_mark *begin, const struct load_run_mark *end)
{
    const double elapsed_ns = (double)(end->at_ns - begin->at_ns);
    const double elapsed_s = elapsed_ns / (double)LOAD_CLOCK_NS_PER_S;
    const struct load_run_mark done = report_done(begin, end);
    json_t *server = report_cpu(end->server.cpu_ns - begin->server.cpu_ns, elapsed_ns, &done);

    put_real(report, "elapsed_s", elapsed_s);
    if (load_plan_publishes(plan)) {
        put_real(report, "messages_per_s", ratio((double)done.published, elapsed_s));
        put_real(report, "acknowledged_per_s", ratio((double)done.acknowledged, elapsed_s));
        put_real(report, "deliveries_per_s", ratio((double)done.delivered, elapsed_s));
        put_count(server, "written_bytes", end->server.written_bytes - begin->server.written_bytes);
    } else {
        put_real(report, "connects_per_s", ratio((double)done.attached, elapsed_s));
    }
    put_count(server, "own_bytes_before", begin->server.own_bytes);
    put_count(server, "own_bytes", end->server.own_bytes);
    json_object_set_new(report, "server", server);
    json_object_set_new(report, "load_maker",
                        report_cpu(end->own_cpu_ns - begin->own_cpu_ns, elapsed_ns, &done));
    return server;
}

static void report_away(json_t *report, const struct load_plan *plan,
                        const struct load_run_result *result)
{
    json_t *storing = json_object();
    json_t *catching_up = json_object();

    put_count(report, "returning", plan->options.returning);
    put_count(report, "live_rate", plan->options.live_rate);
    report_phase(storing, plan, &result->begin, &result->stored);
    json_object_set_new(report, "storing", storing);
    report_phase(catching_up, plan, &result->stored, &result->caught_up);
    json_object_set_new(report, "catching_up", catching_up);
}

static void report_messages(json_t *report, const struct load_plan *plan,
                            const struct load_run_result *result)
{
    put_count(report, "published", result->last.published);
    put_count(report, "delivered", result->last.delivered);
    put_count(report, "expected", result->last.published * plan->receiving);
    json_object_set_new(report, "acknowledgement_us", report_latency(&result->acknowledgement));
}

static json_t *report_make(const struct load_plan *plan, const struct load_run_result *result)
{
    json_t *report = json_object();
    json_t *server;

    report_set_up(report, plan, result);
    put_count(report, "attached", result->last.attached);
    server = report_phase(report, plan, &result->begin, &result->end);
    report_memory(server, result, result->end.attached - result->begin.attached);
    if (load_plan_publishes(plan))
        report_messages(report, plan, result);
    if (plan->options.mode == LOAD_MODE_AWAY)
        report_away(report, plan, result);
    else
        json_object_set_new(report, "latency_us", report_latency(&result->latency));
    json_object_set_new(report, "faults", report_faults(&result->faults));
    json_object_set_new(report, "ok", json_boolean(load_faults_none(&result->faults)));
    return report;
}

static void report_print_lines(const json_t *object, const char *prefix)
{
    const char *name;
    const json_t *value;

    json_object_foreach ((json_t *)object, name, value) {
        char path[128];

        snprintf(path, sizeof(path), "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", name);
        if (json_is_object(value)) {
            report_print_lines(value, path);
            continue;
        }
        printf("%-36s ", path);
        if (json_is_real(value))
            printf("%.3f\n", json_real_value(value));
        else if (json_is_integer(value))
            printf("%lld\n", (long long)json_integer_value(value));
        else if (json_is_boolean(value))
            printf("%s\n", json_is_true(value) ? "true" : "false");
        else
            printf("%s\n", json_string_value(value));
    }
}

void load_report_print(const struct load_plan *plan, const struct load_run_result *result)
{
    json_t *report = report_make(plan, result);

    if (plan->options.json) {
        if (json_dumpf(report, stdout, JSON_REAL_PRECISION(9)) != 0)
            load_fatal("the result cannot be written");
        putchar('\n');
    } else {
        report_print_lines(report, "");
    }
    json_decref(report);
}
