/*
 * Answers of the command line, for people or for programs, from the same JSON objects.
 *
 * For people an object is a list of `key  value` with the values below each other, a list a table;
 * times are written as dates. For programs it is one JSON text. A list is written row by row, so
 * that it may have millions.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct cli_output {
    FILE *file; /* borrowed */
    bool is_json;
    const char *const *columns; /* borrowed, of the list that is being written; ends with NULL */
    size_t rows;
};

/** Writes an object and gives it back (json_decref). */
void cli_output_object(struct cli_output *o, json_t *object);

/** Begins a list named `name`: rows with these keys. `columns` is borrowed until its end. */
void cli_output_list_begin(struct cli_output *o, const char *name, const char *const *columns);
/** Writes a row and gives it back. */
void cli_output_list_row(struct cli_output *o, json_t *row);
void cli_output_list_end(struct cli_output *o);
