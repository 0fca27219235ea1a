/*
 * Certificates and settings of the server, seen by OpenSSL clients in memory.
 */
#include "net/tls_context.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <openssl/ssl.h>

#include "tls_folder.h"
#include "tls_peer.h"

static char error[512];

/* The serial number of the certificate that the client was shown. */
static long shown(const struct tls_peer *p)
{
    return ASN1_INTEGER_get(X509_get0_serialNumber(SSL_get0_peer_certificate(p->client)));
}

static const struct offer_case {
    const char *name;
    struct tls_peer_offer client;
    const char *cipher; /* NULL: refused */
    const char *alpn;   /* NULL: none */
} offer_cases[] = {
    {"TLS 1.3", {0}, "TLS_AES_128_GCM_SHA256", NULL},
    {"TLS 1.3, client prefers ChaCha20",
     {.ciphers_tls13 = "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"},
     "TLS_AES_128_GCM_SHA256",
     NULL},
    {"TLS 1.3, ChaCha20 alone",
     {.ciphers_tls13 = "TLS_CHACHA20_POLY1305_SHA256", .min_version = TLS1_3_VERSION},
     "TLS_CHACHA20_POLY1305_SHA256",
     NULL},
    {"TLS 1.3, CCM alone",
     {.ciphers_tls13 = "TLS_AES_128_CCM_SHA256", .min_version = TLS1_3_VERSION},
     NULL,
     NULL},
    {"P-256", {.groups = "P-256"}, "TLS_AES_128_GCM_SHA256", NULL},
    {"TLS 1.2", {.max_version = TLS1_2_VERSION}, "ECDHE-ECDSA-AES128-GCM-SHA256", NULL},
    {"TLS 1.2, client prefers AES-256",
     {.max_version = TLS1_2_VERSION,
      .ciphers_tls12 = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256"},
     "ECDHE-ECDSA-AES128-GCM-SHA256",
     NULL},
    {"TLS 1.2, CBC alone",
     {.max_version = TLS1_2_VERSION, .ciphers_tls12 = "ECDHE-ECDSA-AES128-SHA256"},
     NULL,
     NULL},
    {"TLS 1.1",
     {.max_version = TLS1_1_VERSION, .min_version = TLS1_VERSION, .ciphers_tls12 = "ALL"},
     NULL,
     NULL},
    {"ALPN mqtt", {.alpn = "\x04mqtt"}, "TLS_AES_128_GCM_SHA256", "mqtt"},
    {"ALPN of a browser", {.alpn = "\x02h2\x08http/1.1"}, "TLS_AES_128_GCM_SHA256", "http/1.1"},
    {"ALPN both", {.alpn = "\x08http/1.1\x04mqtt"}, "TLS_AES_128_GCM_SHA256", "mqtt"},
    {"ALPN of others", {.alpn = "\x0ex-amzn-mqtt-ca"}, "TLS_AES_128_GCM_SHA256", NULL},
};

static void what_clients_offer(void **state)
{
    struct tls_context *c;

    (void)state;
    tls_peer_make_ec_certificate("server", 1, "DNS:localhost");
    c = tls_peer_open();
    for (size_t i = 0; i < sizeof(offer_cases) / sizeof(offer_cases[0]); i++) {
        const struct offer_case *o = &offer_cases[i];
        const unsigned char *alpn;
        unsigned alpn_len;
        struct tls_peer p;

        print_message("  %s\n", o->name);
        assert_int_equal(tls_peer_connect(&p, c, &o->client), o->cipher != NULL);
        if (o->cipher != NULL) {
            assert_string_equal(SSL_get_cipher_name(p.client), o->cipher);
            SSL_get0_alpn_selected(p.client, &alpn, &alpn_len);
            assert_true(slice_is(slice_make(alpn, alpn_len), o->alpn));
            tls_peer_talk(&p);
        }
        tls_peer_deinit(&p);
    }
    tls_context_close(&c);
    assert_null(c);
    tls_context_close(&c);
}

static void rsa_certificates_serve_too(void **state)
{
    const struct tls_peer_offer old = {.max_version = TLS1_2_VERSION};
    struct tls_context *c;
    struct tls_peer p;

    (void)state;
    tls_peer_make_certificate("server", 1, NULL, EVP_RSA_gen(2048));
    c = tls_peer_open();
    assert_true(tls_peer_connect(&p, c, &(struct tls_peer_offer){0}));
    tls_peer_deinit(&p);
    assert_true(tls_peer_connect(&p, c, &old));
    assert_string_equal(SSL_get_cipher_name(p.client), "ECDHE-RSA-AES128-GCM-SHA256");
    tls_peer_deinit(&p);
    tls_context_close(&c);
}

static void renegotiation_is_refused(void **state)
{
    const struct tls_peer_offer old = {.max_version = TLS1_2_VERSION};
    struct tls_context *c;
    struct tls_peer p;
    char none;

    (void)state;
    tls_peer_make_ec_certificate("server", 1, NULL);
    c = tls_peer_open();
    assert_true(tls_peer_connect(&p, c, &old));
    assert_true((SSL_get_options(p.server) & SSL_OP_NO_RENEGOTIATION) != 0);
    assert_int_equal(SSL_renegotiate(p.client), 1);
    assert_true(SSL_do_handshake(p.client) < 0); /* it waits for an answer */
    assert_true(SSL_read(p.server, &none, 1) <= 0);
    assert_true(SSL_do_handshake(p.client) <= 0);
    assert_int_equal(SSL_num_renegotiations(p.server), 0);
    tls_peer_deinit(&p);
    tls_context_close(&c);
}

/* Idle connections must hold no buffers, and the server no sessions. */
static void connections_hold_little(void **state)
{
    const long mode = SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER;
    const struct tls_peer_offer ticketless = {.max_version = TLS1_2_VERSION, .no_tickets = true};
    struct tls_context *c;
    struct tls_peer p;

    (void)state;
    tls_peer_make_ec_certificate("server", 1, NULL);
    c = tls_peer_open();
    assert_true(tls_peer_connect(&p, c, &(struct tls_peer_offer){0}));
    assert_int_equal(SSL_get_mode(p.server) & mode, mode);
    assert_true((SSL_get_options(p.server) & SSL_OP_NO_COMPRESSION) != 0);
    assert_int_equal(SSL_get_num_tickets(p.server), 1);
    tls_peer_deinit(&p);
    assert_true(tls_peer_connect(&p, c, &ticketless));
    assert_int_equal(SSL_CTX_sess_number(SSL_get_SSL_CTX(p.server)), 0);
    tls_peer_deinit(&p);
    tls_context_close(&c);
}

static const struct name_case {
    const char *asked;
    long serial;
} name_cases[] = {
    {NULL, 1},
    {"localhost", 1},
    {"other.example", 1},
    {"one.example", 2},
    {"ONE.Example", 2},
    {"two.example", 2},
    {"a.wild.example", 3},
    {"B.WILD.EXAMPLE", 3},
    {"a.b.wild.example", 1},
    {"wild.example", 1},
    {"exact.wild.example", 4},
    {".wild.example", 1},
    {"upper.example", 5},
    {"a", 1},
};

static void names_choose_the_certificate(void **state)
{
    struct tls_context *c;

    (void)state;
    tls_peer_make_ec_certificate("server", 1, "DNS:localhost");
    tls_folder_make("sni");
    tls_peer_make_ec_certificate("sni/a", 2, "DNS:one.example,DNS:two.example,IP:192.0.2.1");
    tls_peer_make_ec_certificate("sni/b", 3, "DNS:*.wild.example");
    tls_peer_make_ec_certificate("sni/c", 4, "DNS:exact.wild.example");
    tls_peer_make_ec_certificate("sni/d", 5, "DNS:Upper.EXAMPLE");
    tls_peer_make_ec_certificate("sni/e", 6,
                                 "DNS:one.example"); /* the first in the order of files stays */
    tls_peer_make_ec_certificate("sni/.hidden", 7, "DNS:localhost");
    tls_folder_write("sni/README", slice_of("no certificate"));
    c = tls_peer_open();
    for (size_t i = 0; i < sizeof(name_cases) / sizeof(name_cases[0]); i++) {
        for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
            const struct tls_peer_offer o = {.server_name = name_cases[i].asked,
                                             .max_version = version};
            struct tls_peer p;

            assert_true(tls_peer_connect(&p, c, &o));
            assert_int_equal(shown(&p), name_cases[i].serial);
            tls_peer_talk(&p);
            tls_peer_deinit(&p);
        }
    }
    tls_context_close(&c);
}

