/*
 * The command line over the registry: projects, device types and devices, from the table cli.def.
 *
 * It works on the data directory itself, whether a server runs there or not; when it ends, a
 * running server has applied what changed (app/cli_sync.h). One thread, a process of its own.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"
#include "store/registry.h"

enum cli_flag {
#define CLI_FLAG(name, ...) CLI_FLAG_##name,
#include "app/cli.def"
#undef CLI_FLAG
    CLI_FLAG_COUNT
};

/** One command as it was called. */
struct cli_call {
    const char *flags[CLI_FLAG_COUNT]; /* borrowed; NULL: not given; a switch: its name */
    const char *operand;               /* borrowed; NULL: the verb takes none */
    struct registry *registry;         /* borrowed */
    struct cli_output *output;         /* borrowed */
    char error[512];                   /* one line, when the verb fails */
};

/** What a verb does: changes the registry and writes its answer to the output. */
typedef enum status (*cli_verb_fn)(struct cli_call *call);

#define CLI_VERB(noun, verb, ...) enum status cli_##noun##_##verb(struct cli_call *call) MUST_CHECK;
#include "app/cli.def"
#undef CLI_VERB

/** Keeps a line for the person and gives `st` back. */
enum status cli_fail(struct cli_call *call, enum status st, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** The project of an argument, which must exist. Errors: ST_INVALID, ST_NOT_FOUND, ST_IO,
 * ST_CORRUPT. */
enum status cli_get_project(struct cli_call *call, const char *key,
                            struct registry_project *out) MUST_CHECK;

/** The same of --project, where its identifier is all that is asked for; 0 when it fails. */
enum status cli_get_project_id(struct cli_call *call, uint64_t *out) MUST_CHECK;

/** The type of an argument, by product key or code, in this project. `definition` keeps the bytes
 * of the row's. Errors: ST_NOT_FOUND, ST_IO, ST_CORRUPT. */
enum status cli_get_type(struct cli_call *call, const char *word, uint64_t project_id,
                         struct registry_type *out, struct buffer *definition) MUST_CHECK;

/**
 * Takes the value of a flag; what it goes to stays as it is when the flag was not given.
 *
 * @param out  a text: room for REGISTRY_NAME_MAX bytes and a zero
 * Errors: ST_INVALID: no name or password (registry_text_is_valid); neither `on` nor `off`
 */
enum status cli_take_text(struct cli_call *call, enum cli_flag flag, char *out) MUST_CHECK;
enum status cli_take_switch(struct cli_call *call, enum cli_flag flag, bool *out) MUST_CHECK;

/** A whole number from `min` to `max`. Errors: ST_INVALID. */
enum status cli_take_number(struct cli_call *call, enum cli_flag flag, int64_t min, int64_t max,
                            int64_t *out) MUST_CHECK;

/** A moment in Unix ms, as RFC 3339 in UTC, as Unix ms, or as a time ago (`-15m`). Errors:
 * ST_INVALID. */
enum status cli_take_time(struct cli_call *call, enum cli_flag flag, int64_t *out) MUST_CHECK;

/** An identifier of this kind. Errors: ST_INVALID. */
enum status cli_take_id(struct cli_call *call, enum cli_flag flag, enum ident_kind kind,
                        uint64_t *out) MUST_CHECK;

/** Writes a list with commas as a member of a definition; the word for "no limit" removes it. */
void cli_take_list(struct cli_call *call, enum cli_flag flag, const char *member,
                   const char *no_limit, json_t *definition);
/** The same for --types; codes become product keys, which stay when a code is changed. Errors:
 * ST_NOT_FOUND, ST_IO, ST_CORRUPT. */
enum status cli_take_types(struct cli_call *call, uint64_t project_id,
                           json_t *definition) MUST_CHECK;

/**
 * Reads the JSON file of --file; `-` is the standard input.
 *
 * @param out  the caller's (json_decref)
 * Errors, told: ST_MALFORMED (also when it cannot be read)
 */
enum status cli_read_file(struct cli_call *call, json_t **out) MUST_CHECK;

/** Tells that the operand was not changed, unless `st` is ST_OK; gives `st` back. */
enum status cli_tell_change(struct cli_call *call, enum status st) MUST_CHECK;

/** Around reading the operand's row and writing it back, so that nobody changes it in between. The
 * end commits if `st` is ST_OK, else it undoes; gives what became of it, told. */
enum status cli_begin_change(struct cli_call *call) MUST_CHECK;
enum status cli_end_change(struct cli_call *call, enum status st) MUST_CHECK;

/** Ends the output of a list, and tells if its walk has failed; gives `st` back. */
enum status cli_end_list(struct cli_call *call, enum status st) MUST_CHECK;

/** Answers that the operand was removed, or tells that it was not; gives `st` back. */
enum status cli_end_remove(struct cli_call *call, enum status st) MUST_CHECK;

/** The word of a flag, without dashes. */
const char *cli_flag_word(enum cli_flag flag);

/** True when a word is a noun of the table. */
bool cli_is_noun(const char *word);

/** Runs `NOUN VERB …` (argv[0] is a noun; secret_init was called); answers go to `out`, faults and
 * help for them to `err`; gives the exit code. */
int cli_run(int argc, char *const *argv, FILE *out, FILE *err);

/** Writes every noun and verb, one line each. */
void cli_print_help(FILE *out);
