/*
 * The handshake that opens a WebSocket. Every request is also given in growing pieces: what is
 * said of the whole must be said of it then too, and nothing else before.
 */
#include "net/ws_upgrade.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "leftover.h"

#define LINE     "GET /mqtt HTTP/1.1\r\n"
#define HOST     "Host: localhost:7886\r\n"
#define UPGRADE  "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define KEY      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION  "Sec-WebSocket-Version: 13\r\n"
#define PROTOCOL "Sec-WebSocket-Protocol: mqtt\r\n"
#define END      "\r\n"
#define GOOD     LINE HOST UPGRADE KEY VERSION PROTOCOL END

/* Parses a copy that ends where the memory ends; gives the status and what was said. */
static enum status parse(struct slice request, struct ws_upgrade *out)
{
    uint8_t *copy = mem_alloc(MEM_TEST, request.len);
    enum status st;

    if (request.len > 0)
        memcpy(copy, request.data, request.len);
    st = ws_upgrade_parse(slice_make(copy, request.len), "/mqtt", out);
    mem_free(copy);
    return st;
}

/* The shortest prefix that is not ST_AGAIN must say what the whole says. */
static void check_growing(struct slice request, enum status want)
{
    struct ws_upgrade u;

    for (size_t len = 0; len <= request.len; len++) {
        enum status st = parse(slice_make(request.data, len), &u);

        if (st == ST_AGAIN)
            continue;
        assert_int_equal(st, want);
        if (st == ST_OK)
            assert_int_equal(len, u.head_len);
        return;
    }
    assert_int_equal(want, ST_AGAIN);
}

