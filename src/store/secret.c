/*
 * Secrets with libsodium: XChaCha20-Poly1305 with a random nonce for what is kept, keyed BLAKE2b
 * for what is compared, HMAC-SHA256 for what others compute with them.
 *
 * The nonce is 24 bytes, so random ones do not meet in any number of rows. The key lies in guarded,
 * locked memory. The digests' key is made anew in each process: digests are never written.
 */
#include "store/secret.h"

#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#include "base/invariant.h"
#include "base/mem.h"
#include "store/private_file.h"

enum {
    KEY_LEN = crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
    NONCE_LEN = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG_LEN = crypto_aead_xchacha20poly1305_ietf_ABYTES
};
_Static_assert(SECRET_SEALED_OVERHEAD == NONCE_LEN + TAG_LEN, "as the header says");
_Static_assert(sizeof(struct secret_mac_key) == sizeof(crypto_auth_hmacsha256_state),
               "room for both hashes");
_Static_assert(SECRET_MAC_TEXT_LEN + 1 ==
                   sodium_base64_ENCODED_LEN(crypto_auth_hmacsha256_BYTES,
                                             sodium_base64_VARIANT_URLSAFE_NO_PADDING),
               "a code as text");
_Static_assert(SECRET_DIGEST_LEN >= crypto_generichash_BYTES_MIN, "a digest that BLAKE2b gives");

struct secret_key {
    uint8_t *bytes; /* owned: KEY_LEN bytes of sodium_malloc */
};

static uint8_t digest_key[crypto_generichash_KEYBYTES];
static bool is_ready;

enum status secret_init(void)
{
    if (sodium_init() < 0)
        return ST_IO;
    if (!is_ready)
        randombytes_buf(digest_key, sizeof(digest_key));
    is_ready = true;
    return ST_OK;
}

static bool key_path(const char *data_dir, char path[PATH_MAX])
{
    return snprintf(path, PATH_MAX, "%s/secret.key", data_dir) < PATH_MAX;
}

bool secret_key_exists(const char *data_dir)
{
    char path[PATH_MAX];

    return key_path(data_dir, path) && access(path, F_OK) == 0;
}

/* Puts a new key at `path`; another process may be first, then its key is the key. */
static enum status make_key(const char *path)
{
    uint8_t bytes[KEY_LEN];
    enum status st;

    randombytes_buf(bytes, sizeof(bytes));
    st = private_file_create(path, slice_make(bytes, sizeof(bytes)));
    sodium_memzero(bytes, sizeof(bytes));
    return st == ST_EXISTS ? ST_OK : st;
}

enum status secret_key_open(const char *data_dir, struct secret_key **out)
{
    struct buffer content = {0};
    char path[PATH_MAX];
    enum status st;

    invariant(is_ready);
    if (!key_path(data_dir, path))
        return ST_IO;
    st = private_file_read(path, KEY_LEN, &content);
    if (st == ST_NOT_FOUND) {
        st = make_key(path);
        if (st == ST_OK)
            st = private_file_read(path, KEY_LEN, &content);
    }
    if (st == ST_TOO_LARGE || st == ST_REFUSED || (st == ST_OK && content.len != KEY_LEN))
        st = ST_CORRUPT;
    if (st == ST_OK) {
        *out = mem_new_of(MEM_BASE, struct secret_key);
        (*out)->bytes = sodium_malloc(KEY_LEN);
        invariant((*out)->bytes != NULL);
        memcpy((*out)->bytes, content.data, KEY_LEN);
        (void)sodium_mprotect_readonly((*out)->bytes);
    }
    secret_wipe(content.data, content.len);
    buffer_deinit(&content);
    return st == ST_OK || st == ST_CORRUPT ? st : ST_IO;
}

void secret_key_close(struct secret_key **key)
{
    if (*key == NULL)
        return;
    sodium_free((*key)->bytes); /* wipes */
    mem_free(*key);
    *key = NULL;
}

void secret_seal(const struct secret_key *key, struct slice context, struct slice plain,
                 struct buffer *out)
{
    uint8_t *nonce = buffer_reserve(out, SECRET_SEALED_OVERHEAD + plain.len);

    randombytes_buf(nonce, NONCE_LEN);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + NONCE_LEN, NULL, plain.data, plain.len,
                                                     context.data, context.len, NULL, nonce,
                                                     key->bytes);
    out->len += SECRET_SEALED_OVERHEAD + plain.len;
}

