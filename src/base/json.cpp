/*
 * simdjson's DOM parser behind a C interface; the one C++ file.
 *
 * simdjson checks the text whole and leaves the places of all structural characters (braces,
 * brackets, colons, commas, first characters of values); the members are found by walking along
 * these, so no byte is looked at twice and nothing is copied. simdjson's own tree is not used.
 * Numbers beyond 64-bit integers or doubles are JSON, and simdjson refuses them: a text with such
 * ones is checked by it as a copy, with small numbers in the places of all. The parser's memory
 * grows with the texts and stays; simdjson's part of it is not counted by `mem`. No exceptions:
 * error codes only.
 */
#include "base/json.h"

#include <charconv>
#include <new>
#include <stdlib.h>
#include <string.h>
#include <string>

#include <simdjson.h>

extern "C" {
#include "base/invariant.h"
#include "base/json_priv.h"
#include "base/mem.h"
#include "base/utf8.h"
}

static_assert(JSON_PADDING >= simdjson::SIMDJSON_PADDING, "what simdjson may read past the end");

enum : size_t {
    CAPACITY_MIN = 4096,
    MEMBERS_MIN = 32,
    /* simdjson keeps its places in 32 bits */
    TEXT_MAX = UINT32_MAX / 2
};

struct json_parser {
    simdjson::dom::parser dom{};
    size_t max_len;
    unsigned depth_max;
    struct slice text;           /* borrowed: checked last, without a byte order mark */
    size_t capacity;             /* texts up to this length need no new memory */
    struct json_member *members; /* owned */
    size_t members_capacity;
    struct buffer keys; /* keys with escapes, unescaped; never longer than the text */
    struct buffer copy; /* of a text without padding, or with numbers too large for simdjson */
};

/* Where the walk stands: at structural character number `next` of the text. */
struct walk {
    const uint8_t *text;
    const uint32_t *places;
    uint32_t next;
};

static uint8_t char_at(const struct walk &w, uint32_t n)
{
    return w.text[w.places[n]];
}

enum json_type json_value_type(struct slice value)
{
    switch (value.data[0]) {
    case '{':
        return JSON_TYPE_OBJECT;
    case '[':
        return JSON_TYPE_ARRAY;
    case '"':
        return JSON_TYPE_STRING;
    case 't':
    case 'f':
        return JSON_TYPE_BOOL;
    case 'n':
        return JSON_TYPE_NULL;
    default:
        return JSON_TYPE_NUMBER;
    }
}

static struct json_member *member_new(struct json_parser *p, size_t count)
{
    if (count == p->members_capacity) {
        p->members_capacity = count == 0 ? MEMBERS_MIN : count * 2;
        p->members = static_cast<struct json_member *>(
            mem_resize(MEM_BASE, p->members, p->members_capacity * sizeof(*p->members)));
    }
    return &p->members[count];
}

/* Four hexadecimal digits; simdjson has checked that they are. */
static uint32_t hex4(const uint8_t *digits)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < 4; i++) {
        uint8_t c = digits[i];

        value = value << 4 | static_cast<uint32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
}

static size_t utf8_encode(uint32_t code, uint8_t out[4])
{
    if (code < 0x80) {
        out[0] = static_cast<uint8_t>(code);
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, code >>= 6)
        out[i] = static_cast<uint8_t>(0x80 | (code & 0x3f));
    static const uint8_t first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    out[0] = static_cast<uint8_t>(first[len] | code);
    return len;
}

/* Decodes one escape at `at` (a backslash) and moves behind it. The text was checked: no escape is
 * cut off, surrogates come in pairs. */
static size_t unescape_one(const uint8_t *&at, uint8_t out[4])
{
    static const char from[] = "bfnrt";
    static const char to[] = "\b\f\n\r\t";
    uint8_t c = at[1];

    if (c != 'u') {
        const char *found = strchr(from, c);

        out[0] = found == nullptr ? c : static_cast<uint8_t>(to[found - from]);
        at += 2;
        return 1;
    }
    uint32_t code = hex4(at + 2);
    at += 6;
    if (code >= 0xd800 && code <= 0xdbff) {
        code = 0x10000 + ((code - 0xd800) << 10) + (hex4(at + 2) - 0xdc00);
        at += 6;
    }
    return utf8_encode(code, out);
}

