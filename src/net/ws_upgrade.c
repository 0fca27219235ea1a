/*
 * The HTTP head that opens a WebSocket: read line by line, then held against a table of conditions.
 *
 * A head may come in pieces; each call reads it from its beginning, and what a part of it lets
 * say for certain (not HTTP at all) is said at once, so that a peer that speaks something else
 * does not wait for a time-out. Lines end in CR LF, lines that continue another one are refused:
 * what two readers could understand differently is not guessed at. Headers that the handshake
 * does not need are passed over; bodies, cookies and extensions are nobody's business here.
 */
#include "net/ws_upgrade.h"

#include <ctype.h>
#include <strings.h>

#include "base/invariant.h"
#include "net/tls_digest.h"

enum {
    KEY_TEXT_LEN = 24, /* 16 bytes in base64 */
    KEY_PADDING = 2,   /* "==" at its end */
    VERSION_LEN = 8    /* "HTTP/1.1" */
};

#define ACCEPT_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455 section 1.3 */

/* X(NAME, as it is written, token that its list must hold or NULL, any case of the token will do)
 */
#define HEADER_LIST(X)                                   \
    X(HOST, "Host", NULL, false)                         \
    X(UPGRADE, "Upgrade", "websocket", true)             \
    X(CONNECTION, "Connection", "upgrade", true)         \
    X(VERSION, "Sec-WebSocket-Version", NULL, false)     \
    X(KEY, "Sec-WebSocket-Key", NULL, false)             \
    X(PROTOCOL, "Sec-WebSocket-Protocol", "mqtt", false) \
    X(ORIGIN, "Origin", NULL, false)

enum header_id {
#define X(name, text, token, any_case) HEADER_##name,
    HEADER_LIST(X)
#undef X
        HEADER_COUNT
};

static const struct header_rule {
    const char *name;
    const char *token;
    bool any_case;
} header_rules[HEADER_COUNT] = {
#define X(name, text, token, any_case) [HEADER_##name] = {text, token, any_case},
    HEADER_LIST(X)
#undef X
};

/* What a request says, while it is read. All slices are borrowed from it. */
struct request {
    struct slice method;
    struct slice path;
    const char *path_wanted;
    bool is_http_1_1;
    struct header_said {
        unsigned count;     /* how many lines */
        struct slice value; /* of the last one */
        bool has_token;     /* one of them lists the token of the rule */
    } headers[HEADER_COUNT];
};

static bool equal_any_case(struct slice s, const char *text)
{
    return s.len == strlen(text) && strncasecmp((const char *)s.data, text, s.len) == 0;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* RFC 9110 section 5.6.2 */
static bool is_token(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!isalnum(s.data[i]) && (s.data[i] == 0 || !strchr("!#$%&'*+-.^_`|~", s.data[i])))
            return false;
    }
    return s.len > 0;
}

static struct slice trim(struct slice s)
{
    while (s.len > 0 && is_space(s.data[0]))
        s = slice_from(s, 1);
    while (s.len > 0 && is_space(s.data[s.len - 1]))
        s.len--;
    return s;
}

static bool list_has(struct slice list, const char *token, bool any_case)
{
    while (list.len > 0) {
        struct slice item = trim(slice_cut(&list, ','));

        if (any_case ? equal_any_case(item, token) : slice_is(item, token))
            return true;
    }
    return false;
}

/*
 * Cuts the next line off, without its end. ST_AGAIN: it has not come whole; ST_MALFORMED: no line
 * of HTTP, which a part of it can tell too.
 */
static enum status next_line(struct slice *rest, struct slice *line)
{
    const uint8_t *end = rest->len == 0 ? NULL : memchr(rest->data, '\n', rest->len);
    size_t len = end == NULL ? rest->len : (size_t)(end - rest->data);
    bool ends_in_cr = len > 0 && rest->data[len - 1] == '\r';

    *line = slice_make(rest->data, ends_in_cr ? len - 1 : len);
    for (size_t i = 0; i < line->len; i++) {
        if (iscntrl(line->data[i]) && line->data[i] != '\t')
            return ST_MALFORMED;
    }
    if (end == NULL)
        return ST_AGAIN;
    *rest = slice_from(*rest, len + 1);
    return ends_in_cr ? ST_OK : ST_MALFORMED;
}

/* The path of a request's target, which may be a whole URL. Source: RFC 9112 section 3.2 */
static struct slice target_path(struct slice target)
{
    struct slice path = target;
    const uint8_t *slash;

