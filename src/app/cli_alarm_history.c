/*
 * `eztcloud alarm history`
 *
 * Reads the history on disk itself, whether a server runs or not; what happens now is there within
 * a second.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli.h"
#include "app/cli_output.h"
#include "platform/alarm_history.h"
#include "store/alarm_store.h"
#include "store/secret.h"

enum { ROWS = 100, ROWS_MAX = 10000, PAGE_ROWS = 500 };

static const char *const columns[] = {"ts_ms", "device", "rule", "level", "state", "name", NULL};

struct listing {
    struct cli_output *output; /* borrowed */
    size_t rows;
};

static void on_record(const struct alarm_record *r, void *arg)
{
    struct listing *l = arg;
    struct buffer text = {0};
    char place[64];
    json_t *row;

    buffer_append_text(&text, "{");
    if (alarm_history_append_members(r, &text) == ST_OK) {
        buffer_append_text(&text, "}");
        row = json_loadb((const char *)text.data, text.len, JSON_ALLOW_NUL, NULL);
        (void)snprintf(place, sizeof(place), "%" PRId64 "-%" PRIu64, r->ts_ms, r->number);
        (void)json_object_set_new(row, "ts_ms", json_integer(r->ts_ms));
        (void)json_object_del(row, "ts");
        (void)json_object_set_new(row, "place", json_string(place));
        cli_output_list_row(l->output, row);
        l->rows++;
    }
    buffer_deinit(&text);
}

static enum status take_level(struct cli_call *call, struct alarm_query *q)
{
    const char *word = call->flags[CLI_FLAG_level];
    enum alarm_level level;

    if (word == NULL)
        return ST_OK;
    if (!alarm_level_parse(word, &level))
        return cli_fail(call, ST_INVALID, "--level %s: give normal, important or urgent", word);
    q->levels = 1u << level;
    return ST_OK;
}

static enum status take_place(struct cli_call *call, struct alarm_query *q)
{
    const char *text = call->flags[CLI_FLAG_before];
    char *dash, *end;

    if (text == NULL)
        return ST_OK;
    q->below.ts_ms = strtoll(text, &dash, 10);
    q->below.number = *dash == '-' ? strtoull(dash + 1, &end, 10) : 0;
    if (q->below.number == 0 || *end != '\0')
        return cli_fail(call, ST_INVALID, "--before %s: give the `place` of a row", text);
    return ST_OK;
}

static enum status take_query(struct cli_call *call, struct alarm_query *q)
{
    enum status st = cli_take_id(call, CLI_FLAG_device, IDENT_DEVICE, &q->device_id);

    if (st == ST_OK)
        st = cli_take_id(call, CLI_FLAG_rule, IDENT_RULE, &q->rule_id);
    if (st == ST_OK)
        st = take_level(call, q);
    if (st == ST_OK)
        st = cli_take_time(call, CLI_FLAG_from, &q->from_ms);
    if (st == ST_OK)
        st = cli_take_time(call, CLI_FLAG_to, &q->to_ms);
    return st == ST_OK ? take_place(call, q) : st;
}

/* A search may give fewer rows than are wanted, and more later. */
static enum status list_pages(struct cli_call *call, struct alarm_store *s, struct alarm_query *q,
                              size_t wanted)
{
    struct listing l = {call->output, 0};
    enum status st;

    cli_output_list_begin(call->output, "history", columns);
    do {
        q->limit = wanted - l.rows < PAGE_ROWS ? wanted - l.rows : PAGE_ROWS;
        st = alarm_store_read(s, q, on_record, &l, &q->below);
    } while (st == ST_OK && q->below.number != 0 && l.rows < wanted);
    cli_output_list_end(call->output);
    return st == ST_OK ? st : cli_fail(call, st, "the history ends early: %s", status_text(st));
}

/* Where no server has run since the program has a history there is none. */
static enum status list_history(struct cli_call *call, struct alarm_query *q, size_t wanted)
{
    const char *data_dir = call->flags[CLI_FLAG_data];
    struct alarm_store *s;
    enum status st;

    if (!alarm_store_exists(data_dir)) {
        cli_output_list_begin(call->output, "history", columns);
        cli_output_list_end(call->output);
        return ST_OK;
    }
    st = alarm_store_open(data_dir, &s, call->error, sizeof(call->error));
    if (st != ST_OK)
        return st;
    st = list_pages(call, s, q, wanted);
    alarm_store_close(&s);
    return st;
}

enum status cli_alarm_history(struct cli_call *call)
{
    struct alarm_query q = {0};
    int64_t wanted = ROWS;
    enum status st = cli_get_project_id(call, &q.project_id);

    if (st != ST_OK)
        return st;
    st = cli_take_number(call, CLI_FLAG_limit, 1, ROWS_MAX, &wanted);
    if (st == ST_OK)
        st = take_query(call, &q);
    return st == ST_OK ? list_history(call, &q, (size_t)wanted) : st;
}