/* X-RFC6455-4.2-handshake, [MQTT-6.0.0-3] */
static const struct upgrade_case {
    const char *name;
    const char *request;
    int refusal;
} upgrade_cases[] = {
    {"plain", GOOD, 0},
    {"browser's order and extras",
     "GET /mqtt HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nPragma: no-cache\r\n"
     "User-Agent: Mozilla/5.0 (\xc3\xa9)\r\nUpgrade: websocket\r\nOrigin: http://page\r\n" VERSION
     "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" KEY PROTOCOL END,
     0},
    {"names in lower case",
     LINE "host: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
          "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n"
          "sec-websocket-protocol: mqtt\r\n" END,
     0},
    {"names in upper case",
     LINE "HOST: a\r\nUPGRADE: WEBSOCKET\r\nCONNECTION: UPGRADE\r\n"
          "SEC-WEBSOCKET-KEY: dGhlIHNhbXBsZSBub25jZQ==\r\nSEC-WEBSOCKET-VERSION: 13\r\n"
          "SEC-WEBSOCKET-PROTOCOL: mqtt\r\n" END,
     0},
    {"no spaces, many spaces",
     LINE "Host:a\r\nUpgrade:websocket\r\nConnection: \t upgrade \t\r\n"
          "Sec-WebSocket-Key:  dGhlIHNhbXBsZSBub25jZQ== \r\n" VERSION PROTOCOL END,
     0},
    {"upgrade list",
     LINE HOST "Upgrade: h2c, WebSocket\r\nConnection: Upgrade\r\n" KEY VERSION PROTOCOL END, 0},
    {"lists over several lines",
     LINE HOST "Upgrade: h2c\r\nUpgrade: websocket\r\nConnection: keep-alive\r\n"
               "Connection: upgrade\r\nSec-WebSocket-Protocol: chat\r\n" PROTOCOL KEY VERSION END,
     0},
    {"query", "GET /mqtt?token=a/b HTTP/1.1\r\n" HOST UPGRADE KEY VERSION PROTOCOL END, 0},
    {"whole URL",
     "GET https://localhost:7886/mqtt?a HTTP/1.1\r\n" HOST UPGRADE KEY VERSION PROTOCOL END, 0},
    {"key with + and /",
     LINE HOST UPGRADE "Sec-WebSocket-Key: ++++////AAAAzzzz0123Aw==\r\n" VERSION PROTOCOL END, 0},
    {"key with loose last bits",
     LINE HOST UPGRADE "Sec-WebSocket-Key: ++++////AAAAzzzz0123A/==\r\n" VERSION PROTOCOL END, 0},
    {"offers chat and mqtt",
     LINE HOST UPGRADE KEY VERSION "Sec-WebSocket-Protocol: chat,mqtt , mqttv3.1\r\n" END, 0},

    {"POST", "POST /mqtt HTTP/1.1\r\n" HOST UPGRADE KEY VERSION PROTOCOL END, 405},
    {"get", "get /mqtt HTTP/1.1\r\n" HOST UPGRADE KEY VERSION PROTOCOL END, 405},
    {"other path", "GET /other HTTP/1.1\r\n" HOST UPGRADE KEY VERSION PROTOCOL END, 404},
    {"path that goes on", "GET /mqtt/ HTTP/1.1\r\n" HOST UPGRADE KEY VERSION PROTOCOL END, 404},
    {"path in capitals", "GET /MQTT HTTP/1.1\r\n" HOST UPGRADE KEY VERSION PROTOCOL END, 404},
    {"URL without path", "GET https://localhost HTTP/1.1\r\n" HOST UPGRADE KEY VERSION PROTOCOL END,
     404},
    {"no path", "GET * HTTP/1.1\r\n" HOST UPGRADE KEY VERSION PROTOCOL END, 404},
    {"HTTP/1.0", "GET /mqtt HTTP/1.0\r\n" HOST UPGRADE KEY VERSION PROTOCOL END, 400},
    {"no Host", LINE UPGRADE KEY VERSION PROTOCOL END, 400},
    {"empty Host", LINE "Host: \r\n" UPGRADE KEY VERSION PROTOCOL END, 400},
    {"two Hosts", LINE HOST HOST UPGRADE KEY VERSION PROTOCOL END, 400},
    {"no Connection", LINE HOST "Upgrade: websocket\r\n" KEY VERSION PROTOCOL END, 400},
    {"Connection without upgrade",
     LINE HOST
     "Upgrade: websocket\r\nConnection: keep-alive, upgraded\r\n" KEY VERSION PROTOCOL END,
     400},
    {"no version", LINE HOST UPGRADE KEY PROTOCOL END, 400},
    {"two versions", LINE HOST UPGRADE KEY VERSION VERSION PROTOCOL END, 400},
    {"version 8", LINE HOST UPGRADE KEY "Sec-WebSocket-Version: 8\r\n" PROTOCOL END, 426},
    {"version 130", LINE HOST UPGRADE KEY "Sec-WebSocket-Version: 130\r\n" PROTOCOL END, 426},
    {"empty version", LINE HOST UPGRADE KEY "Sec-WebSocket-Version:\r\n" PROTOCOL END, 426},
    {"no key", LINE HOST UPGRADE VERSION PROTOCOL END, 400},
    {"two keys", LINE HOST UPGRADE KEY KEY VERSION PROTOCOL END, 400},
    {"empty key", LINE HOST UPGRADE "Sec-WebSocket-Key:\r\n" VERSION PROTOCOL END, 400},
    {"key of 15 bytes",
     LINE HOST UPGRADE "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n" VERSION PROTOCOL END, 400},
    {"key of 17 bytes",
     LINE HOST UPGRADE "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQx=\r\n" VERSION PROTOCOL END, 400},
    {"key of 18 bytes",
     LINE HOST UPGRADE "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQAA\r\n" VERSION PROTOCOL END, 400},
    {"key not in base64",
     LINE HOST UPGRADE "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j_Q==\r\n" VERSION PROTOCOL END, 400},
    {"no subprotocol", LINE HOST UPGRADE KEY VERSION END, 400},
    {"other subprotocols",
     LINE HOST UPGRADE KEY VERSION "Sec-WebSocket-Protocol: mqttv3.1, chat, MQTT\r\n" END, 400},
    {"two origins", LINE HOST UPGRADE KEY VERSION PROTOCOL "Origin: a\r\nOrigin: b\r\n" END, 400},
};

static void upgrades(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(upgrade_cases) / sizeof(upgrade_cases[0]); i++) {
        const struct upgrade_case *c = &upgrade_cases[i];
        struct slice request = slice_of(c->request);
        struct ws_upgrade u;

        print_message("  %s\n", c->name);
        assert_int_equal(ws_upgrade_parse(request, "/mqtt", &u), ST_OK);
        assert_true(u.is_upgrade);
        assert_int_equal(u.refusal, c->refusal);
        assert_int_equal(u.refusal_text == NULL, c->refusal == 0);
        assert_int_equal(u.head_len, request.len);
        check_growing(request, ST_OK);
    }
}

