/*
 * Loads certificates into OpenSSL contexts, picks one by the name the client asks for, swaps the
 * set.
 *
 * A set is the context of server.pem, which owns (as OpenSSL "ex data") the table of the other
 * certificates' names and through it their contexts. So OpenSSL's own count keeps a set alive as
 * long as a connection was made under it, and nothing of it changes after loading. The lock
 * guards only the pointer to the present set, once a new connection. What a set is made of is
 * found out at start and at reload, on the calling thread; handshakes run on any worker.
 */
#include "net/tls_context.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/bytes.h"
#include "base/hash_table.h"
#include "base/invariant.h"
#include "base/mem.h"
#include "net/tls_error.h"
#include "net/tls_ticket.h"

enum {
    CONTEXT_MAGIC = 0x544c5331,
    NAME_MAX_LEN = 253,            /* of a host, RFC 1035 */
    CLIENT_CERTIFICATES_MAX = 4096 /* bytes: we ask for none */
};

/* AEAD with ephemeral keys only; AES-128 first: the cheapest where the processor has AES. */
static const char ciphers_tls12[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char ciphers_tls13[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static const char groups[] = "X25519:P-256";

/* Names of ALPN in the order of preference, each behind its length. Source: RFC 7301 */
static const unsigned char alpn_names[] = "\x04mqtt\x08http/1.1";

/* Tickets are good under any certificate of ours. */
static const unsigned char session_id_context[] = "eztcloud";

struct tls_context {
    uint32_t magic;
    char *tls_dir;                /* owned */
    struct tls_ticket_keys *keys; /* shared */
    pthread_mutex_t lock;         /* guards `present` */
    SSL_CTX *present;             /* shared: the present set */
};

/* A name that a certificate below sni/ is for: "host.example" or "*.example", in lower case. */
struct host {
    char *name;       /* owned */
    SSL_CTX *context; /* shared */
};

/* A load under way: what it needs and where it says what is wrong. */
struct load {
    const struct tls_context *owner; /* borrowed */
    char *error;                     /* borrowed */
    size_t error_len;
};

#define load_error(l, st, ...) tls_error_set((l)->error, (l)->error_len, (st), __VA_ARGS__)

static pthread_once_t index_once = PTHREAD_ONCE_INIT;
static int table_index; /* of a set's table of hosts, which it owns with the hosts */

static bool host_has_name(const void *item, const void *key)
{
    return slice_is(*(const struct slice *)key, ((const struct host *)item)->name);
}

static struct host *host_find(const struct hash_table *t, struct slice name)
{
    return hash_table_find(t, hash_bytes(name), &name);
}

/* Adds a name; of two certificates with the same one the first stays. */
static void host_add(struct hash_table *t, struct slice name, SSL_CTX *context)
{
    struct host *h;

    if (host_find(t, name) != NULL)
        return;
    h = mem_new_of(MEM_BASE, struct host);
    h->name = slice_to_string(name);
    h->context = context;
    invariant(SSL_CTX_up_ref(context) == 1);
    hash_table_put(t, hash_bytes(name), h);
}

static void hosts_free(struct hash_table *t)
{
    struct host *h;
    size_t cursor = 0;

    while ((h = hash_table_next(t, &cursor)) != NULL) {
        SSL_CTX_free(h->context);
        mem_free(h->name);
        mem_free(h);
    }
    hash_table_deinit(t);
    mem_free(t);
}

static void on_set_freed(void *parent, void *value, CRYPTO_EX_DATA *data, int index, long number,
                         void *pointer)
{
    (void)parent, (void)data, (void)index, (void)number, (void)pointer;
    if (value != NULL)
        hosts_free(value);
}

static void make_index(void)
{
    table_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, on_set_freed);
    invariant(table_index >= 0);
}

/* Chooses the certificate: the exact name, then the wildcard, then server.pem. */
static int on_server_name(SSL *ssl, int *alert, void *arg)
{
    const struct hash_table *t = arg; /* lives with the set, which the connection holds */
    const char *asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    char name[NAME_MAX_LEN + 1];
    size_t len = 0;
    const struct host *h;
    char *dot;

    (void)alert;
    if (asked == NULL || strlen(asked) > NAME_MAX_LEN)
        return SSL_TLSEXT_ERR_NOACK;
    for (; asked[len] != '\0'; len++)
        name[len] = (char)tolower((unsigned char)asked[len]);
    name[len] = '\0';
    h = host_find(t, slice_make(name, len));
    dot = strchr(name, '.');
    if (h == NULL && dot != NULL && dot > name) {
        dot[-1] = '*';
        h = host_find(t, slice_of(dot - 1));
    }
    if (h == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    invariant(SSL_set_SSL_CTX(ssl, h->context) != NULL);
    return SSL_TLSEXT_ERR_OK;
}

/* Agrees on a protocol where there is a common one; what we do not know is no reason to refuse. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                   const unsigned char *offer, unsigned offer_len, void *arg)
{
    unsigned char *chosen;

    (void)ssl, (void)arg;
    if (SSL_select_next_proto(&chosen, out_len, alpn_names, sizeof(alpn_names) - 1, offer,
                              offer_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* A start without a person at a terminal must not ask for one. */
static int on_passphrase(char *out, int size, int writing, void *arg)
{
    (void)out, (void)size, (void)writing, (void)arg;
    return -1;
}

/* A context with our settings and no certificate. */
static enum status make_context(struct load *l, SSL_CTX **out)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(ctx, 0) != 1 ||
        SSL_CTX_set_cipher_list(ctx, ciphers_tls12) != 1 ||
        SSL_CTX_set_ciphersuites(ctx, ciphers_tls13) != 1 ||
        SSL_CTX_set1_groups_list(ctx, groups) != 1 ||
        SSL_CTX_set_session_id_context(ctx, session_id_context, sizeof(session_id_context) - 1) !=
            1 ||
        SSL_CTX_set_num_tickets(ctx, 1) != 1) {
        SSL_CTX_free(ctx);
        return load_error(l, ST_UNSUPPORTED,
                          "OpenSSL does not take our TLS settings (%s): use an OpenSSL 3 that "
                          "has AES-GCM, ChaCha20, X25519 and P-256",
                          tls_error_reason());
    }
    /* a connection that just ends has ended: MQTT itself says when it was meant so */
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
    /* idle connections keep no buffers; the chain is what the file says, not built each time */
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(ctx, CLIENT_CERTIFICATES_MAX);
    SSL_CTX_set_timeout(ctx, TLS_TICKET_LIFETIME_S);
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
    SSL_CTX_set_default_passwd_cb(ctx, on_passphrase);
    tls_ticket_keys_attach(l->owner->keys, ctx);
    *out = ctx;
    return ST_OK;
}

