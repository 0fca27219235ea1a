/*
 * `eztcloud log …`: the message log of a device, which is in the running server alone.
 *
 * To follow it is to ask for what is new, some times a second: no credentials of an application are
 * needed, and a server that has ended is noticed.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "app/cli_output.h"
#include "app/cli_server.h"
#include "app/control_ask.h"
#include "base/invariant.h"

enum {
    ROWS = 100,
    ROWS_MAX = 10000,
    PAGE_ROWS = 50, /* of one answer */
    FOLLOW_MS = 200 /* from one question to the next */
};

static const char *const columns[] = {"ts_ms", "direction", "verdict", "message", NULL};

/* The device must be one of --project's. `is_logged`: its log, or the project's, is on. */
static enum status find_device(struct cli_call *call, bool *is_logged)
{
    struct registry_project p;
    struct registry_device d;
    uint64_t id = ident_parse(IDENT_DEVICE, slice_of(call->operand));
    enum status st = cli_get_project(call, call->flags[CLI_FLAG_project], &p);

    if (st != ST_OK)
        return st;
    st = id == 0 ? ST_NOT_FOUND : registry_device_find(call->registry, id, &d);
    if (st == ST_OK && d.project_id != p.project_id)
        st = ST_NOT_FOUND;
    if (st == ST_OK)
        *is_logged = d.log || p.log;
    secret_wipe(&p, sizeof(p));
    secret_wipe(&d, sizeof(d));
    if (st == ST_NOT_FOUND)
        return cli_fail(call, st, "%s: no such device in %s: `eztcloud device list` shows all",
                        call->operand, call->flags[CLI_FLAG_project]);
    return st == ST_OK ? st : cli_fail(call, st, "%s: %s", call->operand, status_text(st));
}

static enum status ask(struct cli_call *call, const char *way, uint64_t number, unsigned max,
                       json_t **entries)
{
    char line[CONTROL_LINE_MAX];

    (void)snprintf(line, sizeof(line), "log %s %s %" PRIu64 " %u\n", call->operand, way, number,
                   max);
    return cli_server_ask_list(call, line, entries);
}

static uint64_t number_of(const json_t *entry)
{
    return (uint64_t)json_integer_value(json_object_get(entry, "number"));
}

/* --- for people ------------------------------------------------------------------------------- */

/* A terminal must not be told what to do by a device. */
static void append_shown(struct buffer *out, const json_t *text)
{
    const char *bytes = json_string_value(text);

    for (size_t i = 0; i < json_string_length(text); i++) {
        uint8_t byte = (uint8_t)bytes[i];

        if (byte < 0x20 || byte == 0x7F)
            buffer_printf(out, "\\x%02x", byte);
        else if (byte == 0xC2 && (uint8_t)bytes[i + 1] < 0xA0) /* U+0080 to U+009F */
            buffer_printf(out, "\\xc2\\x%02x", (uint8_t)bytes[++i]);
        else
            buffer_append_u8(out, byte);
    }
}

/* What a person is shown: topic, payload, reason. */
static json_t *row_of(const json_t *entry)
{
    const json_t *reason = json_object_get(entry, "reason");
    json_int_t length = json_integer_value(json_object_get(entry, "length"));
    struct buffer text = {0};
    json_t *row;

    append_shown(&text, json_object_get(entry, "topic"));
    buffer_append_u8(&text, ' ');
    append_shown(&text, json_object_get(entry, "payload"));
    buffer_printf(&text, " (%" JSON_INTEGER_FORMAT " bytes)", length);
    if (json_is_string(reason)) {
        buffer_append_text(&text, ": ");
        append_shown(&text, reason);
    }
    row = json_pack("{s:O, s:O, s:O, s:s%}", "ts_ms", json_object_get(entry, "ts"), "direction",
                    json_object_get(entry, "direction"), "verdict",
                    json_object_get(entry, "verdict"), "message", text.data, text.len);
    buffer_deinit(&text);
    return row;
}