static void a_reload_is_for_new_connections(void **state)
{
    const struct tls_peer_offer one = {.server_name = "one.example"};
    struct tls_context *c;
    struct tls_peer before;
    struct tls_peer between;
    struct tls_peer after;

    (void)state;
    tls_peer_make_ec_certificate("server", 1, NULL);
    tls_folder_make("sni");
    tls_peer_make_ec_certificate("sni/a", 2, "DNS:one.example");
    c = tls_peer_open();
    assert_true(tls_peer_connect(&before, c, &one));
    tls_peer_init(&between, c, &one);
    tls_peer_make_ec_certificate("sni/a", 3, "DNS:one.example");
    tls_peer_reload(c);
    assert_true(tls_peer_connect(&after, c, &one));
    assert_int_equal(shown(&after), 3);
    assert_true(tls_peer_shake_hands(&between)); /* the old set lives as long as somebody uses it */
    assert_int_equal(shown(&between), 2);
    tls_context_close(&c);
    tls_peer_talk(&before);
    tls_peer_talk(&between);
    tls_peer_talk(&after);
    tls_peer_deinit(&before);
    tls_peer_deinit(&between);
    tls_peer_deinit(&after);
}

static void a_reload_that_fails_changes_nothing(void **state)
{
    struct tls_context *c;
    struct tls_peer p;

    (void)state;
    tls_peer_make_ec_certificate("server", 1, NULL);
    c = tls_peer_open();
    tls_folder_write("server.key", slice_of("garbage"));
    assert_int_equal(tls_context_reload(c, error, sizeof(error)), ST_INVALID);
    assert_non_null(strstr(error, "/server.key"));
    assert_true(tls_peer_connect(&p, c, &(struct tls_peer_offer){0}));
    assert_int_equal(shown(&p), 1);
    tls_peer_deinit(&p);
    tls_peer_make_ec_certificate("server", 2, NULL);
    tls_peer_reload(c);
    assert_true(tls_peer_connect(&p, c, &(struct tls_peer_offer){0}));
    assert_int_equal(shown(&p), 2);
    tls_peer_deinit(&p);
    tls_context_close(&c);
}

