/*
 * Checks a JSON text whole and gives its top-level members as slices of the text itself.
 *
 * Strict (RFC 8259), UTF-8 checked, depth at most 32, a byte order mark is skipped; numbers of any
 * size and precision. What is given points into the caller's text. A parser belongs to one thread
 * (each worker has its own) and is used for one text at a time. simdjson behind a C interface
 * (json.cpp is the one C++ file). Where in the text a fault is (line, column) is not found here but
 * off the message path. Source: open-api.md 3.3
 */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

enum {
    JSON_DEPTH_MAX = 32,
    JSON_PADDING = 64 /* bytes behind a text that must be readable (any content) */
};

enum json_type {
    JSON_TYPE_OBJECT,
    JSON_TYPE_ARRAY,
    JSON_TYPE_STRING,
    JSON_TYPE_NUMBER,
    JSON_TYPE_BOOL,
    JSON_TYPE_NULL
};

/** One member of an object; key and value borrowed from the text (or from the parser for a key with
 *  escapes, until its next use). */
struct json_member {
    struct slice key;   /* without quotes, unescaped */
    struct slice value; /* the bytes of the value as sent, quotes and braces included, no outer
                           white space */
    enum json_type type;
};

/** The type of a value (checked JSON, not empty), by its first byte. */
enum json_type json_value_type(struct slice value);

struct json_parser;

/** A parser for texts of up to `max_len` bytes (below 2 GiB); owned by the caller. Its memory grows
 * with the texts (to about 16 times the longest one) and stays. */
struct json_parser *json_parser_new(size_t max_len);

/** The same for texts of up to `depth_max` levels, where a form of ours puts some around what
 * others send. */
struct json_parser *json_parser_new_deep(size_t max_len, unsigned depth_max);

/** Frees a parser and empties the giver's pointer; NULL inside is accepted. */
void json_parser_free(struct json_parser **pp);

/**
 * Checks `text` and splits its top-level object into members, in order; of doubled keys all are
 * given.
 *
 * @param text     JSON_PADDING bytes behind its end must be readable
 * @param members  set to an array of the parser, valid until its next use
 * @return ST_OK; ST_MALFORMED: not JSON, too deep, not UTF-8; ST_INVALID: JSON, but not an object;
 *         ST_TOO_LARGE: above the parser's max_len
 */
enum status json_parse_object(struct json_parser *p, struct slice text,
                              const struct json_member **members, size_t *count) MUST_CHECK;

/** As json_parse_object for an array: its elements come as members with empty keys. ST_INVALID: not
 * an array. */
enum status json_parse_array(struct json_parser *p, struct slice text,
                             const struct json_member **members, size_t *count) MUST_CHECK;

/**
 * Checks `text` whole and splits nothing: what is in it is found by walks (base/json_walk.h). A
 * level more than allowed may pass.
 *
 * @param text   JSON_PADDING bytes behind its end must be readable
 * @param value  set to the value that it is, with what white space stands behind it
 * Errors: ST_MALFORMED, ST_TOO_LARGE, as json_parse_object
 */
enum status json_check(struct json_parser *p, struct slice text, struct slice *value) MUST_CHECK;

/** As json_parse_object for callers without padding: what is checked is a padded copy in the
 * parser; the members point into `text` all the same. */
enum status json_parse_object_unpadded(struct json_parser *p, struct slice text,
                                       const struct json_member **members,
                                       size_t *count) MUST_CHECK;

/** The last member with this key, or NULL ("of doubled keys the last wins"). */
const struct json_member *json_find(const struct json_member *members, size_t count,
                                    const char *key);

/**
 * The value of a string member, unescaped. `m` comes from one of the functions above.
 *
 * @param out  room for max + 1 bytes; zero-ended (the text may hold zero bytes of its own), empty
 * on failure
 * @param len  bytes written, without the zero
 * Errors: ST_INVALID: not a string; ST_TOO_LARGE: more than `max` bytes
 */
enum status json_text(const struct json_member *m, char *out, size_t max, size_t *len) MUST_CHECK;

/**
 * Compares the value of a string member, unescaped, with a text byte by byte, which for UTF-8 is
 * the order of code points. No copy is made, however long it is.
 *
 * @return below 0, 0 or above 0: the member is less than, equal to or greater than `text`
 */
int json_text_compare(const struct json_member *m, struct slice text);

/** The value of a number as a 64-bit integer; 0 on failure. Errors: ST_INVALID: not a number,
 * written with a fraction or exponent, or out of range. */
enum status json_member_int64(const struct json_member *m, int64_t *out) MUST_CHECK;

/** The value of a number as a double, the nearest one; an infinity beyond them, 0 when it is no
 * number. */
double json_member_double(const struct json_member *m);

/**
 * Replaces every number outside strings by a 0 and spaces, whatever its size, so that a reader
 * whose numbers have limits can look at the rest: all else keeps its place, JSON stays JSON, and
 * what is none stays none.
 *
 * @param text  need not be JSON
 * Source: RFC 8259 section 6
 */
void json_blank_numbers(uint8_t *text, size_t len);

struct buffer;

/** Appends a JSON string literal (quoted, escaped) for any bytes; what is not UTF-8 becomes U+FFFD,
 * one a byte. */
void json_append_string(struct buffer *b, struct slice s);

#ifdef __cplusplus
}
#endif
