/*
 * Answers as aligned text or as JSON.
 *
 * A column of a table is as wide as the widest value that its kind has: keys, user names, flags and
 * dates have fixed lengths, and names stand last.
 */
#include "app/cli_output.h"

#include <stdint.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"

enum { TIME_TEXT_LEN = 20, COLUMN_WIDTH = TIME_TEXT_LEN + 2, NUMBER_LEN = 32 };

static bool is_time(const char *key)
{
    size_t len = strlen(key);

    return len > 3 && strcmp(key + len - 3, "_ms") == 0;
}

static void format_time(int64_t unix_ms, char out[NUMBER_LEN])
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm utc;

    if (gmtime_r(&seconds, &utc) == NULL || strftime(out, NUMBER_LEN, "%FT%TZ", &utc) == 0)
        (void)snprintf(out, NUMBER_LEN, "%lld", (long long)unix_ms);
}

static void append_list(struct buffer *room, const json_t *list)
{
    json_t *element;
    size_t i;

    json_array_foreach (list, i, element) {
        buffer_append_text(room, i == 0 ? "" : ",");
        buffer_append_text(room, json_string_value(element));
    }
}

/* A value for a person; lives in `room` or in the value. What is missing is a dash, a list is one
 * of texts. */
static const char *text_of(const char *key, const json_t *value, struct buffer *room)
{
    char number[NUMBER_LEN];

    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_boolean(value))
        return json_is_true(value) ? "yes" : "no";
    room->len = 0;
    if (json_is_array(value)) {
        append_list(room, value);
    } else if (json_is_integer(value)) {
        if (is_time(key))
            format_time(json_integer_value(value), number);
        else
            (void)snprintf(number, NUMBER_LEN, "%lld", (long long)json_integer_value(value));
        buffer_append_text(room, number);
    } else {
        buffer_append_text(room, "-");
    }
    buffer_append_u8(room, '\0');
    return (const char *)room->data;
}

/* The heading of a member: a time's unit is of no interest once it is a date. */
static int heading_len(const char *key)
{
    return (int)(strlen(key) - (is_time(key) ? 3 : 0));
}

static void write_json(struct cli_output *o, const json_t *value)
{
    (void)json_dumpf(value, o->file, 0);
}

void cli_output_object(struct cli_output *o, json_t *object)
{
    struct buffer room = {0};
    const char *key;
    json_t *value;
    int widest = 0;

    if (o->is_json) {
        write_json(o, object);
        (void)fputc('\n', o->file);
        json_decref(object);
        return;
    }
    json_object_foreach (object, key, value)
        widest = heading_len(key) > widest ? heading_len(key) : widest;
    json_object_foreach (object, key, value) {
        (void)fprintf(o->file, "%.*s%*s  %s\n", heading_len(key), key, widest - heading_len(key),
                      "", text_of(key, value, &room));
    }
    buffer_deinit(&room);
    json_decref(object);
}

/* Writes one cell; the last one of a row is not filled up. */
static void write_cell(struct cli_output *o, const char *text, int len, bool is_last)
{
    (void)fprintf(o->file, "%-*.*s%s", is_last ? 0 : COLUMN_WIDTH, len, text, is_last ? "\n" : "");
}

void cli_output_list_begin(struct cli_output *o, const char *name, const char *const *columns)
{
    o->columns = columns;
    o->rows = 0;
    if (o->is_json) {
        (void)fprintf(o->file, "{\"%s\": [", name);
        return;
    }
    for (size_t i = 0; columns[i] != NULL; i++)
        write_cell(o, columns[i], heading_len(columns[i]), columns[i + 1] == NULL);
}

void cli_output_list_row(struct cli_output *o, json_t *row)
{
    struct buffer room = {0};

    if (o->is_json) {
        (void)fputs(o->rows == 0 ? "\n" : ",\n", o->file);
        write_json(o, row);
    } else {
        for (size_t i = 0; o->columns[i] != NULL; i++) {
            const char *text = text_of(o->columns[i], json_object_get(row, o->columns[i]), &room);

            write_cell(o, text, (int)strlen(text), o->columns[i + 1] == NULL);
        }
    }
    o->rows++;
    buffer_deinit(&room);
    json_decref(row);
}

void cli_output_list_end(struct cli_output *o)
{
    if (o->is_json)
        (void)fputs(o->rows == 0 ? "]}\n" : "\n]}\n", o->file);
}