static const struct fault_case {
    const char *name;
    const char *remove;
    const char *write; /* garbage there */
    const char *copy_from, *copy_to;
    enum status want;
    const char *file; /* named by the error */
} fault_cases[] = {
    {"no server.pem", "server.pem", NULL, NULL, NULL, ST_NOT_FOUND, "/server.pem "},
    {"no server.key", "server.key", NULL, NULL, NULL, ST_NOT_FOUND, "/server.key "},
    {"server.pem is garbage", NULL, "server.pem", NULL, NULL, ST_INVALID, "/server.pem "},
    {"server.key is garbage", NULL, "server.key", NULL, NULL, ST_INVALID, "/server.key "},
    {"server.pem holds a key", NULL, NULL, "server.key", "server.pem", ST_INVALID, "/server.pem "},
    {"server.key of another", NULL, NULL, "sni/a.key", "server.key", ST_INVALID, "/server.key "},
    {"server.key of another kind", NULL, NULL, "rsa.key", "server.key", ST_INVALID, "/server.key "},
    {"no key of a name", "sni/a.key", NULL, NULL, NULL, ST_NOT_FOUND, "/sni/a.key "},
    {"name's certificate is garbage", NULL, "sni/a.pem", NULL, NULL, ST_INVALID, "/sni/a.pem "},
    {"name's key of another", NULL, NULL, "server.key", "sni/a.key", ST_INVALID, "/sni/a.key "},
};