/* What stands between the quotes of a checked string, unescaped; false when it does not fit. */
static bool unescape(struct slice raw, uint8_t *out, size_t max, size_t *len)
{
    const uint8_t *at = raw.data;
    const uint8_t *end = raw.data + raw.len;

    for (*len = 0; at < end;) {
        uint8_t bytes[4];
        size_t count;

        if (*at == '\\') {
            count = unescape_one(at, bytes);
        } else {
            bytes[0] = *at++;
            count = 1;
        }
        if (max - *len < count)
            return false;
        memcpy(out + *len, bytes, count);
        *len += count;
    }
    return true;
}

/* A key, in the parser's memory if it has escapes. */
static struct slice unescaped_key(struct json_parser *p, size_t text_len, struct slice raw)
{
    size_t len;

    if (memchr(raw.data, '\\', raw.len) == nullptr)
        return raw;
    /* Room for all keys of the text, so that those given before stay where they are. */
    if (p->keys.len == 0)
        buffer_reserve(&p->keys, text_len);
    uint8_t *out = p->keys.data + p->keys.len;
    invariant(unescape(raw, out, p->keys.capacity - p->keys.len, &len));
    p->keys.len += len;
    return {out, len};
}

/* The members of the checked object or array that `text` is. */
static enum status split(struct json_parser *p, struct slice text, bool object, size_t *count)
{
    const auto &places = p->dom.implementation;
    struct walk w = {text.data, places->structural_indexes.get(), 1};
    uint8_t close = object ? '}' : ']';
    /* Looked for once: most texts have none, and keys are many and short. */
    bool escapes = object && memchr(text.data, '\\', text.len) != nullptr;

    p->keys.len = 0;
    *count = 0;
    if (char_at(w, w.next) == close)
        return ST_OK;
    do {
        struct json_member *m = member_new(p, *count);

        m->key = {nullptr, 0};
        if (object) {
            uint32_t quote = w.next++;

            struct slice quoted = json_places_between(w.text, w.places, quote, w.next);

            m->key = {quoted.data + 1, quoted.len - 2};
            if (escapes)
                m->key = unescaped_key(p, text.len, m->key);
            w.next++; /* the colon */
        }
        uint32_t first = w.next;
        w.next = json_places_skip(w.text, w.places, first, p->depth_max - 1);
        if (w.next == 0)
            return ST_MALFORMED;
        m->value = json_places_between(w.text, w.places, first, w.next);
        m->type = json_value_type(m->value);
        (*count)++;
    } while (char_at(w, w.next++) != close);
    return ST_OK;
}

static struct slice without_byte_order_mark(struct slice text)
{
    static const uint8_t mark[] = {0xef, 0xbb, 0xbf};

    return slice_starts_with(text, {mark, sizeof(mark)}) ? slice_from(text, sizeof(mark)) : text;
}

/* A copy of the text with padding, in the parser. */
static uint8_t *copy_padded(struct json_parser *p, struct slice text)
{
    p->copy.len = 0;
    buffer_append_slice(&p->copy, text);
    memset(buffer_reserve(&p->copy, JSON_PADDING), 0, JSON_PADDING);
    return p->copy.data;
}

/* Makes room for a text of `len` bytes. */
static void reserve(struct json_parser *p, size_t len)
{
    if (len <= p->capacity)
        return;
    while (p->capacity < len)
        p->capacity *= 2;
    /* As in mem: without memory the process ends. simdjson counts one level less for an empty
     * object or array: it lets those of a level more pass, and the walk over the members is exact.
     */
    invariant(p->dom.allocate(p->capacity, p->depth_max + 1) == simdjson::SUCCESS);
    invariant(p->dom.doc.allocate(p->capacity) == simdjson::SUCCESS);
}

/* Has simdjson look at `text`; `padded` holds the same bytes, with padding. */
static bool check(struct json_parser *p, struct slice text, const uint8_t *padded)
{
    simdjson::error_code error = p->dom.parse(padded, text.len, false).error();

    if (error == simdjson::NUMBER_ERROR) { /* malformed, or too large for it */
        uint8_t *copy = copy_padded(p, text);

        json_blank_numbers(copy, text.len);
        error = p->dom.parse(copy, text.len, false).error();
    }
    return error == simdjson::SUCCESS;
}

/* Checks `text`, which is kept; `padded` holds the same bytes, with padding. */
static enum status check_whole(struct json_parser *p, struct slice text, const uint8_t *padded)
{
    if (text.len > p->max_len)
        return ST_TOO_LARGE;
    p->text = without_byte_order_mark(text);
    padded += text.len - p->text.len;
    if (p->text.len == 0)
        return ST_MALFORMED;
    reserve(p, p->text.len);
    return check(p, p->text, padded) ? ST_OK : ST_MALFORMED;
}