enum status secret_unseal(const struct secret_key *key, struct slice context, struct slice sealed,
                          struct buffer *out)
{
    size_t plain_len;
    uint8_t *plain;

    if (sealed.len < SECRET_SEALED_OVERHEAD)
        return ST_CORRUPT;
    plain_len = sealed.len - SECRET_SEALED_OVERHEAD;
    plain = buffer_reserve(out, plain_len);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, sealed.data + NONCE_LEN,
                                                   sealed.len - NONCE_LEN, context.data,
                                                   context.len, sealed.data, key->bytes) != 0)
        return ST_CORRUPT;
    out->len += plain_len;
    return ST_OK;
}

struct secret_digest secret_digest_of(struct slice text)
{
    struct secret_digest digest;

    invariant(is_ready);
    (void)crypto_generichash(digest.bytes, sizeof(digest.bytes), text.data, text.len, digest_key,
                             sizeof(digest_key));
    return digest;
}

/* The hashes keep the block that they took in last, which is the key: only what became of it may
 * stay. */
struct secret_mac_key secret_mac_key_of(struct slice secret)
{
    crypto_auth_hmacsha256_state hmac;
    struct secret_mac_key key;

    (void)crypto_auth_hmacsha256_init(&hmac, secret.data, secret.len);
    sodium_memzero(hmac.ictx.buf, sizeof(hmac.ictx.buf));
    sodium_memzero(hmac.octx.buf, sizeof(hmac.octx.buf));
    memcpy(key.states, &hmac, sizeof(key.states));
    sodium_memzero(&hmac, sizeof(hmac));
    return key;
}

static void make_mac(const struct secret_mac_key *key, const struct slice *parts, size_t count,
                     uint8_t mac[crypto_auth_hmacsha256_BYTES])
{
    crypto_auth_hmacsha256_state hmac;

    memcpy(&hmac, key->states, sizeof(hmac));
    for (size_t i = 0; i < count; i++)
        (void)crypto_auth_hmacsha256_update(&hmac, parts[i].data, parts[i].len);
    (void)crypto_auth_hmacsha256_final(&hmac, mac);
    sodium_memzero(&hmac, sizeof(hmac));
}

void secret_mac_write(const struct secret_mac_key *key, const struct slice *parts, size_t count,
                      char out[SECRET_MAC_TEXT_LEN + 1])
{
    uint8_t mac[crypto_auth_hmacsha256_BYTES];

    make_mac(key, parts, count, mac);
    (void)sodium_bin2base64(out, SECRET_MAC_TEXT_LEN + 1, mac, sizeof(mac),
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

void secret_mac_write_base64(const struct secret_mac_key *key, const struct slice *parts,
                             size_t count, char out[SECRET_MAC_BASE64_LEN + 1])
{
    uint8_t mac[crypto_auth_hmacsha256_BYTES];

    make_mac(key, parts, count, mac);
    secret_base64(slice_make(mac, sizeof(mac)), out, SECRET_MAC_BASE64_LEN + 1);
}

void secret_base64(struct slice bytes, char *out, size_t room)
{
    invariant(room >= sodium_base64_ENCODED_LEN(bytes.len, sodium_base64_VARIANT_ORIGINAL));
    (void)sodium_bin2base64(out, room, bytes.data, bytes.len, sodium_base64_VARIANT_ORIGINAL);
}

bool secret_equal(struct slice a, struct slice b)
{
    return a.len == b.len && sodium_memcmp(a.data, b.data, a.len) == 0;
}

bool secret_digest_equal(const struct secret_digest *a, const struct secret_digest *b)
{
    return sodium_memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

void secret_hash(struct slice token, uint8_t out[SECRET_HASH_LEN])
{
    (void)crypto_generichash(out, SECRET_HASH_LEN, token.data, token.len, NULL, 0);
}

/* The key file's key is for sealing; each use of macs has a key of its own, derived from it. */
void secret_mac(const struct secret_key *key, const char *context, struct slice text,
                uint8_t out[SECRET_HASH_LEN])
{
    uint8_t mac_key[crypto_generichash_KEYBYTES];

    (void)crypto_generichash(mac_key, sizeof(mac_key), (const uint8_t *)context, strlen(context),
                             key->bytes, KEY_LEN);
    (void)crypto_generichash(out, SECRET_HASH_LEN, text.data, text.len, mac_key, sizeof(mac_key));
    sodium_memzero(mac_key, sizeof(mac_key));
}

void secret_wipe(void *data, size_t len)
{
    if (len > 0)
        sodium_memzero(data, len);
}