static void what_cannot_be_loaded_is_named(void **state)
{
    (void)state;
    tls_folder_make("sni");
    tls_peer_make_certificate("rsa", 9, NULL, EVP_RSA_gen(2048));
    for (size_t i = 0; i < sizeof(fault_cases) / sizeof(fault_cases[0]); i++) {
        const struct fault_case *f = &fault_cases[i];
        struct tls_context *c = NULL;

        print_message("  %s\n", f->name);
        tls_peer_make_ec_certificate("server", 1, NULL);
        tls_peer_make_ec_certificate("sni/a", 2, "DNS:one.example");
        if (f->remove != NULL)
            tls_folder_remove(f->remove);
        if (f->write != NULL)
            tls_folder_write(f->write, slice_of("-----BEGIN NOTHING-----\n"));
        if (f->copy_from != NULL)
            tls_folder_copy(f->copy_from, f->copy_to);
        assert_string_equal(
            status_text(tls_context_open(tls_folder_path(""), &c, error, sizeof(error))),
            status_text(f->want));
        assert_null(c);
        assert_non_null(strstr(error, f->file));
        assert_null(strchr(error, '\n'));
    }
}

static void a_certificate_without_names_is_no_use_for_sni(void **state)
{
    struct tls_context *c = NULL;

    (void)state;
    tls_peer_make_ec_certificate("server", 1, NULL);
    tls_folder_make("sni");
    tls_peer_make_ec_certificate("sni/a", 2, "IP:192.0.2.1");
    assert_int_equal(tls_context_open(tls_folder_path(""), &c, error, sizeof(error)), ST_INVALID);
    assert_non_null(strstr(error, "/sni/a.pem"));
}

enum { THREADS = 3, HANDSHAKES = 20 };

static struct tls_context *shared_context;
static atomic_uint threads_left;
static atomic_uint failures;

static void *connect_often(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < HANDSHAKES; i++) {
        const struct tls_peer_offer o = {.server_name = i % 2 == 0 ? "one.example" : NULL};
        struct tls_peer p;

        if (!tls_peer_connect(&p, shared_context, &o))
            atomic_fetch_add(&failures, 1);
        tls_peer_deinit(&p);
    }
    atomic_fetch_sub(&threads_left, 1);
    return NULL;
}

static void workers_connect_while_another_thread_reloads(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    tls_peer_make_ec_certificate("server", 1, NULL);
    tls_folder_make("sni");
    tls_peer_make_ec_certificate("sni/a", 2, "DNS:one.example");
    shared_context = tls_peer_open();
    atomic_store(&threads_left, THREADS);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, connect_often, NULL), 0);
    while (atomic_load(&threads_left) > 0)
        tls_peer_reload(shared_context);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&failures), 0);
    tls_context_close(&shared_context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TLS_FOLDER_TEST(what_clients_offer),
        TLS_FOLDER_TEST(rsa_certificates_serve_too),
        TLS_FOLDER_TEST(renegotiation_is_refused),
        TLS_FOLDER_TEST(connections_hold_little),
        TLS_FOLDER_TEST(names_choose_the_certificate),
        TLS_FOLDER_TEST(a_reload_is_for_new_connections),
        TLS_FOLDER_TEST(a_reload_that_fails_changes_nothing),
        TLS_FOLDER_TEST(what_cannot_be_loaded_is_named),
        TLS_FOLDER_TEST(a_certificate_without_names_is_no_use_for_sni),
        TLS_FOLDER_TEST(workers_connect_while_another_thread_reloads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