    if (target.data[0] != '/') {
        const uint8_t *colon = memmem(target.data, target.len, "://", 3);

        if (colon == NULL)
            return target; /* "*", or host and port of a CONNECT */
        path = slice_from(target, (size_t)(colon - target.data) + 3);
        slash = path.len == 0 ? NULL : memchr(path.data, '/', path.len);
        if (slash == NULL)
            return slice_of("/");
        path = slice_from(path, (size_t)(slash - path.data));
    }
    return slice_cut(&path, '?');
}

/* Source: RFC 9112 section 3 */
static enum status read_request_line(struct slice line, struct request *r)
{
    struct slice rest = line;
    struct slice target;

    r->method = slice_cut(&rest, ' ');
    target = slice_cut(&rest, ' ');
    if (!is_token(r->method) || target.len == 0)
        return ST_MALFORMED;
    for (size_t i = 0; i < target.len; i++) {
        if (!isgraph(target.data[i]))
            return ST_MALFORMED;
    }
    if (rest.len != VERSION_LEN || !slice_starts_with(rest, slice_of("HTTP/1.")) ||
        !isdigit(rest.data[VERSION_LEN - 1]))
        return ST_MALFORMED;
    r->is_http_1_1 = rest.data[VERSION_LEN - 1] != '0';
    r->path = target_path(target);
    return ST_OK;
}

/* Source: RFC 9112 section 5 */
static enum status read_header(struct slice line, struct request *r)
{
    struct slice rest = line;
    struct slice name = slice_cut(&rest, ':');
    struct slice value = trim(rest);

    /* a line that continues another one has a space in its name; one without colon has no rest */
    if (!is_token(name) || rest.data == NULL)
        return ST_MALFORMED;
    for (unsigned i = 0; i < HEADER_COUNT; i++) {
        const struct header_rule *rule = &header_rules[i];

        if (!equal_any_case(name, rule->name))
            continue;
        r->headers[i].count++;
        r->headers[i].value = value;
        if (rule->token != NULL && list_has(value, rule->token, rule->any_case))
            r->headers[i].has_token = true;
        break;
    }
    return ST_OK;
}

static bool path_is_served(const struct request *r)
{
    return slice_is(r->path, r->path_wanted);
}

static bool method_is_get(const struct request *r)
{
    return slice_is(r->method, "GET");
}

static bool http_is_new_enough(const struct request *r)
{
    return r->is_http_1_1;
}

static bool host_is_named(const struct request *r)
{
    return r->headers[HEADER_HOST].count == 1 && r->headers[HEADER_HOST].value.len > 0;
}

static bool connection_upgrades(const struct request *r)
{
    return r->headers[HEADER_CONNECTION].has_token;
}

static bool version_is_given(const struct request *r)
{
    return r->headers[HEADER_VERSION].count == 1;
}

static bool version_is_13(const struct request *r)
{
    return slice_is(r->headers[HEADER_VERSION].value, "13");
}

static bool key_is_valid(const struct request *r)
{
    struct slice key = r->headers[HEADER_KEY].value;

    if (r->headers[HEADER_KEY].count != 1 || key.len != KEY_TEXT_LEN)
        return false;
    for (size_t i = 0; i < KEY_TEXT_LEN - KEY_PADDING; i++) {
        if (!isalnum(key.data[i]) && key.data[i] != '+' && key.data[i] != '/')
            return false;
    }
    return slice_is(slice_from(key, KEY_TEXT_LEN - KEY_PADDING), "==");
}

static bool offers_mqtt(const struct request *r)
{
    return r->headers[HEADER_PROTOCOL].has_token;
}

static bool origin_is_clear(const struct request *r)
{
    return r->headers[HEADER_ORIGIN].count <= 1;
}

/* What an upgrade must fulfil; the first one that does not hold is the answer. */
static const struct condition {
    bool (*holds)(const struct request *r);
    int refusal;
    const char *text;
} conditions[] = {
    {path_is_served, 404, "there is no WebSocket at this path"},
    {method_is_get, 405, "a WebSocket is opened with GET"},
    {http_is_new_enough, 400, "a WebSocket needs HTTP/1.1"},
    {host_is_named, 400, "one Host header is needed"},
    {connection_upgrades, 400, "the Connection header must list Upgrade"},
    {version_is_given, 400, "one Sec-WebSocket-Version header is needed"},
    {version_is_13, 426, "Sec-WebSocket-Version must be 13"},
    {key_is_valid, 400, "one Sec-WebSocket-Key header is needed: 16 bytes in base64"},
    {offers_mqtt, 400, "the subprotocol mqtt must be offered in Sec-WebSocket-Protocol"},
    {origin_is_clear, 400, "there must not be several Origin headers"},
};

