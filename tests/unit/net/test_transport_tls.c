/*
 * The TLS transport against a client of OpenSSL at the other end of a socket pair: what a peer may
 * ask of TLS itself (short records, new keys) must not disturb what is sent, nor cost without end.
 */
#include "net/transport.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <openssl/err.h>
#include <unistd.h>

#include "base/mem.h"
#include "tls_folder.h"
#include "tls_peer.h"

enum { CHUNK = 16384 };

/* Both ends of a connection, with the memory that a worker would lend. */
struct pair {
    int fds[2]; /* owned: the server's, the client's */
    SSL_CTX *context;
    SSL *client;
    struct transport *server;
    struct transport_scratch scratch;
    uint8_t *in;
};

static enum status read_some(struct pair *p, size_t *len)
{
    return p->server->ops->read(p->server, &p->scratch, p->in, TRANSPORT_READ_ROOM, len);
}

/* The server's end alone: the test writes to the other one as it likes. */
static void open_server(struct pair *p, struct tls_context *c)
{
    struct ssl_st *ssl = tls_context_new_ssl(c);

    *p = (struct pair){.scratch.received = mem_alloc(MEM_TEST, TRANSPORT_RECEIVE),
                       .in = mem_alloc(MEM_TEST, TRANSPORT_READ_ROOM)};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p->fds), 0);
    p->server = transport_tls_new(p->fds[0], &ssl);
}

/* `version` 0: the newest. */
static void open_version(struct pair *p, struct tls_context *c, uint8_t fragment, int version)
{
    size_t len;
    int result;

    open_server(p, c);
    p->context = SSL_CTX_new(TLS_client_method());
    assert_int_equal(SSL_CTX_set_max_proto_version(p->context, version), 1);
    assert_int_equal(SSL_CTX_set_tlsext_max_fragment_length(p->context, fragment), 1);
    p->client = SSL_new(p->context);
    assert_int_equal(SSL_set_fd(p->client, p->fds[1]), 1);
    while ((result = SSL_connect(p->client)) != 1) {
        assert_int_equal(SSL_get_error(p->client, result), SSL_ERROR_WANT_READ);
        assert_int_equal(read_some(p, &len), ST_OK);
    }
    while (!p->server->is_established)
        assert_int_equal(read_some(p, &len), ST_OK);
}

static void open_pair(struct pair *p, struct tls_context *c, uint8_t fragment)
{
    open_version(p, c, fragment, 0);
}

static void close_pair(struct pair *p)
{
    SSL_free(p->client);
    SSL_CTX_free(p->context);
    p->server->ops->close(p->server, &p->scratch);
    close(p->fds[0]);
    close(p->fds[1]);
    buffer_deinit(&p->scratch.to_send);
    mem_free(p->scratch.received);
    mem_free(p->in);
}

static uint8_t byte_at(size_t offset)
{
    return (uint8_t)(offset * 7 + offset / 251);
}

/* Offers the stream from `offset` on, a chunk; gives how far it came. */
static size_t write_on(struct pair *p, size_t offset, enum status *st)
{
    uint8_t bytes[CHUNK];
    const struct iovec iov = {bytes, sizeof(bytes)};
    size_t written;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = byte_at(offset + i);
    *st = p->server->ops->write(p->server, &p->scratch, &iov, 1, &written);
    return offset + written;
}

/* The client reads what there is and expects the stream to go on; gives how far it came. */
static size_t read_on(struct pair *p, size_t offset)
{
    uint8_t bytes[CHUNK];
    int len;

    while ((len = SSL_read(p->client, bytes, sizeof(bytes))) > 0) {
        for (int i = 0; i < len; i++)
            assert_int_equal(bytes[i], byte_at(offset + (size_t)i));
        offset += (size_t)len;
    }
    assert_int_equal(SSL_get_error(p->client, len), SSL_ERROR_WANT_READ);
    return offset;
}

