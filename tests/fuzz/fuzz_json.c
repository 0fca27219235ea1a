/*
 * json.h against a plain recursive checker of RFC 8259, and against itself: the members of an
 * accepted text lie in it, are JSON by themselves, and joined again give the same members.
 */
#include "base/json.h"

#include <stdlib.h>

#include "base/invariant.h"
#include "base/mem.h"
#include "base/utf8.h"

enum { TEXT_MAX = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The second opinion. It does not look at UTF-8. */
struct check {
    const uint8_t *at, *end;
};

static bool check_value(struct check *c, unsigned depth);

static uint8_t peek(const struct check *c)
{
    return c->at < c->end ? *c->at : 0;
}

static bool take(struct check *c, uint8_t wanted)
{
    if (c->at == c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

static void skip_space(struct check *c)
{
    while (take(c, ' ') || take(c, '\t') || take(c, '\n') || take(c, '\r'))
        continue;
}

static bool check_hex4(struct check *c, unsigned *code)
{
    *code = 0;
    for (int i = 0; i < 4; i++) {
        const char digits[] = "0123456789abcdefABCDEF";
        uint8_t digit = peek(c);
        const char *found = digit == 0 ? NULL : strchr(digits, digit);

        if (found == NULL)
            return false;
        *code = *code * 16 + (unsigned)(found - digits < 16 ? found - digits : found - digits - 6);
        c->at++;
    }
    return true;
}

static bool check_escape(struct check *c)
{
    unsigned code;

    if (!take(c, 'u')) {
        uint8_t kind = peek(c);

        c->at++;
        return kind != 0 && strchr("\"\\/bfnrt", kind) != NULL;
    }
    if (!check_hex4(c, &code))
        return false;
    if (code >> 11 != 0xd800 >> 11)
        return true;
    if (code >= 0xdc00 || !take(c, '\\') || !take(c, 'u') || !check_hex4(c, &code))
        return false;
    return code >= 0xdc00 && code <= 0xdfff;
}

static bool check_string(struct check *c)
{
    if (!take(c, '"'))
        return false;
    while (c->at < c->end) {
        uint8_t byte = *c->at++;

        if (byte == '"')
            return true;
        if (byte < 0x20 || (byte == '\\' && !check_escape(c)))
            return false;
    }
    return false;
}

static size_t skip_digits(struct check *c)
{
    const uint8_t *start = c->at;

    while (peek(c) >= '0' && peek(c) <= '9')
        c->at++;
    return (size_t)(c->at - start);
}

static bool check_number(struct check *c)
{
    size_t digits;

    (void)take(c, '-');
    if (peek(c) == '0') {
        c->at++;
        digits = 1;
    } else {
        digits = skip_digits(c);
    }
    if (digits == 0 || (take(c, '.') && skip_digits(c) == 0))
        return false;
    if (take(c, 'e') || take(c, 'E')) {
        if (!take(c, '+'))
            (void)take(c, '-');
        if (skip_digits(c) == 0)
            return false;
    }
    return true;
}

static bool check_word(struct check *c, const char *word)
{
    for (; *word != '\0'; word++) {
        if (!take(c, (uint8_t)*word))
            return false;
    }
    return true;
}

static bool check_list(struct check *c, unsigned depth, bool object)
{
    uint8_t close = object ? '}' : ']';

    c->at++;
    skip_space(c);
    if (depth > JSON_DEPTH_MAX)
        return false;
    if (take(c, close))
        return true;
    for (;;) {
        skip_space(c);
        if (object) {
            if (!check_string(c))
                return false;
            skip_space(c);
            if (!take(c, ':'))
                return false;
        }
        if (!check_value(c, depth))
            return false;
        if (take(c, close))
            return true;
        if (!take(c, ','))
            return false;
    }
}

/* A value with the white space around it; `depth` is how many lists are open. */
static bool check_value(struct check *c, unsigned depth)
{
    bool good;

    skip_space(c);
    switch (peek(c)) {
    case '{':
    case '[':
        good = check_list(c, depth + 1, *c->at == '{');
        break;
    case '"':
        good = check_string(c);
        break;
    case 't':
        good = check_word(c, "true");
        break;
    case 'f':
        good = check_word(c, "false");
        break;
    case 'n':
        good = check_word(c, "null");
        break;
    default:
        good = check_number(c);
    }
    skip_space(c);
    return good;
}

/* UTF-8 where U+0000 is allowed: the checker above refuses it where JSON does. */
static bool is_utf8(struct slice s)
{
    while (s.len > 0) {
        size_t len = utf8_char_len(s);

        if (len == 0)
            return false;
        s = slice_from(s, len);
    }
    return true;
}

static void compare_with_checker(struct slice text, bool object, enum status st)
{
    struct check c = {text.data, text.data + text.len};
    bool good, wanted;

    if (slice_starts_with(text, slice_of("\xef\xbb\xbf")))
        c.at += 3;
    skip_space(&c);
    wanted = peek(&c) == (object ? '{' : '[');
    good = check_value(&c, 0) && c.at == c.end && is_utf8(text);
    if (st == ST_OK)
        invariant(good && wanted);
    else if (st == ST_INVALID)
        invariant(!wanted);
    else
        invariant(st == ST_MALFORMED && !good);
}

static void check_strings_and_numbers(const struct json_member *m)
{
    char *out = mem_alloc(MEM_TEST, m->value.len + 1);
    int64_t number;
    size_t len;

    if (m->type == JSON_TYPE_STRING) {
        invariant(json_text(m, out, m->value.len, &len) == ST_OK);
        invariant(len <= m->value.len - 2 && is_utf8(slice_make(out, len)));
        if (len > 0)
            invariant(json_text(m, out, len - 1, &len) == ST_TOO_LARGE);
    } else {
        invariant(json_text(m, out, m->value.len, &len) == ST_INVALID);
    }
    if (json_member_int64(m, &number) == ST_OK) {
        memcpy(out, m->value.data, m->value.len);
        out[m->value.len] = '\0';
        invariant(m->type == JSON_TYPE_NUMBER && strtoll(out, NULL, 10) == number);
    }
    mem_free(out);
}

/* Values have no white space around them. */
static bool is_trimmed(struct slice value)
{
    return value.len > 0 && value.data[0] > ' ' && value.data[value.len - 1] > ' ';
}

static bool lies_in(struct slice part, struct slice whole)
{
    return part.data >= whole.data && part.len <= whole.len &&
           (size_t)(part.data - whole.data) <= whole.len - part.len;
}

/* Members joined with keys escaped anew: they must come back. */
static void join_again(const struct json_member *m, size_t count)
{
    struct json_parser *parser = json_parser_new((size_t)TEXT_MAX * 8);
    struct buffer joined = {NULL, 0, 0};
    const struct json_member *again;
    size_t again_count;

    for (size_t i = 0; i < count; i++) {
        buffer_append_u8(&joined, i == 0 ? '{' : ',');
        json_append_string(&joined, m[i].key);
        buffer_append_u8(&joined, ':');
        buffer_append_slice(&joined, m[i].value);
    }
    buffer_append_text(&joined, count == 0 ? "{}" : "}");
    invariant(json_parse_object_unpadded(parser, buffer_slice(&joined), &again, &again_count) ==
              ST_OK);
    invariant(again_count == count);
    for (size_t i = 0; i < count; i++) {
        invariant(slice_equal(again[i].key, m[i].key));
        invariant(slice_equal(again[i].value, m[i].value));
        invariant(again[i].type == m[i].type);
    }
    buffer_deinit(&joined);
    json_parser_free(&parser);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_parser *parser = json_parser_new(TEXT_MAX);
    const struct json_member *m;
    struct buffer padded = {NULL, 0, 0};
    struct slice text;
    enum status st;
    size_t count;

    if (size > TEXT_MAX)
        size = TEXT_MAX;
    buffer_append(&padded, data, size);
    memset(buffer_reserve(&padded, JSON_PADDING), size > 0 ? data[0] : 0, JSON_PADDING);
    text = buffer_slice(&padded);

    st = json_parse_array(parser, text, &m, &count);
    compare_with_checker(text, false, st);
    for (size_t i = 0; i < count; i++) {
        invariant(lies_in(m[i].value, text) && is_trimmed(m[i].value) && m[i].key.len == 0);
        check_strings_and_numbers(&m[i]);
    }

    invariant(json_parse_object_unpadded(parser, slice_make(data, size), &m, &count) ==
              json_parse_object(parser, text, &m, &count));
    st = json_parse_object(parser, text, &m, &count);
    compare_with_checker(text, true, st);
    for (size_t i = 0; i < count; i++) {
        invariant(lies_in(m[i].value, text) && is_trimmed(m[i].value) && is_utf8(m[i].key));
        invariant(lies_in(m[i].key, text) || memchr(text.data, '\\', text.len) != NULL);
        check_strings_and_numbers(&m[i]);
    }
    if (st == ST_OK)
        join_again(m, count);

    buffer_deinit(&padded);
    json_parser_free(&parser);
    invariant(mem_bytes_used_total() == 0);
    return 0;
}