/* Opens a file of ours for reading; `what` says what belongs there. */
static enum status open_file(struct load *l, const char *path, const char *what, FILE **out)
{
    *out = fopen(path, "re");
    if (*out != NULL)
        return ST_OK;
    if (errno == ENOENT)
        return load_error(l, ST_NOT_FOUND, "%s does not exist: put %s there", path, what);
    return load_error(l, ST_IO, "%s cannot be read (%s): this user needs the right to", path,
                      strerror(errno));
}

static enum status load_certificate(struct load *l, SSL_CTX *ctx, const char *path)
{
    FILE *file;
    enum status st = open_file(l, path, "the certificate, with its chain, in PEM", &file);

    if (st != ST_OK)
        return st;
    (void)fclose(file);
    if (SSL_CTX_use_certificate_chain_file(ctx, path) != 1)
        return load_error(l, ST_INVALID,
                          "%s is no certificate that can be used (%s): put one in PEM there, "
                          "followed by its chain",
                          path, tls_error_reason());
    return ST_OK;
}

static enum status load_key(struct load *l, SSL_CTX *ctx, const char *path, const char *cert_path)
{
    FILE *file;
    EVP_PKEY *key;
    enum status st = open_file(l, path, "the certificate's key in PEM", &file);

    if (st != ST_OK)
        return st;
    key = PEM_read_PrivateKey(file, NULL, on_passphrase, NULL);
    (void)fclose(file);
    if (key == NULL)
        return load_error(l, ST_INVALID,
                          "%s is no key that can be used (%s): put one in PEM there, without a "
                          "passphrase",
                          path, tls_error_reason());
    if (X509_check_private_key(SSL_CTX_get0_certificate(ctx), key) != 1)
        st = load_error(l, ST_INVALID,
                        "%s does not belong to %s: put the key there that the certificate was "
                        "made for",
                        path, cert_path);
    else if (SSL_CTX_use_PrivateKey(ctx, key) != 1)
        st = load_error(l, ST_INVALID, "%s cannot be used as a key (%s): make another one", path,
                        tls_error_reason());
    ERR_clear_error();
    EVP_PKEY_free(key);
    return st;
}