/* A chunk was thought to be one record; a client that asked for short ones ended the process. */
static void regress_short_records_that_a_client_asks_for(void **state)
{
    static const uint8_t fragments[] = {
        TLSEXT_max_fragment_length_DISABLED, TLSEXT_max_fragment_length_512,
        TLSEXT_max_fragment_length_1024, TLSEXT_max_fragment_length_4096};
    struct tls_context *c;

    (void)state;
    tls_peer_make_ec_certificate("server", 1, NULL);
    c = tls_peer_open();
    for (size_t i = 0; i < sizeof(fragments); i++) {
        struct pair p;
        enum status st;
        size_t sent;

        open_pair(&p, c, fragments[i]);
        sent = write_on(&p, 0, &st);
        assert_int_equal(st, ST_OK);
        assert_int_equal(sent, CHUNK);
        assert_int_equal(read_on(&p, 0), CHUNK);
        close_pair(&p);
    }
    tls_context_close(&c);
}

/* What TLS says while older records wait must go behind them. */
static void new_keys_while_output_waits(void **state)
{
    struct tls_context *c;
    struct pair p;
    enum status st;
    size_t sent = 0, len, received, end;

    (void)state;
    tls_peer_make_ec_certificate("server", 1, NULL);
    c = tls_peer_open();
    open_pair(&p, c, TLSEXT_max_fragment_length_DISABLED);
    do {
        sent = write_on(&p, sent, &st);
    } while (st == ST_OK);
    assert_int_equal(st, ST_AGAIN);
    assert_true(p.server->has_unsent);
    assert_int_equal(SSL_key_update(p.client, SSL_KEY_UPDATE_REQUESTED), 1);
    assert_int_equal(SSL_write(p.client, "keys", 4), 4);
    received = read_on(&p, 0);
    assert_int_equal(read_some(&p, &len), ST_OK);
    assert_int_equal(len, 4);
    for (end = sent + 4 * (size_t)CHUNK; received < end;) {
        sent = write_on(&p, sent, &st);
        assert_true(st == ST_OK || st == ST_AGAIN);
        received = read_on(&p, received);
    }
    close_pair(&p);
    tls_context_close(&c);
}

/* A goodbye in one receive with data was not noticed when the peer kept its socket open. */
static void regress_a_goodbye_behind_data(void **state)
{
    struct tls_context *c;
    struct pair p;
    size_t len;

    (void)state;
    tls_peer_make_ec_certificate("server", 1, NULL);
    c = tls_peer_open();
    open_pair(&p, c, TLSEXT_max_fragment_length_DISABLED);
    assert_int_equal(SSL_write(p.client, "last", 4), 4);
    assert_true(SSL_shutdown(p.client) >= 0);
    assert_int_equal(read_some(&p, &len), ST_OK);
    assert_int_equal(len, 4);
    assert_int_equal(read_some(&p, &len), ST_CLOSED);
    close_pair(&p);
    tls_context_close(&c);
}

/* --- peers that want TLS to do more than carry data ------------------------------------------ */

static void expect_fault(struct pair *p, const char *fault)
{
    size_t len;

    assert_int_equal(read_some(p, &len), ST_MALFORMED);
    assert_string_equal(p->server->fault, fault);
    assert_int_equal(read_some(p, &len), ST_CLOSED);
}

/* OpenSSL would make room for it. */
static void a_hello_that_is_said_to_be_long(void **state)
{
    struct tls_context *c;
    struct pair p;

    (void)state;
    tls_peer_make_ec_certificate("server", 1, NULL);
    c = tls_peer_open();
    open_server(&p, c);
    assert_int_equal(write(p.fds[1], "\x16\x03\x01\x00\x04\x01\x02\x00\x00", 9), 9);
    expect_fault(&p, "client hello too long");
    close_pair(&p);
    tls_context_close(&c);
}