/* Checks and splits `text`; `padded` holds the same bytes, with padding. */
static enum status parse(struct json_parser *p, struct slice text, const uint8_t *padded,
                         bool object, const struct json_member **members, size_t *count)
{
    *members = nullptr;
    *count = 0;
    enum status st = check_whole(p, text, padded);
    if (st != ST_OK)
        return st;
    if (p->text.data[p->dom.implementation->structural_indexes[0]] != (object ? '{' : '['))
        return ST_INVALID;
    st = split(p, p->text, object, count);
    if (st != ST_OK)
        *count = 0;
    *members = p->members;
    return st;
}

enum status json_check(struct json_parser *p, struct slice text, struct slice *value)
{
    enum status st = check_whole(p, text, text.data);

    *value = {nullptr, 0};
    if (st == ST_OK)
        *value = slice_from(p->text, p->dom.implementation->structural_indexes[0]);
    return st;
}

struct json_places json_parser_places(const struct json_parser *p)
{
    const auto &found = p->dom.implementation;

    return {p->text, found->structural_indexes.get(), found->n_structural_indexes};
}

struct json_parser *json_parser_new(size_t max_len)
{
    return json_parser_new_deep(max_len, JSON_DEPTH_MAX);
}

struct json_parser *json_parser_new_deep(size_t max_len, unsigned depth_max)
{
    invariant(max_len <= TEXT_MAX && depth_max >= 1);
    struct json_parser *p = new (mem_new(MEM_BASE, sizeof(struct json_parser))) json_parser{};
    p->max_len = max_len;
    p->depth_max = depth_max;
    p->capacity = CAPACITY_MIN / 2;
    reserve(p, CAPACITY_MIN);
    return p;
}

void json_parser_free(struct json_parser **pp)
{
    struct json_parser *p = *pp;

    *pp = nullptr;
    if (p == nullptr)
        return;
    mem_free(p->members);
    buffer_deinit(&p->keys);
    buffer_deinit(&p->copy);
    p->~json_parser();
    mem_free(p);
}

enum status json_parse_object(struct json_parser *p, struct slice text,
                              const struct json_member **members, size_t *count)
{
    return parse(p, text, text.data, true, members, count);
}

enum status json_parse_array(struct json_parser *p, struct slice text,
                             const struct json_member **members, size_t *count)
{
    return parse(p, text, text.data, false, members, count);
}

enum status json_parse_object_unpadded(struct json_parser *p, struct slice text,
                                       const struct json_member **members, size_t *count)
{
    const uint8_t *padded = text.len <= p->max_len ? copy_padded(p, text) : nullptr;

    return parse(p, text, padded, true, members, count);
}

const struct json_member *json_find(const struct json_member *members, size_t count,
                                    const char *key)
{
    struct slice wanted = slice_of(key);

    while (count-- > 0) {
        if (slice_equal(members[count].key, wanted))
            return &members[count];
    }
    return nullptr;
}

enum status json_text(const struct json_member *m, char *out, size_t max, size_t *len)
{
    *len = 0;
    out[0] = '\0';
    if (m->type != JSON_TYPE_STRING)
        return ST_INVALID;
    if (!unescape({m->value.data + 1, m->value.len - 2}, reinterpret_cast<uint8_t *>(out), max,
                  len)) {
        *len = 0;
        out[0] = '\0';
        return ST_TOO_LARGE;
    }
    out[*len] = '\0';
    return ST_OK;
}

int json_text_compare(const struct json_member *m, struct slice text)
{
    const uint8_t *at = m->value.data + 1;
    const uint8_t *end = m->value.data + m->value.len - 1;
    size_t same = 0;

    while (at < end) {
        uint8_t bytes[4];
        size_t count = 1;

        if (*at == '\\')
            count = unescape_one(at, bytes);
        else
            bytes[0] = *at++;
        for (size_t i = 0; i < count; i++, same++) {
            if (same == text.len)
                return 1;
            if (bytes[i] != text.data[same])
                return bytes[i] < text.data[same] ? -1 : 1;
        }
    }
    return same < text.len ? -1 : 0;
}