/* `<tls_dir>/<folder><name><ending>`; false when that is longer than a path may be. */
static bool make_path(const struct load *l, char out[PATH_MAX], const char *folder,
                      struct slice name, const char *ending)
{
    int len = snprintf(out, PATH_MAX, "%s/%s%.*s%s", l->owner->tls_dir, folder, (int)name.len,
                       (const char *)name.data, ending);

    return len >= 0 && len < PATH_MAX;
}

/* Loads `<folder><name>.pem` and `.key`; gives the path of the certificate for messages. */
static enum status load_pair(struct load *l, const char *folder, struct slice name,
                             char cert_path[PATH_MAX], SSL_CTX **out)
{
    char key_path[PATH_MAX];
    SSL_CTX *ctx = NULL;
    enum status st;

    if (!make_path(l, cert_path, folder, name, ".pem") ||
        !make_path(l, key_path, folder, name, ".key"))
        return load_error(l, ST_INVALID, "the path %s is too long: choose a shorter folder",
                          l->owner->tls_dir);
    ERR_clear_error();
    st = make_context(l, &ctx);
    if (st == ST_OK)
        st = load_certificate(l, ctx, cert_path);
    if (st == ST_OK)
        st = load_key(l, ctx, key_path, cert_path);
    if (st != ST_OK) {
        SSL_CTX_free(ctx);
        return st;
    }
    *out = ctx;
    return ST_OK;
}

/* Adds the DNS names of the context's certificate; gives how many it has. */
static unsigned add_names(struct hash_table *t, SSL_CTX *ctx)
{
    GENERAL_NAMES *names =
        X509_get_ext_d2i(SSL_CTX_get0_certificate(ctx), NID_subject_alt_name, NULL, NULL);
    unsigned count = 0;

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *entry = sk_GENERAL_NAME_value(names, i);
        char name[NAME_MAX_LEN];
        struct slice text;

        if (entry->type != GEN_DNS)
            continue;
        text = slice_make(ASN1_STRING_get0_data(entry->d.dNSName),
                          (size_t)ASN1_STRING_length(entry->d.dNSName));
        if (text.len == 0 || text.len > NAME_MAX_LEN || memchr(text.data, 0, text.len) != NULL)
            continue;
        for (size_t k = 0; k < text.len; k++)
            name[k] = (char)tolower(text.data[k]);
        host_add(t, slice_make(name, text.len), ctx);
        count++;
    }
    GENERAL_NAMES_free(names);
    return count;
}

static enum status load_host(struct load *l, struct hash_table *t, struct slice name)
{
    char cert_path[PATH_MAX];
    SSL_CTX *ctx = NULL;
    enum status st = load_pair(l, "sni/", name, cert_path, &ctx);

    if (st == ST_OK && add_names(t, ctx) == 0)
        st = load_error(l, ST_INVALID,
                        "%s names no host: it needs DNS names as subject alternative names",
                        cert_path);
    SSL_CTX_free(ctx); /* its names hold it */
    return st;
}

static int is_certificate_file(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return entry->d_name[0] != '.' && len > 4 && strcmp(entry->d_name + len - 4, ".pem") == 0;
}

