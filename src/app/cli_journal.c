/*
 * `eztcloud journal …`: what is in the journal of a data directory. It is read where it lies, so
 * both work on the directory of a running server too, and on one that is a copy.
 */
#include <inttypes.h>

#include "app/cli.h"
#include "app/cli_output.h"
#include "base/ident.h"
#include "service/journal_rows.h"
#include "store/journal_survey.h"

static const char *const table_words[JOURNAL_TABLE_COUNT] = {
#define X(name, word, text) word,
    JOURNAL_TABLE_LIST(X)
#undef X
};

static enum status not_there(struct cli_call *call, enum status st)
{
    const char *data_dir = call->flags[CLI_FLAG_data];

    if (st == ST_NOT_FOUND)
        return cli_fail(call, st,
                        "%s: there is no journal here: name the data directory with --data",
                        data_dir);
    return cli_fail(call, st, "%s/journal: it cannot be read: %s", data_dir, status_text(st));
}

/* --- check ----------------------------------------------------------------------------------- */

struct checking {
    struct cli_call *call;
    json_t *faults; /* owned: with --json, lines; otherwise they are written at once */
    uint64_t count;
};

static void on_fault(const char *text, void *arg)
{
    struct checking *x = arg;

    x->count++;
    if (x->faults != NULL)
        (void)json_array_append_new(x->faults, json_string(text));
    else
        (void)fprintf(x->call->output->file, "fault: %s\n", text);
}

enum status cli_journal_check(struct cli_call *call)
{
    struct checking x = {.call = call, .faults = call->output->is_json ? json_array() : NULL};
    struct journal_survey s = {.record_is_sound = journal_rows_record_is_sound,
                               .row_is_sound = journal_rows_is_sound,
                               .on_fault = on_fault,
                               .arg = &x};
    enum status st = journal_survey_walk(call->flags[CLI_FLAG_data], &s);

    if (st == ST_NOT_FOUND) {
        json_decref(x.faults);
        return not_there(call, st);
    }
    if (x.faults == NULL)
        x.faults = json_integer((json_int_t)x.count);
    cli_output_object(call->output, json_pack("{s:I,s:I,s:I,s:o}", "records", (json_int_t)s.records,
                                              "rows", (json_int_t)s.rows, "cursors",
                                              (json_int_t)s.cursors, "faults", x.faults));
    if (st == ST_OK)
        return ST_OK;
    if (x.count == 0 || st != ST_CORRUPT)
        return not_there(call, st);
    return cli_fail(call, st, "%s/journal: it is damaged (%" PRIu64 " faults): restore a backup",
                    call->flags[CLI_FLAG_data], x.count);
}

/* --- stat ------------------------------------------------------------------------------------ */

static const char *const columns[] = {"project", "records", "bytes",    "oldest_ms", "newest_ms",
                                      "cursors", "lag_max", "sessions", NULL};

struct counting {
    struct cli_call *call;
    json_t *projects; /* owned: from keys to objects, in their order */
};

static json_t *rows_of(const struct journal_survey_project *p)
{
    json_t *rows = json_object();

    for (unsigned i = 0; i < JOURNAL_TABLE_COUNT; i++)
        (void)json_object_set_new(rows, table_words[i], json_integer((json_int_t)p->rows[i]));
    return rows;
}

static void on_project(const struct journal_survey_project *p, void *arg)
{
    struct counting *x = arg;
    char key[IDENT_TEXT_LEN + 1];
    json_t *row;

    ident_format(IDENT_PROJECT, p->project_id, key);
    row = json_pack("{s:s,s:I,s:I,s:I,s:I,s:i,s:i,s:I}", "project", key, "records",
                    (json_int_t)p->records, "bytes", (json_int_t)p->bytes, "first_seq",
                    (json_int_t)p->first_seq, "last_seq", (json_int_t)p->last_seq, "cursors", 0,
                    "lag_max", 0, "sessions", (json_int_t)p->rows[JOURNAL_TABLE_SESSION]);
    if (p->records > 0) {
        (void)json_object_set_new(row, "oldest_ms", json_integer(p->oldest_ms));
        (void)json_object_set_new(row, "newest_ms", json_integer(p->newest_ms));
    }
    (void)json_object_set_new(row, "rows", rows_of(p));
    (void)json_object_set_new(row, "cursor_list", json_array());
    (void)json_object_set_new(x->projects, key, row);
}

static void on_cursor(const struct journal_survey_cursor *c, void *arg)
{
    struct counting *x = arg;
    char key[IDENT_TEXT_LEN + 1];
    bool is_group = c->key.len > 0 && c->key.data[0] == 0; /* otherwise a session */
    struct slice key_text = slice_from(c->key, is_group ? 1 : 0);
    json_t *row, *name;

    ident_format(IDENT_PROJECT, c->project_id, key);
    row = json_object_get(x->projects, key);
    if (row == NULL)
        return;
    (void)json_object_set_new(
        row, "cursors", json_integer(json_integer_value(json_object_get(row, "cursors")) + 1));
    if ((json_int_t)c->lag > json_integer_value(json_object_get(row, "lag_max")))
        (void)json_object_set_new(row, "lag_max", json_integer((json_int_t)c->lag));
    name = json_stringn((const char *)key_text.data, key_text.len);
    if (name == NULL)
        name = json_null(); /* no UTF-8: damaged */
    (void)json_array_append_new(json_object_get(row, "cursor_list"),
                                json_pack("{s:o,s:I,s:I}", is_group ? "share_group" : "client_id",
                                          name, "seq", (json_int_t)c->at.seq, "lag",
                                          (json_int_t)c->lag));
}

enum status cli_journal_stat(struct cli_call *call)
{
    struct counting x = {.call = call, .projects = json_object()};
    struct journal_survey s = {.on_project = on_project, .on_cursor = on_cursor, .arg = &x};
    enum status st = journal_survey_walk(call->flags[CLI_FLAG_data], &s);
    const char *key;
    json_t *row;

    if (st == ST_OK) {
        cli_output_list_begin(call->output, "projects", columns);
        json_object_foreach (x.projects, key, row)
            cli_output_list_row(call->output, json_incref(row));
        cli_output_list_end(call->output);
    }
    json_decref(x.projects);
    if (st == ST_CORRUPT)
        return cli_fail(call, st,
                        "%s/journal: it is damaged: `eztcloud journal check` tells what is",
                        call->flags[CLI_FLAG_data]);
    return st == ST_OK ? st : not_there(call, st);
}
