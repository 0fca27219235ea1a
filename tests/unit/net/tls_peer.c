/*
 * Clients in memory, from OpenSSL, and the certificates that they are shown.
 */
#include "tls_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tls_folder.h"

static void write_pem(const char *name, const char *ending, EVP_PKEY *key, X509 *cert)
{
    char file_name[128];
    FILE *file;

    (void)snprintf(file_name, sizeof(file_name), "%s%s", name, ending);
    file = fopen(tls_folder_path(file_name), "we");
    assert_non_null(file);
    if (cert != NULL)
        assert_int_equal(PEM_write_X509(file, cert), 1);
    else
        assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(file), 0);
}

void tls_peer_make_certificate(const char *name, long serial, const char *names, EVP_PKEY *key)
{
    X509 *cert = X509_new();
    X509V3_CTX context;

    assert_non_null(key);
    assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), serial), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), -60));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 24L * 60 * 60));
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
    if (names != NULL) {
        X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, names);

        assert_int_equal(X509_add_ext(cert, e, -1), 1);
        X509_EXTENSION_free(e);
    }
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    write_pem(name, ".pem", NULL, cert);
    write_pem(name, ".key", key, NULL);
    X509_free(cert);
    EVP_PKEY_free(key);
}

void tls_peer_make_ec_certificate(const char *name, long serial, const char *names)
{
    tls_peer_make_certificate(name, serial, names, EVP_EC_gen("P-256"));
}

struct tls_context *tls_peer_open(void)
{
    struct tls_context *c = NULL;
    char error[512];

    if (tls_context_open(tls_folder_path(""), &c, error, sizeof(error)) != ST_OK)
        fail_msg("%s", error);
    assert_non_null(c);
    return c;
}

void tls_peer_reload(struct tls_context *c)
{
    char error[512];

    if (tls_context_reload(c, error, sizeof(error)) != ST_OK)
        fail_msg("%s", error);
}

static SSL *new_client(const struct tls_peer_offer *o)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl;

    /* as real ones: a ticket of TLS 1.3 is used once */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_security_level(ctx, 0); /* so that old versions can be tried */
    if (o->no_tickets)
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    assert_int_equal(SSL_CTX_set_min_proto_version(ctx, o->min_version), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(ctx, o->max_version), 1);
    if (o->ciphers_tls12 != NULL)
        assert_int_equal(SSL_CTX_set_cipher_list(ctx, o->ciphers_tls12), 1);
    if (o->ciphers_tls13 != NULL)
        assert_int_equal(SSL_CTX_set_ciphersuites(ctx, o->ciphers_tls13), 1);
    if (o->groups != NULL)
        assert_int_equal(SSL_CTX_set1_groups_list(ctx, o->groups), 1);
    if (o->alpn != NULL)
        assert_int_equal(
            SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)o->alpn, (unsigned)strlen(o->alpn)),
            0);
    ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    if (o->server_name != NULL)
        assert_int_equal(SSL_set_tlsext_host_name(ssl, o->server_name), 1);
    if (o->session != NULL)
        assert_int_equal(SSL_set_session(ssl, o->session), 1);
    SSL_set_connect_state(ssl);
    return ssl;
}

void tls_peer_init(struct tls_peer *p, struct tls_context *c, const struct tls_peer_offer *o)
{
    BIO *to_server = BIO_new(BIO_s_mem());
    BIO *to_client = BIO_new(BIO_s_mem());

    *p = (struct tls_peer){.server = tls_context_new_ssl(c), .client = new_client(o)};
    assert_true(BIO_up_ref(to_server) && BIO_up_ref(to_client));
    SSL_set_bio(p->server, to_server, to_client);
    SSL_set_bio(p->client, to_client, to_server);
}

void tls_peer_deinit(struct tls_peer *p)
{
    /* a client that goes away without a word could not take its session up again */
    SSL_set_shutdown(p->client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(p->server);
    SSL_free(p->client);
    ERR_clear_error();
}

static bool wants_more(const SSL *ssl, int result)
{
    return result == 1 || SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ;
}

bool tls_peer_shake_hands(struct tls_peer *p)
{
    char none;

    for (unsigned i = 0; i < 8; i++) {
        if (!wants_more(p->client, SSL_do_handshake(p->client)) ||
            !wants_more(p->server, SSL_do_handshake(p->server)))
            return false;
    }
    (void)SSL_read(p->client, &none, 1); /* tickets come behind the handshake */
    return SSL_is_init_finished(p->client) && SSL_is_init_finished(p->server);
}

bool tls_peer_connect(struct tls_peer *p, struct tls_context *c, const struct tls_peer_offer *o)
{
    tls_peer_init(p, c, o);
    return tls_peer_shake_hands(p);
}

void tls_peer_talk(struct tls_peer *p)
{
    char text[8] = "";

    assert_int_equal(SSL_write(p->client, "there", 5), 5);
    assert_int_equal(SSL_read(p->server, text, sizeof(text)), 5);
    assert_memory_equal(text, "there", 5);
    assert_int_equal(SSL_write(p->server, "back", 4), 4);
    assert_int_equal(SSL_read(p->client, text, sizeof(text)), 4);
    assert_memory_equal(text, "back", 4);
}