/* Loads every pair of the folder sni, in the order of their names. No folder: none. */
static enum status load_hosts(struct load *l, struct hash_table *t)
{
    char path[PATH_MAX];
    struct dirent **entries = NULL;
    enum status st = ST_OK;
    int count;

    if (!make_path(l, path, "sni", slice_of(""), ""))
        return load_error(l, ST_INVALID, "the path %s is too long: choose a shorter folder",
                          l->owner->tls_dir);
    count = scandir(path, &entries, is_certificate_file, alphasort);
    if (count < 0)
        return errno == ENOENT
                   ? ST_OK
                   : load_error(l, ST_IO, "%s cannot be read (%s): this user needs the right to",
                                path, strerror(errno));
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;

        if (st == ST_OK)
            st = load_host(l, t, slice_make(name, strlen(name) - 4));
        free(entries[i]); /* scandir's memory, as the next */
    }
    free(entries);
    return st;
}

/* Loads a whole set; what the caller gets is one reference. */
static enum status load_set(const struct tls_context *c, SSL_CTX **out, char *error,
                            size_t error_len)
{
    struct load l = {.owner = c, .error = error, .error_len = error_len};
    char path[PATH_MAX];
    SSL_CTX *set = NULL;
    struct hash_table *t;
    enum status st = load_pair(&l, "", slice_of("server"), path, &set);

    if (st != ST_OK)
        return st;
    t = mem_new_of(MEM_BASE, struct hash_table);
    hash_table_init(t, MEM_BASE, host_has_name);
    invariant(SSL_CTX_set_ex_data(set, table_index, t) == 1);
    SSL_CTX_set_tlsext_servername_callback(set, on_server_name);
    SSL_CTX_set_tlsext_servername_arg(set, t);
    st = load_hosts(&l, t);
    if (st != ST_OK) {
        SSL_CTX_free(set);
        return st;
    }
    *out = set;
    return ST_OK;
}

enum status tls_context_open(const char *tls_dir, struct tls_context **out, char *error,
                             size_t error_len)
{
    struct tls_context *c = mem_new_of(MEM_BASE, struct tls_context);
    enum status st;

    *out = NULL;
    invariant(pthread_once(&index_once, make_index) == 0);
    c->magic = CONTEXT_MAGIC;
    c->tls_dir = slice_to_string(slice_of(tls_dir));
    c->keys = tls_ticket_keys_new();
    invariant(pthread_mutex_init(&c->lock, NULL) == 0);
    st = load_set(c, &c->present, error, error_len);
    if (st != ST_OK) {
        tls_context_close(&c);
        return st;
    }
    *out = c;
    return ST_OK;
}

void tls_context_close(struct tls_context **cp)
{
    struct tls_context *c = *cp;

    *cp = NULL;
    if (c == NULL)
        return;
    invariant(c->magic == CONTEXT_MAGIC);
    c->magic = 0;
    SSL_CTX_free(c->present);
    tls_ticket_keys_unref(&c->keys);
    (void)pthread_mutex_destroy(&c->lock);
    mem_free(c->tls_dir);
    mem_free(c);
}

enum status tls_context_reload(struct tls_context *c, char *error, size_t error_len)
{
    SSL_CTX *set = NULL;
    SSL_CTX *old;
    enum status st;

    invariant(c->magic == CONTEXT_MAGIC);
    st = load_set(c, &set, error, error_len);
    if (st != ST_OK)
        return st;
    pthread_mutex_lock(&c->lock);
    old = c->present;
    c->present = set;
    pthread_mutex_unlock(&c->lock);
    SSL_CTX_free(old);
    return ST_OK;
}

struct ssl_st *tls_context_new_ssl(struct tls_context *c)
{
    SSL_CTX *set;
    SSL *ssl;

    invariant(c->magic == CONTEXT_MAGIC);
    pthread_mutex_lock(&c->lock);
    set = c->present;
    invariant(SSL_CTX_up_ref(set) == 1);
    pthread_mutex_unlock(&c->lock);
    ssl = SSL_new(set);
    invariant(ssl != NULL);
    SSL_CTX_free(set); /* the connection holds it now */
    SSL_set_accept_state(ssl);
    return ssl;
}
