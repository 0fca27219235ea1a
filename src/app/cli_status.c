/*
 * The answer to `counters` as a table, or as one JSON object.
 *
 * The server sends names and values; units and help are of this program's own list, so a server of
 * another version may name what has none here: it is shown all the same.
 */
#include "app/cli_status.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli_output.h"
#include "app/cli_server.h"
#include "app/control_socket.h"
#include "app/metrics.h"

enum { ANSWER_MAX = 256 * 1024, ANSWER_TIMEOUT_MS = 10000, VALUE_TEXT_MAX = 20 };

struct status_call {
    const char *data_dir; /* borrowed */
    bool is_json;
};

/* ---- the answer */

/* Splits a line `name value`. */
static bool read_metric(struct slice line, struct metric *out)
{
    char text[VALUE_TEXT_MAX + 1] = "";
    struct slice name = slice_cut(&line, ' ');
    char *end = text;

    if (name.len == 0 || name.len > METRIC_NAME_MAX || line.len == 0 || line.len > VALUE_TEXT_MAX)
        return false;
    if (!metric_find(name, out)) {
        *out = (struct metric){.unit = "", .help = ""};
        memcpy(out->name, name.data, name.len);
    }
    memcpy(text, line.data, line.len);
    errno = 0;
    out->value = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0';
}

/* Cuts off the next line; false at the end, or where the answer makes no sense: then it stays. */
static bool next_metric(struct slice *rest, struct metric *out)
{
    struct slice ahead = *rest;
    struct slice line = slice_cut(&ahead, '\n');

    if (rest->len == 0 || ahead.data == NULL || !read_metric(line, out))
        return false;
    *rest = ahead;
    return true;
}

static bool is_understood(struct slice answer)
{
    struct metric m;

    while (next_metric(&answer, &m))
        continue;
    return answer.len == 0;
}

static void print_json(struct slice answer)
{
    struct cli_output output = {.file = stdout, .is_json = true};
    json_t *values = json_object();
    struct metric m;

    while (next_metric(&answer, &m))
        (void)json_object_set_new(values, m.name, json_integer(m.value));
    cli_output_object(&output, values);
}

static void widen(int *width, int len)
{
    if (len > *width)
        *width = len;
}

static void print_table(struct slice answer)
{
    int name_width = 0, value_width = 0, unit_width = 0;
    struct slice rest = answer;
    struct metric m;

    while (next_metric(&rest, &m)) {
        widen(&name_width, (int)strlen(m.name));
        widen(&value_width, snprintf(NULL, 0, "%" PRId64, m.value));
        widen(&unit_width, (int)strlen(m.unit));
    }
    while (next_metric(&answer, &m))
        (void)printf("%-*s  %*" PRId64 "  %-*s  %s\n", name_width, m.name, value_width, m.value,
                     unit_width, m.unit, m.help);
}

/* ---- the command */

static void print_help(void)
{
    (void)printf("eztcloud status: what the server on DIR counts, and the memory that it uses.\n\n"
                 "  --data DIR   data directory of the server (EZTCLOUD_DATA, else ./data)\n"
                 "  --json       answer in JSON\n");
}

static bool read_arguments(int argc, char *const *argv, struct status_call *call)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            call->is_json = true;
        } else if (strcmp(argv[i], "--data") == 0 && i + 1 < argc) {
            call->data_dir = argv[++i];
        } else if (strncmp(argv[i], "--data=", 7) == 0) {
            call->data_dir = argv[i] + 7;
        } else {
            (void)fprintf(stderr,
                          "eztcloud: %s: unknown here, or its value is missing: "
                          "`eztcloud status --help` tells more\n",
                          argv[i]);
            return false;
        }
    }
    return true;
}

static enum status show(const struct status_call *call)
{
    struct buffer answer = {0};
    enum status st =
        control_socket_ask(call->data_dir, "counters\n", ANSWER_TIMEOUT_MS, ANSWER_MAX, &answer);

    if (st == ST_OK && (answer.len == 0 || !is_understood(buffer_slice(&answer))))
        st = ST_MALFORMED;
    if (st == ST_OK && call->is_json)
        print_json(buffer_slice(&answer));
    else if (st == ST_OK)
        print_table(buffer_slice(&answer));
    buffer_deinit(&answer);
    return st;
}

int cli_status_run(int argc, char *const *argv)
{
    const char *data_dir = getenv("EZTCLOUD_DATA");
    struct status_call call = {.data_dir = data_dir == NULL ? "./data" : data_dir};
    enum status st;

    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            print_help();
            return EXIT_SUCCESS;
        }
    }
    if (!read_arguments(argc, argv, &call))
        return EXIT_FAILURE;
    metrics_register();
    st = show(&call);
    if (st != ST_OK)
        (void)fprintf(stderr, "eztcloud: %s: %s\n", call.data_dir, cli_server_explain(st));
    return st == ST_OK && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