/* A hello that goes on and on in records of one byte. */
static void a_handshake_without_end(void **state)
{
    static const uint8_t head[4] = {1, 0, 0x40, 0};
    struct tls_context *c;
    struct pair p;
    enum status st = ST_OK;
    size_t sent = 0, len;

    (void)state;
    tls_peer_make_ec_certificate("server", 1, NULL);
    c = tls_peer_open();
    open_server(&p, c);
    for (; st == ST_OK && sent < 1000000; sent += 6) {
        uint8_t record[6] = {0x16, 3, 1, 0, 1, sent < 24 ? head[sent / 6] : 3};

        assert_int_equal(write(p.fds[1], record, sizeof(record)), sizeof(record));
        st = read_some(&p, &len);
    }
    assert_int_equal(st, ST_MALFORMED);
    assert_string_equal(p.server->fault, "handshake too long");
    assert_in_range(sent, 32768, 32768 + 12);
    close_pair(&p);
    tls_context_close(&c);
}

static void new_keys(struct pair *p, int kind)
{
    assert_int_equal(SSL_key_update(p->client, kind), 1);
    assert_int_equal(SSL_do_handshake(p->client), 1);
}

static void new_keys_and_nothing_else(void **state)
{
    struct tls_context *c;
    struct pair p;
    size_t len;

    (void)state;
    tls_peer_make_ec_certificate("server", 1, NULL);
    c = tls_peer_open();
    open_pair(&p, c, TLSEXT_max_fragment_length_DISABLED);
    for (unsigned i = 0; i < 32; i++)
        new_keys(&p, SSL_KEY_UPDATE_NOT_REQUESTED);
    assert_int_equal(read_some(&p, &len), ST_OK);
    assert_int_equal(SSL_write(p.client, "data", 4), 4);
    assert_int_equal(read_some(&p, &len), ST_OK);
    assert_int_equal(len, 4);
    for (unsigned i = 0; i < 33; i++)
        new_keys(&p, SSL_KEY_UPDATE_NOT_REQUESTED);
    expect_fault(&p, "too many key updates");
    close_pair(&p);
    tls_context_close(&c);
}

/* Its answers are not kept without end: it is not read before it has read. */
static void new_keys_of_a_peer_that_does_not_read(void **state)
{
    struct tls_context *c;
    struct pair p;
    enum status st;
    size_t len, rounds = 0, written;

    (void)state;
    tls_peer_make_ec_certificate("server", 1, NULL);
    c = tls_peer_open();
    open_pair(&p, c, TLSEXT_max_fragment_length_DISABLED);
    for (; !p.server->is_clogged; rounds++) {
        assert_true(rounds < 100000);
        new_keys(&p, SSL_KEY_UPDATE_REQUESTED);
        assert_int_equal(SSL_write(p.client, "x", 1), 1);
        assert_int_equal(read_some(&p, &len), ST_OK);
    }
    do {
        (void)read_on(&p, 0);
        st = p.server->ops->write(p.server, &p.scratch, NULL, 0, &written);
    } while (st == ST_AGAIN);
    assert_int_equal(st, ST_OK);
    assert_false(p.server->is_clogged);
    close_pair(&p);
    tls_context_close(&c);
}

static void a_renegotiation(void **state)
{
    struct tls_context *c;
    struct pair p;

    (void)state;
    tls_peer_make_ec_certificate("server", 1, NULL);
    c = tls_peer_open();
    open_version(&p, c, TLSEXT_max_fragment_length_DISABLED, TLS1_2_VERSION);
    assert_int_equal(SSL_renegotiate(p.client), 1);
    assert_int_equal(SSL_do_handshake(p.client), -1);
    expect_fault(&p, "renegotiation is not offered");
    assert_int_equal(SSL_do_handshake(p.client), -1); /* and was told so */
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
    ERR_clear_error();
    close_pair(&p);
    tls_context_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TLS_FOLDER_TEST(regress_short_records_that_a_client_asks_for),
        TLS_FOLDER_TEST(new_keys_while_output_waits),
        TLS_FOLDER_TEST(regress_a_goodbye_behind_data),
        TLS_FOLDER_TEST(a_hello_that_is_said_to_be_long),
        TLS_FOLDER_TEST(a_handshake_without_end),
        TLS_FOLDER_TEST(new_keys_and_nothing_else),
        TLS_FOLDER_TEST(new_keys_of_a_peer_that_does_not_read),
        TLS_FOLDER_TEST(a_renegotiation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