static void write_entry(struct cli_call *call, json_t *entry)
{
    cli_output_list_row(call->output, call->output->is_json ? json_incref(entry) : row_of(entry));
}

/* --- show ------------------------------------------------------------------------------------- */

static enum status show(struct cli_call *call, uint64_t before, unsigned wanted)
{
    enum status st = ST_OK;

    while (st == ST_OK && wanted > 0) {
        unsigned max = wanted < PAGE_ROWS ? wanted : PAGE_ROWS;
        json_t *entries, *entry;
        size_t i;

        st = ask(call, "before", before, max, &entries);
        if (st != ST_OK)
            break;
        json_array_foreach (entries, i, entry) {
            write_entry(call, entry);
            before = number_of(entry);
        }
        wanted = json_array_size(entries) < max ? 0 : wanted - max;
        json_decref(entries);
    }
    return st;
}

enum status cli_log_show(struct cli_call *call)
{
    int64_t wanted = ROWS, before = INT64_MAX;
    bool is_logged;
    enum status st = find_device(call, &is_logged);

    if (st == ST_OK)
        st = cli_take_number(call, CLI_FLAG_limit, 1, ROWS_MAX, &wanted);
    if (st == ST_OK)
        st = cli_take_number(call, CLI_FLAG_before, 1, INT64_MAX, &before);
    if (st != ST_OK)
        return st;
    cli_output_list_begin(call->output, "entries", columns);
    st = show(call, (uint64_t)before, (unsigned)wanted);
    cli_output_list_end(call->output);
    return st;
}

/* --- follow ----------------------------------------------------------------------------------- */

static enum status find_last(struct cli_call *call, uint64_t *last)
{
    json_t *entries;
    enum status st = ask(call, "before", INT64_MAX, 1, &entries);

    *last = st == ST_OK && json_array_size(entries) > 0 ? number_of(json_array_get(entries, 0)) : 0;
    if (st == ST_OK)
        json_decref(entries);
    return st;
}

/* For programs: a JSON object a line. */
static void write_line(struct cli_call *call, json_t *entry)
{
    if (!call->output->is_json) {
        write_entry(call, entry);
        return;
    }
    (void)json_dumpf(entry, call->output->file, JSON_COMPACT);
    (void)fputc('\n', call->output->file);
}

static enum status write_new(struct cli_call *call, uint64_t *last, size_t *count)
{
    json_t *entries, *entry;
    enum status st = ask(call, "after", *last, PAGE_ROWS, &entries);
    size_t i;

    *count = 0;
    if (st != ST_OK)
        return st;
    *count = json_array_size(entries);
    json_array_foreach (entries, i, entry) {
        uint64_t number = number_of(entry);

        if (number > *last + 1)
            (void)fprintf(stderr, "%" PRIu64 " entries came and went too fast to be shown\n",
                          number - *last - 1);
        write_line(call, entry);
        *last = number;
    }
    json_decref(entries);
    return fflush(call->output->file) == 0
               ? ST_OK
               : cli_fail(call, ST_IO, "what was to be shown cannot be written");
}

enum status cli_log_follow(struct cli_call *call)
{
    struct timespec pause = {0, FOLLOW_MS * 1000000L};
    bool is_logged;
    uint64_t last;
    size_t count;
    enum status st = find_device(call, &is_logged);

    if (st == ST_OK)
        st = find_last(call, &last);
    if (st != ST_OK)
        return st;
    if (!is_logged)
        (void)fprintf(stderr,
                      "the log is off: only what is recorded in any case will be shown; "
                      "`eztcloud device set %s --project %s --log on` shows all\n",
                      call->operand, call->flags[CLI_FLAG_project]);
    (void)fprintf(stderr, "following %s\n", call->operand);
    if (!call->output->is_json)
        cli_output_list_begin(call->output, "entries", columns);
    for (;;) {
        st = write_new(call, &last, &count);
        if (st != ST_OK)
            return st;
        if (count < PAGE_ROWS)
            (void)nanosleep(&pause, NULL);
    }
}
