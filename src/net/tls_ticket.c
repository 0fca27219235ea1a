/*
 * Ticket keys and their rotation, behind OpenSSL's callback.
 *
 * Rotation happens when a ticket is made or opened and the present key is old enough: no timer.
 * The lock is held for a copy of a key; the ciphers run outside. Handshakes of any worker come
 * here; nothing else does.
 */
#include "net/tls_ticket.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/invariant.h"
#include "base/mem.h"

enum { KEYS_MAGIC = 0x544b4531, NAME_LEN = 16, SECRET_LEN = 32 };

/* What OpenSSL's callback gives back. */
enum { TICKET_FAILED = -1, TICKET_UNKNOWN = 0, TICKET_OK = 1, TICKET_OK_RENEW = 2 };

struct ticket_key {
    unsigned char name[NAME_LEN]; /* stands in the ticket */
    unsigned char cipher[SECRET_LEN];
    unsigned char mac[SECRET_LEN];
};

struct tls_ticket_keys {
    uint32_t magic;
    atomic_uint refs;
    pthread_mutex_t lock; /* guards what follows */
    struct ticket_key present;
    struct ticket_key previous; /* opens only; random as well when there was none */
    uint64_t made_ms;           /* when `present` was made */
};

static pthread_once_t index_once = PTHREAD_ONCE_INIT;
static int context_index; /* of a context's reference to its keys */

static void make_key(struct ticket_key *key)
{
    invariant(RAND_bytes(key->name, NAME_LEN) == 1);
    invariant(RAND_priv_bytes(key->cipher, SECRET_LEN) == 1);
    invariant(RAND_priv_bytes(key->mac, SECRET_LEN) == 1);
}

struct tls_ticket_keys *tls_ticket_keys_new(void)
{
    struct tls_ticket_keys *k = mem_new_of(MEM_BASE, struct tls_ticket_keys);

    k->magic = KEYS_MAGIC;
    atomic_init(&k->refs, 1);
    invariant(pthread_mutex_init(&k->lock, NULL) == 0);
    make_key(&k->present);
    make_key(&k->previous);
    k->made_ms = clock_mono_ms();
    return k;
}

void tls_ticket_keys_unref(struct tls_ticket_keys **kp)
{
    struct tls_ticket_keys *k = *kp;

    *kp = NULL;
    if (k == NULL)
        return;
    invariant(k->magic == KEYS_MAGIC);
    if (atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) > 1)
        return;
    (void)pthread_mutex_destroy(&k->lock);
    OPENSSL_cleanse(k, sizeof(*k));
    mem_free(k);
}

/* The lock is held. */
static void rotate(struct tls_ticket_keys *k)
{
    uint64_t now = clock_mono_ms();
    uint64_t age = now - k->made_ms;

    if (age < TLS_TICKET_ROTATE_MS)
        return;
    k->previous = k->present;
    make_key(&k->present);
    if (age >= 2 * (uint64_t)TLS_TICKET_ROTATE_MS)
        make_key(&k->previous); /* nobody came for long: the old one has had its time */
    k->made_ms = now;
}

/* The key to seal with. */
static void copy_present(struct tls_ticket_keys *k, struct ticket_key *out)
{
    pthread_mutex_lock(&k->lock);
    rotate(k);
    *out = k->present;
    pthread_mutex_unlock(&k->lock);
}

/* The key with this name. */
static int copy_named(struct tls_ticket_keys *k, const unsigned char name[NAME_LEN],
                      struct ticket_key *out)
{
    int result = TICKET_UNKNOWN;

    pthread_mutex_lock(&k->lock);
    rotate(k);
    if (memcmp(name, k->present.name, NAME_LEN) == 0) {
        *out = k->present;
        result = TICKET_OK;
    } else if (memcmp(name, k->previous.name, NAME_LEN) == 0) {
        *out = k->previous;
        result = TICKET_OK_RENEW;
    }
    pthread_mutex_unlock(&k->lock);
    return result;
}

static bool set_mac_key(EVP_MAC_CTX *mac, struct ticket_key *key)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, SECRET_LEN),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

static int on_ticket(SSL *ssl, unsigned char name[NAME_LEN], unsigned char iv[EVP_MAX_IV_LENGTH],
                     EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int is_new)
{
    struct tls_ticket_keys *k = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), context_index);
    struct ticket_key key;
    int result = TICKET_OK;
    int ok;

    invariant(k != NULL && k->magic == KEYS_MAGIC);
    if (is_new != 0) {
        copy_present(k, &key);
        memcpy(name, key.name, NAME_LEN);
        ok = RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1 &&
             EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv) == 1;
    } else {
        result = copy_named(k, name, &key);
        if (result == TICKET_UNKNOWN)
            return result;
        if (SSL_version(ssl) >= TLS1_3_VERSION)
            result = TICKET_OK_RENEW; /* clients use a ticket of TLS 1.3 once: RFC 8446 C.4 */
        ok = EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv) == 1;
    }
    if (!ok || !set_mac_key(mac, &key))
        result = TICKET_FAILED;
    OPENSSL_cleanse(&key, sizeof(key));
    return result;
}

static void on_context_freed(void *parent, void *value, CRYPTO_EX_DATA *data, int index,
                             long number, void *pointer)
{
    struct tls_ticket_keys *k = value;

    (void)parent, (void)data, (void)index, (void)number, (void)pointer;
    tls_ticket_keys_unref(&k);
}

static void make_index(void)
{
    context_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, on_context_freed);
    invariant(context_index >= 0);
}

void tls_ticket_keys_attach(struct tls_ticket_keys *k, struct ssl_ctx_st *context)
{
    invariant(k->magic == KEYS_MAGIC);
    invariant(pthread_once(&index_once, make_index) == 0);
    invariant(SSL_CTX_get_ex_data(context, context_index) == NULL);
    atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
    invariant(SSL_CTX_set_ex_data(context, context_index, k) == 1);
    invariant(SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket) == 1);
}
