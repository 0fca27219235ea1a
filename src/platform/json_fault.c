/*
 * Finds the first fault of a JSON text with jansson, which tells line and column.
 *
 * The parser of the message path has refused the text; jansson is asked why. Where it is more
 * lenient (depth, zero bytes, what stands at the top) a walk over what it found well-formed looks
 * for the fault; where it is stricter (the size of numbers) it is asked again about a copy with
 * small ones. Pure functions, any thread. Source: open-api.md 3.3
 */
#include "platform/json_fault.h"

#include <jansson.h>
#include <stdio.h>

#include "base/invariant.h"
#include "base/json.h"
#include "base/utf8.h"

/* What the strict parser takes too: any value at the top, `\u0000`; integers as reals, because
 * those of jansson are smaller. */
enum { LENIENT = JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL };

_Static_assert(JSON_DEPTH_MAX == 32, "the words for it name the number");

struct fault {
    unsigned line, column;
    const char *what; /* NULL: none */
};

/* Line and column of a byte. */
static struct fault fault_at(struct slice text, size_t offset, const char *what)
{
    struct fault f = {1, 1, what};

    for (size_t i = 0; i < offset; i++) {
        bool continues = (text.data[i] & 0xC0) == 0x80; /* within a character */

        f.column += continues ? 0 : 1;
        if (text.data[i] == '\n') {
            f.line++;
            f.column = 1;
        }
    }
    return f;
}

static size_t skip_string(struct slice text, size_t at)
{
    for (at++; at < text.len && text.data[at] != '"'; at++) {
        if (text.data[at] == '\\')
            at++;
    }
    return at < text.len ? at + 1 : text.len;
}

/* What the strict parser refuses in a well-formed text, or in the well-formed beginning of one. */
static struct fault find_limit(struct slice text)
{
    unsigned depth = 0;
    size_t at = 0;

    while (at < text.len) {
        uint8_t c = text.data[at];

        if (c == '"') {
            at = skip_string(text, at);
            continue;
        }
        if (c == '\0') /* behind a number jansson overlooks it */
            return fault_at(text, at, "a zero byte");
        if (c == '{' || c == '[')
            depth++;
        else if (c == '}' || c == ']')
            depth--;
        if (depth > JSON_DEPTH_MAX)
            return fault_at(text, at, "nested deeper than 32 levels");
        at++;
    }
    return (struct fault){0};
}

static struct slice without_byte_order_mark(struct slice text)
{
    struct slice mark = slice_of("\xEF\xBB\xBF");

    return slice_starts_with(text, mark) ? slice_from(text, mark.len) : text;
}

static size_t skip_white_space(struct slice text)
{
    size_t at = 0;

    while (at < text.len && (text.data[at] == ' ' || text.data[at] == '\t' ||
                             text.data[at] == '\n' || text.data[at] == '\r'))
        at++;
    return at;
}

/* The fault that jansson names; `error` keeps its words. */
static struct fault fault_of(const json_error_t *error)
{
    /* Asked again, jansson finds none too large that is well-formed. */
    bool is_number = json_error_code(error) == json_error_numeric_overflow;

    /* Where a line has only just begun the column is 0. */
    return (struct fault){
        .line = error->line < 1 ? 1 : (unsigned)error->line,
        .column = error->column < 1 ? 1 : (unsigned)error->column,
        .what = is_number ? "malformed number" : error->text,
    };
}

/* What jansson makes of the text; NULL: `error` tells. */
static json_t *load(struct slice text, json_error_t *error)
{
    json_t *root = json_loadb((const char *)text.data, text.len, LENIENT, error);
    struct buffer copy = {0};
    char *quoted;

    if (root != NULL || json_error_code(error) != json_error_numeric_overflow)
        return root;
    buffer_append_slice(&copy, text);
    json_blank_numbers(copy.data, copy.len);
    root = json_loadb((const char *)copy.data, copy.len, LENIENT, error);
    buffer_deinit(&copy);
    quoted = strstr(error->text, " near '0'"); /* a number of the copy */
    if (root == NULL && quoted != NULL)
        *quoted = '\0';
    return root;
}

static struct fault find_fault(struct slice text, json_error_t *error)
{
    size_t first = skip_white_space(text), well_formed = text.len;
    struct fault f;
    json_t *root;

    if (first == text.len)
        return fault_at(text, 0, "the payload is empty, a JSON object was expected");
    root = load(text, error);
    if (root == NULL && error->position >= 0 && (size_t)error->position < text.len)
        well_formed = (size_t)error->position;
    json_decref(root);

    f = find_limit(slice_make(text.data, well_formed));
    if (f.what != NULL)
        return f;
    if (root == NULL)
        return fault_of(error);
    return fault_at(text, first, text.data[first] == '{' ? "not accepted" : "not a JSON object");
}

/* Whether the character of this length may stand in a line for people: neither control character
 * (U+0001 to U+001F, U+007F to U+009F) nor what is no UTF-8 (length 0). */
static bool is_printable(const char *at, size_t len)
{
    unsigned char first = (unsigned char)at[0], second = (unsigned char)at[1];

    return len > 0 && first >= 0x20 && first != 0x7F && (first != 0xC2 || second >= 0xA0);
}

/* Blots out what a quoted piece of the text may hold and a reason string may not. */
static void clean(char *text)
{
    struct slice rest = slice_of(text);

    while (rest.len > 0) {
        size_t len = utf8_char_len(rest);
        size_t step = len == 0 ? 1 : len;
        char *at = text + (rest.data - (const uint8_t *)text);

        if (!is_printable(at, len))
            memset(at, '?', step);
        rest = slice_from(rest, step);
    }
}

void json_fault_describe(struct slice text, char *out, size_t out_len, unsigned *line,
                         unsigned *column)
{
    char whole[JSON_FAULT_LEN_MAX];
    json_error_t error;
    struct fault f = find_fault(without_byte_order_mark(text), &error);
    struct slice cut;

    invariant(out_len > 0);
    *line = f.line;
    *column = f.column;
    (void)snprintf(whole, sizeof(whole), "line %u, column %u: %s", f.line, f.column, f.what);
    clean(whole);
    cut = utf8_truncate(slice_of(whole), out_len - 1);
    memcpy(out, cut.data, cut.len);
    out[cut.len] = '\0';
}
