/*
 * Reading definitions: JSON texts of operators, with jansson, off the message path.
 *
 * What is wrong is told once, in one line: where, which member, why. A member that no definition
 * has is wrong too: a typing error would otherwise switch something off in silence. Any thread.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/status.h"

enum { DEFINITION_ERROR_MAX = 256 /* room enough for any error, its zero included */ };

struct definition_reader {
    char *error; /* borrowed: DEFINITION_ERROR_MAX bytes */
    bool has_failed;
};

/**
 * Parses the text, which must be a JSON object.
 *
 * @param root  owned by the caller (json_decref)
 * Errors, told: ST_TOO_LARGE, ST_MALFORMED, ST_INVALID (no object)
 */
enum status definition_load(struct definition_reader *r, struct slice text, size_t max,
                            json_t **root) MUST_CHECK;

/** Keeps a fault; the first one is the one that is told. */
void definition_fail(struct definition_reader *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** The bytes of a string; empty for anything else. Borrowed from the value. */
struct slice definition_text(const json_t *value);

/*
 * Members of an object. `where` says which object, for faults. What is missing is no fault but for
 * definition_word; what has the wrong type is.
 */

/** `known`: all names that may be there, ended by NULL. */
void definition_check_members(struct definition_reader *r, const char *where, json_t *object,
                              const char *const *known);
/** False when it is missing. */
bool definition_bool(struct definition_reader *r, const char *where, const json_t *object,
                     const char *name);
/** Whether it is there; otherwise `out` stays as it is. */
bool definition_number(struct definition_reader *r, const char *where, const json_t *object,
                       const char *name, double *out);
/** As definition_number, for 0 to `max`. */
bool definition_integer(struct definition_reader *r, const char *where, const json_t *object,
                        const char *name, int64_t max, int64_t *out);
/** A text for people: only its type is checked. */
void definition_check_text(struct definition_reader *r, const char *where, const json_t *object,
                           const char *name);
/** The place in `words` of a word that must be there. */
unsigned definition_word(struct definition_reader *r, const char *where, const json_t *object,
                         const char *name, const char *const *words, unsigned count);
/** The list, of at most `max`; NULL when it is missing. */
json_t *definition_list(struct definition_reader *r, const char *where, const json_t *object,
                        const char *name, size_t max);