static const struct broken_case {
    const char *name;
    struct slice request;
    enum status want;
} broken_cases[] = {
#define B(text)                                   \
    {                                             \
        (const uint8_t *)(text), sizeof(text) - 1 \
    }
    {"nothing", B(""), ST_AGAIN},
    {"a beginning", B("GE"), ST_AGAIN},
    {"no empty line", B(LINE HOST UPGRADE), ST_AGAIN},
    {"half an empty line", B(LINE HOST "\r"), ST_AGAIN},
    {"MQTT", B("\x10\x10\0\x04MQTT\x04\x02\0\x3c"), ST_MALFORMED},
    {"TLS", B("\x16\x03\x01\x02\0\x01\0\x01\xfc"), ST_MALFORMED},
    {"HTTP/2", B("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), ST_MALFORMED},
    {"HTTP/0.9", B("GET /mqtt\r\n"), ST_MALFORMED},
    {"an empty line first", B("\r\n" GOOD), ST_MALFORMED},
    {"no version number", B("GET /mqtt HTTP/1.\r\n"), ST_MALFORMED},
    {"a longer version number", B("GET /mqtt HTTP/1.10\r\n"), ST_MALFORMED},
    {"two spaces", B("GET  /mqtt HTTP/1.1\r\n"), ST_MALFORMED},
    {"a space behind", B("GET /mqtt HTTP/1.1 \r\n"), ST_MALFORMED},
    {"a space in front", B(" GET /mqtt HTTP/1.1\r\n"), ST_MALFORMED},
    {"a method that is none", B("G(T /mqtt HTTP/1.1\r\n"), ST_MALFORMED},
    {"a path in Latin 1", B("GET /mq\xfft HTTP/1.1\r\n"), ST_MALFORMED},
    {"lines end in LF", B("GET /mqtt HTTP/1.1\nHost: a\n\n"), ST_MALFORMED},
    {"lines end in CR", B("GET /mqtt HTTP/1.1\rHost: a\r\r"), ST_MALFORMED},
    {"a zero byte", B(LINE "Host: a\0b\r\n"), ST_MALFORMED},
    {"a continued line", B(LINE HOST "Upgrade: a,\r\n websocket\r\n"), ST_MALFORMED},
    {"a continued line, tab", B(LINE HOST "Upgrade: a,\r\n\twebsocket\r\n"), ST_MALFORMED},
    {"a space before the colon", B(LINE "Host : a\r\n"), ST_MALFORMED},
    {"no colon", B(LINE "Host\r\n"), ST_MALFORMED},
    {"no name", B(LINE ": a\r\n"), ST_MALFORMED},
    {"a name in Latin 1", B(LINE "H\xf6st: a\r\n"), ST_MALFORMED},
#undef B
};

static void broken_requests(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(broken_cases) / sizeof(broken_cases[0]); i++) {
        const struct broken_case *c = &broken_cases[i];
        struct ws_upgrade u;

        print_message("  %s\n", c->name);
        assert_int_equal(parse(c->request, &u), c->want);
        check_growing(c->request, c->want);
    }
}

static void what_speaks_no_http_is_told_at_its_first_byte(void **state)
{
    struct ws_upgrade u;

    (void)state;
    assert_int_equal(parse(slice_of("\x10"), &u), ST_MALFORMED);
    assert_int_equal(parse(slice_of("\x16"), &u), ST_MALFORMED);
}

/* A request of `len` bytes, all of it head when that can be. */
static struct buffer request_of(size_t len, bool is_complete)
{
    struct buffer b = {0};
    size_t tail = is_complete ? 4 : 0;

    buffer_append_text(&b, "GET /mqtt HTTP/1.1\r\nCookie: ");
    while (b.len < len - tail)
        buffer_append_u8(&b, 'c');
    if (is_complete)
        buffer_append_text(&b, "\r\n\r\n");
    return b;
}

static void the_head_is_bounded(void **state)
{
    static const struct {
        size_t len;
        bool is_complete;
        enum status want;
    } cases[] = {
        {WS_UPGRADE_HEAD_MAX - 1, false, ST_AGAIN},
        {WS_UPGRADE_HEAD_MAX, true, ST_OK},
        {WS_UPGRADE_HEAD_MAX, false, ST_TOO_LARGE},
        {WS_UPGRADE_HEAD_MAX + 1, true, ST_TOO_LARGE},
        {WS_UPGRADE_HEAD_MAX + 1, false, ST_TOO_LARGE},
        {100000, true, ST_TOO_LARGE},
    };
    struct ws_upgrade u;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buffer b = request_of(cases[i].len, cases[i].is_complete);

        assert_int_equal(parse(buffer_slice(&b), &u), cases[i].want);
        buffer_deinit(&b);
    }
}

static void what_follows_the_head_is_not_read(void **state)
{
    struct buffer b = {0};
    struct ws_upgrade u;

    (void)state;
    buffer_append_text(&b, GOOD);
    buffer_append(&b, "\x82\x80\0\n\r\0", 6);
    for (unsigned i = 0; i < WS_UPGRADE_HEAD_MAX; i++)
        buffer_append_u8(&b, 0);
    assert_int_equal(ws_upgrade_parse(buffer_slice(&b), "/mqtt", &u), ST_OK);
    assert_int_equal(u.head_len, strlen(GOOD));
    assert_int_equal(u.refusal, 0);
    buffer_deinit(&b);
}

