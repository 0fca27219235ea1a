/*
 * Clients of a TLS context, in memory, and certificates for it in the directory of the test.
 */
#pragma once

#include <stdbool.h>

#include <openssl/ssl.h>

#include "net/tls_context.h"

/**
 * Writes `<name>.pem` and `<name>.key`: a certificate that signs itself, for names such as
 * "DNS:a.example,DNS:*.b.example" (NULL: for none). Its serial number tells it from others.
 *
 * @param key  taken
 */
void tls_peer_make_certificate(const char *name, long serial, const char *names, EVP_PKEY *key);

/** The same with a new P-256 key. */
void tls_peer_make_ec_certificate(const char *name, long serial, const char *names);

/** Opens, or reloads, the certificates in the directory; fails the test when that fails. */
struct tls_context *tls_peer_open(void);
void tls_peer_reload(struct tls_context *c);

/** What a client offers; zero and NULL leave it to OpenSSL. */
struct tls_peer_offer {
    const char *server_name;
    int max_version;
    int min_version;
    const char *ciphers_tls12;
    const char *ciphers_tls13;
    const char *groups;
    const char *alpn; /* with the lengths in front */
    bool no_tickets;
    SSL_SESSION *session;
};

/** Both ends of a connection. */
struct tls_peer {
    SSL *server;
    SSL *client;
};

/** Makes both ends; nothing is sent. */
void tls_peer_init(struct tls_peer *p, struct tls_context *c, const struct tls_peer_offer *o);

/** Frees both ends. */
void tls_peer_deinit(struct tls_peer *p);

/** Goes on with the handshake until both ends are done; false when one gives up. */
bool tls_peer_shake_hands(struct tls_peer *p);

/** Makes both ends and shakes hands. */
bool tls_peer_connect(struct tls_peer *p, struct tls_context *c, const struct tls_peer_offer *o);

/** Sends something in both directions and checks it. */
void tls_peer_talk(struct tls_peer *p);
