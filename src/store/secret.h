/*
 * Secrets: encryption at rest under a key file of mode 0600, digests to compare credentials by, and
 * authentication codes under them.
 *
 * libsodium is known here only. The key is read once and never changes while the program runs;
 * after that any thread. Source: open-api.md 3; a stolen registry without the key file gives no
 * secret away
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

enum {
    SECRET_DIGEST_LEN = 16,
    SECRET_SEALED_OVERHEAD = 40, /* nonce and tag */
    SECRET_HASH_LEN = 32,
    SECRET_MAC_TEXT_LEN = 43,  /* 32 bytes in base64url without padding */
    SECRET_MAC_BASE64_LEN = 44 /* and in base64 */
};

/** What a running server keeps of a secret: enough to check a candidate, no way back to the text.
 */
struct secret_digest {
    uint8_t bytes[SECRET_DIGEST_LEN];
};

/** What HMAC-SHA256 has made of a secret as its key: enough to compute and check authentication
 * codes under it, no way back to the text. */
struct secret_mac_key {
    uint64_t states[26]; /* of the inner and the outer hash, the key absorbed */
};

struct secret_key;

/** Prepares libsodium; once, at start. */
enum status secret_init(void) MUST_CHECK;

/** True when the directory has a key file, whatever is in it: what is sealed already needs that
 * very key. */
bool secret_key_exists(const char *data_dir);

/** Reads `<data_dir>/secret.key`, or makes it (mode 0600) when the directory has none. Errors:
 * ST_IO, ST_CORRUPT (length, mode open to others). */
enum status secret_key_open(const char *data_dir, struct secret_key **out) MUST_CHECK;
/** Wipes and frees. */
void secret_key_close(struct secret_key **key);

/** Appends nonce and ciphertext; `context` (such as "project/<id>/main") is bound to it, so that
 * rows cannot be swapped. */
void secret_seal(const struct secret_key *key, struct slice context, struct slice plain,
                 struct buffer *out);
/** Appends the plain text. Errors: ST_CORRUPT. */
enum status secret_unseal(const struct secret_key *key, struct slice context, struct slice sealed,
                          struct buffer *out) MUST_CHECK;

/** A keyed digest (key random per process) of any bytes. */
struct secret_digest secret_digest_of(struct slice text);

/** Compares in constant time. */
bool secret_digest_equal(const struct secret_digest *a, const struct secret_digest *b);

/** Prepares a secret as the key of authentication codes. Wipe it when it is needed no more. */
struct secret_mac_key secret_mac_key_of(struct slice secret);

/** Writes HMAC-SHA256(secret, message) in base64url without padding, and a zero byte. The message
 * is given in parts, which are joined. Source: RFC 2104, RFC 4648 section 5 */
void secret_mac_write(const struct secret_mac_key *key, const struct slice *parts, size_t count,
                      char out[SECRET_MAC_TEXT_LEN + 1]);

/** The same in base64 with padding. Source: RFC 4648 section 4 */
void secret_mac_write_base64(const struct secret_mac_key *key, const struct slice *parts,
                             size_t count, char out[SECRET_MAC_BASE64_LEN + 1]);

/** Writes bytes in base64 with padding, and a zero byte; `room` bytes must be enough. */
void secret_base64(struct slice bytes, char *out, size_t room);

/** A hash to keep of a token of ours, which is random enough not to be guessed (a password is not:
 * secret_password.h). */
void secret_hash(struct slice token, uint8_t out[SECRET_HASH_LEN]);

/** A mac under the key file's key, for what we give out and want to know again, also after a
 * restart; `context` keeps one use from being taken for another. */
void secret_mac(const struct secret_key *key, const char *context, struct slice text,
                uint8_t out[SECRET_HASH_LEN]);

/** Compares bytes in constant time; their lengths are no secret. */
bool secret_equal(struct slice a, struct slice b);

/** Overwrites memory in a way that the compiler keeps. */
void secret_wipe(void *data, size_t len);