static void what_a_request_says(void **state)
{
    struct ws_upgrade u;

    (void)state;
    assert_int_equal(
        ws_upgrade_parse(
            slice_of("GET /mqtt?a=b?c HTTP/1.1\r\n"
                     "Origin:  https://page.example \r\n" UPGRADE KEY HOST VERSION PROTOCOL END),
            "/mqtt", &u),
        ST_OK);
    assert_true(slice_is(u.method, "GET"));
    assert_true(slice_is(u.path, "/mqtt"));
    assert_true(slice_is(u.origin, "https://page.example"));
    assert_true(slice_is(u.key, "dGhlIHNhbXBsZSBub25jZQ=="));
    assert_int_equal(ws_upgrade_parse(slice_of(GOOD), "/mqtt", &u), ST_OK);
    assert_int_equal(u.origin.len, 0);
}

static void other_requests_are_told_apart(void **state)
{
    static const struct {
        const char *request, *method, *path;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/"},
        {"POST /api/login?x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}", "POST",
         "/api/login"},
        {"GET /mqtt HTTP/1.0\r\n\r\n", "GET", "/mqtt"},
        {"GET /mqtt HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c, websockets\r\n\r\n", "GET",
         "/mqtt"},
        {"OPTIONS * HTTP/1.1\r\n\r\n", "OPTIONS", "*"},
        {"GET http://a HTTP/1.1\r\n\r\n", "GET", "/"},
        {"GET http:// HTTP/1.1\r\n\r\n", "GET", "/"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ws_upgrade u;

        assert_int_equal(ws_upgrade_parse(slice_of(cases[i].request), "/mqtt", &u), ST_OK);
        assert_false(u.is_upgrade);
        assert_int_equal(u.refusal, 0);
        assert_true(slice_is(u.method, cases[i].method));
        assert_true(slice_is(u.path, cases[i].path));
    }
}

/* X-RFC6455-4.2-accept, [MQTT-6.0.0-4] */
static void the_answer(void **state)
{
    struct ws_upgrade u;
    struct buffer b = {0};

    (void)state;
    assert_int_equal(ws_upgrade_parse(slice_of(LINE HOST UPGRADE KEY VERSION
                                               "Sec-WebSocket-Protocol: chat, mqtt\r\n" END),
                                      "/mqtt", &u),
                     ST_OK);
    ws_upgrade_accept(&b, &u);
    buffer_append_u8(&b, 0);
    assert_string_equal((const char *)b.data,
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\n"
                        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                        "Sec-WebSocket-Protocol: mqtt\r\n\r\n");
    buffer_deinit(&b);
}

static void refusals(void **state)
{
    static const struct {
        int http_status;
        const char *line, *header;
    } cases[] = {
        {400, "HTTP/1.1 400 Bad Request\r\n", "\r\nConnection: close\r\n"},
        {403, "HTTP/1.1 403 Forbidden\r\n", "\r\nConnection: close\r\n"},
        {404, "HTTP/1.1 404 Not Found\r\n", "\r\nConnection: close\r\n"},
        {405, "HTTP/1.1 405 Method Not Allowed\r\n", "\r\nAllow: GET\r\n"},
        {426, "HTTP/1.1 426 Upgrade Required\r\n", "\r\nSec-WebSocket-Version: 13\r\n"},
        {431, "HTTP/1.1 431 Request Header Fields Too Large\r\n", "\r\nConnection: close\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buffer b = {0};
        const char *text;

        ws_upgrade_refuse(&b, cases[i].http_status, "why it is so");
        buffer_append_u8(&b, 0);
        text = (const char *)b.data;
        assert_memory_equal(text, cases[i].line, strlen(cases[i].line));
        assert_non_null(strstr(text, cases[i].header));
        assert_non_null(strstr(text, "\r\nConnection: close"));
        assert_non_null(strstr(text, "\r\nContent-Length: 13\r\n"));
        assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\nwhy it is so\n");
        buffer_deinit(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(upgrades),
        LEFTOVER_TEST(broken_requests),
        LEFTOVER_TEST(what_speaks_no_http_is_told_at_its_first_byte),
        LEFTOVER_TEST(the_head_is_bounded),
        LEFTOVER_TEST(what_follows_the_head_is_not_read),
        LEFTOVER_TEST(what_a_request_says),
        LEFTOVER_TEST(other_requests_are_told_apart),
        LEFTOVER_TEST(the_answer),
        LEFTOVER_TEST(refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