static void judge(const struct request *r, struct ws_upgrade *out)
{
    out->method = r->method;
    out->path = r->path;
    out->origin = r->headers[HEADER_ORIGIN].value;
    out->key = r->headers[HEADER_KEY].value;
    out->is_upgrade = r->headers[HEADER_UPGRADE].has_token;
    if (!out->is_upgrade)
        return;
    for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
        if (!conditions[i].holds(r)) {
            out->refusal = conditions[i].refusal;
            out->refusal_text = conditions[i].text;
            return;
        }
    }
}

enum status ws_upgrade_parse(struct slice request, const char *path_wanted, struct ws_upgrade *out)
{
    struct request r = {.path_wanted = path_wanted};
    struct slice rest = request;
    struct slice line;
    enum status st;

    *out = (struct ws_upgrade){0};
    if (rest.len > WS_UPGRADE_HEAD_MAX)
        rest.len = WS_UPGRADE_HEAD_MAX;
    st = next_line(&rest, &line);
    if (st == ST_OK)
        st = read_request_line(line, &r);
    while (st == ST_OK) {
        st = next_line(&rest, &line);
        if (st == ST_OK && line.len == 0) {
            out->head_len = (size_t)(rest.data - request.data);
            judge(&r, out);
            return ST_OK;
        }
        if (st == ST_OK)
            st = read_header(line, &r);
    }
    return st == ST_AGAIN && request.len >= WS_UPGRADE_HEAD_MAX ? ST_TOO_LARGE : st;
}

void ws_upgrade_accept(struct buffer *b, const struct ws_upgrade *u)
{
    uint8_t text[KEY_TEXT_LEN + sizeof(ACCEPT_GUID) - 1];
    char accept[TLS_DIGEST_SHA1_BASE64_LEN + 1];

    invariant(u->is_upgrade && u->refusal == 0 && u->key.len == KEY_TEXT_LEN);
    memcpy(text, u->key.data, KEY_TEXT_LEN);
    memcpy(text + KEY_TEXT_LEN, ACCEPT_GUID, sizeof(ACCEPT_GUID) - 1);
    tls_digest_sha1_base64(slice_make(text, sizeof(text)), accept);
    buffer_printf(b,
                  "HTTP/1.1 101 Switching Protocols\r\n"
                  "Upgrade: websocket\r\n"
                  "Connection: Upgrade\r\n"
                  "Sec-WebSocket-Accept: %s\r\n"
                  "Sec-WebSocket-Protocol: mqtt\r\n"
                  "\r\n",
                  accept);
}

/* Answers that may be given, with the headers that RFC 9110 demands beside them. */
static const struct refusal {
    int http_status;
    const char *phrase;
    const char *headers;
} refusals[] = {
    {400, "Bad Request", "Connection: close\r\n"},
    {403, "Forbidden", "Connection: close\r\n"},
    {404, "Not Found", "Connection: close\r\n"},
    {405, "Method Not Allowed", "Connection: close\r\nAllow: GET\r\n"},
    {408, "Request Timeout", "Connection: close\r\n"},
    {426, "Upgrade Required",
     "Connection: close, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"},
    {429, "Too Many Requests", "Connection: close\r\n"},
    {431, "Request Header Fields Too Large", "Connection: close\r\n"},
    {503, "Service Unavailable", "Connection: close\r\n"},
};

void ws_upgrade_refuse(struct buffer *b, int http_status, const char *text)
{
    const struct refusal *r = refusals;
    const struct refusal *end = refusals + sizeof(refusals) / sizeof(refusals[0]);

    while (r < end && r->http_status != http_status)
        r++;
    invariant(r < end);
    buffer_printf(b,
                  "HTTP/1.1 %d %s\r\n"
                  "%s"
                  "Content-Type: text/plain; charset=utf-8\r\n"
                  "Content-Length: %zu\r\n"
                  "\r\n"
                  "%s\n",
                  r->http_status, r->phrase, r->headers, strlen(text) + 1, text);
}