enum status json_member_int64(const struct json_member *m, int64_t *out)
{
    const char *begin = reinterpret_cast<const char *>(m->value.data);
    const char *end = begin + m->value.len;
    int64_t value = 0;

    *out = 0;
    if (m->type != JSON_TYPE_NUMBER)
        return ST_INVALID;
    std::from_chars_result result = std::from_chars(begin, end, value);
    if (result.ec != std::errc() || result.ptr != end)
        return ST_INVALID;
    *out = value;
    return ST_OK;
}

double json_member_double(const struct json_member *m)
{
    const char *begin = reinterpret_cast<const char *>(m->value.data);
    const char *end = begin + m->value.len;
    double value = 0;

    if (m->type != JSON_TYPE_NUMBER)
        return 0;
    if (std::from_chars(begin, end, value).ec != std::errc::result_out_of_range)
        return value;
    /* Rare: too large or too small, and only strtod says which; it wants a zero behind. */
    return strtod(std::string(begin, end).c_str(), nullptr);
}

/* Moves behind digits. False: there are none. */
static bool skip_digits(const uint8_t *&at, const uint8_t *end)
{
    const uint8_t *first = at;

    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at > first;
}

static bool take(const uint8_t *&at, const uint8_t *end, char wanted)
{
    if (at == end || *at != wanted)
        return false;
    at++;
    return true;
}

/* True for a number of RFC 8259 section 6 with nothing around it. */
static bool is_number(const uint8_t *at, const uint8_t *end)
{
    (void)take(at, end, '-');
    if (!take(at, end, '0') && !skip_digits(at, end))
        return false;
    if (take(at, end, '.') && !skip_digits(at, end))
        return false;
    if (take(at, end, 'e') || take(at, end, 'E')) {
        if (!take(at, end, '+'))
            (void)take(at, end, '-');
        if (!skip_digits(at, end))
            return false;
    }
    return at == end;
}

/* Moves from a quote behind the one that ends its string. */
static uint8_t *skip_string(uint8_t *at, const uint8_t *end)
{
    for (at++; at < end && *at != '"'; at++) {
        if (*at == '\\' && at + 1 < end)
            at++;
    }
    return at < end ? at + 1 : at;
}

/* Moves behind the bytes up to the next quote, white space or structural character. */
static uint8_t *skip_token(uint8_t *at, const uint8_t *end)
{
    static const char ends[] = "\"{}[]:, \t\r\n";

    while (at < end && memchr(ends, *at, sizeof(ends) - 1) == nullptr)
        at++;
    return at;
}

/* Whole tokens only: within one that is no number, a piece may look like one. Where a backslash
 * stands outside strings it may be unclear what is a string; such a text is no JSON, and the
 * backslash stays. */
void json_blank_numbers(uint8_t *text, size_t len)
{
    const uint8_t *end = text + len;

    for (uint8_t *at = text; at < end;) {
        uint8_t *token = at;

        at = *at == '"' ? skip_string(at, end) : skip_token(at, end);
        if (is_number(token, at)) {
            memset(token, ' ', static_cast<size_t>(at - token));
            *token = '0';
        }
        if (at == token) /* a delimiter */
            at++;
    }
}

/* The escape of a byte that may not stand in a string literal as it is. */
static void append_escape(struct buffer *b, uint8_t c)
{
    static const char from[] = "\"\\\b\f\n\r\t";
    static const char to[] = "\"\\bfnrt";
    const char *found = c == 0 ? nullptr : strchr(from, c);

    if (found == nullptr) {
        buffer_printf(b, "\\u%04x", c);
        return;
    }
    buffer_append_u8(b, '\\');
    buffer_append_u8(b, static_cast<uint8_t>(to[found - from]));
}

void json_append_string(struct buffer *b, struct slice s)
{
    size_t done = 0; /* so much of `s` is appended */
    size_t i = 0;

    buffer_append_u8(b, '"');
    while (i < s.len) {
        uint8_t c = s.data[i];
        size_t len = c < 0x80 ? 1 : utf8_char_len(slice_from(s, i));

        if (len > 0 && c >= 0x20 && c != '"' && c != '\\') {
            i += len;
            continue;
        }
        buffer_append(b, s.data + done, i - done);
        if (len == 0)
            buffer_append_text(b, "\xef\xbf\xbd");
        else
            append_escape(b, c);
        done = ++i;
    }
    if (done < i)
        buffer_append(b, s.data + done, i - done);
    buffer_append_u8(b, '"');
}
