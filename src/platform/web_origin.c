/* Browsers write scheme and host in small letters, and leave the default port out. */
#include "platform/web_origin.h"

#include <ctype.h>

enum { PORT_DIGITS_MAX = 5, PORT_MAX = 65535 };

static bool is_between(uint8_t byte)
{
    return byte == ' ' || byte == ',' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* Takes the first entry off the text; empty at the end. */
static struct slice take_entry(struct slice *text)
{
    size_t from = 0, to;

    while (from < text->len && is_between(text->data[from]))
        from++;
    to = from;
    while (to < text->len && !is_between(text->data[to]))
        to++;
    struct slice entry = slice_make(text->data + from, to - from);

    *text = slice_from(*text, to);
    return entry;
}

static bool is_host_byte(uint8_t byte)
{
    return isalnum(byte) != 0 || byte == '-' || byte == '.' || byte == '_';
}

/* How many bytes of a text are a host: a name, an IPv4 address, or an IPv6 one in brackets. */
static size_t host_len(struct slice s)
{
    size_t len = 0;

    if (s.len > 0 && s.data[0] == '[') {
        while (++len < s.len && (isxdigit(s.data[len]) != 0 || s.data[len] == ':')) {}
        return len > 1 && len < s.len && s.data[len] == ']' ? len + 1 : 0;
    }
    while (len < s.len && is_host_byte(s.data[len]))
        len++;
    return len;
}

/* `:8443` or nothing; 0: neither. */
static bool read_port(struct slice s, unsigned *port)
{
    *port = 0;
    if (s.len == 0)
        return true;
    if (s.data[0] != ':' || s.len < 2 || s.len > 1 + PORT_DIGITS_MAX)
        return false;
    for (size_t i = 1; i < s.len; i++) {
        if (isdigit(s.data[i]) == 0)
            return false;
        *port = *port * 10 + (unsigned)(s.data[i] - '0');
    }
    return *port > 0 && *port <= PORT_MAX;
}

static unsigned default_port(struct slice scheme)
{
    return slice_is(scheme, "https") ? 443 : slice_is(scheme, "http") ? 80 : 0;
}

/* How many bytes of a text are a scheme. */
static size_t scheme_len(struct slice s)
{
    size_t len = 0;

    while (len < s.len && (isalnum(s.data[len]) != 0 || (len > 0 && s.data[len] == '-')))
        len++;
    return len > 0 && isalpha(s.data[0]) != 0 ? len : 0;
}

/* Cuts an entry in small letters down to what a browser writes; empty: it is no origin. */
static struct slice origin_of(struct slice entry)
{
    struct slice scheme = slice_make(entry.data, scheme_len(entry));
    struct slice rest = slice_from(entry, scheme.len);
    struct slice nothing = {0};
    size_t name_len;
    unsigned port;

    if (slice_is(entry, "null"))
        return entry;
    if (scheme.len == 0 || !slice_starts_with(rest, slice_of("://")))
        return nothing;
    rest = slice_from(rest, 3);
    if (rest.len > 0 && rest.data[rest.len - 1] == '/')
        rest.len--;
    name_len = host_len(rest);
    if (name_len == 0 || !read_port(slice_from(rest, name_len), &port))
        return nothing;
    if (port == 0 || port == default_port(scheme))
        rest.len = name_len;
    return slice_make(entry.data, scheme.len + 3 + rest.len);
}

enum status web_origin_list_make(struct slice text, char *out, struct slice *word)
{
    struct buffer list = {0};
    enum status st = ST_OK;

    while (st == ST_OK && (*word = take_entry(&text)).len > 0) {
        size_t at = list.len + (list.len > 0);
        struct slice origin;

        if (list.len > 0)
            buffer_append_u8(&list, ' ');
        for (size_t i = 0; i < word->len; i++)
            buffer_append_u8(&list, (uint8_t)tolower(word->data[i]));
        origin = origin_of(slice_from(buffer_slice(&list), at));
        list.len = at + origin.len;
        if (origin.len == 0 || origin.len > WEB_ORIGIN_MAX)
            st = ST_INVALID;
        else if (list.len > WEB_ORIGIN_LIST_MAX)
            st = ST_TOO_LARGE;
    }
    if (st == ST_OK) {
        if (list.len > 0)
            memcpy(out, list.data, list.len);
        out[list.len] = '\0';
    }
    buffer_deinit(&list);
    return st;
}

bool web_origin_list_has(struct slice list, struct slice origin)
{
    struct slice entry;

    while ((entry = take_entry(&list)).len > 0) {
        if (slice_equal(entry, origin))
            return true;
    }
    return false;
}
